"""Learning equal-frequency cuts of 10 columns, rows a second; no peer is timed before its bins are
of equal size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

COLUMNS, BINS, ROUNDS = 10, 20, 5
CHUNK_ROWS = 16_384


def fmtrain_sketch(columns: np.ndarray) -> list[np.ndarray]:
    """As `schema fit` has them: chunk after chunk, none kept."""
    from fmtrain.features.cuts import QuantileCuts

    learners = [QuantileCuts(BINS) for _ in columns]
    for at in range(0, columns.shape[1], CHUNK_ROWS):
        for learner, column in zip(learners, columns, strict=True):
            learner.add(column[at : at + CHUNK_ROWS])
    return [learner.cuts() for learner in learners]


def datasketches_kll(columns: np.ndarray) -> list[np.ndarray]:
    """The sketch alone, of the same size."""
    datasketches = pytest.importorskip("datasketches")
    sketches = [datasketches.kll_doubles_sketch(4096) for _ in columns]
    for at in range(0, columns.shape[1], CHUNK_ROWS):
        for sketch, column in zip(sketches, columns, strict=True):
            sketch.update(column[at : at + CHUNK_ROWS])
    ranks = [i / BINS for i in range(1, BINS)]
    return [np.array(sketch.get_quantiles(ranks)) for sketch in sketches]


def sklearn_kbins(columns: np.ndarray) -> list[np.ndarray]:
    """All rows in memory, and no sample of them."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    bins = preprocessing.KBinsDiscretizer(
        BINS, strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None
    )
    return [edges[1:-1] for edges in bins.fit(columns.T).bin_edges_]


PEERS = [fmtrain_sketch, datasketches_kll, sklearn_kbins]


def check(learn: Callable[[np.ndarray], list[np.ndarray]]) -> None:
    columns = np.random.default_rng(0).lognormal(size=(2, 300_000))
    for column, cuts in zip(columns, learn(columns), strict=True):
        rows = np.bincount(np.searchsorted(cuts, column, side="right")) / column.size
        np.testing.assert_allclose(rows, np.full(BINS, 1 / BINS), atol=0.002)


@pytest.mark.parametrize("learn", PEERS)
def test_answer(learn: Callable[[np.ndarray], list[np.ndarray]]) -> None:
    check(learn)


@pytest.mark.parametrize("learn", PEERS)
def test_rows_per_second(
    learn: Callable[[np.ndarray], list[np.ndarray]],
    request: pytest.FixtureRequest,
    benchmark: Any,
) -> None:
    check(learn)
    rows = request.config.getoption("--samples")
    columns = np.random.default_rng(1).lognormal(0, 3, (COLUMNS, rows))
    benchmark.group = "cuts"
    benchmark.pedantic(learn, args=(columns,), rounds=ROUNDS)
    if benchmark.stats is not None:  # None under --benchmark-disable
        benchmark.extra_info["samples"] = rows
        benchmark.extra_info["samples_per_s"] = round(rows / benchmark.stats.stats.median)
