"""What the package carries for hosts: a library that shows and needs nothing else, headers that
every compiler takes, and the four ways to build against them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.serving.library import ABI_MAJOR, ABI_MINOR
from serving_hosts import (
    C_COMPILERS,
    CXX_COMPILERS,
    HOSTS,
    INCLUDE,
    LIB,
    ROOT,
    STRICT,
    build,
    config,
    export,
    fmtrain,
    host_scores,
    run,
    write_csr,
)

GOLDEN = ROOT / "tests" / "golden" / "fmscore"
LIBRARY = LIB / "libfmscore.so.1"
HEADERS = ["fmscore.h", "fmscore.hpp", "fmscore_rows.hpp", "fmscore_watcher.hpp"]
C_STANDARDS = ["c89", "c99", "c11"]
CXX_STANDARDS = ["c++11", "c++14", "c++17", "c++20"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A serving file, and rows in CSR."""
    folder = tmp_path_factory.mktemp("served")
    model = FTRLModel(factors=2, v_start="kept", init_stdev=0.1, l1=0)
    model.fit(["a b", "b c:2", "a c"] * 20, [1, 0, 1] * 20)
    model.save(str(folder / "model.fmt"))
    rows = write_csr(folder / "rows", [0, 1, 3], [1, 2, 3], [1, 2, 0.5], [4], [1])
    return export(folder / "model.fmt", folder / "model.fms"), rows


def test_headers_are_those_of_the_core() -> None:
    assert sorted(path.name for path in INCLUDE.iterdir()) == HEADERS
    for name in HEADERS:
        assert (INCLUDE / name).read_bytes() == (ROOT / "csrc/serve" / name).read_bytes(), (
            f"{name} is another one: install the package anew"
        )


def test_the_library_is_one_file_and_no_link() -> None:
    assert LIBRARY.is_file()
    assert not LIBRARY.is_symlink()
    assert [path.name for path in LIB.iterdir() if ".so" in path.name] == [LIBRARY.name]


def test_what_can_be_seen_of_the_library() -> None:
    listed = run(["nm", "-D", "--defined-only", LIBRARY]).splitlines()
    symbols = sorted(line.split()[-1] for line in listed)
    assert symbols == (GOLDEN / "symbols.txt").read_text().splitlines()


def test_what_the_library_needs() -> None:
    told = run(["readelf", "-d", LIBRARY])
    assert re.findall(r"SONAME.*\[(.*)\]", told) == ["libfmscore.so.1"]
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", told))
    assert "libc.so.6" in needed
    assert {name for name in needed if not name.startswith("ld-linux")} <= {
        "libc.so.6",
        "libm.so.6",
        # Of glibc before 2.34, whose libc they became parts of.
        "libdl.so.2",
        "libpthread.so.0",
    }


def layout_program() -> str:
    """Prints the size and the members' places of every struct."""
    header = (INCLUDE / "fmscore.h").read_text(encoding="utf-8")
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    prints = []
    for name, body in re.findall(r"typedef struct (fms_\w+) \{(.*?)\} \1;", header, flags=re.S):
        prints.append(f'printf("{name} %lu\\n", (unsigned long)sizeof({name}));')
        for member in re.findall(r"(\w+);", body):
            place = f"(unsigned long)offsetof({name}, {member})"
            prints.append(f'printf("  {member} %lu\\n", {place});')
    lines = "\n".join(prints)
    return f'#include <stdio.h>\n#include "fmscore.h"\nint main(void) {{\n{lines}\nreturn 0;\n}}\n'


def test_structs_are_laid_out_as_ever(tmp_path: Path) -> None:
    source = tmp_path / "layout.c"
    source.write_text(layout_program())
    run(["gcc", "-std=c89", f"-I{INCLUDE}", source, "-o", tmp_path / "layout"])
    assert run([tmp_path / "layout"]) == (GOLDEN / "layout.txt").read_text()


@pytest.mark.parametrize("standard", C_STANDARDS)
@pytest.mark.parametrize("compiler", C_COMPILERS)
def test_the_header_is_c(compiler: str, standard: str, tmp_path: Path) -> None:
    source = tmp_path / "host.c"
    source.write_text('#include "fmscore.h"\nint main(void) { return fms_abi_version() == 0; }\n')
    run([compiler, f"-std={standard}", *STRICT, f"-I{INCLUDE}", "-fsyntax-only", source])


@pytest.mark.parametrize("standard", CXX_STANDARDS)
@pytest.mark.parametrize("compiler", CXX_COMPILERS)
def test_the_headers_are_cxx(compiler: str, standard: str, tmp_path: Path) -> None:
    for header in HEADERS:
        source = tmp_path / f"{header}.cc"
        source.write_text(f'#include "{header}"\n#include "{header}"\n')
        given = [f"-std={standard}", *STRICT, "-Wconversion", f"-I{INCLUDE}"]
        run([compiler, *given, "-fsyntax-only", source])


@pytest.mark.parametrize("source", ["score_rows.c", "score_rows.cc"])
def test_built_by_config(source: str, served: tuple[Path, Path], tmp_path: Path) -> None:
    model, rows = served
    scores, status = host_scores(build(HOSTS / source, tmp_path / "host"), model, "csr", rows)
    assert np.isfinite(scores).all()
    assert status.tolist() == [0, 0]


def test_config_prints_what_it_is_asked_for() -> None:
    assert config("--includes") == [f"-I{INCLUDE}"]
    assert config("--libs") == [f"-L{LIB}", "-l:libfmscore.so.1", f"-Wl,-rpath,{LIB}"]
    assert config("--cmakedir") == [f"{LIB}/cmake/fmscore"]
    assert config("--pkgconfigdir") == [f"{LIB}/pkgconfig"]
    assert config("--libs", "--includes", "--cmakedir") == [
        *config("--includes"),
        *config("--libs"),
        *config("--cmakedir"),
    ]


def test_config_wants_to_know_what(fmtrain_cli) -> None:  # type: ignore[no-untyped-def]
    done = fmtrain_cli("config")
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "fmtrain: error: say what: --includes, --libs, --cmakedir or --pkgconfigdir\n"
    )


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The package's folders, elsewhere: nothing in them says where they were."""
    for folder in (INCLUDE, LIB):
        shutil.copytree(folder, tmp_path / "moved" / folder.name)
    return tmp_path / "moved"


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="needs pkg-config")
def test_built_by_pkg_config(moved: Path, served: tuple[Path, Path], tmp_path: Path) -> None:
    model, rows = served
    place = {"PKG_CONFIG_PATH": str(moved / "lib" / "pkgconfig")}
    flags = run(["pkg-config", "--cflags", "--libs", "fmscore"], env=place).split()
    assert run(["pkg-config", "--modversion", "fmscore"], env=place).strip() == (
        f"{ABI_MAJOR}.{ABI_MINOR}"
    )
    host = tmp_path / "host"
    run(["gcc", "-std=c89", HOSTS / "score_rows.c", *flags, "-o", host])
    assert str(moved) in run(["ldd", host])
    assert host_scores(host, model, "csr", rows)[1].tolist() == [0, 0]


def test_built_by_cmake(moved: Path, served: tuple[Path, Path], tmp_path: Path) -> None:
    model, rows = served
    (tmp_path / "CMakeLists.txt").write_text(
        f"""cmake_minimum_required(VERSION 3.18)
project(hosts LANGUAGES C CXX)
find_package(fmscore {ABI_MAJOR} REQUIRED)
find_package(fmscore {ABI_MAJOR} REQUIRED) # by another part of the same project
set(CMAKE_CXX_STANDARD 11)
add_executable(in_c {HOSTS}/score_rows.c)
add_executable(in_cxx {HOSTS}/score_rows.cc)
target_link_libraries(in_c PRIVATE fmscore::fmscore)
target_link_libraries(in_cxx PRIVATE fmscore::fmscore)
"""
    )
    place = f"-Dfmscore_DIR={moved / 'lib' / 'cmake' / 'fmscore'}"
    run(["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "build", place])
    run(["cmake", "--build", tmp_path / "build"])
    for host in ("in_c", "in_cxx"):
        assert str(moved) in run(["ldd", tmp_path / "build" / host])
        got = host_scores(tmp_path / "build" / host, model, "csr", rows)
        assert got[1].tolist() == [0, 0]


def test_another_major_version_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(host LANGUAGES C)\n"
        f"find_package(fmscore {ABI_MAJOR + 1} REQUIRED)\n"
    )
    place = f"-Dfmscore_DIR={LIB / 'cmake' / 'fmscore'}"
    told = run(["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "b", place], expected=1)
    assert f'compatible with requested version "{ABI_MAJOR + 1}"' in told


def test_the_command_is_listed() -> None:
    assert "config" in fmtrain("--help")
