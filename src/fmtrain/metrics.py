"""Ranking, probability and watch-time metrics, exact, on 1-d arrays of n rows.

Shared by every function here, and not repeated below:
- y is a label in [0, 1]. A soft label is two rows at one score: w*y positive and w*(1-y) negative.
- weight is >= 0 and multiplies every sum; None means ones.
- What is undefined (one class absent from an AUC, no positive, no weight, ...) is nan.
- Arithmetic is float64. ValueError names the argument and the row: shape or length mismatch,
  no rows, nan or inf, a negative weight, a label or probability outside [0, 1].
- Probabilities of a model trained on down-sampled negatives are corrected before they come here.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Weights = ArrayLike | None

LINKS = ("sigmoid", "exp", "raw")
ODDS_SCORE_MAX = 88.0  # exp(88) = 1.7e38 is finite in float32, exp(89) is not
PROBABILITY_MIN = 1e-15  # logloss clips to [1e-15, 1 - 1e-15]: a row costs at most 34.5 nats
UNIT = (0.0, 1.0, "in [0, 1]")
BOUNDS = {"y": UNIT, "label": UNIT, "p": UNIT, "weight": (0.0, math.inf, "finite and >= 0")}


@dataclass(frozen=True)
class GroupedAuc:
    """AUC inside each group (user, request); a group lacking a class is skipped."""

    gauc: float  # mean of the groups' AUC, each weighing its sum of weights
    uauc: float  # plain mean of the groups' AUC
    groups_kept: int
    groups_skipped: int
    rows_kept: int
    rows_skipped: int


@dataclass(frozen=True)
class CalibrationBucket:
    """Rows whose prediction lies in [low, high], both ends observed predictions."""

    low: float
    high: float
    rows: int
    mean_prediction: float
    mean_label: float
    calibration: float  # sum of predictions / sum of labels


@dataclass(frozen=True)
class AucDifference:
    """AUC(a) - AUC(b) with its percentile interval [low, high]."""

    difference: float
    low: float
    high: float
    confidence: float
    replicates: int  # those that drew both classes, the only ones with an AUC


@dataclass(frozen=True)
class WatchTime:
    """How far exp(score) is from watch time, in the unit of the weights; a row counts once."""

    mae: float
    rmse: float
    xauc: float


@dataclass(frozen=True)
class Report:
    """What `evaluate` measured."""

    rows: int
    weight_sum: float
    positives: float  # sum of w*y
    auc: float
    logloss: float  # nats a unit of weight
    normalized_entropy: float
    calibration: float
    buckets: list[CalibrationBucket]
    grouped: GroupedAuc | None  # None without groups
    watch_time: WatchTime | None  # None unless the link is exp

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready dicts, lists, ints and floats; what is not finite is None."""
        return asdict(self, dict_factory=_json_dict)


def auc(y: ArrayLike, score: ArrayLike, weight: Weights = None) -> float:
    """P(a positive outscores a negative), ties 1/2, score any number that ranks the rows."""
    labels, scores, weights = _rows(weight, y=y, score=score)
    return _ranked_auc(weights * labels, weights * (1.0 - labels), *_rank(scores))


def grouped_auc(
    y: ArrayLike, score: ArrayLike, group: ArrayLike, weight: Weights = None
) -> GroupedAuc:
    """GAUC = sum_u n_u AUC_u / sum_u n_u over groups with both classes, n_u the sum of weights.

    group (n,) holds a key a row: integers, strings, anything that sorts; each nan is its own group.
    Both means are nan when no group has both classes. Source of GAUC: Zhu et al., KDD 2017.
    """
    ids = np.unique(group, return_inverse=True, equal_nan=False)[1]
    labels, scores, keys, weights = _rows(weight, y=y, score=score, group=ids)
    order = np.lexsort((scores, keys))
    labels, scores, weights, keys = labels[order], scores[order], weights[order], keys[order]
    opens_group = np.append(True, keys[1:] != keys[:-1])
    opens_tie = opens_group | np.append(True, scores[1:] != scores[:-1])
    group_start, tie_start = np.flatnonzero(opens_group), np.flatnonzero(opens_tie)
    group_rows = np.diff(group_start, append=labels.size)  # (groups,)
    group_weight = np.add.reduceat(weights, group_start)

    # The running sum below crosses groups. Bringing each to a total near 1 keeps a heavy group
    # from drowning a light one; a power of two keeps whole-number weights exact.
    weights = weights * np.repeat(np.ldexp(1.0, -np.frexp(group_weight)[1]), group_rows)
    positive = np.add.reduceat(weights * labels, tie_start)  # (ties,)
    negative = np.add.reduceat(weights * (1.0 - labels), tie_start)
    first_tie = np.searchsorted(tie_start, group_start)  # (groups,)
    running = np.cumsum(negative) - negative
    before_group = np.repeat(running[first_tie], np.diff(first_tie, append=tie_start.size))
    below = running - before_group + negative / 2
    pairs = np.add.reduceat(positive, first_tie) * np.add.reduceat(negative, first_tie)
    kept = pairs > 0
    group_auc = np.add.reduceat(positive * below, first_tie)[kept] / pairs[kept]
    groups, rows = group_auc.size, int(group_rows[kept].sum())
    gauc, uauc = _mean(group_auc, group_weight[kept]), _mean(group_auc, np.ones(groups))
    return GroupedAuc(gauc, uauc, groups, kept.size - groups, rows, labels.size - rows)


def logloss(y: ArrayLike, p: ArrayLike, weight: Weights = None) -> float:
    """Mean of -(y ln p + (1-y) ln(1-p)) in nats, p clipped to [1e-15, 1 - 1e-15]."""
    labels, p, weights = _rows(weight, y=y, p=p)
    p = np.clip(p, PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
    return _mean(-(labels * np.log(p) + (1.0 - labels) * np.log1p(-p)), weights)


def logloss_from_score(y: ArrayLike, score: ArrayLike, weight: Weights = None) -> float:
    """Logloss in nats of sigmoid(score), from the log odds: no rounding to 0 or 1, so no clip."""
    labels, scores, weights = _rows(weight, y=y, score=score)
    # ln(1 + e^s) - y s with the large part taken out: a confident right score keeps its tiny loss.
    loss = np.maximum(scores, 0.0) - labels * scores + np.logaddexp(0.0, -np.abs(scores))
    return _mean(loss, weights)


def normalized_entropy(
    y: ArrayLike, p: ArrayLike, weight: Weights = None, background_ctr: float | None = None
) -> float:
    """NE = logloss / entropy of the background CTR in (0, 1) (He et al., ADKDD 2014).

    None takes the mean label of these rows: then below 1 beats the best constant.
    """
    labels, p, weights = _rows(weight, y=y, p=p)
    return _normalized(logloss(labels, p, weights), _mean(labels, weights), background_ctr)


def calibration(y: ArrayLike, p: ArrayLike, weight: Weights = None) -> float:
    """Sum of probabilities / sum of labels: above 1 over-predicts; nan without a positive."""
    labels, p, weights = _rows(weight, y=y, p=p)
    return _ratio(weights @ p, weights @ labels)


def calibration_buckets(
    y: ArrayLike, p: ArrayLike, weight: Weights = None, buckets: int = 10
) -> list[CalibrationBucket]:
    """Calibration per bucket of p, in rising order, each near n / buckets rows.

    Equal predictions share a bucket (the one of their middle row), so there may be fewer than
    `buckets` (>= 1) of them and none is empty. Rows are counted, not weighed, to cut buckets.
    """
    if buckets < 1:
        raise ValueError(f"buckets is {buckets}, must be >= 1")
    labels, p, weights = _rows(weight, y=y, p=p)
    order, tie_start = _rank(p)
    labels, p, weights = labels[order], p[order], weights[order]
    tie_bucket = (tie_start + np.append(tie_start[1:], p.size) - 1) * buckets // (2 * p.size)
    first = tie_start[np.append(True, tie_bucket[1:] != tie_bucket[:-1])]
    last = np.append(first[1:], p.size) - 1
    sums = (np.add.reduceat(x, first) for x in (weights, weights * p, weights * labels))
    columns = (p[first], p[last], last - first + 1, *sums)
    return [
        CalibrationBucket(low, high, rows, _ratio(wp, w), _ratio(wy, w), _ratio(wp, wy))
        for low, high, rows, w, wp, wy in zip(*(x.tolist() for x in columns), strict=True)
    ]


def mae(target: ArrayLike, prediction: ArrayLike, weight: Weights = None) -> float:
    """Mean absolute error, in the unit of target."""
    target, prediction, weights = _rows(weight, target=target, prediction=prediction)
    return _mean(np.abs(prediction - target), weights)


def rmse(target: ArrayLike, prediction: ArrayLike, weight: Weights = None) -> float:
    """Root of the mean squared error, in the unit of target."""
    target, prediction, weights = _rows(weight, target=target, prediction=prediction)
    return math.sqrt(_mean((prediction - target) ** 2, weights))


def xauc(target: ArrayLike, prediction: ArrayLike) -> float:
    """Share of the pairs with unequal targets that prediction orders the same way, ties 1/2.

    AUC for a real-valued target (Zhan et al., KDD 2022), in O(n log n); nan without such a pair.
    """
    target, prediction, _ = _rows(None, target=target, prediction=prediction)
    # Each order breaks its ties by the other order reversed: no tied pair looks ascending.
    by_target = np.lexsort((-prediction, target))
    by_prediction = by_target[::-1][np.argsort(prediction[by_target[::-1]], kind="stable")]
    rank = np.empty(target.size, dtype=np.int64)
    rank[by_prediction] = np.arange(target.size)
    concordant = _ascending_pairs(rank[by_target])
    tied = _tied_pairs(by_prediction, prediction) - _tied_pairs(by_prediction, prediction, target)
    pairs = target.size * (target.size - 1) // 2 - _tied_pairs(by_target, target)
    return _ratio(concordant + tied / 2, pairs)


def auc_difference(
    y: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    weight: Weights = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> AucDifference:
    """AUC(a) - AUC(b) on the same rows, with a paired bootstrap percentile interval.

    Each replicate draws n rows with replacement and scores both models on that one draw, so what
    makes rows hard for both cancels; scores of equal ranking give exactly 0, 0, 0. Rows must be
    independent: the rows of one user are not, and the true interval is then wider. O(n) memory;
    time is two sorts and some 50 ns a row and replicate: 10 s for 1000 replicates of 2 * 10^5
    rows. For more rows pass fewer replicates (200 still place a 95% bound) or a sample of rows.
    """
    if replicates < 1:
        raise ValueError(f"replicates is {replicates}, must be >= 1")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}, must be in (0, 1)")
    labels, a, b, weights = _rows(weight, y=y, a=a, b=b)
    positive, negative = weights * labels, weights * (1.0 - labels)
    rank_a, rank_b = _rank(a), _rank(b)

    def difference(count: NDArray[Any]) -> float:
        drawn = positive * count, negative * count
        return _ranked_auc(*drawn, *rank_a) - _ranked_auc(*drawn, *rank_b)

    n = labels.size
    rng = np.random.default_rng(seed)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(replicates))
    drawn = np.array([difference(count) for count in draws])
    drawn = drawn[~np.isnan(drawn)]
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(drawn, (tail, 1.0 - tail)) if drawn.size else (math.nan, math.nan)
    whole = difference(np.ones(n))
    return AucDifference(whole, float(low), float(high), confidence, drawn.size)


def probability(score: ArrayLike) -> Floats:
    """sigmoid(score) in [0, 1], elementwise, any shape; never overflows, nan stays nan."""
    score = np.asarray(score, dtype=np.float64)
    small = np.exp(-np.abs(score))
    return np.asarray(np.where(score < 0.0, small, 1.0) / (1.0 + small))


def odds(score: ArrayLike) -> Floats:
    """exp(score), elementwise, any shape, a score above 88 counting as 88; nan stays nan.

    So it is at most 1.7e38, finite in float32 too. With positives weighted by watch time T and
    negatives by 1 it estimates E[T] / (1 - P(click)) (Covington et al., RecSys 2016).
    """
    return np.asarray(np.exp(np.minimum(np.asarray(score, dtype=np.float64), ODDS_SCORE_MAX)))


def evaluate(
    label: ArrayLike,
    weight: Weights,
    score: ArrayLike,
    group: ArrayLike | None = None,
    link: str = "sigmoid",
    background_ctr: float | None = None,
    buckets: int = 10,
) -> Report:
    """Every metric of one prediction run; score is always the raw score (log odds).

    link is what is served: "sigmoid", "exp" or "raw". It changes no number of the probability
    block, always of sigmoid(score); "exp" adds the watch-time block, whose target is the weight
    where label > 0.5 and 0 elsewhere, and whose prediction is odds(score).
    """
    if link not in LINKS:
        raise ValueError(f"link is {link!r}, must be one of {', '.join(LINKS)}")
    label, score, weight = _rows(weight, label=label, score=score)
    p = probability(score)
    loss = logloss_from_score(label, score, weight)
    watch_time = None
    if link == "exp":
        watched = (np.where(label > 0.5, weight, 0.0), odds(score))
        watch_time = WatchTime(mae(*watched), rmse(*watched), xauc(*watched))
    return Report(
        rows=label.size,
        weight_sum=float(weight.sum()),
        positives=float(weight @ label),
        auc=auc(label, score, weight),
        logloss=loss,
        normalized_entropy=_normalized(loss, _mean(label, weight), background_ctr),
        calibration=calibration(label, p, weight),
        buckets=calibration_buckets(label, p, weight, buckets),
        grouped=None if group is None else grouped_auc(label, score, group, weight),
        watch_time=watch_time,
    )


def _rows(weight: Weights, **columns: ArrayLike) -> list[Floats]:
    """The columns, then the weights, as float64 (n,) checked against BOUNDS by their names."""
    if weight is not None:
        columns["weight"] = weight
    checked: list[Floats] = []
    for name, values in columns.items():
        column = np.asarray(values, dtype=np.float64)
        if column.ndim != 1 or column.size == 0:
            raise ValueError(f"{name} has shape {column.shape}, must be (n,) with n >= 1")
        if checked and column.size != checked[0].size:
            raise ValueError(f"{name} has {column.size} rows, must have {checked[0].size}")
        low, high, meaning = BOUNDS.get(name, (-math.inf, math.inf, "finite"))
        bad = np.flatnonzero(~(np.isfinite(column) & (column >= low) & (column <= high)))
        if bad.size:
            raise ValueError(f"{name}[{bad[0]}] is {column[bad[0]]}, must be {meaning}")
        checked.append(column)
    return checked if weight is not None else [*checked, np.ones(checked[0].size)]


def _rank(score: Floats) -> tuple[Ints, Ints]:
    """The rising order of score (n,), and where each run of equals starts in it (ties,)."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def _ranked_auc(positive: Floats, negative: Floats, order: Ints, tie_start: Ints) -> float:
    """AUC of the classes' weights (n,), given `_rank` of their scores."""
    positive, negative = positive[order], negative[order]
    if tie_start.size < order.size:
        positive = np.add.reduceat(positive, tie_start)
        negative = np.add.reduceat(negative, tie_start)
    below = np.cumsum(negative) - negative / 2
    # Not a BLAS dot, whose rounding may vary with alignment: equal rankings must give equal bits.
    return _ratio((positive * below).sum(), positive.sum() * negative.sum())


def _tied_pairs(order: Ints, *columns: Floats) -> int:
    """Pairs of rows equal in every column, order (n,) putting equal rows side by side."""
    changes = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    run = np.diff(np.flatnonzero(np.append(True, changes)), append=order.size)
    return int((run * (run - 1) // 2).sum())


def _ascending_pairs(rank: Ints) -> int:
    """Pairs i < j with rank[i] < rank[j], rank (n,) a permutation of 0..n-1.

    Each pair is counted at the highest bit where its ranks differ. At bit b the array is in
    blocks of equal higher bits; a block starts where its lowest rank will end up, so every
    earlier block is full and half zeros, and splitting a block by the bit is arithmetic.
    """
    total = 0
    row = np.arange(rank.size)
    for bit in reversed(range((rank.size - 1).bit_length())):
        half = 1 << bit
        one = (rank & half) != 0
        block = rank & -(2 * half)
        zeros_before = np.cumsum(~one) - ~one - block // 2  # inside the block
        total += int(zeros_before[one].sum())
        split = np.empty_like(rank)
        split[np.where(one, row + half - zeros_before, block + zeros_before)] = rank
        rank = split
    return total


def _normalized(loss: float, mean_label: float, background_ctr: float | None) -> float:
    if background_ctr is not None and not 0.0 < background_ctr < 1.0:
        raise ValueError(f"background_ctr is {background_ctr}, must be in (0, 1)")
    ctr = mean_label if background_ctr is None else background_ctr
    if not 0.0 < ctr < 1.0:
        return math.nan
    return loss / -(ctr * math.log(ctr) + (1.0 - ctr) * math.log1p(-ctr))


def _mean(values: Floats, weights: Floats) -> float:
    return _ratio(weights @ values, weights.sum())


def _ratio(top: Any, bottom: Any) -> float:
    return float(top / bottom) if bottom > 0 else math.nan


def _json_dict(items: list[tuple[str, Any]]) -> dict[str, Any]:
    absent = {name for name, item in items if isinstance(item, float) and not math.isfinite(item)}
    return {name: None if name in absent else item for name, item in items}
