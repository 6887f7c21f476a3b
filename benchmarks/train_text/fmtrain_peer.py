"""fmtrain itself, its default hyper-parameters, from standard input."""

from __future__ import annotations

from pathlib import Path

from .common import FMTRAIN, shell
from .common import Peer as BasePeer


class Peer(BasePeer):
    """`fmtrain fit < data`."""

    def convert(self, line: bytes) -> bytes:
        return line

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        sizes = [f"--factors={factors}", f"--threads={threads}"]
        return shell(*FMTRAIN, "fit", *sizes, "--model", model, stdin=data)

    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        return shell(*FMTRAIN, "predict", "--model", model, "--out", out, data)
