"""What runs report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fmtrain.lazy import np, npt

#: What the cells of each column were like: {column: {rows, missing, nan, infinite, invalid,
#: outside, unusual}}. nan ones are missing ones, too; outside of the column's range; unusual:
#: outside what the schema's profile saw.
Guards = dict[str, dict[str, int]]


def guards_by_column(guards: Iterable[Mapping[str, Any]]) -> Guards:
    """As a stream tells them."""
    return {
        guard["column"]: {name: count for name, count in guard.items() if name != "column"}
        for guard in guards
    }


@dataclass(frozen=True)
class Progress:
    """A look at a running pass. `window` and `total` hold samples, weight_sum, label_sum,
    prediction_sum, logloss, auc, auc_error: all measured before each sample was learned."""

    epoch: int
    bytes: int
    features: int
    memory_bytes: int
    window: dict[str, float]
    total: dict[str, float]
    times: dict[str, float]
    #: Where the run kept its table small: min_count (in force), exact, admission_bytes, waiting,
    #: early_share, expired, evicted, evictions, refused, max_bytes, allocated_bytes; else empty.
    economy: dict[str, Any] = field(default_factory=dict)


@dataclass
class FitReport:
    """What a run did. Fields of `log`: sample, blank, comment, bad {reason: count}, bad_lines,
    examples, comment_text. `times`: seconds elapsed, the reader's in reading and blocked, all
    workers' in waiting, parsing and learning."""

    epochs: int = 0
    progress: Progress | None = None
    log: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    #: One entry an epoch when there is a validation source: {"epoch", "logloss", "auc"}.
    valid: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    interrupted: int | None = None
    #: What was packed beside training: samples, blocks, bytes.
    cache: dict[str, int] | None = None
    #: Of raw rows, in the last epoch that read them.
    guards: Guards = field(default_factory=dict)
    #: Weights of an old forest's leaves that left the model.
    retired: int = 0


@dataclass(frozen=True)
class Predictions:
    """Scored samples in input order; arrays of one length."""

    label: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    #: Raw scores (log odds): metrics.probability or metrics.odds makes predictions of them.
    score: npt.NDArray[np.float32]
    #: Hash of the line's key; 0 without one.
    group: npt.NDArray[np.uint64]
    #: As FitReport's; of raw rows with `guards`.
    log: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
