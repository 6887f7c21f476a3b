"""The table that the runs of a session end with."""

from __future__ import annotations

import pytest

ROWS = pytest.StashKey[list[str]]()
HEAD = [
    f"{'':34}{'AUC of':>16}{'median s of':>18}{'peer s / fmtrain s':>20}",
    f"{'peer':<16}{'model':<6}{'threads':>7}{'samples':>11}"
    f"{'peer':>8}{'fmtrain':>8}{'peer':>9}{'fmtrain':>9}{'median':>7}  rounds",
]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if rows := terminalreporter.config.stash[ROWS]:
        terminalreporter.section("whole processes, text to saved model")
        for line in [*HEAD, *rows]:
            terminalreporter.write_line(line)
