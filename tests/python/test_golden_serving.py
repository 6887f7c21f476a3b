"""Serving files of every format version score as they did when they were made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from fmtrain.serving import Scorer

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "serving_v1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def test_all_files_are_there():
    assert sorted(EXPECTED["files"]) == sorted(path.name for path in FOLDER.glob("*.fms"))


@pytest.mark.parametrize("name", EXPECTED["files"])
@pytest.mark.parametrize("copy", [False, True])
def test_scores(name, copy):
    expected = EXPECTED["files"][name]
    path = FOLDER / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected["sha256"]
    items = EXPECTED["rows"]
    if name != "rows.fms":
        ids = [int(digits, 16) for digits in EXPECTED["ids"]]
        items = (
            np.array(EXPECTED["row_ptr"], np.uint64),
            np.array(ids, np.uint64),
            np.array(EXPECTED["x"], np.float32),
        )
    for output in ("score", "prediction"):
        with Scorer(path, output=output, copy=copy) as scorer:
            scores = scorer.score(items).scores
            assert scorer.info.features == expected["features"]
        if output == "score":
            assert scores.tolist() == expected[output]
        else:  # exp and log are the machine's
            np.testing.assert_allclose(scores, expected[output], rtol=1e-6)
