"""fmtrain predict: score a stream in input order."""

from __future__ import annotations

from typing import Annotated

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import (
    Format,
    LinkName,
    MaxBadRatio,
    ModelPath,
    ShardOption,
    Sources,
    Threads,
    available_threads,
    output_file,
    parse_shard,
    report_lines,
    value_of,
)


def predict(
    model: ModelPath,
    sources: Sources = None,
    out: Annotated[
        str | None, typer.Option(help="Where the lines go.", show_default="standard output")
    ] = None,
    link: Annotated[
        LinkName,
        typer.Option(help="sigmoid: probability; exp: expected watch time; raw: log odds."),
    ] = LinkName.sigmoid,
    format: Format = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    shard: ShardOption = None,
) -> None:
    """Print `label score key` for every sample, in input order whatever the thread count.

    Bad lines have no line in the output; they are counted and shown on standard error.
    """
    scorer = FTRLModel.load(model, threads=available_threads() if threads is None else threads)
    with output_file(out) as fd:
        log, warnings = scorer.write_predictions(
            sources or ["-"],
            fd,
            link=link.value,
            format=value_of(format),
            max_bad_ratio=max_bad_ratio,
            shard=parse_shard(shard),
        )
    report_lines(log, warnings)


def register(app: typer.Typer) -> None:
    app.command("predict")(predict)
