"""Whole processes that score text, model loading included."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest

import alphafm_reader
from fmtrain import FTRLModel, metrics

from .. import plots
from ..common import FACTORS, FMTRAIN, Text, in_turn, shell, thread_counts
from ..compare import run_timed
from ..conftest import Session
from ..train_text import alphafm_peer
from ..train_text.common import Absent, read_predictions

LEARNED, SCORED = Text(4_000_000, dims=4_000_000), Text(1_000_000, dims=4_000_000, first=10**9)
CHECK_SAMPLES, CHECK_LINES = 20_000, 500
TOLERANCE = 1e-5  # between programs: of a probability, printed with six digits
HEAD = ["program", "model", "threads", "samples", "features", "seconds", "samples/s", "MB/s"]


@dataclass
class Models:
    """The same model in fmtrain's file and in alphaFM's text."""

    own: Path
    alphafm: Path
    features: int


@dataclass
class Scorers:
    """The programs, and the models and samples they are given."""

    folder: Path
    text_file: Callable[[Text], Path]
    alphafm: alphafm_peer.Peer | None

    def __post_init__(self) -> None:
        self.models = cache(self._models)
        self.check = cache(self._check)

    @property
    def names(self) -> list[str]:
        return ["fmtrain"] if self.alphafm is None else ["fmtrain", "alphafm"]

    def data(self, text: Text) -> Path:
        """`name:1` where alphaFM reads it too."""
        plain = self.text_file(text)
        if self.alphafm is None:
            return plain
        path = plain.with_suffix(".alphafm.txt")
        if not path.exists():
            self.alphafm.prepare(plain, path)
        return path

    def _models(self, model: str, text: Text) -> Models:
        """alphaFM's from a model that keeps names, fmtrain's from one that does not."""
        stem = self.folder / f"{model}{text.samples}"
        made = Models(stem.with_suffix(".fmt"), stem.with_suffix(".txt"), 0)
        for names in (True, False):
            trained = FTRLModel(factors=FACTORS[model], names=names)
            trained.fit_stream(str(self.text_file(text)))
            if names:
                trained.dump(made.alphafm, "alphafm-text", keep_zeros=True)
        trained.save(made.own)
        made.features = len(trained)
        return made

    def command(self, name: str, model: str, threads: int, learned: Text, scored: Text) -> str:
        """Writes a line for every sample, the probability last."""
        models, data, out = self.models(model, learned), self.data(scored), self.out(name)
        if name == "fmtrain":
            flags = ["--threads", threads, "--model", models.own, "--out", out]
            return shell(*FMTRAIN, "predict", *flags, data)
        assert self.alphafm is not None
        flags = ["-dim", FACTORS[model], "-core", threads, "-m", models.alphafm, "-out", out]
        return shell(self.alphafm.predictor, *flags, stdin=data)

    def out(self, name: str) -> Path:
        return self.folder / f"predictions_{name}.txt"

    def _check(self, model: str) -> None:
        """fmtrain's lines do not depend on the threads and are, as alphaFM's, the probabilities
        that the exported weights give in Python."""
        texts = LEARNED.shortened(CHECK_SAMPLES), SCORED.shortened(CHECK_SAMPLES)
        exported = alphafm_reader.parse(self.models(model, texts[0]).alphafm, binary=False)
        with self.text_file(texts[1]).open("rb") as file:
            lines = [line.split()[1:] for line in islice(file, CHECK_LINES)]
        scores = [exported.score([(name, 1.0) for name in names]) for names in lines]
        expected = metrics.probability(np.array(scores))
        for name in self.names:
            found = []
            # Several threads of alphaFM print in the order they come.
            for threads in (1, 2) if name == "fmtrain" else (1,):
                command = self.command(name, model, threads, *texts)
                subprocess.run(command, shell=True, stdout=subprocess.DEVNULL, check=True)
                found.append(self.out(name).read_bytes())
            assert len(set(found)) == 1, "the predictions depend on the threads"
            got = read_predictions(self.out(name))
            assert len(got) == CHECK_SAMPLES
            np.testing.assert_allclose(got[:CHECK_LINES], expected, rtol=0, atol=TOLERANCE)


@pytest.fixture(scope="module")
def scorers(session: Session, folder: Path, text_file: Callable) -> Scorers:
    try:
        alphafm = alphafm_peer.Peer(session.given("--alphafm"))
    except Absent:
        alphafm = None
    return Scorers(folder, text_file, alphafm)


@pytest.mark.parametrize("model", FACTORS)
def test_answer(model: str, scorers: Scorers) -> None:
    scorers.check(model)


def test_predict(session: Session, scorers: Scorers) -> None:
    for model in FACTORS:
        scorers.check(model)
    learned, scored = session.text(LEARNED), session.text(SCORED)
    cases = list(product(scorers.names, FACTORS, thread_counts()))
    commands = {case: scorers.command(*case, learned, scored) for case in cases}
    runs = in_turn(cases, session.rounds, lambda case: run_timed(commands[case]))
    rows, bars = [], {f"{name}, {model}": {} for name in scorers.names for model in FACTORS}
    for (name, model, threads), seconds in zip(cases, map(statistics.median, runs), strict=True):
        rate = scored.samples / seconds
        megabytes = scorers.data(scored).stat().st_size / 1e6
        size = f"{scored.samples:,}", f"{scorers.models(model, learned).features:,}"
        speed = f"{seconds:.3f}", f"{rate:,.0f}", f"{megabytes / seconds:,.0f}"
        rows.append([name, model, threads, *size, *speed])
        bars[f"{name}, {model}"][f"{threads} threads"] = rate
    session.table("predict, whole processes", HEAD, rows)
    session.plot(plots.bars, "predict", "predict, whole processes", "samples/s", bars)
