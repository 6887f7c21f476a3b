"""The oracle itself, held to the vector of the paper's formulas, to calculus and to brute force."""

from __future__ import annotations

import itertools
import math
import random
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference import BIAS, DEFAULTS, Reference, W, sigmoid

NAMES = "abcdefgh"


def start(name: Any, lane: int) -> float:
    """A fixed draw for each (name, lane), N(0, .1)."""
    return random.Random(f"{name}/{lane}").gauss(0, 0.1)


def random_sample(rng: random.Random) -> tuple[float, list[tuple[Any, float]], float]:
    """label, features (names may repeat) and weight."""
    features = [(rng.choice(NAMES), rng.uniform(-2, 2)) for _ in range(rng.randint(1, 6))]
    return rng.choice([0.0, 1.0, 0.3]), features, rng.choice([1.0, 0.5, 3.0])


def trained(samples: int = 60, **hyper: Any) -> Reference:
    """A model whose l1 and l2 leave most of its weights away from 0."""
    small = dict(factors=3, alpha=0.5, l1=0.01, l2=0.1, v_alpha=0.5, v_l1=0.001, v_l2=0.1)
    model, rng = Reference({**small, **hyper}, start), random.Random(7)
    for _ in range(samples):
        label, features, weight = random_sample(rng)
        model.learn(label, features, weight)
    return model


def brute_force(model: Reference, weights: dict[Any, float], features: list[Any]) -> float:
    """b + sum w x + the sum over pairs of entries of <v_i, v_j> x_i x_j."""
    score: float = weights[BIAS, W] + sum(weights[name, W] * x for name, x in features)
    for (a, x), (b, y) in itertools.combinations(features, 2):
        lanes = range(model.hyper["factors"])
        score += sum(weights[a, lane] * weights[b, lane] for lane in lanes) * x * y
    return score


def log_loss(label: float, score: float) -> float:
    return -label * math.log(sigmoid(score)) - (1 - label) * math.log(sigmoid(-score))


def test_vector() -> None:
    hyper = dict(factors=0, bias=False, alpha=0.1, beta=1.0, l1=0.01, l2=1.0)
    model = Reference(hyper, start)
    probabilities = [
        model.learn(1, [("a", 1.0), ("b", 2.0)]),
        model.learn(0, [("a", 1.0)]),
        model.learn(1, [("b", 1.0)]),
    ]
    exact: Any = dict(rel=1e-15, abs=0)
    assert probabilities == pytest.approx([0.5, 0.5076556516623594, 0.5117835320083224], **exact)
    assert model.z["a", W] == pytest.approx(-0.05743494018576245, **exact)
    assert model.z["b", W] == pytest.approx(-1.541400278847183, **exact)
    assert model.n["a", W] == pytest.approx(0.5077142606647347, **exact)
    assert model.n["b", W] == pytest.approx(1.2383553196182688, **exact)
    assert model.weight("a") == pytest.approx(0.0026170414, abs=5e-11)
    assert model.weight("b") == pytest.approx(0.0692060055, abs=5e-11)


def test_score_is_the_sum_over_pairs() -> None:
    model, rng = trained(), random.Random(1)
    weights = {key: model.weight(*key) for key in model.z}
    for _ in range(50):
        _, features, _ = random_sample(rng)
        assert model.score(features) == pytest.approx(brute_force(model, weights, features))


@pytest.mark.parametrize("v_start", ["lazy", "kept"])
@pytest.mark.parametrize("samples", [0, 60])
def test_gradient_is_the_derivative_of_the_log_loss(v_start: str, samples: int) -> None:
    """The g that an update used, read back from z and n, against central differences."""
    model, rng = trained(samples, v_start=v_start), random.Random(2)
    for _ in range(20):
        label, _, omega = random_sample(rng)
        features = [(name, rng.uniform(-2, 2)) for name in rng.sample(NAMES, 4)]
        for name, _ in features:
            if (name, W) not in model.z:
                model.insert(name)
        weights = {key: model.weight(*key) for key in model.z}
        z, n = dict(model.z), dict(model.n)
        model.learn(label, features, omega)

        touched = {name for name, _ in features} | {BIAS}
        for key in (key for key in z if key[0] in touched):
            eps = 1e-5
            up, down = ({**weights, key: weights[key] + d} for d in (eps, -eps))
            slope = log_loss(label, brute_force(model, up, features))
            slope -= log_loss(label, brute_force(model, down, features))
            slope *= omega / (2 * eps)
            assert model.n[key] - n[key] == pytest.approx(slope**2, rel=1e-6, abs=1e-9)
            sigma = (math.sqrt(model.n[key]) - math.sqrt(n[key])) / 0.5  # alpha of w and of v
            g = model.z[key] - z[key] + sigma * weights[key]
            assert g == pytest.approx(slope, rel=1e-6, abs=1e-8)
        for key in (key for key in z if key[0] not in touched):
            assert (model.z[key], model.n[key]) == (z[key], n[key])


def test_closed_form_minimises_the_proximal_objective() -> None:
    """w = argmin z w + l1 |w| + ((beta + sqrt n) / alpha + l2) w^2 / 2, the paper's problem."""
    model = trained()
    for key in model.z:
        alpha, beta, l1, l2 = model.rates(*key)
        curve, w = (beta + math.sqrt(model.n[key])) / alpha + l2, model.weight(*key)
        here, *near = (
            model.z[key] * at + l1 * abs(at) + curve * at * at / 2 for at in (w, w - 1e-4, w + 1e-4)
        )
        assert here < min(near)


def test_repeated_name_is_two_entries_updated_in_turn() -> None:
    model = trained(factors=0)
    w, z, n, alpha = model.weight("a"), model.z["a", W], model.n["a", W], 0.5
    bias = model.weight(BIAS)
    p = model.learn(1.0, [("a", 1.0), ("a", 2.0)])
    assert p == pytest.approx(sigmoid(bias + 3 * w))
    for x in (1.0, 2.0):
        g = (p - 1) * x
        z += g - (math.sqrt(n + g * g) - math.sqrt(n)) / alpha * w
        n += g * g
    assert (model.z["a", W], model.n["a", W]) == pytest.approx((z, n), rel=1e-14)


def test_weight_scales_the_gradient_and_is_not_a_repeat() -> None:
    heavy, twice = Reference({"factors": 0}, start), Reference({"factors": 0}, start)
    heavy.learn(1, [("a", 1.0)], weight=2.0)
    twice.learn(1, [("a", 1.0)])
    twice.learn(1, [("a", 1.0)])
    assert (heavy.z["a", W], heavy.n["a", W]) == (-1.0, 1.0)
    assert twice.n["a", W] == pytest.approx(0.5, abs=0.01)


def test_bias_takes_its_own_l1_and_l2() -> None:
    own, shared = (
        Reference({"factors": 0, "l1": 0.1, "l2": 5.0, "bias_l1": l1, "bias_l2": l2}, start)
        for l1, l2 in ((0.0, 1.0), (None, None))
    )
    for model in (own, shared):
        model.learn(1, [("a", 1.0)])
    assert own.weight(BIAS) == 0.5 / ((1 + 0.5) / 0.05 + 1.0)
    assert shared.weight(BIAS) == shared.weight("a") == 0.4 / ((1 + 0.5) / 0.05 + 5.0)


def test_lazy_start_is_used_until_the_first_update_only() -> None:
    model = Reference({"factors": 1, "v_l1": 0.1}, start)
    model.learn(1, [("a", 1.0)], weight=0.0)
    assert model.weight("a", 0) == start("a", 0)
    model.learn(1, [("a", 1.0), ("b", 1.0)])  # |g| is about .05, so |z| stays within l1
    assert model.n["a", 0] > 0
    assert model.weight("a", 0) == 0.0


def test_kept_start_is_returned_and_moved_by_the_closed_form() -> None:
    model = Reference({"factors": 2, "v_start": "kept"}, start)
    model.learn(1, [("a", 1.0)], weight=0.0)
    for lane in range(2):
        assert model.weight("a", lane) == pytest.approx(start("a", lane), rel=1e-12)
    model.learn(1, [("a", 1.0), ("b", 1.0)])
    for lane in range(2):
        moved = model.weight("a", lane) - start("a", lane)
        assert moved * start("b", lane) > 0  # towards b: the label says that a and b go together


def test_kept_start_of_zero_is_zero() -> None:
    model = Reference({"factors": 1, "v_start": "kept"}, lambda name, lane: 0.0)
    model.insert("a")
    assert (model.z["a", 0], model.weight("a", 0)) == (0.0, 0.0)


def test_force_v_sparse_zeroes_learned_lanes_of_a_zero_w() -> None:
    hyper = dict(factors=1, l1=0.6, v_l1=0.0, force_v_sparse=True, bias=False)
    model = Reference(hyper, start)
    model.learn(1, [("a", 1.0), ("b", 1.0)])
    assert model.z["a", 0] != 0
    assert (model.weight("a"), model.weight("a", 0)) == (0.0, 0.0)
    n = model.n["a", 0]
    model.learn(1, [("a", 1.0), ("c", 1.0)])  # v_a is 0 here, v_c is its start, w is 0
    assert model.n["a", 0] - n == pytest.approx((0.5 * start("c", 0)) ** 2)
    assert model.weight("a") != 0.0  # |z| = 1 > l1: w is back, and v with it
    assert model.weight("a", 0) != 0.0


@pytest.mark.parametrize("switch", ["bias", "linear"])
def test_a_term_switched_off_is_zero_and_never_updated(switch: str) -> None:
    model = trained(**{switch: False})
    off = [key for key in model.z if key[1] == W and (key[0] is BIAS) == (switch == "bias")]
    assert off
    assert all((model.z[key], model.n[key]) == (0.0, 0.0) for key in off)
    weights = {key: model.weight(*key) for key in model.z}
    features = [("a", 1.5), ("b", -1.0)]
    assert model.score(features) == pytest.approx(brute_force(model, weights, features))


def test_zero_values_and_unknown_names_add_nothing() -> None:
    model = trained()
    before, size = model.score([("a", 1.0)]), len(model.z)
    assert model.score([("a", 1.0), ("b", 0.0), ("never", 1.0)]) == before
    assert len(model.z) == size
    model.learn(1, [("a", 1.0), ("never", 0.0)])
    assert len(model.z) == size


def test_label_minus_one_is_zero() -> None:
    zero, minus = Reference({}, start), Reference({}, start)
    for model, label in ((zero, 0), (minus, -1)):
        model.learn(label, [("a", 1.0), ("b", 2.0)])
    assert zero.z == minus.z


def test_sigmoid_at_the_ends() -> None:
    assert (sigmoid(-1000.0), sigmoid(0.0), sigmoid(1000.0)) == (0.0, 0.5, 1.0)


def test_unknown_start_is_refused() -> None:
    with pytest.raises(KeyError, match="later"):
        Reference({**DEFAULTS, "v_start": "later"}, start)
