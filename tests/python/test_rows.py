"""Raw rows through every door: text formats, Arrow, the command line, models that keep a schema."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmtrain import FTRLModel, pack
from fmtrain.errors import BadInputError, ModelFileError, ParameterError
from fmtrain.features import Encoder, GBDTLeafEncoder, Schema

SCHEMA: dict[str, Any] = {
    "columns": {
        "click": {"role": "label"},
        "user": {"role": "key"},
        "age": {"type": "number", "transforms": ["boundaries 20 30 40"]},
        "price": {"type": "number", "transforms": ["log"]},
        "city": {"type": "category"},
        "tags": {"type": "list"},
    },
    "features": {"city x age": {"cross": ["city", "age"]}},
}
ROWS = 3000
Run = Callable[..., subprocess.CompletedProcess[bytes]]


def table(rows: int = ROWS) -> dict[str, list[Any]]:
    draw = np.random.default_rng(7)
    city = draw.integers(0, 50, rows)
    age = draw.integers(10, 60, rows)
    click = draw.random(rows) < 0.2 + 0.5 * (city % 3 == 0) * (age > 30)
    return {
        "click": [int(c) for c in click],
        "user": [f"u{u}" for u in draw.integers(0, 99, rows)],
        "age": [None if a == 13 else int(a) for a in age],
        "price": [round(float(p), 3) for p in draw.exponential(50, rows)],
        "city": [f"c:{c}" for c in city],
        "tags": [",".join(f"t{t}" for t in draw.integers(0, 9, n)) for n in age % 4],
    }


def as_text(columns: dict[str, list[Any]], separator: str = "\t") -> bytes:
    rows = zip(*columns.values(), strict=True)
    lines = [separator.join("" if c is None else str(c) for c in row) for row in rows]
    return "".join(line + "\n" for line in lines).encode()


@pytest.fixture(scope="module")
def columns() -> dict[str, list[Any]]:
    return table()


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


@pytest.fixture
def raw(tmp_path: Path, columns: dict[str, list[Any]]) -> Path:
    path = tmp_path / "raw.tsv"
    path.write_bytes(as_text(columns))
    return path


def same(a: Any, b: Any) -> None:
    for name in ("label", "weight", "indptr", "ids", "x"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.key == b.key
    assert a.names == b.names


def listed(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize("threads", [1, 8])
def test_every_form_is_the_same(columns: dict[str, list[Any]], threads: int) -> None:
    encoder = Encoder(SCHEMA, names=True, threads=threads)
    tsv = encoder.encode(as_text(columns))
    assert len(tsv.label) == ROWS
    assert b"city=c%3A1" in tsv.names
    header = ",".join(columns).encode() + b"\n"
    with_header = Encoder(SCHEMA | {"header": True, "format": "csv", "quote": ""}, names=True)
    others = {
        "csv": with_header.encode(header + as_text({**columns, "tags": [""] * ROWS}, ",")),
        "dicts": encoder.encode(listed(columns)),
        "pandas": encoder.encode(pd.DataFrame(columns)),
        "polars": encoder.encode(pl.DataFrame(columns)),
        "pyarrow": encoder.encode(pa.table(columns)),
        "chunks": encoder.encode(
            pa.concat_tables([pa.table(columns).slice(i, 997) for i in range(0, ROWS, 997)])
        ),
    }
    without_tags = encoder.encode(as_text({**columns, "tags": [""] * ROWS}))
    for name, found in others.items():
        same(found, without_tags if name == "csv" else tsv)


def test_lists_of_arrow_are_items(columns: dict[str, list[Any]]) -> None:
    lists = [[t for t in tags.split(",") if t] for tags in columns["tags"]]
    encoder = Encoder(SCHEMA, names=True)
    same(encoder.encode(pa.table({**columns, "tags": lists})), encoder.encode(as_text(columns)))


def test_parquet(columns: dict[str, list[Any]], tmp_path: Path, fmtrain_cli: Run) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=700)
    encoder = Encoder(SCHEMA, names=True)
    same(encoder.encode(str(path), format="parquet"), encoder.encode(as_text(columns)))
    schema = tmp_path / "s.json"
    schema.write_text(json.dumps(SCHEMA))
    model = tmp_path / "m.fmt"
    done = fmtrain_cli("fit", "--schema", schema, path, "--format", "parquet", "--model", model)
    assert done.returncode == 0, done.stderr
    assert FTRLModel.load(model)._native.samples == ROWS
    path.write_bytes(path.read_bytes()[:1000])
    done = fmtrain_cli("fit", "--schema", schema, path, "--format", "parquet", "--model", model)
    assert done.returncode == 2
    assert f"{path}: no Parquet file" in done.stderr.decode()


def test_a_type_that_no_column_holds(columns: dict[str, list[Any]]) -> None:
    odd = pa.table({**columns, "city": pa.array([None] * ROWS, pa.duration("s"))})
    with pytest.raises(ParameterError, match=r"column 'city' has the Arrow type duration"):
        Encoder(SCHEMA).encode(odd)
    with pytest.raises(ParameterError, match=r"X: .*no column 'city'"):
        Encoder(SCHEMA).encode(pa.table({k: v for k, v in columns.items() if k != "city"}))


def test_raw_rows_train_as_their_samples(schema: Path, raw: Path, tmp_path: Path) -> None:
    samples = tmp_path / "samples.txt"
    with samples.open("wb") as file:
        Encoder(schema).write(raw, file.fileno())
    assert samples.read_bytes().splitlines()[0].startswith(b"0 ")
    one = FTRLModel(factors=4, schema=str(schema), names=True).fit_stream(raw)
    two = FTRLModel(factors=4, names=True).fit_stream(samples)
    for model, path in ((one, "one"), (two, "two")):
        model.dump(tmp_path / path, "alphafm-text", keep_zeros=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("threads", [2, 8])
def test_deterministic(schema: Path, raw: Path, tmp_path: Path, threads: int) -> None:
    big = tmp_path / "big.tsv"
    big.write_bytes(raw.read_bytes() * 20)
    files = []
    for count in (1, threads):
        model = FTRLModel(factors=4, schema=str(schema), names=True, threads=count)
        model.deterministic = True
        model.fit_stream(big).save(tmp_path / "m.fmt")
        files.append((tmp_path / "m.fmt").read_bytes())
    assert files[0] == files[1]


def test_a_model_keeps_its_schema(schema: Path, raw: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.fmt"
    model = FTRLModel(factors=4, schema=str(schema)).fit_stream(raw, save_to=str(path))
    assert model.report_.guards["age"]["missing"] > 0
    loaded = FTRLModel.load(path)
    assert isinstance(loaded.schema, Schema)
    assert loaded.schema.columns == list(SCHEMA["columns"])
    found = loaded.predict_stream(raw)
    np.testing.assert_array_equal(found.score, model.predict_stream(raw).score)
    again = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(found.score, again.predict_stream(raw).score)
    loaded.fit_stream(raw)  # learns on by its own schema
    assert loaded._native.samples == 2 * ROWS
    assert {g["column"]: g["rows"] for g in loaded._native.guards()}["age"] == 2 * ROWS


def test_a_frame_is_scored_as_its_text(columns: dict[str, list[Any]], schema: Path) -> None:
    frame = pd.DataFrame(columns)
    labels = np.array(columns["click"])
    model = FTRLModel(factors=0, schema=str(schema)).fit(frame, labels)
    streamed = FTRLModel(factors=0, schema=str(schema)).fit_stream(as_text(columns))
    scores = model.decision_function(frame.drop(columns=["click"]))
    np.testing.assert_array_equal(scores, model.predict_stream(as_text(columns)).score)
    np.testing.assert_array_equal(scores, streamed.decision_function(listed(columns)))


def test_a_bad_row_of_a_frame_is_named(schema: Path) -> None:
    strict = json.loads(json.dumps(SCHEMA))
    strict["columns"]["age"]["invalid-as"] = "reject"
    rows = listed(table(10))
    rows[6]["age"] = "old"
    with pytest.raises(ParameterError, match=r"X, row 6: the column's rule rejects the cell: 'age"):
        FTRLModel(schema=strict).fit(rows, [0, 1] * 5)


def test_another_schema_is_refused(schema: Path, raw: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.fmt"
    FTRLModel(factors=0, schema=str(schema)).fit_stream(raw, save_to=str(path))
    other = json.loads(json.dumps(SCHEMA))
    other["columns"]["age"]["transforms"] = ["boundaries 20 30 50"]
    loaded = FTRLModel.load(path)
    loaded.schema = other
    with pytest.raises(
        ParameterError, match=r"another schema than the model's: columns\.age\.tran"
    ):
        loaded.fit_stream(raw)
    plain = FTRLModel(factors=0).fit(["a b", "c"], [1, 0])
    plain.schema = SCHEMA
    with pytest.raises(ParameterError, match="was trained on samples, without a schema"):
        plain.fit_stream(raw)
    with pytest.raises(ParameterError, match="means raw rows, and the model has no schema"):
        FTRLModel().fit_stream(raw, format="tsv")


def leaves_schema(folder: Path, columns: dict[str, list[Any]], seed: int) -> Path:
    numbers = pd.DataFrame({"age": pd.array(columns["age"], "float64"), "price": columns["price"]})
    trees = GBDTLeafEncoder(trees=5, depth=3, learning_rate=0.1 + seed).fit(
        numbers, columns["click"]
    )
    trees.save(folder / f"forest{seed}.bin")
    spec = SCHEMA | {
        "forests": {"gbdt": {"columns": ["age", "price"], "file": f"forest{seed}.bin"}}
    }
    path = folder / f"leaves{seed}.json"
    path.write_text(json.dumps(spec))
    return path


def test_leaves(columns: dict[str, list[Any]], raw: Path, tmp_path: Path) -> None:
    path = leaves_schema(tmp_path, columns, 0)
    found = Encoder(path, names=True).encode(raw)
    leaves = [name for name in found.names if name.startswith(b"gbdt@")]
    assert len(leaves) == 5 * ROWS
    numbers = pd.DataFrame({"age": pd.array(columns["age"], "float64"), "price": columns["price"]})
    forest = GBDTLeafEncoder(model=(tmp_path / "forest0.bin").read_bytes()).fit(numbers)
    wanted = forest.transform(numbers)
    version = forest.version_.encode()
    for tree in range(5):
        name = b"gbdt@%s.%d=%d" % (version, tree, wanted[0, tree])
        assert name == leaves[tree]


def test_another_forest(columns: dict[str, list[Any]], raw: Path, tmp_path: Path) -> None:
    first, second = (leaves_schema(tmp_path, columns, seed) for seed in (0, 1))
    path = tmp_path / "m.fmt"
    model = FTRLModel(factors=0, schema=str(first)).fit_stream(raw, save_to=str(path))
    features = len(model)
    loaded = FTRLModel.load(path)
    loaded.schema = str(second)
    with pytest.raises(ParameterError, match=r"the forest 'gbdt' is another one than the model's"):
        loaded.fit_stream(raw)
    loaded.fit_stream(raw, new_forest=True)
    assert 0 < loaded.report_.retired <= features
    old = Encoder(first)._native.leaf_ids("gbdt")
    assert not loaded._native.weights(old)[0].any()
    assert loaded._native.weights(Encoder(second)._native.leaf_ids("gbdt"))[0].any()


def test_a_forest_of_other_columns(
    columns: dict[str, list[Any]], raw: Path, tmp_path: Path
) -> None:
    path = leaves_schema(tmp_path, columns, 0)
    model = FTRLModel(factors=0, schema=str(path)).fit_stream(raw)
    spec = json.loads(path.read_text())
    spec["forests"]["gbdt"]["columns"] = ["price", "age"]
    path.write_text(json.dumps(spec))
    with pytest.raises(ParameterError, match=r"the forest 'gbdt' is another one than the model's"):
        model.fit_stream(raw)
    assert model.fit_stream(raw, new_forest=True).report_.retired > 0


def test_a_cache_of_rows(schema: Path, raw: Path, tmp_path: Path) -> None:
    report = pack(raw, tmp_path / "rows.fmc", schema=str(schema))
    assert report.samples == ROWS
    packed = FTRLModel(factors=0).fit_stream(tmp_path / "rows.fmc")
    text = FTRLModel(factors=0, schema=str(schema)).fit_stream(raw)
    np.testing.assert_array_equal(
        packed.predict_stream(tmp_path / "rows.fmc").score, text.predict_stream(raw).score
    )


def test_command_line(schema: Path, raw: Path, tmp_path: Path, fmtrain_cli: Run) -> None:
    model = tmp_path / "m.fmt"
    fit = fmtrain_cli(
        "fit", "--schema", schema, "--model", model, "--names", stdin=raw.read_bytes()
    )
    assert fit.returncode == 0, fit.stderr
    predicted = fmtrain_cli("predict", "--model", model, raw)
    assert len(predicted.stdout.splitlines()) == ROWS
    assert predicted.stdout.splitlines()[0].split()[2].startswith(b"u")
    assert b"AUC" in fmtrain_cli("eval", "--model", model, raw).stdout
    shown = fmtrain_cli("inspect", model).stdout.decode()
    assert "6 columns" in shown
    row = raw.read_text().splitlines()[0]
    explained = fmtrain_cli("inspect", model, "--explain", row).stdout.decode()
    assert "city=" in explained
    encoded = fmtrain_cli("encode", "--model", model, raw)
    assert encoded.stdout == fmtrain_cli("encode", "--schema", schema, raw).stdout
    assert len(encoded.stdout.splitlines()) == ROWS
    other = fmtrain_cli("fit", "--init-model", model, "--schema", schema, raw, "--model", model)
    assert other.returncode == 0, other.stderr


def test_a_golden_row_that_changed(schema: Path, raw: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.fmt"
    model = FTRLModel(factors=0, schema=str(schema)).fit_stream(raw)
    model.save(path)
    data = bytearray(path.read_bytes())
    at = data.find(b'"age":"')
    assert at > 0
    data[at + 7] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="checksum"):
        FTRLModel.load(path)


def test_too_many_bad_rows(schema: Path, raw: Path) -> None:
    bad = raw.read_bytes() + b"1\tu\n" * 100
    with pytest.raises(BadInputError, match="another number of cells"):
        FTRLModel(schema=str(schema)).fit_stream(bad)


def test_drift(raw: Path, tmp_path: Path, fmtrain_cli: Run) -> None:
    spec = SCHEMA | {"profile": {"age": {"rows": 9000, "missing": 0.5, "min": 0, "max": 30}}}
    schema, model = tmp_path / "s.json", tmp_path / "m.fmt"
    schema.write_text(json.dumps(spec))
    done = fmtrain_cli("fit", "--schema", schema, raw, "--model", model)
    assert done.returncode == 0, done.stderr
    text = done.stderr.decode()
    assert "column 'age': 2.0% of the cells are missing, 50.0% were" in text
    assert "of the numbers lie outside 0 to 30" in text
    assert b"column 'age'" in fmtrain_cli("eval", "--model", model, raw).stderr
    assert b"column 'age'" in fmtrain_cli("predict", "--model", model, raw).stderr
    model.unlink()
    done = fmtrain_cli("fit", "--schema", schema, raw, "--model", model, "--strict")
    assert done.returncode == 3
    assert f"saved as {model}.partial" in done.stderr.decode()
    assert not model.exists()


RULES = {
    "columns": {
        "y": {"role": "label"},
        "w": {"role": "weight"},
        "n": {"type": "number", "invalid-as": "reject"},
        "t": {"type": "list"},
        "u": {"type": "list"},
    },
    "features": {"t x u": {"cross": ["t", "u"]}},
}
MANY = ",".join(str(i) for i in range(1100))


@pytest.mark.parametrize(
    ("format", "line", "reason", "column", "shown"),
    [
        ("tsv", "1\t1\t2", "ragged", 6, ""),
        ("tsv", "1\t1\t2\ta\tb\tc", "ragged", 11, "c"),
        ("tsv", "\t1\t2\ta\tb", "missing_label", 1, "y: "),
        ("tsv", "2\t1\t2\ta\tb", "bad_label", 1, "y: 2"),
        ("tsv", "1\t-1\t2\ta\tb", "bad_weight", 3, "w: -1"),
        ("tsv", "1\t1\tx\ta\tb", "rejected_cell", 5, "n: x"),
        ("tsv", f"1\t1\t2\t{MANY}\t{MANY}", "too_wide", 0, ""),
        ("csv", '1,1,2,"a,b', "open_quote", 7, '"a,b'),
        ("csv", '1,1,2,"a"b,c', "open_quote", 7, '"a"b,c'),
        ("jsonl", '{"y": 1,}', "bad_json", 9, "}"),
        ("jsonl", "[1]", "bad_json", 1, "[1]"),
    ],
)
def test_bad_rows_are_named(
    format: str, line: str, reason: str, column: int, shown: str, tmp_path: Path
) -> None:
    good = {"tsv": "1\t1\t2\ta\tb", "csv": "1,1,2,a,b", "jsonl": '{"y": 1}'}[format]
    text = f"{good}\n{line}\n{good}\n".encode()
    found = Encoder(RULES, names=True).encode(text, format=format)
    assert len(found.label) == 2
    assert found.row.tolist() == [1, 3]
    assert found.log["bad"] == {reason: 1}
    (bad,) = found.log["examples"]
    assert (bad["line"], bad["column"]) == (2, column)
    assert bad["detail"].decode().startswith(shown)


def test_a_row_of_a_million_cells() -> None:
    wide = "1\t" * 1_000_000 + "1"
    found = Encoder(RULES).encode((wide + "\n1\t1\t2\ta\tb\n").encode())
    assert found.log["bad"] == {"ragged": 1}
    assert len(found.label) == 1
