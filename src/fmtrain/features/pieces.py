"""What fitted transformers have learned, as the pieces of a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fmtrain.errors import ParameterError, ParameterTypeError
from fmtrain.features.discretizers import Discretizer, NonFiniteGuard
from fmtrain.features.transformer import Transformer


def schema_columns(*steps: Any) -> dict[str, dict[str, Any]]:
    """Of fitted steps, in the order in which they were applied, each column's part of a schema.

    steps: transformers of this package, or pipelines of them. A column has `transforms` and, where
    a step says something of them, `learned`, `rules` (keys of its entry in [columns]), `profile`.
    """
    flat = list(flattened(steps))
    check_order(flat)
    names = [str(name) for name in flat[0].get_feature_names_out()]
    columns: dict[str, dict[str, Any]] = {name: {"transforms": []} for name in names}
    for step in flat:
        pieces = list(step.schema_transforms().values())
        for column, piece in zip(columns.values(), pieces, strict=True):
            column["transforms"] += piece["transforms"]
            column |= {key: value for key, value in piece.items() if key != "transforms"}
    return columns


def schema_tables(*steps: Any) -> dict[str, dict[str, Any]]:
    """The same as tables of a schema: `columns`, `learned`, `profile`, to be written as TOML or
    JSON or put into a larger one."""
    tables: dict[str, dict[str, Any]] = {"columns": {}, "learned": {}, "profile": {}}
    for name, column in schema_columns(*steps).items():
        entry: dict[str, Any] = {"type": "number", **column.get("rules", {})}
        if column["transforms"]:
            entry["transforms"] = column["transforms"]
        tables["columns"][name] = entry
        for table in ("learned", "profile"):
            if table in column:
                tables[table][name] = column[table]
    return {name: table for name, table in tables.items() if table}


def flattened(steps: Any) -> Iterator[Transformer]:
    for step in steps:
        if isinstance(step, Transformer):
            yield step
        elif hasattr(step, "steps"):  # a Pipeline
            inner = [part for _, part in step.steps]
            yield from flattened(part for part in inner if part not in (None, "passthrough"))
        else:
            raise ParameterTypeError(
                f"a {type(step).__name__} has no counterpart in a schema: give LogTransform, "
                "NonFiniteGuard, EqualWidthDiscretizer, EqualFrequencyDiscretizer"
            )


def check_order(steps: list[Transformer]) -> None:
    if not steps:
        raise ParameterError("give at least one fitted transformer")
    for at, step in enumerate(steps):
        name = type(step).__name__
        if isinstance(step, NonFiniteGuard) and at > 0:
            raise ParameterError(
                f"step {at + 1}, {name}, must be the first: a schema's rules are for raw cells"
            )
        if isinstance(step, Discretizer) and at + 1 < len(steps):
            raise ParameterError(
                f"step {at + 1}, {name}, must be the last: what comes after it would see bins"
            )
        step._check_fitted()
        if step.n_features_in_ != steps[0].n_features_in_:
            raise ParameterError(
                f"step {at + 1}, {name}, was fitted on {step.n_features_in_} columns, the first "
                f"step on {steps[0].n_features_in_}"
            )
