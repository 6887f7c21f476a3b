"""Every kind of source gives its bytes whole, or says that it broke off."""

from __future__ import annotations

import gzip
import io
import os
import shutil
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
from fmtrain.data.sources import open_sources
from fmtrain.errors import (
    BadInputError,
    BrokenInputError,
    FileError,
    ParameterError,
)

Cli = Callable[..., CompletedProcess[bytes]]
TEXT = b"".join(b"%d user:%d ad%d:2\n" % (i % 2, i, i % 7) for i in range(40))
NOBODY = 65534


def content(source: Any) -> bytes:
    """All bytes of a source, as the core gets them."""
    parts = []
    for one in open_sources(source):
        with one.open() as data:
            parts += iter(lambda fd=data: os.read(fd, 1000), b"") if isinstance(data, int) else data
    return b"".join(parts)


def small_model() -> FTRLModel:
    return FTRLModel(factors=0)


def labels(source: Any) -> list[float]:
    """The labels of a source's samples, in the order in which they came."""
    model = small_model().fit_stream([b"1 a"])
    return [float(label) for label in model.predict_stream(source).label]


# ---- files and globs ----


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    for name, line in {"b": b"0 x\n", "a": b"1 x\n", "c": b"0.5 x"}.items():
        (tmp_path / name).write_bytes(line)
    paths = [tmp_path / "b", str(tmp_path / "c"), tmp_path / "a"]
    assert labels(paths) == [0, 0.5, 1]
    assert labels(tuple(paths)) == [0, 0.5, 1]


def test_a_glob_is_read_in_order_of_names(tmp_path: Path) -> None:
    for name in ("part-2", "part-10", "part-1", "other"):
        (tmp_path / name).write_text(f"0.{name[-1]} x\n")
    (tmp_path / "part-1").write_text("1 x\n")
    assert labels(str(tmp_path / "part-*")) == [1, 0, pytest.approx(0.2)]


def test_a_file_named_like_a_glob_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "day[1]").write_bytes(b"1 x\n")
    (tmp_path / "day1").write_bytes(b"0 x\n")
    assert content(str(tmp_path / "day[1]")) == b"1 x\n"


def test_a_glob_without_a_match_is_an_error(tmp_path: Path) -> None:
    pattern = str(tmp_path / "part-*.gz")
    with pytest.raises(FileError, match=r"part-\*\.gz: cannot read: no file matches"):
        open_sources(pattern)


def test_files_that_cannot_be_read_are_found_before_anything_is_read(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(TEXT)
    for bad, reason in {tmp_path / "none": "No such file", tmp_path: "is a directory"}.items():
        model = small_model()
        with pytest.raises(FileError) as raised:
            model.fit_stream([good, bad])
        assert str(bad) in str(raised.value)
        assert reason in str(raised.value)
        assert len(model) == 0


@contextmanager
def without_privileges() -> Iterator[Path]:
    """A folder that anyone may enter; root is nobody inside, for root may read everything."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = os.getuid() == 0
    try:
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        shutil.rmtree(folder)


def test_an_unreadable_file_is_named() -> None:
    with without_privileges() as folder:
        path = folder / "secret"
        path.write_bytes(TEXT)
        path.chmod(0)
        if os.getuid() == 0:
            os.setresuid(NOBODY, NOBODY, 0)
        with pytest.raises(FileError, match="secret: cannot read: Permission denied"):
            open_sources(path)


def test_a_file_that_is_gone_when_its_turn_comes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    path.write_bytes(TEXT)
    [source] = open_sources(path)
    path.unlink()
    with pytest.raises(FileError, match="gone: cannot read: No such file"), source.open():
        pass


@pytest.mark.parametrize("name", ["samples", "samples.gz"])
def test_a_disk_that_fails_while_it_is_read_is_named(tmp_path: Path, name: str) -> None:
    # Reading this file fails with EIO, as a broken disk does.
    path = tmp_path / name
    path.symlink_to("/proc/self/mem")
    if not os.access(path, os.R_OK):
        pytest.skip("needs a readable /proc/self/mem")
    with pytest.raises(FileError, match=f"{name}: cannot read: Input/output error"):
        small_model().fit_stream(path)


def test_bad_lines_are_numbered_within_their_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1 x\n0 y")
    (tmp_path / "b").write_bytes(b"1 x\n1 x:z\n")
    model = small_model().fit_stream(str(tmp_path / "?"), max_bad_ratio=1)
    [bad] = model.report_.log["examples"]
    assert (bad["source"], bad["line"], bad["column"]) == (str(tmp_path / "b"), 2, 5)
    assert model.report_.log["sample"] == 3


def test_a_path_that_is_no_utf8_is_read_and_written(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(path).write_bytes(TEXT)
    model = small_model().fit_stream(path, save_to=path + ".fmt")
    assert len(FTRLModel.load(path + ".fmt")) == len(model) > 0


# ---- pipes and commands ----


def test_stdin_is_a_pipe_or_a_file(tmp_path: Path, fmtrain_cli: Cli) -> None:
    def trained(*source: str, **stdin: Any) -> bytes:
        model = tmp_path / "m.fmt"
        command = [sys.executable, "-m", "fmtrain", "fit", *source, "--model", model]
        subprocess.run([*command, "--threads", "1"], check=True, capture_output=True, **stdin)
        return model.read_bytes()

    (tmp_path / "samples").write_bytes(TEXT)
    from_file = trained(str(tmp_path / "samples"))
    assert trained(input=TEXT) == from_file
    assert trained("-", input=TEXT) == from_file
    with open(tmp_path / "samples", "rb") as file:
        assert trained(stdin=file) == from_file


def test_a_fifo_is_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(TEXT + b"1 cut",))
    writer.start()
    model = small_model().fit_stream(path)
    writer.join()
    assert model.report_.log["sample"] == 41
    [warning] = model.report_.warnings
    assert "ended inside a line" in warning
    with pytest.raises(ParameterError, match="can be read only once"):
        model.fit_stream(path, epochs=2)


def test_a_command_is_read_again_for_every_epoch(tmp_path: Path) -> None:
    model = small_model().fit_stream(f"exec:echo >> '{tmp_path}/runs'; echo 1 a", epochs=3)
    assert (tmp_path / "runs").read_bytes() == b"\n\n\n"
    assert model._native.samples == 3


@pytest.mark.parametrize("end", ["exit 3", "kill -9 $$", "no-such-command-at-all"])
def test_a_command_that_fails_broke_off(tmp_path: Path, end: str) -> None:
    target = tmp_path / "m.fmt"
    model = small_model()
    with pytest.raises(BrokenInputError, match="failed with exit code") as raised:
        model.fit_stream(f"exec:echo 1 a; {end}", save_to=str(target))
    assert end in str(raised.value)
    assert f"{target}.partial" in str(raised.value)
    assert not target.exists()
    assert FTRLModel.load(f"{target}.partial")._native.samples == 1


def test_a_broken_input_leaves_the_model_alone(tmp_path: Path, fmtrain_cli: Cli) -> None:
    target = tmp_path / "m.fmt"
    assert fmtrain_cli("fit", "--model", target, stdin=TEXT).returncode == 0
    before = target.read_bytes()
    cut = tmp_path / "cut.gz"
    many = b"".join(b"%d a%d\n" % (i % 2, i * i) for i in range(100_000))
    cut.write_bytes(gzip.compress(many)[:-300])
    for source in ("exec:printf '1 a\\n0 b\\n'; exit 7", str(cut)):
        done = fmtrain_cli("fit", source, "--model", target)
        assert done.returncode == 4, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"m.fmt.partial" in done.stderr
        assert target.read_bytes() == before
        partial = FTRLModel.load(f"{target}.partial")
        assert 0 < partial._native.samples < 100_000
        Path(f"{target}.partial").unlink()
        done = fmtrain_cli("predict", source, "--model", target, "--out", tmp_path / "out")
        assert done.returncode == 4, done.stderr
        assert not (tmp_path / "out").exists()


def test_an_endless_command_is_stopped_with_its_run(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"exec:echo $$ > '{pid}'; exec yes junk"
    with pytest.raises(BadInputError):
        small_model().fit_stream(command, progress=lambda _: None, progress_seconds=0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# ---- Python's own ----


@pytest.mark.parametrize(
    "items",
    [
        [b"1 a\n", b"0 b\n", b"1 c\n"],
        [b"1 a", b"0 b", b"1 c"],
        [b"1 a\n0 b\n1 c"],
        (line for line in ["1 a", "0 b", "1 c"]),
        (bytearray(line) for line in (b"1 a", b"0 b", b"1 c")),
        io.BytesIO(b"1 a\n0 b\n1 c"),
        io.StringIO("1 a\n0 b\n1 c\n"),
        map(str.strip, ["1 a ", "0 b", " 1 c"]),
    ],
    ids=["lines", "bare", "block", "str", "bytearray", "BytesIO", "StringIO", "map"],
)
def test_python_objects(items: Any) -> None:
    model = small_model().fit_stream(items)
    assert model.report_.log["sample"] == 3
    assert len(model) == 3


def test_an_open_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "samples").write_bytes(TEXT)
    with open(tmp_path / "samples", "rb") as file:
        file.readline()
        model = small_model().fit_stream(file)
    assert model.report_.log["sample"] == 39


def test_names_of_str_lines_are_their_utf8() -> None:
    model = small_model().fit_stream(iter(["1 größe", "1 raw\udcff"]))
    assert model.weights(["größe", b"gr\xc3\xb6\xc3\x9fe", b"raw\xff"])[0].all()


@pytest.mark.parametrize(
    "items", [[1, 2, 3], [b"1 a", 5], [None], [b"1 a", ("0 b",)], {"1 a": 1.5}.values()]
)
def test_items_that_are_no_lines_are_refused(items: Any) -> None:
    # bytes(3) is three zero bytes: silence would make junk of numbers.
    with pytest.raises(ParameterError, match=r"an? (int|NoneType|tuple|float)"):
        small_model().fit_stream(items, max_bad_ratio=1)


@pytest.mark.parametrize("source", [5, None, b"1 a", 1.5])
def test_what_is_no_source_is_refused(source: Any) -> None:
    with pytest.raises(ParameterError, match=f"source is a {type(source).__name__}"):
        small_model().fit_stream(source)


def test_what_an_iterable_raises_comes_through_and_what_was_learned_stands() -> None:
    def lines() -> Iterator[bytes]:
        for i in range(300_000):
            yield b"%d a%d" % (i % 2, i % 100)
        raise RuntimeError("the consumer lost its broker")

    model = small_model()
    with pytest.raises(RuntimeError, match="lost its broker"):
        model.fit_stream(lines())
    assert len(model) == 100
    assert model.predict_stream([b"1 a1"]).score[0] != 0


def test_epochs_need_a_source_that_can_be_read_again() -> None:
    taken = []

    def lines() -> Iterator[bytes]:
        taken.append(1)
        yield b"1 a"

    for once in (lines(), io.BytesIO(b"1 a\n")):
        with pytest.raises(ParameterError, match=r"read only once: epochs > 1"):
            small_model().fit_stream(once, epochs=2)
    assert not taken
    assert small_model().fit_stream([b"1 a", b"0 b"], epochs=3)._native.samples == 6
