"""Fwumious Wabbit's LR: AdaGrad without regularisation, into 2^22 slots, from text.

With one thread it reads and learns in turn; with more it reads in one and learns in `threads`.
"""

from __future__ import annotations

import string
from pathlib import Path

from .common import Peer as BasePeer
from .common import shell

NAMESPACES = string.ascii_letters[:40]  # of the fields that `fmtrain synth` has
LEARNER = ["--adaptive", "--sgd", "--loss_function=logistic", "--link=logistic", "--hash=all"]
RATES = ["-b=22", "-l=0.05", "--power_t=0.5", "--l2=0"]


class Peer(BasePeer):
    """`label |a 31 |b 2 ...`: a field is a namespace, and vw_namespace_map.csv has them all."""

    suffix = ".vw"  # the ending by which it knows plain text

    def __init__(self, given: Path | None) -> None:
        super().__init__(given)
        self.command = self.binary("--fwumious FILE")

    def prepare(self, plain: Path, out: Path) -> None:
        super().prepare(plain, out)
        rows = (f"{name},f{field:02d}\n" for field, name in enumerate(NAMESPACES))
        out.with_name("vw_namespace_map.csv").write_text("".join(rows))

    def convert(self, line: bytes) -> bytes:
        label, *names = line.decode().split()
        pairs = (f" |{NAMESPACES[int(name[1:3])]} {name[4:]}" for name in names)
        return f"{'1' if label == '1' else '-1'}{''.join(pairs)}\n".encode()

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        keep = [f"--keep={name}" for name in NAMESPACES]
        hogwild = ["--hogwild_training", "--hogwild_threads", threads] if threads > 1 else []
        save = ["--save_resume", "-f", model]
        return shell(self.command, "-d", data, *LEARNER, *RATES, *keep, *hogwild, *save)

    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        return shell(self.command, "-t", "-d", data, "-i", model, "-p", out)
