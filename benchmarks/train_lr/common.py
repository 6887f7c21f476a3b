"""What the Python peers share: the text format, the slots names hash to, the trained weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import mmh3
import numpy as np

HYPER = {"alpha": 0.05, "beta": 1.0, "l1": 0.1, "l2": 5.0}
SLOTS = 1 << 22
BIAS_SLOT = SLOTS  # the bias is one more slot, and a feature of value 1 in every sample

Sample = tuple[float, float, list[tuple[bytes, float]]]  # label, weight, (name, value) pairs


def read_samples(lines: Iterable[bytes]) -> Iterator[Sample]:
    """The sample of each line that holds one."""
    return filter(None, map(parse_line, lines))


def parse_line(line: bytes) -> Sample | None:
    """A line's sample, its label within [0, 1]; None for an empty line or a comment."""
    tokens = line.split()
    if b"#" in tokens:
        del tokens[tokens.index(b"#") :]
    if not tokens:
        return None
    label, _, weight = tokens[0].partition(b":")
    features = []
    for token in tokens[1:]:
        name, _, value = token.partition(b":")
        features.append((name, float(value) if value else 1.0))
    return max(float(label), 0.0), float(weight) if weight else 1.0, features


def slot_of(name: bytes) -> int:
    """MurmurHash3 of the name, cut to a slot."""
    return mmh3.hash(name, 0, False) & (SLOTS - 1)


def sigmoid(score: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-score), elementwise, without overflow."""
    e = np.exp(-np.abs(score))
    return np.where(score >= 0, 1.0, e) / (1.0 + e)


def ftrl_weights(z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """w of every coordinate from its z and n (McMahan et al., KDD 2013)."""
    alpha, beta, l1, l2 = HYPER["alpha"], HYPER["beta"], HYPER["l1"], HYPER["l2"]
    shrunk = np.maximum(np.abs(z) - l1, 0.0) * np.sign(z)
    return -shrunk / ((beta + np.sqrt(n)) / alpha + l2)


class SlotModel:
    """Trained FTRL state, (SLOTS + 1,) each; predicts as the trainer that filled it scores."""

    def __init__(self, z: np.ndarray, n: np.ndarray) -> None:
        self.z, self.n = z, n

    def predict(self, lines: Iterable[bytes]) -> np.ndarray:
        """Probabilities, one a sample."""
        weights, scores = ftrl_weights(self.z, self.n), []
        for _, _, features in read_samples(lines):
            terms = (weights[slot_of(name)] * x for name, x in features)
            scores.append(sum(terms, weights[BIAS_SLOT]))
        return sigmoid(np.array(scores))
