"""What the peers share: the columns, their cuts, the names of features and their ids."""

from __future__ import annotations

from dataclasses import dataclass

import mmh3
import numpy as np

from fmtrain.features.cuts import QuantileCuts

NUMBERS, CATEGORIES = 10, 26
BINS = 20


@dataclass(frozen=True)
class Rows:
    """Raw columns as a Python user has them before they are features."""

    numbers: np.ndarray  # (rows, NUMBERS), float64; NaN: no value
    categories: list[list[str]]  # (CATEGORIES) columns of (rows) tokens; "": no value

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Plan:
    """Names of both kinds of columns; inner edges of each number column's bins."""

    numbers: list[str]
    cuts: list[np.ndarray]
    categories: list[str]

    def bin_ids(self) -> list[np.ndarray]:
        """Of each number column, (bins + 1): the id of each bin, that of a missing value last."""
        return [
            np.array([id_of(f"{name}={token}") for token in [*range(len(cuts) + 1), ""]])
            for name, cuts in zip(self.numbers, self.cuts, strict=True)
        ]


def id_of(name: str) -> np.uint64:
    """The first half of MurmurHash3 x64 128 of the name."""
    return np.uint64(mmh3.hash64(name, 0, signed=False)[0])


def make_rows(count: int, seed: int) -> Rows:
    """Counts with many zeros and a fifth missing; 8-digit tokens, the common ones first."""
    rng = np.random.default_rng(seed)
    numbers = np.floor(rng.lognormal(2, 2, (count, NUMBERS)) - 1)
    numbers[rng.random(numbers.shape) < 0.2] = np.nan
    categories = []
    for column in range(CATEGORIES):
        # The same tokens whatever the seed: a plan is learned of some rows and used for others.
        tokens = np.random.default_rng(column).integers(0, 2**32, 1 + 10 ** (1 + column % 5))
        written = ["", *(f"{token:08x}" for token in tokens)]
        drawn = np.minimum(rng.zipf(1.3, count), len(written)) - 1
        categories.append([written[at] for at in drawn])
    return Rows(numbers, categories)


def make_plan(rows: Rows) -> Plan:
    """Equal-frequency cuts of the rows."""
    cuts = []
    for column in rows.numbers.T:
        learner = QuantileCuts(BINS)
        learner.add(column)
        cuts.append(learner.cuts())
    return Plan(
        [f"I{i + 1}" for i in range(NUMBERS)], cuts, [f"C{i + 1}" for i in range(CATEGORIES)]
    )
