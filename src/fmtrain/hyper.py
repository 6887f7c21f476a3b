"""The hyper-parameters as Python sees them; the list itself is csrc/model/hyper.h."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fmtrain import _core


@dataclass(frozen=True)
class HyperParameter:
    """One line of the list.

    kind: flag, integer, real, optional_real (None = as its namesake without prefix) or start
    (lazy | kept). Ranges are closed.
    """

    name: str
    kind: str
    default: Any
    low: float
    high: float
    help: str


def from_text(kind: str, text: str) -> Any:
    """A native value, which travels as text, as a Python one."""
    if kind == "flag":
        return text == "true"
    if kind == "integer":
        return int(text)
    if kind == "start":
        return text
    return float(text) if text else None


def to_text(value: Any) -> str:
    """A Python value as the core takes it; the core checks kind and range."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    # repr of a float is the shortest text that reads back the same; numpy scalars are unwrapped.
    item = value.item() if hasattr(value, "item") else value
    if isinstance(item, bool):
        return "true" if item else "false"
    return item if isinstance(item, str) else repr(item)


HYPER: dict[str, HyperParameter] = {
    line["name"]: HyperParameter(
        line["name"],
        line["kind"],
        from_text(line["kind"], line["default"]),
        line["low"],
        line["high"],
        line["help"],
    )
    for line in _core.describe_hyper()
}


def default(name: str) -> Any:
    """The native default."""
    return HYPER[name].default


def to_native(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: to_text(values[name]) for name in HYPER if name in values}


def from_native(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: from_text(HYPER[name].kind, text) for name, text in values.items()}
