"""fmtrain fit and predict as a user sees them: flags, progress, logs, summary, early stopping."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fmtrain import FTRLModel
from fmtrain.hyper import HYPER
from fmtrain.synth import Synth

FMTRAIN = [sys.executable, "-m", "fmtrain"]
COMMANDS = [
    "fit",
    "predict",
    "eval",
    "inspect",
    "export",
    "import",
    "diff",
    "synth",
    "fm_train",
    "fm_predict",
    "model_bin_tool",
]


def fmtrain(*words: str, stdin: bytes = b"", code: int = 0) -> tuple[str, str]:
    done = subprocess.run([*FMTRAIN, *words], input=stdin, capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def samples() -> bytes:
    return Synth(dims=2_000).text(0, 4_000)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    out, _ = fmtrain(command, "--help")
    assert "Usage" in out
    assert command in out


def test_every_hyper_parameter_is_a_flag_with_its_default() -> None:
    environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}
    out = subprocess.run(
        [*FMTRAIN, "fit", "--help"], capture_output=True, text=True, env=environment, check=True
    ).stdout
    for parameter in HYPER.values():
        assert "--" + parameter.name.replace("_", "-") in out
        assert parameter.help.split(":")[0][:40] in out
    assert re.search(r"--alpha .*0\.05", out)


def test_hyper_parameters_of_python_and_core_are_one_list() -> None:
    defaults = FTRLModel().get_params()
    assert {name: defaults[name] for name in HYPER} == {n: p.default for n, p in HYPER.items()}


def test_flags_reach_the_model(samples: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.fmt"
    flags = "--dim 0,1,2 --alpha 0.2 --bias-l1 0.5 --v-start kept --force-v-sparse --hash-seed 9"
    fmtrain("fit", "-m", str(path), *flags.split(), "--names", stdin=samples)
    model = FTRLModel.load(path)
    expected = dict(bias=False, linear=True, factors=2, alpha=0.2, bias_l1=0.5)
    expected.update(v_start="kept", force_v_sparse=True, hash_seed=9, names=True)
    assert {name: model.get_params()[name] for name in expected} == expected


def test_summary_and_json_log(samples: bytes, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    out, _ = fmtrain("fit", "-m", str(tmp_path / "m.fmt"), "--log-json", str(log),
                     stdin=samples + b"junk\n")  # fmt: skip
    for part in ("samples:         4,000", "zero weights w:", "zero rows:", "bad_label 1",
                 "reading", "parsing", "learning"):  # fmt: skip
        assert part in out
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert events[-1]["event"] == "done"
    assert events[-1]["total"]["samples"] == 4_000
    assert events[-1]["bad"] == {"bad_label": 1}


def test_progress_is_one_live_line_on_a_terminal(tmp_path: Path) -> None:
    """A slow producer keeps the run alive past the first tick."""
    line = b"1 a b\n"
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*FMTRAIN, "fit", "-m", str(tmp_path / "m.fmt")],
        stdin=subprocess.PIPE,
        stderr=terminal,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(terminal)
    assert process.stdin is not None
    shown = b""
    while b"features" not in shown:
        process.stdin.write(line)
        process.stdin.flush()
        shown += read_available(controller)
    process.stdin.close()
    assert process.wait() == 0
    assert b"samples" in shown
    assert b"AUC" in shown
    os.close(controller)


def read_available(fd: int) -> bytes:
    import select

    ready, _, _ = select.select([fd], [], [], 0.05)
    return os.read(fd, 65536) if ready else b""


def test_synth_stream_is_recognised(tmp_path: Path) -> None:
    text, _ = fmtrain("synth", "--samples", "20000", "--dims", "5000")
    out, _ = fmtrain("fit", "-m", str(tmp_path / "m.fmt"), "--factors", "0", stdin=text.encode())
    found = re.search(r"([\d.]+)% of the way from a constant to the hidden model", out)
    assert found
    assert 20 < float(found[1]) < 100


def test_early_stopping_keeps_the_best_model(tmp_path: Path) -> None:
    """A few rows learned by heart: the validation loss turns soon."""
    source = Synth(dims=100_000)
    (tmp_path / "train.txt").write_bytes(source.text(0, 3_000))
    (tmp_path / "valid.txt").write_bytes(source.text(3_000, 3_000))
    words = ["--factors", "0", "--alpha", "0.5", "--l1", "0", "--l2", "0", "--threads", "1"]
    out, _ = fmtrain("fit", str(tmp_path / "train.txt"), "-m", str(tmp_path / "m.fmt"),
                     "--valid", str(tmp_path / "valid.txt"), "--epochs", "9", "--patience", "2",
                     *words)  # fmt: skip
    epochs = re.findall(r"valid, epoch (\d+): +logloss ([\d.]+) .*?(best)?$", out, flags=re.M)
    losses = [float(loss) for _, loss, _ in epochs]
    best = losses.index(min(losses)) + 1
    assert len(epochs) == best + 2
    assert epochs[best - 1][2] == "best"
    alone, _ = fmtrain("fit", str(tmp_path / "train.txt"), "-m", str(tmp_path / "alone.fmt"),
                       "--epochs", str(best), *words)  # fmt: skip
    assert alone
    assert (tmp_path / "m.fmt").read_bytes() == (tmp_path / "alone.fmt").read_bytes()


def test_default_model_is_not_replaced_silently(tmp_path: Path, samples: bytes) -> None:
    (tmp_path / "model.fmt").write_bytes(b"precious")
    done = subprocess.run([*FMTRAIN, "fit"], input=samples, capture_output=True, cwd=tmp_path)
    assert done.returncode == 1
    assert b"model.fmt: it exists: name it with --model to replace it" in done.stderr
    assert (tmp_path / "model.fmt").read_bytes() == b"precious"


def test_predict_writes_a_file_whole(samples: bytes, tmp_path: Path) -> None:
    model, out = tmp_path / "m.fmt", tmp_path / "p.txt"
    fmtrain("fit", "-m", str(model), stdin=samples)
    fmtrain("predict", "-m", str(model), "--out", str(out), stdin=samples)
    assert len(out.read_bytes().splitlines()) == 4_000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.fmt", "p.txt"]
