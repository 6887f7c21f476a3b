"""Options of the benchmarks, and the data they run on: made once a session, or given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # for reference.py


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fmtrain benchmarks")
    group.addoption("--data", type=Path, help="a file in fmtrain's text format to train on")
    group.addoption(
        "--samples", type=int, default=200_000, help="samples to synthesise without --data"
    )
    group.addoption("--alphafm", type=Path, metavar="DIR", help="has fm_train and fm_predict")
    group.addoption("--xlearn", type=Path, metavar="DIR", help="has xlearn_train, xlearn_predict")
    group.addoption("--fwumious", type=Path, metavar="FILE", help="Fwumious Wabbit's fw")
    group.addoption("--threads", type=int, default=2, help="of every whole process (train_text)")
    group.addoption("--rounds", type=int, default=5, help="pairs of whole processes (train_text)")


@pytest.fixture(scope="session")
def data_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file to train on: --data, or what `fmtrain synth` writes."""
    given: Path | None = request.config.getoption("--data")
    if given is not None:
        return given.resolve(strict=True)
    command = Path(sys.executable).with_name("fmtrain")  # this environment's, before PATH's
    found = str(command) if command.exists() else shutil.which("fmtrain")
    if found is None:
        pytest.skip("needs the fmtrain command to make data, or --data FILE")
    path = tmp_path_factory.mktemp("synth") / "samples.txt"
    samples = str(request.config.getoption("--samples"))
    with path.open("wb") as file:
        subprocess.run([found, "synth", "--samples", samples], stdout=file, check=True)
    return path
