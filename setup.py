"""Drives csrc/CMakeLists.txt, the one build of all C++. Everything else is in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


class CMakeBuild(build_ext):
    def build_extension(self, ext: Extension) -> None:
        target = Path(self.get_ext_fullpath(ext.name)).resolve()
        build = Path(self.build_temp).resolve() / "cmake"
        build.mkdir(parents=True, exist_ok=True)
        version = self.distribution.get_version()
        subprocess.run(
            [
                "cmake",
                # An earlier build's cache names a ninja that lived in pip's temporary folder.
                "--fresh",
                "-G",
                "Ninja",
                str(ROOT / "csrc"),
                "-DFMTRAIN_MODULE=ON",
                f"-DFMTRAIN_VERSION={version}",
                f"-DPython_EXECUTABLE={sys.executable}",
                f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={target.parent}",
                f"-Dpybind11_DIR={pybind11_cmake_dir()}",
            ],
            cwd=build,
            check=True,
        )
        targets = ["--target", "_core", "--target", "fmscore"]
        subprocess.run(["cmake", "--build", str(build), *targets], check=True)
        # include/ and lib/ of the scoring library, which the package carries.
        install = ["cmake", "--install", str(build), "--component", "fmscore", "--strip"]
        subprocess.run([*install, "--prefix", str(target.parent)], check=True)


def pybind11_cmake_dir() -> str:
    import pybind11

    return pybind11.get_cmake_dir()


setup(
    ext_modules=[Extension("fmtrain._core", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
