"""fmtrain eval: how good are a model's scores?"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel, metrics
from fmtrain.cli.app import (
    Format,
    LinkName,
    MaxBadRatio,
    ShardOption,
    Sources,
    Threads,
    available_threads,
    parse_shard,
    report_lines,
    value_of,
)
from fmtrain.cli.fit_report import number
from fmtrain.cli.output import aligned, facts, json_document, write
from fmtrain.errors import ParameterError, printable
from fmtrain.evaluation import (
    REPLICATES,
    Evaluation,
    Scored,
    compare,
    default_replicates,
    evaluate,
    read_predictions,
    score_samples,
)


def eval_command(
    sources: Sources = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Score the samples with this model.")
    ] = None,
    predictions: Annotated[
        str | None,
        typer.Option(help="Evaluate this output of `fmtrain predict`: `label score \\[key]`."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="A second model, or predictions file, on the same samples."),
    ] = None,
    link: Annotated[
        LinkName,
        typer.Option(
            help="What is served, and what the scores of a predictions file are; exp adds watch "
            "time, the weights of the positives."
        ),
    ] = LinkName.sigmoid,
    buckets: Annotated[int, typer.Option(min=1, help="Score buckets of the calibration.")] = 10,
    background_ctr: Annotated[
        float | None,
        typer.Option(
            help="CTR whose entropy NE is relative to.", show_default="mean label of the samples"
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Bootstrap replicates behind the interval of the AUC difference.",
            show_default="1000; from 200,000 samples on fewer, down to 200",
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Confidence of that interval.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    format: Format = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    shard: ShardOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure a model on samples, or a predictions file: AUC, logloss, calibration and more.

    GAUC and uAUC are measured over the samples that carry a key.
    """
    if (model is None) == (predictions is None):
        raise ParameterError("give either --model or --predictions")
    if model is not None:
        paths = [model] if against is None else [model, against]
        count = available_threads() if threads is None else threads
        models = [(path, FTRLModel.load(path, threads=count)) for path in paths]
        runs = score_samples(
            models, sources or ["-"], value_of(format), max_bad_ratio, parse_shard(shard)
        )
        report_lines(runs[0].log or {}, list(runs[0].warnings))
    elif predictions is not None:
        if sources or shard:
            raise ParameterError("--predictions holds its samples' labels: give no SOURCE with it")
        runs = [read_predictions(path, link.value) for path in (predictions, against) if path]
    results = [evaluate(run, link.value, background_ctr, buckets) for run in runs]
    difference = None
    if len(runs) == 2:
        difference = compare(runs[0], runs[1], replicates, confidence, seed)
    notes = caveats(runs, link.value, difference, asked=replicates)
    shown = as_document if as_json else as_text
    write(shown(results, difference, notes))


def caveats(
    runs: list[Scored], link: str, difference: metrics.AucDifference | None, asked: int | None
) -> list[str]:
    """What the numbers leave out."""
    notes = []
    if runs[0].weight is None:
        notes.append("a predictions file holds no sample weights: every sample weighs 1")
        if link == "exp":
            notes.append("watch time is the weight: it is measured with --model only")
    rows = runs[0].label.size
    if difference is not None and asked is None and default_replicates(rows) < REPLICATES:
        notes.append(
            f"{default_replicates(rows)} bootstrap replicates instead of {REPLICATES}, as there "
            f"are {rows:,} samples (--replicates)"
        )
    return notes


# ---- JSON ----


def as_document(
    results: list[Evaluation], difference: metrics.AucDifference | None, notes: list[str]
) -> str:
    def one(result: Evaluation) -> dict[str, Any]:
        rest = {"rows_without_key": result.rows_without_key}
        return {"name": result.name, **result.report.to_dict(), **rest}

    document = {
        **one(results[0]),
        "against": one(results[1]) if len(results) > 1 else None,
        "auc_difference": dataclasses.asdict(difference) if difference else None,
        "notes": notes,
    }
    return json_document(document)


# ---- text ----


def as_text(
    results: list[Evaluation], difference: metrics.AucDifference | None, notes: list[str]
) -> str:
    parts = [facts(sample_facts(results[0])), "\n", metric_table(results)]
    if difference is not None:
        parts += ["\n", difference_line(difference)]
    for result in results:
        parts += ["\n", bucket_table(result)]
    if notes:
        parts += ["\n", *(f"note: {note}\n" for note in notes)]
    return "".join(parts)


def sample_facts(result: Evaluation) -> list[tuple[str, str]]:
    """What both sides share."""
    report = result.report
    found = [
        ("samples", f"{report.rows:,}, weight {report.weight_sum:,.10g}"),
        ("positives", f"weight {report.positives:,.10g}, {share_of_weight(report)} of all"),
    ]
    grouped = report.grouped
    if grouped is not None:
        found += [
            (
                "users",
                f"{grouped.groups_kept:,} with both classes ({grouped.rows_kept:,} samples), "
                f"{grouped.groups_skipped:,} skipped ({grouped.rows_skipped:,} samples)",
            ),
            ("without a key", f"{result.rows_without_key:,} samples, left out of GAUC and uAUC"),
        ]
    return found


def share_of_weight(report: metrics.Report) -> str:
    return f"{100 * report.positives / report.weight_sum:.2f}%" if report.weight_sum else "-"


def metric_table(results: list[Evaluation]) -> str:
    """A row a metric, a column a model, and the first minus the second."""
    rows = [["", *(printable(result.name) for result in results)]]
    if len(results) == 2:
        rows[0].append("difference")
    columns = [metric_values(result.report) for result in results]
    for name in columns[0]:
        values = [column[name] for column in columns]
        row = [name, *(number(value, 5) for value in values)]
        if len(values) == 2:
            row.append(signed(values[0] - values[1]))
        rows.append(row)
    return aligned(rows)


def metric_values(report: metrics.Report) -> dict[str, float]:
    values = {"AUC": report.auc}
    if report.grouped is not None:
        values |= {"GAUC": report.grouped.gauc, "uAUC": report.grouped.uauc}
    values |= {
        "logloss": report.logloss,
        "NE": report.normalized_entropy,
        "calibration": report.calibration,
    }
    watch = report.watch_time
    if watch is not None:
        values |= {
            "watch time RMSE": watch.rmse,
            "watch time MAE": watch.mae,
            "watch time xAUC": watch.xauc,
        }
    return values


def signed(value: float) -> str:
    return number(value, 5) if value != value or value < 0 else "+" + number(value, 5)


def difference_line(difference: metrics.AucDifference) -> str:
    percent = f"{100 * difference.confidence:g}%"
    return (
        f"AUC difference {signed(difference.difference)}, {percent} interval "
        f"[{signed(difference.low)}, {signed(difference.high)}] "
        f"({difference.replicates:,} paired bootstrap replicates)\n"
    )


def bucket_table(result: Evaluation) -> str:
    rows = [["samples", "lowest p", "highest p", "mean p", "mean label", "calibration"]]
    for bucket in result.report.buckets:
        reals = (
            bucket.low,
            bucket.high,
            bucket.mean_prediction,
            bucket.mean_label,
            bucket.calibration,
        )
        rows.append([f"{bucket.rows:,}", *(number(value, 5) for value in reals)])
    title = f"calibration (sum of p / sum of labels) by score, {printable(result.name)}\n"
    return title + aligned(rows, left=0)


def register(app: typer.Typer) -> None:
    app.command("eval")(eval_command)
