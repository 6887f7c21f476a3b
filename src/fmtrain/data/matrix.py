"""X in its many shapes -> what the core takes: text, CSR or dense, with names for the columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import mmh3

from fmtrain import _core
from fmtrain.errors import ParameterError, ParameterTypeError, printable
from fmtrain.lazy import np, npt

FloatArray: TypeAlias = "npt.NDArray[np.float64]"


def feature_id(name: str | bytes, hash_seed: int) -> int:
    """The id of a feature: first 64 bits of MurmurHash3 x64_128 (csrc/feature/hash.h)."""
    return int(mmh3.hash64(name_bytes(name), hash_seed, signed=False)[0])


def name_bytes(name: Any) -> bytes:
    """A feature's name as bytes; what is not text is named by its str()."""
    if isinstance(name, bytes):
        return name
    return str(name).encode(errors="surrogateescape")


@dataclass(frozen=True)
class Columns:
    """Names of columns and their ids: (columns)."""

    names: list[bytes]
    ids: npt.NDArray[np.uint64]

    @classmethod
    def named(cls, names: Sequence[Any], hash_seed: int) -> Columns:
        encoded = [name_bytes(name) for name in names]
        ids = np.array([feature_id(name, hash_seed) for name in encoded], dtype=np.uint64)
        return cls(encoded, ids)


@lru_cache(maxsize=8)
def numbered_columns(count: int, hash_seed: int) -> Columns:
    """Column j without a name is the feature str(j)."""
    return Columns.named([str(j) for j in range(count)], hash_seed)


@dataclass(frozen=True)
class Text:
    """Feature lists, one a row, without label: `name[:value] name[:value] ...`."""

    lines: list[bytes]
    width: int | None = None

    @property
    def rows(self) -> int:
        return len(self.lines)

    def push(self, stream: Any, y: FloatArray | None, weight: FloatArray | None) -> None:
        labels = [b"0"] * self.rows if y is None else [repr(v).encode() for v in y.tolist()]
        if weight is not None:
            labels = [
                label + b":" + repr(w).encode()
                for label, w in zip(labels, weight.tolist(), strict=True)
            ]
        text = b"".join(
            label + b" " + line + b"\n" for label, line in zip(labels, self.lines, strict=True)
        )
        bad = _core.first_bad_line(text)
        if bad is not None:
            row, reason, detail = bad
            shown = detail.decode(errors="backslashreplace")
            raise ParameterError(f"X, row {row - 1}: {reason}: '{shown}'")
        stream.begin("X")
        offset = 0
        while offset < len(text):
            offset += stream.feed(text, offset, 1000)
        stream.end()


@dataclass(frozen=True)
class Csr:
    """indptr (rows + 1), indices (cells), data (cells) float; one name a column."""

    indptr: npt.NDArray[Any]
    indices: npt.NDArray[Any]
    data: npt.NDArray[Any]
    columns: Columns
    width: int | None  # columns of X; None when X has none (dicts)

    @property
    def rows(self) -> int:
        return len(self.indptr) - 1

    def push(self, stream: Any, y: FloatArray | None, weight: FloatArray | None) -> None:
        stream.push_csr(
            self.indptr, self.indices, self.data, self.columns.names, self.columns.ids, y, weight
        )


@dataclass(frozen=True)
class Dense:
    """data (rows, columns) float32 or float64, any strides."""

    data: npt.NDArray[Any]
    columns: Columns

    @property
    def rows(self) -> int:
        return int(self.data.shape[0])

    @property
    def width(self) -> int:
        """Columns of X."""
        return int(self.data.shape[1])

    def push(self, stream: Any, y: FloatArray | None, weight: FloatArray | None) -> None:
        stream.push_dense(self.data, self.columns.names, self.columns.ids, y, weight)


Matrix = Text | Csr | Dense


def as_matrix(X: Any, hash_seed: int) -> Matrix:
    """Recognises X; ParameterError says what is wrong with it and where.

    Lists (or 1-d object arrays) of text lines, iterables of {name: value}, scipy sparse matrices,
    2-d numpy arrays and DataFrames.
    """
    if hasattr(X, "tocsr"):
        return from_sparse(X, hash_seed)
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        return from_frame(X, hash_seed)
    if isinstance(X, np.ma.MaskedArray):
        raise ParameterError("X is a masked array: fill it or drop the masked rows first")
    countable = hasattr(X, "__iter__") or hasattr(X, "__array__")
    if isinstance(X, (str, bytes, Mapping)) or not countable:
        raise ParameterError(f"X is one {type(X).__name__}: give a list of rows")
    if getattr(X, "ndim", None) == 1:
        X = X.tolist()
    if not hasattr(X, "__array__") and not isinstance(X, (list, tuple)):
        X = list(X)
    if isinstance(X, (list, tuple)):
        first = X[0] if len(X) else None
        if isinstance(first, (str, bytes)):
            return from_lines(X)
        if isinstance(first, Mapping):
            return from_dicts(X, hash_seed)
    return from_dense(X, hash_seed)


def from_lines(lines: Iterable[str | bytes]) -> Text:
    encoded = []
    for row, line in enumerate(lines):
        if not isinstance(line, (str, bytes)):
            raise ParameterError(f"X, row {row}: a {type(line).__name__} among text lines")
        raw = line.encode(errors="surrogateescape") if isinstance(line, str) else line
        raw = raw.rstrip(b"\r\n")
        if b"\n" in raw:
            raise ParameterError(f"X, row {row}: a newline inside the line")
        encoded.append(raw)
    return Text(encoded)


def from_dicts(rows: Iterable[Mapping[Any, Any]], hash_seed: int) -> Csr:
    """A str value makes the feature `name=value`, as scikit-learn's DictVectorizer does."""
    vocabulary: dict[bytes, int] = {}
    indptr, indices, data = [0], [], []
    for row, cells in enumerate(rows):
        if not isinstance(cells, Mapping):
            raise ParameterError(f"X, row {row}: a {type(cells).__name__} among dicts")
        for name, value in cells.items():
            if isinstance(value, (str, bytes)):
                name, value = name_bytes(name) + b"=" + name_bytes(value), 1.0
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise ParameterError(
                    f"X, row {row}: the value of {name!r} is {value!r}, not a number or text"
                ) from None
            indices.append(vocabulary.setdefault(name_bytes(name), len(vocabulary)))
            data.append(number)
        indptr.append(len(indices))
    columns = Columns.named(list(vocabulary), hash_seed)
    values = np.array(data, dtype=np.float64)
    cells64 = np.array(indices, dtype=np.int64)
    check_finite_cells(values, np.array(indptr, dtype=np.int64), cells64, columns)
    return Csr(np.array(indptr, dtype=np.int64), cells64, values, columns, width=None)


def from_sparse(X: Any, hash_seed: int) -> Csr:
    csr = X.tocsr()
    if csr.ndim != 2:
        raise ParameterError(f"X has {csr.ndim} dimensions, 2 are needed")
    if not csr.has_canonical_format:
        # scipy means the sum of the cells that stand twice.
        csr = csr.copy()
        csr.sum_duplicates()
    # The core reads them without strides.
    values, indices, indptr = map(np.ascontiguousarray, (csr.data, csr.indices, csr.indptr))
    if np.iscomplexobj(values):
        raise ParameterError("X holds complex numbers: Complex data not supported")
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    columns = numbered_columns(csr.shape[1], hash_seed)
    if indptr.dtype != indices.dtype:
        indptr = indptr.astype(indices.dtype)
    check_finite_cells(values, indptr, indices, columns)
    return Csr(indptr, indices, values, columns, csr.shape[1])


def from_frame(frame: Any, hash_seed: int) -> Matrix:
    """Numbers become the feature `column`, anything else `column=value`; missing is an error."""
    names = [name_bytes(name) for name in frame.columns]
    numeric = [dtype.kind in "biuf" for dtype in map(np_dtype, frame.dtypes)]
    if all(numeric):
        return dense(frame.to_numpy(dtype=np.float64), Columns.named(names, hash_seed))
    rows = len(frame)
    features: list[bytes] = []
    indices = np.empty((rows, len(names)), dtype=np.int64)
    values = np.ones((rows, len(names)), dtype=np.float64)
    for j, (name, is_number) in enumerate(zip(names, numeric, strict=True)):
        column = frame.iloc[:, j]
        if is_number:
            indices[:, j] = len(features)
            values[:, j] = column.to_numpy(dtype=np.float64)
            features.append(name)
            continue
        missing = np.flatnonzero(column.isna().to_numpy())
        if len(missing):
            raise ParameterError(
                f"X, row {missing[0]}, column '{shown(name)}': the value is missing"
            )
        levels, codes = np.unique(column.astype(str).to_numpy(dtype=object), return_inverse=True)
        indices[:, j] = len(features) + codes
        features.extend(name + b"=" + name_bytes(level) for level in levels)
    columns = Columns.named(features, hash_seed)
    indptr = np.arange(rows + 1, dtype=np.int64) * len(names)
    check_finite_cells(values.ravel(), indptr, indices.ravel(), columns)
    return Csr(indptr, indices.ravel(), values.ravel(), columns, len(names))


def np_dtype(dtype: Any) -> np.dtype[Any]:
    """Extension dtypes of pandas count as text unless they say they are numbers."""
    kind = getattr(dtype, "kind", "O")
    return np.dtype(np.float64) if kind in "biuf" else np.dtype(object)


def from_dense(X: Any, hash_seed: int) -> Dense:
    try:
        array = np.asarray(X)
        if np.iscomplexobj(array):
            raise ParameterError("X holds complex numbers: Complex data not supported")
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
    except TypeError as error:
        raise ParameterTypeError(f"X is not a matrix of numbers: {error}") from error
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"X is not a matrix of numbers: {error}") from error
    if array.ndim != 2:
        raise ParameterError(
            f"X has {array.ndim} dimensions, 2 are needed. Reshape your data: one row a sample"
        )
    return dense(array, numbered_columns(array.shape[1], hash_seed))


def dense(array: npt.NDArray[Any], columns: Columns) -> Dense:
    # The core steps in whole cells: a field of a structured array may lie in between.
    if not array.flags.aligned or any(step % array.itemsize for step in array.strides):
        array = np.ascontiguousarray(array)
    # One pass without a mask the size of X: a sum is finite unless a cell is not (or it
    # overflows, which the second look settles).
    if not np.isfinite(array.sum(dtype=np.float64)):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            row, column = bad[0]
            raise not_finite(int(row), columns.names[column], array[row, column])
    return Dense(array, columns)


def check_finite_cells(
    values: npt.NDArray[Any],
    indptr: npt.NDArray[Any],
    indices: npt.NDArray[Any],
    columns: Columns,
) -> None:
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = int(np.searchsorted(indptr, bad[0], side="right")) - 1
        raise not_finite(row, columns.names[int(indices[bad[0]])], values[bad[0]])


def not_finite(row: int, name: bytes, value: Any) -> ParameterError:
    # scikit-learn's own words ("Input contains NaN") let its checks recognise the refusal.
    what = "NaN" if np.isnan(value) else "infinity"
    return ParameterError(f"X, row {row}, column '{shown(name)}': Input contains {what}")


def shown(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


def refuse_nonfinite(log: dict[str, Any], what: str) -> None:
    """Rows of X and results belong together one to one: one that has no score is an error."""
    count = log["bad"].get("nonfinite_score", 0)
    if count:
        first = log["examples"][0]
        feature = printable(first["detail"].decode(errors="surrogateescape"))
        tail = f" ({count} {what})" if what else ""
        raise ParameterError(f"X, row {first['line'] - 1}: {first['text']}: '{feature}'{tail}")
