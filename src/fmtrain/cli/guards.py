"""What became of the cells of raw rows, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fmtrain.cli.output import aligned
from fmtrain.errors import printable

COUNTS = ("missing", "nan", "infinite", "invalid", "outside", "unusual")


def guard_table(guards: Mapping[str, Mapping[str, Any]]) -> str:
    """Of a run: the columns with something to tell; empty where all cells were good. Unusual are
    numbers outside what the schema's profile saw."""
    shown = {
        column: counts for column, counts in guards.items() if any(counts[key] for key in COUNTS)
    }
    return table(shown, COUNTS, ()) if shown else ""


def profile_table(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Of a schema being learned or checked: every column, with the range of its numbers."""
    return table(columns, COUNTS[:-1], ("min", "max")) if columns else ""


def table(
    columns: Mapping[str, Mapping[str, Any]], counts: tuple[str, ...], numbers: tuple[str, ...]
) -> str:
    rows = [["column", *counts, *numbers]]
    for column, seen in columns.items():
        rows.append(
            [
                printable(column),
                *(count_text(seen[key], seen["rows"], key) for key in counts),
                *(f"{seen[key]:.6g}" if key in seen else "" for key in numbers),
            ]
        )
    return aligned(rows)


def count_text(count: int, rows: int, key: str) -> str:
    if key == "missing" and count:
        return f"{count:,} ({count / rows:.1%})"
    return f"{count:,}"
