"""A training run: epochs over sources, validation, early stopping, and what is saved when."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fmtrain import _core
from fmtrain.data.sources import Source
from fmtrain.errors import (
    BadInputError,
    BrokenInputError,
    FileError,
    FmtrainError,
    ParameterError,
)
from fmtrain.lazy import metrics
from fmtrain.reports import FitReport, Progress
from fmtrain.stream import (
    Interrupted,
    check_format,
    check_max_bad_ratio,
    check_writable,
    run_pass,
    uninterrupted,
)

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
        check_max_bad_ratio(self.max_bad_ratio)
        check_format(self.format)
        if self.patience is not None and (self.valid is None or self.patience < 1):
            raise ParameterError("patience is a whole number >= 1 and needs a validation source")
        for source in [*self.sources * (self.epochs > 1), *(self.valid or []) * (self.epochs > 1)]:
            if not source.replayable:
                raise ParameterError(f"{source.name} can be read only once: epochs > 1 needs files")
        if self.save_to is not None:
            check_writable(self.save_to)
        if self.bad_lines is not None:
            check_writable(self.bad_lines, replaced=False)

    def train(self) -> None:
        self.model._native = self.model._ready_native()
        best = float("inf")
        waited = 0
        try:
            for epoch in range(1, self.epochs + 1):
                self._one_epoch(epoch)
                self.report.epochs = epoch
                self._check_samples()
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
        with uninterrupted():
            self._restore_best()
            if self.save_to is not None:
                save_with_rescue(self.model.save, self.save_to)

    def _check_samples(self) -> None:
        """A producer that found nothing must not replace yesterday's model by an empty one."""
        assert self.report.progress is not None
        if self.report.progress.total["samples"] > 0:
            return
        nothing = f"{names_of(self.sources)}: no samples"
        if len(self.model) == 0 and self.model._native.samples == 0:
            raise BadInputError(f"{nothing}: there is no model to save")
        self.report.warnings.append(f"{nothing}: the model is as it was")

    # ---- one epoch ----

    def _one_epoch(self, epoch: int) -> None:
        with self._bad_lines_file(epoch) as side_fd:
            stream = _core.Trainer(
                self.model._native,
                self.model._check_threads(),
                self.format,
                side_fd,
                self.model.deterministic,
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
        try:
            run_pass(stream, self.valid, self.max_bad_ratio)
            label, weight, score, _ = stream.take()
            if label.size == 0:
                raise BadInputError(f"{names_of(self.valid)}: no samples to validate on")
        except BadInputError as bad:
            raise self._after_break(bad) from bad
        loss = metrics.logloss_from_score(label, score, weight)
        auc = metrics.auc(label, score, weight)
        self.report.valid.append({"epoch": epoch, "logloss": loss, "auc": auc})
        return loss

    def _keep_best(self) -> None:
        """The best model so far is in memory itself, in save_to, or in a copy."""
        if self.patience is None:
            return
        if self.save_to is not None:
            save_with_rescue(self.model.save, self.save_to)
        else:
            self._copy = self.model._native.dumps()

    def _restore_best(self) -> None:
        best = self.report.best_epoch
        if self.patience is None or best is None or self.report.interrupted is not None:
            return
        if best == self.report.epochs:
            return
        self.model._native = (
            _core.Model.load(os.fsencode(self.save_to))
            if self.save_to is not None
            else _core.Model.loads(self._copy)
        )

    # ---- saving ----

    def _after_break(self, broken: FmtrainError) -> Exception:
        """What was learned before an input broke is kept, but never under the model's own name."""
        if self.save_to is None or self.report.progress is None:
            return broken
        partial = f"{self.save_to}.partial"
        save_with_rescue(self.model.save, partial)
        return type(broken)(f"{broken}; what was learned until then was saved as {partial}")


def names_of(sources: list[Source]) -> str:
    return ", ".join(source.name for source in sources)


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
