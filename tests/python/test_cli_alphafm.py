"""A team replaces alphaFM's binaries by name and nothing else: flags, files, output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fmtrain import FTRLModel

TRAIN = b"1 a:1 b:2\n0 a:1 c:0.5\n1 b:1 c:1\n-1 a:1 b:0\n"


def fmtrain(*words: str, stdin: bytes = b"", code: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "fmtrain", *words], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == code, done.stderr.decode()
    return done


def rows(path: Path) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in path.read_text().splitlines()}


def test_fm_train_text(tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    fmtrain("fm_train", "-m", str(path), "-dim", "1,1,2", "-init_stdev", "0.01", "-w_alpha", "0.1",
            "-w_beta", "1", "-w_l1", "0.01", "-w_l2", "1", "-v_alpha", "0.1", "-v_beta", "1",
            "-v_l1", "0", "-v_l2", "1", "-core", "2", "-fvs", "0", "-mnt", "double",
            stdin=TRAIN)  # fmt: skip
    found = rows(path)
    assert {name: len(numbers) for name, numbers in found.items()} == {
        "bias": 3, "a": 9, "b": 9, "c": 9}  # fmt: skip
    # z and n, w from the final state.
    trained = FTRLModel(factors=2, init_stdev=0.01, alpha=0.1, l1=0.01, l2=1, v_alpha=0.1, v_l1=0,
                        v_l2=1).fit_stream([TRAIN])  # fmt: skip
    _, w, _ = trained.weights(["a", "b", "c"])
    assert [float(found[name][0]) for name in "abc"] == pytest.approx(w.tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("width", "number_bytes"), [("double", b"8(double)"), ("float", b"4(float)")]
)
def test_binary_round_trip(tmp_path: Path, width: str, number_bytes: bytes) -> None:
    text, binary, back = (tmp_path / name for name in ("m.txt", "m.bin", "back.txt"))
    fmtrain("fm_train", "-m", str(text), "-dim", "1,1,2", stdin=TRAIN)
    fmtrain("model_bin_tool", "-task", "4", "-im", str(text), "-om", str(binary), "-dim", "2",
            "-mnt", width)  # fmt: skip
    info = fmtrain("model_bin_tool", "-task", "1", "-im", str(binary)).stdout
    assert b"number_byte_length: " + number_bytes in info
    assert b"feature_num: 4\n" in info
    fmtrain("model_bin_tool", "-task", "2", "-im", str(binary), "-om", str(back))
    assert rows(back) == rows(text)
    assert fmtrain("model_bin_tool", "-task", "2", "-im", str(binary)).stdout == back.read_bytes()


def test_task_3_drops_zero_features(tmp_path: Path) -> None:
    text, binary = tmp_path / "m.txt", tmp_path / "m.bin"
    text.write_text("bias 0.5 1 -1\na 0 0.5 0.01\nb 0.25 1 -2\n")
    fmtrain("model_bin_tool", "-task", "4", "-im", str(text), "-om", str(binary), "-dim", "0")
    out = fmtrain("model_bin_tool", "-task", "3", "-im", str(binary)).stdout
    assert out == b"bias 0.5 1 -1\nb 0.25 1 -2\n"


def test_continue_and_predict(tmp_path: Path) -> None:
    first, second, out = (tmp_path / name for name in ("1.txt", "2.bin", "p.txt"))
    fmtrain("fm_train", "-m", str(first), "-dim", "1,1,0", stdin=TRAIN)
    fmtrain("fm_train", "-m", str(second), "-mf", "bin", "-im", str(first), "-imf", "txt",
            "-dim", "1,1,0", stdin=TRAIN)  # fmt: skip
    fmtrain("fm_predict", "-m", str(second), "-mf", "bin", "-dim", "0", "-core", "3",
            "-out", str(out), stdin=TRAIN)  # fmt: skip
    lines = out.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "-1", "1", "-1"]
    whole = FTRLModel(factors=0).fit_stream([TRAIN + TRAIN])
    expected = whole.predict_proba(["a:1 b:2", "a:1 c:0.5", "b:1 c:1", "a:1"])[:, 1]
    assert [float(line.split()[1]) for line in lines] == pytest.approx(expected.tolist(), abs=2e-6)


def test_output_path_is_checked_before_training(tmp_path: Path) -> None:
    done = fmtrain("fm_train", "-m", str(tmp_path / "no" / "m.txt"), stdin=TRAIN, code=1)
    assert b"cannot write: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fm_train", "-x", "1"], b"fm_train has no flag -x"),
        (["fm_train", "-m"], b"-m needs a value"),
        (["fm_train"], b"-m is needed"),
        (["fm_train", "-m", "m.txt", "-dim", "1,1"], b"dim = 1,1 is not allowed"),
        (["fm_train", "-m", "m.txt", "-mf", "csv"], b"model_format = csv is not allowed"),
        (["fm_train", "-m", "m.txt", "-w_alpha", "x"], b"alpha = x is not a number"),
        (["fm_train", "-m", "m.txt", "-w_alpha", "0"], b"alpha = 0"),
        (["model_bin_tool", "-im", "m.bin"], b"-task is needed"),
        (["model_bin_tool", "-task", "5", "-im", "m.bin"], b"task = 5 is not allowed"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: list[str], message: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fmtrain", *words], input=TRAIN, capture_output=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert message in done.stderr
