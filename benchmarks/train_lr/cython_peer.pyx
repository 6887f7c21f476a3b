# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -O3
"""FTRL LR in Cython: a line is parsed, hashed and learned in C, on one thread.

Names hash by FNV-1a, the short choice where the hash is written by hand.
"""

from libc.math cimport copysign, exp, fabs, sqrt
from libc.stdint cimport uint64_t
from libc.stdlib cimport strtod

import numpy as np

from benchmarks.train_lr.common import BIAS_SLOT, HYPER, SLOTS

cdef enum:
    ENTRIES_MAX = 1 << 16  # features a line may hold, the bias included


cdef inline bint is_space(char c) noexcept nogil:
    return c == b" " or c == b"\t" or c == b"\r" or c == b"\n"


cdef class Model:
    """FTRL state and the sample in hand."""

    cdef double alpha, beta, l1, l2, label, weight
    cdef uint64_t slot_mask, bias_slot
    cdef Py_ssize_t size
    cdef float[:, ::1] state  # (SLOTS + 1, 2): z, n
    cdef uint64_t[::1] slots  # (ENTRIES_MAX,), as are values and w
    cdef double[::1] values, w

    def __init__(self):
        self.alpha, self.beta = HYPER["alpha"], HYPER["beta"]
        self.l1, self.l2 = HYPER["l1"], HYPER["l2"]
        self.slot_mask, self.bias_slot = SLOTS - 1, BIAS_SLOT
        self.state = np.zeros((SLOTS + 1, 2), np.float32)
        self.slots = np.zeros(ENTRIES_MAX, np.uint64)
        self.values = np.zeros(ENTRIES_MAX)
        self.w = np.zeros(ENTRIES_MAX)

    cdef bint parse(self, bytes line) except -1:
        """Fill the sample from a line; False where it holds none."""
        cdef const char* p = line
        cdef char* stop
        cdef uint64_t h
        while is_space(p[0]):
            p += 1
        if p[0] == 0 or (p[0] == b"#" and (is_space(p[1]) or p[1] == 0)):
            return False
        self.label = max(strtod(p, &stop), 0.0)
        self.weight = 1.0
        p = stop
        if p[0] == b":":
            self.weight = strtod(p + 1, &stop)
            p = stop
        self.size = 0
        while True:
            while is_space(p[0]):
                p += 1
            if p[0] == 0 or (p[0] == b"#" and (is_space(p[1]) or p[1] == 0)):
                break
            if self.size == ENTRIES_MAX - 1:
                raise ValueError(f"a line of more than {ENTRIES_MAX - 1} features")
            h = 0xCBF29CE484222325ULL
            while p[0] != 0 and p[0] != b":" and not is_space(p[0]):
                h = (h ^ <unsigned char>p[0]) * 0x100000001B3ULL
                p += 1
            self.slots[self.size] = (h ^ (h >> 32)) & self.slot_mask
            self.values[self.size] = 1.0
            if p[0] == b":":
                self.values[self.size] = strtod(p + 1, &stop)
                p = stop
            self.size += 1
        self.slots[self.size] = self.bias_slot
        self.values[self.size] = 1.0
        self.size += 1
        return True

    cdef double forward(self) noexcept nogil:
        """The sample's probability; leaves its w behind for the update."""
        cdef double score = 0, z, n
        cdef Py_ssize_t i
        for i in range(self.size):
            z, n = self.state[self.slots[i], 0], self.state[self.slots[i], 1]
            self.w[i] = 0
            if fabs(z) > self.l1:
                self.w[i] = -(z - copysign(self.l1, z))
                self.w[i] /= (self.beta + sqrt(n)) / self.alpha + self.l2
            score += self.w[i] * self.values[i]
        return 1 / (1 + exp(-score))

    cdef void learn(self) noexcept nogil:
        """One FTRL-Proximal update with the sample."""
        cdef double error = self.weight * (self.forward() - self.label), g, n_old, n_new
        cdef uint64_t slot
        cdef Py_ssize_t i
        for i in range(self.size):
            slot = self.slots[i]
            g = error * self.values[i]
            n_old = self.state[slot, 1]
            n_new = n_old + g * g
            self.state[slot, 0] += g - (sqrt(n_new) - sqrt(n_old)) / self.alpha * self.w[i]
            self.state[slot, 1] = n_new

    def predict(self, lines):
        """Probabilities, one a sample."""
        return np.array([self.forward() for line in lines if self.parse(line)])


def train(path):
    """One pass over the file."""
    cdef Model model = Model()
    cdef bytes line
    with open(path, "rb") as file:
        for line in file:
            if model.parse(line):
                model.learn()
    return model
