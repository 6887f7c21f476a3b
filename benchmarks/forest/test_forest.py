"""Leaves of a forest, from Python: the core's beside pred_leaf of the libraries that trained it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from fmtrain.features.gbdt import GBDTLeafEncoder

from .. import plots
from ..common import in_turn, thread_counts
from ..conftest import Session

TREES, DEPTH, COLUMNS, TRAINED, SCORED = 300, 8, 13, 60_000, 10_000
#: Rows a call, and calls a round.
SIZES = {1: 200, 8: 100, 10_000: 1}
LIBRARIES = ("xgboost", "lightgbm")
HEAD = ["trained by", "program", "threads", "rows", "us/call", "rows/s", "times the library's"]

Find = Callable[[Any], Any]


@dataclass
class Data:
    """Numbers with an interaction to find, a tenth of them missing."""

    X: Any = field(init=False)
    y: Any = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(TRAINED + SCORED, COLUMNS))
        noise = rng.normal(size=len(self.X))
        self.y = (self.X[:, 0] * self.X[:, 1] + np.sin(3 * self.X[:, 2]) + noise > 0).astype(int)
        self.X[rng.random(self.X.shape) < 0.1] = np.nan
        self.scored = np.ascontiguousarray(self.X[TRAINED:])


@cache
def data() -> Data:
    return Data()


@cache
def model(library: str) -> Any:
    """300 trees of depth 8, most of them full."""
    pytest.importorskip(library)
    X, y = data().X[:TRAINED], data().y[:TRAINED]
    if library == "xgboost":
        import xgboost

        params = {"max_depth": DEPTH, "objective": "binary:logistic", "learning_rate": 0.05}
        params["min_child_weight"] = 0
        return xgboost.train(params, xgboost.DMatrix(X, y), TREES)
    import lightgbm

    params = {"max_depth": DEPTH, "num_leaves": 2**DEPTH, "objective": "binary", "verbose": -1}
    return lightgbm.train(params, lightgbm.Dataset(X, y), TREES)


def theirs(library: str, threads: int) -> Find:
    """What a Python user would write."""
    booster = model(library)
    if library == "lightgbm":
        return lambda X: booster.predict(X, pred_leaf=True, num_threads=threads)
    import xgboost

    def find(X: Any) -> Any:
        booster.set_param({"nthread": threads})
        return booster.predict(xgboost.DMatrix(X, nthread=threads), pred_leaf=True)

    return find


def ours(library: str, threads: int) -> Find:
    """The transformer, its checks of X included."""
    encoder = GBDTLeafEncoder(model=model(library), threads=threads).fit(data().scored[:1])
    return encoder.transform


def finder(program: str, library: str, threads: int) -> Find:
    return ours(library, threads) if program == "fmtrain" else theirs(library, threads)


@cache
def check(library: str) -> None:
    """Every leaf of every row, in calls of every size."""
    X = data().scored
    expected = np.asarray(theirs(library, 1)(X)).astype(np.uint32)
    assert expected.shape == (SCORED, TREES)
    for threads in thread_counts():
        find = ours(library, threads)
        np.testing.assert_array_equal(find(X), expected)
        for rows in (1, 8):
            for first in range(0, 400, rows):
                part = find(X[first : first + rows])
                np.testing.assert_array_equal(part, expected[first : first + rows])


@pytest.mark.parametrize("library", LIBRARIES)
def test_answer(library: str) -> None:
    check(library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_forest(session: Session, library: str) -> None:
    check(library)
    every = len(os.sched_getaffinity(0))
    cases = list(product((library, "fmtrain"), thread_counts(), SIZES))
    find = {case: finder(case[0], library, case[1]) for case in cases}
    parts = {rows: data().scored[:rows] for rows in SIZES}

    def run(case: tuple[str, int, int]) -> float:
        """Seconds a call."""
        rows, function = case[2], find[case]
        calls = SIZES[rows] if session.timed else 1
        begin = time.perf_counter()
        for _ in range(calls):
            function(parts[rows])
        return (time.perf_counter() - begin) / calls

    runs = dict(zip(cases, in_turn(cases, session.rounds, run), strict=True))
    rows_, bars = [], {f"{p}, {t} threads": {} for p, t, _ in cases}
    for case in cases:
        program, threads, rows = case
        seconds = statistics.median(runs[case])
        # Rounds are pairs; the library as it comes uses all cores.
        peer = runs[library, every, rows]
        gain = statistics.median(a / b for a, b in zip(peer, runs[case], strict=True))
        speed = f"{seconds * 1e6:,.1f}", f"{rows / seconds:,.0f}", f"{gain:.1f}"
        rows_.append([library, program, threads, f"{rows:,}", *speed])
        bars[f"{program}, {threads} threads"][f"{rows:,} rows"] = rows / seconds
    title = f"leaves of {TREES} trees of depth {DEPTH}, {library}'s"
    session.table(title, HEAD, rows_)
    session.plot(plots.bars, f"forest_{library}", title, "rows/s", bars)
