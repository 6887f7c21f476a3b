"""FTRL LR in numpy: a few array operations a sample, as a notebook would have it."""

from __future__ import annotations

import numpy as np

from .common import BIAS_SLOT, HYPER, SLOTS, SlotModel, ftrl_weights, read_samples, slot_of


def train(path: str) -> SlotModel:
    """One pass over the file."""
    z = np.zeros(SLOTS + 1, np.float32)
    n = np.zeros(SLOTS + 1, np.float32)
    alpha = HYPER["alpha"]
    with open(path, "rb") as file:
        for label, weight, features in read_samples(file):
            slots = np.array([slot_of(name) for name, _ in features] + [BIAS_SLOT])
            x = np.array([value for _, value in features] + [1.0])
            n_old = n[slots]
            w = ftrl_weights(z[slots], n_old)
            g = weight * (1.0 / (1.0 + np.exp(-(w @ x))) - label) * x
            # add.at and not +=: a slot may be there twice. The sigmas of such a pair
            # telescope, so taking the last n for both entries is the update in turn.
            np.add.at(z, slots, g)
            np.add.at(n, slots, g * g)
            z[slots] -= (np.sqrt(n[slots]) - np.sqrt(n_old)) / alpha * w
    return SlotModel(z, n)
