"""What the peers share: shell commands, synthetic text in every peer's own format."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from ..common import FMTRAIN, shell

__all__ = ["FMTRAIN", "Absent", "Peer", "Text", "read_predictions", "shell"]


class Absent(Exception):
    """A peer that is not here: why."""


class Peer(ABC):
    """One trainer. Its files are made before the clock starts; what `fit` returns is timed."""

    same_text = False  # fmtrain reads this peer's text as it is
    suffix = ".txt"  # of its text
    may_crash = False  # now and then, through a fault of its own

    def __init__(self, given: Path | None) -> None:
        """Takes what the peer's option says; raises Absent where the peer is not here."""
        self.given = given

    def binary(self, option: str, name: str = "") -> str:
        """The executable that the option names, or the one in the folder it names."""
        if self.given is None:
            raise Absent(f"needs {option}")
        return str((self.given / name).resolve(strict=True))

    def prepare(self, plain: Path, out: Path) -> None:
        """Make of a file in fmtrain's format what `fit` and `predict` read."""
        with plain.open("rb") as source, out.open("wb") as target:
            while lines := list(islice(source, 10_000)):
                target.writelines(map(self.convert, lines))

    @abstractmethod
    def convert(self, line: bytes) -> bytes:
        """A line of `fmtrain synth` in this peer's format."""

    @abstractmethod
    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        """The shell command of one pass over the data, to a saved model."""

    @abstractmethod
    def predict(self, data: Path, model: Path, factors: int, out: Path) -> str:
        """The shell command that writes a probability a line, in the last column."""


class Text:
    """Synthetic samples, in the format of every peer that asks."""

    def __init__(self, folder: Path, samples: int, first: int = 0) -> None:
        self.folder, self.samples, self.first = folder, samples, first

    @cached_property
    def plain(self) -> Path:
        """The samples as `fmtrain synth` prints them."""
        self.folder.mkdir()
        path = self.folder / "plain.txt"
        # At a million samples 1.6 million distinct features: more than caches hold.
        flags = [f"--samples={self.samples}", f"--first={self.first}", "--no-header"]
        flags += ["--dims=8000000", "--zipf=1.05"]
        with path.open("wb") as file:
            subprocess.run([*FMTRAIN, "synth", *flags], stdout=file, check=True)
        return path

    def of(self, peer: Peer) -> Path:
        """The samples as this peer reads them; made once."""
        folder = self.plain.parent / type(peer).__module__.rpartition(".")[2]
        path = folder / f"samples{peer.suffix}"
        if not path.exists():
            folder.mkdir()
            peer.prepare(self.plain, path)
        return path

    def labels(self) -> np.ndarray:
        """(samples,), 0 or 1."""
        with self.plain.open("rb") as file:
            return np.array([float(line.split(None, 1)[0]) for line in file])


def read_predictions(path: Path) -> np.ndarray:
    """The last column of every line."""
    with path.open("rb") as file:
        return np.array([float(line.split()[-1]) for line in file])
