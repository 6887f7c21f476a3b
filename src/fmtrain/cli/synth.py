"""fmtrain synth: samples of a known model."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fmtrain.synth import Synth

BLOCK_SAMPLES = 10_000


def synth(
    samples: Annotated[int, typer.Option(min=0, help="How many lines to print.")] = 1_000_000,
    first: Annotated[
        int, typer.Option(min=0, help="Number of the first sample: another stretch of the stream.")
    ] = 0,
    fields: Annotated[int, typer.Option(help="Categorical fields, one value each a sample.")] = 40,
    dims: Annotated[
        int, typer.Option(help="Values of all fields together; sizes differ geometrically.")
    ] = 1_000_000,
    numeric: Annotated[int, typer.Option(help="Fields with a decimal value.")] = 0,
    factors: Annotated[int, typer.Option(help="Factors of the hidden model; 0: linear.")] = 0,
    keys: Annotated[int, typer.Option(help="Users behind `# key`; 0: no keys.")] = 0,
    weights: Annotated[
        bool, typer.Option("--weights", help="Positives weigh a watch time.")
    ] = False,
    zipf: Annotated[float, typer.Option(help="Exponent of Zipf's law of the values.")] = 1.1,
    ctr: Annotated[float, typer.Option(help="About the share of positives.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Another model and another stream.")] = 0,
    header: Annotated[
        bool,
        typer.Option(help="Start with the comment by which `fit` recognises the hidden model."),
    ] = True,
) -> None:
    """Print samples of a hidden model: the same line for the same number, always.

    `fmtrain fit` recognises the stream by its first line and reports how close it came.
    """
    source = Synth(
        fields=fields,
        dims=dims,
        numeric=numeric,
        factors=factors,
        keys=keys,
        weights=weights,
        zipf=zipf,
        ctr=ctr,
        seed=seed,
    )
    out = sys.stdout.buffer
    if header:
        out.write(source.header)
    for at in range(first, first + samples, BLOCK_SAMPLES):
        out.write(source.text(at, min(BLOCK_SAMPLES, first + samples - at)))
    out.flush()


def register(app: typer.Typer) -> None:
    app.command("synth")(synth)
