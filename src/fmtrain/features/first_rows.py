"""Sources of which only the first rows are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fmtrain.data.rows import import_arrow
from fmtrain.data.sources import BLOCK_BYTES, Source

ROWS_MAX = 1 << 62


class Enough(Exception):
    """Ends a source before its end."""


class Budget:
    """Rows that may still be read, of all sources together."""

    def __init__(self, rows: int) -> None:
        self.left = rows


def first_rows(sources: Iterable[Source], rows: int, header: bool) -> Iterator[Source]:
    """The sources as far as their first `rows` rows go: lines, whatever is in them. header: the
    first line of each is none."""
    budget = Budget(rows)
    for source in sources:
        if budget.left == 0:
            return
        yield FirstRows(source, budget, header)


class FirstRows(Source):
    def __init__(self, source: Source, budget: Budget, header: bool) -> None:
        self.name = source.name
        self.is_pipe = source.is_pipe
        self._source = source
        self._budget = budget
        self._header = header

    @contextmanager
    def open(self) -> Iterator[Any]:
        try:
            with self._source.open() as data:
                if hasattr(data, "__arrow_c_stream__"):
                    yield self._batches(data)
                else:
                    yield self._lines(blocks_of(data) if isinstance(data, int) else data)
                # A command that would go on writing is ended by an exception.
                if self._budget.left == 0:
                    raise Enough
        except Enough:
            pass

    def _lines(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        more = int(self._header)
        whole = True  # what came ended with its line
        for block in blocks:
            whole = block.endswith(b"\n") if block else whole
            lines = block.count(b"\n")
            if lines < self._budget.left + more:
                taken = min(more, lines)
                more -= taken
                self._budget.left -= lines - taken
                yield block
                continue
            end = -1
            for _ in range(self._budget.left + more):
                end = block.index(b"\n", end + 1)
            self._budget.left = 0
            yield block[: end + 1]
            return
        if not whole and more == 0:
            self._budget.left -= 1

    def _batches(self, table: Any) -> Any:
        arrow, _ = import_arrow(self.name)
        reader = arrow.RecordBatchReader.from_stream(table)

        def batches() -> Iterator[Any]:
            for batch in reader:
                part = batch.slice(0, self._budget.left)
                self._budget.left -= part.num_rows
                yield part
                if self._budget.left == 0:
                    return

        return arrow.RecordBatchReader.from_batches(reader.schema, batches())


def blocks_of(fd: int) -> Iterator[bytes]:
    while block := os.read(fd, BLOCK_BYTES):
        yield block
