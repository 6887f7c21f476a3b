"""Criteo's sample: not worse than alphaFM with the same flags on the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fmtrain import FTRLModel, metrics

SLACK = 0.0005


@pytest.fixture
def criteo(shared: Path) -> Path:
    path = shared / "data" / "criteo"
    if not (path / "train.txt.gz").exists():
        pytest.skip("needs ../shared/data/criteo")
    return path


def auc_and_logloss(criteo: Path, model: FTRLModel) -> tuple[float, float]:
    p = model.predict_stream(criteo / "test.txt.gz")
    assert len(p.score) == 20_000
    return metrics.auc(p.label, p.score), metrics.logloss_from_score(p.label, p.score)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("hyper", "epochs", "auc", "logloss"),
    [
        (dict(factors=0, alpha=0.1, l1=0.01, l2=0.1), 1, 0.7681, 0.4451),
        (dict(factors=0, l1=0.5, l2=5.0), 3, 0.7701, 0.4436),
        (dict(factors=8), 1, 0.7664, 0.4462),
    ],
    ids=["lr", "lr-3-passes", "fm-defaults"],
)
def test_not_worse_than_alphafm(
    criteo: Path, hyper: dict[str, Any], epochs: int, auc: float, logloss: float, threads: int
) -> None:
    model = FTRLModel(threads=threads, **hyper)
    model.fit_stream(criteo / "train.txt.gz", epochs=epochs)
    ours = auc_and_logloss(criteo, model)
    assert ours[0] > auc - SLACK
    assert ours[1] < logloss + SLACK
