"""Whether the rows of a run are like those that their schema was learned from."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from fmtrain.errors import DriftError, printable
from fmtrain.features.schema import Schema

#: Fewer rows say nothing.
ROWS_MIN = 1_000
#: Shares of missing cells may differ by so much, and by so many standard errors.
MISSING_STEP = 0.05
STANDARD_ERRORS = 4.0
#: Of the numbers, how many may lie outside what the profile saw.
OUTSIDE_SHARE = 0.01


def warnings_of(guards: Mapping[str, Mapping[str, Any]], schema: Schema) -> list[str]:
    """A sentence a column that jumped, in the order of the schema. guards: a run's counts, by
    column; a schema without a profile has nothing to compare them with."""
    profile = schema.document.get("profile", {})
    found = []
    for column in schema.columns:
        counts = guards.get(column)
        if column in profile and counts is not None and counts["rows"] >= ROWS_MIN:
            found += missing_warnings(column, counts, profile[column])
            found += range_warnings(column, counts, profile[column])
    return found


def check_drift(guards: Mapping[str, Mapping[str, Any]], schema: Schema) -> None:
    """Raises DriftError with all of warnings_of."""
    found = warnings_of(guards, schema)
    if found:
        raise DriftError("; ".join(found))


def missing_warnings(
    column: str, counts: Mapping[str, Any], profile: Mapping[str, Any]
) -> list[str]:
    if "missing" not in profile:
        return []
    rows, before = counts["rows"], float(profile["missing"])
    share = counts["missing"] / rows
    # Of the difference of two shares of one population; of a profile without its rows, as if it
    # had no error of its own.
    seen = float(profile.get("rows", 0))
    together = (counts["missing"] + before * seen) / (rows + seen)
    error = sqrt(together * (1 - together) * (1 / rows + (1 / seen if seen > 0 else 0)))
    if abs(share - before) <= max(MISSING_STEP, STANDARD_ERRORS * error):
        return []
    return [
        f"column '{printable(column)}': {share:.1%} of the cells are missing, {before:.1%} were "
        "when the schema was learned"
    ]


def range_warnings(column: str, counts: Mapping[str, Any], profile: Mapping[str, Any]) -> list[str]:
    unusual = counts.get("unusual", 0)
    numbers = counts["rows"] - counts["missing"] - counts["invalid"]
    if "min" not in profile or "max" not in profile or unusual <= OUTSIDE_SHARE * numbers:
        return []
    return [
        f"column '{printable(column)}': {unusual / max(numbers, unusual):.1%} of the numbers lie "
        f"outside {profile['min']:.6g} to {profile['max']:.6g}, none did when the schema was "
        "learned"
    ]
