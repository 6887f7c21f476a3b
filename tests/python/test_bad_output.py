"""What cannot work is found out before anything is read, and a full disk does not cost the run."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from fmtrain import FTRLModel
from fmtrain.errors import FileError

Cli = Callable[..., CompletedProcess[bytes]]
TEXT = b"1 a b\n0 b c\n" * 2000
NOBODY = 65534


def run_on_endless_stdin(*arguments: Any, **options: Any) -> tuple[int, str]:
    """Exit code and standard error of a command that must not touch its input, a live pipe."""
    read_end, write_end = os.pipe()
    os.write(write_end, TEXT)
    done = subprocess.run(
        [sys.executable, "-m", "fmtrain", *map(str, arguments)],
        stdin=read_end,
        capture_output=True,
        timeout=10,
        check=False,
        **options,
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as rest:
        assert rest.read() == TEXT, "the input was read"
    told = done.stderr.decode()
    assert "Traceback" not in told
    assert done.stdout == b""
    return done.returncode, told


def many_features(count: int) -> Iterator[bytes]:
    return (b"%d a%d" % (i % 2, i) for i in range(count))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "given.fmt"
    FTRLModel(factors=2).fit_stream(iter([TEXT]), save_to=str(path))
    return path


# ---- flags ----


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--threads 0", "threads = 0 is not allowed: give a whole number from 1 to 1024"),
        ("--threads -1", "threads = -1 is not allowed"),
        ("--threads two", "--threads"),
        ("--factors -1", "factors = -1 is not allowed: give a whole number from 0 to 1024"),
        ("--factors 1025", "factors = 1025 is not allowed"),
        ("--alpha 0", "alpha = 0.0 is not allowed: give a number from 1e-09 to 1e+09"),
        ("--alpha nan", "alpha = nan is not allowed"),
        ("--v-alpha -1", "v_alpha = -1.0 is not allowed"),
        ("--beta 0", "beta = 0.0 is not allowed"),
        ("--l1 -0.1", "l1 = -0.1 is not allowed"),
        ("--l2 inf", "l2 = inf is not allowed"),
        ("--seed -1", "seed = -1 is not allowed"),
        ("--v-start eager", "--v-start"),
        ("--max-bad-ratio 1.1", "max_bad_ratio = 1.1 is not allowed"),
        ("--max-bad-ratio nan", "max_bad_ratio = nan is not allowed"),
        ("--epochs 0", "--epochs"),
        ("--epochs 2", "stdin can be read only once: epochs > 1 needs files"),
        ("--patience 1", "needs a validation source"),
        ("--format xml", "--format"),
        ("--dim 1,1", "dim = 1,1 is not allowed: give k0,k1,k2"),
        ("--dim 0,0,0", "nothing to learn"),
        ("--no-such-flag", "--no-such-flag"),
    ],
)
def test_wrong_flags_are_wrong_usage(tmp_path: Path, flags: str, told: str) -> None:
    code, stderr = run_on_endless_stdin("fit", "--model", tmp_path / "m.fmt", *flags.split())
    assert code == 2
    assert told in stderr
    assert os.listdir(tmp_path) == []


# ---- where the model goes ----


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", "cannot write"),
        (".", "it is a directory"),
        ("folder", "folder: cannot write: it is a directory"),
        ("none/m.fmt", "none/m.fmt: cannot write: No such file or directory"),
        ("file/m.fmt", "file/m.fmt: cannot write: Not a directory"),
        ("/proc/m.fmt", "/proc/m.fmt: cannot write:"),  # not even root may
        ("n" * 300, "cannot write: File name too long"),
    ],
)
@pytest.mark.parametrize("flag", ["--model", "--bad-lines", "--log-json", "--out"])
def test_paths_that_cannot_be_written(
    tmp_path: Path, model: Path, path: str, told: str, flag: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    if flag == "--out":
        arguments = ["predict", "--model", model]
    else:
        arguments = ["fit", *([] if flag == "--model" else ["--model", "m.fmt"])]
    code, stderr = run_on_endless_stdin(*arguments, flag, path, cwd=tmp_path)
    assert code == 1
    assert "cannot write" in stderr
    if flag == "--model":
        assert told in stderr
    assert path in stderr
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_folder_without_permission_is_found_before_reading() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    try:
        if os.getuid() == 0:
            os.setresuid(NOBODY, NOBODY, 0)
        samples = iter([b"1 a"])
        for options in ({"save_to": str(folder / "m")}, {"bad_lines": str(folder / "bad")}):
            with pytest.raises(FileError, match="cannot write: Permission denied"):
                FTRLModel().fit_stream(samples, **options)
        assert next(samples) == b"1 a"
    finally:
        if os.getuid() == NOBODY:
            os.setresuid(0, 0, 0)
        shutil.rmtree(folder)


def test_a_name_that_is_no_utf8_is_a_path_like_any(tmp_path: Path, fmtrain_cli: Cli) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    path = os.fsdecode(folder + b"/m.fmt")
    done = fmtrain_cli("fit", "--model", path, stdin=TEXT)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    done = fmtrain_cli("predict", "--model", path, stdin=TEXT)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 4000)


def test_the_default_name_is_not_taken_twice(tmp_path: Path, fmtrain_cli: Cli) -> None:
    assert fmtrain_cli("fit", stdin=TEXT, cwd=tmp_path).returncode == 0
    before = (tmp_path / "model.fmt").read_bytes()
    code, told = run_on_endless_stdin("fit", cwd=tmp_path)
    assert code == 1
    assert "model.fmt: it exists: name it with --model to replace it" in told
    assert (tmp_path / "model.fmt").read_bytes() == before


def test_a_pipe_or_device_is_never_replaced_by_a_model(tmp_path: Path) -> None:
    # As root a rename would take /dev/null away from the whole machine.
    path = tmp_path / "fifo"
    os.mkfifo(path)
    code, told = run_on_endless_stdin("fit", "--model", path)
    assert code == 1
    assert "fifo: cannot write" in told
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_predictions_go_into_a_pipe_that_is_named(
    tmp_path: Path, fmtrain_cli: Cli, model: Path
) -> None:
    # `--out /dev/stdout` and `--out >(gzip > out.gz)` are of this kind.
    path = tmp_path / "fifo"
    os.mkfifo(path)
    # The test's own writing end keeps the reader from waiting for ever should nobody write.
    own_end = os.open(path, os.O_RDWR)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    done = fmtrain_cli("predict", "--model", model, "--out", path, stdin=b"1 a\n0 b\n")
    is_fifo = stat.S_ISFIFO(path.stat().st_mode)
    os.close(own_end)
    reader.join(timeout=5)
    assert done.returncode == 0
    assert is_fifo
    assert got[0].count(b"\n") == 2


def test_a_link_leads_to_its_file(tmp_path: Path, fmtrain_cli: Cli, model: Path) -> None:
    (tmp_path / "real.fmt").write_bytes(b"of yesterday")
    (tmp_path / "link.fmt").symlink_to("real.fmt")
    assert fmtrain_cli("fit", "--model", tmp_path / "link.fmt", stdin=TEXT).returncode == 0
    assert (tmp_path / "link.fmt").is_symlink()
    assert len(FTRLModel.load(tmp_path / "real.fmt")) == 3


# ---- the model to continue from ----


@pytest.mark.parametrize(
    ("content", "flags", "code", "told"),
    [
        (None, "", 1, "init.fmt: cannot read: No such file or directory"),
        (b"", "", 1, "init.fmt: not an fmtrain model (it is empty)"),
        (b"bias 0 0 0\n", "", 1, "init.fmt: not an fmtrain model"),
        ("cut", "", 1, "init.fmt: damaged model file: it ends inside"),
        ("flipped", "", 1, "init.fmt: damaged model file: the checksum"),
        ("whole", "--factors 3", 2, "factors = 3 does not fit the model, which has 2"),
        ("whole", "--seed 1", 2, "seed = 1 does not fit the model, which has 0"),
        ("whole", "--hash-seed 1", 2, "hash_seed = 1 does not fit the model, which has 0"),
        ("whole", "--names", 2, "init.fmt keeps no names"),
        ("whole", "--alpha 0", 2, "alpha = 0.0 is not allowed"),
    ],
)
def test_models_that_cannot_be_continued(
    tmp_path: Path, model: Path, content: bytes | str | None, flags: str, code: int, told: str
) -> None:
    whole = model.read_bytes()
    named = {"whole": whole, "cut": whole[:-20], "flipped": whole[:-70] + b"x" + whole[-69:]}
    start = tmp_path / "init.fmt"
    if content is not None:
        start.write_bytes(named[content] if isinstance(content, str) else content)
    arguments = ["fit", "--init-model", start, "--model", tmp_path / "m.fmt", *flags.split()]
    got, stderr = run_on_endless_stdin(*arguments)
    assert (got, told in stderr) == (code, True), stderr
    assert not (tmp_path / "m.fmt").exists()


# ---- full disks ----


def test_a_full_disk_keeps_the_old_model_and_saves_elsewhere(
    tmp_path: Path, fmtrain_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    disk.mkdir()
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    with small_disk(disk):
        target = disk / "m.fmt"
        FTRLModel().fit_stream([b"1 a"], save_to=str(target))
        before = target.read_bytes()
        text = b"\n".join(many_features(200_000))
        done = fmtrain_cli("fit", "--model", target, "--factors", 0, stdin=text)
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
        told = done.stderr.decode()
        assert f"{target}: cannot write: No space left on device" in told
        assert os.listdir(disk) == ["m.fmt"]
        assert target.read_bytes() == before
        [rescued] = elsewhere.iterdir()
        assert f"the model was saved as {rescued} instead" in told
        assert FTRLModel.load(rescued)._native.samples == 200_000
        done = fmtrain_cli("predict", "--model", rescued, "--out", disk / "out", stdin=text)
        assert done.returncode == 1
        assert b"No space left on device" in done.stderr
        assert os.listdir(disk) == ["m.fmt"]


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    """A file system of one megabyte."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(at)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_no_room_anywhere_is_one_clear_error(
    tmp_path: Path, fmtrain_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    target = tmp_path / "m.fmt"
    target.write_bytes(b"of yesterday")
    limit = 100_000

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    text = b"\n".join(many_features(50_000))
    done = fmtrain_cli("fit", "--model", target, stdin=text, preexec_fn=limit_files)
    assert done.returncode == 1
    assert done.stderr.decode() == f"fmtrain: error: {target}: cannot write: File too large\n"
    assert target.read_bytes() == b"of yesterday"
    assert sorted(os.listdir(tmp_path)) == ["m.fmt", "tmp"]
    assert os.listdir(tmp_path / "tmp") == []


@pytest.mark.parametrize("command", ["fit", "predict", "synth"])
@pytest.mark.parametrize("output", ["full", "closed"])
def test_results_that_cannot_be_printed(
    tmp_path: Path, model: Path, command: str, output: str
) -> None:
    target = tmp_path / "m.fmt"
    arguments = {
        "fit": f"--model '{target}'",
        "predict": f"--model '{model}'",
        "synth": "--samples 20000",
    }
    where = "> /dev/full" if output == "full" else ">&-"
    script = f"'{sys.executable}' -m fmtrain {command} {arguments[command]} {where}"
    done = subprocess.run(
        script, shell=True, input=TEXT, stderr=subprocess.PIPE, timeout=60, check=False
    )
    told = done.stderr.decode()
    assert "Traceback" not in told
    assert told.startswith("fmtrain: error: ")
    assert done.returncode == 1
    if output == "full":
        assert "No space left on device" in told
        assert command != "fit" or FTRLModel.load(target)._native.samples == 4000


def test_messages_to_a_closed_standard_error_are_no_results(model: Path) -> None:
    script = f"'{sys.executable}' -m fmtrain predict --model '{model}' --max-bad-ratio 1 2>&-"
    done = subprocess.run(
        script, shell=True, input=b"1 a\njunk\n", stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
