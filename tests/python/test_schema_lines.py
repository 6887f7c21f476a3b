"""The line of every key of a TOML and a JSON text."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmtrain.errors import SchemaError
from fmtrain.features.document import parsed
from fmtrain.features.learned import toml_key, toml_text, toml_value
from fmtrain.features.lines import line_of, scanned_json, scanned_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOML = r'''# a schema
format = "tsv" # [not.a.table]
"quoted = key" = 1

[columns]
I1 = { type = "number", transforms = ["log", "equal-width 3"] } # }
"a.b" = { missing = ["]", '"'], role = 'key' }
dotted.key.type = "list"

[features . "x]"]
cross = [ # the parts
    "I1",  # ]
    """a
    b""",
    { deep.er = [[1], [
        2]] },
]
day = 2024-05-01 07:00:00
text = """\
    [columns.fake]
    \""" "" """""
raw = <<<
[also.fake]
''<<<
after = -inf

[[tables]]
k = 1
[tables.under]
k = 2
[[tables]]
k = 3
'''.replace("<<<", "'''")

LINES = {
    "format": 2,
    "quoted = key": 3,
    "columns": 5,
    "columns|I1": 6,
    "columns|I1|transforms|1": 6,
    "columns|a.b|role": 7,
    "columns|dotted|key|type": 8,
    "features|x]": 10,
    "features|x]|cross": 11,
    "features|x]|cross|0": 12,
    "features|x]|cross|1": 13,
    "features|x]|cross|2|deep|er": 15,
    "features|x]|cross|2|deep|er|1|0": 16,
    "features|x]|day": 18,
    "features|x]|text": 19,
    "features|x]|raw": 22,
    "features|x]|after": 25,
    "tables": 27,
    "tables|0|under|k": 30,
    "tables|1": 31,
    "tables|1|k": 32,
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("key", LINES)
def test_toml(key: str, ending: str) -> None:
    path = tuple(key.split("|"))
    assert line_of(TOML.replace("\n", ending), "toml", path) == LINES[key]


def test_a_key_that_is_not_written_has_the_line_of_its_table() -> None:
    assert line_of(TOML, "toml", ("columns", "I1", "range", "0")) == 6
    assert line_of(TOML, "toml", ("columns", "C9")) == 5
    assert line_of(TOML, "toml", ("forests",)) is None
    assert line_of("", "toml", ()) is None


def test_a_table_that_is_opened_late_has_its_own_line() -> None:
    text = "[columns.I1]\nrole = 'key'\n[columns]\nI2 = {}\n"
    assert line_of(text, "toml", ("columns", "C9")) == 3
    assert line_of("[columns.I1]\nrole = 'key'\n", "toml", ("columns",)) == 1


def test_json() -> None:
    text = '{"a": 1,\n "b": {"c": [1,\n  {"\\u0064": "}"}], "e":\n true},\n "f": []}'
    lines = scanned_json(text).lines
    assert lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 2,
        ("b", "c", "0"): 2,
        ("b", "c", "1"): 3,
        ("b", "c", "1", "d"): 3,
        ("b", "e"): 3,
        ("f",): 5,
    }


def test_json_keys_that_stand_twice() -> None:
    assert scanned_json('{"a": 1,\n "b": {"c": 2, \n"c": 3}}').twice == [(("b", "c"), 3)]


def paths_of(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found: set[tuple[str, ...]] = set()
    for key, item in pairs:
        found.add((*path, str(key)))
        if isinstance(item, (dict, list)):
            found |= paths_of(item, (*path, str(key)))
    return found


texts = st.text(st.sampled_from("ab.'\"\\#=[]{},\n\t é\x7f"), max_size=6)
scalars = st.one_of(
    st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(texts, values, max_size=5)


class Writer:
    """TOML of a document in one of its many spellings, and the line of each key."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[tuple[str, ...], int] = {}

    def odds(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == 1)

    def put(self, piece: str) -> None:
        self.text += piece

    def note(self, path: tuple[str, ...]) -> None:
        line = self.text.count("\n") + 1
        for depth in range(1, len(path)):
            self.lines.setdefault(path[:depth], line)
        self.lines[path] = line

    def blank(self) -> None:
        """Where TOML lets lines end."""
        self.put(self.draw(st.sampled_from(["", " ", "\n", " # ]}\"'\n", "\n\n\t"])))

    def key(self, key: str) -> str:
        if "'" not in key and "\n" not in key and "\x7f" not in key and self.odds(3):
            return f"'{key}'"
        return toml_key(key) if self.odds(2) else toml_text(key)

    def value(self, value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, list):
            self.put("[")
            for i, item in enumerate(value):
                self.blank()
                self.note((*path, str(i)))
                self.value(item, (*path, str(i)))
                self.put(",")
            self.blank()
            self.put("]")
        elif isinstance(value, dict):
            self.put("{ ")
            for i, (key, item) in enumerate(value.items()):
                self.put(", " if i else "")
                self.note((*path, key))
                self.put(f"{self.key(key)} =")
                self.value(item, (*path, key))
            self.put(" }")
        else:
            self.put(self.scalar(value))

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str) or self.odds(2):
            return toml_value(value)
        escaped = value.replace("\\", "\\\\").replace("\x7f", "\\u007f")
        if self.odds(2):
            ending = "\\" + "\n" if self.odds(2) else ""
            # Two quotes need no escape, and at the end they stand against the closing ones.
            return '"""\n' + escaped.replace('"""', '""\\"') + ending + '"""'
        plain = value if "'''" not in value and "\x7f" not in value else None
        return toml_value(value) if plain is None else f"'''\n{plain}'''"

    def table(self, table: dict[str, Any], path: tuple[str, ...]) -> None:
        """Scalars first: what stands below a header belongs to it."""
        under = {k: v for k, v in table.items() if isinstance(v, dict) and self.odds(2)}
        for key, item in table.items():
            if key in under:
                continue
            self.blank()
            if isinstance(item, dict) and len(item) == 1 and self.odds(2):
                (inner,) = item
                self.note((*path, key, inner))
                self.put(f"{self.key(key)} . {self.key(inner)}=")
                self.value(item[inner], (*path, key, inner))
            else:
                self.note((*path, key))
                self.put(f"{self.key(key)} = ")
                self.value(item, (*path, key))
            self.put("\n")
        for key, item in under.items():
            self.blank()
            self.note((*path, key))
            self.put(f"[{'.'.join(map(self.key, (*path, key)))}] # [x]\n")
            self.table(item, (*path, key))


@given(documents, st.data())
def test_every_key_of_any_toml_has_its_line(document: dict[str, Any], data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.table(document, ())
    assert tomllib.loads(writer.text) == document
    lines = scanned_toml(writer.text).lines
    assert lines == writer.lines
    assert set(lines) == paths_of(document)


@given(documents, st.sampled_from([None, 0, 2]))
def test_every_key_of_any_json_has_its_line(document: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    found = scanned_json(text)
    assert set(found.lines) == paths_of(document)
    assert not found.twice
    for path, line in found.lines.items():
        if indent is not None and not isinstance(at(document, path[:-1]), list):
            assert text.splitlines()[line - 1].strip().startswith(json.dumps(path[-1]))


def at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[int(key) if isinstance(document, list) else key]
    return document


PIECES = """a b. ' " = [ ] [[ { } , 1 inf # 2024-05-01 true null : 1e999 NaN \ud800 \0 \\u00"""
pieces = st.sampled_from([*PIECES.split(), '"""', "\n", "\r\n", " ", "\\"])


@given(st.lists(pieces, max_size=20).map("".join), st.sampled_from(["toml", "json"]))
def test_any_text_is_a_document_or_refused_with_its_line(text: str, kind: str) -> None:
    error = None
    document: dict[str, Any] = {}
    try:
        document = parsed(text, kind, "file")
    except SchemaError as refused:
        error = refused
    if error is not None:
        assert error.line is None or 1 <= error.line <= text.count("\n") + 1
        assert str(error).startswith("file")
    for path in paths_of(document):
        assert line_of(text, kind, path) is not None
