"""fmtrain schema: what raw rows mean, proposed, checked, learned and shown."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fmtrain.cli.app import (
    BadLines,
    MaxBadRatio,
    Sources,
    Threads,
    available_threads,
    output_file,
    report_lines,
)
from fmtrain.cli.guards import profile_table
from fmtrain.cli.output import aligned, write
from fmtrain.errors import FileError, ParameterError, printable
from fmtrain.features.schema import Schema
from fmtrain.stream import check_writable

if TYPE_CHECKING:
    from fmtrain.features.learn import Profile

MODEL_MAGIC = b"\x89FMTRN\n\x1a"

HELP = """Say what the columns of raw rows are and which features they give.

A schema is a TOML or JSON file: columns with types and roles, transforms, crosses, forests.
`init` proposes one from data, `fit` learns its bins; `fmtrain fit --schema` trains by it.
"""

schema_app = typer.Typer(help=HELP, no_args_is_help=True)

SchemaPath = Annotated[
    str, typer.Argument(metavar="SCHEMA", help="A .toml or .json file.", show_default=False)
]


class RowFormat(str, Enum):
    tsv = "tsv"
    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


RowsAs = Annotated[
    RowFormat | None, typer.Option(help="How rows are read.", show_default="the schema's")
]


@schema_app.command("init")
def init(
    data: Annotated[
        str,
        typer.Argument(
            help="A file of raw rows, a glob (its first file counts), `exec:COMMAND` or `-`; .gz "
            "and .zst by name.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="Where it goes.", show_default="standard output"),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Look at so many rows.")] = 10_000,
    format: Annotated[
        RowFormat | None, typer.Option(help="How rows are read.", show_default="found out")
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="The first line names the columns.",
            show_default="found out",
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(help="What stands between cells, one byte.", show_default="found out"),
    ] = None,
) -> None:
    """Propose a schema for raw data, with comments on what was seen: a guess, to be corrected."""
    from fmtrain.features.propose import propose

    if separator == "\\t":
        separator = "\t"
    if separator is not None and len(separator.encode(errors="surrogateescape")) != 1:
        raise ParameterError(f"separator = '{printable(separator)}' is not allowed: give one byte")
    text = propose(data, rows, None if format is None else format.value, header, separator)
    save(text, out)


@schema_app.command("check")
def check(
    schema: SchemaPath,
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Raw rows to read by it.", show_default=False),
    ] = None,
    format: RowsAs = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
    bad_lines: BadLines = None,
) -> None:
    """Look for mistakes in a schema; with DATA, read the rows by it and report the bad ones.

    The rows are read as training would; what the schema has to learn may still be missing.
    """
    loaded = Schema.load(schema)
    counts = [
        counted(len(loaded.document.get(key, {})), what)
        for key, what in (("columns", "column"), ("features", "feature"), ("forests", "forest"))
        if loaded.document.get(key) or key == "columns"
    ]
    _ = loaded.forests  # can be read
    write(f"{printable(schema)}: no mistake in {', '.join(counts)}\n")
    if data:
        from fmtrain.features.learn import profile_rows

        seen = profile_rows(
            loaded,
            data,
            threads=available_threads() if threads is None else threads,
            format=None if format is None else format.value,
            max_bad_ratio=max_bad_ratio,
            bad_lines=bad_lines,
        )
        report(seen)


def report(seen: Profile) -> None:
    """The rows and what each column's cells were like; on standard error, the bad rows."""
    report_lines(seen.log, seen.warnings)
    write(f"rows: {seen.rows:,}, {seen.log['bad_lines']:,} of them bad\n\n")
    write(profile_table(seen.columns))


@schema_app.command("fit")
def fit(
    schema: SchemaPath,
    sources: Sources = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", "-o", help="Where the learned schema goes.", show_default="SCHEMA itself"
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(min=1, help="Learn from the first so many rows.", show_default="all"),
    ] = None,
    format: RowsAs = None,
    threads: Threads = None,
    max_bad_ratio: MaxBadRatio = 0.01,
) -> None:
    """Learn the bins, scales and profile of a schema from raw rows, in one pass.

    They are written behind what you wrote, which stays as it is, and replaced by the next `fit`.
    Labels and weights are not looked at: rows need not have them.
    """
    loaded = Schema.load(schema, learned=False)
    target = schema if out is None else out
    check_forests_found_from(target, loaded)
    check_writable(target, replaced=False)
    from fmtrain.features.learn import learn

    fitted, seen = learn(
        loaded,
        sources or ["-"],
        threads=available_threads() if threads is None else threads,
        rows=rows,
        format=None if format is None else format.value,
        max_bad_ratio=max_bad_ratio,
    )
    save(fitted.dumps(), target)
    report(seen)
    write(f"\n{printable(target)}: {learned_summary(fitted)}\n")


def check_forests_found_from(target: str, schema: Schema) -> None:
    """A forest's file is looked for beside its schema."""
    folders = (os.path.dirname(os.path.abspath(path)) for path in (target, schema.source))
    if len({os.path.realpath(folder) for folder in folders}) == 1:
        return
    for name, file in schema.forest_files.items():
        if not os.path.isabs(file):
            raise schema.error(
                ("forests", name, "file"),
                f"'{file}' is beside this schema and would not be found from {target}: write the "
                "learned schema here too, or give the whole path",
            )


def learned_summary(schema: Schema) -> str:
    learned = schema.document.get("learned", {})
    errors = [entry["rank-error"] for entry in learned.values() if "rank-error" in entry]
    exact = ", exact" if errors and not any(errors) else ""
    error = f", rank error at most {max(errors):.2%}" if any(errors) else exact
    return f"learned {counted(len(learned), 'feature')}{error}"


@schema_app.command("show")
def show(
    path: Annotated[
        str,
        typer.Argument(
            metavar="MODEL_OR_SCHEMA", help="A model file or a schema.", show_default=False
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print it as JSON, in canonical order.")
    ] = False,
) -> None:
    """Show the columns, features and forests of a schema, or of the one a model was trained by."""
    schema = schema_in(path)
    write(schema.canonical().decode() + "\n" if as_json else description(schema))


def schema_in(path: str) -> Schema:
    if not is_model(path):
        return Schema.load(path)
    from fmtrain import FTRLModel

    found = getattr(FTRLModel.load(path), "schema", None)
    if not isinstance(found, Schema):
        raise ParameterError(
            f"{printable(path)}: the model has no schema: it was trained on text samples"
        )
    return found


def is_model(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(MODEL_MAGIC)) == MODEL_MAGIC
    except OSError as error:
        raise FileError(f"{printable(path)}: cannot read: {error.strerror}") from error


def description(schema: Schema) -> str:
    tables = [column_table(schema), feature_table(schema), forest_table(schema)]
    return "\n".join(aligned(table, left=len(table[0])) for table in tables if len(table) > 1)


def column_table(schema: Schema) -> list[list[str]]:
    learned = schema.document.get("learned", {})
    profile = schema.document.get("profile", {})
    table = [["column", "type", "role", "transforms", "learned", "missing"]]
    for name, keys in schema.document.get("columns", {}).items():
        role = keys.get("role", "feature")
        untyped = role in ("label", "weight", "key", "ignore")
        seen = profile.get(name, {})
        table.append(
            [
                printable(name),
                keys.get("type", "" if untyped else "category"),
                role,
                ", ".join(keys.get("transforms", [])),
                learned_text(learned.get(name, {})),
                f"{seen['missing']:.1%}" if "missing" in seen else "",
            ]
        )
    return table


def feature_table(schema: Schema) -> list[list[str]]:
    learned = schema.document.get("learned", {})
    table = [["feature", "of", "transforms", "learned", "emit"]]
    for name, keys in schema.document.get("features", {}).items():
        table.append(
            [
                printable(name),
                printable(" x ".join(keys["cross"]) if "cross" in keys else keys.get("from", "")),
                ", ".join(keys.get("transforms", [])),
                learned_text(learned.get(name, {})),
                "yes" if keys.get("emit", True) else "no",
            ]
        )
    return table


def forest_table(schema: Schema) -> list[list[str]]:
    forests = schema.document.get("forests", {})
    rows = [
        [printable(name), keys.get("file", "in the model"), ", ".join(keys.get("columns", []))]
        for name, keys in forests.items()
    ]
    return [["forest", "file", "columns"], *([printable(cell) for cell in row] for row in rows)]


def learned_text(entry: dict[str, Any]) -> str:
    parts = [counted(len(entry["cuts"]), "cut")] if "cuts" in entry else []
    parts += [
        f"{key} {entry[key]:.6g}" for key in ("mean", "deviation", "min", "max") if key in entry
    ]
    return ", ".join(parts)


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def save(text: str, out: str | None) -> None:
    """The whole text or, where that fails, nothing."""
    data = memoryview(text.encode())
    with output_file(out) as fd:
        try:
            while data:
                data = data[os.write(fd, data) :]
        except OSError as error:
            if out is None:
                raise
            raise FileError(f"{printable(out)}: cannot write: {error.strerror}") from error


def register(app: typer.Typer) -> None:
    app.add_typer(schema_app, name="schema")
