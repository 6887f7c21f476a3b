"""fmtrain.metrics against pair loops and formulas written the obvious slow way."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from fmtrain import metrics

SEEDS = range(6)
each_seed = pytest.mark.parametrize("seed", SEEDS)
hard_and_soft = pytest.mark.parametrize("soft", [False, True])


def sample(seed, rows=60, soft=False, levels=9):
    """y, score with many ties, weight with some zeros."""
    rng = np.random.default_rng(seed)
    y = rng.random(rows) if soft else rng.integers(0, 2, rows).astype(float)
    score = rng.integers(-levels, levels, rows) / 3.0
    weight = rng.choice([0.0, 0.25, 1.0, 3.5], rows)
    return y, score, weight


def pair_auc(y, score, weight):
    right = pairs = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            mass = weight[i] * y[i] * weight[j] * (1 - y[j])
            pairs += mass
            right += mass * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return right / pairs if pairs else math.nan


def pair_xauc(target, prediction):
    right = pairs = 0.0
    for i in range(len(target)):
        for j in range(len(target)):
            if target[i] > target[j]:
                pairs += 1
                right += (prediction[i] > prediction[j]) + 0.5 * (prediction[i] == prediction[j])
    return right / pairs if pairs else math.nan


def loop_logloss(y, p, weight):
    loss = [
        w * -(t * math.log(q) + (1 - t) * math.log(1 - q))
        for t, q, w in zip(y, p, weight, strict=True)
    ]
    return sum(loss) / sum(weight)


@each_seed
@hard_and_soft
def test_auc_equals_the_pair_loop(seed, soft):
    y, score, weight = sample(seed, soft=soft)
    assert metrics.auc(y, score, weight) == pytest.approx(pair_auc(y, score, weight), abs=1e-13)
    assert metrics.auc(y, score) == pytest.approx(pair_auc(y, score, np.ones(60)), abs=1e-13)


def test_auc_known_values():
    assert metrics.auc([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert metrics.auc([0, 1, 0, 1], [1, 2, 3, 4]) == 0.75
    assert metrics.auc([0, 1, 0, 1], [7, 7, 7, 7]) == 0.5
    assert metrics.auc([0, 1, 1], [1, 1, 2]) == 0.75
    assert metrics.auc([0.3], [2.0]) == 0.5  # a soft row is both classes at one score
    assert math.isnan(metrics.auc([1, 1], [0, 1]))
    assert math.isnan(metrics.auc([0, 0], [0, 1]))
    assert math.isnan(metrics.auc([0, 1], [0, 1], [1, 0]))  # the only positive weighs nothing


@each_seed
def test_auc_invariances(seed):
    y, score, weight = sample(seed)
    base = metrics.auc(y, score, weight)
    assert metrics.auc(y, np.exp(score), weight) == base
    assert metrics.auc(y, -score, weight) == pytest.approx(1 - base)
    twice = np.where(np.arange(60) % 3 == 0, 2, 1)
    assert metrics.auc(y, score, twice) == metrics.auc(np.repeat(y, twice), np.repeat(score, twice))
    halves = metrics.auc(np.tile([1.0, 0.0], 60), np.repeat(score, 2), np.repeat(weight, 2))
    assert metrics.auc(np.full(60, 0.5), score, weight) == pytest.approx(halves)


@each_seed
@hard_and_soft
def test_grouped_auc_equals_the_loop_over_groups(seed, soft):
    y, score, weight = sample(seed, rows=200, soft=soft)
    group = np.random.default_rng(seed + 100).integers(0, 60, 200)
    y[group < 5] = 1.0
    weight[(group == 5) | (group == 6)] = 0.0
    weight = weight * np.where(group % 2 == 0, 1e9, 1e-3)  # heavy users beside light ones
    aucs, sizes, rows = [], [], 0
    for key in np.unique(group):
        of = group == key
        value = pair_auc(y[of], score[of], weight[of])
        if not math.isnan(value):
            aucs.append(value)
            sizes.append(weight[of].sum())
            rows += of.sum()
    got = metrics.grouped_auc(y, score, group, weight)
    assert got.gauc == pytest.approx(np.dot(aucs, sizes) / np.sum(sizes), abs=1e-12)
    assert got.uauc == pytest.approx(np.mean(aucs), abs=1e-12)
    assert (got.groups_kept, got.rows_kept) == (len(aucs), rows)
    assert got.groups_skipped == len(np.unique(group)) - len(aucs) > 0
    assert got.rows_skipped == 200 - rows


def test_grouped_auc_known_values():
    y = [1, 0, 1, 0, 0, 1, 1]
    score = [3, 1, 1, 2, 2, 5, 6]
    group = [7, 7, 8, 8, 8, 9, 9]  # AUC 1, AUC 0, no negative
    got = metrics.grouped_auc(y, score, group)
    assert got == metrics.GroupedAuc(2 / 5, 1 / 2, 2, 1, 5, 2)
    weighted = metrics.grouped_auc(y, score, group, [3, 3, 1, 1, 0, 1, 1])
    assert weighted.gauc == 6 / 8


@pytest.mark.parametrize("dtype", [np.uint64, object, "U", np.float32])
def test_grouped_auc_takes_any_key(dtype):
    y, score, weight = sample(3, rows=100)
    group = np.random.default_rng(5).integers(10, 30, 100)
    keys = group.astype("U").astype(dtype)
    if dtype is np.uint64:  # neighbours that float64 cannot tell apart
        keys += np.uint64(2**64 - 100)
    by_number = metrics.grouped_auc(y, score, group, weight)
    assert metrics.grouped_auc(y, score, keys, weight) == by_number


def test_grouped_auc_of_one_group_is_auc_and_nan_keys_stay_apart():
    y, score, weight = sample(1)
    one = metrics.grouped_auc(y, score, np.zeros(60), weight)
    assert one.gauc == pytest.approx(metrics.auc(y, score, weight), abs=1e-15)
    none = metrics.grouped_auc(y, score, np.full(60, math.nan), weight)
    assert (none.groups_kept, none.groups_skipped, none.rows_skipped) == (0, 60, 60)
    assert math.isnan(none.gauc)
    assert math.isnan(none.uauc)


@each_seed
@hard_and_soft
def test_logloss_both_ways_and_ne(seed, soft):
    y, score, weight = sample(seed, soft=soft)
    p = 1 / (1 + np.exp(-score))
    expected = loop_logloss(y, p, weight)
    assert metrics.logloss(y, p, weight) == pytest.approx(expected, rel=1e-13)
    assert metrics.logloss_from_score(y, score, weight) == pytest.approx(expected, rel=1e-13)
    ctr = (weight * y).sum() / weight.sum()
    for background, q in ((None, ctr), (0.1, 0.1)):
        entropy = -q * math.log(q) - (1 - q) * math.log(1 - q)
        ne = metrics.normalized_entropy(y, p, weight, background)
        assert ne == pytest.approx(expected / entropy, rel=1e-12)


def test_ne_of_the_constant_is_one_and_of_one_class_nan():
    y, _, weight = sample(2)
    ctr = (weight * y).sum() / weight.sum()
    assert metrics.normalized_entropy(y, np.full(60, ctr), weight) == pytest.approx(1.0)
    assert metrics.normalized_entropy(y, np.full(60, ctr / 2), weight) > 1
    assert math.isnan(metrics.normalized_entropy([1, 1], [0.5, 0.5]))
    assert metrics.normalized_entropy([1, 1], [0.5, 0.5], background_ctr=0.5) == pytest.approx(1.0)


def test_logloss_at_the_ends():
    assert metrics.logloss([1], [0.0]) == pytest.approx(15 * math.log(10))
    assert metrics.logloss([0], [1.0]) == pytest.approx(15 * math.log(10), rel=1e-2)
    assert metrics.logloss([0, 1], [0.0, 1.0]) == pytest.approx(1e-15, rel=0.2)
    assert metrics.logloss_from_score([1, 0], [-1e300, 0], [1, 0]) == 1e300
    assert metrics.logloss_from_score([1, 0], [1e300, -1e300]) == 0.0
    assert metrics.logloss_from_score([1], [50.0]) == pytest.approx(math.exp(-50), rel=1e-12)
    assert math.isnan(metrics.logloss([1], [0.5], [0]))


def test_calibration():
    assert metrics.calibration([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5]) == 1.0
    assert metrics.calibration([1, 0], [0.9, 0.3], [1, 2]) == pytest.approx(1.5)
    assert metrics.calibration([0.25, 0.75], [0.1, 0.4]) == pytest.approx(0.5)
    assert math.isnan(metrics.calibration([0, 0], [0.5, 0.5]))


@each_seed
def test_calibration_buckets_partition_the_rows(seed):
    y, score, weight = sample(seed, rows=300, soft=True, levels=40)
    p = metrics.probability(score)
    buckets = metrics.calibration_buckets(y, p, weight, buckets=7)
    assert 1 < len(buckets) <= 7
    assert sum(b.rows for b in buckets) == 300
    assert all(a.high < b.low for a, b in pairwise(buckets))  # ties never split
    assert max(b.rows for b in buckets) <= 300 / 7 + np.unique(p, return_counts=True)[1].max()
    for b in buckets:
        of = (p >= b.low) & (p <= b.high)
        w = weight[of]
        assert (b.rows, b.low, b.high) == (of.sum(), p[of].min(), p[of].max())
        assert b.mean_prediction == pytest.approx(np.average(p[of], weights=w))
        assert b.mean_label == pytest.approx(np.average(y[of], weights=w))
        assert b.calibration == pytest.approx((w * p[of]).sum() / (w * y[of]).sum())


def test_calibration_buckets_are_equal_without_ties_and_fewer_with_them():
    p = np.linspace(0, 1, 103)[np.random.default_rng(0).permutation(103)]
    assert {b.rows for b in metrics.calibration_buckets(p > 0.5, p)} == {10, 11}
    assert [b.rows for b in metrics.calibration_buckets([1, 0, 0], [0.5] * 3)] == [3]
    heavy = np.sort(np.append(np.full(60, 0.15), np.linspace(0.1, 0.9, 40)))  # 3 rows below it
    rows = [b.rows for b in metrics.calibration_buckets(heavy > 0, heavy)]
    assert rows == [3, 60, 7, 10, 10, 10]
    first, last = metrics.calibration_buckets([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], buckets=2)
    assert first.mean_label == 0
    assert math.isnan(first.calibration)
    assert last.calibration == pytest.approx(0.35)


def test_mae_and_rmse():
    target, prediction, weight = [0, 10, 4], [3, 6, 4], [1, 2, 5]
    assert metrics.mae(target, prediction) == pytest.approx(7 / 3)
    assert metrics.rmse(target, prediction) == pytest.approx(math.sqrt(25 / 3))
    assert metrics.mae(target, prediction, weight) == pytest.approx(11 / 8)
    assert metrics.rmse(target, prediction, weight) == pytest.approx(math.sqrt(41 / 8))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 31, 32, 33, 100])
@pytest.mark.parametrize("levels", [2, 7, 10**6])
def test_xauc_equals_the_pair_loop(rows, levels):
    for seed in SEEDS:
        rng = np.random.default_rng((rows, levels, seed))
        target, prediction = rng.integers(0, levels, (2, rows))
        expected = pair_xauc(target, prediction)
        assert metrics.xauc(target, prediction) == pytest.approx(expected, abs=1e-15, nan_ok=True)


def test_xauc_known_values():
    assert metrics.xauc([1, 2, 3], [10, 20, 30]) == 1.0
    assert metrics.xauc([1, 2, 3], [30, 20, 10]) == 0.0
    assert metrics.xauc([1, 2, 3], [5, 5, 5]) == 0.5
    assert metrics.xauc([1, 1, 2], [9, 1, 5]) == 0.5  # the pair of equal targets is no pair
    assert math.isnan(metrics.xauc([4, 4], [1, 2]))
    y, score, _ = sample(4, rows=500)
    assert metrics.xauc(y, score) == pytest.approx(metrics.auc(y, score), abs=1e-15)


def two_models(rows, seed, soft=False):
    """A label that follows a hidden score, and two noisy views of it, b the noisier."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=rows)
    p = metrics.probability(2 * hidden)
    y = p if soft else (rng.random(rows) < p)
    shared = hidden + 0.5 * rng.normal(size=rows)
    return y, shared, shared + 0.5 * rng.normal(size=rows)


def test_auc_difference_of_equal_rankings_is_exactly_zero():
    y, score, weight = sample(7, rows=500)
    for other in (score.copy(), np.exp(score)):
        got = metrics.auc_difference(y, score, other, weight, replicates=50)
        assert (got.difference, got.low, got.high) == (0.0, 0.0, 0.0)


def test_auc_difference_point_sign_and_seed():
    y, a, b = two_models(2000, seed=1)
    got = metrics.auc_difference(y, a, b, replicates=200)
    assert got.difference == metrics.auc(y, a) - metrics.auc(y, b)
    assert 0 < got.low < got.difference < got.high  # b is a with noise added
    assert got == metrics.auc_difference(y, a, b, replicates=200)
    assert got != metrics.auc_difference(y, a, b, replicates=200, seed=1)
    narrow = metrics.auc_difference(y, a, b, replicates=200, confidence=0.5)
    assert got.low < narrow.low < narrow.high < got.high


def test_auc_difference_interval_covers_the_known_difference():
    y, a, b = two_models(200_000, seed=0)
    known = metrics.auc(y, a) - metrics.auc(y, b)
    covered = 0
    for part in np.arange(20_000).reshape(40, 500):
        got = metrics.auc_difference(y[part], a[part], b[part], replicates=200, confidence=0.9)
        covered += got.low <= known <= got.high
    assert 30 <= covered <= 40  # 36 expected, standard deviation 1.9


def test_auc_difference_equals_scoring_both_models_on_the_resampled_rows():
    y, a, b = two_models(300, seed=4, soft=True)
    weight = np.random.default_rng(5).random(300)
    rng = np.random.default_rng(11)
    slow = []
    for _ in range(30):
        rows = rng.integers(300, size=300)
        of_a, of_b = (metrics.auc(y[rows], x[rows], weight[rows]) for x in (a, b))
        slow.append(of_a - of_b)
    got = metrics.auc_difference(y, a, b, weight, replicates=30, seed=11)
    assert (got.low, got.high) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))), abs=1e-12)


def test_auc_difference_counts_only_replicates_with_both_classes():
    few = metrics.auc_difference([1, 0, 0], [3, 1, 2], [1, 2, 3], replicates=400)
    assert 200 < few.replicates < 340  # P(both classes) = 1 - (2/3)^3 - (1/3)^3 = 2/3
    none = metrics.auc_difference([1, 1], [0, 1], [1, 0], replicates=5)
    assert math.isnan(none.difference)
    assert math.isnan(none.low)
    assert math.isnan(none.high)
    assert none.replicates == 0


def test_probability_is_the_sigmoid_everywhere():
    score = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(metrics.probability(score), 1 / (1 + np.exp(-score)), rtol=1e-14)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        ends = metrics.probability([-1e300, -np.inf, 0.0, np.inf])
    assert ends.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert metrics.probability([-700.0])[0] == pytest.approx(math.exp(-700))
    assert np.isnan(metrics.probability([np.nan])).all()
    assert metrics.probability([]).shape == (0,)


def test_odds_is_exp_clamped():
    score = np.linspace(-30, 88, 60)
    np.testing.assert_allclose(metrics.odds(score), np.exp(score), rtol=1e-14)
    with np.errstate(over="raise"):
        high = metrics.odds(np.array([88.0, 89.0, 1e30, np.inf], dtype=np.float32))
        assert np.isfinite(high.astype(np.float32)).all()
    assert (high == math.exp(88)).all()


def test_evaluate_gathers_the_functions():
    y, score, weight = sample(8, rows=300, soft=True)
    group = np.arange(300) % 40
    p = metrics.probability(score)
    report = metrics.evaluate(y, weight, score, group, background_ctr=0.3, buckets=4)
    assert (report.rows, report.weight_sum) == (300, weight.sum())
    assert report.positives == pytest.approx((weight * y).sum())
    assert report.auc == metrics.auc(y, score, weight)
    assert report.logloss == pytest.approx(loop_logloss(y, p, weight))
    ne = metrics.normalized_entropy(y, p, weight, 0.3)
    assert report.normalized_entropy == pytest.approx(ne)
    assert report.calibration == pytest.approx((weight * p).sum() / (weight * y).sum())
    assert report.buckets == metrics.calibration_buckets(y, p, weight, 4)
    assert report.grouped == metrics.grouped_auc(y, score, group, weight)
    assert report.watch_time is None
    plain = metrics.evaluate(y, None, score)
    assert plain.grouped is None
    assert plain.weight_sum == 300
    assert metrics.evaluate(y, None, score, link="raw") == plain


def test_evaluate_of_watch_time():
    """Positives weigh T, negatives 1: a constant model learns odds sum(T) / (N - k)."""
    label = np.array([1, 1, 0, 0, 0, 1])
    weight = np.array([30.0, 90.0, 1.0, 1.0, 1.0, 0.0])  # the last is a click of no watch time
    score = np.full(6, math.log(120 / 3))
    report = metrics.evaluate(label, weight, score, link="exp")
    target = np.array([30.0, 90.0, 0.0, 0.0, 0.0, 0.0])
    assert report.watch_time.mae == pytest.approx(np.abs(target - 40).mean())
    assert report.watch_time.rmse == pytest.approx(math.sqrt(((target - 40) ** 2).mean()))
    assert report.watch_time.xauc == 0.5
    assert report.calibration == pytest.approx(1.0)  # the weighted optimum: sigmoid = 120 / 123
    assert report.normalized_entropy == pytest.approx(1.0)
    ranked = metrics.evaluate(label, weight, [2, 300, 1, 1, 1, 1], link="exp")
    assert ranked.watch_time.xauc == 1.0
    assert math.isfinite(ranked.watch_time.rmse)


def test_report_to_dict_is_json():
    y, score, weight = sample(9)
    report = metrics.evaluate(y, weight, score, np.arange(60) % 7, link="exp")
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert record["auc"] == report.auc
    assert record["rows"] == 60
    assert record["grouped"]["uauc"] == report.grouped.uauc
    assert record["watch_time"] == vars(report.watch_time)
    one_class = metrics.evaluate([0, 0], None, [1, 2], [1, 2]).to_dict()
    assert one_class["auc"] is None
    assert one_class["grouped"]["gauc"] is None
    assert one_class["buckets"][0]["calibration"] is None
    assert one_class["positives"] == 0.0


@each_seed
def test_agrees_with_scikit_learn(seed):
    reference = pytest.importorskip("sklearn.metrics")
    y, score, weight = sample(seed, rows=1000)
    expected = reference.roc_auc_score(y, score, sample_weight=weight)
    assert metrics.auc(y, score, weight) == pytest.approx(expected, abs=1e-12)
    p = metrics.probability(score)
    expected = reference.log_loss(y, p, sample_weight=weight)
    assert metrics.logloss(y, p, weight) == pytest.approx(expected, rel=1e-12)
