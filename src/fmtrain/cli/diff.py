"""fmtrain diff: what changed between two models?"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import (
    Format,
    MaxBadRatio,
    Threads,
    available_threads,
    report_lines,
    value_of,
)
from fmtrain.cli.fit_report import number
from fmtrain.cli.inspect import feature_label, feature_table, hyper_text
from fmtrain.cli.output import aligned, facts, json_document, write
from fmtrain.comparison import (
    FeatureGroup,
    ModelDifference,
    Move,
    ScoreShift,
    compare_models,
    score_shift,
)
from fmtrain.errors import printable
from fmtrain.evaluation import score_samples


def diff(
    a: Annotated[str, typer.Argument(help="The model before.", show_default=False)],
    b: Annotated[str, typer.Argument(help="The model after.", show_default=False)],
    samples: Annotated[
        str | None, typer.Option(help="Score these samples with both: how far do they move?")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="Features named in each list.")] = 10,
    format: Format = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare two models: features new, gone and moved, hyper-parameters, norms, scores."""
    count = available_threads() if threads is None else threads
    models = [(path, FTRLModel.load(path, threads=count)) for path in (a, b)]
    found = compare_models(models[0][1], models[1][1], top)
    shift = None
    if samples is not None:
        before, after = score_samples(models, samples, value_of(format), max_bad_ratio)
        report_lines(before.log or {}, [])
        shift = score_shift(before.label, before.weight, (before.score, after.score))
    write(as_document(a, b, found, shift) if as_json else as_text(a, b, found, shift))


def as_document(a: str, b: str, found: ModelDifference, shift: ScoreShift | None) -> str:
    document: dict[str, Any] = {"a": a, "b": b, **dataclasses.asdict(found)}
    document["scores"] = None if shift is None else dataclasses.asdict(shift)
    return json_document(document)


def as_text(a: str, b: str, found: ModelDifference, shift: ScoreShift | None) -> str:
    parts = [side_by_side(a, b, found), "\n", change_facts(found)]
    for title, group in (("new, by |w|", found.new), ("gone, by |w|", found.gone)):
        if group.largest:
            parts += ["\n", f"{title}\n", feature_table(group.largest)]
    if found.largest_moves:
        parts += ["\n", "moved, by |b - a| of w\n", move_table(found.largest_moves)]
    if shift is not None:
        parts += ["\n", shift_text(shift)]
    return "".join(parts)


def side_by_side(a: str, b: str, found: ModelDifference) -> str:
    rows = [["", f"a: {printable(a)}", f"b: {printable(b)}"]]
    rows.append(["samples learned", *(f"{count:,}" for count in found.samples)])
    rows.append(["features", *(f"{count:,}" for count in found.features)])
    for name, pair in (
        ("bias", found.bias),
        ("norm of w", found.w_norm),
        ("norm of v", found.v_norm),
    ):
        rows.append([name, *(f"{value:.6g}" for value in pair)])
    rows += [[name, *map(hyper_text, pair)] for name, pair in found.hyper.items()]
    return aligned(rows)


def change_facts(found: ModelDifference) -> str:
    def group_text(group: FeatureGroup) -> str:
        return (
            f"{group.count:,} features ({group.zero_rows:,} of them zero rows), "
            f"norm of w {group.w_norm:.6g}, of v {group.v_norm:.6g}"
        )

    moved = (
        f"{found.moved:,} of {found.common:,} common features, "
        f"norm of w's moves {found.dw_norm:.6g}, of v's {number(found.v_distance, 6)}"
    )
    return facts(
        [
            ("new in b", group_text(found.new)),
            ("gone from b", group_text(found.gone)),
            ("moved", moved),
        ]
    )


def move_table(moves: list[Move]) -> str:
    rows = [["feature", "w in a", "w in b", "b - a", "distance of v"]]
    for move in moves:
        cells = (move.w_a, move.w_b, move.dw)
        distance = number(move.v_distance, 6)
        rows.append([feature_label(move), *(f"{cell:.6g}" for cell in cells), distance])
    return aligned(rows)


def shift_text(shift: ScoreShift) -> str:
    moved = facts(
        [
            ("samples", f"{shift.rows:,}"),
            ("p(b) - p(a)", f"mean {shift.mean:+.6f}"),
            (
                "|p(b) - p(a)|",
                f"mean {shift.mean_abs:.6f}, p50 {shift.p50:.6f}, p99 {shift.p99:.6f}, "
                f"max {shift.max:.6f}",
            ),
        ]
    )
    rows = [["", "a", "b"]]
    rows.append(["AUC", *(number(value, 5) for value in shift.auc)])
    rows.append(["logloss", *(number(value, 5) for value in shift.logloss)])
    return moved + aligned(rows)


def register(app: typer.Typer) -> None:
    app.command("diff")(diff)
