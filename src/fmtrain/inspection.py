"""Looking into a model: what it is, its features, why a sample scores what it scores.

Pure functions of a model. Ids are shown as 16 hex digits; names are None where the model keeps
none, and text with surrogate escapes where they are not UTF-8.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmtrain import _core, metrics
from fmtrain.data.matrix import feature_id, name_bytes
from fmtrain.data.rows import SAMPLE_FORMATS, Format
from fmtrain.errors import ParameterError
from fmtrain.features.schema import Schema
from fmtrain.hyper import HYPER, from_native
from fmtrain.model import FTRLModel
from fmtrain.model_files import usual_format
from fmtrain.reports import Guards, guards_by_column
from fmtrain.stream import describe_examples

Array = npt.NDArray[Any]
By = Literal["w", "v"]

#: The largest pairs of an explanation that are told apart.
PAIRS_SHOWN = 20


@dataclass(frozen=True)
class Description:
    """What a model is. Sizes in bytes."""

    path: str
    hyper: dict[str, Any]
    samples: int
    weight_sum: float
    mean_label: float  # weighted; nan before the first sample
    features: int
    zero_w: int
    zero_rows: int  # w and all v are 0: export leaves them out
    names: bool
    bias: float
    bias_z: float
    bias_n: float
    file_bytes: int
    file_parts: dict[str, int]  # they add up to file_bytes
    #: Columns, features, forests and the format of its rows; None where it was trained on samples.
    schema: dict[str, Any] | None
    guards: Guards  # of all runs on rows
    table_bytes: int  # in memory, index and names included
    row_bytes: int  # of them, a feature's own


@dataclass(frozen=True)
class Feature:
    """One row of the table: its weights and their FTRL state; v, v_z, v_n have one number a
    factor."""

    id: str
    name: str | None
    w: float
    v: list[float]
    v_norm: float
    z: float
    n: float
    v_z: list[float]
    v_n: list[float]


@dataclass(frozen=True)
class LinearTerm:
    feature: str
    value: float
    w: float
    contribution: float  # w x


@dataclass(frozen=True)
class PairTerm:
    first: str
    second: str
    contribution: float  # <v_i, v_j> x_i x_j


@dataclass(frozen=True)
class Explanation:
    """score = bias + sum of linear + sum of pairs + pairs_rest; terms by falling size."""

    label: float
    weight: float
    score: float
    probability: float
    bias: float
    linear: list[LinearTerm]
    pairs: list[PairTerm]
    pairs_rest: float
    pairs_in_all: int
    unknown: list[str]  # features that the model does not have: they add nothing


# ---- what a model is ----


def describe(path: str, model: FTRLModel) -> Description:
    """model as loaded from path."""
    native = model._native
    zeros = native.sparsity()
    bias_z, bias_n = native.bias_state
    file_bytes = os.path.getsize(path)
    return Description(
        path=path,
        hyper=hyper_of(model),
        samples=native.samples,
        weight_sum=native.weight_sum,
        mean_label=native.label_sum / native.weight_sum if native.weight_sum else float("nan"),
        features=zeros["rows"],
        zero_w=zeros["zero_w"],
        zero_rows=zeros["zero_rows"],
        names=native.has_names,
        bias=native.bias,
        bias_z=bias_z,
        bias_n=bias_n,
        file_bytes=file_bytes,
        file_parts=file_parts(native, file_bytes),
        schema=None if model.schema is None else schema_facts(model.schema),
        guards=guards_by_column(native.guards()),
        table_bytes=native.memory_bytes,
        row_bytes=8 + 4 * (2 + 2 * native.factors),
    )


def schema_facts(schema: Schema) -> dict[str, Any]:
    document = schema.document
    counts = {key: len(document.get(key, {})) for key in ("columns", "features", "forests")}
    return {"format": schema.format, **counts}


def hyper_of(model: FTRLModel) -> dict[str, Any]:
    """In the order of the list."""
    values = from_native(model._native.hyper())
    return {name: values[name] for name in HYPER}


def file_parts(native: Any, file_bytes: int) -> dict[str, int]:
    """Bytes of a model file by what they hold; a name costs 4 bytes beside its own."""
    rows, floats = native.features, 1 + native.factors
    parts = {"rows": rows * (8 + 4 * 2 * floats)}
    if native.has_names:
        parts["names"] = native.name_bytes + 4 * rows
    if native.has_stored:
        parts["stored weights"] = rows * (8 + 4 * floats)
    if native.encoder is not None:
        parts["schema and golden rows"] = native.encoder_bytes
    return {**parts, "header and checksums": file_bytes - sum(parts.values())}


# ---- features ----


def top_features(model: FTRLModel, count: int, by: By = "w") -> list[Feature]:
    """The `count` features of the largest |w|, or norm of v, largest first."""
    if by == "v" and model._native.factors == 0:
        raise ParameterError("the model has no factors: there is no v to sort by")
    rows = model._native.arrays(state=False)
    size = np.abs(rows["w"]) if by == "w" else norms(rows["v"])
    return features_at(model, rows["id"][largest(count, size, rows["id"])])


def find_feature(model: FTRLModel, name: str) -> Feature:
    """By name, or as `id:HEX`. ParameterError when the model does not have it."""
    ids = [feature_id(name, model._hash_seed())]
    if re.fullmatch("id:[0-9a-f]{16}", name):
        ids.append(int(name[3:], 16))
    found = features_at(model, np.array(ids, dtype=np.uint64))
    if not found:
        raise ParameterError(f"the model has no feature '{name}'")
    return found[0]


def features_at(model: FTRLModel, ids: Array) -> list[Feature]:
    """Those of the ids that the model has, in that order."""
    rows = model._native.arrays_of(ids)
    names = names_of(model, rows["id"])
    v_norm = norms(rows["v"])
    return [
        Feature(
            id=hex_id(rows["id"][i]),
            name=names[i],
            w=float(rows["w"][i]),
            v=rows["v"][i].tolist(),
            v_norm=float(v_norm[i]),
            z=float(rows["z"][i]),
            n=float(rows["n"][i]),
            v_z=rows["v_z"][i].tolist(),
            v_n=rows["v_n"][i].tolist(),
        )
        for i in range(len(names))
    ]


def names_of(model: FTRLModel, ids: Array) -> list[str | None]:
    found = model._native.names_of(ids)
    return [None if name is None else as_text(name) for name in found]


def as_text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def hex_id(id: int) -> str:
    return f"{int(id):016x}"


def norms(v: Array) -> Array:
    """L2 of each row of v (rows, factors)."""
    squares: Array = np.einsum("if,if->i", v, v, dtype=np.float64)
    return np.sqrt(squares)


def largest(count: int, size: Array, *ties: Array) -> Array:
    """Indices of the `count` largest of size (n), largest first, equals by `ties`, rising."""
    at = np.arange(size.size)
    if 0 < count < size.size:
        at = np.flatnonzero(size >= np.partition(size, -count)[-count])
    order = np.lexsort((*(tie[at] for tie in reversed(ties)), -size[at]))
    return at[order][:count]


# ---- one sample ----


def explain(model: FTRLModel, line: str, format: Format | None = None) -> Explanation:
    """What each feature and pair adds to the score of a labelled sample line. ParameterError when
    the line is bad."""
    label, weight, cells = features_of(model, name_bytes(line).rstrip(b"\r\n"), format)
    names = [name for name, _ in cells]
    found, w, v = model.weights(names)
    known = np.flatnonzero(found)
    x = np.array([value for _, value in cells], dtype=np.float64)[known]
    shown = [as_text(names[i]) for i in known]
    w64, scaled = w[known].astype(np.float64), v[known] * x[:, None]
    linear = w64 * x
    order = np.argsort(-np.abs(linear), kind="stable")
    pairs = largest_pairs(scaled, PAIRS_SHOWN)
    # Rendle, ICDM 2010: all pairs in linear time.
    all_pairs = 0.5 * float((scaled.sum(axis=0) ** 2 - (scaled**2).sum(axis=0)).sum())
    # Fewer than asked for: the others are exactly 0.
    rest = all_pairs - sum(pair for _, _, pair in pairs) if len(pairs) == PAIRS_SHOWN else 0.0
    score = float(model._native.bias + linear.sum() + all_pairs)
    return Explanation(
        label=label,
        weight=weight,
        score=score,
        probability=float(metrics.probability(score)),
        bias=model._native.bias,
        linear=[LinearTerm(shown[i], float(x[i]), float(w64[i]), float(linear[i])) for i in order],
        pairs=[PairTerm(shown[i], shown[j], pair) for i, j, pair in pairs],
        pairs_rest=rest,
        pairs_in_all=len(known) * (len(known) - 1) // 2 if scaled.shape[1] else 0,
        unknown=[as_text(names[i]) for i in np.flatnonzero(~found)],
    )


def features_of(
    model: FTRLModel, line: bytes, format: Format | None
) -> tuple[float, float, list[tuple[bytes, float]]]:
    """label, weight and (name, value) of every feature of one line."""
    used = format or usual_format(model._native)
    if used in SAMPLE_FORMATS:
        try:
            label, weight, cells, _ = _core.parse_line(line, used)
        except ValueError as error:
            raise ParameterError(f"the sample line: {error}") from None
        return label, weight, cells
    if model.schema is None:
        raise ParameterError(f"format = {used!r} means a raw row, and the model has no schema")
    from fmtrain.features.encoder import encode_rows

    schema = model.schema
    if schema.document.get("header") and used in ("tsv", "csv"):
        line = schema.header_line(used) + line
    found = encode_rows(
        model._native.encoder, line + b"\n", 1, format=used, names=True, label_required=False
    )
    if len(found.label) != 1:
        raise ParameterError(f"the row: {describe_examples(found.log).strip() or 'there is none'}")
    cells = list(zip(found.names, found.x.tolist(), strict=True))
    return float(found.label[0]), float(found.weight[0]), cells


def largest_pairs(scaled: Array, count: int) -> list[tuple[int, int, float]]:
    """The `count` pairs i < j of rows of scaled (features, factors) with the largest |<i, j>|,
    largest first, exactly zero ones left out."""
    length = norms(scaled)
    order = np.argsort(-length, kind="stable")
    rows, length = scaled[order], length[order]
    best: list[tuple[int, int, float]] = []
    for i in range(len(rows) - 1):
        # No later pair is larger than this bound (Cauchy-Schwarz): a line of thousands of
        # features needs only its longest factors.
        bound = length[i] * length[i + 1]
        if bound == 0 or (len(best) == count and bound <= abs(best[-1][2])):
            break
        products = rows[i + 1 :] @ rows[i]
        for j in largest(count, np.abs(products)):
            first, second = sorted((int(order[i]), int(order[i + 1 + j])))
            if products[j] != 0:
                best.append((first, second, float(products[j])))
        best = sorted(best, key=lambda pair: (-abs(pair[2]), pair))[:count]
    return best
