"""What was shown becomes samples, of the features that were scored; learning on them is learning on
the same samples given directly."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.errors import BrokenInputError, ParameterError
from fmtrain.serving import Code, SampleFile, Scorer, ServingError, SnapshotCache, feature_id

Row = dict[str, float]
SHOWN = [7, 2, 19, 2, 0]
LABELS = [0, 1, 0.25, 0, 1]


def some_rows(count: int, prefix: str, seed: int) -> list[Row]:
    draw = np.random.default_rng(seed)
    return [
        {f"{prefix}{name}": float(draw.integers(1, 9)) / 4 for name in draw.permutation(60)[:5]}
        for _ in range(count)
    ]


def as_text(row: Row) -> str:
    return " ".join(f"{name}:{x}" for name, x in row.items())


USER = some_rows(1, "u", 1)[0]
ITEMS = some_rows(40, "i", 2)
ITEM_IDS = np.arange(1000, 1000 + len(ITEMS))


@pytest.fixture(scope="module")
def model() -> FTRLModel:
    draw = np.random.default_rng(3)
    users, items = some_rows(500, "u", 4), some_rows(500, "i", 5)
    lines = [
        f"{draw.integers(2)} {as_text(user)} {as_text(item)}"
        for user, item in zip(users, items, strict=True)
    ]
    return FTRLModel(factors=4, l1=0.01, hash_seed=5).fit_stream([line.encode() for line in lines])


@pytest.fixture
def serving(
    model: FTRLModel, tmp_path: Path, fmtrain_cli: Callable[..., subprocess.CompletedProcess[bytes]]
) -> str:
    model.save(tmp_path / "model")
    out = tmp_path / "serving"
    done = fmtrain_cli("export", tmp_path / "model", "--to", "serving", "--out", out)
    assert done.returncode == 0, done.stderr
    return str(out)


@pytest.fixture
def scorer(serving: str) -> Scorer:
    return Scorer(serving, record=True, output="score")


def keep(scorer: Scorer, snapshots: SnapshotCache, request_id: str | bytes) -> Any:
    with scorer.request(USER) as request:
        scores = request.score(ITEMS, ITEM_IDS).scores
        snapshots.keep(request, request_id)
    return scores


def test_samples_are_what_was_scored(scorer: Scorer, model: FTRLModel) -> None:
    snapshots = SnapshotCache(max_bytes="1M", max_age=3600)
    scores = keep(scorer, snapshots, "r")
    samples = snapshots.take("r", ITEM_IDS[SHOWN], LABELS)
    for sample, place, label in zip(samples, SHOWN, LABELS, strict=True):
        row = {**USER, **ITEMS[place]}
        assert sample.item_id == ITEM_IDS[place]
        assert sample.label == label
        assert sample.ids.tolist() == [feature_id(name, 5) for name in row]
        assert sample.x.tolist() == list(row.values())
        assert model.decision_function([row])[0] == pytest.approx(scores[place], rel=1e-5)
    assert snapshots.stats.taken == 1
    assert snapshots.stats.requests == 0


def test_learning_on_a_file_is_learning_on_the_samples(
    scorer: Scorer, serving: str, tmp_path: Path
) -> None:
    snapshots = SnapshotCache(max_bytes="1M")
    path = tmp_path / "shown"
    with SampleFile(path, hash_seed=scorer.info.hash_seed) as file:
        for request_id in ("a", b"\xff\x00b"):
            keep(scorer, snapshots, request_id)
            shown = [*ITEM_IDS[SHOWN], 1]  # and one that was not scored
            labels = [*LABELS, 1]
            assert snapshots.take_to_file(request_id, shown, file, labels) == len(SHOWN)
        assert not path.exists()
    lines = [
        f"{label} {as_text(USER)} {as_text(ITEMS[place])}"
        for place, label in zip(SHOWN, LABELS, strict=True)
    ]
    by_file = FTRLModel.load(tmp_path / "model").fit_stream(str(path))
    by_text = FTRLModel.load(tmp_path / "model").fit_stream([line.encode() for line in 2 * lines])
    assert by_file.report_.log["sample"] == 2 * len(SHOWN)
    by_file.save(tmp_path / "by_file")
    by_text.save(tmp_path / "by_text")
    learned = (tmp_path / "by_file").read_bytes()
    assert learned == (tmp_path / "by_text").read_bytes()
    assert learned != (tmp_path / "model").read_bytes()


def test_keys_name_request_and_item(scorer: Scorer, tmp_path: Path) -> None:
    snapshots = SnapshotCache(max_bytes="1M")
    keep(scorer, snapshots, "7f3a")
    with SampleFile(tmp_path / "shown", hash_seed=5) as file:
        snapshots.take_to_file("7f3a", [1003, 1001], file)
    assert b"7f3a 10037f3a 1001" in (tmp_path / "shown").read_bytes()


def test_an_exception_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError), SampleFile(tmp_path / "shown"):
        raise KeyError
    dropped = SampleFile(tmp_path / "shown")
    del dropped
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_closed_once(scorer: Scorer, tmp_path: Path) -> None:
    snapshots = SnapshotCache(max_bytes="1M")
    keep(scorer, snapshots, "r")
    file = SampleFile(tmp_path / "shown")
    file.close()
    file.close()
    file.discard()
    assert (tmp_path / "shown").exists()
    with pytest.raises(ServingError, match="the file of samples is closed"):
        snapshots.take_to_file("r", [1000], file)
    assert len(snapshots.take("r", [1000])) == 1


def test_threads_share_snapshots_and_a_file(scorer: Scorer, tmp_path: Path) -> None:
    snapshots = SnapshotCache(max_bytes="64M")
    with SampleFile(tmp_path / "shown", hash_seed=5) as file:

        def serve(name: int) -> None:
            for turn in range(20):
                keep(scorer, snapshots, f"{name} {turn}")
                snapshots.take_to_file(f"{name} {turn}", ITEM_IDS[SHOWN], file, LABELS)

        threads = [Thread(target=serve, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert snapshots.stats.taken == 80
    learned = FTRLModel(hash_seed=5).fit_stream(str(tmp_path / "shown"))
    assert learned.report_.log["sample"] == 80 * len(SHOWN)


def test_the_oldest_leave_first(scorer: Scorer) -> None:
    one = SnapshotCache(max_bytes="1M")
    keep(scorer, one, "r")
    snapshots = SnapshotCache(max_bytes=int(2.5 * one.stats.bytes))
    for name in "abc":
        keep(scorer, snapshots, name)
    assert snapshots.stats.evicted == 1
    with pytest.raises(ServingError, match='there is no request "a"') as error:
        snapshots.take("a", [1000])
    assert error.value.code == Code.ENOTFOUND
    assert len(snapshots.take("b", [1000])) == 1


def test_another_models_file_is_refused(scorer: Scorer, tmp_path: Path) -> None:
    with SampleFile(tmp_path / "shown", hash_seed=6):
        pass
    with pytest.raises((ParameterError, BrokenInputError), match="packed with hash_seed 6"):
        FTRLModel.load(tmp_path / "model").fit_stream(str(tmp_path / "shown"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.take("r", [1000], [0, 1]), r"labels has the shape \(2,\), there are 1 shown"),
        (lambda s: s.take("r", np.array([1.5])), "shown: whole numbers"),
        (lambda s: s.take("", [1000]), "request_id is empty"),
        (lambda s: SnapshotCache(max_bytes=0), "max_bytes = 0 is not allowed"),
        (lambda s: SnapshotCache(max_bytes="1M", max_age=0), "max_age = 0 is not allowed"),
        (lambda s: SampleFile("/no/such/folder/file"), "/no/such/folder/file: cannot write"),
    ],
)
def test_a_bad_call_has_its_message_and_takes_nothing(
    scorer: Scorer, call: Callable[[SnapshotCache], Any], message: str
) -> None:
    snapshots = SnapshotCache(max_bytes="1M")
    keep(scorer, snapshots, "r")
    with pytest.raises((ParameterError, ServingError), match=message):
        call(snapshots)
    assert len(snapshots.take("r", [1000])) == 1


def test_what_cannot_be_kept_has_its_message(serving: str, scorer: Scorer) -> None:
    snapshots = SnapshotCache(max_bytes="1M")
    with Scorer(serving) as silent, silent.request(USER) as request:
        request.score(ITEMS, ITEM_IDS)
        with pytest.raises(ServingError, match="does not record"):
            snapshots.keep(request, "r")
    with scorer.request(USER) as request:
        request.score(ITEMS)
        with pytest.raises(ServingError, match="no item that has one of item_ids"):
            snapshots.keep(request, "r")
    with pytest.raises(ParameterError, match="the request is used outside of its `with`"):
        snapshots.keep(request, "r")
    assert snapshots.stats.kept == 0
