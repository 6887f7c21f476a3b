"""The parser inside a training run, for the ways a line can be written.

The core clocks its workers' parsing apart from their learning; parsing includes hashing the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from fmtrain import FTRLModel

from .. import plots
from ..common import Measured, Pass, Text, in_turn, median_pass, thread_counts
from ..conftest import Session

NAMES = Text(1_000_000)
DECIMALS = Text(1_000_000, numeric=39, fields=1)
CHECK_SAMPLES = 2_000
HEAD = ["form", "threads", "samples", "MB", "MB/s/worker", "samples/s/worker", "samples/s/pass"]


@dataclass(frozen=True)
class Form:
    """How a line of `fmtrain synth` is written anew, and another way, in the text format, to say
    the same (as it was, unless given)."""

    text: Text
    write: Callable[[bytes], bytes]
    format: str = "text"
    other: Callable[[bytes], bytes] = bytes


def with_each(line: bytes, before: bytes, after: bytes) -> bytes:
    label, *names = line.split()
    return b" ".join([label, *(before + name + after for name in names)]) + b"\n"


def with_ones(line: bytes) -> bytes:
    return with_each(line, b"", b":1")


def lengthened(line: bytes) -> bytes:
    """Names of some 40 bytes, as where a URL or a sentence is one."""
    return line.replace(b" f", b" //example.org/some/long/page?field=f")


def with_exponents(line: bytes) -> bytes:
    """Which the parser reads another way."""
    return re.sub(rb":(\S+)", rb":\1e0", line)


FORMS = {
    "name": Form(NAMES, bytes, other=lambda line: with_each(line, b"", b":1.0")),
    "name:1": Form(NAMES, with_ones),
    "field:name:1": Form(NAMES, lambda line: with_each(line, b"7:", b":1"), "libffm"),
    "long names": Form(
        NAMES, lengthened, other=lambda line: lengthened(with_each(line, b"", b":1"))
    ),
    "tabs, CRLF": Form(NAMES, lambda line: line.replace(b" ", b"\t").replace(b"\n", b"\r\n")),
    "# key": Form(NAMES, lambda line: line[:-1] + b" # user17\n"),
    "decimals": Form(DECIMALS, bytes, other=with_exponents),
}


@pytest.fixture(scope="module")
def written(folder: Path, text_file: Callable) -> Callable[[str, Text, bool], Path]:
    """The file of a form, or of what it means."""

    @cache
    def make(name: str, text: Text, other: bool = False) -> Path:
        form, source = FORMS[name], text_file(text)
        path = folder / f"form{len(list(folder.iterdir()))}.txt"
        with source.open("rb") as lines, path.open("wb") as file:
            file.writelines(map(form.other if other else form.write, lines))
        return path

    return make


@cache
def check(name: str, folder: Path, written: Callable) -> None:
    """The model is that of the other text, to the byte, and its features are the text's: found
    by ids that mmh3 gives, not the core."""
    form = FORMS[name]
    text = form.text.shortened(CHECK_SAMPLES)
    models = []
    for other in (False, True):
        path = str(folder / "model.fmt")
        data = written(name, text, other)
        run = Pass(str(data), format="text" if other else form.format, save=path).run()
        assert run.samples == CHECK_SAMPLES
        assert run.bad_lines == 0
        models.append(Path(path).read_bytes())
    assert models[0] == models[1], "the forms mean different things"
    tokens = [token for line in data.read_bytes().splitlines() for token in line.split()[1:]]
    parts = [token.partition(b":") for token in tokens]
    names = {name for name, _, value in parts if not value or float(value) != 0}
    model = FTRLModel.load(path)
    assert len(model) == len(names)
    assert model.weights(names)[0].all()


@pytest.mark.parametrize("name", FORMS)
def test_answer(name: str, folder: Path, written: Callable) -> None:
    check(name, folder, written)


def test_parse(session: Session, folder: Path, written: Callable) -> None:
    for name in FORMS:
        check(name, folder, written)
    cases = list(product(FORMS, thread_counts()))
    asks = {}
    for name, threads in cases:
        form = FORMS[name]
        data = written(name, session.text(form.text), False)
        asks[name, threads] = Pass(str(data), threads=threads, format=form.format)
    runs = in_turn(cases, session.rounds, lambda case: asks[case].run())
    found: dict[tuple[str, int], Measured] = {
        case: median_pass(of_case, lambda run: run.parsing)
        for case, of_case in zip(cases, runs, strict=True)
    }
    rows, bars = [], {name: {} for name in FORMS}
    for (name, threads), run in found.items():
        assert run.bad_lines == 0
        bars[name][f"{threads} threads"] = run.bytes / run.parsing / 1e6
        worker = f"{run.bytes / run.parsing / 1e6:,.0f}", f"{run.samples / run.parsing:,.0f}"
        size = f"{run.samples:,}", f"{run.bytes / 1e6:,.1f}"
        rows.append([name, threads, *size, *worker, f"{run.samples_per_s:,.0f}"])
    session.table("parse", HEAD, rows)
    session.plot(plots.bars, "parse", "parse", "MB/s a worker", bars)
