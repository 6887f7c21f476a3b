"""Many threads: no update is lost, nothing is learned worse, predictions are the same."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel, _core, metrics
from fmtrain.data.matrix import feature_id

THREADS = [1, 2, 4, 8]
TRAIN, TEST = 1_000_000, 100_000
# No weight ever leaves 0, so p is 1/2 and |g| is |x| / 2, in any order of the samples.
STILL: dict[str, Any] = dict(l1=1e9, bias_l1=1e9, factors=0)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A million samples to train on, a tenth as many to test on, of one hidden model."""
    options = _core.SynthOptions()
    options.fields, options.dims, options.keys, options.seed = 8, 20_000, 100, 11
    folder, synth = tmp_path_factory.mktemp("synth"), _core.Synth(options)
    train, test = folder / "train.txt", folder / "test.txt"
    with train.open("wb") as file:
        for first in range(0, TRAIN, 100_000):
            file.write(synth.text(first, 100_000))
    test.write_bytes(synth.text(TRAIN, TEST))
    return train, test


@pytest.mark.parametrize(
    "hyper",
    [
        dict(factors=0, alpha=0.1, l1=0.01, l2=0.1),
        dict(factors=4, alpha=0.1, l1=0.01, l2=0.1),
        dict(factors=4, alpha=0.1, l1=0.01, l2=0.1, v_start="kept", init_stdev=0.02),
    ],
    ids=["lr", "fm-lazy", "fm-kept"],
)
def test_every_thread_count_learns_as_well(
    synthetic: tuple[Path, Path], hyper: dict[str, Any]
) -> None:
    train, test = synthetic
    found = {}
    for threads in THREADS:
        model = FTRLModel(threads=threads, **hyper).fit_stream(train)
        assert model.report_.progress is not None
        seen, p = model.report_.progress.total, model.predict_stream(test)
        assert (seen["samples"], len(p.score)) == (TRAIN, TEST)
        found[threads] = (metrics.auc(p.label, p.score), seen["auc"], seen["logloss"], len(model))
    one = found[1]
    assert one[0] > 0.7
    for threads, several in found.items():
        assert several[:3] == pytest.approx(one[:3], abs=0.001), threads
        assert several[3] == one[3], threads


def test_one_thread_repeats_byte_for_byte(synthetic: tuple[Path, Path], tmp_path: Path) -> None:
    _, test = synthetic
    data = test.read_bytes()
    lines = data.splitlines(keepends=True)
    saved = []
    with test.open("rb") as file:
        for number, source in enumerate([test, test, file, [data], lines, iter(lines)]):
            model = FTRLModel(factors=3, v_start="kept", names=True).fit_stream(source)
            model.save(tmp_path / f"{number}.fmt")
            saved.append((tmp_path / f"{number}.fmt").read_bytes())
    assert all(same == saved[0] for same in saved)


def test_predictions_do_not_depend_on_the_threads(synthetic: tuple[Path, Path]) -> None:
    _, test = synthetic
    model = FTRLModel(factors=4, v_start="kept").fit_stream(test)
    one = model.predict_stream([test, test])
    assert len(one.score) == 2 * TEST
    assert len(set(one.group.tolist())) > 50
    X = [line.split(b" ", 1)[1] for line in test.read_bytes().splitlines()[:20_000]]
    by_row = model.decision_function(X)
    for threads in THREADS[1:]:
        model.threads = threads
        several = model.predict_stream([test, test])
        for name in ("label", "weight", "score", "group"):
            np.testing.assert_array_equal(getattr(several, name), getattr(one, name))
        np.testing.assert_array_equal(model.decision_function(X), by_row)


@pytest.mark.parametrize("threads", THREADS)
def test_no_update_of_one_hot_feature_is_lost(threads: int) -> None:
    count = 1_000_000  # in floats n = count / 4 is exact up to 2^24 / 4
    text = (b"1 hot\n" * 2 + b"0 hot\n") * (count // 3)
    model = FTRLModel(threads=threads, **STILL).fit_stream([text])
    n, z = 0.25 * (count // 3 * 3), -0.5 * (count // 3)
    arrays = model._native.arrays()
    assert (arrays["n"].tolist(), arrays["z"].tolist()) == ([n], [z])
    assert model._native.bias_state == (z, n)
    assert model._native.samples == count // 3 * 3


@pytest.mark.parametrize("threads", THREADS)
def test_no_update_and_no_new_feature_is_lost_among_many(threads: int) -> None:
    random_ = random.Random(5)
    wanted: dict[str, list[float]] = {}
    lines, label_sum = [], 0
    for i in range(60_000):
        label = random_.randrange(2)
        label_sum += label
        # New features all the way, so that rows are inserted while others are updated.
        names = {f"hot{random_.randrange(3)}", f"some{random_.randrange(2000)}", f"new{i // 2}"}
        for name in names:
            z_n = wanted.setdefault(name, [0.0, 0.0])
            z_n[0] += 0.5 - label
            z_n[1] += 0.25
        lines.append(f"{label} {' '.join(sorted(names))}\n".encode())
    model = FTRLModel(threads=threads, names=True, **STILL).fit_stream([b"".join(lines)])
    arrays = model._native.arrays()
    assert len(model) == len(wanted)
    ids = {feature_id(name, 0): name for name in wanted}
    for row_id, z, n in zip(arrays["id"], arrays["z"], arrays["n"], strict=True):
        assert [z, n] == wanted[ids[int(row_id)]]
    some = np.array(list(ids)[:1000], dtype=np.uint64)
    assert model._native.names_of(some) == [ids[int(i)].encode() for i in some]
    assert model.report_.progress is not None
    total = model.report_.progress.total
    assert (total["samples"], total["label_sum"]) == (60_000, label_sum)
    assert (total["prediction_sum"], total["weight_sum"]) == (30_000, 60_000)


@pytest.mark.parametrize("threads", [2, 8])
def test_bad_lines_are_counted_once_and_kept_in_a_file(threads: int, tmp_path: Path) -> None:
    lines = [b"1 a b c\n"] * 30_000
    for i in range(0, 30_000, 1000):
        lines[i] = b"2 bad%d\n" % i
    side = tmp_path / "bad.txt"
    model = FTRLModel(threads=threads, factors=0).fit_stream(lines, bad_lines=side)
    log = model.report_.log
    assert (log["sample"], log["bad"]) == (29_970, {"bad_label": 30})
    assert Counter(side.read_bytes().splitlines()) == Counter(
        line.strip() for line in lines if line.startswith(b"2")
    )


def test_nobody_looks_into_a_model_that_is_being_trained() -> None:
    model = FTRLModel(factors=0).fit(["a"], [1])
    stream = _core.Trainer(model._native, 2)
    looks = [
        lambda: model.predict(["a"]),
        lambda: model.weights(["a"]),
        lambda: model.save(os.devnull),
        lambda: model.partial_fit(["a"], [1]),
    ]
    for look in looks:
        with pytest.raises(ValueError, match="is being trained"):
            look()
    stream.finish()
    for look in looks[:2]:
        look()
