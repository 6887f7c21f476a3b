"""compare.py runs what it is told in the order it says, and does not time a failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .compare import report

COMPARE = Path(__file__).with_name("compare.py")


def compare(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(COMPARE), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_commands_alternate(tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = compare(f"echo a >> {log}", f"echo b >> {log}", "--rounds", "3")
    assert result.returncode == 0, result.stderr
    assert log.read_text().split() == ["a", "b"] * 3
    assert "of 3" in result.stdout


def test_failure_of_either_ends_it() -> None:
    for commands in (("exit 3", "true"), ("true", "exit 3")):
        result = compare(*commands)
        assert result.returncode == 3
        assert (result.stdout, result.stderr) == ("", "exit code 3: exit 3\n")


def test_report() -> None:
    lines = report([1.0, 2.0, 4.0], [2.0, 1.0, 1.0]).splitlines()
    assert lines[0] == "A    median 2.000 s of 3"
    assert lines[2] == "B/A  0.500 of the medians, 0.500 paired median"
    assert lines[3] == "     rounds 2.000 0.500 0.250"


def test_zero_rounds_are_refused() -> None:
    assert compare("true", "true", "--rounds", "0").returncode == 2
