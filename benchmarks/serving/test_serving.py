"""Requests of 500 candidates through libfmscore: the user's side once, with and without the item
cache, beside whoever takes whole rows; threads; models replaced meanwhile; opening."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ..common import in_turn
from ..conftest import Session
from .common import (
    Forest,
    Harness,
    Measured,
    Model,
    Predict,
    VowpalWabbit,
    compile_harness,
)

FEATURES, HUGE_FEATURES = 10_000_000, 25_000_000
CANDIDATES, CHECK_CANDIDATES = 500, 40
OTHERS_REQUESTS = 20
SCORED_ONCE, SCORED_TWICE = ("once", "cached"), ("repeated", "single")
HEAD = ["scored by", "p50 ms", "p99 ms", "p99 ms of processor", "times user once"]
Run = Callable[[], Measured]


def has(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


@pytest.fixture(scope="module")
def program(folder: Path) -> Path:
    return compile_harness(folder)


@pytest.fixture(scope="module")
def model(session: Session, folder: Path) -> Model:
    return Model(folder, FEATURES if session.full else session.given("samples")).make()


@pytest.fixture(scope="module")
def harness(program: Path, model: Model, folder: Path, session: Session) -> Iterator[Harness]:
    open_one = Harness(program, model, CANDIDATES if session.timed else CHECK_CANDIDATES, folder)
    yield open_one
    open_one.close()


@pytest.fixture(scope="module")
def predict(harness: Harness, session: Session) -> Predict:
    return Predict(harness, OTHERS_REQUESTS if session.timed else 2)


@pytest.fixture
def seconds(session: Session) -> float:
    """Of one measurement."""
    return 2.0 if session.timed else 0.02


def test_answer(harness: Harness, predict: Predict) -> None:
    """User once, repeated, and row by row are the trained model's scores, bit by bit; joined sums
    round otherwise, the same whether they were in the cache."""
    expected = predict.scores()
    requests = len(expected)
    for case in ("once", *SCORED_TWICE):
        np.testing.assert_array_equal(harness.scores(case, requests), expected, case)
    assert np.ptp(expected) > 0.01
    missed, found = (harness.scores("cached", requests) for _ in range(2))
    np.testing.assert_array_equal(missed, found)
    np.testing.assert_allclose(missed, expected, rtol=0, atol=1e-5)


@pytest.mark.skipif(not has("lightgbm"), reason="needs lightgbm")
def test_forest_answer(harness: Harness, folder: Path) -> None:
    forest = Forest(folder, harness.candidates, trees=20, leaves=31)
    forest.tell(harness)
    np.testing.assert_allclose(harness.scores("forest", 1)[0], forest.scores(), rtol=1e-6)


@pytest.mark.skipif(not has("vowpalwabbit"), reason="needs vowpalwabbit")
@pytest.mark.parametrize("low_rank", [False, True])
def test_vw_answer(low_rank: bool, harness: Harness) -> None:
    """What is timed is what it says of the row's text."""
    vw = VowpalWabbit(harness.text(2), 2, harness.candidates, low_rank, bits=18)
    timed = vw.score(vw.requests[0])
    np.testing.assert_allclose(timed, [vw.vw.predict(line) for line in vw.lines], rtol=1e-5)
    assert np.ptp(timed) > 0


def runs_of(harness: Harness, predict: Predict, session: Session, seconds: float) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for case in (*SCORED_ONCE, *SCORED_TWICE):
        runs[case] = lambda case=case: harness.run(case, seconds)

    def mapped(case: str) -> Measured:
        harness.publish("mapped")
        measured = harness.run(case, seconds)
        harness.publish("copied")
        return measured

    for case in SCORED_ONCE:
        runs[f"{case}, mapped"] = lambda case=case: mapped(case)
    runs["predict, text"] = predict.run
    if has("lightgbm"):
        size = {} if session.timed else {"trees": 20, "leaves": 31}
        Forest(harness.folder, harness.candidates, **size).tell(harness)
        runs["LightGBM, single row"] = lambda: harness.run("forest", seconds)
    if has("vowpalwabbit"):
        requests = OTHERS_REQUESTS if session.timed else 2
        text, count = harness.text(requests), harness.candidates
        bits = 24 if session.full else 18
        runs["VW linear, single row"] = VowpalWabbit(text, requests, count, False, bits).run
        # Slow: fewer requests.
        runs["VW lrq 8, single row"] = VowpalWabbit(text, 2, count, True, bits).run
    return runs


def median(rounds: Sequence[Measured], key: str) -> float:
    return statistics.median(r[key] for r in rounds)


def ms(rounds: Sequence[Measured], *keys: str) -> list[str]:
    """Medians over the rounds; nothing where there is no such measure."""
    return [f"{median(rounds, key) / 1e3:.3f}" if key in rounds[0] else "" for key in keys]


def ratio(rounds: Sequence[Measured], to: Sequence[Measured], key: str) -> float:
    return statistics.median(a[key] / b[key] for a, b in zip(rounds, to, strict=True))


def test_requests(harness: Harness, predict: Predict, session: Session, seconds: float) -> None:
    runs = runs_of(harness, predict, session, seconds)
    names = list(runs)
    results = dict(zip(names, in_turn(names, session.rounds, lambda n: runs[n]()), strict=True))
    rows = []
    for name, rounds in results.items():
        shown = name
        if name.startswith("cached"):
            hits = median(rounds, "hit_rate")
            assert hits > 0.1
            shown = f"{name}, {hits:.0%} hits"
        times = ratio(rounds, results["once"], "p50_us")
        rows.append([shown, *ms(rounds, "p50_us", "p99_us", "cpu_p99_us"), f"{times:.2f}"])
    title = f"a request of {harness.candidates}, model of {harness.model.features:,} features"
    session.table(title, HEAD, rows)


def test_threads(harness: Harness, session: Session, seconds: float) -> None:
    cases = [(case, threads) for case in SCORED_ONCE for threads in (1, 2)]
    runs = in_turn(cases, session.rounds, lambda c: harness.run(c[0], seconds, threads=c[1]))
    results = dict(zip(cases, runs, strict=True))
    rows = []
    for (case, threads), rounds in results.items():
        times = ratio(rounds, results[case, 1], "requests_per_s")
        rows.append([case, threads, f"{median(rounds, 'requests_per_s'):,.0f}", f"{times:.2f}"])
    head = ["scored by", "threads", "requests/s", "times one"]
    session.table("requests/s by threads", head, rows)


def test_swap(harness: Harness, session: Session, seconds: float) -> None:
    """p99 while models are published: ready ones, opened and verified before, two in turn every 20
    ms; or each opened and verified, without a pause, beside."""
    cases = list(product((1, 2), ("copied", "mapped"), ("none", "ready", "opened")))

    def run(case: tuple[int, str, str]) -> Measured:
        threads, residence, publisher = case
        if publisher == "none":
            harness.publish(residence)
        return harness.run("once", seconds, threads, publisher)

    results = dict(zip(cases, in_turn(cases, session.rounds, run), strict=True))
    rows = []
    for (threads, residence, publisher), rounds in results.items():
        alone = results[threads, residence, "none"]
        published = sum(r["published"] for r in rounds)
        assert publisher == "none" or published > 0
        times = [f"{ratio(rounds, alone, key):.2f}" for key in ("p99_us", "cpu_p99_us")]
        found = ms(rounds, "p50_us", "p99_us", "cpu_p99_us")
        rows.append([residence, publisher, threads, published, *found, *times])
    head = ["model", "publisher", "threads", "published", "p50 ms", "p99 ms", "of processor"]
    session.table("models replaced under load", [*head, "p99 times none's", "of processor"], rows)


def test_open(harness: Harness, session: Session, folder: Path) -> None:
    model = Model(folder, HUGE_FEATURES).make() if session.full else harness.model
    ways = ["mapped", "copied"]
    runs = in_turn(ways, session.rounds, lambda way: harness.ask("open", model.serving, way))
    rows = []
    for way, rounds in zip(ways, runs, strict=True):
        megabytes = rounds[0]["bytes"] / 1e6
        rows.append([way, f"{megabytes:,.0f}", *ms(rounds, "open_us", "verify_us")])
    session.table("opening", ["way", "MB", "open ms", "verify ms"], rows)
