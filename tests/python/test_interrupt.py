"""A run that is stopped ends at a sample's end and keeps what it learned."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fmtrain import FTRLModel

FMTRAIN = [sys.executable, "-m", "fmtrain"]
BLOCK = b"".join(b"%d user%d ad%d b\n" % (i % 2, i % 97, i % 13) for i in range(1000))
signals = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


class Running:
    """A command whose standard input never ends; what it prints is collected."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        command = [*FMTRAIN, *map(str, arguments)]
        self.process = subprocess.Popen(command, **{**pipes, **options})
        self.out = b""
        self.err = b""
        self.fed = 0
        self.ended = threading.Event()
        targets = [self._feed, lambda: self._collect("out"), lambda: self._collect("err")]
        self.threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in self.threads:
            thread.start()

    def _feed(self) -> None:
        assert self.process.stdin is not None
        try:
            while not self.ended.is_set():
                self.process.stdin.write(BLOCK)
                self.fed += 1
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def _collect(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        for data in iter(lambda: os.read(stream.fileno(), 65536), b"") if stream else ():
            setattr(self, name, getattr(self, name) + data)

    def wait_until_it_reads(self) -> None:
        # The pipe holds less than a hundred blocks: more were taken out of it.
        self._wait_until_fed(100)

    def wait_until_it_learns(self) -> None:
        # Two workers' queue and hands hold less than a dozen chunks of 512 KiB, which are less than
        # 500 blocks: more were learned.
        self._wait_until_fed(1000)

    def _wait_until_fed(self, blocks: int) -> None:
        until = time.monotonic() + 20
        while self.fed < blocks and time.monotonic() < until:
            time.sleep(0.01)
        assert self.fed >= blocks

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """The exit code."""
        try:
            code = self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.ended.set()
            for thread in self.threads:
                thread.join(timeout=5)
        return code


@contextmanager
def running(*arguments: Any, **options: Any) -> Iterator[Running]:
    run = Running(*arguments, **options)
    try:
        yield run
    finally:
        run.process.kill()
        run.end()


def samples_said(out: bytes) -> int:
    found = re.search(rb"^samples:\s+([0-9,]+)", out, re.MULTILINE)
    assert found is not None, out
    return int(found[1].replace(b",", b""))


# ---- fit ----


@signals
@pytest.mark.parametrize("threads", [1, 2])
def test_fit_saves_what_it_learned(tmp_path: Path, number: int, threads: int) -> None:
    target = tmp_path / "m.fmt"
    with running("fit", "--model", target, "--threads", threads, "--factors", 2) as run:
        run.wait_until_it_learns()
        run.send(number)
        assert run.end() == 128 + number
    model = FTRLModel.load(target)
    assert 0 < model._native.samples == samples_said(run.out)
    assert len(model) == 97 + 13 + 1
    assert model._native.weight_sum == model._native.samples
    assert f"by signal {number:d}, at a sample's end" in run.out.decode()
    assert b"Traceback" not in run.err
    assert os.listdir(tmp_path) == ["m.fmt"]


def test_a_stopped_run_is_continued_exactly(tmp_path: Path) -> None:
    # One thread takes samples in their order: what it learned is a prefix of the stream.
    target = tmp_path / "m.fmt"
    with running("fit", "--model", target, "--threads", 1, "--factors", 0) as run:
        run.wait_until_it_reads()
        run.send(signal.SIGINT)
        assert run.end() == 130
    samples = FTRLModel.load(target)._native.samples
    lines = BLOCK.splitlines(keepends=True)
    whole = FTRLModel(factors=0).fit_stream(
        iter([BLOCK * (samples // 1000), *lines[: samples % 1000]])
    )
    assert target.read_bytes() == whole._native.dumps()


@signals
def test_an_impatient_user_does_not_lose_the_model(tmp_path: Path, number: int) -> None:
    target = tmp_path / "m.fmt"
    # Enough names to make saving take its time.
    many = tmp_path / "many"
    many.write_bytes(b"".join(b"1 f%d\n" % i for i in range(300_000)))
    with running("fit", many, "-", "--model", target, "--factors", 8) as run:
        run.wait_until_it_reads()
        while not target.exists() and run.process.poll() is None:
            run.send(number)
            time.sleep(0.002)
        assert run.end() == 128 + number
    assert b"Traceback" not in run.err
    assert FTRLModel.load(target)._native.samples == samples_said(run.out)


@signals
def test_stopped_while_no_input_comes(tmp_path: Path, number: int) -> None:
    target = tmp_path / "m.fmt"
    read_end, write_end = os.pipe()
    os.write(write_end, b"1 a\n0 b\n1 cut off")
    log = tmp_path / "log"
    arguments = ["fit", "--model", str(target), "--log-json", str(log)]
    process = subprocess.Popen([*FMTRAIN, *arguments], stdin=read_end, stdout=subprocess.PIPE)
    os.close(read_end)
    # The file is opened when the signals are already taken care of.
    while not log.exists():
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    os.close(write_end)
    assert process.returncode == 128 + number
    # The line that has not ended yet is none.
    assert FTRLModel.load(target)._native.samples == samples_said(out) == 2


def test_killed_while_saving_leaves_the_old_model_or_the_new(tmp_path: Path) -> None:
    code = (
        "import sys; from fmtrain import FTRLModel;"
        "model = FTRLModel(names=True).fit_stream(b'1 a%d' % i for i in range(20_000));"
        "print('saving', flush=True)\n"
        "while True: model.save(sys.argv[1])"
    )
    target = tmp_path / "m.fmt"
    for pause in (0.0, 0.004, 0.011, 0.023, 0.05):
        process = subprocess.Popen([sys.executable, "-c", code, target], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"saving\n"
        time.sleep(pause)
        process.kill()
        process.wait()
        process.stdout.close()
        if target.exists():
            assert len(FTRLModel.load(target)) == 20_000
    assert target.exists()


def test_progress_that_nobody_reads_does_not_end_the_run(tmp_path: Path) -> None:
    # `fmtrain fit 2>&1 | head`: the reader is gone before the run is over.
    read_end, write_end = os.pipe()
    os.close(read_end)
    target = tmp_path / "m.fmt"
    with running("fit", "--model", target, "--factors", 0, stderr=write_end) as run:
        os.close(write_end)
        run.wait_until_it_reads()
        time.sleep(5.5)  # a line of progress comes every 5 seconds
        assert run.process.poll() is None
        run.ended.set()
        assert run.end() == 0
    assert FTRLModel.load(target)._native.samples == 1000 * run.fed


# ---- predict and the others ----


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.fmt"
    FTRLModel(factors=0).fit_stream(iter([BLOCK]), save_to=str(path))
    return path


@signals
def test_a_stopped_prediction_leaves_nothing_behind(
    tmp_path: Path, model: Path, number: int
) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"of yesterday")
    with running("predict", "--model", model, "--out", out) as run:
        run.wait_until_it_reads()
        run.send(number)
        assert run.end() in (128 + number, -number)
    assert b"Traceback" not in run.err
    assert os.listdir(tmp_path) == ["out"]
    assert out.read_bytes() == b"of yesterday"


def test_ctrl_c_ends_a_prediction_quietly(model: Path) -> None:
    with running("predict", "--model", model) as run:
        run.wait_until_it_reads()
        run.send(signal.SIGINT)
        assert run.end() in (130, -signal.SIGINT)
    assert b"Traceback" not in run.err


def test_ctrl_c_ends_a_prediction_that_nobody_reads(model: Path) -> None:
    # `fmtrain predict | less`: the worker waits for room in the pipe.
    read_end, write_end = os.pipe()
    with running("predict", "--model", model, stdout=write_end) as run:
        os.close(write_end)
        time.sleep(1)
        run.send(signal.SIGINT)
        code = run.end()
    os.close(read_end)
    assert code in (130, -signal.SIGINT)


@pytest.mark.parametrize("command", ["predict --model '{model}'", "synth --samples 300000"])
def test_head_ends_a_command_quietly(model: Path, command: str, tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.write_bytes(BLOCK * 50)
    filled = command.format(model=model)
    script = f"'{sys.executable}' -m fmtrain {filled} < '{samples}' | head -n 2"
    done = subprocess.run(script, shell=True, capture_output=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b""


def test_python_keeps_what_it_learned_and_says_so() -> None:
    def lines() -> Iterator[bytes]:
        for i in range(500_000):
            yield b"%d a%d" % (i % 2, i % 50)
            if i == 400_000:
                os.kill(os.getpid(), signal.SIGINT)

    model = FTRLModel(factors=0).fit_stream(lines())
    assert model.report_.interrupted == signal.SIGINT
    assert 0 < model._native.samples <= 400_001
    assert len(model) == 50
