"""Logistic regression from text, samples a second; no peer is timed before its answer holds."""

from __future__ import annotations

import importlib
import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference import Reference, sigmoid

from ..common import build_cython
from .common import HYPER, read_samples, slot_of

FTRL_PEERS = ["fmtrain", "numpy", "numba", "cython"]
SKLEARN_AUC_FLOOR = 0.70  # on the small file SGDClassifier reaches .75, FTRL .845
ROUNDS = 5


@dataclass
class SmallFile:
    """A file to train on, lines held out of it, and what the oracle says of them."""

    path: Path
    held: list[bytes]
    labels: np.ndarray  # (held,), 0 or 1
    expected: np.ndarray  # (held,), probabilities


def make_lines(count: int, rng: random.Random) -> list[bytes]:
    """Samples of a logistic model over 10 fields of 30 names, the common names first."""
    effect = {f"f{i}={j}": rng.gauss(0, 0.5) for i in range(10) for j in range(30)}
    assert len({slot_of(name.encode()) for name in effect}) == len(effect), "names share slots"
    lines = []
    for row in range(count):
        names = [f"f{i}={min(int(rng.expovariate(0.2)), 29)}" for i in range(10)]
        features = [(name, 1.0) for name in names[1:]] + [(names[0], rng.choice([0.5, 0, -2]))]
        if row % 50 == 0:
            features.append(features[0])
        score = sum(effect[name] * x for name, x in features)
        label = "1" if rng.random() < 1 / (1 + math.exp(-score)) else rng.choice(["0", "-1"])
        weight = rng.choice(["", ":2", ":0.5"])
        text = " ".join(name if x == 1 else f"{name}:{x}" for name, x in features)
        lines.append(f"{label}{weight} {text} # user{row % 7}\n".encode())
    return lines


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallFile:
    """A few thousand samples, with weights, values, a repeated name and lines to skip."""
    lines = make_lines(4500, random.Random(0))
    learned, held = lines[:4000], lines[4000:]
    path = tmp_path_factory.mktemp("train_lr") / "small.txt"
    path.write_bytes(b"# a comment\n\n" + b"".join(learned))

    model = Reference({**HYPER, "factors": 0}, lambda name, lane: 0.0)
    for label, weight, features in read_samples(learned):
        model.learn(label, features, weight)
    held_samples = list(read_samples(held))
    labels = np.array([label for label, _, _ in held_samples])
    expected = np.array([sigmoid(model.score(features)) for _, _, features in held_samples])
    return SmallFile(path, held, labels, expected)


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Peer modules by name; the test is skipped where a peer's library is absent."""

    @cache
    def load(name: str) -> Any:
        pytest.importorskip({"cython": "Cython"}.get(name, name), reason=f"needs {name}")
        if name == "cython":
            source = Path(__file__).with_name("cython_peer.pyx")
            return build_cython(source, tmp_path_factory.mktemp("cython"))
        return importlib.import_module(f".{name}_peer", __package__)

    return load


def auc(labels: np.ndarray, predictions: np.ndarray) -> float:
    """The share of (positive, negative) pairs in the right order, ties counting a half."""
    gap = predictions[labels == 1][:, None] - predictions[labels == 0][None, :]
    return float(np.mean((gap > 0) + 0.5 * (gap == 0)))


def check_ftrl(module: Any, small: SmallFile) -> None:
    """The peer's predictions are the oracle's."""
    predictions = module.train(str(small.path)).predict(small.held)
    np.testing.assert_allclose(predictions, small.expected, rtol=0, atol=1e-4)


def check_auc(train: Callable[[str], Any], small: SmallFile, floor: float) -> None:
    """What is not FTRL one sample at a time, in order, is held to how well it ranks."""
    predictions = train(str(small.path)).predict(small.held)
    assert auc(small.labels, predictions) > floor


def clock(benchmark: Any, train: Callable[[str], Any], data_file: Path) -> None:
    """ROUNDS runs over the file, and samples a second at the median."""
    with data_file.open("rb") as file:  # which also leaves the file in the page cache
        samples = sum(1 for _ in read_samples(file))
    benchmark.group = "train_lr"
    benchmark.pedantic(train, args=(str(data_file),), rounds=ROUNDS)
    if benchmark.stats is not None:  # None under --benchmark-disable
        benchmark.extra_info["samples"] = samples
        benchmark.extra_info["samples_per_s"] = round(samples / benchmark.stats.stats.median)


@pytest.mark.parametrize("name", FTRL_PEERS)
def test_answer(name: str, peer: Callable[[str], Any], small: SmallFile) -> None:
    check_ftrl(peer(name), small)


def test_answer_of_sklearn(peer: Callable[[str], Any], small: SmallFile) -> None:
    check_auc(peer("sklearn").train, small, SKLEARN_AUC_FLOOR)


@pytest.mark.parametrize("name", FTRL_PEERS)
def test_samples_per_second(
    name: str, peer: Callable[[str], Any], small: SmallFile, data_file: Path, benchmark: Any
) -> None:
    module = peer(name)
    check_ftrl(module, small)
    clock(benchmark, module.train, data_file)


def test_samples_per_second_of_sklearn(
    peer: Callable[[str], Any], small: SmallFile, data_file: Path, benchmark: Any
) -> None:
    train = peer("sklearn").train
    check_auc(train, small, SKLEARN_AUC_FLOOR)
    clock(benchmark, train, data_file)


def test_samples_per_second_on_all_cores(
    peer: Callable[[str], Any], small: SmallFile, data_file: Path, benchmark: Any
) -> None:
    train = partial(peer("fmtrain").train, threads=os.cpu_count())
    check_auc(train, small, auc(small.labels, small.expected) - 0.02)
    clock(benchmark, train, data_file)
