"""Training on raw rows beside training on the text samples that they become: the same model, of a
line that has half the bytes and must be encoded. And `schema fit` over numbers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.features import Encoder, Schema
from fmtrain.features.learn import learn_schema

from ..common import in_turn, thread_counts
from ..conftest import Session

NUMBERS, CATEGORIES = 13, 26
HEAD = ["input", "threads", "samples/s", "MB/s", "times the samples"]


@dataclass(frozen=True)
class Files:
    schema: Schema
    raw: Path
    samples: Path  # of the raw rows


def write_raw(path: Path, rows: int, numbers: int, categories: int) -> None:
    """Counts with many zeros, a tenth of the cells empty; hex tokens, the common ones first."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for first in range(0, rows, 10_000):
            count = min(10_000, rows - first)
            counts = np.floor(rng.lognormal(2, 2, (count, numbers)))
            tokens = rng.zipf(1.2, (count, categories)) * 2654435761 % 2**32
            empty = rng.random((count, numbers + categories)) < 0.1
            for at in range(count):
                cells = [f"{v:.0f}" for v in counts[at]] + [f"{t:08x}" for t in tokens[at]]
                shown = ["" if e else c for c, e in zip(cells, empty[at], strict=True)]
                print(int(rng.random() < 0.25), *shown, sep="\t", file=file)


def schema_of(numbers: int, categories: int) -> dict[str, Any]:
    number = {"type": "number", "transforms": ["log", "equal-frequency 20"]}
    return {
        "columns": {"label": {"role": "label"}}
        | {f"I{i}": number for i in range(numbers)}
        | {f"C{i}": {} for i in range(categories)}
    }


@pytest.fixture(scope="module")
def files(request: pytest.FixtureRequest, folder: Path) -> Files:
    raw, samples = folder / "raw.tsv", folder / "samples.txt"
    write_raw(raw, request.config.getoption("--samples"), NUMBERS, CATEGORIES)
    schema = learn_schema(Schema.of(schema_of(NUMBERS, CATEGORIES)), str(raw))
    with samples.open("wb") as file:
        Encoder(schema).write(str(raw), file.fileno())
    return Files(schema, raw, samples)


def trained(files: Files, raw: bool, threads: int = 1) -> FTRLModel:
    schema = files.schema if raw else None
    model = FTRLModel(factors=0, threads=threads, schema=schema)
    return model.fit_stream(str(files.raw if raw else files.samples))


def test_answer(files: Files) -> None:
    """Rows and samples leave the same weights."""
    rows, samples = (trained(files, raw) for raw in (True, False))
    expected = samples.predict_stream(str(files.samples)).score
    np.testing.assert_array_equal(rows.predict_stream(str(files.raw)).score, expected)
    assert len(rows) == len(samples)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def test_raw_rows(files: Files, session: Session) -> None:
    rows = files.raw.read_bytes().count(b"\n")
    table = []
    for threads in thread_counts():
        times = in_turn(
            [False, True],
            session.rounds,
            lambda raw, n=threads: seconds(lambda: trained(files, raw, n)),
        )
        ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
        for name, path, taken in zip(
            ("samples", "rows"), (files.samples, files.raw), times, strict=True
        ):
            median = statistics.median(taken)
            size = path.stat().st_size / 1e6
            shown = "" if name == "samples" else f"{ratio:.2f}"
            table.append([name, threads, round(rows / median), round(size / median), shown])
    session.table(f"raw rows of {NUMBERS + CATEGORIES} columns, LR", HEAD, table)


def test_learning(session: Session, folder: Path) -> None:
    """Ten columns of equal frequency."""
    path = folder / "numbers.tsv"
    write_raw(path, session.given("samples"), 10, 0)
    schema = Schema.of(schema_of(10, 0))
    assert len(learn_schema(schema, str(path)).document["learned"]) == 10
    table = []
    for threads in thread_counts():
        taken = [
            seconds(lambda n=threads: learn_schema(schema, str(path), threads=n))
            for _ in range(session.rounds)
        ]
        median = statistics.median(taken)
        table.append([threads, f"{median:.2f}", round(path.stat().st_size / 1e6 / median)])
    session.table("schema fit, 10 columns", ["threads", "seconds", "MB/s"], table)
