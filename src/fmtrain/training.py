"""A training run: epochs over sources, validation, early stopping, and what is saved when."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fmtrain import _core, economy
from fmtrain.data.sources import File, Source, names_of
from fmtrain.economy import Economy
from fmtrain.errors import (
    BadInputError,
    BrokenInputError,
    DriftError,
    FileError,
    FmtrainError,
    ParameterError,
)
from fmtrain.lazy import metrics
from fmtrain.packing import CODEC
from fmtrain.reports import FitReport, Progress, guards_by_column
from fmtrain.stream import (
    Interrupted,
    Shard,
    bad_lines_file,
    check_max_bad_ratio,
    check_shard,
    check_writable,
    run_pass,
    uninterrupted,
)

if TYPE_CHECKING:
    from fmtrain.model import FTRLModel


#: As many bad lines are shown (line_log::examples_max of the core).
EXAMPLES_MAX = 10


@dataclass
class Run:
    """The arguments of FTRLModel.fit_stream, checked, and the run itself."""

    model: FTRLModel
    native: Any
    sources: list[Source]
    valid: tuple[list[Source], str] | None  # and their format
    epochs: int
    patience: int | None
    save_to: str | None
    format: str
    strict: bool
    max_bad_ratio: float
    bad_lines: str | None
    economy: Economy
    progress: Callable[[Progress], None] | None
    progress_seconds: float
    cache: str | None
    shard: Shard | None
    report: FitReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = FitReport()
        if not isinstance(self.epochs, int) or self.epochs < 1:
            raise ParameterError(f"epochs = {self.epochs} is not allowed: give a whole number >= 1")
        check_max_bad_ratio(self.max_bad_ratio)
        if self.patience is not None and (self.valid is None or self.patience < 1):
            raise ParameterError("patience is a whole number >= 1 and needs a validation source")
        check_shard(self.shard)
        valid = self.valid[0] if self.valid is not None else []
        again = [*(self.sources if self.cache is None else []), *valid]
        for source in again if self.epochs > 1 else []:
            if not source.replayable:
                raise ParameterError(
                    f"{source.name} can be read only once: epochs > 1 needs files"
                    + (", or a cache" if source in self.sources else "")
                )
        if self.cache is not None:
            check_writable(self.cache)
        if self.save_to is not None:
            check_writable(self.save_to)
        if self.bad_lines is not None:
            check_writable(self.bad_lines, replaced=False)

    def train(self) -> None:
        self.model._native = self.native
        if self.economy.expire_after is not None:
            self.model._native.set_expiry(self.economy.expire_after, economy.minutes_now())
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
            if self.cache is not None and self.report.epochs == 0:
                self.report.warnings.append(f"{self.cache} was not written: the run was stopped")
        except (BrokenInputError, FileError) as broken:
            raise self._after_break(broken) from broken
        self._check_drift()
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

    def _check_drift(self) -> None:
        """Columns that are not like those that the schema was learned from."""
        schema = self.model.schema
        if schema is None or not self.report.guards:
            return
        from fmtrain.features.drift import check_drift, warnings_of
        from fmtrain.features.schema import Schema

        try:
            if self.strict:
                check_drift(self.report.guards, Schema.of(schema))
        except DriftError as drift:
            raise self._after_break(drift) from drift
        self.report.warnings += warnings_of(self.report.guards, Schema.of(schema))

    # ---- one epoch ----

    def _one_epoch(self, epoch: int) -> None:
        sources, shard = self.sources, self.shard
        if self.cache is not None and epoch > 1:
            # It holds the shard and nothing else.
            sources, shard = [File(self.cache)], None
        # The same lines are refused in every epoch: the first writes them down.
        with bad_lines_file(self.bad_lines if epoch == 1 else None) as side_fd:
            stream = _core.Trainer(
                self.model._native,
                self.model._check_threads(),
                self.format,
                side_fd,
                self.model.deterministic,
                min_count_memory=self.economy.min_count_memory,
                max_memory=self.economy.max_memory,
                now_minutes=economy.minutes_now(),
                # A feature that comes once an epoch is still one that comes once.
                count_anew=epoch > 1,
            )
            tick = None if self.progress is None else (lambda: self._tick(stream, epoch))
            if self.cache is not None and epoch == 1:
                stream.write_cache(os.fsencode(self.cache), CODEC)
            try:
                self.report.warnings += run_pass(
                    stream, sources, self.max_bad_ratio, tick, self.progress_seconds, shard
                )
            finally:
                log = stream.log()
                cached = self.cache is not None and epoch > 1
                self.report.log = log_of_both(self.report.log, log) if cached else log
                self.report.progress = self._look(stream, epoch)
                self.report.guards = guards_by_column(stream.guards()) or self.report.guards
            if self.cache is not None and epoch == 1:
                with uninterrupted():
                    self.report.cache = stream.commit_cache()

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
            economy=now["economy"],
            window=now["window"],
            total=now["total"],
            times=stream.times(),
        )

    # ---- validation ----

    def _validate(self, epoch: int) -> float:
        assert self.valid is not None
        sources, format = self.valid
        stream = _core.Predictor(self.model._native, self.model._check_threads(), format)
        try:
            run_pass(stream, sources, self.max_bad_ratio)
            label, weight, score, _ = stream.take()
            if label.size == 0:
                raise BadInputError(f"{names_of(sources)}: no samples to validate on")
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


def log_of_both(first: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """The log of an epoch that read the cache: of the lines that were not packed, the first epoch's
    log tells; of refused samples, its own."""
    refused = "nonfinite_score"
    bad = {reason: count for reason, count in first["bad"].items() if reason != refused}
    kept = [line for line in first["examples"] if line["reason"] != refused]
    return {
        **later,
        **{kind: first[kind] for kind in ("blank", "comment", "comment_text")},
        "bad": {**bad, **later["bad"]},
        "bad_lines": sum(bad.values()) + later["bad_lines"],
        "examples": [*kept, *later["examples"]][:EXAMPLES_MAX],
    }


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
