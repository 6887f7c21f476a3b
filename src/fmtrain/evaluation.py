"""What `fmtrain eval` measures: scored samples from a model or a predictions file, compared."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain import metrics
from fmtrain.data.matrix import feature_id
from fmtrain.data.rows import Format, open_input
from fmtrain.data.sources import Source, open_sources
from fmtrain.errors import BadInputError, ParameterError
from fmtrain.model import FTRLModel, Link
from fmtrain.model_files import usual_format
from fmtrain.stream import Shard

Floats = npt.NDArray[np.float64]

REPLICATES = 1000
#: The least that places a 95% bound.
REPLICATES_MIN = 200
#: Rows * replicates that take about ten seconds.
BOOTSTRAP_ROWS = 200_000_000

#: A probability of 0 or 1 has no log odds: it counts as one this far from it, as in
#: metrics.logloss.
PROBABILITY_MIN = metrics.PROBABILITY_MIN
#: The smallest odds that predict writes, a float32 above 0.
ODDS_MIN = 1e-45


@dataclass(frozen=True)
class Scored:
    """Scored samples in input order; arrays of one length (rows,), rows >= 1."""

    name: str
    label: Floats
    #: None where they are not known: a predictions file holds none.
    weight: Floats | None
    #: Raw: log odds.
    score: Floats
    #: Hash of the key, 0 without one.
    group: npt.NDArray[np.uint64]
    #: The input's log (see FitReport); None for a predictions file.
    log: dict[str, Any] | None = None
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.label.size == 0:
            raise BadInputError(f"there are no samples to evaluate ({self.name})")
        bad = np.flatnonzero(~np.isfinite(self.score))
        if bad.size:
            raise BadInputError(
                f"{self.name}: {bad.size:,} scores are not finite, the first that of sample "
                f"{bad[0] + 1:,}: {self.score[bad[0]]}"
            )


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of scores. `report.grouped` is None when no row has a key."""

    name: str
    report: metrics.Report
    #: Left out of GAUC and uAUC.
    rows_without_key: int


# ---- from models ----


def score_samples(
    models: Sequence[tuple[str, FTRLModel]],
    source: Any,
    format: Format | None = None,
    max_bad_ratio: float = 0.01,
    shard: Shard | None = None,
) -> list[Scored]:
    """The same samples scored by each (name, model). Several models need sources that can be read
    again (ParameterError)."""
    sources, _ = open_input(source, format, usual_format(models[0][1]._native))
    for one in sources:
        if len(models) > 1 and not one.replayable:
            raise ParameterError(
                f"{one.name} can be read only once, and each of two models reads the samples: "
                "name files"
            )
    return [
        score_with(model, name, sources, format, max_bad_ratio, shard) for name, model in models
    ]


def score_with(
    model: FTRLModel,
    name: str,
    sources: list[Source],
    format: Format | None,
    max_bad_ratio: float,
    shard: Shard | None,
) -> Scored:
    found = model.predict_stream(sources, format=format, max_bad_ratio=max_bad_ratio, shard=shard)
    return Scored(
        name,
        found.label.astype(np.float64),
        found.weight.astype(np.float64),
        found.score.astype(np.float64),
        found.group,
        found.log,
        found.warnings,
    )


# ---- from a predictions file ----


def read_predictions(source: Any, link: Link = "sigmoid") -> Scored:
    """Lines `label score [key]`, as `fmtrain predict --link LINK` writes them (a label of -1 is 0,
    so alphaFM's are fine too), from a path or anything else fit reads. BadInputError names a bad
    line."""
    labels, predictions, groups = array("d"), array("d"), array("Q")
    sources = open_sources(source)
    for one in sources:
        for number, line in enumerate(lines_of(one), 1):
            if not line.strip():
                continue
            try:
                label, prediction, group = parse_prediction(line, link)
            except ValueError as error:
                shown = line[:80].rstrip().decode(errors="backslashreplace")
                raise BadInputError(f"{one.name}, line {number:,}: {error}: '{shown}'") from None
            labels.append(label)
            predictions.append(prediction)
            groups.append(group)
    score = raw_scores(np.array(predictions, dtype=np.float64), link)
    name = ", ".join(one.name for one in sources)
    return Scored(name, np.array(labels), None, score, np.array(groups, dtype=np.uint64))


def lines_of(source: Source) -> Iterator[bytes]:
    with source.open() as data:
        if isinstance(data, int):
            with open(data, "rb", closefd=False) as file:
                yield from file
            return
        rest = b""
        for block in data:
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        yield rest


def parse_prediction(line: bytes, link: Link) -> tuple[float, float, int]:
    """label, prediction, group; ValueError says what is wrong."""
    fields = line.split(None, 2)
    try:
        label, prediction = float(fields[0]), float(fields[1])
    except (IndexError, ValueError):
        raise ValueError("not `label score [key]`") from None
    label = 0.0 if label == -1 else label
    if not 0 <= label <= 1:
        raise ValueError("the label is not 1, 0, -1 or a probability")
    if not is_prediction(prediction, link):
        raise ValueError(f"the score is none of --link {link}")
    return label, prediction, feature_id(fields[2].rstrip(), 0) if len(fields) == 3 else 0


def is_prediction(value: float, link: Link) -> bool:
    if link == "sigmoid":
        return 0 <= value <= 1
    return math.isfinite(value) and (link == "raw" or value >= 0)


def raw_scores(prediction: Floats, link: Link) -> Floats:
    """The log odds (rows) behind predictions (rows) that passed is_prediction."""
    if link == "raw":
        return prediction
    if link == "exp":
        return np.log(np.maximum(prediction, ODDS_MIN))
    p = np.clip(prediction, PROBABILITY_MIN, 1 - PROBABILITY_MIN)
    return np.log(p) - np.log1p(-p)


# ---- metrics ----


def evaluate(
    scored: Scored,
    link: Link = "sigmoid",
    background_ctr: float | None = None,
    buckets: int = 10,
) -> Evaluation:
    """Every metric of metrics.evaluate. Rows without a key are no group: GAUC leaves them out.
    Watch time is measured where the weights are known."""
    if background_ctr is not None and not 0 < background_ctr < 1:
        raise ParameterError(
            f"background_ctr = {background_ctr:g} is not allowed: give a number between 0 and 1"
        )
    if scored.weight is None and link == "exp":
        link = "raw"
    report = metrics.evaluate(
        scored.label, scored.weight, scored.score, None, link, background_ctr, buckets
    )
    keyed = scored.group != 0
    if keyed.any():
        weight = None if scored.weight is None else scored.weight[keyed]
        grouped = metrics.grouped_auc(
            scored.label[keyed], scored.score[keyed], scored.group[keyed], weight
        )
        report = dataclasses.replace(report, grouped=grouped)
    return Evaluation(scored.name, report, int(np.count_nonzero(~keyed)))


def default_replicates(rows: int) -> int:
    """1000, and fewer where they would take longer than about ten seconds; at least 200."""
    return max(REPLICATES_MIN, min(REPLICATES, BOOTSTRAP_ROWS // rows))


def compare(
    a: Scored,
    b: Scored,
    replicates: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> metrics.AucDifference:
    """AUC(a) - AUC(b) with its paired bootstrap interval (metrics.auc_difference).

    replicates None: default_replicates. ParameterError when a and b are not the same samples, as
    far as labels and keys tell.
    """
    if not 0 < confidence < 1:
        raise ParameterError(
            f"confidence = {confidence:g} is not allowed: give a number between 0 and 1"
        )
    check_same_samples(a, b)
    count = default_replicates(a.label.size) if replicates is None else replicates
    return metrics.auc_difference(a.label, a.score, b.score, a.weight, count, confidence, seed)


def check_same_samples(a: Scored, b: Scored) -> None:
    if a.label.size != b.label.size:
        raise ParameterError(
            f"{a.name} has {a.label.size:,} samples and {b.name} {b.label.size:,}: they are not "
            "the same samples"
        )
    differ = np.flatnonzero((a.label != b.label) | (a.group != b.group))
    if differ.size:
        raise ParameterError(
            f"sample {differ[0] + 1:,} has another label or key in {a.name} than in {b.name}: "
            "they are not the same samples"
        )
