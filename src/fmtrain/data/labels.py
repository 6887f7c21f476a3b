"""y and sample_weight -> what the core takes."""

from __future__ import annotations

import warnings
from typing import Any

from fmtrain.data.matrix import FloatArray
from fmtrain.errors import ParameterError
from fmtrain.lazy import np, npt


def encode_labels(
    y: Any, rows: int, classes: npt.NDArray[Any] | None
) -> tuple[FloatArray, npt.NDArray[Any]]:
    """y -> probabilities of the second class (rows), and the two classes."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        warn_of_column()
        array = array.ravel()
    if array.ndim != 1 or len(array) != rows:
        raise ParameterError(f"y has shape {array.shape}, X has {rows} rows: one label a row")
    if array.dtype.kind in "fiu":
        numbers = array.astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise ParameterError(f"y, row {bad[0]}: Input contains NaN or infinity")
        inside = (numbers >= 0) & (numbers <= 1)
        if classes is None and inside.all():
            return numbers, np.array([0, 1], dtype=array.dtype)
        if classes is not None and set(classes.tolist()) == {0, 1} and inside.all():
            return numbers, classes
    if classes is None and array.dtype.kind == "b":
        classes = np.array([False, True])
    found = np.unique(array) if classes is None else np.unique(classes)
    if classes is None and len(found) == 1 and found.dtype.kind in "fi" and found[0] == -1:
        found = np.array([-1, 1], dtype=found.dtype)
    if len(found) != 2:
        raise ParameterError(
            f"y has {len(found)} class(es), {[str(c) for c in found[:5]]}: exactly 2 are needed "
            f"(Only binary classification is supported{unknown_type(array)}), or probabilities "
            "in [0, 1]"
        )
    unknown = np.flatnonzero((array != found[0]) & (array != found[1]))
    if len(unknown):
        raise ParameterError(
            f"y, row {unknown[0]}: {array[unknown[0]]!r} is neither of the classes {found.tolist()}"
        )
    return (array == found[1]).astype(np.float64), found


def unknown_type(array: npt.NDArray[Any]) -> str:
    """scikit-learn's word for numbers that are no classes."""
    continuous = array.dtype.kind == "f" and bool((array != np.floor(array)).any())
    return "; Unknown label type: continuous" if continuous else ""


def warn_of_column() -> None:
    """As scikit-learn's classifiers, by its own class of warning where it is installed."""
    try:
        from sklearn.exceptions import DataConversionWarning as Category
    except ImportError:
        Category = UserWarning
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected.", Category, stacklevel=4
    )


def encode_weights(weights: npt.ArrayLike | None, rows: int) -> FloatArray | None:
    if weights is None:
        return None
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (rows,):
        raise ParameterError(f"sample_weight has shape {array.shape}, expected ({rows},)")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise ParameterError(f"sample_weight, row {bad[0]}: {array[bad[0]]} is not a number >= 0")
    return array
