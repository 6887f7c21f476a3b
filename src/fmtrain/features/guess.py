"""What a column of raw data seems to be, from its first rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fmtrain.features.sample import NUMBER, Cell

#: Cells that mean: no value; those that occur are named in the schema.
MISSING_TOKENS = ("", "NULL", "\\N", "null", "NA", "N/A", "nan", "NaN", "?", "-", "None")

#: The share of the cells that must be of a kind.
NEARLY_ALL = 0.99
#: Whole numbers of at most so many values, close to each other, are names of something.
FEW_VALUES = 20
FEW_VALUES_SPAN = 1000
ID_DIGITS = 10
LIST_SEPARATORS = ",;|"
LIST_ITEM_MAX = 32
TEXT_WORDS = 4

WHOLE = re.compile(r"[+-]?\d+")
WEIGHTED_ITEM = re.compile(rf"[^:,;|]+:({NUMBER.pattern})")
NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
ISO_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
#: Seconds since 1970, of the years 1998 to 2065.
SECONDS = (9e8, 3e9)

LABEL_NAMES = ("label", "click", "clicked", "is_click", "is_clicked", "target", "y")
KEY_NAME = re.compile(
    r"(?:session|request|req|impression|query|search|user|visitor|device|cookie)(?:[_-]?id)?"
    r"|uid|sid",
    re.IGNORECASE,
)
WEIGHT_NAME = re.compile(r"(?:sample|row|instance)?_?weight|w", re.IGNORECASE)
ID_NAME = re.compile(r"(?i:(?:^|.*[_\W])(?:id|uid|pid|gid|code|zip|zipcode|hash))|.*[a-z](?:Id|ID)")
TIME_NAME = re.compile(r".*(?:time|date|day|_at|_ts)|ts|t|date.*|time.*", re.IGNORECASE)
POSITIVES = ("1", "yes", "y", "true", "t", "click", "clicked", "pos", "positive", "good")


@dataclass
class Column:
    """A column's cells, sorted by what they are."""

    name: str
    cells: Sequence[Cell]
    tokens: Sequence[str] = ("",)
    texts: list[str] = field(init=False)  # of those with one value
    lists: list[Any] = field(init=False)  # list or dict

    def __post_init__(self) -> None:
        self.texts = [
            str(cell).lower() if isinstance(cell, bool) else cell
            for cell in self.cells
            if isinstance(cell, (bool, str)) and cell not in self.tokens
        ]
        self.lists = [cell for cell in self.cells if isinstance(cell, (list, dict))]

    @property
    def missing(self) -> float:
        """Share of the rows."""
        return 1 - (len(self.texts) + len(self.lists)) / max(1, len(self.cells))

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.texts)

    @cached_property
    def numbers(self) -> list[float]:
        return [float(text) for text in self.texts if NUMBER.fullmatch(text)]

    @cached_property
    def is_number(self) -> bool:
        """Nearly all cells are; with a finite one among them."""
        others = sum(NOT_FINITE.fullmatch(text) is not None for text in self.texts)
        return bool(self.numbers) and len(self.numbers) + others >= NEARLY_ALL * len(self.texts)

    @property
    def values(self) -> set[str]:
        """The different ones; booleans as the numbers that a label takes them for."""
        if all(isinstance(cell, bool) for cell in self.cells if cell is not None):
            return {"1" if text == "true" else "0" for text in self.counts}
        return (
            {text.removesuffix(".0") for text in self.counts} if self.is_number else {*self.counts}
        )

    @property
    def is_zero_one(self) -> bool:
        return not self.lists and self.values in ({"0", "1"}, {"-1", "1"})


def kind_of(column: Column) -> dict[str, Any]:
    """The keys of the column in a schema, without its role; {} where nothing is known."""
    if len(column.lists) > len(column.texts):
        return kind_of_nested(column.lists)
    if not column.texts:
        return {}
    if column.is_number:
        return kind_of_number(column)
    if sum(ISO_TIME.fullmatch(text) is not None for text in column.texts) >= NEARLY_ALL * len(
        column.texts
    ):
        return {"type": "timestamp"}
    return kind_of_list(column) or {"type": "text" if is_prose(column) else "category"}


def kind_of_number(column: Column) -> dict[str, Any]:
    texts = [text for text in column.texts if NUMBER.fullmatch(text)]
    low, high = min(column.numbers), max(column.numbers)
    if all(WHOLE.fullmatch(text) for text in texts):
        if TIME_NAME.fullmatch(column.name) and low >= SECONDS[0] and high <= SECONDS[1]:
            return {"type": "timestamp"}
        few = len(column.counts) <= FEW_VALUES and high - low <= FEW_VALUES_SPAN
        padded = any(len(text) > 1 and text.startswith("0") for text in texts)
        long = len({len(text) for text in texts}) == 1 and len(texts[0]) >= ID_DIGITS
        if few or padded or long or ID_NAME.fullmatch(column.name):
            return {"type": "category"}
    tail = ["log"] if is_heavy_tailed(column.numbers) else []
    return {"type": "number", "transforms": [*tail, f"equal-frequency {FEW_VALUES}"]}


def is_heavy_tailed(numbers: list[float]) -> bool:
    """Non-negative, with a largest hundredth far from the middle."""
    rising = sorted(numbers)
    middle, far = rising[len(rising) // 2], rising[int(0.99 * (len(rising) - 1))]
    return rising[0] >= 0 and far > 10 * max(1.0, middle)


def kind_of_list(column: Column) -> dict[str, Any] | None:
    texts = column.texts
    for separator in LIST_SEPARATORS:
        items = [item for text in texts for item in text.split(separator) if item]
        # A blank behind it: the cell is prose, `Doe, Jane`.
        if not items or sum(item.startswith(" ") for item in items) > 0.3 * len(items):
            continue
        several = sum(separator in text for text in texts) >= 0.5 * len(texts)
        weights = [weight_of(item) for item in items]
        if weights.count(None) <= (1 - NEARLY_ALL) * len(items):
            fractions = sum(weight is not None and "." in weight for weight in weights)
            if several or fractions >= 0.5 * len(items):
                return with_separator("weighted-list", separator)
        short = sum(len(item) <= LIST_ITEM_MAX for item in items) >= 0.95 * len(items)
        single_words = sum(" " not in item for item in items) >= 0.7 * len(items)
        repeated = len(set(items)) <= 0.5 * len(items)
        if several and short and single_words and repeated:
            return with_separator("list", separator)
    return None


def with_separator(kind: str, separator: str) -> dict[str, Any]:
    return {"type": kind} if separator == "," else {"type": kind, "separator": separator}


def weight_of(item: str) -> str | None:
    """`0.3` of `a:0.3`."""
    found = WEIGHTED_ITEM.fullmatch(item)
    return found[1] if found is not None else None


def kind_of_nested(cells: list[Any]) -> dict[str, Any]:
    """Of JSON's and Parquet's own lists and objects."""
    if all(isinstance(cell, dict) for cell in cells):
        weights = [weight for cell in cells for weight in cell.values()]
        if all(isinstance(weight, str) and NUMBER.fullmatch(weight) for weight in weights):
            return {"type": "weighted-list"}
        return {}
    items = [item for cell in cells for item in cell]
    if any(isinstance(item, (list, dict)) for item in items):
        return {}
    if items and all(isinstance(item, str) and weight_of(item) for item in items):
        return {"type": "weighted-list"}
    return {"type": "list"}


def is_prose(column: Column) -> bool:
    words = sum(len(text.split()) for text in column.texts)
    return words >= TEXT_WORDS * len(column.texts) and len(column.counts) > 0.5 * len(column.texts)


def find_label(columns: list[Column]) -> tuple[Column, dict[str, Any]] | None:
    """The column, by its name or as the first of 0 and 1, and what a schema has to say of it."""
    for name in LABEL_NAMES:
        for column in columns:
            keys = label_keys(column) if column.name.lower() == name else None
            if keys is not None:
                return column, keys
    return next(((column, {}) for column in columns if column.is_zero_one), None)


def label_keys(column: Column) -> dict[str, Any] | None:
    """None: its values are no labels."""
    if column.lists or not column.texts:
        return None
    in_range = column.is_number and min(column.numbers) >= 0 and max(column.numbers) <= 1
    if column.is_zero_one or in_range or column.values <= {"0", "1"}:
        return {}
    return {"positive": [positive_of(column)]} if len(column.counts) == 2 else None


def positive_of(column: Column) -> str:
    """Of two values the one that sounds like it, or the rarer one."""
    sounding = [text for text in column.counts if text.lower() in POSITIVES]
    return sounding[0] if len(sounding) == 1 else column.counts.most_common()[-1][0]
