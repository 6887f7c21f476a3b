"""numba: bins and hashes in compiled loops; Python joins the strings of a column before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, uint8, uint64, void
from numba.types import Array

from .common import Plan, Rows

C1, C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
M1, M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
A1, A2 = np.uint64(0x52DCE729), np.uint64(0x38495AB5)
FIVE = np.uint64(5)


@njit(inline="always")
def rotated(v: Any, by: int) -> Any:
    return (v << uint64(by)) | (v >> uint64(64 - by))


@njit(inline="always")
def mixed(v: Any) -> Any:
    v ^= v >> uint64(33)
    v *= M1
    v ^= v >> uint64(33)
    v *= M2
    return v ^ (v >> uint64(33))


@njit(inline="always")
def eight_bytes(data: Any, at: int, end: int) -> Any:
    """Little endian; bytes at or behind `end` are zero."""
    v = uint64(0)
    for i in range(min(8, end - at)):
        v |= uint64(data[at + i]) << uint64(8 * i)
    return v


@njit(inline="always")
def murmur(data: Any, size: int) -> Any:
    """The first half of MurmurHash3 x64 128, seed 0."""
    h1, h2 = uint64(0), uint64(0)
    whole = size // 16 * 16
    for at in range(0, whole, 16):
        h1 ^= rotated(eight_bytes(data, at, size) * C1, 31) * C2
        h1 = (rotated(h1, 27) + h2) * FIVE + A1
        h2 ^= rotated(eight_bytes(data, at + 8, size) * C2, 33) * C1
        h2 = (rotated(h2, 31) + h1) * FIVE + A2
    if size > whole + 8:
        h2 ^= rotated(eight_bytes(data, whole + 8, size) * C2, 33) * C1
    if size > whole:
        h1 ^= rotated(eight_bytes(data, whole, size) * C1, 31) * C2
    h1 ^= uint64(size)
    h2 ^= uint64(size)
    h1 += h2
    h2 += h1
    return mixed(h1) + mixed(h2)


@njit(void(Array(uint8, 1, "C", readonly=True), uint8[::1], uint64[:, ::1], int64))
def encode_tokens(text: Any, prefix: Any, ids: Any, at: int) -> None:
    """text: the tokens, a zero byte behind each; prefix: `NAME=`."""
    name = np.empty(prefix.size + text.size, np.uint8)
    name[: prefix.size] = prefix
    size, row = prefix.size, 0
    for byte in text:
        if byte == 0:
            ids[row, at] = murmur(name, size)
            size = prefix.size
            row += 1
        else:
            name[size] = byte
            size += 1


@njit("void(f8[:, ::1], f8[::1], u8[::1], u8[:, ::1], i8)")
def encode_numbers(numbers: Any, cuts: Any, bin_ids: Any, ids: Any, at: int) -> None:
    """bin_ids: (cuts + 2), that of a missing value last."""
    for row in range(numbers.shape[0]):
        v = numbers[row, at]
        low, high = 0, cuts.size
        while low < high:
            middle = (low + high) // 2
            if cuts[middle] <= v:
                low = middle + 1
            else:
                high = middle
        ids[row, at] = bin_ids[cuts.size + 1 if np.isnan(v) else low]


class Peer:
    """Encodes rows by a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bin_ids = plan.bin_ids()
        self.prefixes = [
            np.frombuffer(f"{name}=".encode(), np.uint8).copy() for name in plan.categories
        ]

    def encode(self, rows: Rows) -> np.ndarray:
        """Ids, (rows, NUMBERS + CATEGORIES), uint64."""
        numbers = len(self.plan.numbers)
        ids = np.empty((len(rows), numbers + len(self.plan.categories)), np.uint64)
        for at in range(numbers):
            encode_numbers(rows.numbers, self.plan.cuts[at], self.bin_ids[at], ids, at)
        for at, tokens in enumerate(rows.categories):
            text = np.frombuffer("\0".join([*tokens, ""]).encode(), np.uint8)
            encode_tokens(text, self.prefixes[at], ids, numbers + at)
        return ids
