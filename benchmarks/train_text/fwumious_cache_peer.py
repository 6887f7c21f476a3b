"""Fwumious Wabbit from the cache file it makes of the text."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import fwumious_peer


class Peer(fwumious_peer.Peer):
    """`--cache`: samples.vw.fwcache, made before the clock, is read instead of samples.vw."""

    def prepare(self, plain: Path, out: Path) -> None:
        super().prepare(plain, out)
        command = [self.command, "-d", out, "--build_cache_without_training", "--cache"]
        subprocess.run(command, check=True)

    def fit(self, data: Path, model: Path, factors: int, threads: int) -> str:
        return f"{super().fit(data, model, factors, threads)} --cache"
