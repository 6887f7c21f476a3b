"""Random schemas and raw rows for the encoder, a row both as cells and as a line of text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

Spec = dict[str, Any]

#: Where bytes mean something to a format, a schema, a text sample or to nobody.
ODD = "abAZ09 =&%:#@,;|\"'\\/?!\x01\x7f\u00e9\u5317\U0001f600"
NO_UTF8 = "\udcff\udcc3"  # bytes that are no text: not in JSON
TOKENS = ["", "NULL", "?", "-", "\\N", "nan", "0", "x"]
NUMBERS = [
    *("0", "-0", "-0.0", "1", "-1", "+1", "2", "2.5", "1.", ".5", "-.5e-3", "1e5", "1E+5", "0.1"),
    *("1e-320", "5e-324", "1e-46", "7.006492321624085e-46", "1.5e-45", "1e308", "1e309", "-1e999"),
    *("16777217", "3.4028235677973366e38", "3.5e38", "12345678901234567890", "9007199254740993"),
    *("nan", "NaN", "-nan", "+NAN", "inf", "-Inf", "infinity", "+INFINITY", "1e-999", "007"),
    *(
        "infin",
        "nanx",
        "nan(1)",
        "0x1p3",
        "1_000",
        "1,5",
        "--1",
        "+-1",
        "e5",
        "1e",
        "1e+",
        ".",
        "+",
    ),
    *("1 2", "\u0663", "x", "-", " ", "  3  ", "1.2.3", "1f", "\u22121"),
]
TIMES = [
    *("0", "-1", "86399.999", "1714566896", "-86400", "1e300", "-1e300", "9007199254740993", "nan"),
    *("2024-05-01", "2024-05-01T12:34:56", "2024-05-01 12:34:56.5", "2024-05-01T12:34:56Z", "inf"),
    *("2024-05-01T12:34:56+08:00", "2024-05-01T00:00:00.25-05:30", "1969-12-31T23:59:59Z", "x"),
    *("2024-02-30", "2024-13-01", "2024-00-01", "2023-02-29", "2000-02-29", "1900-02-29", " 5 "),
    *("2024-05-01T24:00:00", "2024-05-01T12:60:00", "2024-05-01T12:34:60", "2024-05-01T12:34"),
    *(
        "2024-05-01T12:34:56+0800",
        "20240501",
        "2024-5-1",
        "0001-01-01",
        "0000-03-01",
        "2024-05-01Z",
    ),
    *("9999-12-31T23:59:59.999999999Z", "2024-05-01t12:34:56", "2024-05-01T12:34:56.", "2024-05"),
    *("2024-05-01T12:34:56+24:00", "2024-05-01  12:34:56", " 2024-05-01 ", "-2024-05-01"),
]
LABELS = ["0", "1", "-1", "0.25", "1.0", " 1 ", "1e-50", "1e0", "-0"]
BAD_LABELS = ["", "x", "2", "-0.5", "inf", "1.0000001", "NULL", "-1e-50"]
WEIGHTS = ["1", "0", "2.5", "", "1e-50", "1e38", "0.1"]
BAD_WEIGHTS = ["-1", "x", "inf", "1e39", "-1e-50"]


class Spelled(str):
    """A number of JSON as it is written there."""


@dataclass(frozen=True)
class Rows:
    """Rows in one format: `cells` of each (or the kind of bad line it is) and the whole text."""

    format: str
    cells: list[dict[str, Any] | str]
    text: bytes
    first_line: int  # of the rows


def finite(bound: float = 1e300) -> st.SearchStrategy[float]:
    return st.one_of(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5, -1.0, 10.0, 1e-3, 1e6]),
        st.floats(-bound, bound, allow_nan=False),
    )


def names() -> st.SearchStrategy[str]:
    odd = st.text(ODD.replace('"', "").replace("\x01", ""), min_size=1, max_size=5)
    return odd.map(str.strip).filter(bool) | st.sampled_from(["C1", "I1", "long_" * 9])


# Schemas


@st.composite
def chain_of_number(draw: st.DrawFn, feature: str, learned: Spec, extra: list[str]) -> list[str]:
    """Transforms of a number, with what they would have learned."""
    chain = []
    for step in draw(st.lists(st.sampled_from(["log", "clip"]), max_size=2)):
        low, high = sorted((draw(finite()), draw(finite())))
        chain.append("log" if step == "log" else f"clip {low!r} {high!r}")
    lasts = ["equal-width", "equal-frequency", "boundaries", "z-score", "min-max", "log-square"]
    last = draw(st.sampled_from([*lasts, "round", "value", *extra] + [""] * (not extra)))
    if last in extra:  # of the time itself
        return [last]
    edges = sorted(draw(st.sets(finite(), min_size=1, max_size=6)))
    if last in extra:
        return [last]  # of a time as it is
    if last.startswith("equal"):
        learned[feature] = {"cuts": edges}
        last += f" {len(edges) + 1}"
    elif last == "boundaries":
        last += "".join(f" {edge!r}" for edge in edges)
    elif last == "z-score":
        learned[feature] = {"mean": edges[0], "deviation": abs(edges[-1])}
    elif last == "min-max":
        learned[feature] = {"min": edges[0], "max": edges[-1]}
    return chain + [last] * bool(last)


@st.composite
def transforms(draw: st.DrawFn, feature: str, kind: str, learned: Spec) -> Spec:
    """{"transforms": [...]}, or nothing."""
    chain = []
    if kind not in ("number", "timestamp") and draw(st.booleans()):
        chain.append(f"hash {draw(st.sampled_from([1, 2, 10, 1000003, 2**31]))}")
    if kind in ("number", "timestamp", "weighted-list"):
        extra = ["hour", "weekday"] if kind == "timestamp" else []
        chain += draw(chain_of_number(feature, learned, extra))
    return {"transforms": chain} if chain or draw(st.booleans()) else {}


@st.composite
def rules(draw: st.DrawFn, kind: str) -> Spec:
    found: Spec = {}
    numeric = kind in ("number", "timestamp")
    actions = ["missing", "missing", "drop", "reject"]
    if draw(st.booleans()):
        found["missing"] = draw(st.lists(st.sampled_from(TOKENS), max_size=3, unique=True))
    if draw(st.booleans()):
        fill = [draw(finite()), 0, -1] if numeric else []
        found["missing-as"] = draw(st.sampled_from(["bin", "bin", "drop", "reject", *fill]))
    if (numeric or kind == "weighted-list") and draw(st.booleans()):
        found["invalid-as"] = draw(st.sampled_from(actions))
        found["infinite-as"] = draw(st.sampled_from(actions))
    if numeric and draw(st.booleans()):
        found["range"] = sorted((draw(finite()), draw(finite())))
        found["outside-as"] = draw(st.sampled_from(["clip", "clip", *actions]))
        found["infinite-as"] = draw(st.sampled_from(["clip", *actions]))
    return found


@st.composite
def columns(draw: st.DrawFn, name: str, learned: Spec) -> Spec:
    kinds = ["category", "number", "list", "weighted-list", "text", "timestamp"]
    kind = draw(st.sampled_from(kinds))
    found = {"type": kind} if kind != "category" or draw(st.booleans()) else {}
    role = draw(st.sampled_from([None, "feature", "user", "item", "ignore"]))
    if role:
        found["role"] = role
    if "list" in kind and draw(st.booleans()):
        found["separator"] = draw(st.sampled_from([",", ";", "|", " "]))
    if kind == "weighted-list" and draw(st.booleans()):
        found["weight-separator"] = draw(st.sampled_from([":", "=", "@"]))
    if kind == "timestamp" and draw(st.booleans()):
        found["utc-offset"] = draw(st.sampled_from(["+00:00", "+08:00", "-05:30", "+14:00"]))
    own = {} if role == "ignore" else draw(transforms(name, kind, learned))
    if kind == "timestamp" and role != "ignore" and not own.get("transforms"):
        own = {"transforms": ["value"]}  # has no default
    return found | own | draw(rules(kind))


@st.composite
def made_features(draw: st.DrawFn, sources: Spec, taken: list[str], learned: Spec) -> Spec:
    found: Spec = {}
    parts = [name for name, column in sources.items() if column.get("role") != "ignore"]
    for name in draw(st.lists(names(), max_size=4, unique=True)):
        if name in taken:
            continue
        if len(parts) < 2 or draw(st.booleans()):
            source = draw(st.sampled_from(sorted(sources)))
            kind = sources[source].get("type", "category")
            found[name] = {"from": source} | draw(transforms(name, kind, learned))
            parts.append(name)
        else:
            some = st.lists(st.sampled_from(parts), min_size=2, max_size=3, unique=True)
            found[name] = {"cross": draw(some)}
    crossed = {part for made in found.values() for part in made.get("cross", [])}
    for name in sorted(crossed & found.keys()):  # what nothing is made of is not read
        if draw(st.booleans()):
            found[name]["emit"] = draw(st.booleans())
    return found


@st.composite
def schemas(draw: st.DrawFn) -> Spec:
    """Complete schemas: what is learned is in them."""
    learned: Spec = {}
    taken = draw(st.lists(names(), min_size=2, max_size=7, unique=True))
    label: Spec = {"role": "label"}
    if draw(st.integers(0, 3)) == 0:
        label["positive"] = ["1", "yes"]
        if draw(st.booleans()):
            label["negative"] = ["0", "no"]
    sources = {name: draw(columns(name, learned)) for name in taken[1:]}
    if all(column.get("role") == "ignore" for column in sources.values()):
        sources[taken[-1]] = {"type": "text"}
    others: Spec = {taken[0]: label}
    for role in ("weight", "key"):
        if role not in taken and draw(st.integers(0, 3)) == 0:
            others[role] = {"role": role}
    order = draw(st.permutations([*others.items(), *sources.items()]))
    found: Spec = {"columns": dict(order)}
    if draw(st.booleans()):
        found["missing"] = draw(st.lists(st.sampled_from(TOKENS), max_size=3, unique=True))
    made = draw(made_features(sources, [*others, *sources], learned))
    # What gives no feature at all is refused.
    emitted = [column.get("role") != "ignore" for column in sources.values()]
    assume(any(emitted) or any(feature.get("emit", True) for feature in made.values()))
    return found | ({"features": made} if made else {}) | ({"learned": learned} if learned else {})


# Rows


def odd_text(forbidden: str) -> st.SearchStrategy[str]:
    alphabet = "".join(c for c in ODD + NO_UTF8 + "\t\x00" if c not in forbidden)
    return st.text(alphabet, max_size=6) | st.sampled_from([*TOKENS, "ab", "c d"]).filter(
        lambda text: not set(text) & set(forbidden)
    )


def number_text(schema: Spec) -> st.SearchStrategy[str]:
    """Numbers and junk, and the schema's own cuts and ends: ties."""
    own = set(re.findall(r"-?\d[\d.e+-]*", json.dumps(schema))) - {"-"}
    return st.one_of(
        st.sampled_from(sorted(own) or ["0"]),
        st.sampled_from(NUMBERS),
        st.floats().map(repr),
        st.integers(-100, 100).map(str),
    )


@st.composite
def cell_text(draw: st.DrawFn, schema: Spec, column: Spec, forbidden: str) -> str:
    role, kind = column.get("role"), column.get("type", "category")
    if role == "label":
        texts = ["yes", "no", "1", "0"] if "positive" in column else LABELS
        return draw(st.sampled_from(texts * 3 + BAD_LABELS))
    if role == "weight":
        return draw(st.sampled_from(WEIGHTS * 3 + BAD_WEIGHTS))
    if kind == "number":
        text = draw(number_text(schema))
    elif kind == "timestamp":
        time = st.datetimes().map(lambda at: at.isoformat(sep=" "))
        text = draw(st.sampled_from(TIMES) | time | number_text(schema))
    elif "list" in kind:
        item = odd_text(forbidden)
        if kind == "weighted-list":
            mark = column.get("weight-separator", ":")
            item |= st.builds(lambda a, w: a + mark + w, item, number_text(schema))
        text = column.get("separator", ",").join(draw(st.lists(item, max_size=4)))
    else:
        text = draw(odd_text(forbidden) | st.sampled_from(["Don't PANIC", "100000", "1.50", "3"]))
    return "".join(c for c in text if c not in forbidden)


def as_bytes(schema: Spec, texts: dict[str, str]) -> dict[str, bytes]:
    read = {name: text for name, text in texts.items() if name in schema["columns"]}
    return {name: text.encode(errors="surrogateescape") for name, text in read.items()}


@st.composite
def delimited(draw: st.DrawFn, schema: Spec, format: str) -> tuple[Spec, Rows]:
    """The schema with its dialect, and rows as TSV or CSV."""
    separator = draw(st.sampled_from(["\t", "|"] if format == "tsv" else [",", ";", "\t"]))
    quoted = format == "csv"
    dialect: Spec = {"format": format}
    if separator != ("\t" if format == "tsv" else ","):
        dialect["separator"] = separator
    header, trim = draw(st.booleans()), draw(st.booleans())
    dialect |= {"header": header} | ({"trim": trim} if trim else {})
    order = list(schema["columns"])
    if header:
        order = draw(st.permutations([*order, "no column of the schema"]))
    forbidden = "\r\n" + ("" if quoted else separator)

    def write(text: str, loose: bool = trim) -> bytes:
        raw = text.encode(errors="surrogateescape")
        if quoted and (
            separator in text
            or text.startswith('"')
            or text != text.strip(" \t")
            or draw(st.booleans())
        ):
            raw = b'"' + raw.replace(b'"', b'""') + b'"'
        pad = draw(st.sampled_from([b"", b" ", b"  "])) if loose else b""
        return pad + raw + pad

    if not quoted and any(separator in name for name in order):
        header, order = False, list(schema["columns"])
        dialect["header"] = False
    lines = [separator.encode().join(write(name) for name in order)] if header else []
    cells: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        texts = {
            name: draw(cell_text(schema, schema["columns"].get(name, {}), forbidden))
            for name in order
        }
        if trim:  # blanks within quotes are no matter of trimming
            texts = {name: text.strip(" \t") for name, text in texts.items()}
        raw = [write(text) for text in texts.values()]
        spoiled = draw(st.sampled_from([""] * 8 + ["ragged"]))
        if spoiled:
            raw = [*raw, b"x"] if len(raw) < 3 or draw(st.booleans()) else raw[:-1]
        cells.append(spoiled or as_bytes(schema, texts))
        lines.append(separator.encode().join(raw))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    return schema | dialect, Rows(format, cells, end.join([*lines, b""]), 1 + header)


JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@st.composite
def json_cell(draw: st.DrawFn, schema: Spec, column: Spec) -> Any:
    """A string, a number where the text is one, true, null, or a list that came as one."""
    text = draw(cell_text(schema, column, NO_UTF8))
    kind = column.get("type", "category")
    odd = draw(st.integers(0, 9))
    if odd == 0:
        return None
    if odd == 1 and "positive" not in column and column.get("role") not in ("key", "weight"):
        plain = kind in ("category", "number") and "0" not in column.get(
            "missing", schema.get("missing", [])
        )
        return draw(st.booleans()) if plain else None
    if odd < 5 and kind == "list":
        return draw(
            st.lists(odd_text(NO_UTF8) | st.integers(-5, 5).map(str).map(Spelled), max_size=4)
        )
    if odd < 5 and kind == "weighted-list":
        weight = st.floats(allow_nan=False) | st.integers(-5, 5) | st.sampled_from(["2", None])
        return draw(st.dictionaries(odd_text(NO_UTF8), weight, max_size=4))
    if (
        odd == 5
        and kind != "weighted-list"
        and column.get("role") not in ("label", "weight", "key")
    ):
        return {"nested": Spelled("1")} if draw(st.booleans()) or kind == "list" else ["nested"]
    return Spelled(text) if JSON_NUMBER.fullmatch(text) and draw(st.booleans()) else text


def to_json(cell: Any, ascii_only: bool) -> str:
    if isinstance(cell, Spelled):
        return str(cell)
    if isinstance(cell, list):
        return "[" + ", ".join(to_json(item, ascii_only) for item in cell) + "]"
    if isinstance(cell, dict):
        members = (
            f"{to_json(str(k), ascii_only)}:{to_json(v, ascii_only)}" for k, v in cell.items()
        )
        return "{" + ",".join(members) + "}"
    return json.dumps(cell, ensure_ascii=ascii_only).replace("Infinity", "1e999")


@st.composite
def json_lines(draw: st.DrawFn, schema: Spec) -> tuple[Spec, Rows]:
    """The schema, and rows as JSON lines; members in any order, null ones left out at times."""
    cells: list[Any] = []
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        row = {name: draw(json_cell(schema, column)) for name, column in schema["columns"].items()}
        written = {k: v for k, v in row.items() if v is not None or draw(st.booleans())}
        extra = {"no column of the schema": [{"a": Spelled("1")}]} if draw(st.booleans()) else {}
        members = draw(st.permutations([*written.items(), *extra.items()]))
        spoiled = draw(st.sampled_from([""] * 8 + ["bad_json"]))
        lines.append(to_json(dict(members), draw(st.booleans())) + ("}" if spoiled else ""))
        cells.append(spoiled or row)
    text = "".join(line + "\n" for line in lines).encode()
    return schema | {"format": "jsonl"}, Rows("jsonl", cells, text, 1)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Spec, Rows]:
    """A schema and rows for it in a format of its own."""
    schema = draw(schemas())
    format = draw(st.sampled_from(["tsv", "csv", "jsonl"]))
    return draw(json_lines(schema) if format == "jsonl" else delimited(schema, format))
