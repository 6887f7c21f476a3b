"""A column of a DataFrame, an array or a list -> a column of the C ABI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate, chain
from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain.data.rows import cell
from fmtrain.errors import ParameterError, printable
from fmtrain.serving.library import Column, ColumnData

AnyArray = Any  # an npt.NDArray of any dtype
#: Types of a schema's columns whose cells are numbers.
NUMERIC = ("number", "timestamp")


def column_data(name: str, values: Any, type: str) -> tuple[ColumnData, Any]:
    """The struct, and what it points into. type: the schema's, of this column."""
    array, missing = as_array(values)
    kind = array.dtype.kind
    if kind == "b" and type not in NUMERIC:
        array, kind = np.where(array, "true", "false"), "U"
    if kind in "biufM":
        return made(name, *numbers(name, array), missing=missing)
    cells = [cell(value) for value in array.tolist()]
    if missing is not None:
        cells = [None if gone else one for one, gone in zip(cells, missing, strict=True)]
    gone = np.array([one is None for one in cells], dtype=np.uint8)
    if any(isinstance(one, (list, Mapping)) for one in cells):
        return list_column(name, cells, gone)
    text, offsets = joined(text_of(name, one, type) for one in cells)
    return made(name, Column.TEXT, text, offsets=offsets, missing=gone)


def as_array(values: Any) -> tuple[AnyArray, AnyArray | None]:
    """Numbers, or objects; and where none is, if that is said apart."""
    if hasattr(values, "isna"):  # pandas
        missing = values.isna().to_numpy(dtype=np.uint8)
        kind = getattr(values.dtype, "kind", "O")
        if kind == "M":
            return values.to_numpy(dtype="datetime64[ns]"), missing
        if kind in "biuf" and missing.any():
            return values.fillna(0).to_numpy(dtype=values.dtype.type), missing
        return values.to_numpy(), missing
    if hasattr(values, "is_null"):  # polars
        missing = values.is_null().to_numpy().astype(np.uint8)
        if values.dtype.is_numeric():
            return values.fill_null(0).to_numpy(), missing
        if values.dtype.is_temporal():
            return values.to_numpy(), missing
        values = values.to_list()
    if isinstance(values, np.ndarray):
        return values, None
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects, None


def numbers(name: str, array: AnyArray) -> tuple[Column, AnyArray]:
    if array.dtype.kind == "M":
        seconds = array.astype("datetime64[ns]").astype(np.int64) / 1e9
        return Column.DOUBLE, np.where(np.isnat(array), np.nan, seconds)
    if array.dtype.kind == "f":
        narrow = array.dtype.itemsize <= 4
        return (
            (Column.FLOAT, np.ascontiguousarray(array, dtype=np.float32))
            if narrow
            else (Column.DOUBLE, np.ascontiguousarray(array, dtype=np.float64))
        )
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ParameterError(
            f"column '{printable(name)}': {array.max()} is beyond 64-bit integers with a sign: "
            "give it as text"
        )
    return Column.INT64, np.ascontiguousarray(array, dtype=np.int64)


def list_column(name: str, cells: list[Any], missing: AnyArray) -> tuple[ColumnData, Any]:
    """Lists of items, or {item: weight}."""
    weighted = any(isinstance(one, Mapping) for one in cells)
    for row, one in enumerate(cells):
        if one is not None and isinstance(one, Mapping) is not weighted:
            raise ParameterError(
                f"column '{printable(name)}', row {row}: a {type(one).__name__} among "
                f"{'dicts' if weighted else 'lists'}"
            )
    lists = [one or () for one in cells]
    text, item_offsets = joined(text_of(name, item, "") for item in chain.from_iterable(lists))
    weights = [float(one[item]) for one in lists for item in one] if weighted else None
    return made(
        name,
        Column.LIST,
        text,
        offsets=running(map(len, lists)),
        item_offsets=item_offsets,
        weights=None if weights is None else np.array(weights, dtype=np.float32),
        missing=missing,
    )


def text_of(name: str, value: Any, type: str) -> bytes:
    """Of a cell as fmtrain.data.rows.cell gives it."""
    if value is None:
        return b""
    if isinstance(value, bool):
        words = ("0", "1") if type in NUMERIC else ("false", "true")
        value = words[value]
    if not isinstance(value, (str, int)):
        raise ParameterError(
            f"column '{printable(name)}': {value!r} is no number, text or list of a cell"
        )
    return str(value).encode(errors="surrogateescape")


def joined(texts: Iterable[bytes]) -> tuple[AnyArray, AnyArray]:
    """The bytes in a row, and where each begins and the last one ends."""
    parts = list(texts)
    return np.frombuffer(b"".join(parts) or b"\0", dtype=np.uint8), running(map(len, parts))


def running(lengths: Iterable[int]) -> npt.NDArray[np.uint64]:
    return np.array([0, *accumulate(lengths)], dtype=np.uint64)


def made(name: str, type: Column, values: AnyArray, **arrays: Any) -> tuple[ColumnData, Any]:
    encoded = name.encode(errors="surrogateescape")
    data = ColumnData(type=type, name=encoded, values=values.ctypes.data)
    for member, array in arrays.items():
        setattr(data, member, None if array is None else array.ctypes.data)
    return data, (encoded, values, arrays)
