"""fmscore.h for ctypes: its structs, its functions, and what its codes become in Python."""

from __future__ import annotations

import os
from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from fmtrain.errors import ServingError

ABI_MAJOR = 1
ABI_MINOR = 0
#: Names another library than the package's own.
LIBRARY_VARIABLE = "FMSCORE_LIBRARY"
FILE_NAME = "libfmscore.so.1"
PACKAGE = Path(__file__).resolve().parents[1]


class Code(IntEnum):
    """What functions return."""

    OK = 0
    PARTIAL = 1
    EINVAL = -1
    EIO = -2
    EFORMAT = -3
    EVERSION = -4
    ECHECKSUM = -5
    ENOMEM = -6
    ENOMODEL = -7
    ESELFTEST = -8
    ESTATE = -9
    ENOTFOUND = -10


class Item(IntEnum):
    """The status of one item."""

    OK = 0
    NOT_SCORED = 1
    NONFINITE = 2
    BAD = 3


class Rows(IntEnum):
    """How rows are given."""

    IDS = 0
    COLUMNS = 1
    JSON = 2


class Column(IntEnum):
    """What a column holds."""

    DOUBLE = 0
    FLOAT = 1
    INT64 = 2
    TEXT = 3
    LIST = 4


PRECISIONS = ("float32", "float16", "int8")
LINKS = ("sigmoid", "exp", "raw")
OUTPUTS = ("score", "prediction")
OPEN_COPY = 1
OPEN_UNVERIFIED = 2


class Struct(Structure):
    """Begins with its size, as every struct of the ABI."""

    def __init__(self, **members: Any) -> None:
        super().__init__(struct_size=sizeof(self), **members)


class OpenOptions(Struct):
    _fields_ = (("struct_size", c_uint32), ("flags", c_uint32), ("md5", c_char_p))


class Info(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("precision", c_int32),
        ("link", c_int32),
        ("hash_seed", c_uint32),
        ("name", c_char_p),
        ("version", c_char_p),
        ("schema", c_char_p),
        ("trained_until", c_uint64),
        ("features", c_uint64),
        ("factors", c_uint64),
        ("file_bytes", c_uint64),
        ("golden_rows", c_uint64),
        ("prior", c_double),
        ("down_sampling_rate", c_double),
        ("golden_shift", c_double),
        ("serial", c_uint64),
    )


class SlotOptions(Struct):
    _fields_ = (("struct_size", c_uint32), ("reserved", c_uint32), ("item_cache_bytes", c_uint64))


class Stats(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("requests", c_uint64),
        ("scored", c_uint64),
        ("cut_off", c_uint64),
        ("nonfinite", c_uint64),
        ("bad_rows", c_uint64),
        ("features", c_uint64),
        ("unknown_features", c_uint64),
        ("cache_hits", c_uint64),
        ("cache_misses", c_uint64),
        ("published", c_uint64),
        ("retired", c_uint64),
    )


class ColumnData(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("type", c_int32),
        ("name", c_char_p),
        ("values", c_void_p),
        ("offsets", c_void_p),
        ("item_offsets", c_void_p),
        ("weights", c_void_p),
        ("missing", c_void_p),
    )


class RowData(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("form", c_int32),
        ("rows", c_uint64),
        ("row_ptr", c_void_p),
        ("ids", c_void_p),
        ("x", c_void_p),
        ("extra_ptr", c_void_p),
        ("extra_ids", c_void_p),
        ("extra_x", c_void_p),
        ("columns", POINTER(ColumnData)),
        ("column_count", c_uint64),
        ("text", c_char_p),
        ("text_ptr", c_void_p),
        ("item_ids", c_void_p),
    )


class ContextOptions(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("output", c_int32),
        ("record", c_int32),
        ("reserved", c_int32),
    )


class Term(Structure):
    _fields_ = (
        ("id", c_uint64),
        ("x", c_float),
        ("known", c_int32),
        ("linear", c_double),
        ("pairwise", c_double),
    )


class SnapshotsOptions(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("max_bytes", c_uint64),
        ("max_age_ns", c_int64),
    )


class SnapshotsStats(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("requests", c_uint64),
        ("bytes", c_uint64),
        ("kept", c_uint64),
        ("taken", c_uint64),
        ("expired", c_uint64),
        ("evicted", c_uint64),
    )


class Snapshot(Struct):
    _fields_ = (
        ("struct_size", c_uint32),
        ("label", c_float),
        ("item_id", c_uint64),
        ("features", c_uint64),
        ("ids", c_void_p),
        ("x", c_void_p),
    )


SnapshotCallback = CFUNCTYPE(c_int32, POINTER(Snapshot), c_void_p)

#: Structs by their names in fmscore.h, less "fms_".
STRUCTS: dict[str, type[Structure]] = {
    "open_options": OpenOptions,
    "info": Info,
    "slot_options": SlotOptions,
    "stats": Stats,
    "column": ColumnData,
    "rows": RowData,
    "context_options": ContextOptions,
    "term": Term,
    "snapshots_options": SnapshotsOptions,
    "snapshots_stats": SnapshotsStats,
    "snapshot": Snapshot,
}

HANDLE = c_void_p
ADDRESS = c_void_p  # of an array, or of a number that is written; None where it may be NULL
OUT = POINTER(c_void_p)

#: What functions return and take; less "fms_".
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "abi_version": (c_uint32, []),
    "build_info": (c_char_p, []),
    "strerror": (c_char_p, [c_int32]),
    "last_error": (c_char_p, []),
    "clear": (None, [ADDRESS, c_size_t]),
    "hash": (c_uint64, [ADDRESS, c_uint64, c_uint32]),
    "now_ns": (c_int64, []),
    "model_open": (c_int32, [c_char_p, POINTER(OpenOptions), OUT]),
    "model_open_memory": (c_int32, [ADDRESS, c_uint64, POINTER(OpenOptions), OUT]),
    "model_verify": (c_int32, [HANDLE]),
    "model_info": (c_int32, [HANDLE, POINTER(Info)]),
    "model_retain": (c_int32, [HANDLE]),
    "model_release": (c_int32, [HANDLE]),
    "slot_create": (c_int32, [POINTER(SlotOptions), OUT]),
    "slot_publish": (c_int32, [HANDLE, HANDLE]),
    "slot_reclaim": (c_int32, [HANDLE, ADDRESS]),
    "slot_model": (c_int32, [HANDLE, OUT]),
    "slot_stats": (c_int32, [HANDLE, POINTER(Stats)]),
    "slot_destroy": (c_int32, [HANDLE]),
    "context_create": (c_int32, [HANDLE, POINTER(ContextOptions), OUT]),
    "context_destroy": (c_int32, [HANDLE]),
    "request_begin": (c_int32, [HANDLE, POINTER(RowData)]),
    "score": (c_int32, [HANDLE, POINTER(RowData), c_int64, ADDRESS, ADDRESS, ADDRESS]),
    "request_end": (c_int32, [HANDLE]),
    "request_info": (c_int32, [HANDLE, POINTER(Info)]),
    "score_text": (c_int32, [HANDLE, c_char_p, c_uint64, ADDRESS]),
    "explain": (
        c_int32,
        [HANDLE, POINTER(RowData), POINTER(Term), c_uint64, ADDRESS, ADDRESS, ADDRESS],
    ),
    "snapshots_create": (c_int32, [POINTER(SnapshotsOptions), OUT]),
    "snapshots_keep": (c_int32, [HANDLE, HANDLE, ADDRESS, c_uint64]),
    "snapshots_take": (
        c_int32,
        [
            HANDLE,
            ADDRESS,
            c_uint64,
            ADDRESS,
            ADDRESS,
            c_uint64,
            SnapshotCallback,
            ADDRESS,
            ADDRESS,
        ],
    ),
    "snapshots_take_to_file": (
        c_int32,
        [HANDLE, ADDRESS, c_uint64, ADDRESS, ADDRESS, c_uint64, HANDLE, ADDRESS],
    ),
    "snapshots_get_stats": (c_int32, [HANDLE, POINTER(SnapshotsStats)]),
    "snapshots_destroy": (c_int32, [HANDLE]),
    "sample_file_create": (c_int32, [c_char_p, c_uint32, OUT]),
    "sample_file_close": (c_int32, [HANDLE]),
    "sample_file_discard": (c_int32, [HANDLE]),
}


def library_path() -> Path:
    """Of the shared library: $FMSCORE_LIBRARY, or the one in the package."""
    return Path(os.environ.get(LIBRARY_VARIABLE) or PACKAGE / "lib" / FILE_NAME)


@lru_cache(maxsize=1)
def library() -> Any:
    """The shared library, loaded when it is first needed; its functions release the GIL."""
    path = library_path()
    try:
        found = CDLL(str(path))
    except OSError as error:
        raise ServingError(
            f"{path}: the scoring library cannot be loaded: {error}. It is installed with fmtrain; "
            f"{LIBRARY_VARIABLE} names another one",
            Code.EIO,
        ) from error
    for name, (returns, takes) in FUNCTIONS.items():
        function = getattr(found, f"fms_{name}")
        function.restype, function.argtypes = returns, takes
    version = found.fms_abi_version()
    if version >> 16 != ABI_MAJOR or version & 0xFFFF < ABI_MINOR:
        raise ServingError(
            f"{path}: its ABI is {version >> 16}.{version & 0xFFFF}, {ABI_MAJOR}.{ABI_MINOR} is "
            "needed: it belongs to another fmtrain",
            Code.EVERSION,
        )
    return found


def check(code: int) -> int:
    """OK or PARTIAL; an error is raised with the library's message."""
    if code < 0:
        raise ServingError(library().fms_last_error().decode(errors="backslashreplace"), code)
    return code


def opened(create: Any, *arguments: Any) -> c_void_p:
    """The handle that a function writes to its last argument."""
    handle = c_void_p()
    check(create(*arguments, byref(handle)))
    return handle


S = TypeVar("S", bound=Struct)


def filled(read: Any, handle: c_void_p, struct: S) -> S:
    """The struct, as a function tells it of a handle."""
    check(read(handle, byref(struct)))
    return struct
