"""SnapshotCache: what requests scored, kept until it is known what was shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from ctypes import byref, c_uint64, c_void_p, memmove
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

from fmtrain.economy import bytes_of
from fmtrain.errors import ParameterError, ServingError
from fmtrain.lazy import np, npt
from fmtrain.serving.library import (
    Code,
    Snapshot,
    SnapshotCallback,
    SnapshotsOptions,
    SnapshotsStats,
    check,
    filled,
    library,
    opened,
)
from fmtrain.serving.rows import address, id_array
from fmtrain.serving.scorer import Request


@dataclass(frozen=True)
class Sample:
    """A shown item, as it was scored."""

    item_id: int
    label: float
    ids: npt.NDArray[np.uint64]  # (features), the user's first
    x: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SnapshotStats:
    """See fms_snapshots_stats in fmscore.h."""

    requests: int  # there now
    bytes: int  # there now
    kept: int  # requests so far
    taken: int
    expired: int  # by age
    evicted: int  # by size


class SampleFile:
    """Samples on their way into an input cache, which `fmtrain fit` and fit_stream read. It appears
    under its name, whole, at the end of `with`, and not at all after an exception. Any thread.

    hash_seed: of the models that it is for; see ModelInfo.hash_seed. A sample's key is "REQUEST_ID
    ITEM_ID".
    """

    def __init__(self, path: str | os.PathLike[str], hash_seed: int = 0) -> None:
        self._lock = Lock()  # no call meets a file that is going
        self._handle: c_void_p | None = None
        self._handle = opened(library().fms_sample_file_create, os.fsencode(path), hash_seed)

    def close(self) -> None:
        """The file appears; nothing happens where it was closed or discarded before."""
        self._end(library().fms_sample_file_close)

    def discard(self) -> None:
        """There is no file."""
        self._end(library().fms_sample_file_discard)

    def __enter__(self) -> SampleFile:
        return self

    def __exit__(self, raised: type[BaseException] | None, *details: object) -> None:
        if raised is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            with suppress(Exception):  # the interpreter may be going
                self.discard()

    def _end(self, how: Any) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None:
                check(how(handle))


class SnapshotCache:
    """Requests as they were scored, by their ids, until it is known what was shown. Any thread.

    >>> snapshots = SnapshotCache(max_bytes="256M", max_age=3600)
    >>> with scorer.request(user) as request:  # of a Scorer(..., record=True)
    ...     request.score(items, item_ids)
    ...     snapshots.keep(request, "7f3a")
    >>> with SampleFile("shown.fmc", scorer.info.hash_seed) as file:
    ...     snapshots.take_to_file("7f3a", shown=[17, 4], labels=[0, 1], file=file)

    max_bytes: of all that is kept, never exceeded; the oldest leave first (see
    fms_snapshots_options in fmscore.h). max_age: in seconds; None for no bound.
    """

    def __init__(self, *, max_bytes: int | str, max_age: float | None = None) -> None:
        if max_age is not None and not 0 < max_age < 1e9:
            raise ParameterError(f"max_age = {max_age} is not allowed: give seconds > 0, or None")
        options = SnapshotsOptions(
            max_bytes=bytes_of("max_bytes", max_bytes, 1),
            max_age_ns=0 if max_age is None else max(1, round(max_age * 1e9)),
        )
        self._handle = opened(library().fms_snapshots_create, byref(options))

    def keep(self, request: Request, request_id: str | bytes) -> None:
        """What the request scored so far, of the items that had item_ids; within its `with`."""
        key = encoded(request_id)
        check(library().fms_snapshots_keep(self._handle, request.context, key, len(key)))

    def take(self, request_id: str | bytes, shown: Any, labels: Any = None) -> list[Sample]:
        """The samples of the shown items (ids), in their order; an item that the request does not
        have is passed over. The request is gone from then on; a ServingError with Code.ENOTFOUND
        where it is already. labels: as many, by default 0."""
        samples: list[Sample] = []
        failed: list[BaseException] = []

        def add(snapshot: Any, _: Any) -> int:
            try:
                samples.append(sample_of(snapshot.contents))
            except BaseException as error:  # it cannot pass through the library
                failed.append(error)
            return len(failed)

        self._take(
            library().fms_snapshots_take, request_id, shown, labels, SnapshotCallback(add), None
        )
        if failed:
            raise failed[0]
        return samples

    def take_to_file(
        self, request_id: str | bytes, shown: Any, file: SampleFile, labels: Any = None
    ) -> int:
        """The same, into a file; how many they are. Labels are from 0 to 1."""
        take = library().fms_snapshots_take_to_file
        with file._lock:
            if file._handle is None:
                raise ServingError("the file of samples is closed", Code.ESTATE)
            return self._take(take, request_id, shown, labels, file._handle)

    @property
    def stats(self) -> SnapshotStats:
        found = filled(library().fms_snapshots_get_stats, self._handle, SnapshotsStats())
        return SnapshotStats(
            **{one.name: getattr(found, one.name) for one in fields(SnapshotStats)}
        )

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            with suppress(Exception):  # the interpreter may be going
                library().fms_snapshots_destroy(self._handle)

    def _take(self, take: Any, request_id: str | bytes, shown: Any, labels: Any, *to: Any) -> int:
        key, items = encoded(request_id), id_array(shown, "shown")
        given = None if labels is None else label_array(labels, len(items))
        found = c_uint64()
        at = None if given is None else address(given)
        check(take(self._handle, key, len(key), address(items), at, len(items), *to, byref(found)))
        return found.value


def encoded(request_id: str | bytes) -> bytes:
    if isinstance(request_id, bytes):
        return request_id
    return request_id.encode(errors="surrogateescape")


def label_array(labels: Sequence[float] | npt.ArrayLike, count: int) -> npt.NDArray[np.float32]:
    array = np.ascontiguousarray(labels, dtype=np.float32)
    if array.shape != (count,):
        raise ParameterError(f"labels has the shape {array.shape}, there are {count} shown items")
    return array


def sample_of(snapshot: Snapshot) -> Sample:
    """A copy: the snapshot's memory is the callback's."""
    ids = np.empty(snapshot.features, dtype=np.uint64)
    x = np.empty(snapshot.features, dtype=np.float32)
    memmove(address(ids), snapshot.ids, ids.nbytes)
    memmove(address(x), snapshot.x, x.nbytes)
    return Sample(snapshot.item_id, snapshot.label, ids, x)
