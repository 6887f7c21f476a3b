"""fmtrain config: what a build needs to embed the scoring library."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from fmtrain.cli.output import write
from fmtrain.errors import ParameterError
from fmtrain.serving.library import FILE_NAME, PACKAGE


def config(
    includes: Annotated[
        bool, typer.Option("--includes", help="Print the compiler's flags: fmscore.h, .hpp.")
    ] = False,
    libs: Annotated[bool, typer.Option("--libs", help="Print the linker's flags.")] = False,
    cmakedir: Annotated[
        bool, typer.Option("--cmakedir", help="Print fmscore_DIR, for find_package(fmscore).")
    ] = False,
    pkgconfigdir: Annotated[
        bool, typer.Option("--pkgconfigdir", help="Print what goes into PKG_CONFIG_PATH.")
    ] = False,
) -> None:
    """Print how to build against libfmscore, the scoring library that servers embed.

    cc server.c $(fmtrain config --includes --libs) -o server
    """
    lib = PACKAGE / "lib"
    flags = []
    if includes:
        flags += [f"-I{PACKAGE / 'include'}"]
    if libs:
        flags += [f"-L{lib}", f"-l:{FILE_NAME}", f"-Wl,-rpath,{lib}"]
    folders = []
    if cmakedir:
        folders += [str(lib / "cmake" / "fmscore")]
    if pkgconfigdir:
        folders += [str(lib / "pkgconfig")]
    if not flags and not folders:
        raise ParameterError("say what: --includes, --libs, --cmakedir or --pkgconfigdir")
    lines = [shlex.join(flags)] if flags else []
    write("\n".join([*lines, *folders]) + "\n")


def register(app: typer.Typer) -> None:
    app.command("config")(config)
