"""`fmtrain schema init`: a schema to begin with, from a sample of raw data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fmtrain.errors import ParameterError, printable
from fmtrain.features.guess import (
    KEY_NAME,
    LABEL_NAMES,
    MISSING_TOKENS,
    WEIGHT_NAME,
    Column,
    find_label,
    kind_of,
    positive_of,
)
from fmtrain.features.learned import toml_key, toml_value
from fmtrain.features.sample import SEPARATORS, Sample, read_sample

ROWS = 10_000
EXAMPLES = 5
EXAMPLE_MAX = 24


def propose(
    data: str,
    rows: int = ROWS,
    format: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
) -> str:
    """A commented TOML schema for a file, `exec:COMMAND` or `-` (standard input), from its first
    rows. None: found out from them."""
    return describe(read_sample(data, rows, format, header, separator))


def describe(sample: Sample) -> str:
    tokens = [token for token in MISSING_TOKENS if occurs(token, sample)]
    columns = [
        Column(name, cells, ["", *tokens])
        for name, cells in zip(sample.names, sample.columns, strict=True)
        if name or not sample.named
    ]
    label = find_label(columns)
    lines = [*preamble(sample, tokens, label is not None), "", "[columns]"]
    said = [keys_of(column, label) for column in columns]
    if all(keys.get("role") in ("label", "ignore") and "type" not in keys for keys in said):
        raise ParameterError(
            f"{printable(sample.name)}: no column in its {counted(sample.rows, 'row')} has values "
            "to learn from: give --format and --separator if they were not found out"
        )
    times = []
    for column, keys in zip(columns, said, strict=True):
        name = column.name
        if label is not None and column is label[0] and not sample.named:
            name = "label"
        lines += [f"# {note}" for note in notes_of(column, keys)]
        lines.append(f"{toml_key(name)} = {toml_value(keys)}")
        if keys.get("type") == "timestamp":
            times.append(column)
    if times:
        lines += ["", "[features]", *features_of(times, {column.name for column in columns})]
    return "\n".join(lines) + "\n"


def occurs(token: str, sample: Sample) -> bool:
    return token != "" and any(cell == token for cells in sample.columns for cell in cells)


def preamble(sample: Sample, tokens: list[str], labelled: bool) -> Iterator[str]:
    source = printable(sample.name)
    yield f"# Proposed by `fmtrain schema init` from {counted(sample.rows, 'row')} of {source}:"
    yield "# a guess, to be corrected by you. `fmtrain schema check` looks for mistakes in it,"
    yield "# `fmtrain schema fit` learns the bins that it asks for."
    if sample.left_out:
        yield f"# Left out: {counted(sample.left_out, 'row')} not like the others (`bad` in a run)."
    if "" in sample.names:
        yield "# A column that the header does not name is not read."
    if not sample.named and sample.format != "jsonl":
        yield "# There is no header: the columns' names are yours to choose, their order is not."
    if not labelled:
        yield '# No label was found. Say which column it is: { role = "label" } where it is 0, 1,'
        yield '# else { role = "label", positive = ["..."] } with the values that mean 1.'
    yield f"format = {toml_value(sample.format)}"
    if sample.format in SEPARATORS:
        yield f"header = {toml_value(sample.header)}"
        if sample.separator != SEPARATORS[sample.format]:
            yield f"separator = {toml_value(sample.separator)}"
        if sample.quote != ("" if sample.format == "tsv" else '"'):
            yield f"quote = {toml_value(sample.quote)}"
        if sample.trim:
            yield "trim = true"
    if tokens:
        yield f"missing = {toml_value(['', *tokens])}"


def keys_of(column: Column, label: tuple[Column, dict[str, Any]] | None) -> dict[str, Any]:
    if label is not None and column is label[0]:
        return {"role": "label", **label[1]}
    kind = kind_of(column)
    if not kind:
        return {"role": "ignore"}
    if kind["type"] == "timestamp":
        return {**kind, "role": "ignore"}
    return kind


def notes_of(column: Column, keys: Mapping[str, Any]) -> Iterator[str]:
    yield printable(f"{values_of(column)}{examples(column, keys)}")
    if keys == {"role": "ignore"}:
        yield "objects and lists in lists: no type reads them" if column.lists else "nothing seen"
        return
    if keys.get("role") == "label":
        if column.name.lower() not in LABEL_NAMES:
            yield "the first column of 0 and 1: is it the label?"
        return
    if keys.get("type") == "number":
        wrong = len(column.texts) - len(column.numbers)
        if wrong:
            yield f"{counted(wrong, 'cell')} not a finite number: see invalid-as and infinite-as"
        if WEIGHT_NAME.fullmatch(column.name) and min(column.numbers) >= 0:
            yield 'if it is the weight of the row: { role = "weight" }'
    if KEY_NAME.fullmatch(column.name):
        yield 'if rows of one value belong together in the evaluation: { role = "key" }'
    elif keys.get("type") == "category":
        if len(column.counts) == 2 and not column.is_zero_one:
            positive = toml_value(positive_of(column))
            yield printable(f'if it is the label: {{ role = "label", positive = [{positive}] }}')
        elif len(column.counts) == len(column.texts) > EXAMPLES:
            yield 'all values differ: { role = "ignore" } unless they will come again'


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def values_of(column: Column) -> str:
    if column.lists:
        values = counted(len(column.lists), "list")
    else:
        values = counted(len(column.counts), "value")
    missing = "none"
    if column.missing:
        missing = "<0.1%" if column.missing < 0.001 else f"{column.missing:.1%}"
    return f"{values}, {missing} missing"


def examples(column: Column, keys: Mapping[str, Any]) -> str:
    if keys.get("type") == "number":
        shown = f"{min(column.numbers):g} to {max(column.numbers):g}"
    else:
        counts = column.counts
        shown = ", ".join(shortened(text) for text, _ in counts.most_common(EXAMPLES))
        if len(counts) > EXAMPLES:
            shown += ", ..."
    return f": {shown}" if shown else ""


def shortened(text: str) -> str:
    return text if len(text) <= EXAMPLE_MAX else f"{text[: EXAMPLE_MAX - 3]}..."


def features_of(times: list[Column], taken: set[str]) -> Iterator[str]:
    yield "# Of timestamps, in the zone of utc-offset where they name none."
    for column in times:
        for step in ("hour", "weekday"):
            # Dates have no hours.
            if step == "hour" and all(len(text) == len("2024-05-01") for text in column.texts):
                continue
            name = f"{column.name}_{step}"
            while name in taken:
                name += "_"
            taken.add(name)
            keys = {"from": column.name, "transforms": [step]}
            yield f"{toml_key(name)} = {toml_value(keys)}"
