"""A reader of alphaFM's files and what follows from one; it shares nothing with the core's."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmtrain import FTRLModel
from fmtrain.data.matrix import feature_id
from reference import BIAS, Reference, W

Numbers = npt.NDArray[np.float64]
#: Of both the small files and those that alphaFM wrote.
HYPER: dict[str, Any] = dict(l1=0.05, l2=1.0, v_l1=0.001, v_l2=1.0)


@dataclass
class File:
    """What a file says: rows by name of w, v (factors), w_n, w_z, v_n (factors), v_z (factors)."""

    factors: int
    bias: Numbers  # w, n, z
    rows: dict[bytes, Numbers]

    def split(self, name: bytes) -> tuple[float, Numbers, float, float, Numbers, Numbers]:
        k, row = self.factors, self.rows[name]
        v, v_n, v_z = row[1 : 1 + k], row[3 + k : 3 + 2 * k], row[3 + 2 * k :]
        return row[0], v, row[1 + k], row[2 + k], v_n, v_z

    def score(self, features: list[tuple[bytes, float]]) -> float:
        """With the w and v of the file, as alphaFM's fm_predict."""
        known = [(*self.split(name)[:2], x) for name, x in features if name in self.rows]
        score = self.bias[0] + sum(w * x for w, _, x in known)
        for lane in range(self.factors):
            terms = [v[lane] * x for _, v, x in known]
            score += (sum(terms) ** 2 - sum(term**2 for term in terms)) / 2
        return float(score)


def parse(path: Path, binary: bool) -> File:
    """A reader of the formats that shares nothing with the core's."""
    data = path.read_bytes()
    if not binary:
        cells = [line.split(b" ") for line in data.splitlines()]
        factors = (len(cells[1]) - 4) // 3
        rows = {name: np.array([float(cell) for cell in row]) for name, *row in cells}
        assert len(rows) == len(cells)
        return File(factors, rows.pop(b"bias"), rows)
    head = struct.unpack_from("<7Q", data)
    version, number_bytes, factors, features, nonzero, success, unit = head
    assert (version, success, unit) == (1, 1, (3 + 3 * factors) * number_bytes)
    at, rows = 56, {}
    for _ in range(features):
        (size,) = struct.unpack_from("<H", data, at)
        name, at = data[at + 2 : at + 2 + size], at + 2 + size
        numbers = np.frombuffer(data, f"<f{number_bytes}", 3 + 3 * factors, at)
        w, n, z, *lanes = numbers.astype(float)
        rows[name] = np.array([w, *lanes[:factors], n, z, *lanes[factors:]])
        at += unit
    assert (at, len(rows)) == (len(data), features)
    assert nonzero == 1 + sum(any(rows[name][: 1 + factors]) for name in rows if name != b"bias")
    bias = rows.pop(b"bias")
    return File(factors, bias[[0, 1 + factors, 2 + factors]], rows)


def features_of(line: bytes) -> list[tuple[bytes, float]]:
    parts = [cell.partition(b":") for cell in line.split()]
    return [(name, float(value or 1)) for name, _, value in parts]


def continued(file: File, hyper: dict[str, Any]) -> Reference:
    """The reference with the state of a file; a lane without any goes on from the file's v."""
    model = Reference({**hyper, "factors": file.factors}, lambda name, lane: 0.0)
    model.n[BIAS, W], model.z[BIAS, W] = file.bias[1:].tolist()
    for name in file.rows:
        _, v, n, z, v_n, v_z = file.split(name)
        model.n[name, W], model.z[name, W] = n, z
        for lane in range(file.factors):
            alpha, beta, l1, l2 = model.rates(name, lane)
            kept = -(v[lane] * (l2 + beta / alpha) + math.copysign(l1, v[lane]))
            model.n[name, lane] = v_n[lane]
            model.z[name, lane] = kept if v_n[lane] == 0 and v[lane] != 0 else v_z[lane]
    return model


def state_of(model: FTRLModel, file: File) -> Numbers:
    """(features, 2 + 2 factors): n, z, v_n, v_z in the order of the file's rows."""
    arrays = model._native.arrays()
    at = {int(row_id): row for row, row_id in enumerate(arrays["id"])}
    rows = [at[feature_id(name, 0)] for name in file.rows]
    columns = [arrays["n"], arrays["z"], *arrays["v_n"].T, *arrays["v_z"].T]
    return np.array([column[rows] for column in columns], dtype=np.float64).T
