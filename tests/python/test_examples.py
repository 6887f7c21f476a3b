"""Every example runs and says something; every command of the README works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p for p in (ROOT / "examples").glob("*.*") if p.suffix in (".py", ".sh"))
SCHEMAS = sorted((ROOT / "examples").glob("*.toml"))
CRITEO = ROOT.parent / "shared" / "data" / "criteo"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL_BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.S | re.M)
#: Those that begin with a file's name.
FILE_BLOCKS = re.findall(
    r"^```(?:toml|c|cpp)\n(?:#|//|/\*) (\S+\.\w+)(?: \*/)?\n(.*?)^```", README, flags=re.S | re.M
)
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.S | re.M)


def environment() -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": scripts + os.pathsep + os.environ["PATH"],
        "CRITEO": str(CRITEO),
        "EXAMPLES": str(ROOT / "examples"),
    }


def run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path: Path, tmp_path: Path) -> None:
    command = ["bash"] if path.suffix == ".sh" else [sys.executable]
    assert len(run([*command, str(path)], tmp_path).splitlines()) >= 2


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schema(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fmtrain", "schema"]
    assert "no mistake" in run([*command, "check", str(path)], tmp_path)
    assert "label" in run([*command, "show", str(path)], tmp_path)


@pytest.fixture(scope="module")
def readme_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README is read from top to bottom: later blocks use the files of earlier ones,
    and those that begin with a file's name."""
    folder = tmp_path_factory.mktemp("readme")
    for name, text in FILE_BLOCKS:
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("number", range(len(SHELL_BLOCKS)))
def test_readme_shell_block(number: int, readme_folder: Path) -> None:
    block = SHELL_BLOCKS[number]
    if "$CRITEO" in block and not CRITEO.exists():
        pytest.skip("the Criteo files are not beside this checkout")
    # The package is installed and this is the test run: what stands behind `&&` is the command.
    block = re.sub(r"pip install \S+ && (pytest.*)?", "", block)
    run(["bash", "-euo", "pipefail", "-c", block], readme_folder)


@pytest.mark.parametrize("number", range(len(PYTHON_BLOCKS)))
def test_readme_python_block(number: int, readme_folder: Path) -> None:
    run([sys.executable, "-c", PYTHON_BLOCKS[number]], readme_folder)


def test_readme_names_its_files() -> None:
    assert [name for name, _ in FILE_BLOCKS] == ["clicks.toml", "server.c", "server.cc"]


def test_readme_has_the_two_commands() -> None:
    main_job = "fmtrain synth --samples 1000000 | fmtrain fit --model model.fmt"
    assert f"pip install . && {main_job}" in README
    assert "pip install '.[test]' && pytest" in README
