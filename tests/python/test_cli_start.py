"""What the command line loads: a short run must not wait for what it does not use."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from fmtrain.cli import COMMANDS

RUN = (
    "import atexit, sys\n"
    "from fmtrain.cli import main\n"
    "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
    "main()\n"
)


def loaded(*arguments: object) -> set[str]:
    """The modules of a process that ran `fmtrain ARGUMENT...`."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.splitlines())


def test_training_and_scoring_load_only_what_they_use(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.write_text("1 a b\n0 c d\n")
    model = tmp_path / "model.fmt"
    for command in ("fit", "predict"):
        modules = loaded(command, samples, "--model", model)
        assert f"fmtrain.cli.{command}" in modules
        assert not modules & {"numpy", "rich", "fmtrain.metrics", "fmtrain.cli.diff"}


def test_help_loads_every_command() -> None:
    modules = loaded("--help")
    assert {f"fmtrain.cli.{module}" for module in COMMANDS.values()} <= modules


@pytest.mark.parametrize("module", sorted(set(COMMANDS.values())))
def test_every_command_is_found_in_its_module(module: str) -> None:
    app = typer.Typer()
    import_module(f"fmtrain.cli.{module}").register(app)
    registered = {command.name for command in [*app.registered_commands, *app.registered_groups]}
    assert registered == {name for name, where in COMMANDS.items() if where == module}
