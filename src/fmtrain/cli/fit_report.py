"""What fit shows: progress on a terminal or as log lines, JSON for machines, the summary."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from fmtrain import FTRLModel, _core
from fmtrain.cli.app import say
from fmtrain.cli.economy import economy_lines, economy_note
from fmtrain.cli.output import megabytes
from fmtrain.errors import FileError
from fmtrain.lazy import metrics, np
from fmtrain.reports import FitReport, Progress

if TYPE_CHECKING:
    from rich.live import Live

#: Seconds between two plain log lines.
LOG_SECONDS = 5.0
#: Fresh samples of the hidden model on which synthetic runs are judged, far behind any stream.
FRESH_SAMPLES = 50_000
#: So many at once are made by one thread.
FRESH_PART = 2_500
FRESH_AT = 1 << 40


def number(value: float, digits: int = 4) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


class FitDisplay:
    """Progress to standard error (one live line on a terminal, plain lines elsewhere) and to
    JSON."""

    def __init__(self, log_json: str | None, min_count: int = 1) -> None:
        self._min_count = min_count
        self.on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._start = time.monotonic()
        self._last = (self._start, 0, 0)
        self._live: Live | None = None
        self._json = None
        if log_json is not None:
            try:
                self._json = open(log_json, "a", encoding="utf-8")  # noqa: SIM115
            except OSError as error:
                raise FileError(f"{log_json}: cannot write: {error.strerror}") from error

    def __enter__(self) -> FitDisplay:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
        if self._json is not None:
            self._json.close()

    def show(self, now: Progress) -> None:
        clock = time.monotonic()
        then, samples_before, bytes_before = self._last
        samples = int(now.total["samples"])
        seconds = max(clock - then, 1e-9)
        if now.bytes < bytes_before:  # a new epoch
            samples_before = bytes_before = 0
        samples_rate = (samples - samples_before) / seconds
        bytes_rate = (now.bytes - bytes_before) / seconds
        self._last = (clock, samples, now.bytes)
        line = (
            f"{samples:,} samples  {samples_rate:,.0f}/s  {megabytes(bytes_rate)}/s  "
            f"{now.features:,} features  {megabytes(now.memory_bytes)}  "
            f"logloss {number(now.window['logloss'])} ({number(now.total['logloss'])})  "
            f"AUC {number(now.window['auc'])} ({number(now.total['auc'])})"
            f"{economy_note(now.economy, self._min_count)}"
        )
        if self.on_terminal:
            self._draw(line)
        else:
            say(line)
        self._write_json(
            {
                "event": "progress",
                "seconds": clock - self._start,
                "epoch": now.epoch,
                "samples": samples,
                "samples_per_second": samples_rate,
                "bytes": now.bytes,
                "bytes_per_second": bytes_rate,
                "features": now.features,
                "memory_bytes": now.memory_bytes,
                "window": now.window,
                "total": now.total,
                "economy": now.economy,
            }
        )

    def _draw(self, line: str) -> None:
        # Here, as loading rich takes as long as a short run, which never comes here.
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._live = Live(console=Console(stderr=True), transient=True)
            self._live.start()
        self._live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)

    def done(self, report: FitReport) -> None:
        assert report.progress is not None
        self._write_json(
            {
                "event": "done",
                "seconds": time.monotonic() - self._start,
                "epochs": report.epochs,
                "features": report.progress.features,
                "memory_bytes": report.progress.memory_bytes,
                "total": report.progress.total,
                "times": report.progress.times,
                "economy": report.progress.economy,
                "bad": report.log["bad"],
                "valid": report.valid,
                "interrupted": report.interrupted,
            }
        )

    def _write_json(self, event: dict[str, Any]) -> None:
        if self._json is not None:
            self._json.write(json.dumps(finite(event)) + "\n")
            self._json.flush()


def finite(value: Any) -> Any:
    """NaN is no JSON: null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.1f}%)" if whole else "0"


def of_workers(times: dict[str, float]) -> float:
    return times["waiting"] + times["parsing"] + times["learning"]


def shares(times: dict[str, float], parts: tuple[str, ...], whole: float) -> str:
    return ", ".join(f"{part} {100 * times[part] / max(whole, 1e-9):.0f}%" for part in parts)


def bound(times: dict[str, float]) -> str:
    """What a user would have to make faster: the input, or what the workers do."""
    if times["reading"] > times["blocked"] and times["waiting"] > of_workers(times) / 2:
        return "its input"
    return "parsing" if times["parsing"] > times["learning"] else "learning"


def summary(model: FTRLModel, path: str) -> str:
    report = model.report_
    assert report.progress is not None
    total, times, log = report.progress.total, report.progress.times, report.log
    zeros = model._native.sparsity()
    lines = [
        (
            "samples",
            f"{int(total['samples']):,}"
            + ("" if report.epochs < 2 else f" in each of {report.epochs} epochs"),
        ),
        ("features", f"{zeros['rows']:,}"),
        ("zero weights w", share(zeros["zero_w"], zeros["rows"])),
        ("zero rows", share(zeros["zero_rows"], zeros["rows"]) + "  left out by export"),
        ("table", megabytes(report.progress.memory_bytes)),
        *economy_lines(model),
        ("logloss", f"{number(total['logloss'], 5)}  before learning each sample"),
        ("AUC", f"{number(total['auc'])} +- {number(total['auc_error'], 5)}"),
        (
            "bad lines",
            f"{log['bad_lines']:,}"
            + "".join(f"  {reason} {count:,}" for reason, count in sorted(log["bad"].items())),
        ),
        (
            "time",
            f"{times['elapsed']:.2f} s, bound by {bound(times)}",
        ),
        ("  reader", shares(times, ("reading", "blocked"), times["elapsed"])),
        ("  workers", shares(times, ("waiting", "parsing", "learning"), of_workers(times))),
    ]
    for epoch in report.valid:
        best = "  best" if epoch["epoch"] == report.best_epoch else ""
        lines.append(
            (
                f"valid, epoch {epoch['epoch']}",
                f"logloss {number(epoch['logloss'], 5)}  AUC {number(epoch['auc'])}{best}",
            )
        )
    if report.interrupted is not None:
        lines.append(("stopped", f"by signal {report.interrupted}, at a sample's end"))
    if report.cache is not None:
        packed = f"{report.cache['samples']:,} samples, {megabytes(report.cache['bytes'])}"
        lines.append(("cache", packed))
    lines.append(("model", f"{path}  {megabytes(os.path.getsize(path))}"))
    return "".join(f"{name + ':':<16} {text}\n" for name, text in lines)


def closeness(model: FTRLModel) -> str:
    """On samples of `fmtrain synth`: how close the model came to the hidden one."""
    comment = model.report_.log["comment_text"].decode(errors="replace")
    options = _core.SynthOptions.parse_header(comment)
    if options is None:
        return ""
    from concurrent.futures import ThreadPoolExecutor  # here: for synthetic streams alone

    source = _core.Synth(options)
    parts = range(FRESH_AT, FRESH_AT + FRESH_SAMPLES, FRESH_PART)
    with ThreadPoolExecutor(model.threads) as pool:
        made = list(pool.map(lambda first: source.text_and_scores(first, FRESH_PART), parts))
    found = model.predict_stream([text for text, _ in made])
    truth = np.concatenate([scores for _, scores in made])
    y, w = found.label, found.weight
    best = metrics.logloss_from_score(y, truth, w)
    mine = metrics.logloss_from_score(y, found.score, w)
    constant = metrics.logloss(y, y * 0 + (y * w).sum() / w.sum(), w)
    return (
        f"{'hidden model:':<16} logloss {best:.5f}  AUC {metrics.auc(y, truth, w):.4f}  on "
        f"{len(y):,} fresh samples\n"
        f"{'this model:':<16} logloss {mine:.5f}  AUC {metrics.auc(y, found.score, w):.4f}  "
        f"{100 * (constant - mine) / (constant - best):.1f}% of the way from a constant to the "
        "hidden model\n"
    )
