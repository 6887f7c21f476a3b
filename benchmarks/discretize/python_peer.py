"""numpy for the bins, a string and mmh3 for each token: what one writes first."""

from __future__ import annotations

import mmh3
import numpy as np

from .common import Plan, Rows


class Peer:
    """Encodes rows by a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bin_ids = plan.bin_ids()

    def encode(self, rows: Rows) -> np.ndarray:
        """Ids, (rows, NUMBERS + CATEGORIES), uint64."""
        ids = np.empty((len(rows), len(self.plan.numbers) + len(self.plan.categories)), np.uint64)
        for at, (cuts, of_bins) in enumerate(zip(self.plan.cuts, self.bin_ids, strict=True)):
            column = rows.numbers[:, at]
            bins = np.searchsorted(cuts, column, side="right")
            bins[np.isnan(column)] = len(cuts) + 1
            ids[:, at] = of_bins[bins]
        for at, (name, tokens) in enumerate(
            zip(self.plan.categories, rows.categories, strict=True), len(self.plan.numbers)
        ):
            hashed = (mmh3.hash64(f"{name}={token}", 0, signed=False)[0] for token in tokens)
            ids[:, at] = np.fromiter(hashed, np.uint64, len(tokens))
        return ids
