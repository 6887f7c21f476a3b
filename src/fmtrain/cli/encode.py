"""fmtrain encode: raw rows -> text samples."""

from __future__ import annotations

from typing import Annotated

import typer

from fmtrain.cli.app import (
    BadLines,
    Format,
    MaxBadRatio,
    Sources,
    Threads,
    available_threads,
    output_file,
    report_lines,
    value_of,
)
from fmtrain.errors import ParameterError, printable
from fmtrain.features.encoder import Encoder


def encode(
    sources: Sources = None,
    schema: Annotated[
        str | None, typer.Option(metavar="FILE", help="The schema, TOML or JSON.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Encode by the schema of this model.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="Where the samples go.", show_default="standard output"),
    ] = None,
    format: Format = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    bad_lines: BadLines = None,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="A row without a label is bad, or has 0.")
    ] = True,
) -> None:
    """Print the text samples that raw rows become, in row order.

    Training on them leaves the model that training on the rows does.
    """
    if (schema is None) == (model is None):
        raise ParameterError("give either --schema or --model")
    count = available_threads() if threads is None else threads
    encoder = encoder_of(model, count) if model is not None else Encoder(schema, threads=count)
    with output_file(out) as fd:
        log, guards, warnings = encoder.write(
            sources or ["-"],
            fd,
            format=value_of(format),
            label_required=labels,
            max_bad_ratio=max_bad_ratio,
            bad_lines=bad_lines,
        )
    report_lines({**log, "guards": guards}, warnings)


def encoder_of(path: str, threads: int) -> Encoder:
    from fmtrain import FTRLModel

    model = FTRLModel.load(path)
    if model.schema is None:
        raise ParameterError(
            f"{printable(path)}: the model has no schema: it was trained on text samples"
        )
    return Encoder(model.schema, hash_seed=model.hash_seed, threads=threads)


def register(app: typer.Typer) -> None:
    app.command("encode")(encode)
