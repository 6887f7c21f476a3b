"""A training run: epochs over sources, validation, early stopping, and what is saved when."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fmtrain import _core, metrics
from fmtrain.data.sources import Source
from fmtrain.errors import BrokenInputError, FileError, ParameterError
from fmtrain.reports import FitReport, Progress
from fmtrain.stream import Interrupted, check_writable, run_pass

if TYPE_CHECKING:
    from fmtrain.model import FTRLModel


@dataclass
class Run:
    """The arguments of FTRLModel.fit_stream, checked, and the run itself."""

    model: FTRLModel
    sources: list[Source]
    valid: list[Source] | None
    epochs: int
    patience: int | None
    save_to: str | None
    format: str
    max_bad_ratio: float
    bad_lines: str | None
    progress: Callable[[Progress], None] | None
    progress_seconds: float
    report: FitReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = FitReport()
        if not isinstance(self.epochs, int) or self.epochs < 1:
            raise ParameterError(f"epochs = {self.epochs} is not allowed: give a whole number >= 1")
        if not 0 <= self.max_bad_ratio <= 1:
            raise ParameterError(
                f"max_bad_ratio = {self.max_bad_ratio} is not allowed: give a number from 0 to 1"
            )
        if self.format not in ("text", "libffm"):
            raise ParameterError(f"format = {self.format!r} is not allowed: give text or libffm")
        if self.patience is not None and (self.valid is None or self.patience < 1):
            raise ParameterError("patience is a whole number >= 1 and needs a validation source")
        for source in [*self.sources * (self.epochs > 1), *(self.valid or []) * (self.epochs > 1)]:
            if not source.replayable:
                raise ParameterError(f"{source.name} can be read only once: epochs > 1 needs files")
        for path in (self.save_to, self.bad_lines):
            if path is not None:
                check_writable(path)

    def train(self) -> None:
        self.model._native = self.model._ready_native()
        best = float("inf")
        waited = 0
        try:
            for epoch in range(1, self.epochs + 1):
                self._one_epoch(epoch)
                self.report.epochs = epoch
                if self.valid is None:
                    continue
                loss = self._validate(epoch)
                waited = 0 if loss < best else waited + 1
                if loss < best:
                    best, self.report.best_epoch = loss, epoch
                    self._keep_best()
                if self.patience is not None and waited >= self.patience:
                    break
        except (KeyboardInterrupt, Interrupted) as stop:
            self.report.interrupted = stop.signal if isinstance(stop, Interrupted) else 2
        except (BrokenInputError, FileError) as broken:
            raise self._after_break(broken) from broken
        self._restore_best()
        if self.save_to is not None:
            save_with_rescue(self.model._native.save, self.save_to)

    # ---- one epoch ----

    def _one_epoch(self, epoch: int) -> None:
        with self._bad_lines_file(epoch) as side_fd:
            stream = _core.Trainer(
                self.model._native, self.model._check_threads(), self.format, side_fd
            )
            tick = None if self.progress is None else (lambda: self._tick(stream, epoch))
            try:
                self.report.warnings += run_pass(
                    stream, self.sources, self.max_bad_ratio, tick, self.progress_seconds
                )
            finally:
                self.report.log = stream.log()
                self.report.progress = self._look(stream, epoch)

    @contextmanager
    def _bad_lines_file(self, epoch: int) -> Iterator[int]:
        # The same lines are refused in every epoch: the first writes them down.
        if self.bad_lines is None or epoch > 1:
            yield -1
            return
        try:
            with open(self.bad_lines, "wb") as file:
                yield file.fileno()
        except OSError as error:
            if isinstance(error, (FileError, BrokenInputError)):
                raise
            raise FileError(f"{self.bad_lines}: cannot write: {error.strerror}") from error

    def _tick(self, stream: Any, epoch: int) -> None:
        assert self.progress is not None
        self.progress(self._look(stream, epoch))

    def _look(self, stream: Any, epoch: int) -> Progress:
        now = stream.progress(True)
        return Progress(
            epoch=epoch,
            bytes=stream.bytes,
            features=now["features"],
            memory_bytes=now["memory_bytes"],
            window=now["window"],
            total=now["total"],
            times=stream.times(),
        )

    # ---- validation ----

    def _validate(self, epoch: int) -> float:
        assert self.valid is not None
        stream = _core.Predictor(self.model._native, self.model._check_threads(), self.format)
        run_pass(stream, self.valid, self.max_bad_ratio)
        label, weight, score, _ = stream.take()
        loss = metrics.logloss_from_score(label, score, weight)
        auc = metrics.auc(label, score, weight)
        self.report.valid.append({"epoch": epoch, "logloss": loss, "auc": auc})
        return loss

    def _keep_best(self) -> None:
        """The best model so far is in memory itself, in save_to, or in a copy."""
        if self.patience is None:
            return
        if self.save_to is not None:
            save_with_rescue(self.model._native.save, self.save_to)
        else:
            self._copy = self.model._native.dumps()

    def _restore_best(self) -> None:
        best = self.report.best_epoch
        if self.patience is None or best is None or self.report.interrupted is not None:
            return
        if best == self.report.epochs:
            return
        self.model._native = (
            _core.Model.load(self.save_to)
            if self.save_to is not None
            else _core.Model.loads(self._copy)
        )

    # ---- saving ----

    def _after_break(self, broken: BrokenInputError | FileError) -> Exception:
        """What was learned before an input broke is kept, but never under the model's own name."""
        if self.save_to is None or self.report.progress is None:
            return broken
        partial = f"{self.save_to}.partial"
        save_with_rescue(self.model._native.save, partial)
        return type(broken)(f"{broken}; what was learned until then was saved as {partial}")


def save_with_rescue(save: Callable[[str], object], path: str) -> None:
    """A full disk must not cost the run: the model goes to the temporary directory instead."""
    try:
        save(path)
    except FileError as error:
        rescue = os.path.join(
            tempfile.gettempdir(), f"fmtrain-rescue-{os.getpid()}-{os.path.basename(path)}"
        )
        try:
            save(rescue)
        except FileError:
            raise error from None
        raise FileError(f"{error}; the model was saved as {rescue} instead") from error
