"""The place where the current model hangs, and what is known of that model."""

from __future__ import annotations

import json
import os
from ctypes import byref, c_uint64, c_void_p
from dataclasses import dataclass, fields
from functools import cached_property
from threading import Lock
from typing import Any

from fmtrain.errors import ServingError
from fmtrain.serving.library import (
    LINKS,
    OPEN_COPY,
    PRECISIONS,
    Code,
    Info,
    OpenOptions,
    SlotOptions,
    Stats,
    check,
    filled,
    library,
    opened,
)


@dataclass(frozen=True)
class ModelInfo:
    """A model, as its file tells of it."""

    name: str
    version: str
    schema: dict[str, Any] | None  # None where the model takes features alone
    precision: str
    link: str
    hash_seed: int
    trained_until: int  # seconds since 1970; 0: not known
    features: int
    factors: int
    file_bytes: int
    golden_rows: int
    prior: float
    down_sampling_rate: float
    golden_shift: float
    serial: int  # differs for all models that this process opened

    @cached_property
    def column_types(self) -> dict[str, str] | None:
        """Of the schema, by name; None without one."""
        if self.schema is None:
            return None
        columns: dict[str, dict[str, Any]] = self.schema["columns"]
        return {name: column.get("type", "category") for name, column in columns.items()}


@dataclass(frozen=True)
class SlotStats:
    """Counts since the slot was made; see fms_stats in fmscore.h."""

    requests: int
    scored: int
    cut_off: int
    nonfinite: int
    bad_rows: int
    features: int
    unknown_features: int
    cache_hits: int
    cache_misses: int
    published: int
    retired: int


class Slot:
    """Where a model hangs that several Scorers share, and that a Watcher keeps new. Any thread."""

    def __init__(self, *, item_cache_bytes: int = 0) -> None:
        self._lock = Lock()  # no call meets a slot that is going
        self._handle: c_void_p | None = None
        options = SlotOptions(item_cache_bytes=item_cache_bytes)
        self._handle = opened(library().fms_slot_create, byref(options))
        self._known: ModelInfo | None = None

    def publish(
        self, path: str | os.PathLike[str], *, md5: str | None = None, copy: bool = False
    ) -> None:
        """Opens and verifies a serving file, and makes it the current model. Requests in flight
        finish on the one that they began with. copy: into memory of its own, with huge pages."""
        options = OpenOptions(flags=OPEN_COPY if copy else 0, md5=encoded(md5))
        model = opened(library().fms_model_open, os.fsencode(path), byref(options))
        try:
            with self._lock:
                check(library().fms_slot_publish(self._there(), model))
        finally:
            library().fms_model_release(model)

    def reclaim(self) -> int:
        """Frees replaced models; how many are still held by requests."""
        waiting = c_uint64()
        with self._lock:
            check(library().fms_slot_reclaim(self._there(), byref(waiting)))
        return waiting.value

    @property
    def info(self) -> ModelInfo:
        """Of the current model."""
        with self._lock:
            model = opened(library().fms_slot_model, self._there())
        try:
            return self.told(filled(library().fms_model_info, model, Info()))
        finally:
            library().fms_model_release(model)

    @property
    def stats(self) -> SlotStats:
        with self._lock:
            found = filled(library().fms_slot_stats, self._there(), Stats())
        return SlotStats(**{one.name: getattr(found, one.name) for one in fields(SlotStats)})

    def told(self, info: Info) -> ModelInfo:
        """The same in Python's terms; a schema is read once a model."""
        known = self._known
        if known is None or known.serial != info.serial:
            known = self._known = model_info(info)
        return known

    def context(self, options: Any) -> c_void_p:
        with self._lock:
            return opened(library().fms_context_create, self._there(), byref(options))

    def close(self) -> None:
        """Requests in flight finish; later ones are errors."""
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None:
                check(library().fms_slot_destroy(handle))

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _there(self) -> c_void_p:
        if self._handle is None:
            raise ServingError("the slot is closed", Code.ESTATE)
        return self._handle


def encoded(md5: str | None) -> bytes | None:
    return None if md5 is None else md5.encode()


def model_info(info: Info) -> ModelInfo:
    members = {one.name: getattr(info, one.name) for one in fields(ModelInfo)}
    schema = members["schema"] or b""
    return ModelInfo(
        **{
            **members,
            "name": members["name"].decode(errors="surrogateescape"),
            "version": members["version"].decode(errors="surrogateescape"),
            "schema": json.loads(schema) if schema else None,
            "precision": PRECISIONS[info.precision],
            "link": LINKS[info.link],
        }
    )
