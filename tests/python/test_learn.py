"""What `schema fit` learns: against numpy, for any way the rows arrive; and what it refuses."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmtrain.errors import BadInputError, BrokenInputError, ParameterError, SchemaError
from fmtrain.features.encoder import Encoder
from fmtrain.features.learn import learn, learn_schema, profile_rows
from fmtrain.features.schema import Schema

SCHEMA: dict[str, Any] = {
    "columns": {
        "label": {"role": "label"},
        "a": {"type": "number", "transforms": ["log", "equal-frequency 10"]},
        "b": {"type": "number", "transforms": ["equal-width 4"]},
        "c": {"type": "category"},
        "t": {"type": "weighted-list", "transforms": ["min-max"]},
        "u": {"type": "number", "role": "ignore"},
    },
    "features": {
        "bz": {"from": "b", "transforms": ["clip -2 2", "z-score"]},
        "ab": {"cross": ["a", "b"]},
    },
}
ROWS = 200_000  # several chunks


class Data:
    def __init__(self, rows: int) -> None:
        random = np.random.default_rng(4)
        self.a = np.where(random.random(rows) < 0.2, np.nan, random.integers(-50, 10_000, rows))
        self.b = random.normal(1e6, 1, rows)
        self.t = random.integers(1, 9, (rows, 2))
        cells = zip(self.a.tolist(), self.b.tolist(), self.t.tolist(), strict=True)
        self.rows = [
            ("1", "" if a != a else str(int(a)), repr(b), "k", f"x:{t[0]},y:{t[1]}", "7")
            for a, b, t in cells
        ]
        self.text = "".join("\t".join(row) + "\n" for row in self.rows).encode()


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(ROWS)


@pytest.fixture(scope="module")
def learned(data: Data) -> Schema:
    return learn_schema(SCHEMA, data.text, exact_max=ROWS)


def test_against_numpy(data: Data, learned: Schema) -> None:
    found, profile = learned.document["learned"], learned.document["profile"]
    a = data.a[~np.isnan(data.a)]
    logs = np.sort(np.sign(a) * np.log1p(np.abs(a)))
    for i, cut in enumerate(found["a"]["cuts"], 1):
        assert abs(np.searchsorted(logs, cut) - i * logs.size / 10) <= ROWS / 10_000 * 2
    assert found["a"]["rank-error"] == 0.0
    assert len(found["a"]["cuts"]) == 9
    low, high = data.b.min(), data.b.max()
    np.testing.assert_allclose(found["b"]["cuts"], low + (high - low) * np.arange(1, 4) / 4)
    assert found["t"] == {"min": 1.0, "max": 8.0}
    assert found["bz"] == {"mean": 2.0, "deviation": 0.0}
    assert list(found) == ["a", "b", "t", "bz"]
    assert profile == {
        "a": {"rows": ROWS, "missing": (ROWS - a.size) / ROWS, "min": a.min(), "max": a.max()},
        "b": {"rows": ROWS, "missing": 0.0, "min": low, "max": high},
        "c": {"rows": ROWS, "missing": 0.0},
        "t": {"rows": ROWS, "missing": 0.0},
    }


def test_moments_of_large_numbers(data: Data) -> None:
    schema = {"columns": {"b": {"type": "number", "transforms": ["z-score"]}}}
    text = "".join(f"{b!r}\n" for b in data.b.tolist()).encode()
    found = learn_schema(schema, text).document["learned"]["b"]
    assert found["mean"] == pytest.approx(data.b.mean(), rel=1e-15)
    assert found["deviation"] == pytest.approx(data.b.std(), rel=1e-12)


def test_bins_of_equal_frequency_have_equal_counts(data: Data, learned: Schema) -> None:
    samples = Encoder(learned, names=True).encode(data.text)
    tokens = [name for name in samples.names if name.startswith(b"a=") and b"&" not in name]
    counts = Counter(token for token in tokens if token != b"a=")
    assert len(counts) == 10
    expected = np.count_nonzero(~np.isnan(data.a)) / 10
    assert all(abs(count - expected) < 0.01 * expected for count in counts.values())


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_result_depends_on_neither_threads_nor_pieces(
    data: Data, learned: Schema, tmp_path: Path, threads: int
) -> None:
    half = data.text.index(b"\n", len(data.text) // 3) + 1
    whole, first, second = tmp_path / "all.tsv", tmp_path / "1.tsv", tmp_path / "2.tsv.gz"
    whole.write_bytes(data.text)
    first.write_bytes(data.text[:half])
    second.write_bytes(gzip.compress(data.text[half:], 1))
    lines = data.text.splitlines()
    parts = [data.text[at : at + 70_001] for at in range(0, len(data.text), 70_001)]
    for source in (
        str(whole),
        [str(first), str(second)],
        f"exec:cat {whole}",
        iter(lines),
        Pieces(parts),
    ):
        got = learn_schema(SCHEMA, source, threads=threads, exact_max=ROWS)
        assert got.canonical() == learned.canonical()


class Pieces:
    """A file object that gives what it likes."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    def __iter__(self) -> Any:
        return iter(self.parts)

    def read(self, size: int) -> bytes:
        return self.parts.pop(0) if self.parts else b""


def test_json_lines_and_dicts(data: Data) -> None:
    rows = []
    for number, row in enumerate(data.rows[:5_000]):
        cells = dict(zip(SCHEMA["columns"], row, strict=True))
        cells["a"] = float(cells["a"]) if cells["a"] else None
        if number % 2:
            cells["t"] = {name: float(x) for name, x in map(split_item, cells["t"].split(","))}
        rows.append(cells)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    expected = learn_schema(SCHEMA, b"\n".join(data.text.split(b"\n")[:5_000]) + b"\n")
    assert learn_schema(SCHEMA, text, format="jsonl").canonical() == expected.canonical()
    assert learn_schema(SCHEMA, rows, threads=2).canonical() == expected.canonical()


def split_item(item: str) -> list[str]:
    return item.split(":")


def test_a_sketch_takes_over_for_many_numbers(data: Data) -> None:
    pytest.importorskip("datasketches")
    found = learn_schema(SCHEMA, data.text, threads=2, exact_max=10_000).document["learned"]["a"]
    assert 0 < found["rank-error"] < 0.001
    a = data.a[~np.isnan(data.a)]
    logs = np.sort(np.sign(a) * np.log1p(np.abs(a)))
    for i, cut in enumerate(found["cuts"], 1):
        assert abs(np.searchsorted(logs, cut) / logs.size - i / 10) < 3 * found["rank-error"]


def test_only_the_first_rows(data: Data, tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_bytes(data.text)
    lines = data.text.splitlines(keepends=True)
    for rows in (1, 777, 123_456, ROWS, ROWS + 5):
        expected = learn_schema(SCHEMA, b"".join(lines[:rows]))
        if rows > 1e5:  # in a sketch there is chance
            expected, got = (
                learn_schema(SCHEMA, source, rows=rows, exact_max=ROWS)
                for source in (b"".join(lines[:rows]), str(path))
            )
        else:
            got = learn_schema(SCHEMA, str(path), rows=rows, threads=2)
        assert got.canonical() == expected.canonical()
    first = tmp_path / "first.tsv"
    first.write_bytes(b"".join(lines[:10])[:-1])  # its last line has no end
    _, profile = learn(SCHEMA, [str(first), f"exec:cat {path}; exit 3"], rows=15)
    assert profile.rows == 15
    with pytest.raises(BrokenInputError, match="failed with exit code 3"):
        learn(SCHEMA, [f"exec:cat {path}; exit 3"], rows=ROWS + 1)
    endless = learn(SCHEMA, "exec:while true; do echo '1\t2\t3\tc\tx:4\t'; done", rows=2_000)
    assert endless[1].rows == 2_000
    with pytest.raises(ParameterError, match="rows = 0 is not allowed: give a whole number"):
        learn_schema(SCHEMA, data.text, rows=0)


def test_a_header_is_no_row(tmp_path: Path) -> None:
    schema = {
        "format": "csv",
        "header": True,
        "columns": {"a": {"type": "number", "transforms": ["min-max"]}, "l": {"role": "label"}},
    }
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("b,a\n1,2\n3,4\n5,9\n")
    found, profile = learn(schema, str(tmp_path / "?.csv"), rows=5)
    assert found.document["learned"]["a"] == {"min": 2.0, "max": 9.0}
    assert profile.rows == 5
    assert learn(schema, str(tmp_path / "?.csv"), rows=2)[0].document["learned"]["a"]["max"] == 4.0


def test_what_was_learned_before_is_forgotten(data: Data) -> None:
    text = '# mine\n[columns]\na = { type = "number", transforms = ["equal-width 2"] } # so\n'
    first = learn_schema(Schema.parse(text, "toml"), b"1\n3\n")
    again = learn_schema(first, b"10\n30\n90\n")
    assert first.dumps().startswith(text)
    assert again.dumps().startswith(text)
    assert first.document["learned"] == {"a": {"cuts": [2.0]}}
    assert again.document["learned"] == {"a": {"cuts": [50.0]}}
    assert again.document["profile"]["a"] == {"rows": 3, "missing": 0.0, "min": 10.0, "max": 90.0}


def test_a_column_of_one_value_and_a_schema_that_learns_nothing() -> None:
    schema = {"columns": {"a": {"type": "number", "transforms": ["equal-frequency 5"]}, "b": {}}}
    found = learn_schema(schema, b"3\tx\n3\tx\n")
    assert found.document["learned"] == {"a": {"cuts": [], "rank-error": 0.0}}
    Encoder(found)
    bare = learn_schema({"columns": {"b": {}}}, b"x\n\nNULL\n")
    assert "learned" not in bare.document
    # An empty line is a row where a row is one cell.
    assert bare.document["profile"] == {"b": {"rows": 3, "missing": pytest.approx(1 / 3)}}


def test_labels_and_weights_do_not_matter() -> None:
    schema = {
        "columns": {
            "y": {"role": "label"},
            "w": {"role": "weight"},
            "a": {"type": "number", "transforms": ["min-max"]},
        }
    }
    found, profile = learn(schema, b"maybe\t-1\t3\n\t\t4\n")
    assert found.document["learned"]["a"] == {"min": 3.0, "max": 4.0}
    assert list(found.document["profile"]) == ["a"]
    assert profile.log["bad_lines"] == 0
    with pytest.raises(BadInputError, match="2 of 2 lines are bad"):
        profile_rows(schema, b"maybe\t-1\t3\n\t\t4\n")


@pytest.mark.parametrize(
    ("keys", "text", "message"),
    [
        ({"transforms": ["equal-frequency 5"]}, b"x\n\n ?\n", "cuts"),
        ({"transforms": ["equal-width 5"]}, b"x\n", "cuts"),
        ({"transforms": ["log", "z-score"]}, b"nan\n", "a mean"),
        ({"transforms": ["min-max"]}, b"-inf\n", "a range"),
    ],
)
def test_a_column_without_numbers(keys: dict[str, Any], text: bytes, message: str) -> None:
    lines = '[columns]\nI3 = {{ type = "number", transforms = {} }}\n'
    schema = Schema.parse(lines.format(json.dumps(keys["transforms"])), "toml", "s.toml")
    with pytest.raises(SchemaError) as caught:
        learn_schema(schema, text)
    assert str(caught.value) == (
        f"s.toml:2: columns.I3: no number in the column 'I3' to learn {message} from"
    )


def test_other_errors() -> None:
    schema = {
        "columns": {"I3": {"type": "number"}},
        "features": {"scaled": {"from": "I3", "transforms": ["z-score"]}},
    }
    with pytest.raises(SchemaError, match=r"features\.scaled: no number in the column 'I3' to lea"):
        learn_schema(schema, b"x\n")
    with pytest.raises(SchemaError, match="the column 'I3' are too large for a deviation: give "):
        learn_schema(schema, b"1e300\n-1e300\n")
    with pytest.raises(ParameterError, match="there is no good row to learn schema from"):
        learn_schema(schema, b"")
    with pytest.raises(BadInputError, match="1 of 2 lines are bad"):
        learn_schema(schema, b"1\n2\t3\n")
    with pytest.raises(ParameterError, match="threads = 0 is not allowed"):
        learn_schema(schema, b"1\n", threads=0)
    with pytest.raises(ParameterError, match="max_bad_ratio = 2 is not allowed"):
        learn_schema(schema, b"1\n", max_bad_ratio=2)
    with pytest.raises(ParameterError, match="exact_max = 0 is not allowed"):
        learn_schema(
            {"columns": {"a": {"type": "number", "transforms": ["equal-frequency 2"]}}},
            b"1\n",
            exact_max=0,
        )


def test_real_data(shared: Path) -> None:
    raw = shared / "data" / "criteo" / "raw.tsv.gz"
    counts = [f"I{i}" for i in range(1, 14)]
    schema = {
        "columns": {
            "label": {"role": "label"},
            **{name: {"type": "number", "transforms": ["equal-frequency 20"]} for name in counts},
            **{f"C{i}": {} for i in range(1, 27)},
        }
    }
    found, profile = learn(schema, str(raw), threads=2)
    rows = [line.split(b"\t") for line in gzip.decompress(raw.read_bytes()).splitlines()]
    assert profile.rows == len(rows)
    for at, name in enumerate(counts, 1):
        numbers = np.array([float(row[at]) for row in rows if row[at]])
        bins = np.searchsorted(found.document["learned"][name]["cuts"], numbers, side="right")
        # A bin larger than its share is one value, or as small as its values allow.
        for some in np.unique(bins):
            inside = numbers[bins == some]
            largest = np.unique(inside, return_counts=True)[1].max()
            assert inside.size <= numbers.size / 20 + largest
        seen = found.document["profile"][name]
        assert seen["missing"] == pytest.approx(1 - numbers.size / len(rows))
        assert (seen["min"], seen["max"]) == (numbers.min(), numbers.max())


def test_columns_are_learned_from_as_text(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=5000).round(3)
    schema = {"columns": {"a": {"type": "number", "transforms": ["equal-frequency 8"]}, "b": {}}}
    text = "".join(f"{v}\tx\n" for v in values.tolist()).encode()
    table = pa.table({"b": ["x"] * 5000, "a": values})
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=999)
    found = [
        learn_schema(schema, text, threads=2),
        learn_schema(schema, table, threads=2),
        learn_schema(schema, str(path), format="parquet"),
    ]
    assert found[0].document["learned"]["a"]["cuts"]
    assert found[0].document == found[1].document == found[2].document


def test_filled_in_numbers_have_their_place_in_the_cuts_and_none_in_the_profile() -> None:
    columns = {"a": {"type": "number", "missing-as": 50, "transforms": ["z-score"]}, "b": {}}
    found = learn_schema({"columns": columns}, b"1\tx\n\tx\n2\tx\n\tx\n2.5\tx\n")
    assert found.document["learned"]["a"]["mean"] == 21.1
    seen = found.document["profile"]["a"]
    assert (seen["min"], seen["max"], seen["missing"]) == (1.0, 2.5, 0.4)
