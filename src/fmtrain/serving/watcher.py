"""Keeps the model of a slot new; fmscore_watcher.hpp is the same in C++, by the same rules."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from logging import getLogger
from pathlib import Path
from threading import Event, Lock, Thread

from fmtrain.errors import ParameterError, ServingError, printable
from fmtrain.serving.library import Code
from fmtrain.serving.scorer import Scorer
from fmtrain.serving.slot import Slot

LOG = getLogger("fmtrain.serving")
#: As md5sum prints it.
SUM_LINE = re.compile(rb"([0-9a-fA-F]{32}) [ *]([^\n]+)\n*")

#: What changes when a file does; None: it is not there, or is no file.
Identity = tuple[str, int, int, int] | None


@dataclass(frozen=True)
class Candidate:
    """A file that may be served."""

    path: str
    identity: Identity
    md5_file: Identity = None
    md5: str | None = None

    @property
    def served_as(self) -> tuple[Identity, str | None]:
        return self.identity, self.md5

    @property
    def age(self) -> tuple[int, str]:
        assert self.identity is not None
        return self.identity[1], os.path.basename(self.path)


class Watcher:
    """Polls a place, opens what is new there, verifies and publishes it. What cannot be used never
    takes the place of what is served; `last_error` says why.

    place: a directory: the newest usable file is served, by time of change and then by name. Its
    names match `pattern`; those that begin with "." or hold ".tmp." are being written. A file's md5
    is checked where FILE.md5, as md5sum prints it, lies beside it.
    Or a manifest, a file of one line as md5sum prints it: "MD5  PATH", PATH relative to it.
    Files are written under another name and renamed, never changed in place.

    A file that was refused is logged once, and tried again when it or its md5 has changed.
    on_publish(path) and on_error(path, reason) are called by the thread that checks.
    """

    def __init__(
        self,
        scorer: Scorer | Slot,
        place: str | os.PathLike[str],
        *,
        interval: float = 5.0,
        pattern: str = "*.fms",
        copy: bool = False,
        on_publish: Callable[[str], None] | None = None,
        on_error: Callable[[str, str], None] | None = None,
    ) -> None:
        if not interval > 0:
            raise ParameterError(f"interval = {interval} is not allowed: give seconds > 0")
        self.last_error: str | None = None
        self._scorer = scorer
        self._place = os.fspath(place)
        self._interval = interval
        self._pattern = pattern
        self._copy = copy
        self._on_publish = on_publish
        self._on_error = on_error
        self._checking = Lock()  # guards what follows
        self._served: tuple[Identity, str | None] | None = None
        self._refused: dict[object, str] = {}  # of what is there now
        self._stop = Event()
        self._thread: Thread | None = None

    def check(self) -> bool:
        """One poll. True: a model was published."""
        with self._checking:
            self._scorer.reclaim()
            before, self._refused = self._refused, {}
            errors = []
            published = False
            try:
                for candidate in self._candidates():
                    if candidate.served_as == self._served:
                        break
                    reason = before.get(candidate) or self._try(candidate)
                    published = reason is None
                    if reason is None:
                        break
                    self._refuse(candidate, candidate.path, reason, before)
                    errors.append(reason)
            except ServingError as error:  # of the place
                self._refuse(self._place_seen(error), self._place, str(error), before)
                errors.append(str(error))
            self.last_error = errors[0] if errors else None
            return published

    def start(self) -> None:
        """Polls in a thread of its own until stop()."""
        if self._thread is None:
            self._stop.clear()
            self._thread = Thread(target=self._run, name="fmtrain-watcher", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def _candidates(self) -> list[Candidate]:
        """What may be served, the best first."""
        if not os.path.isdir(self._place):
            return [self._of_manifest()]
        try:
            names = os.listdir(self._place)
        except OSError as error:
            raise unreadable(self._place, error) from error
        found = []
        for name in names:
            if name.startswith(".") or ".tmp." in name or not fnmatchcase(name, self._pattern):
                continue
            path = os.path.join(self._place, name)
            identity = identity_of(path)
            if identity is not None:
                found.append(Candidate(path, identity, identity_of(path + ".md5")))
        return sorted(found, key=lambda candidate: candidate.age, reverse=True)

    def _of_manifest(self) -> Candidate:
        md5, named = read_sum(self._place)
        path = os.path.join(os.path.dirname(self._place), named)
        return Candidate(path, identity_of(path), md5=md5)

    def _place_seen(self, error: ServingError) -> object:
        return identity_of(self._place), str(error)

    def _try(self, candidate: Candidate) -> str | None:
        """Publishes it, or says why not."""
        try:
            md5 = candidate.md5
            if candidate.md5_file is not None:
                md5 = read_sum(candidate.path + ".md5")[0]
            self._scorer.publish(candidate.path, md5=md5, copy=self._copy)
        except ServingError as error:
            return str(error)
        self._served = candidate.served_as
        LOG.info("serving %s", printable(candidate.path))
        if self._on_publish is not None:
            self._on_publish(candidate.path)
        return None

    def _refuse(self, what: object, path: str, reason: str, before: dict[object, str]) -> None:
        """Tells of it once, until it changes."""
        self._refused[what] = reason
        if what in before:
            return
        LOG.warning("not served: %s", printable(reason))
        if self._on_error is not None:
            self._on_error(path, reason)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.check()
            except Exception as error:
                # Of a callback, or a slot that was closed: the next check may do better.
                if self.last_error != str(error):
                    LOG.exception("the watcher of %s", printable(self._place))
                self.last_error = str(error)
            self._stop.wait(self._interval)


def identity_of(path: str) -> Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def read_sum(path: str) -> tuple[str, str]:
    """The md5 and the path of the one line of a file."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    found = SUM_LINE.fullmatch(text)
    if found is None:
        raise ServingError(f'{path}: not one line "MD5  PATH" as md5sum prints it', Code.EFORMAT)
    return found[1].decode(), os.fsdecode(found[2])


def unreadable(path: str, error: OSError) -> ServingError:
    return ServingError(f"{path}: {error.strerror}", Code.EIO)
