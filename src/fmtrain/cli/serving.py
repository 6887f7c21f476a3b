"""fmtrain export --to serving: its flags, and what it says."""

from __future__ import annotations

import inspect
import os
from enum import Enum
from math import isfinite
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import LinkName, say
from fmtrain.errors import FileError, ParameterError, printable
from fmtrain.stream import check_writable


class Precision(str, Enum):
    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


def flag(name: str, kind: Any, help: str, default: str | bool = False) -> inspect.Parameter:
    metavar = {"isotonic": "FILE", "golden": "FILE", "trained_until": "WHEN"}.get(name)
    option = typer.Option(
        help=help, show_default=default, metavar=metavar, rich_help_panel="Serving file"
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


#: Named as the parameters of FTRLModel.export_serving, but for the version, which is the program's.
FLAGS = [
    flag("precision", Precision, "Of the weights.", "float32"),
    flag("name", str, "What servers call the model.", "the file's name"),
    flag("model_version", str, "Which one of that name it is."),
    flag(
        "trained_until",
        str,
        "Seconds since 1970, or as 2026-11-22T09:30:00 (UTC).",
        "when the model file was written",
    ),
    flag("link", LinkName, "Of predictions.", "sigmoid"),
    flag(
        "down_sampling_rate",
        float,
        "The part of the negatives that was kept; predictions are corrected for it.",
        "1",
    ),
    flag(
        "isotonic",
        str,
        "Lines `score probability`, rising, between which predictions lie.",
    ),
    flag(
        "golden",
        str,
        "Up to 1,000 samples or rows, whose scores are checked wherever the file is opened.",
        "the model's own, or 16 made up",
    ),
    flag("max_score_shift", float, "Fail when the score of a golden row moves by more."),
]


def refuse_serving_flags(options: dict[str, Any]) -> None:
    for option in options:
        raise ParameterError(f"--{option.replace('_', '-')} goes with --to serving only")


def export_to_server(model: str, out: str | None, options: dict[str, Any]) -> None:
    if out is None:
        raise ParameterError("a serving file is binary: name it with --out")
    check_writable(out)
    if "isotonic" in options:
        options["isotonic"] = read_curve(options["isotonic"])
    options["version"] = options.pop("model_version", None)
    loaded = FTRLModel.load(model)
    options.setdefault("trained_until", os.stat(model).st_mtime)
    before = os.stat(model).st_size
    counts = loaded.export_serving(out, **options)
    say(summary(counts, before, out, options.get("precision", "float32")))


def summary(counts: dict[str, Any], before: int, out: str, precision: str) -> str:
    whole = counts["bytes"] + counts["bytes_pruned"]
    return (
        f"wrote {counts['features']:,} features as {precision}, {counts['bytes']:,} bytes "
        f"({100 * counts['bytes'] / before:.1f}% of the model's), to {out}; "
        f"left out {counts['pruned']:,} zero rows, which saved {counts['bytes_pruned']:,} bytes "
        f"({100 * counts['bytes_pruned'] / whole:.1f}%)\n"
        f"scores of {counts['golden_rows']:,} golden rows moved by {counts['golden_shift']:.3g} "
        "at most"
    )


def read_curve(path: str) -> list[tuple[float, float]]:
    """Points of score and probability, one a line; ParameterError names the line that is wrong."""
    points: list[tuple[float, float]] = []
    for number, line in enumerate(read_lines(path), 1):
        words = line.split()
        if not words:
            continue
        where = f"{printable(path)}, line {number}"
        try:
            score, probability = map(float, words)
        except ValueError:
            raise ParameterError(f"{where}: give `score probability`, two numbers") from None
        if not (isfinite(score) and 0 <= probability <= 1):
            raise ParameterError(f"{where}: the score must be finite, the probability in [0, 1]")
        if points and (score <= points[-1][0] or probability < points[-1][1]):
            raise ParameterError(f"{where}: scores must rise, and probabilities must not fall")
        points.append((score, probability))
    if not points:
        raise ParameterError(f"{printable(path)}: no point of a calibration curve is in it")
    return points


def read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readlines()
    except OSError as error:
        raise FileError(f"{printable(path)}: cannot read: {error.strerror}") from error
