"""`fmtrain schema fit`: what a schema leaves to the data, learned from raw rows in one pass.

The core's workers read the rows and hand over numbers (csrc/encode/profiler.h); here they become
cuts, scales and ranges. Memory is bounded, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fmtrain import _core
from fmtrain.data.rows import open_rows
from fmtrain.data.sources import Source
from fmtrain.errors import ParameterError, SchemaError, printable
from fmtrain.features.cuts import (
    EXACT_MAX,
    PIECE,
    SKETCH_K,
    Moments,
    QuantileCuts,
    Range,
    WidthCuts,
    whole_number,
)
from fmtrain.features.encoder import native_encoder
from fmtrain.features.first_rows import ROWS_MAX, first_rows
from fmtrain.features.schema import Schema
from fmtrain.lazy import np, npt
from fmtrain.stream import bad_lines_file, check_max_bad_ratio, check_threads, run_pass

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

#: Roles whose cells are no values: nothing is recorded of them.
UNPROFILED = ("label", "weight", "key")
#: What is missing of a column without numbers, in its message.
WANTED = {
    "equal-width": "cuts",
    "equal-frequency": "cuts",
    "z-score": "a mean",
    "min-max": "a range",
}


@dataclass(frozen=True)
class Profile:
    """What a pass over raw rows saw. `columns`: {column: rows, missing, nan, infinite, invalid,
    outside, unusual and, where it has numbers, min and max}; `log` as FitReport's."""

    columns: dict[str, dict[str, float]]
    log: dict[str, Any] = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """All that were read, bad ones too."""
        return int(self.log["sample"]) + int(self.log["bad_lines"])


def learn_schema(
    schema: Any,
    sources: Any,
    *,
    threads: int = 1,
    rows: int | None = None,
    format: str | None = None,
    max_bad_ratio: float = 0.01,
    exact_max: int = EXACT_MAX,
    k: int = SKETCH_K,
) -> Schema:
    """`schema` with what it has to learn, and the profile of its columns, from `sources`: whatever
    Encoder.encode takes. rows: only of the first so many. What was learned before is forgotten.

    The result is the same for any number of threads, but for quantiles of more than exact_max
    numbers (see QuantileCuts for that and for k). Labels and weights are not looked at.
    """
    return learn(
        schema,
        sources,
        threads=threads,
        rows=rows,
        format=format,
        max_bad_ratio=max_bad_ratio,
        exact_max=exact_max,
        k=k,
    )[0]


def learn(
    schema: Any,
    sources: Any,
    *,
    threads: int = 1,
    rows: int | None = None,
    format: str | None = None,
    max_bad_ratio: float = 0.01,
    exact_max: int = EXACT_MAX,
    k: int = SKETCH_K,
) -> tuple[Schema, Profile]:
    """As learn_schema; also what was seen."""
    own = Schema.of(schema, learned=False)
    encoder = native_encoder(own.with_learned({}, {}), 0)
    asked = encoder.to_learn()
    learners = {i: learner_for(what, bins, exact_max, k) for i, _, what, bins in asked}

    def take(numbers: Mapping[int, list[Floats]]) -> None:
        for feature, parts in numbers.items():
            for values in parts:
                learners[feature].add(values)

    profile = read_rows(
        own, encoder, sources, threads, rows, format, max_bad_ratio, None, False, take
    )
    if profile.log["sample"] == 0:
        raise ParameterError(f"there is no good row to learn {printable(own.source)} from")
    learned = {}
    for feature, name, what, _ in asked:
        learned[name] = result_of(own, name, what, learners[feature])
    return own.with_learned(learned, table_of(own, profile)), profile


def profile_rows(
    schema: Any,
    sources: Any,
    *,
    threads: int = 1,
    format: str | None = None,
    max_bad_ratio: float = 0.01,
    bad_lines: str | None = None,
) -> Profile:
    """Looks at raw rows as training would, labels and weights too, and keeps nothing of them. The
    schema may lack what it has to learn."""
    own = Schema.of(schema)
    encoder = native_encoder(own, 0)
    return read_rows(
        own, encoder, sources, threads, None, format, max_bad_ratio, bad_lines, True, None
    )


def read_rows(
    schema: Schema,
    encoder: Any,
    source: Any,
    threads: int,
    rows: int | None,
    format: str | None,
    max_bad_ratio: float,
    bad_lines: str | None,
    checking: bool,
    take: Any,
) -> Profile:
    check_max_bad_ratio(max_bad_ratio)
    found, used = open_rows(source, format or schema.format)
    sources: Iterable[Source] = found
    if rows is not None:
        header = bool(schema.document.get("header", False)) and used in ("tsv", "csv")
        sources = first_rows(found, whole_number("rows", rows, 1, ROWS_MAX), header)
    with bad_lines_file(bad_lines) as side_fd:
        stream = _core.Profiler(encoder, check_threads(threads), used, side_fd, checking)
        drain = None if take is None else lambda: take(stream.take())
        warnings = run_pass(stream, sources, max_bad_ratio, drain=drain)
    if drain is not None:
        drain()
    columns = {}
    for seen in stream.columns():
        columns[seen.pop("column")] = seen
    return Profile(columns, stream.log(), warnings)


# ---- from numbers to what a schema keeps ----


class PiecewiseMoments:
    """Moments of numbers in pieces whose sizes do not depend on how they arrive: the sums of the
    same rows are then the same, bit by bit. The other learners do not mind."""

    def __init__(self) -> None:
        self._moments = Moments()
        self._parts: list[Floats] = []
        self._size = 0

    def add(self, values: Floats) -> None:
        self._parts.append(values)
        self._size += values.size
        if self._size >= PIECE:
            whole = self._size // PIECE * PIECE
            values = np.concatenate(self._parts)
            self._moments.add(values[:whole])
            self._parts = [values[whole:].copy()]
            self._size -= whole

    def finished(self) -> Moments:
        if self._size:
            self._moments.add(np.concatenate(self._parts))
        self._parts, self._size = [], 0
        return self._moments


def learner_for(what: str, bins: int, exact_max: int, k: int) -> Any:
    if what == "equal-frequency":
        return QuantileCuts(bins, exact_max, k)
    if what == "equal-width":
        return WidthCuts(bins)
    return PiecewiseMoments() if what == "z-score" else Range()


def result_of(schema: Schema, name: str, what: str, learner: Any) -> dict[str, Any]:
    """The keys of [learned.NAME]."""
    if what == "z-score":
        learner = learner.finished()
    if learner.count == 0:
        raise feature_error(
            schema, name, lambda column: f"no number in the {column} to learn {WANTED[what]} from"
        )
    if what == "z-score":
        if not np.isfinite(learner.deviation):
            raise feature_error(
                schema,
                name,
                lambda column: (
                    f"the numbers of the {column} are too large for a deviation: give "
                    "the column a range, or clip or log before z-score"
                ),
            )
        return {"mean": learner.mean, "deviation": learner.deviation}
    if what == "min-max":
        return {"min": learner.min, "max": learner.max}
    cuts = {"cuts": learner.cuts().tolist()}
    return cuts | {"rank-error": learner.rank_error} if what == "equal-frequency" else cuts


def feature_error(schema: Schema, name: str, say: Any) -> SchemaError:
    """About a feature, whose column is named."""
    derived = schema.document.get("features", {}).get(name)
    path = ("columns" if derived is None else "features", name)
    column = name if derived is None else derived["from"]
    return schema.error(path, say(f"column '{column}'"))


def table_of(schema: Schema, profile: Profile) -> dict[str, dict[str, Any]]:
    """[profile.*], by column."""
    table = {}
    for name, seen in profile.columns.items():
        if schema.document["columns"][name].get("role") in UNPROFILED or not seen["rows"]:
            continue
        table[name] = {"rows": seen["rows"], "missing": seen["missing"] / seen["rows"]}
        table[name] |= {key: seen[key] + 0.0 for key in ("min", "max") if key in seen}
    return table
