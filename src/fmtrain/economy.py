"""The options of a run that keep its table small, read and checked (csrc/train/economy.h)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from fmtrain.errors import ParameterError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
#: Below, a table of many stripes has no room to move.
MAX_MEMORY_MIN = 8_000_000
FILTER_BYTES_MIN = 4_096
#: What the filter's counters go up to.
FILTER_COUNT_MAX = 15


@dataclass(frozen=True)
class Economy:
    """expire_after: rules as csrc/model/expiry.h, None for those that the model has. Bytes: 0 for
    exact counts and for no cap."""

    expire_after: list[str] | None = None
    min_count_memory: int = 0
    max_memory: int = 0

    @classmethod
    def of(
        cls, expire_after: Any, min_count_memory: Any, max_memory: Any, min_count: Any
    ) -> Economy:
        made = cls(
            rules_of(expire_after),
            bytes_of("min_count_memory", min_count_memory, FILTER_BYTES_MIN),
            bytes_of("max_memory", max_memory, MAX_MEMORY_MIN),
        )
        # What is no whole number is refused elsewhere, with its range.
        made._check(int(min_count) if isinstance(min_count, Integral) else 1)
        return made

    def _check(self, min_count: int) -> None:
        if self.min_count_memory and min_count < 2 and not self.max_memory:
            raise ParameterError(
                "min_count_memory is for counting towards min_count: give min_count of 2 or more"
            )
        if self.max_memory and self.min_count_memory > self.max_memory // 2:
            raise ParameterError(
                f"min_count_memory = {self.min_count_memory} is not allowed: it counts towards "
                "max_memory, and half of that is the most"
            )
        if (self.min_count_memory or self.max_memory) and min_count > FILTER_COUNT_MAX:
            raise ParameterError(
                f"min_count = {min_count} is not allowed with min_count_memory or max_memory: "
                f"their counters go up to {FILTER_COUNT_MAX}"
            )


def rules_of(given: Any) -> list[str] | None:
    """One rule or several: "30d", 50000000, ["30d", "user_=7d"]."""
    if given is None:
        return None
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [str(rule) for rule in several]


def bytes_of(name: str, given: Any, least: int) -> int:
    """500_000_000, "500M", "8G"; 0 for None."""
    if given is None:
        return 0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", str(given).strip().upper())
    count = int(float(found[1]) * UNITS[found[2]]) if found else 0
    if not least <= count < 1 << 60:
        raise ParameterError(
            f"{name} = {given} is not allowed: give bytes, as 500M or 8G, at least {least:,}"
        )
    return count


def minutes_now() -> int:
    """Since 1970: what rows are stamped with when they expire by days."""
    return int(time.time() // 60)
