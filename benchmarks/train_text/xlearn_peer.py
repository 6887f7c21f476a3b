"""xLearn's FTRL, one epoch from text: its own defaults, since fmtrain's rates stop it learning.

It reads the whole file to memory first, in one thread, and then learns lock-free in `-nthread`.
"""

from __future__ import annotations

from pathlib import Path

from .common import Peer as BasePeer
from .common import shell

USER = "USER=benchmark"  # it does not start without one


class Peer(BasePeer):
    """libsvm, `label id:1 id:1 ...`: ids count up as names appear, for it has no hash."""

    same_text = True

    def __init__(self, given: Path | None) -> None:
        super().__init__(given)
        self.trainer = self.binary("--xlearn DIR", "xlearn_train")
        self.predictor = self.binary("--xlearn DIR", "xlearn_predict")
        self.ids: dict[bytes, bytes] = {}

    def convert(self, line: bytes) -> bytes:
        label, *names = line.split()
        entries = (self.ids.setdefault(name, b" %d:1" % len(self.ids)) for name in names)
        return label + b"".join(entries) + b"\n"

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        task = ["-s", 1, "-k", factors] if factors else ["-s", 0]
        once = ["-e", 1, "--dis-es", "--no-bin", "--quiet"]  # --no-bin: leave no cache file
        where = ["-nthread", threads, "-m", model, "-l", model.with_suffix(".log")]
        return shell("env", USER, self.trainer, data, "-p", "ftrl", *task, *once, *where)

    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        where = ["-o", out, "-l", model.with_suffix(".log")]
        return shell("env", USER, self.predictor, data, model, "--sigmoid", *where)
