"""Schemas: what is read, what is wrong, what differs, and what is learned into them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmtrain import _core
from fmtrain.errors import FileError, ParameterError, ParameterTypeError, SchemaError
from fmtrain.features.learned import MARK
from fmtrain.features.schema import Schema

TOML = """\
# Ours
format = "csv"
header = true

[columns]
click = { role = "label" }
I1 = { type = "number", transforms = ["log", "equal-frequency 10"], range = [0, 1e6] }
C1 = { type = "category" }  # the site

[features]
"C1xI1" = { cross = ["C1", "I1"] }

[forests.gbdt]
columns = ["I1"]
file = "forest.json"
"""


@pytest.fixture(scope="module", autouse=True)
def core_that_takes_everything() -> Iterator[None]:
    """What the keys mean is tested where it is decided: tests/cpp/test_schema.cc."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_core, "check_schema", lambda data: None, raising=False)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "forest.json").write_bytes(b"trees")
    path = tmp_path / "s.toml"
    path.write_text(TOML)
    return path


def refused(text: str | bytes, kind: str = "toml") -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        Schema.parse(text, kind, f"s.{kind}")
    return caught.value


# ---- what is read ----


def test_a_file(path: Path) -> None:
    schema = Schema.load(path)
    assert schema.format == "csv"
    assert schema.columns == ["click", "I1", "C1"]
    assert schema.forests == {"gbdt": b"trees"}
    assert schema.source == str(path)
    assert schema.dumps() == TOML
    assert Schema.of(schema) is schema
    assert Schema.of(str(path)).canonical() == Schema.of(path).canonical() == schema.canonical()
    again = pickle.loads(pickle.dumps(schema))
    assert again.canonical() == schema.canonical()


def test_defaults() -> None:
    schema = Schema.of({"columns": {"a": {}}})
    assert schema.format == "tsv"
    assert schema.forests == {}
    assert json.loads(schema.dumps()) == {"columns": {"a": {}}}


def test_canonical_json_keeps_the_order_that_counts(path: Path) -> None:
    assert Schema.load(path).canonical() == (
        b'{"columns":{"click":{"role":"label"},"I1":{"range":[0,1000000],'
        b'"transforms":["log","equal-frequency 10"],"type":"number"},"C1":{"type":"category"}},'
        b'"features":{"C1xI1":{"cross":["C1","I1"]}},'
        b'"forests":{"gbdt":{"columns":["I1"]}},"format":"csv","header":true}'
    )


def test_one_schema_in_any_form_is_one(path: Path) -> None:
    schema = Schema.load(path)
    as_json = path.with_suffix(".json")
    as_json.write_text(json.dumps(schema.document))
    shuffled = dict(reversed(schema.document.items()))
    for other in (Schema.load(as_json), Schema.of(shuffled)):
        assert other.canonical() == schema.canonical()
    with_mark = Schema.parse(b"\xef\xbb\xbf" + TOML.encode(), "toml", str(path))
    assert with_mark.canonical() == schema.canonical()


def test_a_model_keeps_the_schema_and_the_forests(path: Path) -> None:
    schema = Schema.load(path)
    kept = Schema.stored(schema.canonical(), schema.forests, "m.fmt")
    assert kept.canonical() == schema.canonical()
    assert kept.forests == {"gbdt": b"trees"}
    assert kept.difference(schema) is None
    assert kept.forest_files == {}


def test_numbers_of_numpy_and_tuples() -> None:
    columns = {"a": {"type": "number", "range": (np.float32(0.5), np.int64(2))}}
    schema = Schema.of({"columns": columns, "missing": np.array(["", "?"])})
    assert schema.document["columns"]["a"]["range"] == [0.5, 2]
    assert schema.document["missing"] == ["", "?"]


def test_a_forest_that_cannot_be_read(path: Path) -> None:
    (path.parent / "forest.json").unlink()
    schema = Schema.load(path)
    with pytest.raises(FileError) as caught:
        _ = schema.forests
    where = path.parent / "forest.json"
    assert str(caught.value) == (
        f"{path}:15: forests.gbdt.file: {where}: cannot read: No such file or directory"
    )


def test_a_forest_without_a_file() -> None:
    schema = Schema.parse("[columns]\na = {}\n[forests.g]\ncolumns = ['a']\n", "toml", "s.toml")
    with pytest.raises(SchemaError) as caught:
        _ = schema.forests
    assert str(caught.value) == (
        's.toml:3: forests.g: has no file: give file = "FOREST", saved by XGBoost or LightGBM'
    )
    assert str(refused("[columns]\n[forests.g]\nfile = 3\n")) == (
        "s.toml:3: forests.g.file: is no text: give a path"
    )


# ---- what is wrong ----


def test_what_the_core_says_gets_file_and_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "unknown transform 'logg' (did you mean 'log'?)"
    keys = ["columns", "I 1", "transforms", "1"]
    monkeypatch.setattr(_core, "check_schema", lambda data: (keys, said))
    text = '[columns]\na = {}\n"I 1" = { type = "number", transforms = [\n"clip 0 1",\n"logg"] }\n'
    error = refused(text)
    assert str(error) == f's.toml:5: columns."I 1".transforms[1]: {said}'
    assert error.file == "s.toml"
    assert error.key == 'columns."I 1".transforms[1]'
    assert error.line == 5
    assert isinstance(error, ParameterError)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.line == 5

    as_json = '{"columns": {\n"I 1": {\n"transforms": ["clip 0 1",\n\n"logg"]}}}'
    assert str(refused(as_json, "json")) == f's.json:5: columns."I 1".transforms[1]: {said}'

    with pytest.raises(SchemaError) as caught:
        Schema.of({"columns": {"I 1": {"transforms": ["clip 0 1", "logg"]}}})
    assert str(caught.value) == f'schema: columns."I 1".transforms[1]: {said}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb ! 2\n", "s.toml:2: no TOML: Expected '=' after a key in a key/value pair, col"),
        ("a = 1\nb = [1\n", "s.toml:3: no TOML: Unclosed array"),
        (
            "[columns]\na = { type = 'number',\n  role = 'user' }\n",
            "s.toml:2: no TOML: Invalid initial character for a key part, column 23; what { opens "
            "has to be closed on its line",
        ),
        ("a = 1\n[x]\na = 1\na = 2\n", "s.toml:4: no TOML: Cannot overwrite a value"),
        (b"a = 1\nb = '\xff'\n", "s.toml:2: the byte 0xff is no UTF-8"),
        ("[columns]\na = { range = [0,\ninf] }\n", "s.toml:3: columns.a.range[1]: inf is not all"),
        ("day = 2024-05-01\n", "s.toml:1: day: a date is not allowed: give it as text, in quotes"),
        (f"a = 1{'0' * 400}\n", "s.toml:1: a: the number is too large"),
        (f"a = {'[' * 90}{']' * 90}\n", "s.toml:1: a: nested too deeply"),
        (f"a = {'[' * 90000}{']' * 90000}\n", "s.toml: nested too deeply"),
        (f"a = 1{'0' * 5000}\n", "s.toml: cannot be read: Exceeds the limit"),
    ],
)
def test_toml_that_cannot_be_used(text: str | bytes, message: str) -> None:
    assert str(refused(text)).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n"b" 2}', "s.json:2: no JSON: Expecting ':' delimiter, column 5"),
        ('{"a": NaN}', "s.json: cannot be read: NaN is no JSON"),
        ('{"a": 1e999}', "s.json:1: a: inf is not allowed: give a finite number"),
        ('{"columns": {"a": {},\n"b": {},\n"a": {}}}', "s.json:3: columns.a: stands twice"),
        ("[1]", "s.json:1: no schema: the document is no object"),
        ('{"a": "\\ud800"}', "s.json:1: a: the text is no Unicode: half a surrogate pair"),
        ("", "s.json:1: no JSON: Expecting value, column 1"),
        ("[" * 90000, "s.json: nested too deeply"),
    ],
)
def test_json_that_cannot_be_used(text: str, message: str) -> None:
    assert str(refused(text, "json")).startswith(message)


def test_what_is_no_schema_at_all(tmp_path: Path) -> None:
    with pytest.raises(ParameterTypeError, match="schema is a int: give the path of a TOML or JSO"):
        Schema.of(3)
    with pytest.raises(FileError, match=r"none\.toml: cannot read: No such file or directory"):
        Schema.load(tmp_path / "none.toml")
    with pytest.raises(SchemaError, match="schema: columns: the key 1 is no text"):
        Schema.of({"columns": {1: {}}})
    with pytest.raises(SchemaError, match="schema: missing: a set is not allowed"):
        Schema.of({"missing": {"a"}})
    around: dict[str, Any] = {}
    around["columns"] = around
    with pytest.raises(SchemaError, match="schema: columns: nested too deeply"):
        Schema.of(around)


def test_messages_are_safe_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "check_schema", lambda data: (["a\x1b["], "bad \x07"))
    assert str(refused('"a\\u001b[" = 1\n')) == 's.toml:1: "a\\u001b[": bad \\x07'


# ---- what differs ----


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("equal-frequency 10", "equal-frequency 20"),
            "columns.I1.transforms[1] is 'equal-frequency 20' there and 'equal-frequency 10' here",
        ),
        (
            ('C1 = { type = "category" }', "C1 = {}"),
            "columns.C1.type is not set there and 'category' here",
        ),
        (("C1 = {", "C3 = {}\nC1 = {"), "the column 'C3' is only there"),
        (('"C1xI1" = { cross = ["C1", "I1"] }', ""), "the feature 'C1xI1' is only here"),
        (("[forests.gbdt]", "[forests.trees]"), "the forest 'trees' is only there"),
        (
            ('columns = ["I1"]', 'columns = ["I1", "C1"]'),
            "forests.gbdt.columns has 2 items there and 1 here",
        ),
        (("header = true", ""), "header is not set there and true here"),
        (("header = true", "header = 1"), "header is 1 there and true here"),
        (("0, 1e6", "0, 1e7"), "columns.I1.range[1] is 10000000 there and 1000000 here"),
        (("# Ours", 'missing = ["?"]'), 'missing is ["?"] there and not set here'),
        (("# Ours", ""), None),
        (("0, 1e6", "0.0, 1_000_000"), None),
    ],
)
def test_differences(path: Path, change: tuple[str, str], words: str | None) -> None:
    there = Schema.parse(TOML.replace(*change), "toml", str(path))
    assert Schema.load(path).difference(there) == words


def test_difference_of_order(path: Path) -> None:
    document = Schema.load(path).document
    moved = {"click": {}, "C1": {}, "I1": {}} | {}
    moved = {name: document["columns"][name] for name in moved}
    there = Schema.of(document | {"columns": moved})
    assert Schema.load(path).difference(there) == "column 2 is 'C1' there and 'I1' here"


def test_difference_of_forests(path: Path) -> None:
    schema = Schema.load(path)
    other = Schema.stored(schema.canonical(), {"gbdt": b"others"}, "m.fmt")
    assert schema.difference(other) == "the forest 'gbdt' is another one"
    assert schema.difference(other, ignoring=["forests"]) is None


def test_difference_of_what_was_learned(path: Path) -> None:
    schema = Schema.load(path)
    fitted = schema.with_learned({"I1": {"cuts": [0.5]}}, {})
    assert schema.difference(fitted) == 'learned is {"I1": {"cuts": [0.5]}} there and not set here'
    assert schema.difference(fitted, ignoring=["learned", "profile"]) is None
    other = schema.with_learned({"I1": {"cuts": [0.25]}}, {})
    assert fitted.difference(other) == "learned.I1.cuts[0] is 0.25 there and 0.5 here"


# ---- what is learned ----

LEARNED = {"I1": {"cuts": [0.1, 1.5, 2e-300], "rank-error": 0.0}, "C1 x": {"mean": 1e16}}
PROFILE = {"I1": {"rows": 60000, "missing": 0.22, "min": -0.0, "max": 5e-324}}


def test_what_is_learned_stands_behind_the_users_text(path: Path) -> None:
    schema = Schema.load(path)
    fitted = schema.with_learned(LEARNED, PROFILE)
    assert (
        fitted.dumps()
        == TOML
        + f"""
{MARK}
[learned.I1]
cuts = [0.1, 1.5, 2e-300]
rank-error = 0.0

[learned."C1 x"]
mean = 1e+16

[profile.I1]
rows = 60000
missing = 0.22
min = -0.0
max = 5e-324
"""
    )
    assert fitted.document["learned"] == LEARNED
    assert fitted.document["profile"] == PROFILE
    assert fitted.forests == {"gbdt": b"trees"}
    again = Schema.parse(fitted.dumps(), "toml", str(path))
    assert again.document == fitted.document
    assert again.canonical() == fitted.canonical()
    # Once more: replaced, not added.
    assert again.with_learned(LEARNED, PROFILE).dumps() == fitted.dumps()
    assert again.with_learned({}, {}).document == schema.document


@pytest.mark.parametrize("kind", ["json", "dict"])
def test_json_gets_members(path: Path, kind: str) -> None:
    document = Schema.load(path).document
    schema = Schema.of(document) if kind == "dict" else Schema.parse(json.dumps(document), "json")
    fitted = schema.with_learned({"I1": {"cuts": [1.0]}}, {}).with_learned(LEARNED, PROFILE)
    assert json.loads(fitted.dumps()) == document | {"learned": LEARNED, "profile": PROFILE}


def test_long_lists_are_wrapped() -> None:
    cuts = [i / 7 for i in range(50)]
    text = Schema.parse("[columns]\nI1 = {}", "toml").with_learned({"I1": {"cuts": cuts}}, {})
    assert max(map(len, text.dumps().splitlines())) <= 100
    assert Schema.parse(text.dumps(), "toml").document["learned"]["I1"]["cuts"] == cuts


def test_what_the_user_wrote_is_not_lost() -> None:
    schema = Schema.parse("[columns]\na = {}\n[learned.a]\ncuts = [1]\n", "toml", "s.toml")
    with pytest.raises(SchemaError) as caught:
        schema.with_learned({}, {})
    assert str(caught.value) == (
        f"s.toml:3: learned: is not below the line '{MARK}', where it is written: remove it there"
    )
    text = f"[columns]\na = {{}}\n{MARK}\n[learned.a]\ncuts = [1]\n[features]\nb = {{}}\n"
    with pytest.raises(SchemaError) as caught:
        Schema.parse(text, "toml", "s.toml").with_learned({}, {})
    assert str(caught.value) == (
        f"s.toml:6: features: is below the line '{MARK}' and would be lost: move it up"
    )


def test_lines_of_the_mark_in_a_text_are_not_the_mark() -> None:
    text = f'[columns]\na = {{}}\n[features]\nb.from = """\n{MARK}\n"""'
    fitted = Schema.parse(text, "toml").with_learned(LEARNED, {}).with_learned(LEARNED, PROFILE)
    assert fitted.dumps().startswith(text + "\n\n")
    assert fitted.dumps().count(MARK) == 2


def test_learned_values_that_cannot_be_written() -> None:
    schema = Schema.parse("[columns]\na = {}\n", "toml", "s.toml")
    with pytest.raises(SchemaError, match=r"learned\.a\.cuts\[1\]: nan is not allowed"):
        schema.with_learned({"a": {"cuts": [1.0, float("nan")]}}, {})


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
tables = st.dictionaries(names, st.fixed_dictionaries({"cuts": st.lists(numbers), "max": numbers}))
BEFORE = ["", "# only a comment", "[columns]\r\n'a' = {} # c\r\n", "x = '''\n\n'''\n\n"]


@given(tables, tables, st.sampled_from(BEFORE))
def test_anything_learned_reads_back(learned: Any, profile: Any, before: str) -> None:
    schema = Schema.parse(before, "toml").with_learned(learned, profile)
    text = schema.dumps()
    assert text.startswith(before)
    again = Schema.parse(text, "toml")
    assert again.document.get("learned", {}) == learned
    assert again.document.get("profile", {}) == profile
    assert again.canonical() == schema.canonical()
    assert again.with_learned(learned, profile).dumps() == text
