"""What train_warm, train_cold and train_huge share: they differ in their samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from fmtrain import FTRLModel, metrics

from . import plots
from .common import FACTORS, Measured, Pass, Text, in_turn, median_pass, thread_counts
from .conftest import Session

CHECK_SAMPLES = 50_000
AUC_FLOOR = 0.58  # new features teach little: after so many samples .60 to .71 are reached
# By which the AUC of two threads may differ from that of one. So few samples in another order move
# the AUC of an FM by as much on one thread.
AUC_SLACK = {"lr": 0.001, "fm": 0.005}

HEAD = (
    "model threads pages samples distinct samples/s MB/s table_B/feature peak_B/feature peak_MB AUC"
)


@dataclass(frozen=True)
class Workload:
    """Samples to learn from, and how."""

    name: str
    text: Text
    distinct_min: int  # of the whole text
    warm: bool = False  # learned once before the clock
    deterministic_too: bool = False  # timed on several threads
    both_pages: bool = False  # timed without huge pages too
    grows: bool = False  # plotted over the rows of the table

    def clock(self, session: Session, folder: Path, text_file: Callable) -> None:
        """Every model, number of threads and kind of page in turn, once the answers hold."""
        for model in FACTORS:
            check(self, model, folder, text_file)
        text = session.text(self.text)
        data = str(text_file(text))
        pages = (True, False) if self.both_pages else (True,)
        orders = [(threads, False) for threads in thread_counts()]
        if self.deterministic_too:
            orders += [(threads, True) for threads in thread_counts() if threads > 1]
        cases = []
        for (model, factors), (threads, deterministic), huge in product(
            FACTORS.items(), orders, pages
        ):
            how = {"deterministic": deterministic, "warm": self.warm, "huge_pages": huge}
            cases.append(Case(model, Pass(data, factors, threads, **how)))
        runs = in_turn(cases, session.rounds, lambda case: case.ask.run())
        found = [(case, median_pass(of_case)) for case, of_case in zip(cases, runs, strict=True)]
        every = [run for of_case in runs for run in of_case]
        assert {run.samples for run in every} == {text.samples}
        assert len({run.features for run in every}) == 1, "the distinct features differ"
        assert not any(run.bad_lines for run in every)
        small = [run for case, run in found if not case.ask.huge_pages]
        assert not any(run.huge_bytes for run in small), "huge pages were not off"
        if session.full:
            assert every[0].features >= self.distinct_min
        session.table(self.name, HEAD.split(), [case.row(run) for case, run in found])
        if self.grows:
            lines = {case.label: run.rates() for case, run in found}
            axes = ("million features in the table", "samples/s")
            session.plot(plots.curves, self.name, self.name, axes, lines)
        else:
            bars: dict[str, dict[str, float]] = {model: {} for model in FACTORS}
            for case, run in found:
                bars[case.model][case.threads] = run.samples_per_s
            session.plot(plots.bars, self.name, self.name, "samples/s", bars)


@dataclass(frozen=True)
class Case:
    """A model by its name, and the pass that trains it."""

    model: str
    ask: Pass

    @property
    def threads(self) -> str:
        return f"{self.ask.threads}{' deterministic' if self.ask.deterministic else ''}"

    @property
    def pages(self) -> str:
        return "huge" if self.ask.huge_pages else "small"

    @property
    def label(self) -> str:
        return f"{self.model}, threads {self.threads}, {self.pages} pages"

    def row(self, run: Measured) -> list[str]:
        grown = run.peak_bytes - run.before_bytes
        pages = f"{self.pages} ({run.huge_bytes / 1e6:,.0f} MB)"
        return [
            self.model,
            self.threads,
            pages,
            f"{run.samples:,}",
            f"{run.features:,}",
            f"{run.samples_per_s:,.0f}",
            f"{run.bytes / run.seconds / 1e6:,.0f}",
            f"{run.memory_bytes / run.features:.1f}",
            f"{grown / run.features:.1f}",
            f"{run.peak_bytes / 1e6:,.0f}",
            f"{run.auc:.4f}",
        ]


@cache
def check(workload: Workload, model: str, folder: Path, text_file: Callable) -> None:
    """One thread gives the same bytes again, without huge pages, and two that are told to be
    deterministic; two that are not give a model of the same features that ranks as well."""
    learned = str(text_file(workload.text.shortened(CHECK_SAMPLES)))
    held = text_file(workload.text.held_out())

    def saved(**how: Any) -> Path:
        path = folder / f"check{len(list(folder.iterdir()))}.fmt"
        features.add(Pass(learned, FACTORS[model], save=str(path), **how).run().features)
        return path

    features: set[int] = set()
    one = saved(warm=workload.warm).read_bytes()
    assert saved(warm=workload.warm, huge_pages=False).read_bytes() == one, "another model"
    in_order = saved(warm=workload.warm, threads=2, deterministic=True)
    assert in_order.read_bytes() == one, "another model of two threads that learn in order"
    best, other = auc_of(saved(), held), auc_of(saved(threads=2), held)
    assert len(features) == 1, "the distinct features differ"
    assert best > AUC_FLOOR, f"AUC {best}: nothing was learned"
    assert abs(best - other) < AUC_SLACK[model], f"AUC {best} of one thread, {other} of two"


def auc_of(path: Path, held: Path) -> float:
    """Of a saved model, on samples it has not seen."""
    found = FTRLModel.load(path, threads=2).predict_stream(str(held))
    return metrics.auc(found.label, found.score)
