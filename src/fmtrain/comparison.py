"""What changed between two models: features new, gone and moved, and the scores of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fmtrain import metrics
from fmtrain.errors import ParameterError
from fmtrain.inspection import (
    Array,
    Feature,
    features_at,
    hex_id,
    hyper_of,
    largest,
    names_of,
    norms,
)
from fmtrain.model import FTRLModel


@dataclass(frozen=True)
class FeatureGroup:
    """Features that only one of two models has; norms are L2."""

    count: int
    zero_rows: int
    w_norm: float
    v_norm: float
    largest: list[Feature]  # by |w|


@dataclass(frozen=True)
class Move:
    """A feature in both models; `dw` is b - a, `v_distance` nan when the factors differ in
    number."""

    id: str
    name: str | None
    w_a: float
    w_b: float
    dw: float
    v_distance: float


@dataclass(frozen=True)
class ModelDifference:
    """What b has otherwise than a. Tuples are (a, b)."""

    hyper: dict[str, tuple[Any, Any]]  # those that differ
    samples: tuple[int, int]
    features: tuple[int, int]
    bias: tuple[float, float]
    w_norm: tuple[float, float]
    v_norm: tuple[float, float]
    new: FeatureGroup
    gone: FeatureGroup
    common: int
    moved: int  # of them, those whose w or v differ
    dw_norm: float
    v_distance: float  # L2 over all common features; nan when the factors differ in number
    largest_moves: list[Move]  # by |dw|, then v_distance


@dataclass(frozen=True)
class ScoreShift:
    """dp = p(b) - p(a) over samples; quantiles and maximum are of |dp|. Tuples are (a, b)."""

    rows: int
    mean: float
    mean_abs: float
    p50: float
    p99: float
    max: float
    auc: tuple[float, float]
    logloss: tuple[float, float]


def compare_models(a: FTRLModel, b: FTRLModel, top: int = 10) -> ModelDifference:
    """`top`: how many features each list names. ParameterError when the models hash names by
    different seeds, so that no feature is the same."""
    if a._hash_seed() != b._hash_seed():
        raise ParameterError(
            f"the models name features by different hashes (hash_seed {a._hash_seed()} and "
            f"{b._hash_seed()}): no feature can be matched"
        )
    rows_a, rows_b = a._native.arrays(state=False), b._native.arrays(state=False)
    _, at_a, at_b = np.intersect1d(
        rows_a["id"], rows_b["id"], assume_unique=True, return_indices=True
    )
    dw = rows_b["w"][at_b].astype(np.float64) - rows_a["w"][at_a]
    distance = v_distances(rows_a["v"][at_a], rows_b["v"][at_b])
    hyper_a, hyper_b = hyper_of(a), hyper_of(b)
    return ModelDifference(
        hyper={
            name: (value, hyper_b[name])
            for name, value in hyper_a.items()
            if value != hyper_b[name]
        },
        samples=(a._native.samples, b._native.samples),
        features=(len(a), len(b)),
        bias=(a._native.bias, b._native.bias),
        w_norm=(norm(rows_a["w"]), norm(rows_b["w"])),
        v_norm=(norm(rows_a["v"]), norm(rows_b["v"])),
        new=group_of(b, rows_b, at_b, top),
        gone=group_of(a, rows_a, at_a, top),
        common=at_a.size,
        moved=int(np.count_nonzero((dw != 0) | (np.nan_to_num(distance) != 0))),
        dw_norm=norm(dw),
        v_distance=norm(distance),
        largest_moves=moves(a, b, (rows_a, at_a), (rows_b, at_b), dw, distance, top),
    )


def norm(values: Array) -> float:
    return float(np.sqrt(np.sum(np.square(values, dtype=np.float64))))


def v_distances(v_a: Array, v_b: Array) -> Array:
    """L2 of v_b - v_a for each row; nan when they differ in length."""
    if v_a.shape != v_b.shape:
        return np.full(len(v_a), np.nan)
    return norms(v_b.astype(np.float64) - v_a)


def group_of(model: FTRLModel, rows: dict[str, Array], common: Array, top: int) -> FeatureGroup:
    """The rows that are not among `common`."""
    only = np.ones(len(rows["id"]), dtype=bool)
    only[common] = False
    part = {name: array[only] for name, array in rows.items()}
    return FeatureGroup(
        count=int(only.sum()),
        zero_rows=int(np.count_nonzero((part["w"] == 0) & ~part["v"].any(axis=1))),
        w_norm=norm(part["w"]),
        v_norm=norm(part["v"]),
        largest=features_at(model, part["id"][largest(top, np.abs(part["w"]), part["id"])]),
    )


def moves(
    a: FTRLModel,
    b: FTRLModel,
    side_a: tuple[dict[str, Array], Array],
    side_b: tuple[dict[str, Array], Array],
    dw: Array,
    distance: Array,
    top: int,
) -> list[Move]:
    """The largest moves; a side is (arrays, its rows that both have), dw and distance theirs."""
    (rows_a, at_a), (rows_b, at_b) = side_a, side_b
    ids = rows_a["id"][at_a]
    moved = np.flatnonzero((dw != 0) | (np.nan_to_num(distance) != 0))
    best = moved[largest(top, np.abs(dw[moved]), -distance[moved], ids[moved])]
    names = names_of(b if b._native.has_names else a, ids[best])
    return [
        Move(
            id=hex_id(ids[i]),
            name=name,
            w_a=float(rows_a["w"][at_a[i]]),
            w_b=float(rows_b["w"][at_b[i]]),
            dw=float(dw[i]),
            v_distance=float(distance[i]),
        )
        for i, name in zip(best, names, strict=True)
    ]


def score_shift(label: Array, weight: Array | None, scores: Sequence[Array]) -> ScoreShift:
    """scores: raw, of a and of b, on the same samples (rows). Weights count in AUC and logloss
    only."""
    p_a, p_b = (metrics.probability(score) for score in scores)
    moved = np.abs(p_b - p_a)
    auc_a, auc_b = (metrics.auc(label, score, weight) for score in scores)
    loss_a, loss_b = (metrics.logloss_from_score(label, score, weight) for score in scores)
    return ScoreShift(
        rows=len(label),
        mean=float(np.mean(p_b - p_a)),
        mean_abs=float(moved.mean()),
        p50=float(np.quantile(moved, 0.5)),
        p99=float(np.quantile(moved, 0.99)),
        max=float(moved.max()),
        auc=(auc_a, auc_b),
        logloss=(loss_a, loss_b),
    )
