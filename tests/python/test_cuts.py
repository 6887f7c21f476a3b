"""What is learned of one column: against slow oracles, in any pieces, of any length."""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.preprocessing import KBinsDiscretizer

from fmtrain.errors import MissingExtraError, ParameterError
from fmtrain.features.cuts import Moments, QuantileCuts, Range, WidthCuts

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
TIES = st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.0, 1e300, math.inf, math.nan])
COLUMNS = st.lists(NUMBERS | TIES, max_size=60)
PIECES = st.lists(st.integers(1, 20), max_size=10)
BINS = st.integers(2, 12)
LEARNERS: dict[str, Callable[[], Any]] = {
    "quantile": lambda: QuantileCuts(5),
    "width": lambda: WidthCuts(5),
    "moments": Moments,
    "range": Range,
}


def fed(learner: Any, column: list[float], pieces: list[int]) -> Any:
    """The learner, after the column in pieces of these sizes and one of the rest."""
    values, at = np.array(column, dtype=np.float64), 0
    for size in pieces:
        learner.add(values[at : at + size])
        at += size
    learner.add(values[at:])
    return learner


def slow_quantile_cuts(column: list[float], bins: int) -> list[float]:
    """As QuantileCuts says it, one cut after the other, in fractions."""
    values = [v for v in column if math.isfinite(v)]
    distinct = sorted(set(values))
    edges = [(sum(v < high for v in values), low, high) for low, high in pairwise(distinct)]
    cuts = set()
    for i in range(1, bins if edges else 1):
        target = Fraction(i * len(values), bins)
        _, low, high = min(edges, key=lambda edge: abs(edge[0] - target))  # the first of equals
        middle = low / 2 + high / 2
        cuts.add(middle if low < middle <= high else high)
    return sorted(cuts)


@given(COLUMNS, PIECES, BINS)
@example([5e-324, 1e-323, 0.0], [], 3)
@example([-1.7e308, 1.7e308], [], 2)
@example([-5e-324, 0.0], [], 2)
def test_exact_quantile_cuts_are_the_oracles_in_any_pieces(
    column: list[float], pieces: list[int], bins: int
) -> None:
    learner = fed(QuantileCuts(bins), column, pieces)
    assert learner.cuts().tolist() == slow_quantile_cuts(column, bins)
    assert learner.rank_error == 0
    assert learner.count == sum(map(math.isfinite, column))


@given(st.lists(NUMBERS | TIES, max_size=60), BINS)
def test_cuts_rise_are_finite_and_few(column: list[float], bins: int) -> None:
    for learner in (QuantileCuts(bins), WidthCuts(bins)):
        cuts = fed(learner, column, []).cuts()
        finite = [v for v in column if math.isfinite(v)]
        assert len(cuts) <= bins - 1
        assert np.isfinite(cuts).all()
        assert (np.diff(cuts) > 0).all()
        assert not np.signbit(cuts[cuts == 0]).any()
        assert (len(cuts) > 0) == (len(set(finite)) > 1)
        if len(cuts):
            assert min(finite) < cuts[0]
            assert cuts[-1] <= max(finite)


@pytest.mark.parametrize(
    ("column", "bins", "cuts"),
    [
        ([1, 2, 3, 4, 5, 6], 3, [2.5, 4.5]),
        ([6, 1, 5, 2, 4, 3], 2, [3.5]),
        ([0] * 70 + list(range(1, 31)), 10, [0.5, 10.5, 20.5]),  # 0 has a bin of its own
        ([0] * 99 + [7], 10, [3.5]),  # a rare value is told from the rest
        ([1] + [9] * 99, 10, [5.0]),
        ([1, 2, 3], 10, [1.5, 2.5]),
        ([1, 1, 2, 2, 2, 2, 3, 3], 2, [1.5]),  # 2 and 6 are as near to 4: the lower
        ([4, 4, 4], 5, []),
        ([], 5, []),
        ([math.nan, math.inf, -math.inf], 5, []),
        ([math.nan, 1, math.inf, 2, -math.inf], 5, [1.5]),
    ],
)
def test_quantile_cuts_of_known_columns(column: list[float], bins: int, cuts: list[float]) -> None:
    assert fed(QuantileCuts(bins), column, []).cuts().tolist() == cuts


@pytest.mark.parametrize("bins", [2, 5, 10, 64])  # at 3 numpy meets a third as a double
def test_without_ties_bins_are_those_of_scikit_learn(bins: int) -> None:
    pytest.importorskip("sklearn", minversion="1.7", reason="needs quantile_method")
    column = np.random.default_rng(bins).lognormal(size=64 * 15)
    cuts = fed(QuantileCuts(bins), column.tolist(), []).cuts()
    theirs = KBinsDiscretizer(
        bins, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf"
    ).fit(column[:, None])
    np.testing.assert_allclose(cuts, theirs.bin_edges_[0][1:-1], rtol=1e-15)
    ours = np.searchsorted(cuts, column, side="right")
    np.testing.assert_array_equal(ours, theirs.transform(column[:, None])[:, 0])
    assert set(np.bincount(ours)) == {column.size // bins}


@given(st.lists(NUMBERS | TIES, max_size=60), PIECES, BINS)
def test_width_cuts(column: list[float], pieces: list[int], bins: int) -> None:
    cuts = fed(WidthCuts(bins), column, pieces).cuts()
    finite = [Fraction(v) for v in column if math.isfinite(v)]
    if not finite:
        assert cuts.size == 0
        return
    low, width = min(finite), (max(finite) - min(finite)) / bins
    expected = [low + i * width for i in range(1, bins)]
    scale = max(abs(v) for v in finite)
    for cut in cuts:  # every cut is near an expected one; few may have been merged away
        assert min(abs(Fraction(float(cut)) - edge) for edge in expected) <= scale / 2**50
    if width > scale / 2**45:
        assert len(cuts) == bins - 1


@pytest.mark.parametrize(
    ("column", "cuts"),
    [
        ([0, 10], [2, 4, 6, 8]),
        ([5, 5], []),
        ([], []),
        ([0, 1, math.inf, math.nan], [0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_width_cuts_of_known_columns(column: list[float], cuts: list[float]) -> None:
    np.testing.assert_allclose(fed(WidthCuts(5), column, []).cuts(), cuts, rtol=1e-15)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(-1e9, 1e9), PIECES)
def test_moments_and_range(column: list[float], offset: float, pieces: list[int]) -> None:
    column = [v + offset for v in column]
    moments, seen = fed(Moments(), column, pieces), fed(Range(), column, pieces)
    exact = [Fraction(v) for v in column]
    mean = sum(exact) / len(exact)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in exact) / len(exact))
    scale = max(map(abs, column))
    assert moments.mean == pytest.approx(fmean(column), rel=1e-12, abs=1e-12 * scale)
    assert moments.deviation == pytest.approx(deviation, rel=1e-9, abs=1e-12 * scale)
    assert (seen.min, seen.max) == (min(column), max(column))
    assert seen.count == moments.count == len(column)


def test_moments_hold_where_squares_would_not() -> None:
    values = 1e9 + np.random.default_rng(0).normal(size=1_000_000)
    for piece in (1, 1000, 1_000_000):
        moments = Moments()
        for at in range(0, 2000 * piece if piece == 1 else values.size, piece):
            moments.add(values[at : at + piece])
        seen = values[: moments.count]
        assert moments.deviation == pytest.approx((seen - 1e9).std(), rel=1e-6)


def test_moments_of_nothing_and_of_too_much() -> None:
    assert math.isnan(Moments().mean)
    assert math.isnan(Moments().deviation)
    assert math.isnan(Range().min)
    assert fed(Moments(), [1e200, -1e200], []).deviation == math.inf


@given(COLUMNS)
def test_what_is_no_number_is_skipped(column: list[float]) -> None:
    finite = [v for v in column if math.isfinite(v)]
    for make in LEARNERS.values():
        ours, theirs = fed(make(), column, []), fed(make(), finite, [])
        assert ours.count == theirs.count
        if hasattr(ours, "cuts"):
            assert ours.cuts().tolist() == theirs.cuts().tolist()


# ---- the sketch ----


def distributions(rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    clicks = np.where(rng.random(rows) < 0.7, 0.0, rng.lognormal(3, 2, rows).round())
    return {
        "lognormal": rng.lognormal(0, 3, rows),
        "ties": clicks,
        "two-values": (rng.random(rows) < 0.01).astype(float),
        "sorted": np.sort(rng.normal(size=rows)),
        "falling": -np.sort(rng.normal(size=rows)),
        "integers": rng.integers(0, 1000, rows).astype(float),
    }


@pytest.mark.parametrize("k", [200, 4096])
@pytest.mark.parametrize("name", distributions(1))
def test_the_sketch_keeps_its_error(name: str, k: int) -> None:
    pytest.importorskip("datasketches")
    column, bins = distributions(1_000_000)[name], 20
    learner = QuantileCuts(bins, exact_max=1 << 15, k=k)
    for piece in np.array_split(column, 37):
        learner.add(piece)
    cuts, error = learner.cuts(), learner.rank_error
    assert 0 < error < 3 / k
    assert learner.count == column.size

    rising = np.sort(column)
    below = np.searchsorted(rising, cuts) / column.size
    edges = (np.flatnonzero(np.diff(rising)) + 1) / column.size
    reached = set()
    for i in range(1, bins):
        # The sketch takes the edge that it holds for the nearest; both ranks may be off.
        away, best = np.abs(below - i / bins), np.abs(edges - i / bins).min()
        reached.add(int(away.argmin()))
        assert away.min() <= best + 2 * error
    assert reached == set(range(len(cuts)))  # and no cut is there for nothing


def test_the_sketch_begins_behind_exact_max() -> None:
    pytest.importorskip("datasketches")
    column = np.random.default_rng(2).normal(size=1001)
    learner = QuantileCuts(10, exact_max=1000)
    learner.add(column[:1000])
    assert learner.rank_error == 0
    assert learner.cuts().tolist() == slow_quantile_cuts(column[:1000].tolist(), 10)
    learner.add(column[1000:])
    assert learner.rank_error > 0
    # A sketch that has not dropped a value yet is as good as the values.
    assert learner.cuts().tolist() == slow_quantile_cuts(column.tolist(), 10)


@pytest.mark.parametrize("rows", [100, 5000])
def test_a_stored_learner_learns_on(rows: int) -> None:
    pytest.importorskip("datasketches")
    column = np.random.default_rng(3).normal(size=rows)
    learner = QuantileCuts(10, exact_max=1000)
    learner.add(column)
    again = pickle.loads(pickle.dumps(learner))
    assert again.cuts().tolist() == learner.cuts().tolist()
    again.add(column + 100)
    assert again.count == 2 * rows
    assert learner.count == rows
    assert again.cuts()[-1] > 50 > learner.cuts()[-1]


def test_memory_is_bounded() -> None:
    pytest.importorskip("datasketches")
    learner = QuantileCuts(10)
    piece = np.random.default_rng(4).normal(size=1_000_000)
    for _ in range(20):
        learner.add(piece)
    assert len(pickle.dumps(learner)) < 2**20 + 2**18


def test_without_datasketches_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketches", None)
    learner = QuantileCuts(10, exact_max=4)
    learner.add(np.arange(4.0))
    with pytest.raises(MissingExtraError) as refused:
        learner.add(np.arange(4.0))
    assert str(refused.value) == (
        "quantiles of more than 4 values need the package datasketches: "
        "pip install 'fmtrain[sketch]', or raise exact_max"
    )


# ---- parameters ----


@pytest.mark.parametrize("bins", [1, 0, -1, 65_537, 2.5, "5", None, True])
def test_bad_bins_are_named(bins: Any) -> None:
    for make in (QuantileCuts, WidthCuts):
        with pytest.raises(ParameterError) as refused:
            make(bins)
        assert str(refused.value) == (
            f"bins = {bins} is not allowed: give a whole number from 2 to 65536"
        )


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ParameterError, match="exact_max = 0 is not allowed"):
        QuantileCuts(5, exact_max=0)
    with pytest.raises(ParameterError, match=r"k = 7 is not allowed: .* from 8 to 65535"):
        QuantileCuts(5, k=7)
