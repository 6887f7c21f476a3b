"""Files of older XGBoosts and LightGBMs, with what their own pred_leaf said of forty rows.

tests/golden/forests: NAME-VERSION.json or .txt as save_model wrote it, NAME-VERSION.leaves.json:
pairs of a row (null is NaN) and its leaves.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fmtrain import _core

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "forests"
#: The hash is part of the names that models hold weights under: it must stay what it was.
HASHES = {
    "lightgbm-3.3.5.txt": 0xCEE90957939D29AA,
    "xgboost-1.3.3.json": 0x6F6368764A312AE4,
    "xgboost-1.7.6.json": 0x0520319C18FAA226,
    # The same trees and names, whatever else the file says.
    "xgboost-2.1.4.json": 0x56B4CB68CD60758B,
    "xgboost-3.2.0.json": 0x56B4CB68CD60758B,
}


@pytest.mark.parametrize("name", HASHES)
def test_files_of_older_versions_agree(name: str) -> None:
    path = FOLDER / name
    forest = _core.Forest.read(path.read_bytes(), name)
    pairs = json.loads(path.with_suffix(".leaves.json").read_text())
    rows = np.array([row for row, _ in pairs], dtype=np.float64)
    leaves = np.array([leaves for _, leaves in pairs])
    assert np.isnan(rows).any()
    np.testing.assert_array_equal(forest.find_leaves(rows), leaves)
    assert forest.content_hash == HASHES[name]


def test_every_file_is_tried() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert {name for name in files if ".leaves." not in name} == set(HASHES)
