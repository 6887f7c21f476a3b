"""What is learned of one number column in one pass: its cuts, its range, its moments.

Every object takes the column piece by piece with `add` (float64; NaN and infinities are skipped)
and may be asked at any time. Memory is bounded, however long the column is. The bin of v is the
number of cuts <= v: bins are half-open, [a, b), the first and the last reach to infinity.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from fmtrain.errors import MissingExtraError, ParameterError
from fmtrain.lazy import np, npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

#: Values kept as they are, 1 MiB a column: quantiles of no more than these are exact.
EXACT_MAX = 1 << 17
#: The sketch's size: a rank error of .0007 in some 100 KiB a column.
SKETCH_K = 4096
BINS_MAX = 65_536
EXACT_MAX_MAX = 1 << 27  # 1 GiB a column
K_MIN, K_MAX = 8, 65_535  # those of datasketches

PIECE = 1 << 15  # values that stay in a core's cache between two looks at them


def finite(values: Floats) -> Floats:
    """Those that are, in order; not copied where all are."""
    values = np.asarray(values, dtype=np.float64)
    good = np.isfinite(values)
    return values if good.all() else values[good]


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """The parameter as an int within [low, high]."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if not low <= number <= high:
        raise ParameterError(
            f"{name} = {value} is not allowed: give a whole number from {low} to {high}"
        )
    return number


class Range:
    """Smallest and largest value; of none, min and max are NaN."""

    def __init__(self) -> None:
        self.count = 0
        self.min = float("nan")
        self.max = float("nan")

    def add(self, values: Floats) -> None:
        values = finite(values)
        if values.size:
            # fmin and fmax take the number of a number and a NaN; + 0.0 makes -0.0 a 0.0.
            self.min = float(np.fmin(self.min, values.min())) + 0.0
            self.max = float(np.fmax(self.max, values.max())) + 0.0
            self.count += values.size


class Moments:
    """Mean and population standard deviation; NaN of no value, infinite where sums of squares
    leave a double's range.

    Pieces are combined as by Chan, Golub and LeVeque (1979), so the mean may be large beside the
    deviation: no sum of squares of the values themselves is formed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean = 0.0
        self._squares = 0.0  # of the distances from the mean

    def add(self, values: Floats) -> None:
        values = finite(values)
        with np.errstate(over="ignore", invalid="ignore"):
            for at in range(0, values.size, PIECE):
                self._combine(values[at : at + PIECE])

    def _combine(self, piece: Floats) -> None:
        mean = piece.mean()
        away = piece - mean
        count = self.count + piece.size
        gap = mean - self._mean
        share = piece.size / count
        self._mean += gap * share
        np.multiply(away, away, out=away)  # not np.dot: BLAS would start threads
        self._squares += away.sum() + gap * gap * (self.count * share)
        self.count = count

    @property
    def mean(self) -> float:
        return float(self._mean) if self.count else float("nan")

    @property
    def deviation(self) -> float:
        if not self.count:
            return float("nan")
        if not np.isfinite(self._squares):
            return float("inf")
        return float(np.sqrt(self._squares / self.count))


class WidthCuts:
    """K bins of equal width from the smallest to the largest value.

    Cut i, of 1 .. K - 1, is min + i (max - min) / K. Cuts that rounding makes equal, or no larger
    than min, are merged away; a column of one value has none.
    """

    def __init__(self, bins: int) -> None:
        self.bins = whole_number("bins", bins, 2, BINS_MAX)
        self.range = Range()

    @property
    def count(self) -> int:
        return self.range.count

    @property
    def rank_error(self) -> float:
        return 0.0

    def add(self, values: Floats) -> None:
        self.range.add(values)

    def cuts(self) -> Floats:
        low, high = self.range.min, self.range.max
        if not low < high:
            return np.empty(0)
        part = np.arange(1, self.bins) / self.bins
        # The second form, where the width itself overflows, is the less exact one.
        wide = high - low == float("inf")
        edges = low * (1.0 - part) + high * part if wide else low + (high - low) * part
        edges = np.unique(edges + 0.0)
        return edges[(edges > low) & (edges <= high)]


class QuantileCuts:
    """K bins of as equal numbers of rows as ties allow.

    Of n values, i n / K should be below cut i, of 1 .. K - 1. A cut can only stand between two
    neighbouring distinct values: it goes to the place where the number below is nearest to that
    (of two as near, to the lower), and cuts that meet are one. So a value with more rows than a bin
    should have ends with a bin of its own, on both sides, and two distinct values always have a
    cut. The cut is the middle of its neighbours (the upper where there is no double between):
    no value seen lies on a cut, where another library's log1p, an ulp off, would change its bin.
    For K dividing n and no ties this is numpy's method "averaged_inverted_cdf".

    Exact, and the same for any pieces, while there are at most exact_max values. Then they go,
    sorted, into a KLL sketch (Karnin, Lang, Liberty 2016; package datasketches): the share of rows
    below a cut is off by at most rank_error with a probability of 99%. The sketch draws its random
    bits from the clock, so that two runs do not give quite the same cuts.
    """

    def __init__(self, bins: int, exact_max: int = EXACT_MAX, k: int = SKETCH_K) -> None:
        self.bins = whole_number("bins", bins, 2, BINS_MAX)
        self.exact_max = whole_number("exact_max", exact_max, 1, EXACT_MAX_MAX)
        self.k = whole_number("k", k, K_MIN, K_MAX)
        self.count = 0
        self._kept = np.empty(min(self.exact_max, 1024))  # of which _size are filled
        self._size = 0
        self._sketch: Any = None
        self._cuts: Floats | None = None

    @property
    def rank_error(self) -> float:
        """Of a cut, as a share of the rows; 0 while the cuts are exact."""
        if self._sketch is None:
            return 0.0
        return float(self._sketch.normalized_rank_error(False))

    def add(self, values: Floats) -> None:
        values = finite(values).ravel()
        self.count += values.size
        self._cuts = None
        at = 0
        while at < values.size:
            if self._size == self.exact_max:
                self._into_sketch()
            taken = min(values.size - at, self.exact_max - self._size)
            self._make_room(taken)
            self._kept[self._size : self._size + taken] = values[at : at + taken]
            self._size += taken
            at += taken

    def _make_room(self, more: int) -> None:
        needed = self._size + more
        if needed > self._kept.size:
            kept = np.empty(min(self.exact_max, max(needed, 2 * self._kept.size)))
            kept[: self._size] = self._kept[: self._size]
            self._kept = kept

    def _into_sketch(self) -> None:
        if self._sketch is None:
            self._sketch = import_datasketches(self.exact_max).kll_doubles_sketch(self.k)
        # A sketch sorts what it takes; numpy sorts several times faster, and the sketch takes
        # sorted values three times faster. Its bound holds for any order.
        values = self._kept[: self._size]
        values.sort()
        self._sketch.update(values)
        self._size = 0

    def cuts(self) -> Floats:
        if self._cuts is None:
            values, weights = self._sorted()
            self._cuts = cuts_of_sorted(values, weights, self.bins)
        return self._cuts

    def _sorted(self) -> tuple[Floats, Any]:
        """What is kept, rising, and how many values each stands for."""
        values = np.sort(self._kept[: self._size])
        weights = np.ones(self._size, np.int64)
        if self._sketch is None:
            return values, weights
        held = np.array(list(self._sketch))  # (kept by the sketch, 2): value, weight
        theirs, weighing = held[np.argsort(held[:, 0])].T
        at = np.searchsorted(values, theirs)
        return np.insert(values, at, theirs), np.insert(weights, at, weighing.astype(np.int64))

    def __getstate__(self) -> dict[str, Any]:
        kept, sketch = self._kept[: self._size].copy(), self._sketch
        stored = None if sketch is None else sketch.serialize()
        return {**self.__dict__, "_kept": kept, "_sketch": stored}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._sketch is not None:
            sketches = import_datasketches(self.exact_max)
            self._sketch = sketches.kll_doubles_sketch.deserialize(self._sketch)


def cuts_of_sorted(values: Floats, weights: Any, bins: int) -> Floats:
    """Quantile cuts of rising values, each of which stands for `weights` rows (whole numbers)."""
    first = np.flatnonzero(values[1:] != values[:-1]) + 1  # of each distinct value but the smallest
    if first.size == 0:
        return np.empty(0)
    below = np.cumsum(weights)
    rows = int(below[-1])
    edges = below[first - 1] * bins  # in rows times bins, as the targets: whole numbers
    targets = np.arange(1, bins) * rows
    upper = np.searchsorted(edges, targets).clip(max=edges.size - 1)
    lower = (upper - 1).clip(min=0)
    nearest = np.where(np.abs(edges[upper] - targets) < targets - edges[lower], upper, lower)
    at = first[np.unique(nearest)]
    return middle(values[at - 1], values[at])


def middle(low: Floats, high: Floats) -> Floats:
    """Of each pair low < high a double c with low < c <= high."""
    halves = low / 2 + high / 2  # halved first: a sum may overflow
    # + 0.0: a cut of -0.0 would read as another number than 0.0.
    return np.where((halves > low) & (halves <= high), halves, high) + 0.0


def import_datasketches(exact_max: int) -> Any:
    try:
        import datasketches
    except ImportError as error:
        raise MissingExtraError(
            f"quantiles of more than {exact_max} values need the package datasketches: "
            "pip install 'fmtrain[sketch]', or raise exact_max"
        ) from error
    return datasketches
