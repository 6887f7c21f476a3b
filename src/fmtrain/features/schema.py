"""A schema: what the columns of raw rows are and which features they give.

Here a text becomes a document with named errors; what the keys mean is the core's to judge
(csrc/encode/schema.h), which gets the canonical JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from fmtrain import _core
from fmtrain.errors import ParameterTypeError, SchemaError, printable
from fmtrain.features.changes import first_change
from fmtrain.features.document import (
    ORDERED,
    checked,
    decoded,
    error_at,
    ordered,
    parsed,
    read_file,
)
from fmtrain.features.learned import with_section

GENERATED = ("learned", "profile")


def without_learned(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in GENERATED}


class Schema:
    """Immutable. Made by load, parse, of or stored; all check it."""

    def __init__(self, document: dict[str, Any], text: str, kind: str, name: str) -> None:
        """Use load, parse or of instead. kind: toml, json, or dict, whose text no user wrote."""
        self.document = document
        self.source = name
        self.kind = kind
        self._text = text
        self._forests: dict[str, bytes] | None = None
        self._check()

    # ---- where it comes from ----

    @classmethod
    def load(cls, path: str | os.PathLike[str], learned: bool = True) -> Schema:
        """A file: JSON where its name ends in .json, else TOML. Without `learned`, what was learned
        is passed over: who learns anew may have changed what it was learned for."""
        name = os.fspath(path)
        data = read_file(name, printable(name))
        kind = "json" if name.endswith(".json") else "toml"
        return cls.parse(data, kind, name, learned)

    @classmethod
    def parse(
        cls, text: str | bytes, kind: str, name: str = "schema", learned: bool = True
    ) -> Schema:
        """kind: toml or json. name: of its file, for messages; forests are looked for beside it."""
        if isinstance(text, bytes):
            text = decoded(text, name)
        document = parsed(text, kind, name)
        return cls(document if learned else without_learned(document), text, kind, name)

    @classmethod
    def of(cls, schema: Any, learned: bool = True) -> Schema:
        """What users give for a schema: a path, a dict or a Schema."""
        if isinstance(schema, Schema):
            return schema
        if isinstance(schema, (str, os.PathLike)):
            return cls.load(schema, learned)
        if isinstance(schema, Mapping):
            document = checked(schema, "", "dict", "schema")
            return cls(document if learned else without_learned(document), "", "dict", "schema")
        raise ParameterTypeError(
            f"schema is a {type(schema).__name__}: give the path of a TOML or JSON file, or a dict"
        )

    @classmethod
    def stored(cls, canonical: bytes, forests: Mapping[str, bytes], name: str) -> Schema:
        """What canonical() and forests gave, as a model file keeps it; name: of that file."""
        schema = cls(json.loads(canonical), "", "dict", name)
        schema._forests = dict(forests)
        return schema

    def __repr__(self) -> str:
        return f"Schema({self.source!r})"

    # ---- what it says ----

    @property
    def format(self) -> str:
        """Of raw rows, where nothing else is said: tsv, csv, jsonl or parquet."""
        return str(self.document.get("format", "tsv"))

    def header_line(self, format: str) -> bytes:
        """What a file of these rows begins with that names its columns; for tsv and csv."""
        given = self.document.get("separator") if format == self.format else None
        separator = given or ("," if format == "csv" else "\t")
        names = (name.replace('"', '""') for name in self.columns)
        quoted = (f'"{name}"' for name in names) if format == "csv" else self.columns
        return separator.join(quoted).encode() + b"\n"

    @property
    def columns(self) -> list[str]:
        return list(self.document.get("columns", {}))

    @property
    def forest_files(self) -> dict[str, str]:
        """{forest: its file as the schema names it}; empty of a schema that a model kept."""
        forests = self.document.get("forests", {})
        return {name: forest["file"] for name, forest in forests.items() if "file" in forest}

    @property
    def forests(self) -> dict[str, bytes]:
        """{forest: the bytes of its file}, read once."""
        if self._forests is None:
            self._forests = {
                name: self._read_forest(name) for name in self.document.get("forests", {})
            }
        return self._forests

    def _read_forest(self, name: str) -> bytes:
        path = ("forests", name, "file")
        file = self.document["forests"][name].get("file")
        if file is None:
            raise self.error(
                path[:2], 'has no file: give file = "FOREST", saved by XGBoost or LightGBM'
            )
        where = os.path.join(os.path.dirname(self.source), file)
        return read_file(where, str(self.error(path, where)))

    @cached_property
    def _canonical(self) -> bytes:
        return json.dumps(
            ordered(self.document), separators=(",", ":"), ensure_ascii=False
        ).encode()

    def canonical(self) -> bytes:
        """JSON that is equal for equal schemas, in whatever form they were written. The forests'
        files are not named in it: their bytes travel beside it."""
        return self._canonical

    def dumps(self) -> str:
        """The text it was read from; of a schema that came as a dict, JSON."""
        if self.kind == "dict":
            return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"
        return self._text

    def difference(self, other: Schema, ignoring: Collection[str] = ()) -> str | None:
        """The first thing in which `other` ("there") is not as this ("here"), in words. `ignoring`:
        top-level keys that may differ."""
        mine, others = (
            {
                key: value
                for key, value in json.loads(schema.canonical()).items()
                if key not in ignoring
            }
            for schema in (self, other)
        )
        found = first_change(mine, others, ORDERED)
        if found is None and "forests" not in ignoring:
            changed = [name for name in self.forests if self.forests[name] != other.forests[name]]
            found = f"the forest '{changed[0]}' is another one" if changed else None
        return None if found is None else printable(found)

    # ---- what is learned ----

    def with_learned(
        self,
        learned: Mapping[str, Mapping[str, Any]],
        profile: Mapping[str, Mapping[str, Any]],
    ) -> Schema:
        """The same with these in place of what was learned before. A TOML text stays as its user
        wrote it, with a generated part at its end."""
        given = {"learned": learned, "profile": profile}
        tables = checked(given, "", "dict", self.source)
        document = without_learned(self.document)
        document |= {key: table for key, table in tables.items() if table}
        text = ""
        if self.kind == "toml":
            text = with_section(self._text, tables, self.error)
        elif self.kind == "json":
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        made = Schema(document, text, self.kind, self.source)
        made._forests = self._forests
        return made

    # ---- what is wrong with it ----

    def error(self, path: Iterable[str], message: str) -> SchemaError:
        """One about the key that `path` leads to."""
        return error_at(self.document, self._text, self.kind, self.source, path, message)

    def _check(self) -> None:
        forests = self.document.get("forests")
        if isinstance(forests, dict):
            for name, forest in forests.items():
                if isinstance(forest, dict) and not isinstance(forest.get("file", ""), str):
                    raise self.error(("forests", name, "file"), "is no text: give a path")
        found = _core.check_schema(self.canonical())
        if found is not None:
            path, message = found
            raise self.error(path, message)
