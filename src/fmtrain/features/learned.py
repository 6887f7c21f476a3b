"""The part of a TOML schema that `fmtrain schema fit` writes: behind what its user wrote, which
stays as it is."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fmtrain.errors import SchemaError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MARK = "# Learned by `fmtrain schema fit`; replaced when it runs again."
TABLES = ("learned", "profile")
LINE_MAX = 100

Complain = Callable[[Iterable[str], str], SchemaError]


def with_section(text: str, tables: Mapping[str, Mapping[str, Any]], complain: Complain) -> str:
    """`text` with these tables in its generated part. `complain` makes the error about a key."""
    own, generated = divided(text)
    for key in tomllib.loads(own):
        if key in TABLES:
            raise complain(
                [key], f"is not below the line '{MARK}', where it is written: remove it there"
            )
    for key in tomllib.loads(generated):
        if key not in TABLES:
            raise complain([key], f"is below the line '{MARK}' and would be lost: move it up")
    lines = [
        line
        for table in TABLES
        for name, entries in tables.get(table, {}).items()
        for line in table_lines(table, name, entries)
    ]
    if not lines:
        return own
    if own and not own.endswith("\n"):
        own += "\n"
    gap = "\n" if own and not own.endswith(("\n\n", "\n\r\n")) else ""
    return own + gap + "\n".join([MARK, *lines])


def divided(text: str) -> tuple[str, str]:
    """What the user wrote, what was generated."""
    found = list(re.finditer(rf"^{re.escape(MARK)}\r?$", text, re.MULTILINE))
    for mark in reversed(found):
        own = text[: mark.start()]
        try:
            tomllib.loads(own)
        except tomllib.TOMLDecodeError:  # it stands in a text of several lines
            continue
        return own, text[mark.end() :]
    return text, ""


def table_lines(table: str, name: str, entries: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{table}.{toml_key(name)}]"
    for key, value in entries.items():
        line = f"{toml_key(key)} = {toml_value(value)}"
        if len(line) <= LINE_MAX or not isinstance(value, list):
            yield line
        else:
            yield f"{toml_key(key)} = ["
            yield from wrapped([toml_value(item) for item in value])
            yield "]"
    yield ""


def wrapped(items: list[str]) -> Iterator[str]:
    line = " "
    for item in items:
        if len(line) + len(item) + 2 > LINE_MAX and line.strip():
            yield line
            line = " "
        line += f" {item},"
    yield line


def toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_text(key)


def toml_text(text: str) -> str:
    # JSON's escapes are TOML's, but DEL has to be escaped here.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any) -> str:
    """Reads back as exactly this value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        members = (f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(members)} }}" if value else "{}"
    raise TypeError(f"{type(value).__name__} has no TOML")
