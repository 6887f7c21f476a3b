# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -O3
"""Cython: bins and hashes in C, from Python's own strings, on one thread."""

from cpython.list cimport PyList_GET_ITEM
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.math cimport isnan
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

import numpy as np

cdef enum:
    NAME_MAX = 1 << 12  # bytes of `NAME=TOKEN`

cdef uint64_t C1 = 0x87C37B91114253D5ULL
cdef uint64_t C2 = 0x4CF5AD432745937FULL


cdef inline uint64_t rotated(uint64_t v, int by) noexcept nogil:
    return (v << by) | (v >> (64 - by))


cdef inline uint64_t mixed(uint64_t v) noexcept nogil:
    v ^= v >> 33
    v *= 0xFF51AFD7ED558CCDULL
    v ^= v >> 33
    v *= 0xC4CEB9FE1A85EC53ULL
    return v ^ (v >> 33)


cdef uint64_t murmur(const uint8_t* data, Py_ssize_t size) noexcept nogil:
    """The first half of MurmurHash3 x64 128, seed 0."""
    cdef uint64_t h1 = 0, h2 = 0
    cdef uint64_t half[2]
    cdef Py_ssize_t left = size
    while left >= 16:
        memcpy(half, data, 16)
        h1 ^= rotated(half[0] * C1, 31) * C2
        h1 = (rotated(h1, 27) + h2) * 5 + 0x52DCE729
        h2 ^= rotated(half[1] * C2, 33) * C1
        h2 = (rotated(h2, 31) + h1) * 5 + 0x38495AB5
        data += 16
        left -= 16
    half[0] = half[1] = 0
    memcpy(half, data, left)
    h2 ^= rotated(half[1] * C2, 33) * C1
    h1 ^= rotated(half[0] * C1, 31) * C2
    h1 ^= size
    h2 ^= size
    h1 += h2
    h2 += h1
    return mixed(h1) + mixed(h2)


cdef int encode_tokens(list tokens, bytes prefix, uint64_t[:, ::1] ids, Py_ssize_t at) except -1:
    cdef uint8_t name[NAME_MAX]
    cdef Py_ssize_t start = len(prefix), size, row
    cdef const char* text
    memcpy(name, <const char*>prefix, start)
    for row in range(len(tokens)):
        text = PyUnicode_AsUTF8AndSize(<object>PyList_GET_ITEM(tokens, row), &size)
        if start + size > NAME_MAX:
            raise ValueError(f"a name of more than {NAME_MAX} bytes")
        memcpy(name + start, text, size)
        ids[row, at] = murmur(name, start + size)
    return 0


cdef void encode_numbers(
    const double[:, ::1] numbers,
    const double[::1] cuts,
    const uint64_t[::1] bin_ids,
    uint64_t[:, ::1] ids,
    Py_ssize_t at,
) noexcept nogil:
    cdef Py_ssize_t row, low, high, middle, count = cuts.shape[0]
    cdef double v
    for row in range(numbers.shape[0]):
        v = numbers[row, at]
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if cuts[middle] <= v:
                low = middle + 1
            else:
                high = middle
        ids[row, at] = bin_ids[count + 1 if isnan(v) else low]


class Peer:
    """Encodes rows by a plan."""

    def __init__(self, plan):
        self.plan = plan
        self.bin_ids = plan.bin_ids()
        self.prefixes = [f"{name}=".encode() for name in plan.categories]

    def encode(self, rows):
        """Ids, (rows, NUMBERS + CATEGORIES), uint64."""
        numbers = len(self.plan.numbers)
        ids = np.empty((len(rows), numbers + len(self.plan.categories)), np.uint64)
        for at in range(numbers):
            encode_numbers(rows.numbers, self.plan.cuts[at], self.bin_ids[at], ids, at)
        for at, tokens in enumerate(rows.categories):
            encode_tokens(tokens, self.prefixes[at], ids, numbers + at)
        return ids
