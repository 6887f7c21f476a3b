"""fmtrain pack: samples parsed and hashed once, read many times."""

from __future__ import annotations

import time
from enum import Enum
from typing import Annotated

import typer

from fmtrain.cli.app import (
    BadLines,
    Format,
    MaxBadRatio,
    SchemaPath,
    ShardOption,
    Sources,
    Threads,
    available_threads,
    parse_shard,
    report_lines,
    value_of,
)
from fmtrain.cli.fit import greet_terminal, train_through_signals
from fmtrain.cli.output import facts, megabytes, write
from fmtrain.hyper import HYPER
from fmtrain.packing import PackReport
from fmtrain.packing import pack as pack_samples


class CodecName(str, Enum):
    lz4 = "lz4"
    zstd = "zstd"
    none = "none"


def pack(
    out: Annotated[str, typer.Option("--out", "-o", help="Where the packed samples go.")],
    sources: Sources = None,
    names: Annotated[
        bool, typer.Option("--names", help="Keep the features' names, for `fit --names`.")
    ] = False,
    threads: Threads = None,
    schema: SchemaPath = None,
    format: Format = None,
    hash_seed: Annotated[
        int, typer.Option(help="The seed of the models that will read them.")
    ] = HYPER["hash_seed"].default,
    codec: Annotated[
        CodecName, typer.Option(help="lz4; zstd: a little smaller, slower to read.")
    ] = CodecName.lz4,
    max_bad_ratio: MaxBadRatio = 0.01,
    bad_lines: BadLines = None,
    shard: ShardOption = None,
) -> None:
    """Parse and hash samples once: `fit`, `predict` and `eval` read the file in place of text.

    It is compressed and checksummed, and several readers can share it (--shard).
    """
    start = time.monotonic()
    train_through_signals()
    greet_terminal(sources or ["-"])
    report = pack_samples(
        sources or ["-"],
        out,
        names=names,
        threads=available_threads() if threads is None else threads,
        schema=schema,
        format=value_of(format),
        hash_seed=hash_seed,
        codec=codec.value,
        max_bad_ratio=max_bad_ratio,
        bad_lines=bad_lines,
        shard=parse_shard(shard),
    )
    report_lines(report.log, report.warnings)
    write(summary(report, out, time.monotonic() - start))


def summary(report: PackReport, path: str, seconds: float) -> str:
    per_sample = f", {report.bytes / report.samples:.1f} a sample" if report.samples else ""
    return facts(
        [
            ("samples", f"{report.samples:,} in {report.blocks:,} blocks"),
            ("read", megabytes(report.bytes_in)),
            ("bad lines", f"{report.log['bad_lines']:,}"),
            ("time", f"{seconds:.2f} s"),
            ("packed", f"{path}  {megabytes(report.bytes)}{per_sample}"),
        ]
    )


def register(app: typer.Typer) -> None:
    app.command("pack")(pack)
