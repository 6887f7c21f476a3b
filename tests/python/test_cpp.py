"""The C++ tests and the fuzz corpora, built from csrc/ and run by ctest, one test a program.

The build lies in .cache/cpp-tests and is kept: the second run compiles only what changed. A missing
compiler or cmake is a failure, not a skip: these tests are the core's only ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".cache" / "cpp-tests"
CPP_TESTS = sorted(path.stem for path in (ROOT / "tests" / "cpp").glob("test_*.cc"))
FUZZ_TARGETS = sorted(path.stem for path in (ROOT / "tests" / "fuzz").glob("fuzz_*.cc"))
# pip puts cmake and ninja beside the interpreter, which need not be on the PATH.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
NAMES = CPP_TESTS + [name.replace("fuzz_", "replay_") for name in FUZZ_TARGETS]


def run(command: Sequence[str | Path], seconds: float) -> str:
    """The output of a command that must succeed."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PATH": PATH},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        pytest.fail(f"the C++ tests need {command[0]}: pip install '.[test]' brings it")
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{command[0]} did not end within {seconds} s:\n{late.output}")
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))} failed:\n{done.stdout}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def build() -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    run(["cmake", "-G", "Ninja", "-S", ROOT / "csrc", "-B", BUILD, "-DFMTRAIN_TESTS=ON"], 120)
    run(["cmake", "--build", BUILD, "--parallel", str(os.cpu_count() or 1)], 1200)
    return BUILD


def test_every_file_is_a_ctest(build: Path) -> None:
    listed = json.loads(run(["ctest", "--test-dir", build, "--show-only=json-v1"], 60))
    assert sorted(test["name"] for test in listed["tests"]) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_cpp(build: Path, name: str) -> None:
    run(
        [
            "ctest",
            "--test-dir",
            build,
            "--output-on-failure",
            "--no-tests=error",
            "-R",
            f"^{name}$",
        ],
        300,
    )


@pytest.mark.parametrize("target", FUZZ_TARGETS)
def test_corpus_is_small(target: str) -> None:
    sizes = [path.stat().st_size for path in (ROOT / "tests/fuzz/corpus" / target).iterdir()]
    assert 0 < len(sizes) < 30
    assert max(sizes) < 4096
