"""fmtrain from the file that `fmtrain pack` makes of the text."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import fmtrain_peer
from .common import FMTRAIN, Absent, shell


class Peer(fmtrain_peer.Peer):
    """`fmtrain fit samples.fmc`."""

    def __init__(self, given: Path | None) -> None:
        super().__init__(given)
        command = [*FMTRAIN, "pack", "--help"]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            raise Absent("needs fmtrain pack")

    def prepare(self, plain: Path, out: Path) -> None:
        super().prepare(plain, out)
        subprocess.run([*FMTRAIN, "pack", out, "--out", packed(out)], check=True)

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        sizes = [f"--factors={factors}", f"--threads={threads}"]
        return shell(*FMTRAIN, "fit", *sizes, "--model", model, packed(data))


def packed(text: Path) -> Path:
    """Where the packed samples of a text file are."""
    return text.with_suffix(".fmc")
