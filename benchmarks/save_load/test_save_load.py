"""A model's file written and read, in this process, beside what copying it costs.

All in one folder. The file is in the page cache when it is read; a saved model is on the disk
(fsync), and so is the copy that `sync` follows, while a plain `cp` ends in the page cache.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fmtrain import FTRLModel

from .. import plots
from ..common import FACTORS, Text, in_turn, shell
from ..conftest import Session

LEARNED = Text(4_000_000, dims=70_000_000, zipf=0.5)  # train_cold's
CHECK_SAMPLES = 20_000
HEAD = ["model", "features", "file_MB", "B/feature", "step", "seconds", "MB/s", "s/cp_s"]


@dataclass
class Saved:
    """A trained model and the files around it."""

    model: FTRLModel
    path: Path

    def steps(self) -> dict[str, Callable[[], object]]:
        other, copy = self.path.with_suffix(".other"), self.path.with_suffix(".copy")
        cp = shell("cp", self.path, copy)
        return {
            "save": lambda: self.model.save(other),
            "load": lambda: FTRLModel.load(self.path),
            "cp": lambda: run(cp),
            "cp, sync": lambda: run(f"{cp} && {shell('sync', copy)}"),
        }


def run(command: str) -> None:
    subprocess.run(command, shell=True, check=True)


def trained(model: str, text: Text, path: Path, text_file: Callable) -> Saved:
    made = FTRLModel(factors=FACTORS[model], threads=2)
    made.fit_stream(str(text_file(text)))
    made.save(path)
    return Saved(made, path)


def check(model: str, folder: Path, text_file: Callable) -> None:
    """A loaded model predicts and is saved again as the one that was saved, to the bit."""
    text = LEARNED.shortened(CHECK_SAMPLES)
    saved = trained(model, text, folder / f"{model}.check.fmt", text_file)
    loaded = FTRLModel.load(saved.path)
    assert len(loaded) == len(saved.model)
    again = folder / "again.fmt"
    loaded.save(again)
    assert again.read_bytes() == saved.path.read_bytes()
    held = str(text_file(text.held_out()))
    scores = [of.predict_stream(held).score for of in (loaded, saved.model)]
    np.testing.assert_array_equal(*scores)


def seconds_of_step(steps: Mapping[str, Callable[[], object]], name: str) -> float:
    start = time.perf_counter()
    result = steps[name]()
    seconds = time.perf_counter() - start
    del result  # a loaded model is freed here, after the clock
    gc.collect()
    return seconds


@pytest.mark.parametrize("model", FACTORS)
def test_answer(model: str, folder: Path, text_file: Callable) -> None:
    check(model, folder, text_file)


def test_save_load(session: Session, folder: Path, text_file: Callable) -> None:
    rows, bars = [], {}
    for model in FACTORS:
        check(model, folder, text_file)
        saved = trained(model, session.text(LEARNED), folder / f"{model}.fmt", text_file)
        steps, size = saved.steps(), saved.path.stat().st_size
        runs = in_turn(list(steps), session.rounds, partial(seconds_of_step, steps))
        medians = dict(zip(steps, map(statistics.median, runs), strict=True))
        bars[model] = {name: size / seconds / 1e6 for name, seconds in medians.items()}
        file = f"{len(saved.model):,}", f"{size / 1e6:,.1f}", f"{size / len(saved.model):.2f}"
        for name, seconds in medians.items():
            speed = f"{seconds:.3f}", f"{bars[model][name]:,.0f}", f"{seconds / medians['cp']:.2f}"
            rows.append([model, *file, name, *speed])
    session.table("save-load", HEAD, rows)
    session.plot(plots.bars, "save_load", "save-load", "MB/s", bars)
