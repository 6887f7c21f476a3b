"""Vowpal Wabbit's own reader and FTRL learner, behind the Python package that carries them.

It parses in one thread and learns in another, always: --threads does not reach it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from .common import Absent, shell
from .common import Peer as BasePeer

SCRIPT = "import sys, vowpalwabbit; vowpalwabbit.Workspace(sys.argv[1]).finish()"
RATES = "--ftrl_alpha 0.05 --ftrl_beta 1 --l1 0.1 --l2 5"  # fmtrain's; its own learn too slowly
LEARNER = f"--ftrl -b 24 --loss_function logistic {RATES}"


class Peer(BasePeer):
    """`label |n name name ...`, its labels 1 and -1; no cache file."""

    def __init__(self, given: Path | None) -> None:
        super().__init__(given)
        if importlib.util.find_spec("vowpalwabbit") is None:
            raise Absent("needs vowpalwabbit")

    def convert(self, line: bytes) -> bytes:
        label, _, names = line.partition(b" ")
        return (b"1" if label == b"1" else b"-1") + b" |n " + names

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        return run(f"{LEARNER} -d {data} -f {model}")

    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        return run(f"-t -i {model} -d {data} -p {out} --link logistic")


def run(arguments: str) -> str:
    """The shell command of a VW with these arguments."""
    return shell(sys.executable, "-c", SCRIPT, f"{arguments} --quiet")
