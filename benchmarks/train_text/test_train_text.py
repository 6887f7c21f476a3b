"""Whole processes from text to saved model, fmtrain and a peer in turn.

No peer is timed before its answer holds.
"""

from __future__ import annotations

import importlib
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest

from fmtrain import metrics

from ..compare import ratios, run_timed
from .common import Absent, Peer, Text, read_predictions
from .conftest import ROWS

FACTORS = {"lr": 0, "fm": 8}
CASES = [
    ("alphafm", "lr"),
    ("alphafm", "fm"),
    ("vw", "lr"),
    ("xlearn", "lr"),
    ("xlearn", "fm"),
    ("fwumious", "lr"),
    ("fwumious_cache", "lr"),
]
AGAINST = {"fwumious_cache": "fmtrain_pack"}  # the others meet fmtrain reading text

# After so many samples of a million features the peers' AUC is .708 (xLearn's FM) to .720.
ANSWER_SAMPLES, HELD_SAMPLES, HELD_FIRST = 100_000, 20_000, 1_000_000_000
AUC_FLOOR = 0.69
AUC_SLACK = 0.005  # by which a peer may rank better than fmtrain
CRASHES = 5  # of a peer that may; the next one fails the test


@dataclass
class Texts:
    """Samples to learn and to be judged by, and samples to be timed on."""

    folder: Path
    learned: Text
    held: Text
    timed: Text
    labels: np.ndarray  # (held,)


@dataclass
class Duel:
    """fmtrain and a peer that train the same model."""

    sides: tuple[Peer, Peer]  # fmtrain first
    factors: int
    threads: int
    texts: Texts
    folder: Path
    crashes: int = 0

    def check(self) -> tuple[float, float]:
        """Both predict the held-out samples well, fmtrain no worse than the peer: their AUCs."""
        labels = self.texts.labels
        for predictions in self.predictions:
            assert metrics.normalized_entropy(labels, predictions) < 1, "worse than the mean label"
        ours, theirs = (metrics.auc(labels, predictions) for predictions in self.predictions)
        assert min(ours, theirs) > AUC_FLOOR
        assert ours > theirs - AUC_SLACK
        return ours, theirs

    def data(self, text: Text) -> list[Path]:
        """What the two read: the very same file where fmtrain reads the peer's."""
        ours, theirs = self.sides
        return [text.of(theirs if theirs.same_text else ours), text.of(theirs)]

    def fits(self, text: Text) -> list[str]:
        """The two commands."""
        return [
            side.fit(data, self.model(side), self.factors, self.threads)
            for side, data in zip(self.sides, self.data(text), strict=True)
        ]

    def run(self, text: Text) -> tuple[float, float]:
        """Seconds of each in one round; a round in which the peer crashed is run again."""
        commands = self.fits(text)
        while True:
            try:
                return run_timed(commands[0]), run_timed(commands[1])
            except subprocess.CalledProcessError as error:
                crashed = error.cmd == commands[1] and self.sides[1].may_crash
                if not crashed or self.crashes == CRASHES:
                    raise
                self.crashes += 1

    @cached_property
    def predictions(self) -> list[np.ndarray]:
        """Of the held-out samples, by models of the samples to learn."""
        self.run(self.texts.learned)
        found, out = [], self.folder / "predictions.txt"
        for side, data in zip(self.sides, self.data(self.texts.held), strict=True):
            command = side.predict(data, self.model(side), self.factors, out)
            subprocess.run(command, shell=True, stdout=subprocess.DEVNULL, check=True)
            found.append(read_predictions(out))
        return found

    def model(self, side: Peer) -> Path:
        return self.folder / ("fmtrain.model" if side is self.sides[0] else "peer.model")


@pytest.fixture(scope="session")
def texts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Texts]:
    """Removed at the end: a million samples in every format are gigabytes."""
    folder = tmp_path_factory.mktemp("train_text")
    learned = Text(folder / "learned", ANSWER_SAMPLES)
    held = Text(folder / "held", HELD_SAMPLES, HELD_FIRST)
    timed = Text(folder / "timed", request.config.getoption("--samples"))
    yield Texts(folder, learned, held, timed, held.labels())
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def peer(request: pytest.FixtureRequest) -> Callable[[str], Peer]:
    """Peers by name; the test is skipped where one is absent."""

    @cache
    def load(name: str) -> Peer:
        given = request.config.getoption(f"--{name.partition('_')[0]}", default=None)
        try:
            return importlib.import_module(f".{name}_peer", __package__).Peer(given)
        except Absent as absent:
            pytest.skip(str(absent))

    return load


@pytest.fixture(scope="session")
def duel(request: pytest.FixtureRequest, peer: Callable[[str], Peer]) -> Callable[[str, str], Duel]:
    """By peer and model."""
    threads = request.config.getoption("--threads")

    @cache
    def meet(name: str, model: str) -> Duel:
        sides = peer(AGAINST.get(name, "fmtrain")), peer(name)
        texts = request.getfixturevalue("texts")  # not made where every peer is absent
        folder = texts.folder / f"{name}_{model}"
        folder.mkdir()
        return Duel(sides, FACTORS[model], threads, texts, folder)

    return meet


@pytest.mark.parametrize(("name", "model"), CASES)
def test_answer(name: str, model: str, duel: Callable[[str, str], Duel]) -> None:
    duel(name, model).check()


@pytest.mark.parametrize(("name", "model"), CASES)
def test_whole_process(
    name: str, model: str, duel: Callable[[str, str], Duel], request: pytest.FixtureRequest
) -> None:
    met, config = duel(name, model), request.config
    auc, peer_auc = met.check()
    if config.getoption("benchmark_disable", default=False):  # they run, and nothing is timed
        met.run(met.texts.timed)
        return
    pairs = [met.run(met.texts.timed) for _ in range(config.getoption("--rounds"))]
    ours, theirs = zip(*pairs, strict=True)
    rounds = ratios(ours, theirs)
    config.stash[ROWS].append(
        f"{name:<16}{model:<6}{met.threads:>7}{met.texts.timed.samples:>11,}"
        f"{peer_auc:>8.4f}{auc:>8.4f}"
        f"{statistics.median(theirs):>9.3f}{statistics.median(ours):>9.3f}"
        f"{statistics.median(rounds):>7.2f}  {' '.join(f'{ratio:.2f}' for ratio in rounds)}"
        f"{f'  (it crashed {met.crashes} times)' if met.crashes else ''}"
    )
