"""Fixtures shared by all tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout with real data and other programs' files; never shipped."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("needs the folder ../shared beside the checkout")
    return path


@pytest.fixture(scope="session")
def golden() -> Path:
    """Files of known content: added to, never edited."""
    return ROOT / "tests" / "golden"


@pytest.fixture
def fmtrain_cli() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs `fmtrain ARGUMENT...` to its end: fmtrain_cli("fit", path, stdin=b"1 a\\n")."""

    def run(
        *arguments: Any, stdin: bytes = b"", timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "fmtrain", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run
