"""The document in a TOML or JSON text: plain values, its canonical form, and errors that name file,
key and line."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fmtrain.errors import FileError, SchemaError
from fmtrain.features.lines import line_of, scanned_json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Tables whose order means something: of headerless cells, of the features in a sample.
ORDERED = ("columns", "features", "forests")
#: Beyond these a float's neighbours are no integers any more.
WHOLE_MAX = 2**53
#: Larger ones are no double.
INTEGER_BITS_MAX = 1023
#: csrc/base/json.h refuses more.
DEPTH_MAX = 60

TOML_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


# ---- text -> document ----


def read_file(path: str, shown: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileError(f"{shown}: cannot read: {reason}") from error


def decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SchemaError(
            f"the byte 0x{data[error.start]:02x} is no UTF-8", file=name, line=line
        ) from error


def parsed_toml(text: str, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tomllib.loads(text)
        return found
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = TOML_POSITION.search(said)
        line = text.count("\n") + 1
        if at is not None:
            said = said[: at.start()]
            if at[1] is not None:
                line, said = int(at[1]), f"{said}, column {at[2]}"
        wrong = text.split("\n")[line - 1]
        if wrong.count("{") > wrong.count("}"):  # what most often goes wrong, and is said least
            said += "; what { opens has to be closed on its line"
        raise SchemaError(f"no TOML: {said}", file=name, line=line) from error


def parsed_json(text: str, name: str) -> dict[str, Any]:
    def no_constant(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    twice = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(pairs)
        twice |= len(found) < len(pairs)
        return found

    try:
        found = json.loads(text, parse_constant=no_constant, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        said = f"no JSON: {error.msg}, column {error.colno}"
        raise SchemaError(said, file=name, line=error.lineno) from error
    if twice:
        path, line = scanned_json(text).twice[0]
        raise SchemaError("stands twice", file=name, key=spelled(found, path), line=line)
    if not isinstance(found, dict):
        raise SchemaError("no schema: the document is no object", file=name, line=1)
    return found


def parsed(text: str, kind: str, name: str) -> dict[str, Any]:
    try:
        found = parsed_toml(text, name) if kind == "toml" else parsed_json(text, name)
    except SchemaError:
        raise
    except RecursionError as error:
        raise SchemaError("nested too deeply", file=name) from error
    except ValueError as error:  # Python's own limits, as that of an integer's digits
        said = str(error).partition(":")[0]
        raise SchemaError(f"cannot be read: {said}", file=name) from error
    return checked(found, text, kind, name)


Complain = Callable[[tuple[str, ...], str], SchemaError]


def checked(document: Mapping[str, Any], text: str, kind: str, name: str) -> dict[str, Any]:
    """The document of what JSON has, and no deeper than our own functions can follow."""
    try:
        found: dict[str, Any] = plain(
            document, (), lambda path, said: error_at(document, text, kind, name, path, said)
        )
        return found
    except RecursionError as error:
        raise SchemaError("nested too deeply", file=name) from error


def plain(value: Any, path: tuple[str, ...], complain: Complain) -> Any:
    """The value of dicts, lists, text, finite numbers and booleans."""
    if len(path) > DEPTH_MAX:
        raise complain(path[:1], "nested too deeply")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise complain(path, f"the key {key!r} is no text")
            plain(key, path, complain)
        return {key: plain(item, (*path, key), complain) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, (*path, str(i)), complain) for i, item in enumerate(value)]
    if isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise complain(path, "the text is no Unicode: half a surrogate pair")
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > INTEGER_BITS_MAX:
            raise complain(path, "the number is too large")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise complain(path, f"{value} is not allowed: give a finite number")
        return float(value)
    if hasattr(value, "tolist"):  # of numpy
        return plain(value.tolist(), path, complain)
    raise complain(path, f"a {type(value).__name__} is not allowed: give it as text, in quotes")


def error_at(
    document: Any, text: str, kind: str, name: str, path: Iterable[str], message: str
) -> SchemaError:
    keys = tuple(path)
    line = line_of(text, kind, keys) if text else None
    return SchemaError(message, file=name, key=spelled(document, keys), line=line)


# ---- document -> canonical form ----


def ordered(document: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key in sorted(document):
        value = document[key]
        if key in ORDERED and isinstance(value, dict):
            found[key] = {name: in_order(item, key) for name, item in value.items()}
        else:
            found[key] = in_order(value)
    return found


def in_order(value: Any, table: str = "") -> Any:
    if isinstance(value, dict):
        keys = [key for key in sorted(value) if (table, key) != ("forests", "file")]
        return {key: in_order(value[key]) for key in keys}
    if isinstance(value, list):
        return [in_order(item) for item in value]
    # 2.0 and 2 are one number.
    if isinstance(value, float) and value.is_integer() and abs(value) <= WHOLE_MAX:
        return int(value)
    if isinstance(value, int) and abs(value) > WHOLE_MAX:
        return float(value)
    return value


def spelled(document: Any, path: Iterable[str]) -> str:
    """columns.I1.transforms[1]; a key that TOML wants in quotes has them."""
    words = ""
    for key in path:
        if isinstance(document, list):
            words += f"[{key}]"
            document = document[int(key)] if key.isdecimal() and int(key) < len(document) else None
            continue
        quoted = (
            key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
        )
        words += f".{quoted}" if words else quoted
        document = document.get(key) if isinstance(document, Mapping) else None
    return words
