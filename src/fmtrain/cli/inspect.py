"""fmtrain inspect: what is in a model?"""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import Format, value_of
from fmtrain.cli.fit_report import number, share
from fmtrain.cli.output import aligned, facts, json_document, megabytes, write
from fmtrain.errors import printable
from fmtrain.inspection import (
    Description,
    Explanation,
    Feature,
    describe,
    explain,
    find_feature,
    top_features,
)


class By(str, Enum):
    w = "w"
    v = "v"


def inspect(
    model: Annotated[str, typer.Argument(help="The model file.", show_default=False)],
    top: Annotated[
        int | None, typer.Option(min=1, help="Show so many features, the largest first.")
    ] = None,
    by: Annotated[By, typer.Option(help="What --top sorts by: |w|, or the norm of v.")] = By.w,
    feature: Annotated[
        str | None, typer.Option(help="Show this feature: its name, or id:HEX as --top prints it.")
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="LINE",
            help="Show what each feature and pair adds to the score of this sample, "
            "`label name\\[:value] ...`, or of this raw row where the model has a schema.",
        ),
    ] = None,
    format: Format = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what a model is: hyper-parameters, samples seen, features, zeros, sizes.

    With --top, --feature or --explain: show those instead. A feature whose name was not kept
    (see `fit --names`) is called id:HEX.
    """
    loaded = FTRLModel.load(model)
    document: dict[str, Any] = {}
    texts = []
    if top is not None:
        features = top_features(loaded, top, by.value)
        document["top"] = [dataclasses.asdict(one) for one in features]
        texts.append(feature_table(features))
    if feature is not None:
        one = find_feature(loaded, feature)
        document["feature"] = dataclasses.asdict(one)
        texts.append(feature_text(one))
    if sample is not None:
        explanation = explain(loaded, sample, value_of(format))
        document["explain"] = dataclasses.asdict(explanation)
        texts.append(explanation_text(explanation))
    if not texts:
        description = describe(model, loaded)
        document["model"] = dataclasses.asdict(description)
        texts.append(description_text(description))
    write(json_document(document) if as_json else "\n".join(texts))


def description_text(of: Description) -> str:
    mean_label = "" if of.samples == 0 else f", mean label {number(of.mean_label, 5)}"
    per_feature = f", {of.table_bytes / of.features:.1f} bytes a feature" if of.features else ""
    lines = [
        ("model", of.path),
        ("samples", f"{of.samples:,} learned from{mean_label}"),
        ("features", f"{of.features:,}, their names {'kept' if of.names else 'not kept'}"),
        ("zero weights w", share(of.zero_w, of.features)),
        ("zero rows", share(of.zero_rows, of.features) + ", left out by export"),
        *([] if of.schema is None else [("schema", schema_text(of.schema))]),
        ("bias", f"{of.bias:.6g} (z {of.bias_z:.6g}, n {of.bias_n:.6g})"),
        ("in memory", f"{megabytes(of.table_bytes)}{per_feature}, {of.row_bytes} of them its row"),
        ("file", f"{of.file_bytes:,} bytes"),
        *((f"  {part}", f"{count:,} bytes") for part, count in of.file_parts.items()),
        ("hyper-parameters", ""),
        *((f"  {name}", hyper_text(value)) for name, value in of.hyper.items()),
    ]
    return facts(lines)


def schema_text(schema: dict[str, Any]) -> str:
    more = "".join(
        f", {schema[key]} {key if schema[key] > 1 else key[:-1]}"
        for key in ("features", "forests")
        if schema[key]
    )
    columns = "column" if schema["columns"] == 1 else "columns"
    return f"{schema['columns']} {columns}{more}, rows as {schema['format']}"


def hyper_text(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def feature_label(one: Any) -> str:
    """Of anything with id and name."""
    return printable(one.name) if one.name is not None else f"id:{one.id}"


def feature_table(features: list[Feature]) -> str:
    with_v = any(one.v for one in features)
    rows = [["feature", "w", "norm of v", "n"] if with_v else ["feature", "w", "n"]]
    for one in features:
        v_norm = [f"{one.v_norm:.6g}"] if with_v else []
        rows.append([feature_label(one), f"{one.w:.6g}", *v_norm, f"{one.n:.6g}"])
    return aligned(rows)


def feature_text(one: Feature) -> str:
    lines = [
        ("feature", feature_label(one)),
        ("id", one.id),
        ("w", f"{one.w:.6g} (z {one.z:.6g}, n {one.n:.6g})"),
    ]
    if one.v:
        lines += [
            (name, "  ".join(f"{lane:.6g}" for lane in lanes))
            for name, lanes in (("v", one.v), ("z of v", one.v_z), ("n of v", one.v_n))
        ]
    return facts(lines)


def explanation_text(of: Explanation) -> str:
    total = [
        ("score", f"{of.score:.6g}"),
        ("probability", f"{of.probability:.6g}"),
        ("label", f"{of.label:g}"),
        ("bias", f"{of.bias:.6g}"),
    ]
    rows = [["feature", "value", "w", "adds"]]
    for term in of.linear:
        cells = (term.value, term.w, term.contribution)
        rows.append([printable(term.feature), *(f"{cell:.6g}" for cell in cells)])
    parts = [facts(total), "\n", aligned(rows)]
    if of.pairs_in_all:
        pairs = [["pair", "", "adds"]]
        pairs += [
            [printable(pair.first), printable(pair.second), f"{pair.contribution:.6g}"]
            for pair in of.pairs
        ]
        others = of.pairs_in_all - len(of.pairs)
        if others:
            pairs.append([f"{others:,} other pairs", "", f"{of.pairs_rest:.6g}"])
        parts += ["\n", aligned(pairs, left=2)]
    if of.unknown:
        names = ", ".join(printable(name) for name in of.unknown)
        parts += ["\n", f"not in the model, so adding nothing: {names}\n"]
    return "".join(parts)


def register(app: typer.Typer) -> None:
    app.command("inspect")(inspect)
