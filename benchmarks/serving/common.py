"""What the tests share: models, the harness compiled against the package, the other scorers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain import FTRLModel

from ..common import FMTRAIN

HERE = Path(__file__).parent
USER, ITEM = 100, 60
FACTORS = 8
#: For a quarter of the 100,000 items: so many are asked for again that it need not have all.
ITEM_CACHE_BYTES = 25_000 * 96
Measured = dict[str, float]


def compile_harness(folder: Path) -> Path:
    """As any server is compiled that embeds the library."""
    words = subprocess.run(
        [*FMTRAIN, "config", "--includes", "--libs"], capture_output=True, text=True, check=True
    )
    program = folder / "serve_bench"
    compiler = os.environ.get("CXX", "c++")
    source = str(HERE / "serve_bench.cc")
    flags = ["-O2", "-std=c++17", "-pthread", *words.stdout.split(), "-ldl"]
    subprocess.run([compiler, source, *flags, "-o", program], check=True)
    return program


@dataclass(frozen=True)
class Model:
    """Features f0, f1, ..., each learned from once; none of its rows is zero."""

    folder: Path
    features: int

    @property
    def own(self) -> Path:
        return self.folder / f"{self.features}.fmt"

    @property
    def serving(self) -> Path:
        return self.folder / f"{self.features}.fms"

    def lines(self) -> Iterator[bytes]:
        rng = np.random.default_rng(0)
        for first in range(0, self.features, 40):
            names = (f" f{i}" for i in range(first, min(first + 40, self.features)))
            yield f"{rng.integers(2)}{''.join(names)}\n".encode()

    def make(self) -> Model:
        text = self.folder / "model.txt"
        with text.open("wb") as file:
            file.writelines(self.lines())
        trained = FTRLModel(factors=FACTORS, l1=0, v_l1=0, threads=2)
        trained.fit_stream(str(text)).save(self.own)
        trained.export_serving(self.serving)
        text.unlink()
        return self


class Harness:
    """serve_bench, kept open with its model: a command, an answer."""

    def __init__(self, program: Path, model: Model, candidates: int, folder: Path) -> None:
        words = [program, model.serving, model.features, candidates, ITEM_CACHE_BYTES]
        self.folder, self.candidates, self.model = folder, candidates, model
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.publish("copied")

    def ask(self, *words: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, f"serve_bench ended at {words}"
        return dict(json.loads(answer))

    def publish(self, how: str) -> None:
        """mapped, or copied to huge pages."""
        self.ask("publish", how)

    def scores(self, case: str, requests: int) -> npt.NDArray[np.float32]:
        path = self.folder / "scores"
        self.ask("scores", case, requests, path)
        return np.fromfile(path, np.float32).reshape(requests, self.candidates)

    def text(self, requests: int) -> Path:
        path = self.folder / f"requests{requests}.txt"
        if not path.exists():
            self.ask("text", requests, path)
        return path

    def run(self, case: str, seconds: float, threads: int = 1, beside: str = "none") -> Measured:
        return self.ask("run", case, threads, seconds, beside)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(60) == 0


def percentiles(seconds: list[float]) -> Measured:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1e6
    return {"p50_us": float(p50), "p99_us": float(p99)}


def each_timed(calls: list[Callable[[], object]]) -> Measured:
    """Of requests scored one after another."""
    clock = [time.perf_counter()]
    for call in calls:
        call()
        clock.append(time.perf_counter())
    return percentiles([b - a for a, b in pairwise(clock)])


class Predict:
    """The model that was trained scores the requests' rows as text: FTRLModel.predict_stream, one
    thread, names hashed; what `fmtrain predict` runs."""

    def __init__(self, harness: Harness, requests: int) -> None:
        self.model = FTRLModel.load(harness.model.own)
        self.model.threads = 1
        lines = harness.text(requests).read_bytes().splitlines(keepends=True)
        count = harness.candidates
        self.requests = [lines[at : at + count] for at in range(0, len(lines), count)]
        self.paths = []
        for number, request in enumerate(self.requests):
            self.paths.append(harness.folder / f"request{number}.txt")
            self.paths[-1].write_bytes(b"".join(request))

    def scores(self) -> npt.NDArray[np.float32]:
        found = [self.model.predict_stream(str(path)).score for path in self.paths]
        return np.array(found, np.float32)

    def run(self) -> Measured:
        return each_timed([lambda p=p: self.model.predict_stream(str(p)) for p in self.paths])


class VowpalWabbit:
    """Rows parsed before the clock, one call of pyvw a row. Linear, or low-rank quadratic between
    user and item (--lrq). Its weights were learned from the very rows."""

    def __init__(
        self, text: Path, requests: int, candidates: int, low_rank: bool, bits: int
    ) -> None:
        import vowpalwabbit

        model = f"--lrq ui{FACTORS}" if low_rank else ""
        rates = "--sgd -l 0.001 --loss_function logistic --noconstant"
        options = f"--quiet -b {bits} {rates} {model}"
        self.vw = vowpalwabbit.Workspace(options)
        lines = []
        with text.open() as file:
            for line in islice(file, requests * candidates):
                names = line.split()[1:]
                user, item = " ".join(names[:USER]), " ".join(names[USER:])
                lines.append(f"|u {user} |i {item}")
        for number, line in enumerate(lines):
            self.vw.learn(f"{number % 2 * 2 - 1} {line}")
        self.lines = lines[:candidates]
        examples = [self.vw.example(line) for line in lines]
        self.requests = [
            examples[at : at + candidates] for at in range(0, len(examples), candidates)
        ]

    def score(self, request: list[Any]) -> list[float]:
        predict = self.vw.predict
        return [predict(example) for example in request]

    def run(self) -> Measured:
        return each_timed([lambda r=r: self.score(r) for r in self.requests])


@dataclass
class Forest:
    """LightGBM: 300 trees of 255 leaves over 160 numbers, the rows' count of features."""

    folder: Path
    candidates: int
    trees: int = 300
    leaves: int = 255

    @cached_property
    def booster(self) -> Any:
        import lightgbm

        rng = np.random.default_rng(0)
        X = rng.normal(size=(5_000, USER + ITEM))
        y = (X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + rng.normal(size=len(X)) > 0).astype(int)
        quick = {"num_threads": 1, "max_bin": 31, "min_data_in_leaf": 5, "verbose": -1}
        full = {"learning_rate": 0.01, "min_sum_hessian_in_leaf": 0}
        parameters = {"objective": "binary", "num_leaves": self.leaves, **quick, **full}
        return lightgbm.train(parameters, lightgbm.Dataset(X, y), self.trees)

    @cached_property
    def rows(self) -> npt.NDArray[np.float64]:
        return np.random.default_rng(1).normal(size=(self.candidates, USER + ITEM))

    def tell(self, harness: Harness) -> None:
        import lightgbm

        self.booster.save_model(str(self.folder / "forest.txt"))
        self.rows.tofile(self.folder / "rows")
        (library,) = Path(lightgbm.__file__).parent.glob("lib*/lib_lightgbm.so")
        model, rows = self.folder / "forest.txt", self.folder / "rows"
        harness.ask("forest", library, model, rows, USER + ITEM)

    def scores(self) -> npt.NDArray[np.float32]:
        return np.asarray(self.booster.predict(self.rows, raw_score=True), np.float32)
