"""fmtrain export and import: models in text, JSON and alphaFM's formats."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from enum import Enum
from typing import Annotated, Any

import typer

from fmtrain import FTRLModel
from fmtrain.cli.app import say, with_flags, with_hyper_flags
from fmtrain.cli.output import write
from fmtrain.cli.serving import FLAGS, export_to_server, refuse_serving_flags
from fmtrain.errors import ModelFileError, ParameterError
from fmtrain.stream import check_writable


class ExportFormat(str, Enum):
    text = "text"
    json = "json"
    alphafm_text = "alphafm-text"
    alphafm_bin = "alphafm-bin"
    serving = "serving"


class ImportFormat(str, Enum):
    alphafm_text = "alphafm-text"
    alphafm_bin = "alphafm-bin"


def export(
    model: Annotated[str, typer.Argument(help="The model file.", show_default=False)],
    to: Annotated[ExportFormat, typer.Option(help="The format to write.")],
    out: Annotated[
        str | None,
        typer.Option(
            help="Where it goes; alphafm-bin and serving need it.", show_default="standard output"
        ),
    ] = None,
    narrow: Annotated[
        bool, typer.Option("--float", help="Numbers of alphafm-bin as float, not double.")
    ] = False,
    keep_zeros: Annotated[
        bool,
        typer.Option(
            "--keep-zeros",
            help="Write rows with w = 0 and all v = 0 too: alphaFM's formats hold their state.",
        ),
    ] = False,
    serving: dict[str, Any] = {},  # noqa: B006  never changed; filled by the decorator
) -> None:
    """Write a model's weights in another format, without the rows that are all zero.

    text: name, w, v... by tab; json: one document; alphafm-text and alphafm-bin: alphaFM's
    models, with the state to continue from, for models that keep names (`fit --names`); serving:
    the file that servers score with (libfmscore, fmtrain.serving).
    """
    if keep_zeros and to is ExportFormat.serving:
        raise ParameterError("--keep-zeros does not go with --to serving")
    if narrow and to is not ExportFormat.alphafm_bin:
        raise ParameterError("--float goes with --to alphafm-bin only")
    if to is ExportFormat.serving:
        export_to_server(model, out, serving)
        return
    refuse_serving_flags(serving)
    if out is None and to is ExportFormat.alphafm_bin:
        raise ParameterError("alphafm-bin is a binary file: name it with --out")
    if out is not None:
        check_writable(out)
    format = "alphafm-bin-float" if narrow else to.value
    loaded = FTRLModel.load(model)
    if out is not None:
        counts = loaded.dump(out, format, keep_zeros)
    else:
        counts = dump_to_stdout(loaded, format, keep_zeros)
    say(export_summary(counts, out, keep_zeros))


def dump_to_stdout(model: FTRLModel, format: str, keep_zeros: bool) -> dict[str, int]:
    # dump writes a file and renames it, which standard output is not.
    with tempfile.TemporaryDirectory(prefix="fmtrain-export-") as directory:
        path = os.path.join(directory, "model")
        counts = model.dump(path, format, keep_zeros)
        with open(path, "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return counts


def export_summary(counts: dict[str, int], out: str | None, keep_zeros: bool) -> str:
    where = "standard output" if out is None else out
    written = f"wrote {counts['rows']:,} features, {counts['bytes']:,} bytes, to {where}"
    if keep_zeros:
        return f"{written}; zero rows kept"
    whole = counts["bytes"] + counts["bytes_saved"]
    return (
        f"{written}; left out {counts['dropped']:,} zero rows, which saved "
        f"{counts['bytes_saved']:,} bytes ({100 * counts['bytes_saved'] / whole:.1f}%)"
    )


@with_hyper_flags
def import_model(
    source: Annotated[str, typer.Argument(metavar="FILE", help="The file.", show_default=False)],
    source_format: Annotated[ImportFormat, typer.Option("--from", help="Its format.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Where the model goes.")],
    expect_features: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Fail when the file holds another number: the lines of a text file less the bias.",
        ),
    ] = None,
    hyper: dict[str, Any] = {},  # noqa: B006  never changed; filled by the decorator
) -> None:
    """Make a model of an alphaFM file: it predicts with its weights and learns on from its state.

    The file holds no learning rates and penalties: give those it was trained with as flags.
    """
    check_writable(model)
    binary = source_format is ImportFormat.alphafm_bin
    imported = read_alphafm(source, binary, hyper)
    found = len(imported)
    if expect_features not in (None, found):
        raise ModelFileError(
            f"{source}: {found:,} features were read, --expect-features says {expect_features:,}: "
            "the file is cut, or another one"
        )
    imported.save(model)
    write(f"read {found:,} features with {imported.factors} factors; wrote {model}\n")
    if not binary and expect_features is None:
        write(
            "note: an alphaFM text file has no end mark, so one that is cut at the end of a line "
            "looks whole; that count is the only check there is (--expect-features)\n"
        )


def read_alphafm(source: str, binary: bool, hyper: dict[str, Any]) -> FTRLModel:
    """The number of factors is the file's; asking for another is an error."""
    others = {name: value for name, value in hyper.items() if name != "factors"}
    wanted = hyper.get("factors")
    imported = FTRLModel.import_alphafm(source, binary=binary, **others)
    if wanted in (None, imported.factors):
        return imported
    if len(imported) > 0 or binary:
        raise ParameterError(
            f"{source} has {imported.factors} factors, --factors {wanted} was given"
        )
    # A text file of the bias alone does not say.
    return FTRLModel.import_alphafm(source, binary=binary, factors=wanted, **others)


def register(app: typer.Typer) -> None:
    app.command("export")(with_flags(export, "serving", FLAGS))
    app.command("import")(import_model)
