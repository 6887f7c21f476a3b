"""Raw rows -> ids and values, by the core's one encoder: what training and scoring see of a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fmtrain import _core
from fmtrain.data.rows import open_rows
from fmtrain.features.schema import Schema
from fmtrain.lazy import np, npt
from fmtrain.reports import Guards, guards_by_column
from fmtrain.stream import bad_lines_file, check_max_bad_ratio, check_threads, run_pass


@dataclass(frozen=True)
class Encoded:
    """Samples of n rows; sample i owns ids[indptr[i]:indptr[i + 1]], and x and names alike."""

    label: npt.NDArray[np.float32]  # (n)
    weight: npt.NDArray[np.float32]  # (n)
    indptr: npt.NDArray[np.uint64]  # (n + 1)
    ids: npt.NDArray[np.uint64]  # (features)
    x: npt.NDArray[np.float32]  # (features)
    row: npt.NDArray[np.uint64]  # (n), 1-based line or row: bad rows have no sample
    key: list[bytes]  # (n), empty where a row has none
    names: list[bytes]  # (features); empty unless names are asked for
    log: dict[str, Any] = field(repr=False)
    guards: Guards = field(repr=False)
    warnings: list[str] = field(default_factory=list)


class Encoder:
    """A schema made ready for rows.

    schema: a path, a dict or a Schema; what it has to learn must have been learned. hash_seed: that
    of the models the ids are for. names: keep the features' names. threads: that encode; the result
    is in row order whatever their number.
    """

    def __init__(
        self, schema: Any, *, hash_seed: int = 0, names: bool = False, threads: int = 1
    ) -> None:
        self.schema = Schema.of(schema)
        self.hash_seed = hash_seed
        self.names = names
        self.threads = check_threads(threads)
        self._native = native_encoder(self.schema, hash_seed)
        self._native.check_fitted()

    def encode(
        self,
        source: Any,
        *,
        format: str | None = None,
        label_required: bool = True,
        max_bad_ratio: float = 1.0,
    ) -> Encoded:
        """source: a path, glob, `-`, `exec:CMD`, text (bytes) or a file object in `format` (tsv,
        csv, jsonl, parquet; default: the schema's), a list of {column: value}, a DataFrame or
        anything with the Arrow C stream interface.

        Without label_required a label that is not there is 0. Raises BadInputError when more than
        max_bad_ratio of the rows are bad; `log` has the first of them.
        """
        return encode_rows(
            self._native,
            source,
            self.threads,
            format=format,
            names=self.names,
            label_required=label_required,
            max_bad_ratio=max_bad_ratio,
        )

    def write(
        self,
        source: Any,
        fd: int,
        *,
        format: str | None = None,
        label_required: bool = True,
        max_bad_ratio: float = 0.01,
        bad_lines: str | None = None,
    ) -> tuple[dict[str, Any], Guards, list[str]]:
        """Writes text samples to an open descriptor, in row order: training on them leaves the
        model that training on the rows does. Returns the log, guards and warnings."""
        check_max_bad_ratio(max_bad_ratio)
        sources, used = open_rows(source, format or self.schema.format)
        with bad_lines_file(bad_lines) as side_fd:
            stream = _core.EncodeStream(
                self._native,
                self.threads,
                used,
                bad_lines_fd=side_fd,
                output_fd=fd,
                names=True,
                label_required=label_required,
            )
            warnings = run_pass(stream, sources, max_bad_ratio)
        return stream.log(), guards_by_column(stream.guards()), warnings


def encode_rows(
    encoder: Any,
    source: Any,
    threads: int,
    *,
    format: str | None = None,
    names: bool = False,
    label_required: bool = True,
    max_bad_ratio: float = 1.0,
) -> Encoded:
    """As Encoder.encode, by the core's encoder."""
    check_max_bad_ratio(max_bad_ratio)
    sources, used = open_rows(source, format or encoder.format)
    stream = _core.EncodeStream(encoder, threads, used, names=names, label_required=label_required)
    warnings = run_pass(stream, sources, max_bad_ratio)
    samples = stream.take()
    indptr = np.zeros(len(samples["label"]) + 1, dtype=np.uint64)
    np.cumsum(samples["features"], out=indptr[1:])
    return Encoded(
        label=samples["label"],
        weight=samples["weight"],
        indptr=indptr,
        ids=samples["ids"],
        x=samples["x"],
        row=samples["row"],
        key=samples["keys"],
        names=samples["names"],
        log=stream.log(),
        guards=guards_by_column(stream.guards()),
        warnings=warnings,
    )


def native_encoder(schema: Schema, hash_seed: int) -> Any:
    """The core's encoder of a schema; it may lack what it has to learn."""
    return _core.Encoder(schema.canonical(), schema.forests, hash_seed)
