"""Builds hosts of the scoring library against the package, and exports models for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.serving import feature_id
from fmtrain.serving.library import PACKAGE

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ROOT / "tests" / "hosts"
INCLUDE, LIB = PACKAGE / "include", PACKAGE / "lib"
#: pip puts cmake and ninja beside the interpreter, which need not be on the PATH.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
C_COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
CXX_COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"]


def run(command: Sequence[Any], expected: int = 0, seconds: float = 300, **options: Any) -> str:
    """What a command prints, on either of its outputs."""
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "PATH": PATH, **options.pop("env", {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
        **options,
    )
    if done.returncode != expected:
        pytest.fail(f"{' '.join(map(str, command))} gave {done.returncode}:\n{done.stdout}")
    return done.stdout


def fmtrain(*arguments: Any) -> str:
    return run([sys.executable, "-m", "fmtrain", *arguments])


def export(model: Path, out: Path, *flags: Any) -> Path:
    """The serving file of a model."""
    fmtrain("export", model, "--to", "serving", "--out", out, *flags)
    return out


def config(*flags: str) -> list[str]:
    return fmtrain("config", *flags).split()


def build(source: Path, program: Path, *flags: str) -> Path:
    """A host in C89 or C++11, by the flags that `fmtrain config` prints."""
    compiler = ["gcc", "-std=c89"] if source.suffix == ".c" else ["g++", "-std=c++11", "-pthread"]
    given = [*STRICT, *flags, *config("--includes", "--libs")]
    run([*compiler, "-O1", source, *given, "-o", program])
    return program


def write_csr(
    path: Path, row_ptr: Any, ids: Any, x: Any, user_ids: Any = (), user_x: Any = ()
) -> Path:
    """As tests/hosts/README.md says."""
    parts = [
        np.array([len(row_ptr) - 1, len(user_ids), len(ids)], dtype="<u8"),
        np.asarray(user_ids, dtype="<u8"),
        np.asarray(user_x, dtype="<f4"),
        np.asarray(row_ptr, dtype="<u8"),
        np.asarray(ids, dtype="<u8"),
        np.asarray(x, dtype="<f4"),
    ]
    path.write_bytes(b"".join(part.tobytes() for part in parts))
    return path


def host_scores(
    host: Path, model: Path, form: str, rows: Path
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.uint8]]]:
    """(scores, statuses) that a host of tests/hosts writes."""
    out = rows.with_suffix(f".{host.name}.scores")
    run([host, model, form, rows, out])
    written = out.read_bytes()
    items = len(written) // 5
    return np.frombuffer(written, "<f4", items), np.frombuffer(written, np.uint8, items, items * 4)


# ---- a small model ----

ITEMS = [{"a": 1.0, "b": 0.5}, {"c": 2.0}, {}, {"a": 1.0, "unseen": 3.0}]
USER = {"u": 1.0, "age": 0.25}
TRAINED = ["a b:0.5 u age:0.25", "c:2 u", "b c u age", "a c:0.25"] * 25


def trained(seed: int = 0, **hyper: Any) -> FTRLModel:
    model = FTRLModel(**{"factors": 4, "v_start": "kept", "init_stdev": 0.3, "l1": 0, **hyper})
    return model.fit(TRAINED, np.random.default_rng(seed).integers(0, 2, len(TRAINED)))


def saved(model: FTRLModel, path: Path) -> Path:
    model.save(str(path.with_suffix(".fmt")))
    return export(path.with_suffix(".fmt"), path)


def csr(rows: list[dict[str, float]]) -> tuple[Any, Any, Any]:
    row_ptr = np.cumsum([0, *map(len, rows)])
    ids = np.array([feature_id(name, 0) for row in rows for name in row], dtype=np.uint64)
    return row_ptr, ids, np.array([x for row in rows for x in row.values()], dtype=np.float32)
