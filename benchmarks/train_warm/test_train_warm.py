"""A pass over samples whose features all have their rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ..common import FACTORS, Text
from ..conftest import Session
from ..train import Workload, check

WORKLOAD = Workload(
    "train_warm",
    Text(samples=4_000_000, dims=4_000_000),
    distinct_min=2_000_000,
    warm=True,
    deterministic_too=True,
)


@pytest.mark.parametrize("model", FACTORS)
def test_answer(model: str, folder: Path, text_file: Callable) -> None:
    check(WORKLOAD, model, folder, text_file)


def test_train_warm(session: Session, folder: Path, text_file: Callable) -> None:
    WORKLOAD.clock(session, folder, text_file)
