"""Files that alphaFM itself wrote: predicted with, trained on and exported as alphaFM does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alphafm_reader import HYPER, Numbers, continued, features_of, parse, state_of
from fmtrain import FTRLModel, metrics
from reference import BIAS, Reference, W

THEIRS = [("lr.txt", False), ("lr.bin", True)]
THEIRS += [("fm4.txt", False), ("fm4.bin", True), ("fm4_float.bin", True)]


@pytest.fixture
def theirs(shared: Path) -> Path:
    return shared / "golden" / "alphafm"


@pytest.mark.parametrize(("name", "binary"), THEIRS)
def test_predictions_are_alphafms(theirs: Path, name: str, binary: bool) -> None:
    model = FTRLModel.import_alphafm(theirs / name, binary=binary, **HYPER)
    pre = np.loadtxt(theirs / f"{name.partition('.')[0].partition('_')[0]}.pre")
    predictions = model.predict_stream(str(theirs / "test.txt"))
    assert (predictions.label > 0).tolist() == (pre[:, 0] > 0).tolist()
    p = metrics.probability(predictions.score)
    # *.pre was made with the text file: the weights of the binary ones have more digits.
    assert len(p) == 500
    assert np.abs(p - pre[:, 1]).max() < (6e-7 if name.endswith(".txt") else 1e-6)
    by_last_digit = np.abs(np.round(p * 1e6) - np.round(pre[:, 1] * 1e6))
    assert by_last_digit.max() <= 1
    assert (by_last_digit == 1).sum() <= (5 if name.endswith(".txt") else 75)


RUNS = [("lr.txt", "more.txt", "lr_more.txt"), ("fm4.txt", "more_known.txt", "fm4_more.txt")]


def half_unit(printed: Numbers) -> Numbers:
    """Of the last of the six digits that alphaFM prints."""
    return 0.5 * 10.0 ** (np.floor(np.log10(np.abs(printed))) - 5)


@pytest.mark.parametrize(("name", "more", "after"), RUNS)
def test_training_on_is_alphafms(theirs: Path, name: str, more: str, after: str) -> None:
    model = FTRLModel.import_alphafm(theirs / name, init_stdev=0.01, **HYPER)
    model.fit_stream(str(theirs / more))
    file = parse(theirs / after, False)
    assert len(model) == len(file.rows)
    z, n = model._native.bias_state
    assert (n, z) == pytest.approx(tuple(file.bias[1:]), rel=5e-6)
    actual, k = state_of(model, file), file.factors
    expected = np.array([row[1 + k :] for row in file.rows.values()])
    # z adds up gradients of both signs, n their squares: the floats' error is to |z| + root n.
    n_at = np.array([0, 0, *range(2, 2 + k), *range(2, 2 + k)])
    size = np.abs(expected) + np.sqrt(expected[:, n_at])
    beyond_print = np.maximum(np.abs(actual - expected) - half_unit(expected), 0) / size
    assert beyond_print.max() < 5e-6
    assert (beyond_print < 1e-6).mean() > 0.999


@pytest.mark.parametrize(("name", "more", "after"), RUNS)
def test_the_oracle_is_alphafm_to_the_last_digit(
    theirs: Path, name: str, more: str, after: str
) -> None:
    """In doubles not one of the thousands of printed n and z differs."""
    oracle: Reference = continued(parse(theirs / name, False), HYPER)
    for line in (theirs / more).read_bytes().splitlines():
        label, _, features = line.partition(b" ")
        oracle.learn(float(label), features_of(features))
    file = parse(theirs / after, False)
    names, lanes = list(file.rows), range(file.factors)
    columns = [(state, W) for state in (oracle.n, oracle.z)]
    columns += [(state, lane) for state in (oracle.n, oracle.z) for lane in lanes]
    actual = np.array([[state[key, lane] for state, lane in columns] for key in names])
    expected = np.array([row[1 + file.factors :] for row in file.rows.values()])
    assert (np.abs(actual - expected) <= 1.0001 * half_unit(expected)).all()
    bias = np.array([oracle.n[BIAS, W], oracle.z[BIAS, W]])
    assert (np.abs(bias - file.bias[1:]) <= 1.0001 * half_unit(file.bias[1:])).all()


@pytest.mark.parametrize(("name", "binary"), THEIRS)
def test_export_of_their_files_reproduces_them(
    theirs: Path, tmp_path: Path, name: str, binary: bool
) -> None:
    model = FTRLModel.import_alphafm(theirs / name, binary=binary, **HYPER)
    model.dump(tmp_path / "out", "alphafm-text" if not binary else "alphafm-bin", keep_zeros=True)
    out = tmp_path / "out"
    if binary:
        expected, actual = parse(theirs / name, True), parse(out, True)
        assert set(actual.rows) == set(expected.rows)
        for key, row in expected.rows.items():
            assert actual.rows[key] == pytest.approx(row, rel=1e-7, abs=1e-38)
    else:
        expected, actual = parse(theirs / name, False), parse(out, False)
        assert set(actual.rows) == set(expected.rows)
        for key, row in expected.rows.items():
            assert [f"{x + 0.0:g}" for x in actual.rows[key]] == [f"{x + 0.0:g}" for x in row]
