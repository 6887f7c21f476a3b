"""fmtrain fit: train on a stream."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import (
    BadLines,
    Format,
    MaxBadRatio,
    SchemaPath,
    ShardOption,
    Sources,
    Threads,
    available_threads,
    interrupt,
    parse_dim,
    parse_shard,
    report_lines,
    say,
    value_of,
    with_hyper_flags,
)
from fmtrain.cli.economy import with_economy_flags
from fmtrain.cli.fit_report import LOG_SECONDS, FitDisplay, closeness, summary
from fmtrain.cli.forecast import Forecast, forecast_text
from fmtrain.cli.output import write
from fmtrain.errors import FileError, ParameterError
from fmtrain.reports import FitReport
from fmtrain.stream import TICK_SECONDS

DEFAULT_MODEL = "model.fmt"

InitModel = Annotated[
    str | None,
    typer.Option(
        help="Continue from this model, state included; flags given here replace its own."
    ),
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="Leave the bytes that one thread would: threads parse together, learn in turn.",
    ),
]

NewForest = Annotated[
    bool,
    typer.Option(
        "--new-forest",
        help="The schema's forest may be another one than the model's: weights of the old leaves "
        "are dropped, those of the new start at 0.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Columns whose cells are not as the schema's profile says are an error: the model is "
        "saved as MODEL.partial.",
    ),
]
Dim = Annotated[
    str | None,
    typer.Option(help="k0,k1,k2: bias, linear, factors in one, as alphaFM.", metavar="K0,K1,K2"),
]
Patience = Annotated[
    int | None,
    typer.Option(
        min=1, help="Stop after so many epochs without a better --valid logloss; keep the best."
    ),
]
Names = Annotated[
    bool, typer.Option("--names", help="Keep the features' names, for inspect and export.")
]
Epochs = Annotated[
    int, typer.Option(min=1, help="Passes over the sources (files, or with --cache).")
]
CachePath = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Pack the samples into this file, too, as `fmtrain pack` does; later epochs read it, "
        "so --epochs works on standard input.",
    ),
]


def exit_as_stopped(report: FitReport) -> None:
    """The shell's code of the signal that ended the run early, if one did."""
    if report.interrupted is not None:
        raise typer.Exit(128 + report.interrupted)


def train_through_signals() -> None:
    """A signal ends the run, not the process; nor does a reader of the messages who left."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def greet_terminal(sources: list[str]) -> None:
    if "-" in sources and sys.stdin is not None and sys.stdin.isatty():
        say("reading samples from the terminal: end with Ctrl-D")


def start_model(
    init_model: str | None,
    names: bool,
    threads: int,
    schema: str | None,
    hyper: dict[str, Any],
) -> FTRLModel:
    if init_model is None:
        return FTRLModel(**hyper, names=names, threads=threads, schema=schema)
    model = FTRLModel.load(init_model, threads=threads)
    if names and not model.names:
        raise ParameterError(f"{init_model} keeps no names, so --names cannot be given for it")
    if schema is not None:
        hyper = {**hyper, "schema": schema}
    model.set_params(**hyper)
    return model


def model_path(given: str | None) -> str:
    """Named, or the default where nothing would be lost."""
    if given is not None:
        return given
    if os.path.exists(DEFAULT_MODEL):
        raise FileError(f"{DEFAULT_MODEL}: it exists: name it with --model to replace it")
    return DEFAULT_MODEL


def tell(trained: FTRLModel, target: str) -> None:
    """What the run did, once the model is saved."""
    report = trained.report_
    report_lines({**report.log, "guards": report.guards}, report.warnings)
    if report.retired:
        say(f"{report.retired:,} weights of the old forest's leaves left the model")
    write(summary(trained, target))
    write(closeness(trained))
    exit_as_stopped(report)


@with_economy_flags
@with_hyper_flags
def fit(
    sources: Sources = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Where the model goes.", show_default=DEFAULT_MODEL),
    ] = None,
    init_model: InitModel = None,
    schema: SchemaPath = None,
    new_forest: NewForest = False,
    strict: Strict = False,
    dim: Dim = None,
    threads: Threads = None,
    deterministic: Deterministic = False,
    epochs: Epochs = 1,
    cache: CachePath = None,
    shard: ShardOption = None,
    valid: Annotated[
        str | None, typer.Option(help="Evaluate on these samples after every epoch.")
    ] = None,
    patience: Patience = None,
    format: Format = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    bad_lines: BadLines = None,
    names: Names = False,
    log_json: Annotated[
        str | None, typer.Option(help="Append progress to this file, a JSON object a line.")
    ] = None,
    forecast: Forecast = False,
    hyper: dict[str, Any] = {},  # noqa: B006  never changed; filled by the decorators
    economy: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Train on a stream of samples, one pass over standard input by default.

    A line is `label[:weight] name[:value] ... \\[# key]`: label 1 or 0 (or -1, or a probability),
    weight 1 and value 1 unless given. Prints a summary; the model is written whole or not at all.
    """
    target = "" if forecast else model_path(model)
    hyper = {**(parse_dim(dim) if dim else {}), **hyper}
    count = available_threads() if threads is None else threads
    trained = start_model(init_model, names, count, schema, hyper)
    trained.deterministic = deterministic
    train_through_signals()
    greet_terminal(sources or ["-"])
    if forecast:
        return write(forecast_text(trained, sources or ["-"], value_of(format)))
    with FitDisplay(log_json, trained.min_count) as display:
        trained.fit_stream(
            sources or ["-"],
            epochs=epochs,
            valid=valid,
            patience=patience,
            save_to=target,
            format=value_of(format),
            max_bad_ratio=max_bad_ratio,
            bad_lines=bad_lines,
            **economy,
            progress=display.show,
            progress_seconds=TICK_SECONDS if display.on_terminal else LOG_SECONDS,
            cache=cache,
            shard=parse_shard(shard),
            new_forest=new_forest,
            strict=strict,
        )
        display.done(trained.report_)
    tell(trained, target)


def register(app: typer.Typer) -> None:
    app.command("fit")(fit)
