"""GBDTLeafEncoder: what it learns, from which rows, from which models, and what it refuses."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import check_estimator

from fmtrain import FTRLModel, _core
from fmtrain.errors import (
    FileError,
    MissingExtraError,
    ModelFileError,
    ParameterError,
    ParameterTypeError,
)
from fmtrain.features import GBDTLeafEncoder

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

ROWS = 600
NAMES = ["age", "hours", "gain"]


def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 3))
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=ROWS) > 0).astype(int)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, y


X, Y = data()
FRAME = pd.DataFrame(X, columns=NAMES)


def small(**changed: Any) -> GBDTLeafEncoder:
    return GBDTLeafEncoder(**{"trees": 5, "depth": 3, **changed})


def trained(names: list[str] | None = None) -> Any:
    matrix = xgboost.DMatrix(X, Y, feature_names=names)
    return xgboost.train({"objective": "binary:logistic", "max_depth": 3}, matrix, 4)


def leaves_of(booster: Any) -> Any:
    return booster.predict(xgboost.DMatrix(X, feature_names=booster.feature_names), pred_leaf=True)


# ---- what it learns ----


def test_leaves_are_those_of_the_same_training_with_xgboost() -> None:
    encoder = small(learning_rate=0.2, random_state=3)
    leaves = encoder.fit_transform(X, Y)
    params = {"objective": "binary:logistic", "max_depth": 3, "learning_rate": 0.2, "seed": 3}
    booster = xgboost.train({**params, "tree_method": "hist"}, xgboost.DMatrix(X, Y), 5)
    np.testing.assert_array_equal(leaves, leaves_of(booster))
    assert leaves.dtype == np.uint32
    assert leaves.shape == (ROWS, 5)
    assert (encoder.rows_used_, encoder.rest_) == (ROWS, slice(0, None))


def test_the_forest_of_a_share_is_that_of_the_first_rows() -> None:
    part = small(train_share=0.3).fit(X, Y)
    used = part.rows_used_
    assert (used, part.rest_) == (180, slice(180, None))
    assert part.forest_ == small().fit(X[:used], Y[:used]).forest_
    changed = Y.copy()
    changed[part.rest_] = 1 - changed[part.rest_]
    assert part.forest_ == small(train_share=0.3).fit(X, changed).forest_
    assert part.forest_ != small().fit(X, Y).forest_


def test_weights_and_classes_reach_the_forest() -> None:
    weight = np.random.default_rng(1).random(ROWS)
    weighted = small().fit(X, Y, weight)
    assert weighted.forest_ != small().fit(X, Y).forest_
    assert small(train_share=0.5).fit(X, Y, weight).rows_used_ == 300
    named = small().fit(X, np.where(Y == 1, "yes", "no"))
    signed = small().fit(X, np.where(Y == 1, 1, -1))
    assert named.forest_ == signed.forest_ == small().fit(X, Y).forest_


def test_infinities_are_beyond_every_number() -> None:
    ends = X.copy()
    ends[::7, 0], ends[::11, 1] = np.inf, -np.inf
    far = np.clip(ends, -1e30, 1e30)
    encoder = small().fit(ends, Y)
    np.testing.assert_array_equal(encoder.transform(ends), encoder.transform(far))


def test_names_of_the_features() -> None:
    encoder = small(name="trees").fit(X, Y)
    names = encoder.get_feature_names_out()
    hash_ = _core.Forest.read(encoder.forest_).content_hash
    assert encoder.version_ == f"{hash_:016x}"[:8]
    assert list(names) == [f"trees@{encoder.version_}.{tree}" for tree in range(5)]


def test_threads_change_nothing() -> None:
    many = np.tile(X, (5, 1))
    encoder = small().fit(X, Y)
    leaves = encoder.transform(many)
    np.testing.assert_array_equal(encoder.set_params(threads=3).transform(many), leaves)


def test_leaves_help_a_linear_model() -> None:
    encoder = GBDTLeafEncoder(trees=30, train_share=0.5).fit(X, Y)
    leaves = pd.DataFrame(encoder.transform(X), columns=encoder.get_feature_names_out())
    rest = encoder.rest_
    model = FTRLModel().fit(leaves.astype(str)[rest], Y[rest])
    assert model.score(leaves.astype(str)[rest], Y[rest]) > 0.75
    plain = make_pipeline(small(), OneHotEncoder(handle_unknown="ignore"), FTRLModel()).fit(X, Y)
    assert plain.score(X, Y) > 0.75


# ---- columns ----


def test_columns_are_chosen_by_name_and_by_number() -> None:
    named = small(columns=["gain", "age"]).fit(FRAME, Y)
    assert named.columns_ == ["gain", "age"]
    numbered = small(columns=[2, 0]).fit(X, Y)
    np.testing.assert_array_equal(named.transform(FRAME), numbered.transform(X))
    shuffled = FRAME[["hours", "gain", "age"]].assign(more=0.0)
    np.testing.assert_array_equal(named.transform(shuffled), numbered.transform(X))
    np.testing.assert_array_equal(named.transform(X), numbered.transform(X))
    assert _core.Forest.read(named.forest_).column_names == ["gain", "age"]


def test_names_that_xgboost_refuses() -> None:
    odd = FRAME.rename(columns={"age": "a[0]<"})
    encoder = small().fit(odd, Y)
    np.testing.assert_array_equal(encoder.transform(odd), small().fit(X, Y).transform(X))


def test_polars_too() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: X[:, i] for i, name in enumerate(NAMES)})
    np.testing.assert_array_equal(
        small().fit(frame, Y).transform(frame), small().fit(FRAME, Y).transform(FRAME)
    )


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        (["age", "size"], FRAME, "X has no column 'size', which the forest looks at"),
        (["age"], X, "columns has 'age': X is no DataFrame with names"),
        ([0, 3], X, "columns has 3: X has columns 0 to 2"),
        ([0.5], X, "columns has 0.5: X has columns 0 to 2"),
        (["age", "age"], FRAME, "columns has 'age' twice"),
        ("age", FRAME, "columns='age' is not a list of columns"),
        ([], FRAME, r"columns=\[\] is not a list of columns"),
    ],
)
def test_columns_that_are_not_there(columns: Any, given: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{message}$"):
        small(columns=columns).fit(given, Y)


def test_rows_of_other_columns_are_refused() -> None:
    encoder = small().fit(FRAME, Y)
    with pytest.raises(ParameterError, match="X has no column 'gain', which the forest looks at"):
        encoder.transform(FRAME[["age", "hours"]])
    with pytest.raises(
        ParameterError, match="X has 2 features, but GBDTLeafEncoder is expecting 3"
    ):
        encoder.transform(X[:, :2])
    with pytest.raises(ParameterTypeError, match="column 'age' holds what is no number"):
        encoder.transform(FRAME.assign(age=[object()] * ROWS))


# ---- models that exist ----


def test_models_of_every_kind_are_taken(tmp_path: Path) -> None:
    booster = trained()
    for name in ("m.json", "m.ubj"):
        booster.save_model(tmp_path / name)
    small(model=booster).fit(X).save(tmp_path / "own.forest")
    raw = booster.save_raw("json")
    paths = [str(tmp_path / "m.json"), tmp_path / "m.ubj", tmp_path / "own.forest"]
    for model in [*paths, bytes(raw), raw, booster]:
        encoder = GBDTLeafEncoder(model=model).fit(X)
        np.testing.assert_array_equal(encoder.transform(X), leaves_of(booster))
        assert (encoder.rows_used_, encoder.rest_) == (0, slice(0, None))


def test_wrappers_and_lightgbm_are_taken(tmp_path: Path) -> None:
    xgb = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(X, Y)
    np.testing.assert_array_equal(small(model=xgb).fit(X).transform(X), xgb.apply(X))
    lgbm = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, Y)
    expected = lgbm.booster_.predict(X, pred_leaf=True)
    path = tmp_path / "m.txt"
    lgbm.booster_.save_model(path)
    for model in (lgbm, lgbm.booster_, path):
        np.testing.assert_array_equal(small(model=model).fit(X).transform(X), expected)


def test_a_models_own_names_choose_the_columns() -> None:
    booster = trained(NAMES)
    wide = FRAME[["gain", "hours", "age"]].assign(more=1.0)
    encoder = small(model=booster).fit(wide)
    assert encoder.columns_ == NAMES
    np.testing.assert_array_equal(encoder.transform(wide), leaves_of(booster))
    np.testing.assert_array_equal(small(model=booster).fit(X).transform(X), leaves_of(booster))
    with pytest.raises(ParameterError, match="X has no column 'gain', which the forest looks at"):
        small(model=booster).fit(FRAME[["age", "hours"]])
    with pytest.raises(ParameterError, match="column 0 of the forest is 'age', X has 'gain' there"):
        small(model=booster, columns=["gain", "hours", "age"]).fit(FRAME)
    with pytest.raises(ParameterError, match="the forest looks at 3 columns, X gives 2: say by"):
        small(model=booster).fit(X[:, :2])


def test_models_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    with pytest.raises(FileError, match=r"m\.json: cannot open: No such file"):
        small(model=path).fit(X)
    path.write_text("{}")
    with pytest.raises(ModelFileError, match=r"m\.json: no `learner`"):
        small(model=path).fit(X)
    with pytest.raises(ModelFileError, match=r"^model: neither an XGBoost model"):
        small(model=b"").fit(X)
    with pytest.raises(ParameterTypeError, match=r"^model is a builtins\.int: give the path or"):
        small(model=3).fit(X)
    linear = xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(X, Y), 1)
    with pytest.raises(ModelFileError, match=r"^xgboost\.Booster: the booster is `gblinear`"):
        small(model=linear).fit(X)


# ---- refusals, copies ----


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trees": 0}, "trees=0 is not a whole number >= 1"),
        ({"depth": 2.5}, "depth=2.5 is not a whole number >= 1"),
        ({"threads": True}, "threads=True is not a whole number >= 1"),
        ({"random_state": -1}, "random_state=-1 is not a whole number >= 0"),
        ({"learning_rate": 0}, "learning_rate=0 is not a number above 0"),
        ({"learning_rate": "x"}, "learning_rate='x' is not a number above 0"),
        ({"train_share": 1.5}, r"train_share=1.5 is not within \(0, 1\]"),
        ({"train_share": float("nan")}, r"train_share=nan is not within \(0, 1\]"),
        ({"name": ""}, "name='' is not a name"),
    ],
)
def test_parameters_that_are_wrong(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{message}$"):
        small(**changed).fit(X, Y)


def test_training_needs_both_classes_and_y() -> None:
    with pytest.raises(ParameterError, match=r"^y has 1 class in the first 6 rows"):
        small(train_share=0.01).fit(X, np.r_[np.zeros(6), np.ones(ROWS - 6)])
    with pytest.raises(ParameterError, match="y has 1 class in the first 600 rows"):
        small().fit(X, Y, Y)
    with pytest.raises(ParameterError, match="sample_weight is zero for all of the first 6 rows"):
        small(train_share=0.01).fit(X, Y, np.r_[np.zeros(6), np.ones(ROWS - 6)])
    with pytest.raises(ParameterError, match="requires y"):
        small().fit(X)
    with pytest.raises(ParameterError, match="y has shape"):
        small().fit(X, Y[:5])


def test_without_xgboost_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained().save_raw()
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fmtrain\[gbdt\]'"):
        small().fit(X, Y)
    small(model=bytes(model)).fit(X)


def test_not_fitted(tmp_path: Path) -> None:
    for use in ("transform", "save"):
        with pytest.raises(NotFittedError, match="This GBDTLeafEncoder instance is not fitted"):
            getattr(small(), use)(X)


def test_a_failed_fit_leaves_nothing_behind() -> None:
    encoder = small().fit(X, Y)
    with pytest.raises(ParameterError):
        encoder.fit(X)
    with pytest.raises(NotFittedError):
        encoder.transform(X)


def test_copies() -> None:
    encoder = small(train_share=0.5).fit(FRAME, Y)
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(FRAME), encoder.transform(FRAME))
    assert again.rest_ == encoder.rest_
    assert repr(clone(encoder)) == "GBDTLeafEncoder(trees=5, depth=3, train_share=0.5)"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="absent"):
        small().fit(X, Y).save(tmp_path / "absent" / "forest")


@pytest.mark.filterwarnings("ignore")
def test_check_estimator() -> None:
    outcome = check_estimator(small(trees=2, depth=2), on_fail="raise")
    assert len(outcome) > 30
