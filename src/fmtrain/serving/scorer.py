"""Scorer: numpy in and out over libfmscore, so what servers embed is what Python runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from ctypes import byref, c_double, c_uint64, c_void_p
from dataclasses import dataclass
from threading import local
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmtrain.errors import ParameterError
from fmtrain.serving.library import (
    OUTPUTS,
    ContextOptions,
    Info,
    Term,
    check,
    filled,
    library,
)
from fmtrain.serving.rows import Given, Takes, address, items_of, user_of
from fmtrain.serving.slot import ModelInfo, Slot, SlotStats

Output = Literal["score", "prediction"]


@dataclass(frozen=True)
class Scores:
    """Of a batch of items, in their order."""

    scores: npt.NDArray[np.float32]  # (items); nan where not scored
    status: npt.NDArray[np.uint8]  # (items), of fmtrain.serving.Item
    done: int  # the first so many were scored before the deadline


@dataclass(frozen=True)
class Explanation:
    """Why an item scores as it does: all terms and the bias add up to the score."""

    ids: npt.NDArray[np.uint64]  # (features), the user's first
    x: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]  # the model has a row of it
    linear: npt.NDArray[np.float64]
    pairwise: npt.NDArray[np.float64]
    bias: float
    score: float  # before the link


class Scorer:
    """Scores items by a serving file, as a server would. Any thread; each has its own context.

    Items are one of
    - (row_ptr, ids, x), arrays in CSR: ids of features (fmtrain.serving.feature_id), x may be None;
    - for a model with a schema raw rows: a list of dicts or of JSON texts, a DataFrame of pandas or
      polars, or a dict of columns;
    - for one without, what FTRLModel takes as X but text: dicts {name: value}, a scipy sparse
      matrix, an array, a DataFrame.

    The user is one row, whose features stand before each item's own: ids or (ids, x) with the
    first, else a dict. item_ids: the key of the item cache, and of snapshots.

    path_or_slot: a serving file, which then hangs in a slot of the scorer's own; or a Slot, shared
    with other scorers. output: the score before the link, or the calibrated prediction. record:
    requests are kept for snapshots.
    """

    def __init__(
        self,
        path_or_slot: str | os.PathLike[str] | Slot,
        *,
        md5: str | None = None,
        copy: bool = False,
        item_cache_bytes: int = 0,
        output: Output = "prediction",
        record: bool = False,
    ) -> None:
        if output not in OUTPUTS:
            raise ParameterError(f"output = {output!r} is not allowed: give one of {OUTPUTS}")
        self._options = ContextOptions(output=OUTPUTS.index(output), record=int(record))
        self._local = local()
        self._owns = not isinstance(path_or_slot, Slot)
        if isinstance(path_or_slot, Slot):
            if md5 is not None or copy or item_cache_bytes:
                raise ParameterError("md5, copy, item_cache_bytes are the slot's: give them there")
            self.slot = path_or_slot
        else:
            self.slot = Slot(item_cache_bytes=item_cache_bytes)
            self.slot.publish(path_or_slot, md5=md5, copy=copy)

    def score(
        self,
        items: Any,
        user: Any = None,
        item_ids: Any = None,
        *,
        deadline: float | None = None,
        deadline_ns: int | None = None,
    ) -> Scores:
        """Scores items in their order, until the deadline: seconds from now, or deadline_ns on
        the clock of time.monotonic_ns()."""
        until = deadline_of(deadline, deadline_ns)
        with self.request(user, "columns" if is_columns(items) else "rows") as request:
            return request.score(items, item_ids, deadline_ns=until)

    def request(self, user: Any = None, form: str = "rows") -> Request:
        """`with scorer.request(user) as request`: takes the user once for any number of
        request.score(...), all by one model. form: "columns" where items come as columns."""
        return Request(self.slot, self._context(), user, form)

    def score_text(self, lines: str | bytes | Sequence[str | bytes]) -> npt.NDArray[np.float32]:
        """Of samples in the trainer's text format, "label name:value ..."."""
        texts = [lines] if isinstance(lines, (str, bytes)) else lines
        scores = np.empty(len(texts), dtype=np.float32)
        context = self._context()
        for row, text in enumerate(texts):
            line = text.encode(errors="surrogateescape") if isinstance(text, str) else text
            at = address(scores) + row * scores.itemsize
            check(library().fms_score_text(context.handle, line, len(line), at))
        return scores

    def explain(self, item: Any, user: Any = None) -> Explanation:
        """item: a batch of one."""
        with self.request(user, "columns" if is_columns(item) else "rows") as request:
            return request.explain(item)

    def publish(
        self, path: str | os.PathLike[str], *, md5: str | None = None, copy: bool = False
    ) -> None:
        """See Slot.publish."""
        self.slot.publish(path, md5=md5, copy=copy)

    def reclaim(self) -> int:
        """See Slot.reclaim."""
        return self.slot.reclaim()

    @property
    def info(self) -> ModelInfo:
        """Of the current model."""
        return self.slot.info

    @property
    def stats(self) -> SlotStats:
        """Of the slot."""
        return self.slot.stats

    def close(self) -> None:
        """Closes the slot that was made for the scorer."""
        if self._owns:
            self.slot.close()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _context(self) -> Context:
        """The calling thread's."""
        context: Context | None = getattr(self._local, "context", None)
        if context is None:
            context = self._local.context = Context(self.slot.context(self._options))
        return context


class Context:
    """A context that goes with its thread."""

    def __init__(self, handle: c_void_p) -> None:
        self.handle = handle

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be going
            library().fms_context_destroy(self.handle)


class Request:
    """From `with` to its end: holds one model and one user. Of the thread that began it."""

    def __init__(self, slot: Slot, context: Context, user: Any, form: str) -> None:
        self._slot, self._context, self._user, self._form = slot, context, user, form
        self._takes = Takes(0, None)
        self._began = False

    @property
    def context(self) -> c_void_p:
        """The fms_context, for the functions of the C ABI."""
        if not self._began:
            # The thread's context may be in another request.
            raise ParameterError("the request is used outside of its `with`")
        return self._context.handle

    @property
    def info(self) -> ModelInfo:
        """Of the model that the request holds."""
        return self._slot.told(filled(library().fms_request_info, self.context, Info()))

    def score(
        self,
        items: Any,
        item_ids: Any = None,
        *,
        deadline: float | None = None,
        deadline_ns: int | None = None,
    ) -> Scores:
        """See Scorer.score."""
        until = deadline_of(deadline, deadline_ns)
        given = items_of(items, self._takes).with_item_ids(item_ids)
        scores = np.full(given.rows, np.nan, dtype=np.float32)
        status = np.empty(given.rows, dtype=np.uint8)
        done = c_uint64()
        check(
            library().fms_score(
                self.context,
                byref(given.data),
                until or 0,
                address(scores),
                address(status),
                byref(done),
            )
        )
        return Scores(scores, status, done.value)

    def explain(self, item: Any) -> Explanation:
        """item: a batch of one."""
        given = items_of(item, self._takes)
        if given.rows != 1:
            raise ParameterError(f"one item is explained at a time, {given.rows} were given")
        count, bias, score = c_uint64(), c_double(), c_double()
        terms = (Term * 0)()
        while True:
            check(
                library().fms_explain(
                    self.context,
                    byref(given.data),
                    terms,
                    len(terms),
                    byref(count),
                    byref(bias),
                    byref(score),
                )
            )
            if count.value <= len(terms):
                break
            terms = (Term * count.value)()
        table = np.ctypeslib.as_array(terms) if terms else np.empty(0, dtype=np.dtype(Term))
        table = table[: count.value]
        return Explanation(
            table["id"].copy(),
            table["x"].copy(),
            table["known"] != 0,
            table["linear"].copy(),
            table["pairwise"].copy(),
            bias.value,
            score.value,
        )

    def __enter__(self) -> Request:
        takes = takes_of(self._slot.info)
        self._begin(takes)
        self._takes = takes_of(self.info)
        if self._takes.hash_seed != takes.hash_seed or self._takes.columns != takes.columns:
            # A model that takes other rows was published in between.
            self._end()
            self._begin(self._takes)
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    def _end(self) -> None:
        self._began = False
        library().fms_request_end(self._context.handle)

    def _begin(self, takes: Takes) -> None:
        user: Given | None = None
        if self._user is not None:
            user = user_of(self._user, takes, self._form)
        given = None if user is None else byref(user.data)
        check(library().fms_request_begin(self._context.handle, given))
        self._began = True


def takes_of(info: ModelInfo) -> Takes:
    return Takes(info.hash_seed, info.column_types)


def is_columns(items: Any) -> bool:
    """Whether raw rows come a column at a time."""
    return hasattr(items, "columns") or hasattr(items, "keys")


def deadline_of(seconds: float | None, ns: int | None) -> int | None:
    """On the library's clock; None: none."""
    if seconds is None:
        if ns is not None and ns <= 0:
            raise ParameterError(f"deadline_ns = {ns} is not allowed: give nanoseconds > 0")
        return ns
    if ns is not None:
        raise ParameterError("deadline and deadline_ns are the same thing: give one")
    return max(1, int(library().fms_now_ns()) + round(seconds * 1e9))
