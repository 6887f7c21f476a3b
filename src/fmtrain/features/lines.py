"""The line on which each key of a TOML or JSON text stands: their parsers tell values alone.

A path is the keys from the root down, as text; an item of an array has its index as key. The text
is one that its parser took: what is wrong in it is not looked for.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Path = tuple[str, ...]

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
BASIC_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
LITERAL_STRING = re.compile(r"'[^']*'")
#: The closing quotes may have one or two of the text's own before them.
LONG_BASIC_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL)
LONG_LITERAL_STRING = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
#: A number, a boolean, or a date, which may have a blank in it.
TOML_SCALAR = re.compile(r"[^,\]}#\r\n]+")
JSON_SCALAR = re.compile(r"[^\s,\]}]+")
BLANKS = re.compile(r"[ \t]*")
WHITE = re.compile(r"\s*")
WHITE_AND_COMMENTS = re.compile(r"(?:\s|#[^\n]*)*")


class Scanner:
    """A text and how far it was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def line(self) -> int:
        return bisect_right(self._breaks, self.at - 1) + 1

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"line {self.line()}: not what its parser took")
        self.at = found.end()
        return found[0]

    def sees(self, piece: str) -> bool:
        return self.text.startswith(piece, self.at)

    def take(self, piece: str) -> bool:
        if not self.sees(piece):
            return False
        self.at += len(piece)
        return True


class TomlScanner(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._table: Path = ()
        self._elements: dict[Path, int] = {}  # of the arrays of tables

    def scan(self) -> None:
        self.skip(WHITE_AND_COMMENTS)
        while self.at < len(self.text):
            if self.sees("["):
                self.header()
            else:
                self.entry(self._table)
            self.skip(WHITE_AND_COMMENTS)

    def note(self, path: Path, line: int) -> None:
        """A key that is written out; tables that it opens on its way have its line, if none."""
        for depth in range(1, len(path)):
            self.lines.setdefault(path[:depth], line)
        self.lines[path] = line

    def header(self) -> None:
        line = self.line()
        many = self.take("[[")
        if not many:
            self.take("[")
        keys = self.keys()
        self.take("]]" if many else "]")
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            if many and number == len(keys):
                self.lines.setdefault(path, line)
                self._elements[path] = self._elements.get(path, 0) + 1
            if path in self._elements:
                path = (*path, str(self._elements[path] - 1))
        self.note(path, line)
        self._table = path

    def entry(self, table: Path) -> None:
        line = self.line()
        path = (*table, *self.keys())
        self.note(path, line)
        self.take("=")
        self.value(path)

    def keys(self) -> Path:
        found = []
        while True:
            self.skip(BLANKS)
            if self.sees('"'):
                found.append(tomllib.loads(f"key = {self.skip(BASIC_STRING)}")["key"])
            elif self.sees("'"):
                found.append(self.skip(LITERAL_STRING)[1:-1])
            else:
                found.append(self.skip(BARE_KEY))
            self.skip(BLANKS)
            if not self.take("."):
                return tuple(found)

    def value(self, path: Path) -> None:
        self.skip(BLANKS)
        if self.sees('"""'):
            self.skip(LONG_BASIC_STRING)
        elif self.sees("'''"):
            self.skip(LONG_LITERAL_STRING)
        elif self.sees('"'):
            self.skip(BASIC_STRING)
        elif self.sees("'"):
            self.skip(LITERAL_STRING)
        elif self.take("["):
            self.array(path)
        elif self.take("{"):
            self.inline_table(path)
        else:
            self.skip(TOML_SCALAR)

    def array(self, path: Path) -> None:
        count = 0
        self.skip(WHITE_AND_COMMENTS)
        while not self.take("]"):
            item = (*path, str(count))
            self.note(item, self.line())
            self.value(item)
            count += 1
            self.skip(WHITE_AND_COMMENTS)
            self.take(",")
            self.skip(WHITE_AND_COMMENTS)

    def inline_table(self, path: Path) -> None:
        self.skip(WHITE_AND_COMMENTS)
        while not self.take("}"):
            self.entry(path)
            self.skip(WHITE_AND_COMMENTS)
            self.take(",")
            self.skip(WHITE_AND_COMMENTS)


class JsonScanner(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        #: Keys that stand twice in their object, which parsers pass over.
        self.twice: list[tuple[Path, int]] = []

    def scan(self) -> None:
        self.value(())

    def value(self, path: Path) -> None:
        self.skip(WHITE)
        if self.sees('"'):
            self.skip(BASIC_STRING)
        elif self.take("["):
            self.members(path, "]")
        elif self.take("{"):
            self.members(path, "}")
        else:
            self.skip(JSON_SCALAR)
        self.skip(WHITE)

    def members(self, path: Path, end: str) -> None:
        count = 0
        self.skip(WHITE)
        while not self.take(end):
            line = self.line()
            key = str(count) if end == "]" else json.loads(self.skip(BASIC_STRING))
            member = (*path, key)
            if member in self.lines:
                self.twice.append((member, line))
            self.lines[member] = line
            if end == "}":
                self.skip(WHITE)
                self.take(":")
            self.value(member)
            count += 1
            self.take(",")
            self.skip(WHITE)


def scanned_toml(text: str) -> TomlScanner:
    scanner = TomlScanner(text)
    scanner.scan()
    return scanner


def scanned_json(text: str) -> JsonScanner:
    scanner = JsonScanner(text)
    scanner.scan()
    return scanner


def line_of(text: str, kind: str, path: Path) -> int | None:
    """The line of a key or, where it is not written out, of the nearest table around it."""
    lines = (scanned_toml(text) if kind == "toml" else scanned_json(text)).lines
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
