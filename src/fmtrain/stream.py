"""Drives one pass: sources -> the core's stream, with progress, Ctrl-C and the bad-line rule.

The calling thread reads (with the GIL released) and comes back a few times a second.
"""

from __future__ import annotations

import errno
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from fmtrain.data.sources import Source
from fmtrain.errors import (
    BadInputError,
    BrokenInputError,
    FileError,
    ParameterError,
    printable,
)

#: Milliseconds in the core between two looks at the clock and at signals.
BUDGET_MS = 100
#: The same, where what the workers made is taken meanwhile: about as long as the queue lasts.
DRAIN_MS = 10
#: Seconds between two progress reports.
TICK_SECONDS = 1.0
#: Lines before the bad-line rule may stop a run early.
LINES_MIN_TO_STOP = 10_000

Tick = Callable[[], None]
#: (index, count): every count-th block of packed samples, from index on.
Shard = tuple[int, int]


class Interrupted(Exception):
    """The run was stopped at a sample boundary by a signal (number in `signal`)."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


def bad_ratio(log: dict[str, Any]) -> tuple[int, int]:
    """(bad lines, lines that should have been samples)."""
    bad = int(log["bad_lines"])
    # A refused sample was parsed, so it is counted on both sides.
    refused = int(log["bad"].get("nonfinite_score", 0))
    return bad, int(log["sample"]) + bad - refused


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block is over: none may cut a save off."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda caught, _: came.append(caught))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def check_max_bad_ratio(max_bad_ratio: float) -> None:
    if not 0 <= max_bad_ratio <= 1:
        raise ParameterError(
            f"max_bad_ratio = {max_bad_ratio} is not allowed: give a number from 0 to 1"
        )


def check_threads(threads: Any) -> int:
    if not isinstance(threads, Integral) or not 1 <= int(threads) <= 1024:
        raise ParameterError(
            f"threads = {threads} is not allowed: give a whole number from 1 to 1024"
        )
    return int(threads)


def check_shard(shard: Shard | None) -> Shard | None:
    """(index, count) of the blocks to read; None for all."""
    if shard is None:
        return None
    try:
        index, count = shard
        fine = isinstance(index, int) and isinstance(count, int) and 0 <= index < count < 1 << 32
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise ParameterError(
            f"shard = {shard} is not allowed: give (I, N), I from 0 to N - 1, for every N-th block"
        )
    return shard


def check_bad_ratio(log: dict[str, Any], max_bad_ratio: float) -> None:
    bad, lines = bad_ratio(log)
    if bad > max_bad_ratio * lines:
        raise BadInputError(
            f"{bad:,} of {lines:,} lines are bad, more than max_bad_ratio = {max_bad_ratio:g} "
            f"allows; the first ones:\n{describe_examples(log)}"
        )


def describe_examples(log: dict[str, Any]) -> str:
    lines = []
    for bad in log["examples"]:
        column = f", column {bad['column']}" if bad["column"] else ""
        detail = printable(bad["detail"].decode(errors="surrogateescape"))
        shown = f": '{detail}'" if detail else ""
        lines.append(f"  {bad['source']}, line {bad['line']}{column}: {bad['text']}{shown}")
    return "\n".join(lines)


def run_pass(
    stream: Any,
    sources: Iterable[Source],
    max_bad_ratio: float = 1.0,
    tick: Tick | None = None,
    tick_seconds: float = TICK_SECONDS,
    shard: Shard | None = None,
    drain: Tick | None = None,
) -> list[str]:
    """Feeds every source to the stream and finishes it; returns warnings.

    Raises BadInputError, BrokenInputError, FileError; KeyboardInterrupt and Interrupted pass
    through after the workers have stopped at a sample boundary. Whatever is raised, the stream is
    finished and what was learned stands. `drain` is called every DRAIN_MS, to take what the stream
    has ready before it grows.
    """
    warnings: list[str] = []
    if shard is not None:
        stream.take_shard(*shard)
    next_tick = time.monotonic() + tick_seconds
    budget_ms = BUDGET_MS if drain is None else DRAIN_MS

    def look_up() -> None:
        if drain is not None:
            drain()
        nonlocal next_tick
        if stream.stopped:
            stream.finish()  # raises the workers' error
        if time.monotonic() < next_tick:
            return
        next_tick = time.monotonic() + tick_seconds
        if tick is not None:
            tick()
        log = stream.log()
        if bad_ratio(log)[1] >= LINES_MIN_TO_STOP:
            check_bad_ratio(log, max_bad_ratio)

    try:
        for source in sources:
            with source.open() as data:
                stream.begin(os.fsencode(source.name))
                if isinstance(data, int):
                    while stream.read(data, budget_ms):
                        look_up()
                elif hasattr(data, "__arrow_c_stream__"):
                    stream.open_arrow(data.__arrow_c_stream__(), os.fsencode(source.name))
                    while stream.read_arrow(budget_ms):
                        look_up()
                else:
                    for block in data:
                        offset = 0
                        while offset < len(block):
                            offset += stream.feed(block, offset, budget_ms)
                            look_up()
                stream.end()
            if stream.ended_inside_a_line and source.is_pipe:
                warnings.append(
                    f"{source.name} ended inside a line: if its producer died, the last line is cut"
                )
    except BaseException as error:
        # What was queued before the input broke is still good; a signal wants to stop now.
        if isinstance(error, (KeyboardInterrupt, Interrupted, BadInputError)):
            stream.stop()
        stream.finish()
        raise
    stream.finish()
    check_bad_ratio(stream.log(), max_bad_ratio)
    return warnings


def check_writable(path: str, replaced: bool = True) -> None:
    """Before hours of training: would a file at `path` be allowed? FileError says why not.

    replaced: it is renamed into its place, so a pipe or a device that is there already will not do.
    """
    if os.path.isdir(path):
        raise FileError(f"{path}: cannot write: it is a directory")
    if os.path.exists(path) and not os.path.isfile(path):
        if not replaced:
            return
        raise FileError(f"{path}: cannot write: it is not a regular file")
    directory = os.path.dirname(os.path.realpath(path))
    try:
        if path == "":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        # The name the core writes under first: it finds a name that is too long, too.
        prefix = f"{os.path.basename(path)}.tmp."
        with tempfile.NamedTemporaryFile(dir=directory, prefix=prefix):
            pass
    except OSError as error:
        raise FileError(f"{path}: cannot write: {error.strerror}") from error


@contextmanager
def bad_lines_file(path: str | None) -> Iterator[int]:
    """A descriptor for the bad lines; -1 without a path."""
    if path is None:
        yield -1
        return
    try:
        with open(path, "wb") as file:
            yield file.fileno()
    except OSError as error:
        if isinstance(error, (FileError, BrokenInputError)):
            raise
        raise FileError(f"{path}: cannot write: {error.strerror}") from error
