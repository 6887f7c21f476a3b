"""y and sample_weight -> what the core takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain.data.matrix import FloatArray
from fmtrain.errors import ParameterError


def encode_labels(
    y: Any, rows: int, classes: npt.NDArray[Any] | None
) -> tuple[FloatArray, npt.NDArray[Any]]:
    """y -> probabilities of the second class (rows), and the two classes."""
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array.ravel()
    if array.ndim != 1 or len(array) != rows:
        raise ParameterError(f"y has shape {array.shape}, X has {rows} rows: one label a row")
    if array.dtype.kind in "fiub":
        numbers = array.astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise ParameterError(f"y, row {bad[0]}: Input contains NaN or infinity")
        inside = (numbers >= 0) & (numbers <= 1)
        if classes is None and inside.all():
            return numbers, np.array([0, 1], dtype=array.dtype if array.dtype.kind != "b" else None)
        if classes is not None and set(classes.tolist()) == {0, 1} and inside.all():
            return numbers, classes
    found = np.unique(array) if classes is None else np.unique(classes)
    if classes is None and len(found) == 1 and found.dtype.kind in "fi" and found[0] == -1:
        found = np.array([-1, 1], dtype=found.dtype)
    if len(found) != 2:
        raise ParameterError(
            f"y has {len(found)} class(es), {[str(c) for c in found[:5]]}: exactly 2 are needed "
            "(Only binary classification is supported), or probabilities in [0, 1]"
        )
    unknown = np.flatnonzero((array != found[0]) & (array != found[1]))
    if len(unknown):
        raise ParameterError(
            f"y, row {unknown[0]}: {array[unknown[0]]!r} is neither of the classes {found.tolist()}"
        )
    return (array == found[1]).astype(np.float64), found


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
