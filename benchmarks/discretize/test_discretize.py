"""Raw columns to ids, rows a second; no peer is timed before its answer holds."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mmh3
import numpy as np
import pytest

from ..common import build_cython
from .common import Plan, Rows, id_of, make_plan, make_rows

PEERS = ["fmtrain", "python", "numba", "cython"]
ROUNDS = 5


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest) -> Rows:
    return make_rows(request.config.getoption("--samples"), 1)


@pytest.fixture(scope="module")
def small(plan: Plan) -> Rows:
    """Some rows, and the cells that go wrong first."""
    rows = make_rows(2000, 2)
    for at, cuts in enumerate(plan.cuts):
        rows.numbers[: len(cuts), at] = cuts  # a value on a cut is above it
        rows.numbers[100:104, at] = [-0.0, -1e300, 1e300, math.nan]
    longer = ["", "a", "seven77", "twelve_bytes", "sixteen_bytes_is", "é" * 20, "x" * 333]
    for column in rows.categories:
        column[: len(longer)] = longer
    return rows


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(make_rows(2000, 0))


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Peer modules by name; the test is skipped where a peer's library is absent."""

    @cache
    def load(name: str) -> Any:
        library = {"cython": "Cython", "python": "mmh3", "fmtrain": "pyarrow"}.get(name, name)
        pytest.importorskip(library, reason=f"needs {name}")
        if name == "cython":
            source = Path(__file__).with_name("cython_peer.pyx")
            return build_cython(source, tmp_path_factory.mktemp("cython"))
        return importlib.import_module(f".{name}_peer", __package__)

    return load


def names_of(plan: Plan, rows: Rows) -> list[list[str]]:
    """The features of each row, cell by cell."""
    found = []
    for at, row in enumerate(rows.numbers):
        tokens = [
            "" if math.isnan(v) else sum(cut <= v for cut in cuts)
            for v, cuts in zip(row.tolist(), plan.cuts, strict=True)
        ]
        tokens += [column[at] for column in rows.categories]
        names = [*plan.numbers, *plan.categories]
        found.append([f"{name}={token}" for name, token in zip(names, tokens, strict=True)])
    return found


def check_ids(module: Any, plan: Plan, rows: Rows) -> None:
    """Every id is that of the cell's name."""
    ids = module.Peer(plan).encode(rows)
    assert ids.dtype == np.uint64
    expected = [[id_of(name) for name in names] for names in names_of(plan, rows)]
    np.testing.assert_array_equal(ids, np.array(expected))


def check_slots(module: Any, plan: Plan, rows: Rows) -> None:
    """Every slot is that of the cell's name, by scikit-learn's hash."""
    found = module.Peer(plan).encode(rows)
    for at, names in enumerate(names_of(plan, rows)):
        slots = sorted({abs(mmh3.hash(name)) % module.SLOTS for name in names})
        assert sorted(found[at].indices) == slots


def clock(benchmark: Any, peer: Any, rows: Rows) -> None:
    """ROUNDS runs over the rows, and rows a second at the median."""
    benchmark.group = "discretize"
    benchmark.pedantic(peer.encode, args=(rows,), rounds=ROUNDS)
    if benchmark.stats is not None:  # None under --benchmark-disable
        benchmark.extra_info["samples"] = len(rows)
        benchmark.extra_info["samples_per_s"] = round(len(rows) / benchmark.stats.stats.median)


@pytest.mark.parametrize("name", PEERS)
def test_answer(name: str, peer: Callable[[str], Any], plan: Plan, small: Rows) -> None:
    check_ids(peer(name), plan, small)


def test_answer_of_sklearn(peer: Callable[[str], Any], plan: Plan, small: Rows) -> None:
    check_slots(peer("sklearn"), plan, small)


@pytest.mark.parametrize("name", PEERS)
def test_rows_per_second(
    name: str, peer: Callable[[str], Any], plan: Plan, small: Rows, rows: Rows, benchmark: Any
) -> None:
    module = peer(name)
    check_ids(module, plan, small)
    clock(benchmark, module.Peer(plan), rows)


def test_rows_per_second_of_sklearn(
    peer: Callable[[str], Any], plan: Plan, small: Rows, rows: Rows, benchmark: Any
) -> None:
    module = peer("sklearn")
    check_slots(module, plan, small)
    clock(benchmark, module.Peer(plan), rows)
