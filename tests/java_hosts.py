"""Builds the jar, once, and programs that use it. The build folder is that of the C++ tests."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from serving_hosts import HOSTS, ROOT, run

BUILD = ROOT / ".cache" / "cpp-tests"
HAS_JDK = shutil.which("javac") is not None


@functools.cache
def jar() -> Path:
    if not HAS_JDK:
        pytest.skip("needs a JDK, 11 or later (Debian, Ubuntu: default-jdk-headless)")
    options = ["-DFMTRAIN_TESTS=ON", "-DFMTRAIN_JAVA=ON", "-DFMTRAIN_VERSION=0"]
    BUILD.mkdir(parents=True, exist_ok=True)
    run(["cmake", "-G", "Ninja", "-S", ROOT / "csrc", "-B", BUILD, *options])
    run(["cmake", "--build", BUILD, "--target", "fmscore_jar"], seconds=1200)
    return BUILD / "fmscore-0.jar"


def compile_java(classes: Path, sources: Iterable[Path]) -> None:
    run(["javac", "--release", "11", "-cp", jar(), "-d", classes, *sources])


def command(classes: Path, name: str, *options: str) -> list[str]:
    """What runs a class. -Xcheck:jni: whatever is wrong between Java and C++ is printed."""
    path = f"{jar()}{os.pathsep}{classes}"
    usual = ["-Xcheck:jni", "-Xmx256m", f"-Djava.io.tmpdir={classes}"]
    return ["java", *usual, *options, "-cp", path, name]


def java_host(name: str, program: Path) -> Path:
    """A host of tests/hosts as a program, like those in C and C++."""
    classes = program.with_suffix(".classes")
    compile_java(classes, [HOSTS / f"{name}.java"])
    program.write_text(f'#!/bin/sh\nexec {shlex.join(command(classes, name))} "$@"\n')
    program.chmod(0o755)
    return program
