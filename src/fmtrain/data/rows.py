"""Raw rows in their many forms -> sources that a stream reads: text of a format, or Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from typing import Any, Literal

from fmtrain import _core
from fmtrain.data.sources import File, Source, Stream, open_sources
from fmtrain.errors import MissingExtraError, ParameterError

#: Of input: samples as text, or raw rows, which need a schema.
Format = Literal["text", "libffm", "tsv", "csv", "jsonl", "parquet"]
SAMPLE_FORMATS = ("text", "libffm")
ROW_FORMATS = ("tsv", "csv", "jsonl", "parquet")
#: What a stream is told that gets its rows as columns.
COLUMNS = "parquet"
#: Rows of a Parquet file that are in memory at once.
BATCH_ROWS = 65_536


class Table(Source):
    """Anything with the Arrow C stream interface: polars, pandas, pyarrow, DuckDB."""

    name = "X"
    replayable = True

    def __init__(self, table: Any) -> None:
        self.table = table

    @contextmanager
    def open(self) -> Iterator[Any]:
        yield self.table


class ParquetFile(Source):
    """A Parquet file, read a part at a time."""

    replayable = True

    def __init__(self, path: str) -> None:
        self.name = self.path = path

    @contextmanager
    def open(self) -> Iterator[Any]:
        arrow, parquet = import_arrow(self.path)
        try:
            file = parquet.ParquetFile(self.path)
        except (arrow.ArrowException, OSError) as error:
            raise ParameterError(f"{self.path}: no Parquet file: {error}") from error
        with file:
            batches = file.iter_batches(batch_size=BATCH_ROWS)
            yield arrow.RecordBatchReader.from_batches(file.schema_arrow, batches)


def import_arrow(path: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            f"{path}: reading Parquet needs pyarrow: pip install 'fmtrain[arrow]'"
        ) from error
    return pyarrow, pyarrow.parquet


def open_input(source: Any, format: str | None, usual: str) -> tuple[list[Source], str]:
    """The sources of a run, checked before anything is read, and the format that the stream is to
    read them in. usual: the format where none is given."""
    used = usual if format is None else format
    if used in SAMPLE_FORMATS:
        return open_sources(source), used
    if used not in ROW_FORMATS:
        raise ParameterError(
            f"format = {used!r} is not allowed: give one of {(*SAMPLE_FORMATS, *ROW_FORMATS)}"
        )
    return open_rows(source, used)


def open_rows(source: Any, format: str) -> tuple[list[Source], str]:
    """The sources of some rows, and the format that the stream is to read them in."""
    if format not in ROW_FORMATS:
        raise ParameterError(f"format = {format!r} is not allowed: give one of {ROW_FORMATS}")
    if hasattr(source, "__arrow_c_stream__"):
        return [Table(source)], COLUMNS
    if isinstance(source, (bytes, bytearray)):
        return [Stream([bytes(source)] if source else [])], format
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], Mapping):
        return [Stream(json_lines(source))], "jsonl"
    if isinstance(source, (list, tuple)) and not source:
        return [Stream([])], format
    sources = open_sources(source)
    if format == COLUMNS:
        return [parquet_of(found) for found in sources], COLUMNS
    return sources, format


def parquet_of(source: Source) -> Source:
    if isinstance(source, (Table, ParquetFile)):
        return source
    if not isinstance(source, File):
        raise ParameterError(f"{source.name}: Parquet is read from files: give their paths")
    return ParquetFile(source.name)


def json_lines(rows: Iterable[Mapping[Any, Any]]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise ParameterError(f"X, row {number}: a {type(row).__name__} among dicts")
        try:
            text = json.dumps(
                {str(name): cell(value) for name, value in row.items()}, ensure_ascii=False
            )
        except (TypeError, ValueError) as error:
            raise ParameterError(f"X, row {number}: no row of a table: {error}") from error
        yield text.encode(errors="surrogateescape") + b"\n"


def cell(value: Any) -> Any:
    """As JSON has it: a number is spelled as the core spells it, one that is not finite is text or
    missing, bytes are text, numpy's scalars and arrays are what they hold."""
    if isinstance(value, float):
        return None if isnan(value) else _core.number_text(value)
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, Mapping):
        return {str(name): cell(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cell(item) for item in value]
    if hasattr(value, "tolist"):
        return cell(value.tolist())
    return value
