"""KBinsDiscretizer with the plan's cuts, FeatureHasher behind it.

Another hash (MurmurHash3 of 32 bits, cut to slots), so it is held to that hash's slots.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import KBinsDiscretizer

from .common import Plan, Rows

SLOTS = 1 << 22


class Peer:
    """Encodes rows by a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # fit learns edges of its own; the plan's take their place.
        columns = np.tile([[0.0], [1.0]], len(plan.numbers))
        self.bins = KBinsDiscretizer(2, encode="ordinal", strategy="uniform").fit(columns)
        self.bins.n_bins_ = np.array([len(cuts) + 1 for cuts in plan.cuts])
        for at, cuts in enumerate(plan.cuts):
            self.bins.bin_edges_[at] = np.array([-np.inf, *cuts, np.inf])
        self.hasher = FeatureHasher(SLOTS, input_type="string", alternate_sign=False)

    def discretize(self, rows: Rows) -> np.ndarray:
        """Bins, (rows, NUMBERS); -1: missing, which KBinsDiscretizer refuses to see."""
        missing = np.isnan(rows.numbers)
        bins = self.bins.transform(np.where(missing, 0.0, rows.numbers))
        bins[missing] = -1
        return bins.astype(np.int64)

    def encode(self, rows: Rows) -> Any:
        """CSR, (rows, SLOTS)."""
        columns = []
        for name, cuts, bins in zip(
            self.plan.numbers, self.plan.cuts, self.discretize(rows).T, strict=True
        ):
            names = np.array([f"{name}={token}" for token in [*range(len(cuts) + 1), ""]], object)
            columns.append(names[bins].tolist())  # -1: the last one
        for name, tokens in zip(self.plan.categories, rows.categories, strict=True):
            columns.append([f"{name}={token}" for token in tokens])
        return self.hasher.transform(zip(*columns, strict=True))
