"""Options of the benchmarks, the data they run on (made, or given), the tables they end with."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .common import Text, as_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # for reference.py

TABLES = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fmtrain benchmarks")
    group.addoption("--data", type=Path, help="a file in fmtrain's text format to train on")
    group.addoption(
        "--samples", type=int, default=200_000, help="samples to synthesise without --data"
    )
    group.addoption("--alphafm", type=Path, metavar="DIR", help="has fm_train and fm_predict")
    group.addoption("--xlearn", type=Path, metavar="DIR", help="has xlearn_train, xlearn_predict")
    group.addoption("--fwumious", type=Path, metavar="FILE", help="Fwumious Wabbit's fw")
    group.addoption("--full", action="store_true", help="the workloads at their own sizes")
    group.addoption("--plots", type=Path, metavar="DIR", help="SVG files go there")
    group.addoption("--threads", type=int, default=2, help="of every whole process (train_text)")
    group.addoption("--rounds", type=int, default=5, help="runs of each case, in turn")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLES] = {}
    plots = config.getoption("--plots")
    if plots is not None:
        if importlib.util.find_spec("matplotlib") is None:  # now, and not after an hour
            raise pytest.UsageError("--plots needs matplotlib: pip install 'fmtrain[bench]'")
        plots.mkdir(parents=True, exist_ok=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, lines in terminalreporter.config.stash[TABLES].items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@dataclass(frozen=True)
class Session:
    """What a workload needs to know, and where its results go."""

    config: pytest.Config

    @property
    def full(self) -> bool:
        return bool(self.config.getoption("--full"))

    @property
    def timed(self) -> bool:
        """Not under --benchmark-disable: everything runs once then, and nothing is told."""
        return not self.config.getoption("benchmark_disable", default=False)

    @property
    def rounds(self) -> int:
        return int(self.config.getoption("--rounds")) if self.timed else 1

    def given(self, option: str) -> Any:
        return self.config.getoption(option)

    def text(self, full: Text) -> Text:
        """The samples of a workload: its own number, or at most --samples of them."""
        return full if self.full else full.shortened(self.given("--samples"))

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if self.timed:
            self.config.stash[TABLES][title] = as_table(head, rows)

    def plot(self, draw: Callable[..., None], name: str, *what: Any) -> None:
        """draw(path, ...) where --plots asks for it."""
        folder = self.given("--plots")
        if folder is not None and self.timed:
            draw(folder / f"{name}.svg", *what)


@pytest.fixture(scope="session")
def session(request: pytest.FixtureRequest) -> Session:
    return Session(request.config)


@pytest.fixture(scope="module")
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A workload's own, removed at its end: it may hold gigabytes."""
    path = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def text_file(folder: Path) -> Callable[[Text], Path]:
    """The file of a stretch of synthetic text; made once, and so in the page cache."""

    @cache
    def make(text: Text) -> Path:
        return text.write(folder / f"text{len(list(folder.iterdir()))}.txt")

    return make


@pytest.fixture(scope="session")
def data_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file to train on: --data, or what `fmtrain synth` prints."""
    given: Path | None = request.config.getoption("--data")
    if given is not None:
        return given.resolve(strict=True)
    samples = request.config.getoption("--samples")
    return Text(samples).write(tmp_path_factory.mktemp("synth") / "samples.txt")
