"""src/fmtrain/_core.pyi says what the native module has: names, arguments and their defaults."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fmtrain import _core

PACKAGE = Path(_core.__file__).parent
#: pybind11's names for arguments that were given none: they are positional.
UNNAMED = "arg"

Signature = list[tuple[str, object]]  # (argument, default or inspect.Parameter.empty)


def signature_of(function: ast.FunctionDef) -> Signature:
    given = [*function.args.posonlyargs, *function.args.args]
    empty: list[object] = [inspect.Parameter.empty]
    defaults = [ast.literal_eval(default) for default in function.args.defaults]
    return [
        (argument.arg, default)
        for argument, default in zip(
            given, empty * (len(given) - len(defaults)) + defaults, strict=True
        )
        if argument.arg != "self"
    ]


def in_stub() -> dict[str, Signature]:
    """{qualified name: its arguments}; what a class inherits is listed under the class."""
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    found = {f.name: signature_of(f) for f in tree.body if isinstance(f, ast.FunctionDef)}
    classes = {c.name: c for c in tree.body if isinstance(c, ast.ClassDef)}
    for name, own in classes.items():
        bases = [classes[b.id] for b in own.bases if isinstance(b, ast.Name) and b.id in classes]
        for function in [f for c in [*bases, own] for f in c.body]:
            if isinstance(function, ast.FunctionDef) and not is_property(function):
                found[f"{name}.{function.name}"] = signature_of(function)
    return {name: arguments for name, arguments in found.items() if not name.startswith("_")}


def is_property(function: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "property" for d in function.decorator_list)


def in_module() -> dict[str, Signature]:
    """The same from the first line that pybind11 writes into every docstring."""
    found = {}
    for name, value in vars(_core).items():
        if isinstance(value, type):
            for method in vars(value):
                if documented(getattr(value, method)):
                    found[f"{name}.{method}"] = parsed(getattr(value, method))
        elif documented(value):
            found[name] = parsed(value)
    return found


def documented(value: Any) -> bool:
    return callable(value) and "->" in (getattr(value, "__doc__", None) or "").split("\n")[0]


def parsed(function: Any) -> Signature:
    line = function.__doc__.split("\n")[0]
    definition = ast.parse(f"def {line}: ...").body[0]
    assert isinstance(definition, ast.FunctionDef), line
    return signature_of(definition)


def test_stubtest_finds_no_difference(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    environment = dict(os.environ)
    # mypy finds what is installed by itself and refuses to be told; a source tree it must be told.
    if PACKAGE.parent.name != "site-packages":
        environment["MYPYPATH"] = environment["PYTHONPATH"] = str(PACKAGE.parent)
    # The stub alone is looked at: what else is installed must not matter.
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nfollow_imports = silent\nignore_missing_imports = true\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "fmtrain._core", "--mypy-config-file", config],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_arguments_and_defaults_agree() -> None:
    # pybind11's functions have no signature that stubtest could see: their docstrings do.
    stub, module = in_stub(), in_module()
    assert sorted(stub) == sorted(module)
    for name, arguments in module.items():
        if any(argument.startswith(UNNAMED) for argument, _ in arguments):
            assert len(stub[name]) == len(arguments), name
        else:
            assert stub[name] == arguments, name


def test_every_class_is_seen() -> None:
    # The comparison above must not pass because it looks at nothing.
    module = in_module()
    assert module["Trainer.__init__"][2:5] == [
        ("format", "text"),
        ("bad_lines_fd", -1),
        ("deterministic", False),
    ]
    assert {"Model.load", "Predictor.take", "Synth.text", "hash_name"} <= set(module)
    assert len(module) > 40
