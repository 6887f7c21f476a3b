"""The transformers: scikit-learn's protocol, bins, guards, and the pieces of a schema."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fmtrain.errors import ParameterError, ParameterTypeError
from fmtrain.features import (
    EqualFrequencyDiscretizer,
    EqualWidthDiscretizer,
    LogTransform,
    NonFiniteGuard,
    schema_columns,
    schema_tables,
)

ALL = [EqualWidthDiscretizer, EqualFrequencyDiscretizer, LogTransform, NonFiniteGuard]
BINNING = [EqualWidthDiscretizer, EqualFrequencyDiscretizer]
nan, inf = math.nan, math.inf


def frame() -> pd.DataFrame:
    columns = {"age": [20.0, 30.0, nan, 50.0], "clicks": [0, 0, 0, 9]}
    return pd.DataFrame(columns, index=[7, 8, 9, 10])


# ---- scikit-learn's protocol ----


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", ALL)
def test_check_estimator(make: Callable[[], Any]) -> None:
    assert len(check_estimator(make(), on_fail="raise")) > 40


@pytest.mark.parametrize("make", ALL)
def test_parameters_are_stored_as_given_and_cloned(make: Callable[[], Any]) -> None:
    transformer = make()
    assert clone(transformer).get_params() == transformer.get_params()
    assert repr(transformer) == f"{make.__name__}()"
    with pytest.raises(ParameterError, match="no parameter is called 'bin'"):
        transformer.set_params(bin=3)
    if "bins" in transformer.get_params():
        assert repr(make(bins=5)) == f"{make.__name__}(bins=5)"
        assert transformer.set_params(bins=3).bins == 3


@pytest.mark.parametrize("make", ALL)
def test_not_fitted(make: Callable[[], Any]) -> None:
    for ask in (lambda t: t.transform([[1.0]]), lambda t: t.schema_transforms()):
        with pytest.raises(NotFittedError, match=f"This {make.__name__} instance is not fitted"):
            ask(make())
    assert not hasattr(make(), "cuts_")
    assert not hasattr(make(), "min_")


@pytest.mark.parametrize("make", ALL)
def test_a_dataframe_stays_one(make: Callable[[], Any]) -> None:
    out = make().fit_transform(frame())
    assert list(out.columns) == ["age", "clicks"]
    assert list(out.index) == [7, 8, 9, 10]
    array = make().fit(frame().to_numpy())
    np.testing.assert_array_equal(out.to_numpy(), array.transform(frame().to_numpy()))
    assert isinstance(array.transform(frame().to_numpy()), np.ndarray)
    assert array.get_feature_names_out().tolist() == ["x0", "x1"]


def test_output_may_be_set() -> None:
    X = frame().to_numpy()
    transformer = LogTransform().fit(X)
    with config_context(transform_output="pandas"):
        assert list(transformer.transform(X).columns) == ["x0", "x1"]
    assert list(transformer.set_output(transform="pandas").transform(X).columns) == ["x0", "x1"]
    with pytest.raises(ParameterError, match="transform='polars' is not to be had"):
        transformer.set_output(transform="polars")
    chosen = make_column_transformer((EqualWidthDiscretizer(2), ["clicks"]))
    out = chosen.set_output(transform="pandas").fit_transform(frame())
    assert out.iloc[:, 0].tolist() == [0, 0, 0, 1]


def test_columns_of_a_dataframe() -> None:
    data = {
        "nullable": pd.array([1, None, 3], dtype="Int64"),
        "flag": [True, False, True],
        "object": np.array([1, None, 2.5], dtype=object),
    }
    out = LogTransform().fit_transform(pd.DataFrame(data))
    expected = np.log1p([[1, 1, 1], [nan, 0, nan], [3, 1, 2.5]])
    np.testing.assert_array_equal(out.to_numpy(), expected)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_others(library: str) -> None:
    frames = pytest.importorskip(library)
    table = frames.DataFrame if library == "polars" else frames.table
    fitted = LogTransform().fit(table({"a": [1, None], "b": [0.5, 2.0]}))
    assert fitted.get_feature_names_out().tolist() == ["a", "b"]
    out = fitted.transform(table({"a": [1, None], "b": [0.5, 2.0]}))
    np.testing.assert_array_equal(out, np.log1p([[1, 0.5], [nan, 2]]))
    with pytest.raises(ParameterError, match="column 'b' holds what is no number"):
        fitted.transform(table({"a": [1, 2], "b": ["x", "y"]}))


@pytest.mark.parametrize(
    ("X", "text"),
    [
        (pd.DataFrame({"city": ["Rome"]}), "column 'city' holds what is no number: could not"),
        (pd.DataFrame({"city": ["Rome"]}, dtype="category"), "column 'city' holds what is no num"),
        (pd.DataFrame({"at": pd.to_datetime(["2024-05-01"])}), "column 'at' holds times: give num"),
        ([["a"]], "X holds what is no number"),
        ([1.0, 2.0], "Expected 2D array, got 1D array instead"),
        (np.ones((1, 1, 1)), "Found array with dim 3"),
        (np.ones((0, 2)), "Found array with 0 sample(s)"),
        (np.ones((2, 0)), "Found array with 0 feature(s)"),
        (np.ones((1, 1), complex), "Complex data not supported"),
    ],
)
def test_what_cannot_be_read_is_named(X: Any, text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        EqualWidthDiscretizer().fit(X)
    assert text in str(refused.value)


def test_other_columns_are_refused() -> None:
    fitted = EqualWidthDiscretizer().fit(frame())
    with pytest.raises(ParameterError, match="The feature names should match"):
        fitted.transform(frame()[["clicks", "age"]])
    with pytest.raises(ParameterError, match="yet now missing:\n- clicks"):
        fitted.partial_fit(frame()[["age"]])
    with pytest.raises(ParameterError, match="X has 3 features, but EqualWidthDiscretizer is"):
        EqualWidthDiscretizer().fit([[1, 2]]).transform([[1, 2, 3]])


def test_scikit_learn_is_not_needed() -> None:
    script = """
import sys
sys.modules["sklearn"] = sys.modules["pandas"] = None
from fmtrain.features import *
X = [[1.0, 2.0], [3.0, 4.0]]
for make in (EqualWidthDiscretizer, EqualFrequencyDiscretizer, LogTransform, NonFiniteGuard):
    make().fit(X).transform(X)
    try:
        make().transform(X)
    except ValueError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("instance is not fitted yet. Call 'fit' or 'partial_fit'") == 4


# ---- bins ----

CELLS = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0, 2.0, nan, inf, -inf])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=40), st.integers(2, 8))
def test_a_bin_is_the_number_of_cuts_below_or_at(rows: list[Any], bins: int) -> None:
    for make in BINNING:
        fitted = make(bins=bins).fit(rows)
        found = fitted.transform(rows)
        for row, of_row in zip(rows, found, strict=True):
            for value, cuts, number in zip(row, fitted.cuts_, of_row, strict=True):
                below = sum(cut <= value for cut in cuts)
                assert number == (below if math.isfinite(value) else bins)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=40), st.data())
def test_pieces_learn_what_the_whole_learns(rows: list[Any], data: Any) -> None:
    at = data.draw(st.integers(1, len(rows) - 1))
    for make in ALL:
        whole = make().fit(rows)
        pieces = make().partial_fit(rows[:at]).partial_fit(rows[at:])
        np.testing.assert_array_equal(whole.transform(rows), pieces.transform(rows))
        assert json.dumps(whole.schema_transforms()) == json.dumps(pieces.schema_transforms())
        assert getattr(whole, "guards_", None) == getattr(pieces, "guards_", None)


def test_bins_of_values_never_seen() -> None:
    fitted = EqualWidthDiscretizer(4).fit([[0.0], [8.0]])
    assert fitted.cuts_[0].tolist() == [2, 4, 6]
    seen = [[-1e9], [1.9], [2.0], [5.9], [8.0], [1e9], [nan], [inf], [-inf]]
    assert fitted.transform(seen)[:, 0].tolist() == [0, 0, 1, 2, 3, 3, 4, 4, 4]
    assert fitted.min_.tolist() == [0]
    assert fitted.max_.tolist() == [8]
    assert fitted.rank_error_ == [0]


def test_equal_width_is_that_of_scikit_learn() -> None:
    X = np.random.default_rng(0).normal(size=(1000, 3))
    theirs = KBinsDiscretizer(7, encode="ordinal", strategy="uniform").fit(X)
    np.testing.assert_array_equal(EqualWidthDiscretizer(7).fit_transform(X), theirs.transform(X))


def test_guards_count_what_fit_saw() -> None:
    fitted = EqualFrequencyDiscretizer().fit([[nan, 1], [inf, 2], [-inf, nan], [1, 1]])
    first, second = fitted.guards_
    assert (first.rows, first.missing, first.nan, first.infinite) == (4, 1, 1, 2)
    assert (second.rows, second.missing, second.nan, second.infinite) == (4, 1, 1, 0)
    fitted.partial_fit([[nan, nan]])
    assert (fitted.guards_[0].rows, fitted.guards_[0].nan) == (5, 2)
    fitted.transform([[nan, nan]])
    assert fitted.guards_[0].rows == 5
    assert fitted.fit([[1, 1]]).guards_[0].rows == 1


def test_a_long_column_goes_through_the_sketch() -> None:
    pytest.importorskip("datasketches")
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    fitted = EqualFrequencyDiscretizer(10, exact_max=1000, k=200).fit(X)
    (error,) = fitted.rank_error_
    assert 0 < error < 0.02
    rows = np.bincount(fitted.transform(X)[:, 0]) / len(X)
    np.testing.assert_allclose(rows, 0.1, atol=3 * error)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))


def test_log_is_of_the_sign() -> None:
    out = LogTransform().fit_transform([[0.0, -0.0, 1e6, -1e6, nan, inf, -inf]])[0]
    expected = [0, 0, math.log1p(1e6), -math.log1p(1e6), nan, inf, -inf]
    np.testing.assert_allclose(out, expected, rtol=1e-15)


# ---- the guard ----

CELLS_OF_A_GUARD = [[nan], [inf], [-inf], [-5], [3], [99]]


@pytest.mark.parametrize(
    ("parameters", "out"),
    [
        ({}, [nan, nan, nan, -5, 3, 99]),
        (dict(missing_as=-1), [-1, -1, -1, -5, 3, 99]),
        (dict(range=(0, 10)), [nan, nan, nan, 0, 3, 10]),
        (dict(range=(0, 10), infinite_as="clip"), [nan, 10, 0, 0, 3, 10]),
        (dict(range=(0, 10), outside_as="missing"), [nan, nan, nan, nan, 3, nan]),
        (
            dict(range=(0, 10), outside_as="missing", infinite_as="clip", missing_as=7.5),
            [7.5, 10, 0, 7.5, 3, 7.5],
        ),
    ],
)
def test_rules_of_a_guard(parameters: dict[str, Any], out: list[float]) -> None:
    guard = NonFiniteGuard(**parameters).fit(CELLS_OF_A_GUARD)
    np.testing.assert_array_equal(guard.transform(CELLS_OF_A_GUARD)[:, 0], out)
    (seen,) = guard.guards_
    outside = 2 if "range" in parameters else 0
    assert (seen.rows, seen.nan, seen.infinite, seen.outside) == (6, 1, 2, outside)


def test_a_guard_learns_of_what_it_lets_through() -> None:
    guard = NonFiniteGuard(range=(0, 10)).fit(CELLS_OF_A_GUARD)
    assert (guard.min_[0], guard.max_[0]) == (0, 10)
    assert guard.mean_[0] == pytest.approx(13 / 3)
    assert guard.deviation_[0] == pytest.approx(np.std([0, 3, 10]))


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (dict(missing_as="reject"), "column 'a', row 1: nan is rejected by missing_as = reject"),
        (dict(infinite_as="reject"), "column 'a', row 2: inf is rejected by infinite_as = reject"),
        (
            dict(range=(0, 10), outside_as="reject"),
            "column 'a', row 3: 11.0 is rejected by outside_as = reject",
        ),
    ],
)
def test_a_guard_that_rejects_names_the_cell(parameters: dict[str, Any], text: str) -> None:
    X = pd.DataFrame({"a": [1, nan, inf, 11]})
    guard = NonFiniteGuard(**parameters).fit(X)
    with pytest.raises(ParameterError) as refused:
        guard.transform(X)
    assert str(refused.value) == text
    assert guard.transform(X[:1]).iloc[0, 0] == 1


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (dict(missing_as="drop"), "missing_as = drop is not allowed: give one of bin, reject, a"),
        (dict(missing_as=nan), "missing_as = nan is not allowed"),
        (dict(infinite_as=0), "infinite_as = 0 is not allowed: give one of missing, clip, reject"),
        (dict(outside_as="bin"), "outside_as = bin is not allowed: give one of clip, missing"),
        (dict(infinite_as="clip"), "infinite_as = clip needs a range to clip to"),
        (dict(range=(3, 1)), "range = (3, 1) is not allowed: give two finite numbers, the smaller"),
        (dict(range=(0, inf)), "range = (0, inf) is not allowed"),
        (dict(range=5), "range = 5 is not allowed"),
    ],
)
def test_bad_rules_are_named_by_fit(parameters: dict[str, Any], text: str) -> None:
    guard = NonFiniteGuard(**parameters)
    with pytest.raises(ParameterError) as refused:
        guard.fit([[1.0]])
    assert text in str(refused.value)


# ---- the pieces of a schema ----


def test_pieces_of_one_step() -> None:
    fitted = EqualFrequencyDiscretizer(2).fit([[1.0], [2.0]])
    assert fitted.schema_transforms() == {
        "x0": {
            "transforms": ["equal-frequency 2"],
            "learned": {"cuts": [1.5], "rank-error": 0.0},
        }
    }
    assert EqualWidthDiscretizer(2).fit([[1.0], [2.0]]).schema_transforms() == {
        "x0": {"transforms": ["equal-width 2"], "learned": {"cuts": [1.5]}}
    }


def test_pieces_of_a_pipeline() -> None:
    X = frame()
    steps = [
        NonFiniteGuard(range=(0, 100), missing_as="bin"),
        LogTransform(),
        EqualFrequencyDiscretizer(20),
    ]
    pipeline = make_pipeline(*steps).fit(X)
    columns = schema_columns(pipeline)
    assert columns == schema_columns(*steps)
    assert list(columns) == ["age", "clicks"]
    assert columns["clicks"] == {
        "transforms": ["log", "equal-frequency 20"],
        "rules": {
            "missing-as": "bin",
            "infinite-as": "missing",
            "range": [0.0, 100.0],
            "outside-as": "clip",
        },
        "profile": {"rows": 4, "missing": 0.0, "min": 0.0, "max": 9.0},
        "learned": {"cuts": [math.log1p(9) / 2], "rank-error": 0.0},
    }
    tables = schema_tables(pipeline)
    assert tables["columns"]["age"] == {
        "type": "number",
        **columns["age"]["rules"],
        "transforms": ["log", "equal-frequency 20"],
    }
    filled = NonFiniteGuard(missing_as=np.int64(3)).fit([[1]]).schema_transforms()
    assert json.dumps(filled["x0"]["rules"]["missing-as"]) == "3.0"
    assert tables["learned"]["age"] == columns["age"]["learned"]
    assert tables["profile"]["age"] == {"rows": 4, "missing": 0.25, "min": 20.0, "max": 50.0}
    assert json.loads(json.dumps(tables)) == tables
    assert schema_tables(LogTransform().fit([[1]])) == {
        "columns": {"x0": {"type": "number", "transforms": ["log"]}}
    }


def test_pieces_that_no_schema_has() -> None:
    X = [[1.0, 2.0]]
    bins, log, guard = (
        make().fit(X) for make in (EqualWidthDiscretizer, LogTransform, NonFiniteGuard)
    )
    for steps, text in [
        ((), "give at least one fitted transformer"),
        ((log, guard), "step 2, NonFiniteGuard, must be the first"),
        ((bins, log), "step 1, EqualWidthDiscretizer, must be the last"),
        ((log, LogTransform().fit([[1.0]])), "step 2, LogTransform, was fitted on 1 columns"),
    ]:
        with pytest.raises(ParameterError) as refused:
            schema_columns(*steps)
        assert text in str(refused.value)
    with pytest.raises(ParameterTypeError, match="a StandardScaler has no counterpart in a schema"):
        schema_columns(make_pipeline(StandardScaler(), LogTransform()))
    with pytest.raises(NotFittedError):
        schema_columns(LogTransform())
