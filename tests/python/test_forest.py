"""The core's forests against pred_leaf of the libraries that trained them, on every row."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from fmtrain import _core
from fmtrain.errors import ModelFileError

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

ROWS, COLUMNS = 1500, 5
FLOAT_MAX = float(np.finfo(np.float32).max)


def data(seed: int, kind: str = "normal", missing: float = 0.15) -> tuple[Any, Any]:
    """Columns of numbers, of few numbers (ties), of counts with many zeros."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, COLUMNS))
    if kind == "ties":
        X = np.round(X, 1)
    if kind == "zeros":
        X = np.where(rng.random(X.shape) < 0.6, 0.0, X * 10)
    if kind == "wide":
        X = np.sign(X) * np.exp(X * 20)
    y = (np.sin(X[:, 0]) + X[:, 1] * (X[:, 2] > 0) + rng.normal(size=ROWS) > 0).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    return X, y


def crossing(thresholds: list[list[float]], X: Any, seed: int) -> Any:
    """Rows at the thresholds themselves, beside them as doubles and as floats, and at the ends."""
    rng = np.random.default_rng(seed)
    rows = np.array(X)
    for column, cuts in enumerate(thresholds):
        at = np.array([*cuts, 0.0], dtype=np.float64)
        singles = at.astype(np.float32)
        lower, upper = (np.nextafter(singles, np.float32(end)) for end in (-np.inf, np.inf))
        odd = [0.0, -0.0, 1e-36, -1e-36, 1e-35, -1e-35, float(np.float32(1e-35)), 1e-300, 5e-324]
        odd += [-float(np.float32(1e-35)), FLOAT_MAX, -FLOAT_MAX, np.nan, 0.5, -0.5, 1e10, -1e10]
        pool = np.concatenate(
            [
                at,
                np.nextafter(at, np.inf),
                np.nextafter(at, -np.inf),
                lower,
                upper,
                (at + upper) / 2,
                (at + lower) / 2,
                odd,
            ]
        )
        pool = pool[np.isnan(pool) | (np.abs(pool) <= FLOAT_MAX)]
        chosen = rng.random(ROWS) < 0.8
        rows[chosen, column] = rng.choice(pool, chosen.sum())
    return rows


def check_forest(forest: Any, X: Any, expected: Any) -> None:
    """By blocks of rows, row by row, on threads and from the packed bytes."""
    expected = np.asarray(expected).reshape(len(X), -1)
    assert forest.trees == expected.shape[1]
    found = forest.find_leaves(X)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(forest.find_leaves(X, threads=2), expected)
    for first, count in ((0, 1), (1, 1), (3, 5), (8, 8), (20, 71)):
        part = X[first : first + count]
        np.testing.assert_array_equal(forest.find_leaves(part), expected[first : first + count])
    again = _core.Forest.read(forest.pack())
    assert again.content_hash == forest.content_hash
    assert again.column_names == forest.column_names
    np.testing.assert_array_equal(again.find_leaves(X), expected)
    for tree in range(forest.trees):
        assert set(expected[:, tree]) <= set(forest.leaves_of(tree))


# ---- XGBoost ----


def cuts_of_xgboost(booster: Any) -> list[list[float]]:
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    cuts: list[list[float]] = [[] for _ in range(COLUMNS)]
    for tree in model.get("gbtree", model)["model"]["trees"]:
        for left, column, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left != -1:
                cuts[column].append(value)
    return cuts


def check_xgboost(booster: Any, X: Any, types: list[str] | None = None) -> Any:
    matrix = xgboost.DMatrix(X, feature_types=types, enable_categorical=types is not None)
    expected = booster.predict(matrix, pred_leaf=True, strict_shape=True)
    forests = [_core.Forest.read(bytes(booster.save_raw(kind))) for kind in ("json", "ubj")]
    assert forests[0].content_hash == forests[1].content_hash
    assert forests[0].pack() == forests[1].pack()
    for forest in forests:
        check_forest(forest, X, expected)
    return forests[0]


def train_xgboost(X: Any, y: Any, rounds: int = 12, **params: Any) -> Any:
    params = {"objective": "binary:logistic", "nthread": 1, **params}
    return xgboost.train(params, xgboost.DMatrix(X, y), rounds)


@pytest.mark.parametrize("kind", ["normal", "ties", "zeros", "wide"])
@pytest.mark.parametrize("method", ["hist", "exact", "approx"])
@pytest.mark.parametrize("depth", [1, 4, 9])
def test_xgboost_agrees(kind: str, method: str, depth: int) -> None:
    X, y = data(depth, kind)
    booster = train_xgboost(X, y, tree_method=method, max_depth=depth)
    check_xgboost(booster, X)
    check_xgboost(booster, crossing(cuts_of_xgboost(booster), X, depth))


VARIANTS: dict[str, dict[str, Any]] = {
    "dart": {"booster": "dart", "rate_drop": 0.3},
    "lossguide": {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0},
    "parallel": {"num_parallel_tree": 3, "subsample": 0.5},
    "base_score": {"base_score": 0.9, "max_depth": 3},
    "regression": {"objective": "reg:squarederror"},
    "pruned": {"gamma": 3.0, "max_depth": 8, "tree_method": "exact"},
    "stumps of one leaf": {"gamma": 1e9},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_xgboost_variants_agree(variant: str) -> None:
    X, y = data(3)
    booster = train_xgboost(X, y, **VARIANTS[variant])
    check_xgboost(booster, crossing(cuts_of_xgboost(booster), X, 3))


def test_xgboost_of_several_classes_agrees() -> None:
    X, _ = data(4)
    y = np.random.default_rng(4).integers(0, 3, ROWS)
    booster = train_xgboost(X, y, objective="multi:softprob", num_class=3, num_parallel_tree=2)
    assert check_xgboost(booster, X).trees == 12 * 3 * 2


def test_all_trees_of_an_early_stopped_xgboost_count() -> None:
    X, y = data(5)
    y[:] = np.random.default_rng(5).integers(0, 2, ROWS)
    params = {"objective": "binary:logistic", "max_depth": 6}
    train, held = (xgboost.DMatrix(X[half], y[half]) for half in (slice(0, 700), slice(700, None)))
    booster = xgboost.train(
        params, train, 100, evals=[(held, "held")], early_stopping_rounds=5, verbose_eval=False
    )
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    assert check_xgboost(booster, X).trees == booster.num_boosted_rounds()


def test_infinity_is_beyond_every_number_to_xgboost() -> None:
    X, y = data(6)
    booster = train_xgboost(X, y, max_depth=6)
    ends = np.random.default_rng(6).choice([np.inf, -np.inf], X.shape)
    infinite = np.where(np.random.default_rng(7).random(X.shape) < 0.3, ends, X)
    # XGBoost itself takes no infinity.
    finite = np.clip(infinite, -FLOAT_MAX, FLOAT_MAX)
    expected = booster.predict(xgboost.DMatrix(finite), pred_leaf=True)
    forest = _core.Forest.read(bytes(booster.save_raw()))
    check_forest(forest, infinite, expected)
    check_forest(forest, np.where(np.isinf(infinite), infinite * 1e300, infinite), expected)


@pytest.mark.parametrize("onehot", [1, 4, 100])
def test_categories_of_xgboost_agree(onehot: int) -> None:
    X, y = data(8)
    rng = np.random.default_rng(8)
    X[:, 0], X[:, 3] = rng.integers(0, 90, ROWS), rng.integers(0, 4, ROWS)
    y = ((X[:, 0] % 3 == 1) ^ (X[:, 3] == 2) ^ (rng.random(ROWS) < 0.2)).astype(float)
    X[rng.random(ROWS) < 0.1, 0] = np.nan
    types = ["c", "q", "q", "c", "q"]
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_cat_to_onehot": onehot, "max_depth": 6},
        xgboost.DMatrix(X, y, feature_types=types, enable_categorical=True),
        12,
    )
    assert b'"split_type":[1' in bytes(booster.save_raw("json"))
    check_xgboost(booster, X, types)
    odd = np.array(X)
    pool = [90, 95, 96, 127, 128, 5000, 2.0**24 - 1, 2.0**24, 2.0**24 + 2, 3e9, -1, -0.5, 2.5, 89.9]
    odd[:, 0] = rng.choice([*pool, np.nan], ROWS)
    odd[:, 3] = rng.choice([*pool, 0, 1, 2, 3, np.nan], ROWS)
    check_xgboost(booster, odd, types)


def test_names_of_xgboosts_columns() -> None:
    X, y = data(9)
    names = ["a", "b c", "d=e", "ü", "f"]
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, y, feature_names=names), 2)
    forests = [_core.Forest.read(bytes(booster.save_raw(kind))) for kind in ("json", "ubj")]
    assert [f.column_names for f in forests] == [names, names]
    assert forests[0].columns == COLUMNS
    assert forests[0].content_hash == forests[1].content_hash


def test_what_has_no_leaves_is_refused() -> None:
    X, y = data(10)
    linear = train_xgboost(X, y, booster="gblinear")
    with pytest.raises(
        ModelFileError, match=r"^m\.json: the booster is `gblinear`: only gbtree and"
    ):
        _core.Forest.read(bytes(linear.save_raw("json")), "m.json")
    targets = np.stack([y, 1 - y], axis=1)
    vector = train_xgboost(
        X, targets, objective="reg:squarederror", multi_strategy="multi_output_tree"
    )
    for kind in ("json", "ubj"):
        with pytest.raises(ModelFileError, match="leaves with a vector"):
            _core.Forest.read(bytes(vector.save_raw(kind)))
    each = train_xgboost(X, targets, objective="reg:squarederror")
    assert check_xgboost(each, X).trees == 24


# ---- LightGBM ----


def cuts_of_lightgbm(booster: Any) -> list[list[float]]:
    cuts: list[list[float]] = [[] for _ in range(COLUMNS)]
    waiting = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    while waiting:
        node = waiting.pop()
        if "split_feature" in node:
            waiting += [node["left_child"], node["right_child"]]
            if node["decision_type"] == "<=":
                cuts[node["split_feature"]].append(node["threshold"])
    return cuts


def check_lightgbm(booster: Any, X: Any) -> Any:
    expected = booster.predict(X, pred_leaf=True, num_iteration=-1)
    forest = _core.Forest.read(booster.model_to_string(num_iteration=-1).encode())
    check_forest(forest, X, expected)
    return forest


def train_lightgbm(X: Any, y: Any, rounds: int = 12, categorical: Any = (), **params: Any) -> Any:
    params = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 31, **params}
    return lightgbm.train(
        params, lightgbm.Dataset(X, y, categorical_feature=list(categorical)), rounds
    )


def with_ends(X: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    ends = rng.choice([np.inf, -np.inf, 1e308, -1e308], X.shape)
    return np.where(rng.random(X.shape) < 0.05, ends, X)


MISSING: list[dict[str, Any]] = [
    {},
    {"zero_as_missing": True},
    {"use_missing": False},
    {"use_missing": False, "zero_as_missing": True},
]


@pytest.mark.parametrize("kind", ["normal", "ties", "zeros", "wide"])
@pytest.mark.parametrize("params", MISSING, ids=str)
@pytest.mark.parametrize("missing", [0, 0.2])
def test_lightgbm_agrees(kind: str, params: dict[str, Any], missing: float) -> None:
    X, y = data(11, kind, missing)
    booster = train_lightgbm(X, y, min_data_in_bin=1, **params)
    check_lightgbm(booster, X)
    check_lightgbm(booster, with_ends(crossing(cuts_of_lightgbm(booster), X, 11), 11))


LIGHTGBM_VARIANTS: dict[str, dict[str, Any]] = {
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "forest": {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    "linear": {"linear_tree": True},
    "extra": {"extra_trees": True},
    "deep": {"num_leaves": 400, "min_data_in_leaf": 1},
    "two leaves": {"num_leaves": 2},
}


@pytest.mark.parametrize("variant", LIGHTGBM_VARIANTS)
def test_lightgbm_variants_agree(variant: str) -> None:
    X, y = data(12)
    booster = train_lightgbm(X, y, **LIGHTGBM_VARIANTS[variant])
    check_lightgbm(booster, crossing(cuts_of_lightgbm(booster), X, 12))


def test_lightgbm_of_several_classes_agrees() -> None:
    X, _ = data(13)
    y = np.random.default_rng(13).integers(0, 3, ROWS)
    booster = train_lightgbm(X, y, objective="multiclass", num_class=3)
    assert check_lightgbm(booster, X).trees == 36


def test_a_lightgbm_that_learned_nothing_has_leaf_0() -> None:
    X, y = data(14)
    booster = train_lightgbm(X[:10], y[:10], 3)
    check_lightgbm(booster, X)
    forest = _core.Forest.read(booster.model_to_string().encode())
    assert [list(forest.leaves_of(tree)) for tree in range(forest.trees)] == [[0]] * forest.trees


@pytest.mark.parametrize("params", MISSING, ids=str)
def test_categories_of_lightgbm_agree(params: dict[str, Any]) -> None:
    X, y = data(15)
    rng = np.random.default_rng(15)
    X[:, 0], X[:, 3] = rng.integers(0, 90, ROWS), rng.integers(0, 4, ROWS)
    y = ((X[:, 0] % 3 == 1) ^ (X[:, 3] == 2) ^ (rng.random(ROWS) < 0.2)).astype(float)
    X[rng.random(ROWS) < 0.1, 0] = np.nan
    booster = train_lightgbm(X, y, categorical=[0, 3], min_data_per_group=5, **params)
    assert "cat_threshold=" in booster.model_to_string()
    check_lightgbm(booster, X)
    odd = np.array(X)
    pool = [90, 95, 96, 5000, 2.0**31, 2.0**31 - 1, -(2.0**31), 3e9, -1, -0.5, 2.5, 89.9, 1e300]
    odd[:, 0] = rng.choice([*pool, np.nan, np.inf, -np.inf], ROWS)
    odd[:, 3] = rng.choice([*pool, 0, 1, 2, 3, np.nan], ROWS)
    check_lightgbm(booster, odd)


def test_names_of_lightgbms_columns() -> None:
    X, y = data(16)
    names = ["a", "b_c", "d=e", "g", "f"]
    params = {"verbose": -1, "objective": "binary"}
    booster = lightgbm.train(params, lightgbm.Dataset(X, y, feature_name=names), 2)
    assert _core.Forest.read(booster.model_to_string().encode()).column_names == names
    assert _core.Forest.read(train_lightgbm(X, y).model_to_string().encode()).column_names == []


# ---- the door ----


def test_wide_rows_agree() -> None:
    # One column more than what is prepared for eight rows, and for one.
    rng = np.random.default_rng(17)
    for columns in (300, 2100, 17_000):
        X = rng.normal(size=(40, columns))
        y = rng.integers(0, 2, 40)
        booster = train_xgboost(X, y, 30, colsample_bynode=0.01, min_child_weight=0, max_depth=5)
        expected = booster.predict(xgboost.DMatrix(X), pred_leaf=True)
        check_forest(_core.Forest.read(bytes(booster.save_raw())), X, expected)


def test_the_door_says_what_it_needs() -> None:
    X, y = data(18)
    forest = _core.Forest.read(bytes(train_xgboost(X, y, 2).save_raw()))
    for wrong in (X[:, 1:], X[0]):
        with pytest.raises(ValueError, match="a matrix of 5 columns"):
            forest.find_leaves(np.ascontiguousarray(wrong))
    for wrong in (X.astype(np.float32), np.asfortranarray(X)):
        with pytest.raises(TypeError):
            forest.find_leaves(wrong)
    assert forest.find_leaves(X[:0]).shape == (0, 2)
    with pytest.raises(IndexError):
        forest.leaves_of(2)


@pytest.mark.parametrize("kind", ["json", "ubj", "lightgbm", "own"])
def test_a_cut_model_is_refused(kind: str) -> None:
    X, y = data(19)
    if kind == "lightgbm":
        text = train_lightgbm(X, y, 2).model_to_string()
        whole = text[: text.index("end of trees")].encode()
    else:
        booster = train_xgboost(X, y, 2, max_depth=3)
        whole = bytes(booster.save_raw("ubj" if kind == "own" else kind))
        whole = _core.Forest.read(whole).pack() if kind == "own" else whole
    for size in itertools.chain(range(min(len(whole), 3000)), range(0, len(whole), 97)):
        with pytest.raises(ModelFileError, match=r"^cut\.model: "):
            _core.Forest.read(whole[:size], "cut.model")
