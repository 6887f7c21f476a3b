"""Transformers that learn from columns what a schema's [learned] and column rules hold.

guard, log = NonFiniteGuard(range=(0, 1e6)), LogTransform()
bins = EqualFrequencyDiscretizer(bins=20)
pipeline = make_pipeline(guard, log, bins).fit(X)
schema_columns(pipeline)  # {"x0": {"transforms": ["log", "equal-frequency 20"], ...}, ...}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fmtrain.errors import ParameterError, printable
from fmtrain.features.cuts import (
    EXACT_MAX,
    SKETCH_K,
    Moments,
    QuantileCuts,
    Range,
    WidthCuts,
)
from fmtrain.features.transformer import Transformer
from fmtrain.lazy import np, npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]


@dataclass
class Guard:
    """What the cells of a column were like, of those that fit or partial_fit saw."""

    rows: int = 0
    missing: int = 0  # an array knows of NaN only
    nan: int = 0  # of the missing ones
    infinite: int = 0
    outside: int = 0  # finite and not within the range

    def add(self, values: Floats, limits: tuple[float, float] | None = None) -> None:
        self.rows += values.size
        finite = int(np.isfinite(values).sum())
        nan = int(np.isnan(values).sum())
        self.nan += nan
        self.missing += nan
        self.infinite += values.size - finite - nan
        if limits is not None:
            low, high = limits
            inside = int(((values >= low) & (values <= high)).sum())
            self.outside += finite - inside


class CutLearner(Protocol):
    bins: int

    @property
    def rank_error(self) -> float: ...

    def add(self, values: Floats) -> None: ...

    def cuts(self) -> Floats: ...


class Discretizer(Transformer):
    """Common to both: each column's cuts, and bins by them.

    transform gives whole numbers, (rows, columns): the number of cuts <= v, 0 .. bins - 1, and
    `bins` for a missing value, infinities too (the schema's token of these is empty: `NAME=`).
    """

    bins: int
    guards_: list[Guard]
    _cuts: Sequence[CutLearner]

    def _learn(self, values: Floats) -> None:
        for column, learner, guard in zip(values.T, self._cuts, self.guards_, strict=True):
            guard.add(column)
            learner.add(column)

    def _change(self, values: Floats) -> npt.NDArray[np.int64]:
        out = np.empty(values.shape, np.int64)
        for at, cuts in enumerate(self.cuts_):
            column = np.ascontiguousarray(values[:, at])
            found = np.searchsorted(cuts, column, side="right")
            out[:, at] = np.where(np.isfinite(column), found, self._cuts[at].bins)
        return out

    @property
    def cuts_(self) -> list[npt.NDArray[np.float64]]:
        """Of each column the inner edges, rising: bins - 1 of them or fewer."""
        return [learner.cuts() for learner in self._learned()]

    @property
    def rank_error_(self) -> list[float]:
        """Of each column how far, as a share of its rows, a cut may be off; 0 where exact."""
        return [learner.rank_error for learner in self._learned()]

    def _learned(self) -> Sequence[CutLearner]:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{type(self).__name__} is not fitted: it has no cuts yet")
        return self._cuts


class EqualWidthDiscretizer(Discretizer):
    """Bins of equal width between the smallest and the largest value of each column.

    bins: from 2. Learned: `cuts_`, `min_`, `max_`, `guards_`.
    """

    _cuts: list[WidthCuts]

    def __init__(self, bins: int = 10) -> None:
        self.bins = bins

    def _start(self, count: int) -> None:
        self._cuts = [WidthCuts(self.bins) for _ in range(count)]
        self.guards_ = [Guard() for _ in range(count)]

    @property
    def min_(self) -> npt.NDArray[np.float64]:
        self._learned()
        return np.array([learner.range.min for learner in self._cuts])

    @property
    def max_(self) -> npt.NDArray[np.float64]:
        self._learned()
        return np.array([learner.range.max for learner in self._cuts])

    def _piece(self, column: int) -> dict[str, Any]:
        learner = self._cuts[column]
        return {
            "transforms": [f"equal-width {learner.bins}"],
            "learned": {"cuts": learner.cuts().tolist()},
        }


class EqualFrequencyDiscretizer(Discretizer):
    """Bins of as equal numbers of rows as ties allow; what that means is said at QuantileCuts.

    bins: from 2. exact_max: values of a column that are kept; past these a sketch of size k takes
    their place (needs `fmtrain[sketch]`). Learned: `cuts_`, `rank_error_`, `guards_`.
    """

    _cuts: list[QuantileCuts]

    def __init__(self, bins: int = 10, exact_max: int = EXACT_MAX, k: int = SKETCH_K) -> None:
        self.bins = bins
        self.exact_max = exact_max
        self.k = k

    def _start(self, count: int) -> None:
        self._cuts = [QuantileCuts(self.bins, self.exact_max, self.k) for _ in range(count)]
        self.guards_ = [Guard() for _ in range(count)]

    def _piece(self, column: int) -> dict[str, Any]:
        learner = self._cuts[column]
        return {
            "transforms": [f"equal-frequency {learner.bins}"],
            "learned": {"cuts": learner.cuts().tolist(), "rank-error": learner.rank_error},
        }


class LogTransform(Transformer):
    """sign(x) log1p|x|: values in the millions become some 15. NaN and infinities stay.

    numpy's log1p and the encoder's, which is the C library's, differ by an ulp in some values.
    """

    def __init__(self) -> None:
        pass

    def _start(self, count: int) -> None:
        pass

    def _learn(self, values: Floats) -> None:
        pass

    def _change(self, values: Floats) -> npt.NDArray[np.float64]:
        return np.copysign(np.log1p(np.abs(values)), values)

    def _piece(self, column: int) -> dict[str, Any]:
        return {"transforms": ["log"]}


MISSING_RULES = ("bin", "reject")
INFINITE_RULES = ("missing", "clip", "reject")
OUTSIDE_RULES = ("clip", "missing", "reject")


class NonFiniteGuard(Transformer):
    """A schema's rules for cells that are no usable number, for a matrix.

    Infinities first, then values outside the range, then what is missing by now:

    infinite_as: "missing", "clip" (to the range's end), "reject"
    range: (low, high) of all columns; None: no bounds
    outside_as: "clip", "missing", "reject"
    missing_as: "bin" (stays NaN: a discretizer's missing bin), a number that takes its place, or
    "reject"

    "reject" makes transform raise ParameterError, which names the column and the row: a matrix
    cannot lose rows. fit only counts. A schema's "drop" is none of a matrix.

    Learned: `guards_` (what was seen, before any rule), `min_`, `max_`, `mean_`, `deviation_` of
    what comes out of the first two rules.
    """

    def __init__(
        self,
        missing_as: str | float = "bin",
        infinite_as: str = "missing",
        range: tuple[float, float] | None = None,
        outside_as: str = "clip",
    ) -> None:
        self.missing_as = missing_as
        self.infinite_as = infinite_as
        self.range = range
        self.outside_as = outside_as

    guards_: list[Guard]

    def _start(self, count: int) -> None:
        self._check_rules()
        self.guards_ = [Guard() for _ in range(count)]
        self._ranges = [Range() for _ in range(count)]
        self._moments = [Moments() for _ in range(count)]

    def _check_rules(self) -> None:
        if self.missing_as not in MISSING_RULES and not is_finite_number(self.missing_as):
            raise bad_rule("missing_as", self.missing_as, (*MISSING_RULES, "a finite number"))
        if self.infinite_as not in INFINITE_RULES:
            raise bad_rule("infinite_as", self.infinite_as, INFINITE_RULES)
        if self.outside_as not in OUTSIDE_RULES:
            raise bad_rule("outside_as", self.outside_as, OUTSIDE_RULES)
        if self.infinite_as == "clip" and self._limits() is None:
            raise ParameterError("infinite_as = clip needs a range to clip to")

    def _limits(self) -> tuple[float, float] | None:
        if self.range is None:
            return None
        try:
            low, high = self.range
            if is_finite_number(low) and is_finite_number(high) and low <= high:
                return float(low), float(high)
        except (TypeError, ValueError):
            pass
        raise ParameterError(
            f"range = {self.range} is not allowed: give two finite numbers, the smaller first"
        )

    def _learn(self, values: Floats) -> None:
        limits = self._limits()
        for at, guard in enumerate(self.guards_):
            column = values[:, at]
            guard.add(column, limits)
            usable = self._usable(column)
            self._ranges[at].add(usable)
            self._moments[at].add(usable)

    def _usable(self, column: Floats) -> Floats:
        """The column after the rules for infinities and for the range; what they reject is NaN."""
        out = np.array(column)
        limits = self._limits()
        if limits is None or self.infinite_as != "clip":
            out[np.isinf(out)] = np.nan
        if limits is None:
            return out
        if self.outside_as == "clip":
            return out.clip(*limits)
        infinite = np.isinf(column)
        outside = ~infinite & ((out < limits[0]) | (out > limits[1]))
        out[outside] = np.nan
        return out.clip(*limits)

    def _change(self, values: Floats) -> npt.NDArray[np.float64]:
        self._check_rules()
        out = np.empty(values.shape)
        for at in range(values.shape[1]):
            column = values[:, at]
            used = self._usable(column)
            self._refuse(at, column, used)
            if self.missing_as not in MISSING_RULES:
                used[np.isnan(used)] = self.missing_as
            out[:, at] = used
        return out

    def _refuse(self, at: int, column: Floats, used: Floats) -> None:
        """Raises for the first row that a rule rejects."""
        infinite, nan = np.isinf(column), np.isnan(column)
        rules = {
            "infinite_as": (self.infinite_as, infinite),
            "outside_as": (self.outside_as, np.isnan(used) & ~infinite & ~nan),
            "missing_as": (self.missing_as, np.isnan(used)),
        }
        for name, (rule, where) in rules.items():
            if rule == "reject" and where.any():
                row = int(np.argmax(where))
                column_name = printable(str(self.get_feature_names_out()[at]))
                raise ParameterError(
                    f"column '{column_name}', row {row}: {column[row]} is rejected by "
                    f"{name} = reject"
                )

    @property
    def min_(self) -> npt.NDArray[np.float64]:
        return np.array([seen.min for seen in self._ranges])

    @property
    def max_(self) -> npt.NDArray[np.float64]:
        return np.array([seen.max for seen in self._ranges])

    @property
    def mean_(self) -> npt.NDArray[np.float64]:
        return np.array([seen.mean for seen in self._moments])

    @property
    def deviation_(self) -> npt.NDArray[np.float64]:
        return np.array([seen.deviation for seen in self._moments])

    def _piece(self, column: int) -> dict[str, Any]:
        filled = self.missing_as not in MISSING_RULES
        missing = float(self.missing_as) if filled else self.missing_as
        rules: dict[str, Any] = {"missing-as": missing, "infinite-as": self.infinite_as}
        limits = self._limits()
        if limits is not None:
            rules |= {"range": list(limits), "outside-as": self.outside_as}
        guard, seen = self.guards_[column], self._ranges[column]
        profile = {"rows": guard.rows, "missing": guard.missing / guard.rows}
        if seen.count:
            profile |= {"min": seen.min, "max": seen.max}
        return {"transforms": [], "rules": rules, "profile": profile}


def is_finite_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool) and bool(np.isfinite(value))


def bad_rule(name: str, value: Any, allowed: tuple[str, ...]) -> ParameterError:
    return ParameterError(f"{name} = {value} is not allowed: give one of {', '.join(allowed)}")
