"""The first rows of raw data whose form nobody told: how they are separated, named and quoted."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

from fmtrain.data.sources import BLOCK_BYTES, File, Source, open_source
from fmtrain.errors import BrokenInputError, MissingExtraError, ParameterError, printable

#: None, bool, str (numbers too, as they are spelled), list of str, or dict of str to str.
Cell = Any

FORMATS = ("tsv", "csv", "jsonl", "parquet")
SUFFIXES = {
    "tsv": "tsv",
    "tab": "tsv",
    "csv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
}
SEPARATORS = {"tsv": "\t", "csv": ","}
#: What is tried, in this order of trust.
CANDIDATES = ("\t", ",", ";", "|")
#: Rows that tell the separator.
SNIFFED_ROWS = 200
#: What is looked at of data whose rows do not end.
HEAD_BYTES_MAX = 16 << 20
COLUMNS_MAX = 10_000
PARQUET_CELLS_MAX = 10_000_000

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass
class Sample:
    name: str  # of the source
    format: str
    names: list[str]  # "": a column that its header does not name
    columns: list[list[Cell]]  # (columns, rows)
    left_out: int = 0  # rows that are not like the others
    header: bool = False
    named: bool = True  # the names are the data's own
    separator: str = ""
    quote: str = ""
    trim: bool = False

    @property
    def rows(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def read_sample(
    data: str, rows: int, format: str | None, header: bool | None, separator: str | None
) -> Sample:
    """Of a path, glob (its first file), `exec:COMMAND` or `-`. None: to be found out."""
    source = open_source(data)[0]
    format = format or named_format(data)
    if format is None and isinstance(source, File):
        with open(source.name, "rb") as file:
            format = "parquet" if file.read(4) == b"PAR1" else None
    if format == "parquet":
        return read_parquet(source, rows)
    lines = head_lines(source, rows + 1)
    if not lines:
        raise ParameterError(f"{source.name}: no rows to propose a schema from")
    if format is None and lines[0].lstrip().startswith("{"):
        format = "jsonl"
    if format == "jsonl":
        sample = read_json(source.name, lines[:rows])
    else:
        sample = read_delimited(source.name, lines, format, header, separator)
        sample.columns = [cells[:rows] for cells in sample.columns]
    if sample.rows == 0:
        raise ParameterError(f"{source.name}: no rows to propose a schema from")
    if len(sample.names) > COLUMNS_MAX:
        raise ParameterError(
            f"{source.name}: {len(sample.names):,} columns: a schema is proposed for at most "
            f"{COLUMNS_MAX:,}; is '{shown(sample.separator)}' what separates them?"
        )
    return sample


def shown(separator: str) -> str:
    return printable(separator)


def named_format(data: str) -> str | None:
    parts = os.path.basename(data).lower().split(".")
    if parts[-1] in ("gz", "zst"):
        parts.pop()
    return SUFFIXES.get(parts[-1]) if len(parts) > 1 else None


class Enough(Exception):
    """Ends a source before its end, which a command must not take for its own."""


def head_lines(source: Source, count: int) -> list[str]:
    """Up to so many lines that are not empty."""
    lines: list[str] = []
    rest = b""
    size = 0
    try:
        with source.open() as opened:
            for block in read_blocks(opened) if isinstance(opened, int) else opened:
                *whole, rest = (rest + block).split(b"\n")
                lines += [as_text(line) for line in whole if line.strip(b"\r")]
                size += len(block)
                if len(lines) >= count or size >= HEAD_BYTES_MAX:
                    raise Enough
    except Enough:
        if not lines:
            raise ParameterError(
                f"{source.name}: no line ends in its first {HEAD_BYTES_MAX >> 20} MiB"
            ) from None
        return lines[:count]
    if rest:
        lines.append(as_text(rest))
    return lines


def read_blocks(fd: int) -> Iterator[bytes]:
    while block := os.read(fd, BLOCK_BYTES):
        yield block


def as_text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="surrogateescape")


# ---- TSV and CSV ----


def read_delimited(
    name: str, lines: list[str], format: str | None, header: bool | None, separator: str | None
) -> Sample:
    lines[0] = lines[0].removeprefix("\ufeff")
    if separator is None:
        wanted = SEPARATORS["tsv"] if format == "tsv" else None
        separator = wanted or best_separator(lines[:SNIFFED_ROWS]) or SEPARATORS["csv"]
    if format is None:
        format = "tsv" if separator == "\t" else "csv"
    quote = '"' if is_quoted(lines, separator) else ""
    rows = [split(line, separator, quote) or line.split(separator) for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    first = rows[0]
    kept = [row for row in rows if len(row) == width]
    trim = is_padded(kept)
    if trim:
        kept = [[cell.strip(" \t") for cell in row] for row in kept]
    if header is None:
        header = len(first) == width and is_header(kept)
    elif header and len(first) != width:
        raise ParameterError(
            f"{name}: the header has {len(first)} cells and the rows have {width}: is "
            f"'{shown(separator)}' what separates them?"
        )
    names = kept.pop(0) if header else [f"c{i}" for i in range(1, width + 1)]
    check_names(name, names)
    return Sample(
        name=name,
        format=format,
        names=names,
        columns=[list(cells) for cells in zip(*kept, strict=True)],
        left_out=len(rows) - len(kept) - header,
        header=header,
        named=header,
        separator=separator,
        quote=quote or ("" if format == "tsv" or has_quotes(lines) else '"'),
        trim=trim,
    )


def check_names(name: str, names: list[str]) -> None:
    for column, count in Counter(names).items():
        if count > 1 and column:
            raise ParameterError(
                f"{name}: the header names '{printable(column)}' twice: a schema needs every "
                "column's own name"
            )
        if any("\ud800" <= c <= "\udfff" for c in column):
            raise ParameterError(
                f"{name}: the header's name '{printable(column)}' is no UTF-8, and a schema is"
            )


def split(line: str, separator: str, quote: str) -> list[str] | None:
    """The cells of a line; None where its quotes are not closed or text stands behind them."""
    if not quote or quote not in line:
        return line.split(separator)
    cells = []
    at = 0
    while True:
        if line.startswith(quote, at):
            end = at + 1
            while (end := line.find(quote, end)) >= 0 and line.startswith(quote, end + 1):
                end += 2
            if end < 0:
                return None
            cells.append(line[at + 1 : end].replace(quote * 2, quote))
            end += 1
            if end < len(line) and not line.startswith(separator, end):
                return None
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
        if end >= len(line):
            return cells
        at = end + 1


def best_separator(lines: list[str]) -> str | None:
    """The one that gives nearly all lines the same number of cells; None where none does."""
    found = []
    for trust, separator in enumerate(reversed(CANDIDATES)):
        counts = Counter(len(split(line, separator, '"') or ()) for line in lines)
        width, times = counts.most_common(1)[0]
        share = times / len(lines)
        if width > 1 and share > 0.5:
            found.append((share >= 0.95, separator == "\t", width, trust, separator))
    return max(found)[-1] if found else None


def has_quotes(lines: list[str]) -> bool:
    return any('"' in line for line in lines)


def is_quoted(lines: list[str], separator: str) -> bool:
    """Cells begin with a quote, and those that do end with one."""
    candidates = [line for line in lines if line.startswith('"') or f'{separator}"' in line]
    good = sum(split(line, separator, '"') is not None for line in candidates)
    return bool(candidates) and good >= 0.95 * len(candidates)


def is_padded(rows: list[list[str]]) -> bool:
    """Nearly all cells of a column have blanks around them."""
    sniffed = rows[:SNIFFED_ROWS]
    return any(
        sum(cell != cell.strip(" ") for cell in cells) >= 0.9 * len(sniffed)
        for cells in zip(*sniffed, strict=True)
    )


def is_header(rows: list[list[str]]) -> bool:
    """Whether the first row has names: no numbers, all different, and unlike what follows."""
    first, others = rows[0], rows[1:]
    named = [cell for cell in first if cell]
    # One without a name: pandas writes its index so.
    if len(named) < max(1, len(first) - 1) or len(set(named)) < len(named) or not others:
        return False
    if any(NUMBER.fullmatch(cell) for cell in named):
        return False
    columns = list(zip(*others, strict=True))
    for cells in columns:
        filled = [cell for cell in cells if cell]
        if filled and sum(NUMBER.fullmatch(cell) is not None for cell in filled) > 0.9 * len(
            filled
        ):
            return True
    # All text: names look like names and do not come again.
    return all(re.fullmatch(r"[^\W\d][\w .-]*", cell) for cell in named) and not any(
        cell in cells for cell, cells in zip(first, columns, strict=True)
    )


# ---- JSON lines and Parquet ----


def read_json(name: str, lines: list[str]) -> Sample:
    found: dict[str, list[Cell]] = {}
    rows = bad = 0
    for line in lines:
        try:
            row = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            bad += 1
            continue
        for key, value in row.items():
            cells = found.setdefault(key, [])
            cells += [None] * (rows - len(cells))
            cells.append(value)
        rows += 1
    if len(found) > COLUMNS_MAX:
        raise ParameterError(f"{name}: more than {COLUMNS_MAX:,} names: a schema has columns")
    check_names(name, list(found))
    columns = [cells + [None] * (rows - len(cells)) for cells in found.values()]
    return Sample(name, "jsonl", list(found), columns, bad)


def read_parquet(source: Source, rows: int) -> Sample:
    name = source.name
    if not isinstance(source, File):
        raise ParameterError(f"{name}: Parquet is read from a file: give its path")
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: reading Parquet needs the package pyarrow: pip install pyarrow"
        ) from error
    columns: dict[str, list[Cell]] = {}
    try:
        with parquet.ParquetFile(name) as file:
            columns = {column: [] for column in file.schema_arrow.names[:COLUMNS_MAX]}
            rows = min(rows, PARQUET_CELLS_MAX // max(1, len(columns)))
            # A batch may end before its size, with a row group.
            for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
                for column, cells in zip(batch.schema.names, batch.columns, strict=True):
                    columns[column] += [as_cell(value) for value in cells.to_pylist()]
                if not columns or len(next(iter(columns.values()))) >= rows:
                    break
    except Exception as error:  # of pyarrow's own kinds
        raise BrokenInputError(f"{name}: cannot be read as Parquet: {error}") from error
    if not columns or not next(iter(columns.values())):
        raise ParameterError(f"{name}: no rows to propose a schema from")
    return Sample(name, "parquet", list(columns), [cells[:rows] for cells in columns.values()])


def as_cell(value: Any) -> Cell:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, date):  # and a time of it
        return value.isoformat()
    if isinstance(value, list):
        return [as_cell(item) for item in value]
    if isinstance(value, dict):
        return {key: as_cell(item) for key, item in value.items()}
    return str(value)
