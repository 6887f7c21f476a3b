"""The house rules that a machine can check: floors, doors, sizes, and what the core never does."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "csrc"
PACKAGE = ROOT / "src" / "fmtrain"

LINES_A_FILE_MAX = 400
LINES_A_FUNCTION_MAX = 70
CHARACTERS_A_LINE_MAX = 100

#: An include points to a lower floor or into its own folder.
CORE_FLOORS = {
    "base": 0,
    "io": 1,
    "feature": 2,
    "encode": 3,
    "model": 4,
    "train": 5,
    "score": 5,
    "serve": 5,
    "synth": 5,
    "bind": 6,
    "jni": 6,
}

#: An import points to a lower floor or, on its own floor, into its own folder.
PACKAGE_FLOORS = {
    "errors": 0,
    "economy": 1,
    "hyper": 0,
    "lazy": 0,
    "metrics": 0,
    "reports": 0,
    "protocol": 1,
    "data": 1,
    "synth": 1,
    "estimator": 2,
    "stream": 2,
    "features": 3,
    "encoding": 4,
    "model": 4,
    "model_files": 4,
    "packing": 4,
    "serving": 4,
    "serving_file": 4,
    "training": 4,
    "": 4,  # the package itself is where FTRLModel is found
    "inspection": 5,
    "evaluation": 5,
    "comparison": 5,
    "forecast": 5,
    "cli": 6,
    "__main__": 7,
}

#: Who may open the native module: those that hold its objects. Others go through them.
NATIVE = "_core"
NATIVE_USERS = {
    "",
    "hyper",
    "synth",
    "data.matrix",
    "data.rows",
    "encoding",
    "model",
    "model_files",
    "packing",
    "serving_file",
    "training",
    "inspection",
    "features.gbdt",
    "features.schema",
    "features.encoder",
    "features.learn",
    "cli.alphafm",
    "cli.fit_report",
}

#: What is installed with fmtrain; the terminal's packages are for the command line alone.
DEPENDENCIES = {"numpy", "mmh3"}
TERMINAL = {"typer", "rich"}

FORBIDDEN_IN_THE_CORE = {
    r"\b(?:v|f|vf|d|w)?printf\s*\(": "printing",
    r"\b(?:puts|fputs|putchar|perror)\s*\(": "printing",
    r"\bstd::(?:cout|cerr|clog)\b": "printing",
    r"<iostream>": "printing",
    r"\b_?(?:exit|quick_exit|abort|terminate)\s*\(": "ending the process",
    r"\bassert\s*\(": "ending the process",
    r"\bthrow\b": "throwing",
    r"<pybind11|\bPy[A-Z_]\w*": "Python",
}
#: Memory that cannot be had is the one thing that is thrown, and caught where workers start.
MAY_THROW = {"base/arena.cc", "base/buffer.h", "io/worker_pool.h", "model/table.cc"}


def core_files() -> list[Path]:
    return sorted([*CORE.rglob("*.h"), *CORE.rglob("*.cc")])


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def written_files() -> list[Path]:
    """All code that people wrote."""
    kinds = {".py", ".pyi", ".pyx", ".cc", ".h", ".hpp", ".c", ".java"}
    folders = ("csrc", "src", "tests", "benchmarks", "examples")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    return sorted(path for path in [*found, ROOT / "setup.py"] if path.suffix in kinds)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(text: str) -> str:
    """C++ without comments and without what stands in strings; lines stay where they are."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(found: re.Match[str]) -> str:
        return "\n" * found[0].count("\n") if found[0].startswith("/") else '""'

    return re.sub(pattern, blank, text, flags=re.DOTALL)


# ---- the core ----


def test_includes_point_down() -> None:
    wrong = []
    for path in core_files():
        folder = path.parent.name
        for line in path.read_text().splitlines():
            found = re.match(r'#include "(.+)/', line)
            if found is None:
                continue
            target = found[1]
            if target != folder and CORE_FLOORS[target] >= CORE_FLOORS[folder]:
                wrong.append(f"{named(path)}: {line}")
    assert not wrong, "\n".join(wrong)


def test_every_folder_of_the_core_has_a_floor() -> None:
    assert {path.parent.name for path in core_files()} == set(CORE_FLOORS)


@pytest.mark.parametrize("pattern", FORBIDDEN_IN_THE_CORE)
def test_the_core_never_prints_ends_throws_or_knows_python(pattern: str) -> None:
    wrong = []
    for path in core_files():
        inside = str(path.relative_to(CORE))
        if path.parent.name == "bind" or (r"throw" in pattern and inside in MAY_THROW):
            continue
        for number, line in enumerate(code_of(path.read_text()).splitlines(), 1):
            if re.search(pattern, line):
                wrong.append(f"{named(path)}:{number}: {FORBIDDEN_IN_THE_CORE[pattern]}: {line}")
    assert not wrong, "\n".join(wrong)


def test_the_search_sees_what_it_forbids() -> None:
    samples = {
        "printing": [
            'printf("%d")',
            "std::fprintf (f)",
            "std::cerr << 1",
            "#include <iostream>",
            "puts(x)",
        ],
        "ending the process": ["std::exit(1)", "_exit (1)", "abort()", "assert(x)"],
        "throwing": ["throw std::bad_alloc();"],
        "Python": ["PyErr_Print()", "#include <pybind11/pybind11.h>"],
    }
    harmless = 'std::snprintf(b, 4, "x"); // printf( throw\n static_assert(1); "abort()"; on_exit'
    for pattern, what in FORBIDDEN_IN_THE_CORE.items():
        assert any(re.search(pattern, line) for line in samples[what]), pattern
        assert re.search(pattern, code_of(harmless)) is None, pattern
    for what, lines in samples.items():
        patterns = [pattern for pattern, kind in FORBIDDEN_IN_THE_CORE.items() if kind == what]
        assert all(any(re.search(p, line) for p in patterns) for line in lines), what


# ---- the package ----


def module_name(path: Path) -> str:
    """ "data.matrix"; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """What a module of the package imports of the package, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name[8:] for a in node.names if a.name.startswith("fmtrain."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fmtrain":
            base = (node.module or "")[8:]
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                is_module = inner == NATIVE or exists(inner)
                yield inner if is_module else base


def exists(module: str) -> bool:
    path = PACKAGE.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def floor_of(module: str) -> int:
    return PACKAGE_FLOORS[module.split(".")[0]]


def folder_of(module: str) -> str:
    return module.split(".")[0] if "." in module or (PACKAGE / module).is_dir() else ""


def test_imports_point_down() -> None:
    wrong = []
    for path in modules():
        module = module_name(path)
        for target in imports_of(path):
            if target == NATIVE:
                continue
            sideways = floor_of(target) == floor_of(module)
            same_folder = folder_of(target) == folder_of(module)
            if floor_of(target) > floor_of(module) or (sideways and not same_folder):
                wrong.append(f"{named(path)} imports {target or 'fmtrain'}")
    assert not wrong, "\n".join(wrong)


def test_every_module_has_a_floor() -> None:
    assert {module_name(path).split(".")[0] for path in modules()} == set(PACKAGE_FLOORS)


def test_the_native_module_is_used_through_those_that_hold_it() -> None:
    users = {module_name(path) for path in modules() if NATIVE in imports_of(path)}
    assert users <= NATIVE_USERS
    assert users >= {"model", "hyper"}


def test_only_what_is_installed_is_imported_at_the_top() -> None:
    wrong = []
    for path in modules():
        allowed = {"fmtrain", *sys.stdlib_module_names, *DEPENDENCIES}
        if module_name(path).startswith("cli"):
            allowed |= TERMINAL
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                tops = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                tops = {(node.module or "").split(".")[0]}
            else:
                continue
            wrong += [f"{named(path)}: {top}" for top in tops - allowed]
    assert not wrong, "\n".join(wrong)


# ---- sizes ----


def test_files_and_lines_are_short() -> None:
    wrong = []
    for path in written_files():
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LINES_A_FILE_MAX:
            wrong.append(f"{named(path)}: {len(lines)} lines")
        wrong += [
            f"{named(path)}:{number}: {len(line)} characters"
            for number, line in enumerate(lines, 1)
            if len(line) > CHARACTERS_A_LINE_MAX
        ]
    assert not wrong, "\n".join(wrong)


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """(first line, lines) of every function."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.name, (node.end_lineno or 0) - node.lineno + 1
        return
    # clang-format closes a block by a brace in the column where its first line began.
    lines = [line.rstrip() for line in code_of(text).splitlines()]
    blocks = ("namespace", "struct", "class", "enum", "if", "for", "while", "do", "switch", "}")
    for last, line in enumerate(lines):
        closing = re.fullmatch(r"( *)\}", line)
        if closing is None:
            continue
        shallow = re.compile(rf" {{0,{len(closing[1])}}}[^ #]")
        first = next((at for at in range(last - 1, -1, -1) if shallow.match(lines[at])), last)
        if not lines[first].strip().startswith(blocks):
            yield lines[first].strip(), last - first + 1


def test_functions_are_short() -> None:
    wrong = [
        f"{named(path)}: {name}: {length} lines"
        for path in written_files()
        if path.suffix in {".py", ".cc", ".h", ".hpp", ".c"}
        for name, length in functions_of(path)
        if length > LINES_A_FUNCTION_MAX
    ]
    assert not wrong, "\n".join(wrong)


def test_the_measure_of_functions_measures() -> None:
    lengths = dict(functions_of(CORE / "train" / "trainer.cc"))
    assert lengths["status trainer::finish() {"] > 5
    assert len(lengths) >= 3
