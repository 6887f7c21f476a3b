"""A pass that makes rows for features as long as it lasts, with huge pages and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ..common import FACTORS, Text
from ..conftest import Session
from ..train import Workload, check

WORKLOAD = Workload(
    "train_cold",
    Text(samples=4_000_000, dims=70_000_000, zipf=0.5),
    distinct_min=20_000_000,
    both_pages=True,
    grows=True,
)


@pytest.mark.parametrize("model", FACTORS)
def test_answer(model: str, folder: Path, text_file: Callable) -> None:
    check(WORKLOAD, model, folder, text_file)


def test_train_cold(session: Session, folder: Path, text_file: Callable) -> None:
    WORKLOAD.clock(session, folder, text_file)
