"""A matrix or DataFrame that a transformer takes, as columns of doubles; and the way back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fmtrain.errors import ParameterError, ParameterTypeError, printable
from fmtrain.lazy import np, npt

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """values: (rows, columns), NaN where there is none; not to be written to."""

    values: Floats
    names: list[str] | None  # a DataFrame's, where they are strings
    index: Any = None  # a pandas DataFrame's


def read_columns(X: Any) -> Columns:
    """Numbers, booleans and missing values; anything else is refused by its column."""
    if hasattr(X, "toarray") or hasattr(X, "tocsr"):
        raise ParameterTypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a "
            "dense numpy array."
        )
    if hasattr(X, "columns") and hasattr(X, "shape"):
        columns = frame_columns(X)
    else:
        columns = Columns(array_values(X), None)
    rows, count = columns.values.shape
    if rows == 0:
        raise ParameterError(
            f"Found array with 0 sample(s) (shape={columns.values.shape}) while "
            "a minimum of 1 is required."
        )
    if count == 0:
        raise ParameterError(
            f"Found array with 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required."
        )
    return columns


def frame_columns(X: Any) -> Columns:
    labels = list(X.column_names if hasattr(X, "column_names") else X.columns)  # pyarrow's tables
    values = np.empty(X.shape, order="F")
    for at, label in enumerate(labels):
        cells = X.iloc[:, at] if hasattr(X, "iloc") else X[label]
        values[:, at] = frame_cells(cells, f"column '{printable(str(label))}'")
    named = all(isinstance(label, str) for label in labels)
    return Columns(values, labels if named else None, getattr(X, "index", None))


def frame_cells(cells: Any, where: str) -> Floats:
    dtype = getattr(cells, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if kind in "mM" or str(dtype).startswith(("datetime", "Datetime", "Duration")):
        raise ParameterTypeError(f"{where} holds times: give numbers, such as its seconds")
    if is_pandas(cells) and kind not in "fiubc":
        try:
            return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise no_numbers(where, error) from error
    return as_floats(cells.to_numpy(), where)


def is_pandas(X: Any) -> bool:
    pandas = sys.modules.get("pandas")  # what is not loaded made no DataFrame
    return pandas is not None and isinstance(X, (pandas.DataFrame, pandas.Series))


def array_values(X: Any) -> Floats:
    values = as_floats(X, "X")
    if values.ndim == 2:
        return values
    if values.ndim < 2:
        what = f"{values.ndim}D array" if values.ndim else "scalar array"
        raise ParameterError(
            f"Expected 2D array, got {what} instead.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it "
            "contains a single sample."
        )
    raise ParameterError(f"Found array with dim {values.ndim}, while dim <= 2 is required.")


def as_floats(values: Any, where: str) -> Floats:
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise ParameterError(f"Complex data not supported\n{where}")
        if array.dtype.kind in "mM":
            raise ParameterTypeError(f"{where} holds times: give numbers, such as its seconds")
        return np.asarray(array, dtype=np.float64)
    except ParameterError:
        raise
    except (TypeError, ValueError) as error:
        raise no_numbers(where, error) from error


def no_numbers(where: str, error: Exception) -> ParameterError:
    kind = ParameterTypeError if isinstance(error, TypeError) else ParameterError
    return kind(f"{where} holds what is no number: {printable(str(error))}")


def as_frame(values: Any, names: list[str], index: Any) -> Any:
    """A pandas DataFrame of a transformed matrix."""
    import pandas

    return pandas.DataFrame(values, columns=names, index=index)
