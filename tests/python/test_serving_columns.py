"""Raw rows a column at a time: DataFrames, arrays and lists score as the same rows in JSON."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fmtrain import FTRLModel
from fmtrain.errors import ParameterError
from fmtrain.serving import Code, Item, Scorer, ServingError
from serving_hosts import saved

SCHEMA = {
    "format": "jsonl",
    "columns": {
        "click": {"role": "label"},
        "n": {"type": "number", "role": "item"},
        "f": {"type": "number", "role": "item", "transforms": ["boundaries 0.3 1 7"]},
        "flag": {"type": "number", "role": "item"},
        "at": {"type": "timestamp", "role": "item", "transforms": ["hour"]},
        "ad": {"role": "item"},
        "yes": {"role": "item"},
        "tags": {"type": "list", "role": "item"},
        "likes": {"type": "weighted-list", "role": "item"},
        "big": {"role": "item"},
        "strict": {"type": "number", "invalid-as": "reject", "role": "item"},
        "age": {"type": "number", "role": "user"},
        "city": {"role": "user"},
    },
    "features": {"city_ad": {"cross": ["city", "ad"]}},
}
ROWS = 40
USER = {"age": 31.5, "city": "Oslo"}


def columns() -> dict[str, list[Any]]:
    """Python's own values; None where a cell is missing."""
    rng = np.random.default_rng(2)
    start = datetime.datetime(2026, 11, 1)

    def holes(values: list[Any]) -> list[Any]:
        return [None if rng.random() < 0.2 else value for value in values]

    return {
        "n": rng.integers(-3, 3, ROWS).tolist(),
        "f": rng.integers(0, 64, ROWS).astype(np.float32).__truediv__(8).tolist(),
        "flag": (rng.random(ROWS) < 0.5).tolist(),
        "at": [start + datetime.timedelta(minutes=int(m)) for m in rng.integers(0, 9999, ROWS)],
        "ad": holes([f"ad {a}ü" for a in rng.integers(0, 5, ROWS)]),
        "yes": (rng.random(ROWS) < 0.5).tolist(),
        "tags": holes([["x", "y,z", "x"][:count] for count in rng.integers(0, 4, ROWS)]),
        "likes": holes([{"p": 0.5, "q": 2.0} if odd else {"r": 1.0} for odd in range(ROWS)]),
        "big": (rng.integers(2**62, 2**63 - 1, ROWS) // 2**60 * 2**60).tolist(),
        "strict": rng.integers(0, 3, ROWS).tolist(),
    }


def as_rows(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    told = {**table, "at": [at.isoformat() for at in table["at"]]}
    return [dict(zip(told, cells, strict=True)) for cells in zip(*told.values(), strict=True)]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scorer]:
    rng = np.random.default_rng(4)
    rows = [{**row, **USER, "click": int(rng.integers(0, 2))} for row in as_rows(columns())] * 5
    model = FTRLModel(factors=3, l1=0, v_start="kept", init_stdev=0.2, schema=SCHEMA)
    model.fit_stream(rows)
    path = saved(model, tmp_path_factory.mktemp("columns") / "model.fms")
    with Scorer(path, output="score") as made:
        yield made


def arrays(table: dict[str, list[Any]]) -> dict[str, Any]:
    """As numpy would hold them; objects where it cannot."""
    kept = {name: np.array(table[name]) for name in ("n", "f", "flag", "yes", "big", "strict")}
    seconds = np.array(table["at"], dtype="datetime64[s]")
    return {**table, **kept, "at": seconds, "n": kept["n"].astype(np.int8)}


def narrow(table: dict[str, list[Any]]) -> dict[str, Any]:
    given = arrays(table)
    at = given["at"].astype(np.int64).astype(np.float64)
    return {**given, "f": given["f"].astype(np.float16), "flag": given["flag"] * 1.0, "at": at}


def zoned(table: dict[str, list[Any]]) -> pd.DataFrame:
    """pandas' own types: nullable numbers, categories, a time of another zone."""
    frame = pd.DataFrame(table)
    at = frame["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    ad = frame["ad"].astype("category")
    return frame.assign(
        at=at, ad=ad, n=frame["n"].astype("Int64"), yes=frame["yes"].astype("boolean")
    )


FORMS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "lists": lambda table: {**table, "at": [at.isoformat() for at in table["at"]]},
    "arrays": arrays,
    "narrow": narrow,
    "pandas": pd.DataFrame,
    "zoned": zoned,
    "polars": lambda table: pl.DataFrame({**table, "likes": [None] * ROWS}),
}


@pytest.mark.parametrize("user", [None, USER])
@pytest.mark.parametrize("form", FORMS)
def test_columns_score_as_rows(scorer: Scorer, form: str, user: dict[str, Any] | None) -> None:
    table = columns()
    if form == "polars":  # which has no dicts of any keys
        table["likes"] = [None] * ROWS
    told = scorer.score(as_rows(table), user)
    assert set(told.status.tolist()) == {Item.OK}
    assert len(np.unique(told.scores)) > 10
    found = scorer.score(FORMS[form](table), user)
    assert found.status.tolist() == told.status.tolist()
    assert np.array_equal(found.scores, told.scores)


def test_missing_numbers(scorer: Scorer) -> None:
    told = scorer.score([{"n": 1, "f": None}, {"n": None, "f": 2.5}, {}]).scores
    nan = np.nan
    for items in [
        {"n": [1, None, None], "f": [None, 2.5, None]},
        {"n": np.array([1, nan, nan]), "f": np.array([nan, 2.5, nan], dtype=np.float32)},
        pd.DataFrame({"n": pd.array([1, None, None], dtype="Int32"), "f": [nan, 2.5, nan]}),
        pl.DataFrame({"n": [1, None, None], "f": [None, 2.5, None]}),
    ]:
        assert np.array_equal(scorer.score(items).scores, told)


def test_columns_that_the_schema_does_not_have(scorer: Scorer) -> None:
    told = scorer.score([{"ad": "ad 1ü"}]).scores
    assert np.array_equal(scorer.score({"ad": ["ad 1ü"], "other": [object(), 2]}).scores, told)


def test_rows_that_are_bad(scorer: Scorer) -> None:
    found = scorer.score({"strict": ["1", "what", "2"], "ad": ["a", "b", "c"]})
    assert found.status.tolist() == [Item.OK, Item.BAD, Item.OK]
    assert found.scores[1] == np.float32(scorer.info.prior)
    assert scorer.stats.bad_rows == 1
    found = scorer.score(['{"strict": 1}', "no object", b'{"strict": 2}'])
    assert found.status.tolist() == [Item.OK, Item.BAD, Item.OK]


def test_the_users_form_is_the_items(scorer: Scorer) -> None:
    ids = np.array([1, 2], dtype=np.uint64)
    with pytest.raises(ServingError, match="another form than the user") as refused:
        scorer.score([{"ad": "x"}], ids)
    assert refused.value.code == Code.EINVAL
    with scorer.request(USER, form="columns") as request:
        by_columns = request.score({"ad": ["x", "y"]}).scores
    assert np.array_equal(by_columns, scorer.score([{"ad": "x"}, {"ad": "y"}], USER).scores)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"ad": ["a"], "n": [1, 2]}, r"columns have different lengths: {'ad': 1, 'n': 2}"),
        ({"what": [1]}, "no column is the schema's; it has click, n, f, flag"),
        ({"tags": [["a"], {"b": 1}]}, "column 'tags', row 0: a list among dicts"),
        ({"ad": [object()]}, "column 'ad': <object object at .*> is no number, text or list"),
        (
            {"big": np.array([2**63], dtype=np.uint64)},
            f"column 'big': {2**63} is beyond 64-bit integers with a sign: give it as text",
        ),
        ('{"ad": 1}', "items is a str: give a list of dicts, a DataFrame, a dict of columns, or"),
        ([{"ad": object()}], "X, row 0: no row of a table"),
        ([{"ad": "a"}, 3], "X, row 1: a int among dicts"),
    ],
)
def test_columns_that_are_none(scorer: Scorer, items: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        scorer.score(items)


def test_the_schema_is_told(scorer: Scorer, tmp_path: Path) -> None:
    assert scorer.info.schema == SCHEMA
    assert scorer.info.column_types is not None
    assert scorer.info.column_types["tags"] == "list"
    assert scorer.info.column_types["ad"] == "category"
