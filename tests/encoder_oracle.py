"""What the encoder gives for a raw row, in plain Python: the specification in code.

`Oracle(schema, seed, forests).encode({column: cell})`; a cell is None, bytes, str, int, float,
bool, a list (items) or a dict (item: weight). Schemas are valid and complete (cuts learned).
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import mmh3

Forests = dict[str, tuple[str, Callable[[list[float]], list[int]]]]  # version, leaves of a row
Features = list[tuple[bytes, float]]  # name, x
FLOAT_MAX = (2 - 2**-23) * 2.0**127
FEATURES_MAX, INTEGER_MAX = 1 << 20, 1 << 53
MISSING, DROPPED = object(), object()
NUMBER = re.compile(rb"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)", re.I)
TIME = rb"[T ](\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-](\d\d):(\d\d))?"
ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)(?:" + TIME + rb")?")


class Bad(Exception):
    """A bad row: kind, column."""


def as_float(v: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", min(max(v, -FLOAT_MAX), FLOAT_MAX)))[0])


def escape(raw: bytes, more: bytes = b"") -> bytes:
    reserved = {*range(0x21), 0x7F, *b":%&", *more}
    return b"".join(b"%%%02X" % c if c in reserved else bytes([c]) for c in raw)


def escape_name(name: str) -> bytes:
    return escape(name.encode(), b"=@#")


def shortest(v: float) -> str:
    """Integers as such; else std::to_chars: the shorter of fixed and scientific, fixed on a tie."""
    if math.isinf(v) or (abs(v) <= INTEGER_MAX and v == math.floor(v)):
        return str(v) if math.isinf(v) else str(int(v))
    mantissa, exponent = next(s for p in range(17) if float(s := f"{v:.{p}e}") == v).split("e")
    behind_point = len(mantissa.lstrip("-").replace(".", "")) - 1 - int(exponent)
    return min(f"{v:.{max(behind_point, 0)}f}", f"{mantissa}e{exponent}", key=len)


def as_text(cell: Any) -> bytes:
    if isinstance(cell, bool):
        return b"true" if cell else b"false"
    if isinstance(cell, float):
        return shortest(cell).encode()
    return cell if isinstance(cell, bytes) else str(cell).encode()


def as_number(cell: Any) -> float | None:
    if isinstance(cell, bool | float):
        return float(cell)
    text = as_text(cell).strip(b" \t")
    return float(text) if NUMBER.fullmatch(text) else None


def days_since_1970(y: int, m: int, d: int) -> int | None:
    leap = y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
    months = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (1 <= m <= 12 and 1 <= d <= months[m - 1]):
        return None
    leap_years = (y - 1) // 4 - (y - 1) // 100 + (y - 1) // 400 - 477  # from 1970 to y
    return 365 * (y - 1970) + leap_years + sum(months[: m - 1]) + d - 1


def offset_of(zone: str) -> int:
    return (-60 if zone[0] == "-" else 60) * (int(zone[1:3]) * 60 + int(zone[4:6]))


def as_seconds(cell: Any, own_zone: str) -> float | None:
    """A date or time without a zone is in the column's own."""
    at = None if isinstance(cell, bool | float) else ISO.fullmatch(as_text(cell).strip(b" \t"))
    if at is None:
        return as_number(cell)
    days = days_since_1970(*(int(part) for part in at.group(1, 2, 3)))
    h, m, s, zone_h, zone_m = (int(part or 0) for part in at.group(4, 5, 6, 9, 10))
    if days is None or h > 23 or zone_h > 23 or max(m, s, zone_m) > 59:
        return None
    zone = own_zone if at[8] is None else "+00:00" if at[8] == b"Z" else at[8].decode()
    return days * 86400 + h * 3600 + m * 60 + s - offset_of(zone) + float(at[7] or 0)


def fault_of(v: float | None, low: float = -math.inf, high: float = math.inf) -> str:
    if v is None or math.isnan(v):
        return "invalid" if v is None else "nan"
    return "infinite" if math.isinf(v) else "" if low <= v <= high else "outside"


def fits(kind: str, cell: Any) -> bool:
    """Whether a list, or items with weights, is one that such a column can hold."""
    if isinstance(cell, list):
        return "list" in kind and not any(isinstance(item, list | dict) for item in cell)
    return kind == "weighted-list" and not any(isinstance(w, list | dict) for w in cell.values())


class Oracle:
    def __init__(self, schema: dict[str, Any], seed: int = 0, forests: Forests | None = None):
        self.schema, self.seed, self.forests = schema, seed, forests or {}
        self.columns: dict[str, dict[str, Any]] = schema["columns"]
        self.made: dict[str, dict[str, Any]] = schema.get("features", {})
        self.guards: dict[str, Counter[str]] = {}

    # Cells to values: a number, bytes, [item], [(item, weight)], MISSING or DROPPED.

    def rule(self, name: str, fault: str) -> Any:
        """Counts the fault; what becomes of the cell: bin, drop, clip or a number to fill in."""
        self.guards[name].update([fault, "missing"] if fault == "nan" else [fault])
        rule = self.columns[name].get(f"{fault}-as", "clip" if fault == "outside" else "missing")
        if fault == "missing" or rule == "missing":
            rule = self.columns[name].get("missing-as", "bin")
        if rule == "reject":
            raise Bad("rejected_cell", name)
        return rule

    def settle(self, name: str, fault: str, v: float = 0.0) -> Any:
        rule = self.rule(name, fault)
        if rule == "clip":
            low, high = self.columns[name]["range"]
            return float(min(max(v, low), high))
        return {"bin": MISSING, "drop": DROPPED}[rule] if isinstance(rule, str) else float(rule)

    def is_missing(self, name: str, cell: Any) -> bool:
        tokens = self.columns[name].get("missing", self.schema.get("missing", []))
        if cell is None or cell != cell or cell == [] or cell == {}:
            return True
        return as_text(cell) in [b"", *(token.encode() for token in tokens)]

    def value(self, name: str, cell: Any) -> Any:
        self.guards[name] = Counter(rows=1)
        column, kind = self.columns[name], self.columns[name].get("type", "category")
        if kind in ("number", "timestamp") and isinstance(cell, bool):
            cell = float(cell)
        if isinstance(cell, float) and math.isnan(cell):
            return self.settle(name, "nan")
        if self.is_missing(name, cell):
            return self.settle(name, "missing")
        if isinstance(cell, list | dict) and not fits(kind, cell):
            return self.settle(name, "invalid")
        if kind in ("number", "timestamp"):
            zone = column.get("utc-offset", "+00:00")
            v = as_number(cell) if kind == "number" else as_seconds(cell, zone)
            fault = fault_of(v, *column.get("range", ()))
            return self.settle(name, fault, v or 0.0) if fault else v
        if kind == "weighted-list":
            return self.weighted_items(name, cell)
        found = {"list": self.items, "text": self.words}.get(kind, lambda _, c: as_text(c))(
            column, cell
        )
        return found or self.settle(name, "missing")

    def words(self, column: dict[str, Any], cell: Any) -> list[bytes]:
        return [word.lower() for word in re.findall(rb"[A-Za-z0-9\x80-\xff]+", as_text(cell))]

    def items(self, column: dict[str, Any], cell: Any) -> list[bytes]:
        if not isinstance(cell, list):
            return [
                item for item in as_text(cell).split(column.get("separator", ",").encode()) if item
            ]
        return [text for item in cell if item is not None and (text := as_text(item))]

    def weighted_items(self, name: str, cell: Any) -> Any:
        """An item whose weight is no number is left out; the rules settle what is left of none."""
        column, found, rules = self.columns[name], [], []
        if isinstance(cell, dict):
            pairs = [(as_text(item), weight) for item, weight in cell.items()]
        else:
            mark = column.get("weight-separator", ":").encode()
            cut = [item.rpartition(mark) for item in self.items(column, cell)]
            pairs = [(item, weight) if m else (weight, 1.0) for item, m, weight in cut]
        for item, weight in pairs:
            v = math.nan if weight is None else as_number(weight)
            if item and (fault := fault_of(v)):
                rules.append(self.rule(name, fault))
            elif item:
                found.append((item, v))
        if found or not rules:
            return found or self.settle(name, "missing")
        return MISSING if "bin" in rules else DROPPED

    # Values to features.

    def measure(self, feature: str, column: dict[str, Any], v: float) -> tuple[bytes | None, float]:
        """The token, or None, and x of a number."""
        learned = self.schema.get("learned", {}).get(feature, {})
        for step in self.made.get(feature, column).get("transforms", []):
            word, *texts = step.split()
            numbers = [float(text) for text in texts]
            if word == "log":
                v = math.copysign(math.log1p(abs(v)), v)
            elif word == "clip":
                v = min(max(v, numbers[0]), numbers[1])
            elif word == "z-score":
                v = (v - learned["mean"]) / learned["deviation"] if learned["deviation"] else 0.0
            elif word == "min-max":
                width = learned["max"] - learned["min"]
                v = min(max((v - learned["min"]) / width, 0.0), 1.0) if width else 0.0
            elif word in ("boundaries", "equal-width", "equal-frequency"):
                cuts = numbers if word == "boundaries" else learned["cuts"]
                return b"%d" % sum(cut <= v for cut in cuts), 1.0
            elif word not in ("value", "hash"):
                return self.token(word, v, column).encode(), 1.0
        return None, v

    def token(self, word: str, v: float, column: dict[str, Any]) -> str:
        near = min(max(v, -INTEGER_MAX), INTEGER_MAX)
        if word == "round":
            return str(round(near))
        if word == "log-square":
            return str(math.floor(math.log(v) * math.log(v))) if v > 2 else f"SP{math.floor(near)}"
        seconds = math.floor(near) + offset_of(column.get("utc-offset", "+00:00"))
        return str(seconds // 3600 % 24 if word == "hour" else (seconds // 86400 + 3) % 7)

    def hashed(self, feature: str, column: dict[str, Any], raw: bytes) -> bytes:
        chain = [*self.made.get(feature, column).get("transforms", []), ""]
        if not chain[0].startswith("hash "):
            return escape(raw)
        return b"%d" % (mmh3.hash64(raw, self.seed, signed=False)[0] % int(chain[0].split()[1]))

    def from_column(self, feature: str, source: str) -> Features:
        column, v, name = self.columns[source], self.values[source], escape_name(feature)
        if v is DROPPED:
            return []
        if v is MISSING:
            return [(name + b"=", 1.0)]
        if isinstance(v, float):
            token, x = self.measure(feature, column, v)
            return [(name if token is None else name + b"=" + token, x)]
        found = []
        for item in v if isinstance(v, list) else [v]:
            raw, weight = item if isinstance(item, tuple) else (item, None)
            bin_, x = (None, 1.0) if weight is None else self.measure(feature, column, weight)
            at_bin = b"" if bin_ is None else b"@" + bin_
            found.append((name + b"=" + self.hashed(feature, column, raw) + at_bin, x))
        return found

    def crossed(self, parts: list[str]) -> Features:
        """Products of floats, each rounded."""
        found = []
        for combination in product(*(self.feature(part) for part in parts)):
            x = 1.0
            for _, own in combination:
                x = as_float(x * own)
            found.append((b"&".join(name for name, _ in combination), x))
        return found

    def feature(self, name: str) -> Features:
        made = self.made.get(name, {"from": name})
        found = (
            self.crossed(made["cross"]) if "cross" in made else self.from_column(name, made["from"])
        )
        return [(part, as_float(x)) for part, x in found if as_float(x) != 0]

    def leaves(self, name: str) -> Features:
        values = [self.values[column] for column in self.schema["forests"][name]["columns"]]
        version, leaves_of = self.forests[name]
        leaves = leaves_of([v if isinstance(v, float) else math.nan for v in values])
        stem = escape_name(name) + b"@" + version.encode()
        return [(b"%s.%d=%d" % (stem, tree, leaf), 1.0) for tree, leaf in enumerate(leaves)]

    # Sides: the user's features stand first, then the item's.

    def side_of_columns(self, columns: list[str]) -> str:
        found = {self.columns[column].get("role", "feature") for column in columns}
        return found.pop() if found in ({"user"}, {"item"}) else "rest"

    def side(self, name: str) -> str:
        made = self.made.get(name, {"from": name})
        parts = [self.made.get(part, {"from": part})["from"] for part in made.get("cross", [])]
        return self.side_of_columns(parts or [made["from"]])

    # The row.

    def label(self, name: str, cell: Any, required: bool) -> float:
        column = self.columns[name]
        if self.is_missing(name, cell):
            if required:
                raise Bad("missing_label", name)
            return 0.0
        if "positive" in column:
            text = as_text(cell).decode(errors="surrogateescape")
            if text not in column["positive"] and text not in column.get("negative", [text]):
                raise Bad("bad_label", name)
            return float(text in column["positive"])
        v = as_number(cell)
        if v is None or not (0 <= v <= 1 or v == -1):
            raise Bad("bad_label", name)
        return as_float(max(v, 0.0))

    def weight(self, name: str, cell: Any) -> float:
        v = 1.0 if self.is_missing(name, cell) else as_number(cell)
        if v is None or not 0 <= v <= FLOAT_MAX:
            raise Bad("bad_weight", name)
        return as_float(v)

    def encode(self, row: dict[str, Any], label_required: bool = True) -> tuple[Any, ...]:
        """("sample", label, weight, key, [(name, id, x)], guards) or ("bad", kind, column)."""
        self.values: dict[str, Any] = {}
        self.guards = {}
        label, weight, key = 0.0, 1.0, b""
        crossed = {part for made in self.made.values() for part in made.get("cross", [])}
        sources = crossed | {
            made["from"]
            for name, made in self.made.items()
            if "from" in made and (made.get("emit", True) or name in crossed)
        }
        sources.update(c for f in self.schema.get("forests", {}).values() for c in f["columns"])
        roles = {name: column.get("role", "feature") for name, column in self.columns.items()}
        try:
            for name, role in roles.items():
                if role == "label":
                    label = self.label(name, row.get(name), label_required)
                elif role == "weight":
                    weight = self.weight(name, row.get(name))
                elif role == "key":
                    key = (
                        b"" if self.is_missing(name, row.get(name)) else escape(as_text(row[name]))
                    )
                elif role != "ignore" or name in sources:
                    self.values[name] = self.value(name, row.get(name))
        except Bad as bad:
            return ("bad", *bad.args)
        own = [name for name, role in roles.items() if role in ("feature", "user", "item")]
        names = own + [name for name, made in self.made.items() if made.get("emit", True)]
        found = []
        for side in ("user", "item", "rest"):
            for name in names:
                found += self.feature(name) if self.side(name) == side else []
            for name, forest in self.schema.get("forests", {}).items():
                its_side = self.side_of_columns(forest["columns"])
                found += self.leaves(name) if its_side == side else []
        if len(found) > FEATURES_MAX:
            return ("bad", "too_wide", None)
        features = [(name, mmh3.hash64(name, self.seed, signed=False)[0], x) for name, x in found]
        return "sample", label, weight, key, features, self.guards
