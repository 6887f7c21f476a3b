"""Looking into models: what one is, its features, why a sample scores what it scores, what changed
between two.

Pure functions of a model. Ids are shown as 16 hex digits; names are None where the model keeps
none, and text with surrogate escapes where they are not UTF-8.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmtrain import _core, metrics
from fmtrain.data.matrix import feature_id, name_bytes
from fmtrain.errors import FileError, ParameterError
from fmtrain.hyper import from_native
from fmtrain.model import Format, FTRLModel

Array = npt.NDArray[Any]
By = Literal["w", "v"]

#: The largest pairs of an explanation that are told apart.
PAIRS_SHOWN = 20

# csrc/model/model_file.h: a block's head, and what its kinds hold.
FILE_PREAMBLE = struct.Struct("<8sII")
BLOCK_HEAD = struct.Struct("<IIQQII")
BLOCK_PARTS = {1: "rows", 2: "names", 3: "stored weights"}


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


@dataclass(frozen=True)
class FeatureGroup:
    """Features that only one of two models has; norms are L2."""

    count: int
    zero_rows: int
    w_norm: float
    v_norm: float
    largest: list[Feature]  # by |w|


@dataclass(frozen=True)
class Move:
    """A feature in both models; `dw` is b - a, `v_distance` nan when the factors differ in
    number."""

    id: str
    name: str | None
    w_a: float
    w_b: float
    dw: float
    v_distance: float


@dataclass(frozen=True)
class ModelDifference:
    """What b has otherwise than a. Tuples are (a, b)."""

    hyper: dict[str, tuple[Any, Any]]  # those that differ
    samples: tuple[int, int]
    features: tuple[int, int]
    bias: tuple[float, float]
    w_norm: tuple[float, float]
    v_norm: tuple[float, float]
    new: FeatureGroup
    gone: FeatureGroup
    common: int
    moved: int  # of them, those whose w or v differ
    dw_norm: float
    v_distance: float  # L2 over all common features; nan when the factors differ in number
    largest_moves: list[Move]  # by |dw|, then v_distance


@dataclass(frozen=True)
class ScoreShift:
    """dp = p(b) - p(a) over samples; quantiles and maximum are of |dp|. Tuples are (a, b)."""

    rows: int
    mean: float
    mean_abs: float
    p50: float
    p99: float
    max: float
    auc: tuple[float, float]
    logloss: tuple[float, float]


# ---- what a model is ----


def describe(path: str, model: FTRLModel) -> Description:
    """model as loaded from path."""
    native = model._native
    zeros = native.sparsity()
    bias_z, bias_n = native.bias_state
    return Description(
        path=path,
        hyper=from_native(native.hyper()),
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
        file_bytes=os.path.getsize(path),
        file_parts=file_parts(path),
        table_bytes=native.memory_bytes,
        row_bytes=8 + 4 * (2 + 2 * native.factors),
    )


def file_parts(path: str) -> dict[str, int]:
    """Bytes of a whole model file by part, the blocks' own heads included."""
    try:
        with open(path, "rb") as file:
            _, _, header_bytes = FILE_PREAMBLE.unpack(file.read(FILE_PREAMBLE.size))
            checksum = 4
            parts = {"header": FILE_PREAMBLE.size + header_bytes + checksum}
            file.seek(parts["header"])
            while head := file.read(BLOCK_HEAD.size):
                kind, _, payload, _, _, _ = BLOCK_HEAD.unpack(head)
                part = BLOCK_PARTS.get(kind, "end mark")
                parts[part] = parts.get(part, 0) + BLOCK_HEAD.size + payload
                file.seek(payload, os.SEEK_CUR)
    except (OSError, struct.error) as error:
        raise FileError(f"{path}: cannot read: {error}") from error
    return parts


# ---- features ----


def top_features(model: FTRLModel, count: int, by: By = "w") -> list[Feature]:
    """The `count` features of the largest |w|, or norm of v, largest first."""
    if by == "v" and model._native.factors == 0:
        raise ParameterError("the model has no factors: there is no v to sort by")
    rows = model._native.arrays()
    size = np.abs(rows["w"]) if by == "w" else norms(rows["v"])
    return features_at(model, rows, largest(count, size, rows["id"]))


def find_feature(model: FTRLModel, name: str) -> Feature:
    """By name, or as `id:HEX`. ParameterError when the model does not have it."""
    rows = model._native.arrays()
    ids = [feature_id(name, model._hash_seed())]
    if re.fullmatch("id:[0-9a-f]{16}", name):
        ids.append(int(name[3:], 16))
    at = np.flatnonzero(np.isin(rows["id"], np.array(ids, dtype=np.uint64)))
    if at.size == 0:
        raise ParameterError(f"the model has no feature '{name}'")
    return features_at(model, rows, at[:1])[0]


def label_of(feature: Feature | Move) -> str:
    return feature.name if feature.name is not None else f"id:{feature.id}"


def features_at(model: FTRLModel, rows: dict[str, Array], at: Array) -> list[Feature]:
    """The rows number at (n) of Model.arrays(), in that order."""
    part = {name: array[at] for name, array in rows.items()}
    names = names_of(model, part["id"])
    v_norm = norms(part["v"])
    return [
        Feature(
            id=hex_id(part["id"][i]),
            name=names[i],
            w=float(part["w"][i]),
            v=part["v"][i].tolist(),
            v_norm=float(v_norm[i]),
            z=float(part["z"][i]),
            n=float(part["n"][i]),
            v_z=part["v_z"][i].tolist(),
            v_n=part["v_n"][i].tolist(),
        )
        for i in range(len(at))
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
    return np.sqrt(np.einsum("if,if->i", v, v, dtype=np.float64))


def largest(count: int, size: Array, *ties: Array) -> Array:
    """Indices of the `count` largest of size (n), largest first, equals by `ties`, rising."""
    at = np.arange(size.size)
    if 0 < count < size.size:
        at = np.flatnonzero(size >= np.partition(size, -count)[-count])
    order = np.lexsort((*(tie[at] for tie in reversed(ties)), -size[at]))
    return at[order][:count]


# ---- one sample ----


def explain(model: FTRLModel, line: str, format: Format = "text") -> Explanation:
    """What each feature and pair adds to the score of a labelled sample line. ParameterError when
    the line is bad."""
    try:
        parsed = _core.parse_line(name_bytes(line).rstrip(b"\r\n"), format)
    except ValueError as error:
        raise ParameterError(f"the sample line: {error}") from None
    label, weight, cells, _ = parsed
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
    score = float(model._native.bias + linear.sum() + all_pairs)
    return Explanation(
        label=label,
        weight=weight,
        score=score,
        probability=float(metrics.probability(score)),
        bias=model._native.bias,
        linear=[
            LinearTerm(shown[i], float(x[i]), float(w64[i]), float(linear[i])) for i in order
        ],
        pairs=[PairTerm(shown[i], shown[j], pair) for i, j, pair in pairs],
        pairs_rest=all_pairs - sum(pair for _, _, pair in pairs),
        pairs_in_all=len(known) * (len(known) - 1) // 2 if scaled.shape[1] else 0,
        unknown=[as_text(names[i]) for i in np.flatnonzero(~found)],
    )


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


# ---- two models ----


def compare_models(a: FTRLModel, b: FTRLModel, top: int = 10) -> ModelDifference:
    """`top`: how many features each list names. ParameterError when the models hash names by
    different seeds, so that no feature is the same."""
    if a._hash_seed() != b._hash_seed():
        raise ParameterError(
            f"the models name features by different hashes (hash_seed {a._hash_seed()} and "
            f"{b._hash_seed()}): no feature can be matched"
        )
    rows_a, rows_b = a._native.arrays(), b._native.arrays()
    _, at_a, at_b = np.intersect1d(
        rows_a["id"], rows_b["id"], assume_unique=True, return_indices=True
    )
    dw = rows_b["w"][at_b].astype(np.float64) - rows_a["w"][at_a]
    distance = v_distances(rows_a["v"][at_a], rows_b["v"][at_b])
    hyper_a, hyper_b = from_native(a._native.hyper()), from_native(b._native.hyper())
    return ModelDifference(
        hyper={
            name: (value, hyper_b[name]) for name, value in hyper_a.items() if value != hyper_b[name]
        },
        samples=(a._native.samples, b._native.samples),
        features=(len(a), len(b)),
        bias=(a._native.bias, b._native.bias),
        w_norm=(norm(rows_a["w"]), norm(rows_b["w"])),
        v_norm=(norm(rows_a["v"]), norm(rows_b["v"])),
        new=group_of(b, rows_b, at_b, top),
        gone=group_of(a, rows_a, at_a, top),
        common=at_a.size,
        moved=int(np.count_nonzero((dw != 0) | (np.nan_to_num(distance) != 0))),
        dw_norm=norm(dw),
        v_distance=norm(distance),
        largest_moves=moves(a, b, (rows_a, at_a), (rows_b, at_b), dw, distance, top),
    )


def norm(values: Array) -> float:
    return float(np.sqrt(np.sum(np.square(values, dtype=np.float64))))


def v_distances(v_a: Array, v_b: Array) -> Array:
    """L2 of v_b - v_a for each row; nan when they differ in length."""
    if v_a.shape != v_b.shape:
        return np.full(len(v_a), np.nan)
    return norms(v_b.astype(np.float64) - v_a)


def group_of(model: FTRLModel, rows: dict[str, Array], common: Array, top: int) -> FeatureGroup:
    """The rows that are not among `common`."""
    only = np.ones(len(rows["id"]), dtype=bool)
    only[common] = False
    part = {name: array[only] for name, array in rows.items()}
    return FeatureGroup(
        count=int(only.sum()),
        zero_rows=int(np.count_nonzero((part["w"] == 0) & ~part["v"].any(axis=1))),
        w_norm=norm(part["w"]),
        v_norm=norm(part["v"]),
        largest=features_at(model, part, largest(top, np.abs(part["w"]), part["id"])),
    )


def moves(
    a: FTRLModel,
    b: FTRLModel,
    side_a: tuple[dict[str, Array], Array],
    side_b: tuple[dict[str, Array], Array],
    dw: Array,
    distance: Array,
    top: int,
) -> list[Move]:
    """The largest moves; a side is (arrays, its rows that both have), dw and distance theirs."""
    (rows_a, at_a), (rows_b, at_b) = side_a, side_b
    ids = rows_a["id"][at_a]
    moved = np.flatnonzero((dw != 0) | (np.nan_to_num(distance) != 0))
    best = moved[largest(top, np.abs(dw[moved]), -distance[moved], ids[moved])]
    names = names_of(b if b._native.has_names else a, ids[best])
    return [
        Move(
            id=hex_id(ids[i]),
            name=name,
            w_a=float(rows_a["w"][at_a[i]]),
            w_b=float(rows_b["w"][at_b[i]]),
            dw=float(dw[i]),
            v_distance=float(distance[i]),
        )
        for i, name in zip(best, names, strict=True)
    ]


def score_shift(
    label: Array, weight: Array | None, scores: Sequence[Array]
) -> ScoreShift:
    """scores: raw, of a and of b, on the same samples (rows). Weights count in AUC and logloss
    only."""
    p_a, p_b = (metrics.probability(score) for score in scores)
    moved = np.abs(p_b - p_a)
    auc_a, auc_b = (metrics.auc(label, score, weight) for score in scores)
    loss_a, loss_b = (metrics.logloss_from_score(label, score, weight) for score in scores)
    return ScoreShift(
        rows=len(label),
        mean=float(np.mean(p_b - p_a)),
        mean_abs=float(moved.mean()),
        p50=float(np.quantile(moved, 0.5)),
        p99=float(np.quantile(moved, 0.99)),
        max=float(moved.max()),
        auc=(auc_a, auc_b),
        logloss=(loss_a, loss_b),
    )
