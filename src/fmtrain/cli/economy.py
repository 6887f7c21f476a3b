"""The flags of `fmtrain fit` that keep the table small, and what the summary says of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import with_flags
from fmtrain.cli.output import megabytes

PANEL = "A table that stays small"


def flag(name: str, kind: Any, metavar: str, help: str) -> inspect.Parameter:
    option = typer.Option(help=help, metavar=metavar, rich_help_panel=PANEL, show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


FLAGS = [
    flag(
        "expire_after",
        list[str],
        "[PREFIX=]SAMPLES|DAYSd",
        "Rows not seen for so many samples (50000000) or days (30d) leave the model; again for"
        " names that start with a prefix (user_=7d). 0: never. The model keeps the rules."
        " Default: never, or as the model was last trained.",
    ),
    flag(
        "min_count_memory",
        str,
        "BYTES",
        "Count towards --min-count in a filter of so many bytes (64M), which lets some features"
        " in too early and none too late. Default: exactly, about 11 bytes a feature that waits.",
    ),
    flag(
        "max_memory",
        str,
        "BYTES",
        "Cap on the table (8G). Near it --min-count rises step by step, to 5; at it the least"
        " seen tenth of the rows leaves. Default: no cap.",
    ),
]


def with_economy_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command gets those given as `economy`, keywords of FTRLModel.fit_stream."""
    return with_flags(command, "economy", FLAGS)


def economy_lines(model: FTRLModel) -> list[tuple[str, str]]:
    """Lines of the summary: what the run did to keep the table small."""
    assert model.report_.progress is not None
    did = model.report_.progress.economy
    lines: list[tuple[str, str]] = []
    if not did:
        return lines
    if did["min_count"] > 1:
        how = (
            f"{did['waiting']:,} wait, counted exactly"
            if did["exact"]
            else f"{100 * did['early_share']:.1f}% of new ones come in too early"
        )
        lines.append(
            (
                "admission",
                f"at sight {did['min_count']}; {how} in {megabytes(did['admission_bytes'])}",
            )
        )
    if model._native.expiry:
        lines.append(("expired", f"{did['expired']:,} rows  by {model._native.expiry}"))
    if did["max_bytes"]:
        lines.append(
            (
                "memory cap",
                f"{megabytes(did['max_bytes'])}, {megabytes(did['allocated_bytes'])} in use"
                + cap_text(did, model.min_count),
            )
        )
    return lines


def cap_text(did: dict[str, Any], min_count: int) -> str:
    text = ""
    if did["min_count"] > min_count:
        text += f"; min-count raised from {min_count} to {did['min_count']}"
    if did["evictions"]:
        text += f"; {did['evicted']:,} rows evicted in {did['evictions']:,} pauses"
    if did["refused"]:
        text += f"; {did['refused']:,} sights refused"
    return text


def economy_note(did: dict[str, Any], min_count: int) -> str:
    """What a line of progress adds: only what the user did not ask for in so many words."""
    return cap_text(did, min_count).replace("; ", "  ") if did and did["max_bytes"] else ""
