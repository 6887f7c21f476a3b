"""fmtrain fit --forecast: what training on the sources would take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.output import aligned, megabytes

Forecast = Annotated[
    bool,
    typer.Option(
        "--forecast",
        help="Learn from ten seconds of the sources, say what the whole would take, keep nothing.",
    ),
]

#: Where the size of the sources is not known.
SAMPLES = (10**6, 10**8, 10**9)


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def forecast_text(model: FTRLModel, sources: list[str], format: Any) -> str:
    from fmtrain.forecast import forecast  # here: a run that trains does without

    found = forecast(model, sources, format=format)
    last = found.last
    rows = [("", "samples", "features", "table", "process", "time")]

    def add(name: str, samples: float) -> None:
        table = found.table_bytes(samples)
        rows.append(
            (
                name,
                f"{samples:,.0f}",
                f"{found.features(samples):,.0f}",
                megabytes(table),
                megabytes(table + found.other_bytes),
                duration(found.seconds(samples)),
            )
        )

    add("the whole source" if found.whole else "read", last.samples)
    whole = found.source_samples
    if found.whole:
        return aligned(rows)
    if whole is not None:
        add("the whole source", whole)
    else:
        for samples in SAMPLES:
            if samples > last.samples:
                add("if it has", samples)
    law = f"distinct features grow as samples^{found.exponent:.2f}"
    if found.fall:
        law += f", the exponent falling by {found.fall * 2.302585:.2f} with every tenfold"
    return aligned(rows) + law + "; nothing was saved\n"
