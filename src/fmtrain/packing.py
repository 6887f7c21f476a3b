"""Packs samples into an input cache: parsed and hashed once, read many times (csrc/feature)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Literal

from fmtrain import _core
from fmtrain.data.rows import Format, open_input
from fmtrain.data.sources import names_of
from fmtrain.errors import BadInputError, ParameterError
from fmtrain.hyper import default
from fmtrain.stream import (
    Shard,
    bad_lines_file,
    check_max_bad_ratio,
    check_shard,
    check_threads,
    check_writable,
    run_pass,
    uninterrupted,
)

Codec = Literal["lz4", "zstd", "none"]

#: Unpacks 1.4 times as fast as zstd; its files are 6% larger (benchmarks/README.md).
CODEC: Codec = "lz4"


def ready_encoder(schema: Any, hash_seed: int) -> Any:
    from fmtrain.features.encoder import native_encoder
    from fmtrain.features.schema import Schema

    encoder = native_encoder(Schema.of(schema), hash_seed)
    encoder.check_fitted()
    return encoder


@dataclass(frozen=True)
class PackReport:
    """What pack did. `bytes_in` were read, `bytes` written; `log` and `warnings` are those of
    FitReport."""

    samples: int
    blocks: int
    bytes: int
    bytes_in: int
    times: dict[str, float]
    log: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def pack(
    source: Any,
    out: str | os.PathLike[str],
    *,
    names: bool = False,
    threads: int = 1,
    format: Format | None = None,
    schema: Any = None,
    hash_seed: int = default("hash_seed"),
    codec: Codec = CODEC,
    max_bad_ratio: float = 0.01,
    bad_lines: str | os.PathLike[str] | None = None,
    shard: Shard | None = None,
) -> PackReport:
    """Writes the samples of anything fit_stream reads to the file `out`, whole or not at all.

    fit_stream, predict_stream and all commands read it in place of text, without parsing: models
    and predictions are the same. names: keep the features' names, which a model with names=True
    needs. schema: that of raw rows (format: see fit_stream); a cache does not know by which it was
    made. hash_seed: that of the models it is for. codec: lz4, zstd (a little smaller, slower) or
    none. bad_lines: a file that receives the bad lines, which are left out. shard: (I, N), every
    N-th block of samples that are packed already.

    Raises as fit_stream does.
    """
    check_max_bad_ratio(max_bad_ratio)
    check_shard(shard)
    if codec not in ("lz4", "zstd", "none"):
        raise ParameterError(f"codec = {codec!r} is not allowed: give 'lz4', 'zstd' or 'none'")
    count = check_threads(threads)
    _core.Model({"hash_seed": str(hash_seed)})  # checks its range
    encoder = None if schema is None else ready_encoder(schema, hash_seed)
    sources, used = open_input(source, format, "text" if encoder is None else encoder.format)
    path = os.fspath(out)
    check_writable(path)
    side_path = None if bad_lines is None else os.fspath(bad_lines)
    if side_path is not None:
        check_writable(side_path, replaced=False)
    with bad_lines_file(side_path) as side_fd:
        stream = _core.Packer(count, used, hash_seed, names, side_fd, encoder)
        stream.write_cache(os.fsencode(path), codec)
        warnings = run_pass(stream, sources, max_bad_ratio, shard=shard)
    log = stream.log()
    if log["sample"] == 0 and shard is None:
        raise BadInputError(f"{names_of(sources)}: no samples")
    with uninterrupted():
        totals = stream.commit_cache()
    return PackReport(
        **totals, bytes_in=stream.bytes, times=stream.times(), log=log, warnings=warnings
    )
