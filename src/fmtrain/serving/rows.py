"""What a caller has -> rows of the C ABI: feature ids, a column at a time, or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import Array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain.data.matrix import Dense, Text, as_matrix
from fmtrain.data.rows import json_lines
from fmtrain.errors import ParameterError
from fmtrain.serving.columns import column_data, running
from fmtrain.serving.library import ColumnData, RowData, Rows


@dataclass(frozen=True)
class Takes:
    """What a model takes: seed of the ids; with a schema, the types of its columns."""

    hash_seed: int
    columns: Mapping[str, str] | None


@dataclass
class Given:
    """Rows as the library takes them, and the memory that they point into."""

    data: RowData
    keeps: Any

    @property
    def rows(self) -> int:
        return int(self.data.rows)

    def with_item_ids(self, item_ids: Any) -> Given:
        if item_ids is None:
            return self
        ids = id_array(item_ids, "item_ids")
        if len(ids) != self.rows:
            raise ParameterError(f"item_ids has {len(ids)} ids, there are {self.rows} items")
        self.data.item_ids = address(ids)
        self.keeps = (self.keeps, ids)
        return self


def items_of(items: Any, takes: Takes) -> Given:
    """Many rows: see Scorer."""
    if isinstance(items, tuple):
        return csr_rows(*three(items))
    if takes.columns is None:
        return named_rows(items, takes.hash_seed)
    if hasattr(items, "columns"):
        return column_rows({name: items[name] for name in items.columns}, takes.columns)
    if isinstance(items, Mapping):
        return column_rows(items, takes.columns)
    return json_rows(items)


def user_of(user: Any, takes: Takes, form: str) -> Given:
    """One row, in the form of the items that it goes before."""
    if isinstance(user, tuple) or not isinstance(user, Mapping):
        ids, x = user if isinstance(user, tuple) and len(user) == 2 else (user, None)
        ids = id_array(ids, "user")
        return csr_rows(np.array([0, len(ids)], dtype=np.uint64), ids, x, "user")
    if takes.columns is None:
        return named_rows([user], takes.hash_seed)
    if form == "columns":
        return column_rows({name: [value] for name, value in user.items()}, takes.columns)
    return json_rows([user])


def three(items: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    if len(items) not in (2, 3):
        raise ParameterError(f"items is a tuple of {len(items)}: give (row_ptr, ids, x)")
    return items[0], items[1], items[2] if len(items) == 3 else None


def csr_rows(row_ptr: Any, ids: Any, x: Any, name: str = "items") -> Given:
    begins, ids = id_array(row_ptr, f"{name}, row_ptr"), id_array(ids, f"{name}, ids")
    # That it never falls, the library checks.
    if len(begins) == 0 or int(begins[-1]) > len(ids):
        end = int(begins[-1]) if len(begins) else "missing"
        raise ParameterError(f"{name}: row_ptr ends at {end}, there are {len(ids)} ids")
    if x is not None:
        x = np.ascontiguousarray(x, dtype=np.float32)
        if x.shape != ids.shape:
            raise ParameterError(f"{name}: x has the shape {x.shape}, ids {ids.shape}")
    data = RowData(
        form=Rows.IDS,
        rows=len(begins) - 1,
        row_ptr=address(begins),
        ids=address(ids),
        x=None if x is None else address(x),
    )
    return Given(data, (begins, ids, x))


def named_rows(items: Any, hash_seed: int) -> Given:
    """Anything that a model without a schema takes as X."""
    if isinstance(items, list) and not items:
        return csr_rows([0], [], None)
    matrix = as_matrix(items, hash_seed)
    if isinstance(matrix, Text):
        raise ParameterError("text samples are scored one by one, by score_text")
    if isinstance(matrix, Dense):
        begins = np.arange(matrix.rows + 1, dtype=np.uint64) * np.uint64(matrix.width)
        return csr_rows(begins, np.tile(matrix.columns.ids, matrix.rows), matrix.data.ravel())
    return csr_rows(matrix.indptr, matrix.columns.ids[matrix.indices], matrix.data)


def column_rows(columns: Mapping[str, Any], types: Mapping[str, str]) -> Given:
    """Columns that the schema does not have are passed over."""
    known = {str(name): column for name, column in columns.items() if str(name) in types}
    lengths = {name: len(column) for name, column in known.items()}
    if len(set(lengths.values())) != 1:
        raise ParameterError(
            f"columns have different lengths: {lengths}"
            if lengths
            else f"no column is the schema's; it has {', '.join(types)}"
        )
    made = [column_data(name, column, types[name]) for name, column in known.items()]
    structs: Array[ColumnData] = (ColumnData * len(made))(*(data for data, _ in made))
    rows = next(iter(lengths.values()))
    data = RowData(form=Rows.COLUMNS, rows=rows, columns=structs, column_count=len(made))
    return Given(data, (structs, made))


def json_rows(rows: Any) -> Given:
    """Dicts, or texts that are JSON objects already."""
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Sequence):
        raise ParameterError(
            f"items is a {type(rows).__name__}: give a list of dicts, a DataFrame, a dict of "
            "columns, or ids as (row_ptr, ids, x)"
        )
    texts = rows if rows and isinstance(rows[0], (str, bytes)) else list(json_lines(rows))
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    ends = running(map(len, encoded))
    joined = b"".join(encoded)
    data = RowData(form=Rows.JSON, rows=len(encoded), text=joined, text_ptr=address(ends))
    return Given(data, (joined, ends))


def id_array(values: Any, name: str) -> npt.NDArray[np.uint64]:
    """Whole numbers; those below 0 are ids that were taken for signed."""
    if isinstance(values, (list, tuple)):
        # numpy makes floats of a list that mixes ids of 64 bits with smaller ones.
        whole = all(isinstance(value, (int, np.integer)) for value in values)
        values = np.asarray(values, dtype=np.uint64 if whole else None)
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ParameterError(
            f"{name}: whole numbers in one dimension are needed, not {array.dtype} in {array.ndim}"
        )
    return np.ascontiguousarray(array, dtype=np.uint64)


def address(array: npt.NDArray[Any]) -> int:
    return int(array.ctypes.data)
