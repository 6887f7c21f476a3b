"""fmtrain schema: a proposal from raw rows, and the other commands on it."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmtrain.errors import BrokenInputError, FileError, ParameterError
from fmtrain.features import sample as sampling
from fmtrain.features.guess import Column, kind_of
from fmtrain.features.propose import describe, propose
from fmtrain.features.sample import read_delimited, split
from fmtrain.features.schema import Schema


def proposed(path: Path, text: str | bytes, **options: Any) -> dict[str, Any]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Schema.parse(propose(str(path), **options), "toml").document


def rows_of(*columns: Any, separator: str = "\t", header: str = "") -> str:
    """Columns (each a function of the row's number, or a cell) as text."""
    lines = [header] if header else []
    for i in range(200):
        cells = [column(i) if callable(column) else column for column in columns]
        lines.append(separator.join(map(str, cells)))
    return "\n".join(lines) + "\n"


def kind(*cells: Any, name: str = "x") -> dict[str, Any]:
    return kind_of(Column(name, cells))


# ---- how rows are laid out ----


@pytest.mark.parametrize(
    ("separator", "keys"),
    [
        ("\t", {"format": "tsv"}),
        (",", {"format": "csv"}),
        (";", {"format": "csv", "separator": ";"}),
        ("|", {"format": "csv", "separator": "|"}),
    ],
)
def test_the_separator(tmp_path: Path, separator: str, keys: dict[str, Any]) -> None:
    text = rows_of(lambda i: i % 2, lambda i: i / 7, lambda i: f"c{i % 5}", separator=separator)
    found = proposed(tmp_path / "data", text)
    assert found.pop("columns") == {
        "label": {"role": "label"},
        "c2": {"type": "number", "transforms": ["equal-frequency 20"]},
        "c3": {"type": "category"},
    }
    assert found == {"header": False, **keys}


def test_a_header(tmp_path: Path) -> None:
    text = rows_of(lambda i: i, lambda i: i % 2, separator=",", header="age,click")
    found = proposed(tmp_path / "data.csv", "\ufeff" + text)
    assert found["header"] is True
    assert found["columns"]["click"] == {"role": "label"}
    assert list(found["columns"]) == ["age", "click"]
    assert proposed(tmp_path / "data.csv", text, header=False)["header"] is False
    all_text = rows_of(lambda i: f"a{i % 3}", lambda i: "xy"[i % 2], header="site\tside")
    assert list(proposed(tmp_path / "data.tsv", all_text)["columns"]) == ["site", "side"]
    no_header = rows_of(lambda i: f"a{i % 3}", lambda i: "xy"[i % 2])
    assert list(proposed(tmp_path / "data.tsv", no_header)["columns"]) == ["c1", "c2"]


def test_the_index_of_pandas_is_not_read(tmp_path: Path) -> None:
    text = rows_of(lambda i: i, lambda i: i % 2, lambda i: i / 3, separator=",", header=",y,x")
    assert list(proposed(tmp_path / "data.csv", text)["columns"]) == ["y", "x"]


def test_quotes(tmp_path: Path) -> None:
    text = rows_of(lambda i: f'"a, ""{i % 3}"""', lambda i: i % 2, separator=",")
    found = proposed(tmp_path / "data.csv", text)
    assert found["columns"]["c1"] == {"type": "category"}
    assert "quote" not in found
    tabs = rows_of(lambda i: f'"a\t{i % 3}"', lambda i: i % 2)
    assert proposed(tmp_path / "data.tsv", tabs)["quote"] == '"'
    inches = rows_of(lambda i: f'{i % 5}" wide', lambda i: i % 2, separator=",")
    assert proposed(tmp_path / "data.csv", inches)["quote"] == ""


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("a,,b", ["a", "", "b"]),
        ("a,", ["a", ""]),
        ("", [""]),
        ('"a,""b""",c', ['a,"b"', "c"]),
        ('"",""', ["", ""]),
        ('a"b,c', ['a"b', "c"]),
        ('"a"b,c', None),
        ('"a', None),
        ('a,"b""', None),
    ],
)
def test_cells_of_a_line(line: str, cells: list[str] | None) -> None:
    assert split(line, ",", '"') == cells


def test_rows_of_another_width_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    text = "|1x3 a title\n" + rows_of(lambda i: i % 2, lambda i: i, separator=",") + "1,2,3\n\n"
    path.write_text(text)
    assert "# Left out: 2 rows not like the others" in propose(str(path))


def test_missing_tokens_and_blanks(tmp_path: Path) -> None:
    tokens = ["", "NULL", "\\N", "?"]
    text = rows_of(lambda i: i % 2, lambda i: f" {i if i % 5 else tokens[i % 4]} ", separator=",")
    found = proposed(tmp_path / "data.csv", text)
    assert found["missing"] == ["", "NULL", "\\N", "?"]
    assert found["trim"] is True
    assert found["columns"]["c2"]["type"] == "number"
    assert "20.0% missing" in propose(str(tmp_path / "data.csv"))


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {
            "click": i % 2 == 0,
            "price": i * 0.5,
            "tags": ["a", "b"],
            "likes": {"a": 0.5},
            "odd": [[1]],
            "site": f"s{i % 4}",
        }
        for i in range(100)
    ]
    rows.append({"late": 1})
    text = "\n".join(map(json.dumps, rows)) + "\nnot json\n"
    found = proposed(tmp_path / "data", text)
    assert found["format"] == "jsonl"
    assert found["columns"] == {
        "click": {"role": "label"},
        "price": {"type": "number", "transforms": ["equal-frequency 20"]},
        "tags": {"type": "list"},
        "likes": {"type": "weighted-list"},
        "odd": {"role": "ignore"},
        "site": {"type": "category"},
        "late": {"type": "category"},
    }


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table(
        {
            "y": [i % 2 for i in range(100)],
            "x": [None if i % 4 == 0 else i / 3 for i in range(100)],
            "at": [datetime(2024, 5, 1, i % 24) for i in range(100)],
            "day": [date(2024, 5, 1 + i % 30) for i in range(100)],
            "tags": [["a", "b"][: i % 3] for i in range(100)],
        }
    )
    path = tmp_path / "data"  # known by what is in it
    parquet.write_table(table, path)
    found = Schema.parse(propose(str(path), rows=50), "toml").document
    assert found["format"] == "parquet"
    assert found["columns"] == {
        "y": {"role": "label"},
        "x": {"type": "number", "transforms": ["equal-frequency 20"]},
        "at": {"type": "timestamp", "role": "ignore"},
        "day": {"type": "timestamp", "role": "ignore"},
        "tags": {"type": "list"},
    }
    assert list(found["features"]) == ["at_hour", "at_weekday", "day_weekday"]
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BrokenInputError, match=r"bad\.parquet: cannot be read as Parquet: "):
        propose(str(tmp_path / "bad.parquet"))


# ---- what columns are ----


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        ([str(i) for i in range(100)], {"type": "number", "transforms": ["equal-frequency 20"]}),
        (
            [str(i**4) for i in range(100)],
            {"type": "number", "transforms": ["log", "equal-frequency 20"]},
        ),
        (["0.5", "1.5"] * 50, {"type": "number", "transforms": ["equal-frequency 20"]}),
        (["-1", "70000"] * 50, {"type": "number", "transforms": ["equal-frequency 20"]}),
        ([str(i % 9) for i in range(100)], {"type": "category"}),
        ([f"{i:05}" for i in range(100)], {"type": "category"}),
        ([str(10**10 + i) for i in range(100)], {"type": "category"}),
        (["1", "x"] * 50, {"type": "category"}),
        ([*map(str, range(200)), "x", "inf"], {"type": "number"}),
        (["2024-05-01", "2024-05-02T10:00:00.5+08:00"], {"type": "timestamp"}),
        (["a,b", "b", "a,b,c"] * 9, {"type": "list"}),
        (["a;b", "b", "a;b;c"] * 9, {"type": "list", "separator": ";"}),
        (["a:0.5,b:1", "b:0.25"] * 9, {"type": "weighted-list"}),
        (["1:0.5|2:1", "3:0.25"] * 9, {"type": "weighted-list", "separator": "|"}),
        (["12:30", "13:10"] * 9, {"type": "category"}),
        (["Smith, John", "Doe, Jane"] * 9, {"type": "category"}),
        ([f"a title of {i} words" for i in range(50)], {"type": "text"}),
        ([None, ""], {}),
    ],
)
def test_kinds(cells: list[str], keys: dict[str, Any]) -> None:
    found = kind(*cells)
    assert {key: found[key] for key in keys} == keys
    assert bool(found) == bool(keys)


def test_kinds_by_name() -> None:
    ids = [str(i * 37) for i in range(1000)]
    assert kind(*ids)["type"] == "number"
    assert kind(*ids, name="user_id")["type"] == "category"
    assert kind(*ids, name="adId")["type"] == "category"
    assert kind(*ids, name="paid")["type"] == "number"
    seconds = [str(1_700_000_000 + i) for i in range(1000)]
    assert kind(*seconds, name="event_time") == {"type": "timestamp"}
    assert kind(*seconds)["type"] == "category"


@pytest.mark.parametrize(
    ("name", "cells", "keys"),
    [
        ("clicked", "01", {"role": "label"}),
        ("Label", ("-1", "1"), {"role": "label"}),
        ("target", ("yes", "no"), {"role": "label", "positive": ["yes"]}),
        ("y", ("big", "small", "small"), {"role": "label", "positive": ["big"]}),
        ("y", ("0.25", "1.0", "0"), {"role": "label"}),
        ("y", ("a", "b", "c"), {"type": "category"}),
        ("first", "01", {"role": "label"}),
    ],
)
def test_labels(tmp_path: Path, name: str, cells: Any, keys: dict[str, Any]) -> None:
    text = rows_of(lambda i: f"v{i}", lambda i: cells[i % len(cells)], header=f"x\t{name}")
    assert proposed(tmp_path / "data.tsv", text, header=True)["columns"][name] == keys


def test_a_label_by_name_comes_before_one_by_values(tmp_path: Path) -> None:
    text = rows_of(lambda i: i % 2, lambda i: i // 2 % 2, header="mobile\tclick")
    assert proposed(tmp_path / "data.tsv", text)["columns"] == {
        "mobile": {"type": "category"},
        "click": {"role": "label"},
    }


def test_notes(tmp_path: Path) -> None:
    text = rows_of(
        *(lambda i: f"s{i}", lambda i: i / 7, lambda i: f"r{i}", lambda i: "ab"[i % 3 == 0], ""),
        header="session_id\tweight\tref\tincome\tempty",
    )
    (tmp_path / "data.tsv").write_text(text)
    assert (
        propose(str(tmp_path / "data.tsv"))
        == f"""\
# Proposed by `fmtrain schema init` from 200 rows of {tmp_path / "data.tsv"}:
# a guess, to be corrected by you. `fmtrain schema check` looks for mistakes in it,
# `fmtrain schema fit` learns the bins that it asks for.
# No label was found. Say which column it is: {{ role = "label" }} where it is 0, 1,
# else {{ role = "label", positive = ["..."] }} with the values that mean 1.
format = "tsv"
header = true

[columns]
# 200 values, none missing: s0, s1, s2, s3, s4, ...
# if rows of one value belong together in the evaluation: {{ role = "key" }}
session_id = {{ type = "category" }}
# 200 values, none missing: 0 to 28.4286
# if it is the weight of the row: {{ role = "weight" }}
weight = {{ type = "number", transforms = ["equal-frequency 20"] }}
# 200 values, none missing: r0, r1, r2, r3, r4, ...
# all values differ: {{ role = "ignore" }} unless they will come again
ref = {{ type = "category" }}
# 2 values, none missing: a, b
# if it is the label: {{ role = "label", positive = ["b"] }}
income = {{ type = "category" }}
# 0 values, 100.0% missing
# nothing seen
empty = {{ role = "ignore" }}
"""
    )


# ---- what cannot be proposed from ----


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "no rows to propose a schema from"),
        ("1\n0\n", {}, "no column in its 2 rows has values to learn from: give --format"),
        (",\n", {}, "no column in its 1 row has values to learn from: give --format"),
        ("a,b\n", {"header": True}, "no rows to propose a schema from"),
        ("a,a\n1,2\n", {"header": True}, "the header names 'a' twice: a schema needs every colum"),
        (b"a,\xff\n1,2\n", {"header": True}, "the header's name '\\xff' is no UTF-8, and a sc"),
        ("a,b,c\n1,2\n1,2\n", {"header": True}, "the header has 3 cells and the rows have 2: is"),
        ("," * 20_000 + "\n", {}, "20,001 columns: a schema is proposed for at most 10,000; is '"),
        ('{"a\\ud800": 1}', {}, "is no UTF-8"),
    ],
)
def test_errors(tmp_path: Path, text: str | bytes, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        proposed(tmp_path / "data.txt", text, **options)
    assert str(caught.value).startswith(str(tmp_path / "data.txt: "))
    assert message in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    data = b"".join(b"%d\t\xff\x1b%d\t\xc3\xa9\n" % (i % 2, i % 3) for i in range(50))
    found = proposed(tmp_path / "data.tsv", data)
    assert found["columns"]["c2"] == {"type": "category"}
    assert "\\xff\\x1b0" in propose(str(tmp_path / "data.tsv"))


cells = st.text(st.characters(exclude_characters="\n\r"), max_size=12) | st.sampled_from(
    ["0", "1", "1.5", "-3", "nan", "", "?", "a:0.5,b:1", "x,y", "2024-05-01", "NULL", '"', '"a"']
)


@given(
    st.lists(st.lists(cells, min_size=3, max_size=3).map("\t".join), min_size=1, max_size=9),
    st.sampled_from([None, "tsv", "csv"]),
    st.sampled_from([None, False]),
)
def test_every_proposal_is_a_schema(
    lines: list[str], format: str | None, header: bool | None
) -> None:
    try:
        sample = read_delimited("data", lines, format, header, None)
        text = describe(sample)
    except ParameterError:
        return
    found = Schema.parse(text, "toml")
    assert len(found.columns) == len([name for name in sample.names if name or not sample.named])


# ---- sources ----


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = rows_of(lambda i: i % 2, lambda i: i / 7)
    (tmp_path / "plain.tsv").write_text(text)
    (tmp_path / "packed.tsv.gz").write_bytes(gzip.compress(text.encode()))
    ends = [propose(str(tmp_path / name)) for name in ("plain.tsv", "packed.tsv.gz", "*.tsv")]
    assert len({end.split("\n", 1)[1] for end in ends}) == 1
    # One that would not end, stopped when enough was seen.
    assert "from 100 rows of yes" in propose("exec:yes '0\t1'", rows=100)
    with pytest.raises(BrokenInputError, match="failed with exit code 3"):
        propose("exec:exit 3")
    with pytest.raises(FileError, match="cannot read: No such file or directory"):
        propose(str(tmp_path / "none.tsv"))
    monkeypatch.setattr(sampling, "HEAD_BYTES_MAX", 1)
    assert "from 200 rows" in propose(str(tmp_path / "plain.tsv"))
    with pytest.raises(ParameterError, match=r"/dev/zero: no line ends in its first 0 MiB"):
        propose("/dev/zero")


# ---- real data ----


def test_criteo(shared: Path) -> None:
    path = shared / "data" / "criteo" / "raw.tsv.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data/criteo")
    found = Schema.parse(propose(str(path)), "toml").document
    columns = list(found.pop("columns").items())
    assert found == {"format": "tsv", "header": False}
    assert columns[0] == ("label", {"role": "label"})
    assert len(columns) == 40
    # I10 has a few small values.
    assert [name for name, keys in columns if keys.get("type") == "number"] == [
        f"c{i}" for i in range(2, 15) if i != 11
    ]
    assert all(keys == {"type": "category"} for _, keys in columns[14:])


def test_adult(shared: Path) -> None:
    path = shared / "data" / "adult" / "adult.data.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data/adult")
    text = propose(str(path))
    found = Schema.parse(text, "toml").document
    assert {key: found[key] for key in ("format", "header", "trim", "missing")} == {
        "format": "csv",
        "header": False,
        "trim": True,
        "missing": ["", "?"],
    }
    numbers = [name for name, keys in found["columns"].items() if keys["type"] == "number"]
    assert numbers == ["c1", "c3", "c11", "c12", "c13"]
    assert '# if it is the label: { role = "label", positive = [">50K"] }\nc15 = ' in text
