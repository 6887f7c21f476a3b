"""Every door of the encoder gives what the oracle says, bit by bit, for random schemas and rows."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from encoder_oracle import Oracle
from strategies_encoder import Rows, Spec, Spelled, problems

Run = Callable[..., subprocess.CompletedProcess[bytes]]
#: A gate must not fail by luck: the same cases every time. FMTRAIN_RANDOM=1 looks for others.
SAME = os.environ.get("FMTRAIN_RANDOM") is None
#: Processes are too slow to look for the smallest case that fails.
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
SEEDS = st.sampled_from([0, 1, 2**32 - 1])


class Truth:
    """What the oracle says of all rows."""

    def __init__(self, schema: Spec, rows: Rows, seed: int) -> None:
        self.samples: list[tuple[float, float, bytes, list[tuple[bytes, int, float]]]] = []
        self.lines: list[int] = []
        self.bad: Counter[str] = Counter()
        self.guards: dict[str, Counter[str]] = {}
        self.guards_known = True  # a row that a cell spoils: how far its cells count is left open
        for line, cells in enumerate(rows.cells, rows.first_line):
            if isinstance(cells, str):
                self.bad[cells] += 1
                continue
            got = Oracle(schema, seed).encode(cells)
            if got[0] == "bad":
                self.bad[got[1]] += 1
                self.guards_known = False
                continue
            self.samples.append(got[1:5])
            self.lines.append(line)
            for column, counts in got[5].items():
                self.guards.setdefault(column, Counter()).update(counts)
        for kind in self.bad:
            event(kind)


def samples_of(got: Any) -> list[tuple[float, float, bytes, list[tuple[bytes, int, float]]]]:
    assert got.label.dtype == got.weight.dtype == got.x.dtype == np.float32
    assert got.ids.dtype == np.uint64
    cells = list(zip(got.names, got.ids.tolist(), got.x.tolist(), strict=True))
    edges = got.indptr.tolist()
    found = [cells[a:b] for a, b in pairwise(edges)]
    return list(zip(got.label.tolist(), got.weight.tolist(), got.key, found, strict=True))


def check(got: Any, truth: Truth) -> None:
    assert samples_of(got) == truth.samples
    assert got.row.tolist() == truth.lines
    assert {kind: n for kind, n in got.log["bad"].items() if n} == dict(truth.bad)
    if truth.guards_known and truth.samples:
        for column, counts in truth.guards.items():
            assert {what: n for what, n in got.guards[column].items() if n} == dict(counts)


@settings(max_examples=60, deadline=None, derandomize=SAME, suppress_health_check=SLOW)
@given(problem=problems(), seed=SEEDS)
def test_python(problem: tuple[Spec, Rows], seed: int) -> None:
    features = pytest.importorskip("fmtrain.features")
    schema, rows = problem
    encoder = features.Encoder(schema, hash_seed=seed, names=True)
    check(encoder.encode(rows.text, format=rows.format), Truth(schema, rows, seed))


def plain(cell: Any) -> Any:
    """What json.loads makes of a cell."""
    if isinstance(cell, list):
        return [plain(item) for item in cell]
    if isinstance(cell, dict):
        return {name: plain(item) for name, item in cell.items()}
    return json.loads(cell) if isinstance(cell, Spelled) else cell


@settings(max_examples=60, deadline=None, derandomize=SAME, suppress_health_check=SLOW)
@given(problem=problems().filter(lambda problem: problem[1].format == "jsonl"), seed=SEEDS)
def test_rows_of_dicts(problem: tuple[Spec, Rows], seed: int) -> None:
    features = pytest.importorskip("fmtrain.features")
    schema, rows = problem
    cells = [
        {k: plain(v) for k, v in row.items()} for row in rows.cells if not isinstance(row, str)
    ]
    assume(cells)
    got = features.Encoder(schema, hash_seed=seed, names=True).encode(cells)
    check(got, Truth(schema, Rows("rows", list(cells), b"", 1), seed))


def read_sample(line: bytes) -> tuple[float, float, bytes, list[tuple[bytes, float]]]:
    """A printed sample."""
    line, _, key = line.partition(b" # ")
    head, *features = line.split(b" ")
    label, _, weight = head.partition(b":")
    pairs = [feature.partition(b":") for feature in features]
    found = [(name, float(np.float32(x or 1))) for name, _, x in pairs]
    return float(np.float32(label)), float(np.float32(weight or 1)), key, found


@settings(
    max_examples=15, deadline=None, derandomize=SAME, suppress_health_check=SLOW, phases=UNSHRUNK
)
@given(problem=problems())
def test_command_line(problem: tuple[Spec, Rows], tmp_path: Path, fmtrain_cli: Run) -> None:
    pytest.importorskip("fmtrain.features")
    schema, rows = problem
    truth = Truth(schema, rows, 0)
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    options = ["--schema", path, "--format", rows.format]
    done = fmtrain_cli("encode", *options, "--max-bad-ratio", "1", stdin=rows.text)
    assert done.returncode == 0, done.stderr
    got = [read_sample(line) for line in done.stdout.splitlines()]
    assert got == [(*s[:3], [(name, x) for name, _, x in s[3]]) for s in truth.samples]


@settings(
    max_examples=10, deadline=None, derandomize=SAME, suppress_health_check=SLOW, phases=UNSHRUNK
)
@given(problem=problems().filter(lambda problem: not Truth(*problem, 0).bad))
def test_training(problem: tuple[Spec, Rows], tmp_path: Path, fmtrain_cli: Run) -> None:
    """Raw rows and their printed samples train to the same weights."""
    pytest.importorskip("fmtrain.features")
    schema, rows = problem
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    options = ["--schema", path, "--format", rows.format]
    printed = fmtrain_cli("encode", *options, stdin=rows.text).stdout
    fit = ["fit", "--names", "--threads", "1", "--dim", "1,1,4", "--l1", "0", "--model"]
    raw, text = tmp_path / "raw.fmt", tmp_path / "text.fmt"
    runs = []
    for model, more, source in ((raw, options, rows.text), (text, [], printed)):
        runs.append(fmtrain_cli(*fit, model, *more, stdin=source))
    # Numbers too large to learn from are refused alike.
    refused = [run.stderr.count(b"is not finite") for run in runs]
    assert refused[0] == refused[1]
    assert [run.returncode for run in runs] == [3 if refused[0] else 0] * 2, runs
    if refused[0]:
        return
    dumps = [fmtrain_cli("export", model, "--to", "alphafm-text") for model in (raw, text)]
    assert dumps[0].returncode == 0, dumps[0].stderr
    assert dumps[0].stdout == dumps[1].stdout
