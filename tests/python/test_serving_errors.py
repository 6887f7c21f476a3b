"""What a scorer refuses, by which code and in which words; what it served stays."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain.errors import ParameterError
from fmtrain.serving import Code, Scorer, ServingError, Slot
from serving_hosts import ITEMS, USER, saved, trained


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(trained(), tmp_path_factory.mktemp("errors") / "model.fms")


@pytest.fixture
def scorer(path: Path) -> Iterator[Scorer]:
    with Scorer(path, output="score") as made:
        yield made


def test_bad_files(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    cases = {
        "gone": (None, Code.EIO, "No such file or directory"),
        "cut": (whole[:-1], Code.EFORMAT, ""),
        "empty": (b"", Code.EFORMAT, ""),
        "model": (path.with_suffix(".fmt").read_bytes(), Code.EFORMAT, ""),
        "flipped": (whole[:-1] + bytes([whole[-1] ^ 1]), Code.EFORMAT, "damaged"),
        "future": (whole[:8] + b"\x63" + whole[9:], Code.EVERSION, "newer fmtrain"),
    }
    for name, (data, code, words) in cases.items():
        bad = tmp_path / f"{name}.fms"
        if data is not None:
            bad.write_bytes(data)
        for copy in (False, True):
            with pytest.raises(ServingError) as refused:
                Scorer(bad, copy=copy)
            assert refused.value.code == code, name
            assert str(refused.value).startswith(f"{bad}: "), name
            assert words in str(refused.value)


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ServingError("m.fms: damaged", Code.EFORMAT)))
    assert (str(error), error.code) == ("m.fms: damaged", Code.EFORMAT)


def test_a_bad_model_leaves_the_good_one(scorer: Scorer, tmp_path: Path) -> None:
    before = scorer.score(ITEMS, USER).scores
    (tmp_path / "bad.fms").write_bytes(b"no model")
    with pytest.raises(ServingError):
        scorer.publish(tmp_path / "bad.fms")
    assert np.array_equal(scorer.score(ITEMS, USER).scores, before)
    assert scorer.stats.published == 1


def test_after_closing(path: Path) -> None:
    scorer = Scorer(path)
    scorer.score(ITEMS)
    scorer.close()
    scorer.close()
    for use in [
        lambda: scorer.score(ITEMS),
        lambda: scorer.publish(path),
        lambda: scorer.info,
        lambda: scorer.stats,
    ]:
        with pytest.raises(ServingError, match="the slot is closed") as refused:
            use()
        assert refused.value.code == Code.ESTATE


@pytest.mark.parametrize(
    ("items", "user", "item_ids", "words"),
    [
        (([0, 3], [1, 2], None), None, None, "items: row_ptr ends at 3, there are 2 ids"),
        (([], [1], None), None, None, "items: row_ptr ends at missing, there are 1 ids"),
        (([0, 1], [1], [1.0, 2.0]), None, None, r"items: x has the shape \(2,\), ids \(1,\)"),
        (([0, 1], np.array([1.5])), None, None, "items, ids: whole numbers in one dimension"),
        (([0, 1], [1.5]), None, None, "items, ids: whole numbers in one dimension"),
        (([0, 1], np.ones((1, 1), int)), None, None, "whole numbers .* not int64 in 2"),
        ((1,), None, None, r"items is a tuple of 1: give \(row_ptr, ids, x\)"),
        (ITEMS, None, [1, 2], "item_ids has 2 ids, there are 4 items"),
        (ITEMS, ([1, 2], [1.0]), None, r"user: x has the shape \(1,\), ids \(2,\)"),
        (ITEMS, 3, None, "user: whole numbers in one dimension are needed"),
        (["a b"], None, None, "text samples are scored one by one, by score_text"),
        ({"a": 1}, None, None, "X is one dict: give a list of rows"),
        ([{"a": math.nan}], None, None, "X, row 0, column 'a': Input contains NaN"),
    ],
)
def test_rows_that_are_none(
    scorer: Scorer, items: Any, user: Any, item_ids: Any, words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        scorer.score(items, user, item_ids)
    assert scorer.score(ITEMS).done == 4  # no request is left open


@pytest.mark.parametrize(
    ("items", "user", "words"),
    [
        (([0, 2, 1], [1, 2], None), None, "items: row_ptr falls at row 1, from 2 to 1"),
        (([0], []), ([1], [math.inf]), "user: x of feature 0 is not finite"),
    ],
)
def test_rows_that_the_library_refuses(scorer: Scorer, items: Any, user: Any, words: str) -> None:
    with pytest.raises(ServingError, match=words) as refused:
        scorer.score(items, user)
    assert refused.value.code == Code.EINVAL
    assert scorer.score(ITEMS).done == 4


def test_arguments(path: Path) -> None:
    with pytest.raises(ParameterError, match=r"output = 'raw' is not allowed: give one of"):
        Scorer(path, output="raw")  # type: ignore[arg-type]
    with (
        Slot() as slot,
        pytest.raises(ParameterError, match="md5, copy, item_cache_bytes are the slot's"),
    ):
        Scorer(slot, copy=True)


def test_another_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from fmtrain.serving import library

    monkeypatch.setenv("FMSCORE_LIBRARY", str(tmp_path / "none.so"))
    library.library.cache_clear()
    with pytest.raises(ServingError, match=r"none\.so: the scoring library cannot be loaded"):
        library.library()
    monkeypatch.undo()
    assert library.library().fms_abi_version() >> 16 == library.ABI_MAJOR
