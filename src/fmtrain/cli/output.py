"""Results as plain text, which reads the same on a terminal, in a pipe and in a log, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

GAP = "  "


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows (of equal length) as lines: the first `left` columns to the left, the others to the
    right."""
    # Here, as `fit`, which aligns nothing, would wait for it.
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - cell_len(cell))
            cells.append(cell + blanks if column < left else blanks + cell)
        lines.append(GAP.join(cells).rstrip() + "\n")
    return "".join(lines)


def facts(items: Iterable[tuple[str, str]]) -> str:
    """`name: text` lines with the texts under each other."""
    return aligned([(f"{name}:", text) for name, text in items], left=2)


def json_document(value: Any) -> str:
    """One document; nan and infinity, which are no JSON, become null."""
    plain = json.loads(json.dumps(value), parse_constant=lambda constant: None)
    return json.dumps(plain, indent=2) + "\n"


def write(text: str) -> None:
    """To standard output, whatever its encoding: what it lacks is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
