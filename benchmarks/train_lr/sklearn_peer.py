"""SGDClassifier behind FeatureHasher, partial_fit in blocks: what scikit-learn's guide advises.

Another algorithm, so it is held to an AUC and not to FTRL's predictions.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from .common import SLOTS, Sample, read_samples

BLOCK_SAMPLES = 10_000


class SgdModel:
    """A fitted classifier and the hasher its columns come from."""

    def __init__(self) -> None:
        self.hasher = FeatureHasher(SLOTS, input_type="pair", alternate_sign=False)
        self.classifier = SGDClassifier(loss="log_loss", random_state=0)

    def learn(self, samples: Iterable[Sample]) -> None:
        """One partial_fit; a soft label is cut at .5, which this loss cannot take."""
        labels, weights, x = self.encode(samples)
        self.classifier.partial_fit(x, labels > 0.5, [False, True], weights)

    def predict(self, lines: Iterable[bytes]) -> np.ndarray:
        """Probabilities, one a sample."""
        return self.classifier.predict_proba(self.encode(read_samples(lines))[2])[:, 1]

    def encode(self, samples: Iterable[Sample]) -> tuple[np.ndarray, np.ndarray, Any]:
        """labels (rows,), weights (rows,), a CSR matrix (rows, SLOTS)."""
        labels, weights, features = zip(*samples, strict=True)
        return np.array(labels), np.array(weights), self.hasher.transform(features)


def train(path: str) -> SgdModel:
    """One pass over the file, in blocks of BLOCK_SAMPLES samples."""
    model = SgdModel()
    with open(path, "rb") as file:
        samples = read_samples(file)
        while block := list(islice(samples, BLOCK_SAMPLES)):
            model.learn(block)
    return model
