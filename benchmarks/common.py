"""What the workloads share: synthetic text, passes in processes of their own, cases in turn."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from fmtrain.synth import Synth

FMTRAIN = [sys.executable, "-m", "fmtrain"]
ONE_PASS = Path(__file__).with_name("one_pass.py")
FACTORS = {"lr": 0, "fm": 8}

HELD_SAMPLES, HELD_FIRST = 50_000, 1_000_000_000  # far behind what is learned
BLOCK_SAMPLES = 10_000

Case = TypeVar("Case")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Text:
    """A stretch of what `fmtrain synth` prints. A zipf of 1.1 is what click logs look like; the
    smaller, the more of the values are new."""

    samples: int
    dims: int = 1_000_000
    zipf: float = 1.1
    numeric: int = 0
    fields: int = 40
    first: int = 0

    def shortened(self, samples: int) -> Text:
        """At most so many of them."""
        return replace(self, samples=min(samples, self.samples))

    def held_out(self) -> Text:
        """Others of the same hidden model."""
        return replace(self, samples=HELD_SAMPLES, first=HELD_FIRST)

    def write(self, path: Path) -> Path:
        """Made on all cores: one makes fewer samples a second than one trainer takes, which is also
        why the timed processes read a file and not a pipe."""
        options = asdict(self)
        samples, first = options.pop("samples"), options.pop("first")
        source, end = Synth(**options), first + samples
        cores = len(os.sched_getaffinity(0))
        group = 4 * cores * BLOCK_SAMPLES

        def block(at: int) -> bytes:
            return source.text(at, min(BLOCK_SAMPLES, end - at))

        with path.open("wb") as file, ThreadPoolExecutor(cores) as pool:
            for at in range(first, end, group):
                starts = range(at, min(at + group, end), BLOCK_SAMPLES)
                file.writelines(pool.map(block, starts))
        return path


@dataclass(frozen=True)
class Pass:
    """What one_pass.py is asked for."""

    data: str
    factors: int = 0
    threads: int = 1
    format: str = "text"
    deterministic: bool = False
    warm: bool = False  # the same pass before the clock, so that every feature has its row
    huge_pages: bool = True
    names: bool = False
    save: str | None = None  # after the clock

    def run(self) -> Measured:
        """In a process of its own: its memory is this pass's alone."""
        command = [sys.executable, str(ONE_PASS), json.dumps(asdict(self))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Measured(**json.loads(done.stdout))


@dataclass(frozen=True)
class Measured:
    """What one_pass.py found."""

    seconds: float
    samples: int
    bytes: int
    features: int
    memory_bytes: int  # of the table
    peak_bytes: int  # of the process
    before_bytes: int  # of the process, before there was a model
    huge_bytes: int  # of the process at the end, in huge pages
    parsing: float  # seconds of the workers
    learning: float
    bad_lines: int
    auc: float  # before each sample was learned
    curve: list[tuple[float, int, int]] = field(default_factory=list)  # seconds, samples, features

    @property
    def samples_per_s(self) -> float:
        return self.samples / self.seconds

    def rates(self) -> list[tuple[float, float]]:
        """Million features in the table, and samples a second at that time."""
        steps = zip([(0.0, 0, 0), *self.curve], self.curve, strict=False)
        return [(b[2] / 1e6, (b[1] - a[1]) / (b[0] - a[0])) for a, b in steps if b[0] > a[0]]


def build_cython(source: Path, folder: Path) -> Any:
    """Compile a copy of a .pyx in `folder` and import it from there."""
    copied = shutil.copy(source, folder)
    command = [sys.executable, "-m", "Cython.Build.Cythonize", "-i", copied]
    subprocess.run(command, cwd=folder, check=True)
    (library,) = (file for file in folder.iterdir() if file.suffix in (".so", ".pyd"))
    spec = importlib.util.spec_from_file_location(source.stem, library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def thread_counts() -> list[int]:
    """1, 2, and all cores where there are more."""
    return sorted({1, 2, len(os.sched_getaffinity(0))})


def in_turn(
    cases: Sequence[Case], rounds: int, run: Callable[[Case], Result]
) -> list[list[Result]]:
    """Every case once, then every case again ...: a drift of the machine meets all of them."""
    results: list[list[Result]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, into in zip(cases, results, strict=True):
            into.append(run(case))
    return results


def median_pass(
    runs: Sequence[Measured], key: Callable[[Measured], float] = attrgetter("seconds")
) -> Measured:
    """The run of the median time: its numbers belong together."""
    return sorted(runs, key=key)[len(runs) // 2]


def shell(*words: object, stdin: Path | None = None) -> str:
    """The words as a shell command."""
    command = shlex.join(str(word) for word in words)
    return command if stdin is None else f"{command} < {shlex.quote(str(stdin))}"


def as_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of columns: text to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    left = [not any(row[i][:1].isdigit() for row in cells[1:]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        columns = zip(row, widths, left, strict=True)
        return "  ".join(c.ljust(w) if to_left else c.rjust(w) for c, w, to_left in columns)

    return [line(row).rstrip() for row in cells]
