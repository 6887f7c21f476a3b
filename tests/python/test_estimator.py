"""scikit-learn's conventions, and the contract of tests/contract.py."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils.estimator_checks import check_estimator

import contract
from fmtrain import FTRLModel
from fmtrain.errors import FileError, FmtrainError, ParameterError
from fmtrain.hyper import HYPER

X = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 2.0]]
Y = [1, 0, 1, 0]
MODELS = {
    "lr": dict(factors=0),
    "lr-2-threads": dict(factors=0, threads=2),
    "fm-lazy": dict(factors=4, v_l1=0.01, v_l2=0.5),
    "fm-kept": dict(factors=8, v_start="kept", v_l1=0.001, v_l2=0.5),
    "fm-any-width": dict(factors=3, force_v_sparse=True, l1=0.01),
    "fm-no-linear": dict(factors=4, linear=False, v_start="kept", v_alpha=0.2, v_l2=0.0),
    "lr-no-bias": dict(factors=0, bias=False, names=True, hash_seed=9, alpha=0.2),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", contract.checks(), ids=lambda check: check.__name__)
def test_contract(check: Callable[[FTRLModel], None], name: str) -> None:
    check(FTRLModel(**MODELS[name]))


# ---- scikit-learn's own checks ----

BY_DESIGN = {
    "check_sample_weight_equivalence_on_dense_data": "a weight scales the gradient, so n grows "
    "with its square (McMahan et al.): weight 2 is not the row twice",
    "check_sample_weight_equivalence_on_sparse_data": "as on dense data",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("factors", [0, 4])
def test_check_estimator(factors: int) -> None:
    model = FTRLModel(factors=factors)
    outcome = check_estimator(model, expected_failed_checks=BY_DESIGN, on_fail="raise")
    assert len(outcome) > 50
    failed = {check["check_name"] for check in outcome if check["status"] == "xfail"}
    assert failed == set(BY_DESIGN)  # nothing is excused that would pass


# ---- parameters ----


def test_parameters_are_stored_as_given_and_cloned() -> None:
    given = dict(factors=3, alpha=0.2, bias_l1=None, bias_l2=1, v_start="kept", names=True)
    model = FTRLModel(**given)
    assert model.get_params() == {**FTRLModel().get_params(), **given}
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model.fit(X, Y)), "classes_")
    assert model.set_params(alpha=0.3, threads=2) is model
    assert (model.alpha, model.threads) == (0.3, 2)
    assert set(model.get_params()) == {*HYPER, "names", "threads", "deterministic", "schema"}
    assert is_classifier(model)


def test_repr_shows_what_was_changed_and_evaluates() -> None:
    assert repr(FTRLModel()) == "FTRLModel()"
    model = FTRLModel(factors=0, alpha=0.1, v_start="kept", names=True, bias_l1=0.0)
    assert repr(model) == "FTRLModel(factors=0, alpha=0.1, bias_l1=0.0, v_start='kept', names=True)"
    assert eval(repr(model)).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (dict(factors=2.5), "factors = 2.5 is not allowed: give a whole number from 0 to 1024"),
        (dict(factors=-1), "factors = -1 is not allowed"),
        (dict(factors=1025), "factors = 1025 is not allowed"),
        (dict(alpha=0), "alpha = 0 is not allowed: give a number from 1e-09 to 1e+09"),
        (dict(alpha="fast"), "alpha = fast is not allowed"),
        (dict(beta=float("nan")), "beta = nan is not allowed"),
        (dict(l1=-0.1), "l1 = -0.1 is not allowed"),
        (dict(l1=None), "l1 = '' is not allowed"),
        (dict(bias="yes"), "bias = yes is not allowed: give true or false"),
        (dict(v_start="late"), "v_start = late is not allowed: give lazy or kept"),
        (dict(threads=0), "threads = 0 is not allowed: give a whole number from 1 to 1024"),
        (dict(threads=1.5), "threads = 1.5 is not allowed"),
        (dict(seed=-1), "seed = -1 is not allowed"),
        (dict(bias=False, linear=False, factors=0), "there is nothing to learn"),
    ],
)
def test_bad_parameters_are_named_by_fit_not_by_the_constructor(
    parameters: dict[str, Any], text: str
) -> None:
    model = FTRLModel(**parameters)
    for learn in (lambda: model.fit(X, Y), lambda: model.fit_stream([b"1 a"])):
        with pytest.raises(ParameterError) as refused:
            learn()
        assert text in str(refused.value)
    assert not hasattr(model, "_native")


@pytest.mark.parametrize("seed", [-1, 2**32, "a"])
def test_a_bad_hash_seed_is_named(seed: Any) -> None:
    with pytest.raises(ParameterError, match=r"hash_seed = .* is not allowed"):
        FTRLModel(hash_seed=seed).fit(X, Y)


def test_unknown_parameter_lists_the_known() -> None:
    with pytest.raises(ParameterError, match=r"no parameter is called 'nope'.*'alpha'"):
        FTRLModel().set_params(nope=1)


def test_numpy_scalars_are_parameters() -> None:
    given = dict(factors=np.int64(3), alpha=np.float32(0.5), bias=np.bool_(False))
    model, plain = FTRLModel(**given), FTRLModel(factors=3, alpha=0.5, bias=False)
    assert model.fit(X, Y)._native.dumps() == plain.fit(X, Y)._native.dumps()


def test_rates_may_change_between_runs_and_shapes_may_not() -> None:
    model = FTRLModel(factors=0, alpha=0.1).fit(X, Y)
    switched = FTRLModel(factors=0, alpha=0.1).fit(X, Y)
    assert switched.set_params(alpha=0.4, l1=0.0).partial_fit(X, Y) is switched
    assert switched._native.dumps() != model.partial_fit(X, Y)._native.dumps()
    before = model._native.dumps()
    for fixed in (dict(factors=2), dict(seed=3), dict(hash_seed=3)):
        with pytest.raises(ParameterError, match="does not fit the model"):
            pickle.loads(pickle.dumps(model)).set_params(**fixed).partial_fit(X, Y)
    assert model._native.dumps() == before


def test_a_hash_seed_changed_after_training_does_not_lose_the_features() -> None:
    model = FTRLModel(factors=0).fit(X, Y)
    scores = model.decision_function(X)
    model.set_params(hash_seed=5)
    np.testing.assert_array_equal(model.decision_function(X), scores)


# ---- fit, partial_fit ----


def test_fit_starts_over_and_partial_fit_goes_on() -> None:
    model = FTRLModel(factors=2, v_start="kept")
    assert model.fit(X, Y) is model
    once = model._native.dumps()
    assert model.fit(X, Y)._native.dumps() == once
    assert model.partial_fit(X, Y) is model
    assert model._native.dumps() != once
    assert model.fit(X, Y)._native.dumps() == once
    model.fit(["other features"], [1])
    assert not hasattr(model, "n_features_in_")
    assert len(model) == 2


def test_refused_rows_leave_an_unfitted_model_unfitted() -> None:
    for bad in (["a", "b:"], [[1.0, np.nan], [1.0, 1.0]], [{"a": 1}, {"b": None}]):
        model = FTRLModel()
        with pytest.raises(ParameterError, match="X, row"):
            model.fit(bad, [1, 0])
        assert not hasattr(model, "classes_")


def test_a_refused_line_leaves_an_unfitted_model_unfitted() -> None:
    model = FTRLModel()
    with pytest.raises(ParameterError, match="X, row 1"):
        model.fit(["a", "b:"], [1, 0])
    with pytest.raises(NotFittedError):
        model.predict(["a"])


@pytest.mark.parametrize("rows", [["a b", "b:"], [{"a": 1.0}, {"b": float("inf")}]])
def test_refused_rows_leave_a_fitted_model_as_it_was(rows: Any) -> None:
    model = FTRLModel(factors=0).fit(["a b", "b c"], [1, 0])
    before = model._native.dumps()
    with pytest.raises(ParameterError, match="X, row 1"):
        model.partial_fit(rows, [1, 0])
    assert model._native.dumps() == before


def test_not_fitted() -> None:
    for use in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(FTRLModel(), use)(X)
    with pytest.raises(NotFittedError):
        FTRLModel().save("nowhere")
    assert len(FTRLModel()) == 0
    assert FTRLModel()  # a model is true however few features it has


# ---- classes and labels ----


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([1, 0, 1, 0], [0, 1]),
        ([1, -1, 1, -1], [-1, 1]),
        ([2, 1, 2, 1], [1, 2]),
        (["yes", "no", "yes", "no"], ["no", "yes"]),
        ([True, False, True, False], [False, True]),
        ([1.0, 0.0, 1.0, 0.0], [0.0, 1.0]),
        (np.array([1, 0, 1, 0], dtype=object), [0, 1]),
    ],
)
def test_two_classes_of_any_kind_are_the_same_task(y: Any, classes: list[Any]) -> None:
    model, plain = FTRLModel(alpha=1.0, l1=0.0).fit(X, y), FTRLModel(alpha=1.0, l1=0.0).fit(X, Y)
    assert model.classes_.tolist() == classes
    assert model._native.dumps() == plain._native.dumps()
    predicted = model.predict(X)
    assert predicted.tolist() == [classes[label] for label in plain.predict(X)]
    assert set(predicted.tolist()) == set(classes)
    assert predicted.dtype == np.asarray(y).dtype
    assert model.score(X, y) == plain.score(X, Y) == 1.0


def test_probabilities_are_soft_labels() -> None:
    soft = FTRLModel(factors=0).fit(["a", "a"], [0.25, 1.0])
    lines = FTRLModel(factors=0).fit_stream([b"0.25 a", b"1 a"])
    assert soft._native.dumps() == lines._native.dumps()
    assert soft.classes_.tolist() == [0, 1]
    assert soft.predict_proba(["a"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([1, 2, 3, 1], r"y has 3 class\(es\).*exactly 2 are needed"),
        (["a", "b", "c", "a"], "Only binary classification is supported"),
        (["a", "a", "a", "a"], r"y has 1 class\(es\)"),
        ([0.1, 0.5, 1.5, 1.0], "probabilities in"),
        ([1, 0, np.nan, 0], "y, row 2: Input contains NaN"),
        ([1, 0, np.inf, 0], "y, row 2"),
        ([1, 0], r"y has shape \(2,\), X has 4 rows"),
        ([[1, 0], [0, 1], [1, 0], [0, 1]], r"y has shape \(4, 2\)"),
        (None, "y is missing"),
    ],
)
def test_bad_labels_are_described(y: Any, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        FTRLModel(factors=0).fit(X, y)


def test_partial_fit_with_classes_named_first() -> None:
    model = FTRLModel(factors=0).partial_fit(X[:2], ["no", "no"], classes=["no", "yes"])
    assert model.classes_.tolist() == ["no", "yes"]
    model.partial_fit(X, ["yes", "no", "yes", "no"])
    with pytest.raises(ParameterError, match=r"y, row 1: .*'maybe'.* is neither of the classes"):
        model.partial_fit(X[:2], ["no", "maybe"])


# ---- weights ----


def test_weight_scales_the_gradient_and_is_not_the_row_twice() -> None:
    heavy = FTRLModel(factors=0).fit(["a"], [1], sample_weight=[2.0])
    twice = FTRLModel(factors=0).fit(["a", "a"], [1, 1])
    assert heavy._native.arrays()["n"].tolist() == [1.0]  # (2 * 0.5)^2
    assert twice._native.arrays()["n"][0] == pytest.approx(0.5, abs=0.01)
    lines = FTRLModel(factors=0).fit_stream([b"1:2 a"])
    assert lines._native.dumps() == heavy._native.dumps()


def test_weights_of_one_are_no_weights() -> None:
    model = FTRLModel(factors=2).fit(X, Y, sample_weight=np.ones(4))
    assert model._native.dumps() == FTRLModel(factors=2).fit(X, Y)._native.dumps()


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        ([1, 2], r"sample_weight has shape \(2,\), expected \(4,\)"),
        ([[1], [2], [3], [4]], "sample_weight has shape"),
        ([1, 2, -1, 1], "sample_weight, row 2: -1.0 is not a number >= 0"),
        ([1, np.nan, 1, 1], "sample_weight, row 1"),
        ([1, 1, 1, np.inf], "sample_weight, row 3"),
    ],
)
def test_bad_weights_are_described(weight: Any, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        FTRLModel().fit(X, Y, sample_weight=weight)


# ---- pickling, files, company ----


def test_pickled_mid_training_and_continued_is_the_uninterrupted_run() -> None:
    rows, labels = contract.samples(300)
    for parameters in (dict(factors=0), dict(factors=4, v_start="kept"), dict(factors=3)):
        whole, first = FTRLModel(**parameters).fit(rows, labels), FTRLModel(**parameters)
        first.partial_fit(rows[:111], labels[:111])
        second = pickle.loads(pickle.dumps(first)).partial_fit(rows[111:], labels[111:])
        assert second._native.dumps() == whole._native.dumps()


def test_a_pickle_is_read_in_another_process() -> None:
    model = FTRLModel(factors=3).fit(["a b", "b c"], [1, 0])
    code = "import pickle,sys; print(pickle.load(sys.stdin.buffer).decision_function(['a'])[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(model), capture_output=True, check=True
    )
    assert float(done.stdout) == model.decision_function(["a"])[0]


def test_save_to_an_impossible_place_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no/such/folder"):
        FTRLModel().fit(X, Y).save(tmp_path / "no/such/folder/model.fmt")
    with pytest.raises(OSError, match="missing"):
        FTRLModel.load(tmp_path / "missing.fmt")


def test_every_error_is_also_a_builtin_one() -> None:
    for error in FmtrainError.__subclasses__():
        builtin = (ValueError, OSError, MemoryError, ImportError, RuntimeError)
        assert issubclass(error, builtin), error


def test_in_a_pipeline_and_cross_validation() -> None:
    rows, labels = contract.samples(600)
    pipeline = make_pipeline(DictVectorizer(), MaxAbsScaler(), FTRLModel(factors=0, alpha=0.5))
    scores = cross_val_score(pipeline, rows, labels, scoring="roc_auc", cv=3, error_score="raise")
    assert scores.min() > 0.65
    grid = GridSearchCV(
        FTRLModel(factors=2, l1=0.0), {"alpha": [0.0001, 0.5]}, cv=3, error_score="raise"
    )
    dense = DictVectorizer(sparse=False).fit_transform(rows)
    assert grid.fit(dense, labels).best_params_ == {"alpha": 0.5}
