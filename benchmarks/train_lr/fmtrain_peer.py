"""fmtrain itself, through the Python call a user makes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fmtrain import FTRLModel

from .common import HYPER, sigmoid


class Fitted:
    """A trained FTRLModel."""

    def __init__(self, model: FTRLModel) -> None:
        self.model = model

    def predict(self, lines: Iterable[bytes]) -> np.ndarray:
        """Probabilities, one a sample."""
        return sigmoid(np.asarray(self.model.predict_stream(lines).score, np.float64))


def train(path: str, threads: int = 1) -> Fitted:
    """One pass over the file."""
    model = FTRLModel(factors=0, threads=threads, **HYPER)
    model.fit_stream(path)
    return Fitted(model)
