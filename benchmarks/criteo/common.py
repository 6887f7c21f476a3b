"""The rows, split by time, and models of them. Rows are bytes of TSV, one list entry a row."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel, metrics
from fmtrain.features import GBDTLeafEncoder, Schema
from fmtrain.features.learn import learn_schema

ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT.parent / "shared" / "data" / "criteo" / "raw.tsv.gz"
NUMBERS = [f"I{i}" for i in range(1, 14)]
TRAINED, VALIDATED = 60_000, 12_000
#: The linear model's settings, examples/criteo.toml's.
LR: dict[str, Any] = dict(factors=0, alpha=0.1, l1=0.1, l2=0.0)
#: The best FM that was found for it.
FM: dict[str, Any] = dict(
    LR, factors=8, v_alpha=0.05, v_l1=0.1, v_l2=20.0, init_stdev=0.02, v_start="kept"
)


@cache
def rows() -> list[bytes]:
    if not RAW.exists():
        pytest.skip("needs ../shared/data/criteo/raw.tsv.gz beside the checkout")
    with gzip.open(RAW, "rb") as file:
        return file.read().splitlines(keepends=True)


@cache
def columns() -> tuple[Any, Any]:
    """Counts (rows, 13), NaN where missing, and labels, of all rows."""
    cells = [row.split(b"\t", 14)[:14] for row in rows()]
    counts = [[float(cell) if cell else np.nan for cell in row[1:]] for row in cells]
    return np.array(counts), np.array([float(row[0]) for row in cells])


@cache
def schema(*transforms: str, learned_from: int = TRAINED) -> Schema:
    """examples/criteo.toml, with these transforms of the counts where any are given."""
    document = Schema.load(ROOT / "examples" / "criteo.toml").document
    if transforms:
        named = {name: {"type": "number", "transforms": list(transforms)} for name in NUMBERS}
        document = {**document, "columns": {**document["columns"], **named}}
    return learn_schema(document, b"".join(rows()[:learned_from]))


@dataclass(frozen=True)
class Leaves:
    """A forest of the counts: how large, and on which of the first rows it is trained."""

    trees: int
    depth: int
    learning_rate: float
    share: float

    def forest(self, first: int) -> GBDTLeafEncoder:
        X, y = columns()
        encoder = GBDTLeafEncoder(
            self.trees, self.depth, self.learning_rate, train_share=self.share
        )
        return encoder.fit(X[:first], y[:first])


def with_leaves(base: Schema, forest: Path) -> Schema:
    table = {"gbdt": {"columns": NUMBERS, "file": str(forest)}}
    return Schema.of({**base.document, "forests": table})


def fitted(schema: Schema, begin: int, end: int, **hyper: Any) -> FTRLModel:
    """One pass over these rows, in order."""
    model = FTRLModel(schema=schema, **{**LR, **hyper})
    return model.fit_stream(b"".join(rows()[begin:end]), format="tsv")


def auc(model: FTRLModel, begin: int, end: int) -> float:
    found = model.predict_stream(b"".join(rows()[begin:end]), format="tsv")
    assert len(found.score) == end - begin
    return metrics.auc(found.label, found.score)
