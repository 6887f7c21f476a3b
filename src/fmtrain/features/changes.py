"""The first thing in which two documents differ, in words a user can act on."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

#: What one entry of a top-level table is called.
NAMED = {"columns": "column", "features": "feature", "forests": "forest"}
SHOWN_MAX = 60


def first_change(
    here: dict[str, Any], there: dict[str, Any], ordered: Collection[str]
) -> str | None:
    """None where they are equal. The order of the entries counts in the tables of `ordered`."""
    for key in union(here, there):
        if key in NAMED and isinstance(here.get(key, {}), dict):
            found = table_change(key, here.get(key, {}), there.get(key, {}), key in ordered)
        else:
            found = member_change(key, key, here, there)
        if found is not None:
            return found
    return None


def union(here: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """Keys of both; columns first, as all others speak of them."""
    return sorted({**here, **there}, key=lambda key: (key != "columns", key not in NAMED, key))


def table_change(table: str, here: Any, there: Any, ordered: bool) -> str | None:
    if not isinstance(there, dict):
        return f"{table} is {shown(there)} there"
    for own, other, side in ((there, here, "there"), (here, there, "here")):
        lone = [name for name in own if name not in other]
        if lone:
            return f"the {NAMED[table]} '{lone[0]}' is only {side}"
    if ordered and list(here) != list(there):
        number, mine, other = next(
            (number, mine, other)
            for number, (mine, other) in enumerate(zip(here, there, strict=True), 1)
            if mine != other
        )
        return f"{NAMED[table]} {number} is '{other}' there and '{mine}' here"
    changes = (member_change(f"{table}.{name}", name, here, there) for name in here)
    return next((found for found in changes if found is not None), None)


def member_change(path: str, key: str, here: dict[str, Any], there: dict[str, Any]) -> str | None:
    if key not in here:
        return f"{path} is {shown(there[key])} there and not set here"
    if key not in there:
        return f"{path} is not set there and {shown(here[key])} here"
    return value_change(path, here[key], there[key])


def value_change(path: str, here: Any, there: Any) -> str | None:
    if isinstance(here, dict) and isinstance(there, dict):
        changes = (
            member_change(f"{path}.{key}", key, here, there) for key in sorted({**here, **there})
        )
        return next((found for found in changes if found is not None), None)
    if isinstance(here, list) and isinstance(there, list):
        for i, (mine, other) in enumerate(zip(here, there, strict=False)):
            found = value_change(f"{path}[{i}]", mine, other)
            if found is not None:
                return found
        if len(here) != len(there):
            return f"{path} has {len(there)} items there and {len(here)} here"
        return None
    # True is 1 to Python.
    if here == there and isinstance(here, bool) == isinstance(there, bool):
        return None
    return f"{path} is {shown(there)} there and {shown(here)} here"


def shown(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 3]}..."
