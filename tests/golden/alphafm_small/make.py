"""Wrote the files of this folder, once, in alphaFM's formats; kept to show where they came from.

    PYTHONPATH=tests python tests/golden/alphafm_small/make.py FOLDER

The arithmetic is tests/reference.py's, in doubles. What is alphaFM's own: w and v are computed from
n and z at the start of a row and stored, so those in a file are one update older than its n and z;
and v keeps its first draw until its n leaves 0.
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path
from typing import Any

from reference import BIAS, Reference, W

TRAIN = """\
1 user=7:1 ad=3:1 price:0.25
0 user=7:1 ad=4:1 price:-1.5
1 user=8:1 ad=3:1 price:0.75 tail#1:1
1 üser=9:1 ad=3:1
-1 user=7:1 ad=4:1 bias2:2
0 user=8:1 ad=4:1 price:2
1 lonely:1
1 user=7:1 ad=3:1 price:1 bias2:-0.5
0 üser=9:1 ad=4:1 weak:0.001
1 user=8:1 ad=3:1 tail#1:0.5
"""
HYPER: dict[str, Any] = dict(
    alpha=0.05, beta=1.0, l1=0.05, l2=1.0, v_alpha=0.05, v_beta=1.0, v_l1=0.001, v_l2=1.0
)
Row = list[float]  # w, v (factors), w_n, w_z, v_n (factors), v_z (factors)


def start(name: Any, lane: int) -> float:
    return random.Random(f"{name}/{lane}").gauss(0, 0.1)


def train(factors: int) -> dict[Any, Row]:
    """The rows as alphaFM would store them; the bias under its own name."""
    model = Reference({**HYPER, "factors": factors}, start)
    lanes, stored = range(factors), {}
    for line in TRAIN.splitlines():
        label, *cells = line.split()
        features = [(cell.rsplit(":", 1)[0], float(cell.rsplit(":", 1)[1])) for cell in cells]
        for name, _ in features:
            if (name, W) not in model.z:
                model.insert(name)
            stored[name] = [model.weight(name, lane) for lane in (W, *lanes)]
        stored[BIAS] = [model.weight(BIAS)] + [0.0] * factors
        model.learn(float(label), features)
    state = {name: [model.n[name, W], model.z[name, W]] for name in stored}
    for name in stored:
        for of in (model.n, model.z):
            state[name] += [of.get((name, lane), 0.0) for lane in lanes]
    return {"bias" if name is BIAS else name: stored[name] + state[name] for name in stored}


def text(rows: dict[Any, Row], factors: int) -> bytes:
    """Bias first, with w, n and z only; six significant digits, as C++ prints a double."""
    lines = []
    for name in ["bias", *(name for name in rows if name != "bias")]:
        row = rows[name]
        numbers = row if name != "bias" else [row[0], row[1 + factors], row[2 + factors]]
        lines.append(" ".join([name, *(f"{number:g}" for number in numbers)]) + "\n")
    return "".join(lines).encode()


def binary(rows: dict[Any, Row], factors: int, number_bytes: int) -> bytes:
    nonzero = sum(any(row[: 1 + factors]) for name, row in rows.items() if name != "bias") + 1
    unit = (3 + 3 * factors) * number_bytes
    parts = [struct.pack("<7Q", 1, number_bytes, factors, len(rows), nonzero, 1, unit)]
    for name in ["bias", *(name for name in rows if name != "bias")]:
        w, v, n, z, v_n, v_z = split(rows[name], factors)
        if name == "bias":
            # alphaFM writes whatever its memory held: nobody may look at it.
            v, v_n, v_z = ([float("nan")] * factors, [-1e300] * factors, [float("inf")] * factors)
            if number_bytes == 4:
                v_n = [-1e30] * factors
        encoded = name.encode()
        parts.append(struct.pack("<H", len(encoded)) + encoded)
        numbers = [w, n, z, *v, *v_n, *v_z]
        parts.append(struct.pack(f"<{len(numbers)}{'d' if number_bytes == 8 else 'f'}", *numbers))
    return b"".join(parts)


def split(row: Row, factors: int) -> tuple[float, Row, float, float, Row, Row]:
    n_at = 1 + factors
    v_n, v_z = row[n_at + 2 : n_at + 2 + factors], row[n_at + 2 + factors :]
    return row[0], row[1:n_at], row[n_at], row[n_at + 1], v_n, v_z


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for stem, factors in (("lr", 0), ("fm2", 2)):
        rows = train(factors)
        (folder / f"{stem}.txt").write_bytes(text(rows, factors))
        (folder / f"{stem}.bin").write_bytes(binary(rows, factors, 8))
        (folder / f"{stem}_float.bin").write_bytes(binary(rows, factors, 4))
