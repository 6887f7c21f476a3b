"""Numbers that leave the floats are refused by name; they never reach the table or the output."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.errors import BadInputError, ParameterError

Cli = Callable[..., CompletedProcess[bytes]]

HUGE = [b"0.5 a:1e38 b:1e38", b"0.5 c a:3e38 b:-1"]
hypers = pytest.mark.parametrize(
    "hyper",
    [
        dict(factors=0, alpha=100.0, l1=0.0, l2=0.0),
        dict(factors=4, v_start="kept", v_l1=0.0, v_l2=0.1),
        dict(factors=3, v_alpha=10.0, v_l1=0.0, v_l2=0.0),
    ],
    ids=["lr", "kept", "lazy"],
)


def trained(hyper: dict[str, Any]) -> FTRLModel:
    learned = FTRLModel(**hyper)
    return learned.fit_stream([b"1 a b c:2", b"0 b c", b"1 a c"] * 30)


@hypers
def test_what_cannot_be_scored_is_named_and_not_learned(hyper: dict[str, Any]) -> None:
    learned = trained(hyper)
    before = learned._native.arrays()
    learned.fit_stream([b"# head", *HUGE, b"0.5:1e38 b"], max_bad_ratio=1)
    log = learned.report_.log
    assert log["bad"] == {"nonfinite_score": 3}
    named = [(bad["line"], bad["detail"]) for bad in log["examples"]]
    assert named[:2] == [(2, b"a:1e+38"), (3, b"a:3e+38")]
    after = learned._native.arrays()
    assert all((after[name] == values).all() for name, values in before.items())
    assert learned._native.samples == 90


@hypers
def test_the_model_stays_finite_whatever_comes(hyper: dict[str, Any]) -> None:
    learned, rng = trained(hyper), random.Random(1)
    sizes = [10.0**power for power in range(-38, 39)]
    lines = [
        f"{rng.choice(['0', '1', '.5'])}:{rng.choice(sizes)!r}"
        + "".join(f" {name}:{rng.choice(sizes) * rng.choice([1, -1])!r}" for name in "abcd")
        for _ in range(3000)
    ]
    learned.fit_stream(iter(lines), max_bad_ratio=1)
    assert 0 < learned.report_.log["bad"]["nonfinite_score"] < 3000
    arrays = learned._native.arrays()
    assert all(np.isfinite(values).all() for values in arrays.values())
    assert np.isfinite(learned._native.bias_state).all()
    assert np.isfinite(learned._native.bias)
    assert np.isfinite(learned.report_.progress.total["logloss"])


@hypers
def test_what_cannot_be_scored_is_not_predicted(
    tmp_path: Path, fmtrain_cli: Cli, hyper: dict[str, Any]
) -> None:
    learned = trained(hyper)
    learned.save(tmp_path / "m.fmt")
    text = b"\n".join([b"1 a", *HUGE, b"0 b", b""])
    arguments = ["--model", tmp_path / "m.fmt", "--link", "raw", "--max-bad-ratio", 1]
    done = fmtrain_cli("predict", *arguments, stdin=text)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [b"1", b"0"]
    assert b"nonfinite_score 2" in done.stderr
    assert b"stdin, line 2: the score or gradient is not finite: 'a:1e+38'" in done.stderr


@hypers
def test_rows_that_cannot_be_scored_are_refused(hyper: dict[str, Any]) -> None:
    # Scores answer rows one to one: none may be left out.
    with pytest.raises(ParameterError, match=r"row 1.*a:1e\+38"):
        trained(hyper).decision_function(["a", "a:1e38 b:1e38"])


def test_too_many_that_cannot_be_scored_fail_the_run() -> None:
    with pytest.raises(BadInputError, match=r"2 of 4 lines are bad[^.]*0\.4"):
        trained(dict(factors=4)).fit_stream([b"1 a", *HUGE, b"0 b"], max_bad_ratio=0.4)
