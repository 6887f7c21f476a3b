"""The core against the paper: z, n, w, v and every probability are those of tests/reference.py."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fmtrain import FTRLModel, _core, metrics
from fmtrain.data.matrix import feature_id, name_bytes
from reference import BIAS, DEFAULTS, Reference, W, sigmoid

RELATIVE = 1e-5
NAMES = ["a", "b", "c", "d", "user", "ü=é", "#tag", "x" * 70]
STATE = {("z", "v_z"): "z", ("n", "v_n"): "n"}  # the core's names: (of w, of v)


@dataclass(frozen=True)
class Sample:
    label: float
    weight: float
    features: list[tuple[str, float]]  # names may repeat, values are floats of 32 bits

    def line(self) -> bytes:
        cells = "".join(f" {name}:{value!r}" for name, value in self.features)
        return f"{self.label!r}:{self.weight!r}{cells}\n".encode()


def start_of(hyper: dict[str, Any]) -> Any:
    """v0 as the core draws it, in its floats."""
    seeds = {"seed": 0, "hash_seed": 0, **hyper}
    stdev = np.float32(hyper.get("init_stdev", DEFAULTS["init_stdev"]))

    def start(name: Any, lane: int) -> float:
        drawn = _core.start_value(feature_id(name, seeds["hash_seed"]), lane, seeds["seed"])
        return float(np.float32(drawn) * stdev)

    return start


def reference_of(hyper: dict[str, Any]) -> Reference:
    return Reference(hyper, start_of(hyper))


def assert_close(actual: Any, expected: list[float], what: str, slack: float = 0.0) -> None:
    """Within RELATIVE of each number plus `slack`, or of a tenth of the largest: sums cancel."""
    wanted = np.array(expected, dtype=np.float64)
    slack += 0.1 * float(np.max(np.abs(wanted), initial=0))
    np.testing.assert_allclose(
        np.asarray(actual, dtype=np.float64),
        wanted,
        rtol=RELATIVE,
        atol=RELATIVE * slack + 1e-12,
        err_msg=what,
    )


def z_slack(reference: Reference) -> float:
    """z adds up gradients of both signs, n their squares: z is exact to the root of n."""
    return 0.1 * math.sqrt(max(reference.n.values()))


def assert_same_weights(w: Any, v: Any, reference: Reference, names: list[Any]) -> None:
    """w (names) and v (names, factors) are the reference's, of its state as it is now."""
    for lane, core in [(W, w), *enumerate(v.T)]:
        expected = [reference.weight(name, lane) for name in names]
        # Just beyond l1 a weight is the small difference of two numbers, exact to those.
        rates = [reference.rates(name, lane) for name in names]
        slack = [(l1 + z_slack(reference)) / (beta / alpha + l2) for alpha, beta, l1, l2 in rates]
        assert_close(core, expected, f"weight, lane {lane}", max(slack, default=0.0))


def assert_same_state(model: FTRLModel, reference: Reference) -> None:
    arrays = model._native.arrays()
    hash_seed = reference.hyper.get("hash_seed", 0)
    names = [name for name, lane in reference.z if name is not BIAS and lane == W]
    row_of = {int(row_id): row for row, row_id in enumerate(arrays["id"])}
    assert set(row_of) == {feature_id(name, hash_seed) for name in names}
    at = [row_of[feature_id(name, hash_seed)] for name in names]
    slack = {"z": z_slack(reference), "n": 0.0}
    for (of_w, of_v), key in STATE.items():
        state = getattr(reference, key)
        for lane, core in [(W, arrays[of_w]), *enumerate(arrays[of_v].T)]:
            expected = [state[name, lane] for name in names]
            assert_close(core[at], expected, f"{key}, lane {lane}", slack[key])
        bias = model._native.bias_state["zn".index(key)]
        assert_close([bias], [state[BIAS, W]], f"{key} of the bias", slack[key])
    assert_same_weights(arrays["w"][at], arrays["v"][at], reference, names)
    assert_same_weights(np.array([model._native.bias]), np.empty((1, 0)), reference, [BIAS])


def cancels(reference: Reference, features: list[tuple[str, float]]) -> bool:
    """Whether an S_f - v_if x_i is left with few or no digits, or a w is at its threshold.

    Lazy and force_v_sparse ask whether a number is exactly 0, which rounding then decides.
    """
    for name, x in features:
        if x != 0 and (name, W) not in reference.z:
            reference.insert(name)
    for lane in range(reference.hyper["factors"]):
        terms = [reference.weight(name, lane) * x for name, x in features if x != 0]
        total, size = sum(terms), sum(map(abs, terms))
        if any(abs(term) < size and abs(total - term) < 0.01 * size for term in terms):
            return True
    excess = (abs(abs(reference.z[name, W]) - reference.hyper["l1"]) for name, x in features if x)
    return reference.hyper["force_v_sparse"] and any(0 < gap < 1e-5 for gap in excess)


values = st.one_of(
    st.sampled_from([1.0, -1.0, 0.0, 0.5, 2.0]),
    st.floats(-3, 3, width=32, allow_subnormal=False).filter(lambda x: abs(x) > 1e-3),
)
samples = st.builds(
    Sample,
    label=st.sampled_from([0.0, 1.0, -1.0, 1.0, 0.25]),
    weight=st.sampled_from([1.0, 1.0, 0.5, 3.0, 0.0]),
    features=st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=9),
)
hypers = st.fixed_dictionaries(
    dict(
        factors=st.sampled_from([0, 1, 3, 4, 8, 16, 17]),
        bias=st.sampled_from([True, True, False]),
        linear=st.sampled_from([True, True, False]),
        alpha=st.sampled_from([0.05, 0.5]),
        beta=st.sampled_from([1.0, 0.25]),
        l1=st.sampled_from([0.0, 0.01, 0.3]),
        l2=st.sampled_from([0.0, 0.1, 5.0]),
        bias_l1=st.sampled_from([None, 0.0, 0.2]),
        bias_l2=st.sampled_from([None, 0.0, 2.0]),
        v_alpha=st.sampled_from([0.05, 0.3]),
        v_beta=st.sampled_from([1.0, 0.25]),
        v_l1=st.sampled_from([0.0, 0.001, 0.1]),
        v_l2=st.sampled_from([0.0, 0.1, 5.0]),
        init_stdev=st.sampled_from([0.0, 0.01, 0.1]),
        v_start=st.sampled_from(["lazy", "kept"]),
        force_v_sparse=st.booleans(),
        seed=st.sampled_from([0, 7, 2**62]),
        hash_seed=st.sampled_from([0, 2**32 - 1]),
    )
).filter(lambda hyper: hyper["bias"] or hyper["linear"] or hyper["factors"])


@given(hypers, st.lists(samples, max_size=25))
@example({"factors": 4}, [Sample(1.0, 1.0, [("a", 1.0), ("a", -0.5), ("b", 2.0), ("a", 0.25)])] * 3)
@example({"factors": 3, "v_start": "kept"}, [Sample(0.25, 3.0, [("a", 1.0), ("b", 1.0)])] * 5)
@settings(max_examples=300, deadline=None)
def test_every_sample_and_the_state_are_the_papers(
    hyper: dict[str, Any], stream: list[Sample]
) -> None:
    model, reference = FTRLModel(**hyper), reference_of(hyper)
    for sample in stream:
        assume(not cancels(reference, sample.features))
        expected = reference.learn(sample.label, sample.features, sample.weight)
        seen = model.fit_stream([sample.line()]).report_.progress.total
        assert seen["samples"] == 1
        assert seen["prediction_sum"] == pytest.approx(sample.weight * expected, rel=1e-5, abs=1e-7)
        score = reference.score(sample.features)
        line = sample.line().split(b" ", 1)[1:] or [b""]
        assert model.decision_function(line)[0] == pytest.approx(score, rel=1e-4, abs=1e-5)
    if stream:
        assert_same_state(model, reference)


@given(hypers, st.lists(samples, min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_samples_one_by_one_and_as_one_stream_are_the_same_bytes(
    hyper: dict[str, Any], stream: list[Sample]
) -> None:
    whole = FTRLModel(**hyper).fit_stream([b"".join(sample.line() for sample in stream)])
    pieces = FTRLModel(**hyper)
    for sample in stream:
        pieces.fit_stream([sample.line()])
    assert whole._native.dumps() == pieces._native.dumps()


def test_vector_of_the_paper() -> None:
    hyper = dict(factors=0, bias=False, alpha=0.1, beta=1.0, l1=0.01, l2=1.0)
    model, seen = FTRLModel(**hyper), []
    for line in (b"1 a:1 b:2", b"0 a:1", b"1 b:1"):
        model.fit_stream([line])
        seen.append(model.report_.progress.total["prediction_sum"])
    assert seen == pytest.approx([0.5, 0.5076556516623594, 0.5117835320083224], rel=1e-6)
    arrays = model._native.arrays()
    a, b = (int(np.flatnonzero(arrays["id"] == feature_id(name, 0))[0]) for name in "ab")
    assert arrays["z"][[a, b]] == pytest.approx(
        [-0.05743494018576245, -1.541400278847183], rel=1e-6
    )
    assert arrays["n"][[a, b]] == pytest.approx([0.5077142606647347, 1.2383553196182688], rel=1e-6)
    assert arrays["w"][[a, b]] == pytest.approx([0.0026170414, 0.0692060055], rel=1e-6)


def long_stream(count: int, seed: int = 3) -> list[Sample]:
    """Samples of 60 skewed names whose labels depend on them."""
    rng = random.Random(seed)
    names = [f"f{i}" for i in range(60)]
    truth = {name: rng.gauss(0, 1) for name in names}
    stream = []
    for _ in range(count):
        chosen = [names[int(60 * rng.random() ** 2)] for _ in range(rng.randint(1, 8))]
        features = [
            (name, float(np.float32(rng.choice([1, 1, rng.uniform(-2, 2)])))) for name in chosen
        ]
        p = sigmoid(sum(truth[name] * x for name, x in features))
        label = rng.choice([float(rng.random() < p)] * 9 + [round(p, 2)])
        stream.append(Sample(label, rng.choice([1.0, 1.0, 0.5, 4.0]), features))
    return stream


@pytest.mark.parametrize(
    "hyper",
    [
        dict(factors=0, alpha=0.1, l1=0.1, l2=1.0),
        dict(factors=8, alpha=0.1, l1=0.1, l2=1.0, v_l1=0.01, v_l2=1.0),
        dict(factors=4, alpha=0.1, l1=0.1, l2=1.0, v_l1=0.01, v_start="kept"),
        dict(factors=3, l1=1.0, force_v_sparse=True),
        dict(factors=5, linear=False, v_l1=0.0, v_l2=0.1, init_stdev=0.2),
    ],
    ids=["lr", "fm-lazy", "fm-kept", "force-v-sparse", "no-linear"],
)
def test_a_long_stream_progressive_metrics_and_dump(hyper: dict[str, Any], tmp_path: Path) -> None:
    stream, reference = long_stream(1500), reference_of(hyper)
    model = FTRLModel(names=True, **hyper).fit_stream([sample.line() for sample in stream])
    p = np.array([reference.learn(s.label, s.features, s.weight) for s in stream])
    assert_same_state(model, reference)

    label, weight = (np.array([getattr(s, key) for s in stream]) for key in ("label", "weight"))
    assert model.report_.progress is not None
    total = model.report_.progress.total
    assert total["samples"] == len(stream)
    assert total["weight_sum"] == pytest.approx(weight.sum())
    assert total["label_sum"] == pytest.approx((weight * label).sum())
    assert total["prediction_sum"] == pytest.approx((weight * p).sum(), rel=1e-6)
    assert total["logloss"] == pytest.approx(metrics.logloss(label, p, weight), rel=1e-6)
    # The core's AUC is of score buckets and states its error.
    exact = metrics.auc(label, p, weight)
    assert abs(total["auc"] - exact) <= total["auc_error"] + 1e-9
    assert total["auc_error"] < 0.02
    assert exact > 0.5

    path = tmp_path / "dump.txt"
    counts = model.dump(path, keep_zeros=True)
    head, bias, *rows = path.read_bytes().splitlines()
    assert counts["rows"] == len(rows) == len(model)
    assert head == b"# fmtrain-text 1 factors=%d features=%d" % (hyper["factors"], len(rows))
    expected_bias = reference.weight(BIAS)
    assert float(bias.split(b"\t")[1]) == pytest.approx(expected_bias, rel=RELATIVE)
    dumped = {row.split(b"\t")[0]: row.split(b"\t")[1:] for row in rows}
    names = [name for name, lane in reference.z if name is not BIAS and lane == W]
    assert set(dumped) == {name_bytes(name) for name in names}
    # Of the state after the last update, unlike alphaFM's, which is one step old.
    table = np.array([[float(cell) for cell in dumped[name_bytes(name)]] for name in names])
    assert_same_weights(table[:, 0], table[:, 1:], reference, names)


@pytest.mark.parametrize("factors", [0, 4])
def test_dump_without_zeros_holds_the_rest_and_the_counts(factors: int, tmp_path: Path) -> None:
    model = FTRLModel(factors=factors, names=True, l1=2.0, v_l1=2.0)
    model.fit_stream([sample.line() for sample in long_stream(1500)])
    kept, all_rows = tmp_path / "kept", tmp_path / "all"
    counts, full = model.dump(kept), model.dump(all_rows, keep_zeros=True)
    rows = all_rows.read_bytes().splitlines()[2:]
    live = [row for row in rows if any(float(cell) for cell in row.split(b"\t")[1:])]
    assert kept.read_bytes().splitlines()[2:] == live
    assert 0 < len(live) < len(rows)
    assert (counts["rows"], counts["dropped"]) == (len(live), len(rows) - len(live))
    assert (counts["bytes"], full["bytes"]) == (kept.stat().st_size, all_rows.stat().st_size)
    assert counts["bytes_saved"] == sum(len(row) + 1 for row in rows if row not in live)


@pytest.mark.parametrize("factors", [1, 4, 8, 17])
def test_start_is_normal_and_a_function_of_id_lane_and_seed(factors: int) -> None:
    draws = np.array([_core.start_value(i, factors - 1, 5) for i in range(20_000)])
    assert abs(draws.mean()) < 0.03
    assert draws.std() == pytest.approx(1, abs=0.02)
    assert (np.abs(draws) > 3).mean() == pytest.approx(0.0027, abs=0.0015)
    assert _core.start_value(1, 2, 3) == _core.start_value(1, 2, 3)
    others = {_core.start_value(*key) for key in [(1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4)]}
    assert len(others) == 4
