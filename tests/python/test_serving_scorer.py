"""Scorer: every form of rows, users, deadlines, threads, and what it refuses in which words."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fmtrain import FTRLModel
from fmtrain.errors import ParameterError
from fmtrain.serving import Code, Item, Scorer, ServingError, Slot, feature_id
from serving_hosts import ITEMS, USER, csr, saved, trained


@pytest.fixture(scope="module")
def model() -> FTRLModel:
    return trained()


@pytest.fixture(scope="module")
def path(model: FTRLModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(model, tmp_path_factory.mktemp("scorer") / "model.fms")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(trained(seed=1), tmp_path_factory.mktemp("scorer") / "other.fms")


@pytest.fixture
def scorer(path: Path) -> Iterator[Scorer]:
    with Scorer(path, output="score") as made:
        yield made


def expected(model: FTRLModel, user: dict[str, float]) -> np.ndarray[Any, Any]:
    return model.decision_function([{**user, **item} for item in ITEMS]).astype(np.float32)


# ---- forms ----


@pytest.mark.parametrize("user", [None, USER])
@pytest.mark.parametrize("form", [lambda rows: rows, csr], ids=["dicts", "csr"])
def test_scores_are_the_models(
    scorer: Scorer, model: FTRLModel, form: Callable[..., Any], user: dict[str, float] | None
) -> None:
    found = scorer.score(form(ITEMS), user)
    assert found.scores.dtype == np.float32
    assert np.array_equal(found.scores, expected(model, user or {}))
    assert found.status.tolist() == [Item.OK] * 4
    assert found.done == 4


def test_a_user_of_ids(scorer: Scorer, model: FTRLModel) -> None:
    _, ids, x = csr([USER])
    assert np.array_equal(scorer.score(csr(ITEMS), (ids, x)).scores, expected(model, USER))
    ones = dict.fromkeys(USER, 1.0)
    assert np.array_equal(scorer.score(csr(ITEMS), ids).scores, expected(model, ones))
    assert np.array_equal(scorer.score(csr(ITEMS), ids.tolist()).scores, expected(model, ones))


def test_values_may_be_left_out(scorer: Scorer, model: FTRLModel) -> None:
    row_ptr, ids, _ = csr(ITEMS)
    ones = model.decision_function([dict.fromkeys(item, 1.0) for item in ITEMS])
    for items in [(row_ptr, ids), (row_ptr, ids, None), (row_ptr.tolist(), ids.tolist())]:
        assert np.array_equal(scorer.score(items).scores, ones.astype(np.float32))
    # Ids that somebody took for signed ones.
    assert np.array_equal(
        scorer.score((row_ptr, ids.view(np.int64))).scores, ones.astype(np.float32)
    )


def test_matrices(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 5)) * (rng.random((40, 5)) < 0.5)
    model = FTRLModel(factors=2, v_start="kept", l1=0).fit(X, rng.integers(0, 2, 40))
    with Scorer(saved(model, tmp_path / "m.fms"), output="score") as scorer:
        told = model.decision_function(X).astype(np.float32)
        assert np.array_equal(scorer.score(X).scores, told)
        assert np.array_equal(scorer.score(sparse.csr_matrix(X)).scores, told)


def test_no_items(scorer: Scorer) -> None:
    for items in [[], ([0], [])]:
        found = scorer.score(items, USER)
        assert (len(found.scores), len(found.status), found.done) == (0, 0, 0)


def test_text_samples(scorer: Scorer, model: FTRLModel) -> None:
    lines = ["1 a b:0.5", b"0:2 c:2 u # key", "a"]
    told = [model.decision_function([line])[0] for line in ["a b:0.5", "c:2 u"]]
    assert np.array_equal(scorer.score_text(lines[:2]), np.array(told, dtype=np.float32))
    assert scorer.score_text(lines[0]).shape == (1,)
    with pytest.raises(ServingError) as refused:
        scorer.score_text(lines)
    assert refused.value.code == Code.EINVAL


def test_predictions(path: Path, model: FTRLModel) -> None:
    with Scorer(path) as scorer:
        found = scorer.score(ITEMS, USER).scores
    p = model.predict_proba([{**USER, **item} for item in ITEMS])[:, 1]
    assert np.allclose(found, p, rtol=1e-6, atol=0)


# ---- requests ----


def test_a_request_keeps_its_model(scorer: Scorer, other: Path) -> None:
    before = scorer.score(ITEMS, USER).scores
    with scorer.request(USER) as request:
        serial = request.info.serial
        scorer.publish(other)
        assert scorer.reclaim() == 1
        assert np.array_equal(request.score(ITEMS).scores, before)
        assert np.array_equal(request.score(ITEMS[:2]).scores, before[:2])
        assert request.info.serial == serial
    assert scorer.reclaim() == 0
    assert scorer.info.serial == serial + 1
    assert not np.array_equal(scorer.score(ITEMS, USER).scores, before)


def test_one_request_at_a_time(scorer: Scorer) -> None:
    with scorer.request(USER):
        with pytest.raises(ServingError, match="call fms_request_end first") as refused:
            scorer.request(USER).__enter__()
        assert refused.value.code == Code.ESTATE
    scorer.score(ITEMS, USER)  # nothing is left of it


def test_deadlines(scorer: Scorer) -> None:
    many = csr(ITEMS * 100)
    for late in [{"deadline": -1.0}, {"deadline_ns": time.monotonic_ns() - 1}, {"deadline": -1e9}]:
        found = scorer.score(many, USER, **late)
        assert found.done == 0
        assert np.isnan(found.scores).all()
        assert set(found.status.tolist()) == {Item.NOT_SCORED}
    for early in [{"deadline": 3600.0}, {"deadline_ns": time.monotonic_ns() + 10**12}, {}]:
        assert scorer.score(many, USER, **early).done == 400
    stats = scorer.stats
    assert (stats.cut_off, stats.scored, stats.requests) == (1200, 1200, 6)
    with pytest.raises(ParameterError, match="deadline and deadline_ns are the same thing"):
        scorer.score(many, deadline=1, deadline_ns=1)
    with pytest.raises(ParameterError, match="deadline_ns = 0 is not allowed"):
        scorer.score(many, deadline_ns=0)


def test_what_is_not_finite(scorer: Scorer, model: FTRLModel) -> None:
    row_ptr, ids, x = csr(ITEMS)
    x[2] = math.nan
    found = scorer.score((row_ptr, ids, x))
    assert found.status.tolist() == [Item.OK, Item.NONFINITE, Item.OK, Item.OK]
    assert found.scores[1] == np.float32(scorer.info.prior)
    assert np.array_equal(found.scores[[0, 2, 3]], expected(model, {})[[0, 2, 3]])
    assert scorer.stats.nonfinite == 1


def test_explanations_add_up(scorer: Scorer) -> None:
    for user in [None, USER]:
        found = scorer.explain([ITEMS[3]], user)
        names = [*(user or {}), *ITEMS[3]]
        assert found.ids.tolist() == [feature_id(name, 0) for name in names]
        assert found.known.tolist() == [name != "unseen" for name in names]
        assert found.x.tolist() == [{**USER, **ITEMS[3]}[name] for name in names]
        added = found.bias + found.linear.sum() + found.pairwise.sum()
        assert added == pytest.approx(found.score, abs=1e-6)
        assert found.score == pytest.approx(float(scorer.score([ITEMS[3]], user).scores[0]))
    with pytest.raises(ParameterError, match="one item is explained at a time, 4 were given"):
        scorer.explain(ITEMS)


# ---- models, slots ----


def test_info(scorer: Scorer, model: FTRLModel, path: Path) -> None:
    info = scorer.info
    assert (info.features, info.factors) == (len(model), 4)
    assert (info.precision, info.link, info.hash_seed) == ("float32", "sigmoid", 0)
    assert info.schema is None
    assert info.column_types is None
    assert info.file_bytes == path.stat().st_size
    assert info.golden_shift == 0
    assert info.golden_rows > 0


def test_names_are_hashed_with_the_models_seed(tmp_path: Path) -> None:
    model = trained(hash_seed=7)
    with Scorer(saved(model, tmp_path / "m.fms"), output="score") as scorer:
        assert scorer.info.hash_seed == 7
        assert np.array_equal(scorer.score(ITEMS, USER).scores, expected(model, USER))


def test_a_model_of_other_ids_is_published_as_a_request_begins(
    scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, model = scorer.info, trained(hash_seed=7)
    scorer.publish(saved(model, tmp_path / "m.fms"))
    monkeypatch.setattr(Slot, "info", property(lambda slot: before))
    assert np.array_equal(scorer.score(ITEMS, USER).scores, expected(model, USER))
    assert scorer.stats.requests == 2  # the first one's user was of the old ids


def test_scorers_share_a_slot(path: Path, other: Path) -> None:
    with Slot() as slot:
        scores, predictions = Scorer(slot, output="score"), Scorer(slot)
        with pytest.raises(ServingError, match="no model was published") as refused:
            scores.score(ITEMS)
        assert refused.value.code == Code.ENOMODEL
        slot.publish(path)
        first = scores.score(ITEMS).scores
        assert np.allclose(predictions.score(ITEMS).scores, 1 / (1 + np.exp(-first)))
        predictions.publish(other)
        assert not np.array_equal(scores.score(ITEMS).scores, first)
        predictions.close()  # the slot is not its own
        scores.score(ITEMS)
        assert slot.stats.published == 2


def test_an_item_cache(path: Path, other: Path) -> None:
    ids = [11, 12, 13, 2**64 - 1]
    with Scorer(path, output="score", item_cache_bytes=1 << 20) as scorer:
        plain = scorer.score(ITEMS, USER).scores
        assert scorer.stats.cache_misses == 0
        missed = scorer.score(ITEMS, USER, ids).scores
        hit = scorer.score(ITEMS, USER, np.array(ids, dtype=np.uint64)).scores
        assert np.array_equal(missed, hit)
        assert np.allclose(hit, plain, rtol=1e-5)
        stats = scorer.stats
        assert (stats.cache_misses, stats.cache_hits) == (4, 4)
        scorer.publish(other)  # which has a cache of its own
        scorer.score(ITEMS, USER, ids)
        assert scorer.stats.cache_misses == 8


def test_copies_and_md5(path: Path) -> None:
    import hashlib

    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    with Scorer(path, output="score") as mapped:
        told = mapped.score(ITEMS, USER).scores
    with Scorer(path, output="score", md5=md5.upper(), copy=True) as copied:
        assert np.array_equal(copied.score(ITEMS, USER).scores, told)
    with pytest.raises(ServingError, match=f"{path}: its md5 is {md5}, not {'0' * 32}") as refused:
        Scorer(path, md5="0" * 32)
    assert refused.value.code == Code.ECHECKSUM


# ---- threads ----


def test_threads_score_while_models_are_published(path: Path, other: Path) -> None:
    """Each score is one of the two models', whole; and what was replaced goes."""
    with Scorer(path, output="score", item_cache_bytes=1 << 16) as scorer:
        items, item_ids, (_, ids, x) = csr(ITEMS * 8), np.arange(32), csr([USER])
        allowed = []
        for model in (path, other):
            scorer.publish(model)
            allowed.append(scorer.score(items, (ids, x), item_ids).scores)
        wrong: list[Any] = []
        stop = Event()

        def work() -> None:
            rounds = 0
            while not stop.is_set() or rounds < 20:
                found = scorer.score(items, (ids, x), item_ids).scores
                if not any(np.array_equal(found, scores) for scores in allowed):
                    wrong.append(found)
                rounds += 1

        threads = [Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for number in range(200):
            scorer.publish((path, other)[number % 2])
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong
        assert scorer.reclaim() == 0
        stats = scorer.stats
        assert stats.published == 203
        assert stats.scored == stats.requests * 32
        assert stats.requests >= 2 + 8 * 20
        assert stats.cache_hits + stats.cache_misses == stats.scored


def test_contexts_go_with_their_threads(path: Path) -> None:
    with Scorer(path) as scorer:
        for _ in range(3):
            thread = Thread(target=scorer.score, args=(ITEMS,))
            thread.start()
            thread.join()
        assert scorer.stats.scored == 12
