"""ctypes declares what fmscore.h declares: every function, struct, member and number."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import pytest

from fmtrain.serving import library

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "csrc/serve/fmscore.h").read_text(encoding="utf-8").replace("\\\n", "")
HEADER = re.sub(r"/\*.*?\*/", "", TEXT, flags=re.S)
SCALARS: dict[str, Any] = {
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "void": None,
    "fms_snapshot_callback": library.SnapshotCallback,
}
STRUCTS = dict(re.findall(r"typedef struct fms_(\w+) \{(.*?)\} fms_\1;", HEADER, flags=re.S))
FUNCTIONS = {
    name: (returns, arguments)
    for returns, name, arguments in re.findall(
        r"^([\w ]+\**) ?fms_(\w+)\(([^)]*)\);", HEADER, flags=re.M
    )
}


def as_ctypes(declared: str) -> Any:
    """The type of "const fms_rows* user", whose last word may be missing."""
    found = re.fullmatch(r"(?:const )?(\w+)\s*(\**)\s*\w*", " ".join(declared.split()))
    assert found, declared
    name, stars = found[1], len(found[2])
    if not stars:
        return SCALARS[name]
    if name == "char":
        return ctypes.c_char_p
    if stars == 2:
        return ctypes.POINTER(ctypes.c_void_p)
    struct = library.STRUCTS.get(name.removeprefix("fms_"))
    return ctypes.c_void_p if struct is None else ctypes.POINTER(struct)


def test_the_header_is_read() -> None:
    assert len(FUNCTIONS) == len(re.findall(r"\bfms_\w+\(", HEADER)) - HEADER.count("(fms_clear(")
    assert len(STRUCTS) == HEADER.count("typedef struct fms_") - len(
        re.findall(r"typedef struct fms_\w+ fms_\w+;", HEADER)
    )


def test_every_function_is_declared() -> None:
    assert list(library.FUNCTIONS) == list(FUNCTIONS)


@pytest.mark.parametrize("name", library.FUNCTIONS)
def test_functions_are_declared_alike(name: str) -> None:
    returns, arguments = FUNCTIONS[name]
    takes = [] if arguments == "void" else [as_ctypes(one) for one in arguments.split(",")]
    assert library.FUNCTIONS[name] == (as_ctypes(returns), takes)


def test_every_struct_is_declared() -> None:
    assert list(library.STRUCTS) == list(STRUCTS)


@pytest.mark.parametrize("name", library.STRUCTS)
def test_structs_are_declared_alike(name: str) -> None:
    members = [one.strip() for one in STRUCTS[name].split(";") if one.strip()]
    expected = [(re.findall(r"\w+", member)[-1], as_ctypes(member)) for member in members]
    assert list(library.STRUCTS[name]._fields_) == expected


def numbers(prefix: str) -> dict[str, int]:
    found = re.findall(rf"#define {prefix}(\w+) +\(?(-?\d+)u?\)?\s*$", HEADER, flags=re.M)
    return {name: int(value) for name, value in found}


@pytest.mark.parametrize(
    ("prefix", "declared"),
    [("FMS_ROWS_", library.Rows), ("FMS_COLUMN_", library.Column), ("FMS_ITEM_", library.Item)],
)
def test_numbers_are_declared_alike(prefix: str, declared: Any) -> None:
    assert numbers(prefix) == {one.name: one.value for one in declared}


def test_codes_are_declared_alike() -> None:
    found = numbers("FMS_")
    codes = {name: value for name, value in found.items() if name in {"OK", "PARTIAL"}}
    codes |= {name: value for name, value in found.items() if re.fullmatch(r"E[A-Z]+", name)}
    assert codes == {one.name: one.value for one in library.Code}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("FMS_PRECISION_", library.PRECISIONS),
        ("FMS_LINK_", library.LINKS),
        ("FMS_OUTPUT_", library.OUTPUTS),
    ],
)
def test_names_stand_where_their_numbers_say(prefix: str, names: tuple[str, ...]) -> None:
    assert numbers(prefix) == {name.upper(): place for place, name in enumerate(names)}


def test_versions_and_flags_are_declared_alike() -> None:
    assert numbers("FMS_ABI_") == {"MAJOR": library.ABI_MAJOR, "MINOR": library.ABI_MINOR}
    assert numbers("FMS_OPEN_") == {
        "COPY": library.OPEN_COPY,
        "UNVERIFIED": library.OPEN_UNVERIFIED,
    }
