"""A model leaves training: the serving file that libfmscore maps (csrc/serve/serving_file.h)."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from math import inf, isfinite
from typing import Any, Literal, get_args

from fmtrain import _core
from fmtrain.data.matrix import refuse_nonfinite
from fmtrain.data.rows import open_input
from fmtrain.errors import ParameterError
from fmtrain.lazy import np, npt
from fmtrain.stream import check_writable, run_pass

Precision = Literal["float32", "float16", "int8"]
ServingLink = Literal["sigmoid", "exp", "raw"]
#: Seconds since 1970, a date, or one as ISO 8601 writes it.
When = int | float | str | datetime
Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def write_serving_file(
    native: Any,
    path: str | os.PathLike[str],
    *,
    precision: str,
    name: str | None,
    version: str | None,
    trained_until: When | None,
    link: str,
    down_sampling_rate: float,
    isotonic: Any,
    golden: Arrays,
    max_score_shift: float | None,
) -> dict[str, Any]:
    """See FTRLModel.export_serving; `golden` as golden_samples gives them."""
    for what, given, allowed in (
        ("precision", precision, get_args(Precision)),
        ("link", link, get_args(ServingLink)),
    ):
        if given not in allowed:
            raise ParameterError(f"{what} = {given!r} is not allowed: give one of {allowed}")
    if max_score_shift is not None and not max_score_shift >= 0:
        raise ParameterError(
            f"max_score_shift = {max_score_shift} is not allowed: give a number from 0"
        )
    file = os.fspath(path)
    check_writable(file)
    counts: dict[str, Any] = _core.export_serving(
        native,
        os.fsencode(file),
        precision,
        stem(file) if name is None else name,
        "" if version is None else version,
        0 if trained_until is None else seconds_of(trained_until),
        link,
        float(down_sampling_rate),
        curve_of(isotonic),
        *golden,
        inf if max_score_shift is None else float(max_score_shift),
    )
    return counts


def stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def seconds_of(when: When) -> int:
    """Since 1970; a date without a zone is UTC."""
    wrong = ParameterError(
        f"trained_until = {when!r} is not allowed: give seconds since 1970, or a date as "
        "2026-11-22T09:30:00"
    )
    if isinstance(when, str):
        try:
            when = float(when)
        except ValueError:
            try:
                when = datetime.fromisoformat(str(when).replace("Z", "+00:00"))
            except ValueError:
                raise wrong from None
    if isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
    if not (isfinite(when) and 0 <= when < 2**53):
        raise wrong
    return int(when)


def curve_of(isotonic: Any) -> npt.NDArray[np.float64]:
    """(n, 2) scores and probabilities; what they must be, the core says."""
    if isotonic is None:
        return np.empty((0, 2))
    curve = np.asarray(isotonic, dtype=np.float64)
    if curve.ndim != 2 or curve.shape[1] != 2:
        raise ParameterError(
            f"isotonic has the shape {curve.shape}: give (n, 2), scores and probabilities"
        )
    return curve


def golden_samples(native: Any, X: Any, usual_format: str, as_matrix: Any) -> Arrays:
    """row_ptr (rows + 1), ids, x of the samples in a file, which is in the usual format, or in
    what `predict` takes. None: there are none."""
    if isinstance(X, (str, os.PathLike)):
        sources, used = open_input(os.fspath(X), None, usual_format)
        stream = _core.GoldenSamples(native, used)
        run_pass(stream, sources, max_bad_ratio=0.0)
    else:
        stream = _core.GoldenSamples(native)
        if X is not None:
            as_matrix(native, X).push(stream, None, None)
        stream.finish()
        refuse_nonfinite(stream.log(), "")
    arrays: Arrays = stream.take()
    return arrays
