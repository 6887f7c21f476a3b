"""One question, every door: the command line and Python give the same answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fmtrain import FTRLModel, metrics
from fmtrain.synth import Synth

FLAGS = ["--factors", "4", "--alpha", "0.1", "--l1", "0.01", "--v-start", "kept", "--seed", "7"]
PARAMETERS = {"factors": 4, "alpha": 0.1, "l1": 0.01, "v_start": "kept", "seed": 7}


def fmtrain(*words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "fmtrain", *words], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def text() -> bytes:
    return Synth(dims=5_000, numeric=2, keys=50, weights=True, factors=2).text(0, 5_000)


def test_fit_of_command_line_and_python_write_the_same_bytes(text: bytes, tmp_path: Path) -> None:
    fmtrain("fit", "--model", str(tmp_path / "cli.fmt"), "--threads", "1", *FLAGS, stdin=text)
    model = FTRLModel(**PARAMETERS).fit_stream([text])
    model.save(tmp_path / "python.fmt")
    assert (tmp_path / "cli.fmt").read_bytes() == (tmp_path / "python.fmt").read_bytes()


@pytest.mark.parametrize("link", ["sigmoid", "exp", "raw"])
def test_predict_of_command_line_and_python_agree(text: bytes, tmp_path: Path, link: str) -> None:
    path = tmp_path / "model.fmt"
    model = FTRLModel(**PARAMETERS).fit_stream([text])
    model.save(path)
    lines = fmtrain("predict", "--model", str(path), "--link", link, stdin=text).splitlines()
    found = model.predict_stream([text])
    applied = {"sigmoid": metrics.probability, "exp": metrics.odds, "raw": np.asarray}[link]
    assert len(lines) == len(found.score) == 5_000
    shown = np.array([float(line.split()[1]) for line in lines], dtype=np.float32)
    # Both links go through libm's exp in double: one unit in the last place of the float.
    np.testing.assert_allclose(shown, applied(found.score).astype(np.float32), rtol=1.2e-7)
    assert [float(line.split()[0]) for line in lines] == found.label.tolist()
    keys = [line.split(b" # ")[1] for line in text.splitlines()]
    assert [line.split(b" ", 2)[2] for line in lines] == keys


def test_text_dicts_and_saved_model_agree(text: bytes, tmp_path: Path) -> None:
    model = FTRLModel(**PARAMETERS).fit_stream([text])
    model.save(tmp_path / "model.fmt")
    loaded = FTRLModel.load(tmp_path / "model.fmt")
    rows = [line.split(b" # ")[0].split(b" ", 1)[1] for line in text.splitlines()[:300]]
    as_dicts = [
        {
            name: float(value or 1)
            for name, _, value in (token.partition(":") for token in row.decode().split())
        }
        for row in rows
    ]
    from_text = model.decision_function(rows)
    np.testing.assert_array_equal(from_text, model.decision_function(as_dicts))
    np.testing.assert_array_equal(from_text, loaded.decision_function(rows))
    np.testing.assert_array_equal(from_text, model.predict_stream([text]).score[:300])


def test_loading_and_learning_on_equals_one_run(text: bytes, tmp_path: Path) -> None:
    lines = text.splitlines(keepends=True)
    first, second = b"".join(lines[:2_000]), b"".join(lines[2_000:])
    whole = FTRLModel(**PARAMETERS).fit_stream([text])
    whole.save(tmp_path / "whole.fmt")
    one = str(tmp_path / "one.fmt")
    fmtrain("fit", "--model", one, "--threads", "1", *FLAGS, stdin=first)
    fmtrain("fit", "--init-model", one, "--model", one, "--threads", "1", stdin=second)
    np.testing.assert_array_equal(
        FTRLModel.load(one).predict_stream([text]).score, whole.predict_stream([text]).score
    )
    assert len(FTRLModel.load(one)) == len(whole)
