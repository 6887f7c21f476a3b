"""alphaFM, FTRL in C++: `-core` threads, a text model. Its defaults are fmtrain's."""

from __future__ import annotations

from pathlib import Path

from .common import Peer as BasePeer
from .common import shell


class Peer(BasePeer):
    """`label name:1 name:1 ...`: a value is not optional."""

    same_text = True
    may_crash = True  # its threads look features up while one of them inserts

    def __init__(self, given: Path | None) -> None:
        super().__init__(given)
        self.trainer = self.binary("--alphafm DIR", "fm_train")
        self.predictor = self.binary("--alphafm DIR", "fm_predict")

    def convert(self, line: bytes) -> bytes:
        label, *names = line.split()
        return b" ".join([label, *(name + b":1" for name in names)]) + b"\n"

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        sizes = ["-dim", f"1,1,{factors}", "-core", threads]
        return shell(self.trainer, *sizes, "-m", model, stdin=data)

    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        flags = ["-dim", factors, "-m", model, "-out", out]
        return shell(self.predictor, *flags, stdin=data)
