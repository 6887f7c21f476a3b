"""fmtrain: the encoder of training and scoring, given the columns as an Arrow table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fmtrain.features import Encoder

from .common import CATEGORIES, NUMBERS, Plan, Rows


class Peer:
    def __init__(self, plan: Plan) -> None:
        columns: dict[str, Any] = {
            name: {"type": "number", "transforms": [f"equal-frequency {len(cuts) + 1}"]}
            for name, cuts in zip(plan.numbers, plan.cuts, strict=True)
        }
        learned = {
            name: {"cuts": cuts.tolist()}
            for name, cuts in zip(plan.numbers, plan.cuts, strict=True)
        }
        self.names = [*plan.numbers, *plan.categories]
        self.encoder = Encoder(
            {"columns": columns | {name: {} for name in plan.categories}, "learned": learned}
        )

    def encode(self, rows: Rows) -> np.ndarray:
        """(rows, NUMBERS + CATEGORIES) uint64."""
        columns = [*rows.numbers.T, *rows.categories]
        table = pa.table([pa.array(column) for column in columns], names=self.names)
        return self.encoder.encode(table).ids.reshape(len(rows), NUMBERS + CATEGORIES)
