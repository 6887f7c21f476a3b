"""What every model promises, as river's estimator_checks: each check takes a fresh model."""

from __future__ import annotations

import copy
import pickle
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fmtrain import FTRLModel

Rows = list[dict[str, float]]


def samples(count: int = 400, seed: int = 1) -> tuple[Rows, list[int]]:
    """A problem that both LR and FM can learn: y depends on single features and on a pair."""
    rng = random.Random(seed)
    rows, labels = [], []
    for _ in range(count):
        user, item, x = rng.randrange(12), rng.randrange(6), rng.uniform(-2, 2)
        rows.append({f"user:{user}": 1.0, f"item:{item}": 1.0, "x": x, "on": 1.0})
        score = (user % 3 - 1) + x / 2 + (1 if user % 2 == item % 2 else -1)
        labels.append(int(rng.random() < 1 / (1 + np.exp(-score))))
    return rows, labels


def fresh(model: FTRLModel) -> FTRLModel:
    return FTRLModel(**model.get_params())


def check_learning_does_not_change_its_input(model: FTRLModel) -> None:
    rows, labels = samples(50)
    weights = np.linspace(0.5, 2, 50)
    before = copy.deepcopy((rows, labels, weights.tolist()))
    model.fit(rows, labels, sample_weight=weights)
    model.predict_proba(rows)
    assert (rows, labels, weights.tolist()) == before


def check_predicting_does_not_change_the_model(model: FTRLModel) -> None:
    rows, labels = samples(100)
    model.fit(rows, labels)
    before = model._native.dumps()
    model.decision_function([*rows, {"never seen": 1.0}])
    assert model._native.dumps() == before


def check_it_learns(model: FTRLModel) -> None:
    rows, labels = samples(2000)
    model.fit(rows, labels)
    truth = np.array(labels[1000:])
    scores = model.decision_function(rows[1000:])
    wins = scores[truth == 1][:, None] > scores[truth == 0][None, :]
    assert wins.mean() > 0.6


def check_order_of_features_does_not_change_predictions(model: FTRLModel) -> None:
    rows, labels = samples(200)
    model.fit(rows, labels)
    turned = [dict(reversed(row.items())) for row in rows]
    scores = model.decision_function(rows)
    np.testing.assert_allclose(model.decision_function(turned), scores, rtol=1e-5, atol=1e-6)


def check_unknown_features_score_as_absent(model: FTRLModel) -> None:
    rows, labels = samples(200)
    model.fit(rows, labels)
    features = len(model)
    strange = [{"never": 3.0, **row, "seen": -1.0} for row in rows]
    np.testing.assert_array_equal(model.decision_function(strange), model.decision_function(rows))
    only_bias = model.decision_function([{}, {"never": 2.0}])
    assert only_bias[0] == only_bias[1]
    assert len(model) == features


def check_zero_values_are_absent(model: FTRLModel) -> None:
    rows, labels = samples(100)
    padded = [{**row, "zero": 0.0} for row in rows]
    other = fresh(model).fit(padded, labels)
    model.fit(rows, labels)
    assert other._native.dumps() == model._native.dumps()


def check_pickling_keeps_everything(model: FTRLModel) -> None:
    rows, labels = samples(200)
    model.partial_fit(rows[:100], labels[:100])
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.get_params() == model.get_params()
        assert other._native.dumps() == model._native.dumps()
        assert other.classes_.tolist() == model.classes_.tolist()
        other.partial_fit(rows[100:], labels[100:])
        whole = fresh(model).set_params(threads=1).fit(rows, labels)
        np.testing.assert_allclose(other.decision_function(rows), whole.decision_function(rows))
        assert len(model) == len(pickle.loads(pickle.dumps(model)))


def check_saving_keeps_everything(model: FTRLModel) -> None:
    rows, labels = samples(200)
    model.fit(rows, labels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.fmt"
        model.save(path)
        again = FTRLModel.load(path, threads=model.threads)
        assert again.get_params() == model.get_params()
        assert again._native.dumps() == model._native.dumps()
        np.testing.assert_array_equal(again.decision_function(rows), model.decision_function(rows))
        again.save(Path(folder) / "again.fmt")
        assert (Path(folder) / "again.fmt").read_bytes() == path.read_bytes()


def check_predictions_are_finite(model: FTRLModel) -> None:
    rows, labels = samples(100)
    large = [{name: 1e6 * x for name, x in row.items()} for row in rows]
    model.fit(rows + large, labels + labels)
    for some in (rows, large):
        p = model.predict_proba(some)
        assert np.isfinite(p).all()
        assert ((p >= 0) & (p <= 1)).all()
        np.testing.assert_allclose(p.sum(axis=1), 1)


def check_the_empty_row_is_a_sample(model: FTRLModel) -> None:
    model.fit([{}, {}], [1, 0])
    assert len(model) == 0
    assert model.predict_proba([{}]).shape == (1, 2)


def check_a_weight_of_0_learns_nothing(model: FTRLModel) -> None:
    rows, labels = samples(100)
    model.fit(rows, labels)
    before = model._native.arrays()
    model.partial_fit(rows, [1 - label for label in labels], sample_weight=np.zeros(100))
    after = model._native.arrays()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def check_rows_one_by_one_are_rows_at_once(model: FTRLModel) -> None:
    rows, labels = samples(60)
    single = fresh(model).set_params(threads=1)
    for row, label in zip(rows, labels, strict=True):
        single.partial_fit([row], [label], classes=[0, 1])
    model.set_params(threads=1).fit(rows, labels)
    assert single._native.dumps() == model._native.dumps()


def check_two_threads_learn_the_same_task(model: FTRLModel) -> None:
    rows, labels = samples(2000)
    one = fresh(model).set_params(threads=1).fit(rows, labels)
    two = model.set_params(threads=2).fit(rows, labels)
    assert len(two) == len(one)
    np.testing.assert_allclose(two.predict_proba(rows), one.predict_proba(rows), atol=0.05)


def checks() -> list[Callable[[FTRLModel], None]]:
    return [check for name, check in sorted(globals().items()) if name.startswith("check_")]
