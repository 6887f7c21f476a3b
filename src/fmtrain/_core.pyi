"""Types of the native module (csrc/bind), which is for fmtrain's own modules: use FTRLModel.

Errors are those of fmtrain.errors, by the core's status: ParameterError, FileError, ModelFileError,
OutOfMemoryError. Looking into a model while a Trainer learns into it raises
ValueError. Hyper-parameters travel as text: {"alpha": "0.05", "bias": "true", "bias_l1": ""}.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

__version__: str

#: bytes where a file's name is no UTF-8: os.fsencode.
_Path = str | bytes
_Floats = npt.NDArray[np.float32]
_Names = Sequence[bytes]
_Ids = npt.NDArray[np.uint64]
_Reals = npt.NDArray[np.float32] | npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int32] | npt.NDArray[np.int64]

class _HyperLine(TypedDict):
    """One line of csrc/model/hyper.h; `default` as text."""

    kind: str
    name: str
    default: str
    low: float
    high: float
    help: str

class _Bound(type):
    """Stands for pybind11's metaclass."""

class Encoder(metaclass=_Bound):
    # schema: JSON (csrc/encode/schema.h); forests: {name: what Forest reads}
    def __init__(self, schema: bytes, forests: Mapping[str, bytes], hash_seed: int) -> None: ...
    # ParameterError names the first feature whose cuts were not learned yet
    def check_fitted(self) -> None: ...
    # index, name, what (equal-width, equal-frequency, z-score, min-max), bins
    def to_learn(self) -> list[tuple[int, str, str, int]]: ...
    # all ids that the forest's leaves have
    def leaf_ids(self, forest: str) -> _Ids: ...
    @property
    def schema(self) -> bytes: ...
    @property
    def format(self) -> str: ...
    @property
    def forests(self) -> dict[str, bytes]: ...  # packed
    @property
    def hash_seed(self) -> int: ...

class Model(metaclass=_Bound):
    def __init__(self, hyper: Mapping[str, str], names: bool = False) -> None: ...
    @staticmethod
    def load(path: _Path) -> Model: ...
    @staticmethod
    def loads(data: bytes) -> Model: ...
    @staticmethod
    def import_alphafm(
        path: _Path, binary: bool, factors: int, hyper: Mapping[str, str]
    ) -> Model: ...  # factors < 0: the file's own
    def save(self, path: _Path) -> None: ...
    def dumps(self) -> bytes: ...
    # format: text, json, alphafm-text, alphafm-bin or alphafm-bin-float.
    # Gives rows, dropped, bytes, bytes_saved.
    def export(
        self, path: _Path, format: str, keep_zeros: bool, exact: bool = True
    ) -> dict[str, int]: ...
    def hyper(self) -> dict[str, str]: ...
    def change_hyper(self, hyper: Mapping[str, str]) -> None: ...
    # rules as csrc/model/expiry.h; now_minutes: since 1970
    def set_expiry(self, rules: Sequence[str], now_minutes: int) -> None: ...
    # from here on rows are encoded by it; golden rows and guards start anew
    def set_encoder(self, encoder: Encoder) -> None: ...
    # those of the rows leave the model: how many they were
    def drop_rows(self, ids: _Ids) -> int: ...
    # of all runs: column, rows, missing, nan, infinite, invalid, outside, unusual
    def guards(self) -> list[dict[str, Any]]: ...
    # found (n), w (n), v (n, factors); zeros where not found
    def weights(self, ids: _Ids) -> tuple[npt.NDArray[np.bool_], _Floats, _Floats]: ...
    # every row in table order: id, w (rows), v (rows, factors); with state z, n (rows),
    # v_z, v_n (rows, factors)
    def arrays(self, state: bool = True) -> dict[str, npt.NDArray[Any]]: ...
    # the same of those ids that have a row, in the order given
    def arrays_of(self, ids: _Ids) -> dict[str, npt.NDArray[Any]]: ...
    # None where there is no such row or the model keeps no names
    def names_of(self, ids: _Ids) -> list[bytes | None]: ...
    # rows, zero_w, zero_rows
    def sparsity(self) -> dict[str, int]: ...
    @property
    def encoder(self) -> Encoder | None: ...
    @property
    def encoder_bytes(self) -> int: ...  # in the model file
    @property
    def expiry(self) -> str: ...  # its rules, blanks between
    @property
    def hash_seed(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def factors(self) -> int: ...
    @property
    def has_names(self) -> bool: ...
    @property
    def has_stored(self) -> bool: ...
    @property
    def memory_bytes(self) -> int: ...
    @property
    def name_bytes(self) -> int: ...
    @property
    def bias(self) -> float: ...
    @property
    def bias_state(self) -> tuple[float, float]: ...  # z, n
    @property
    def samples(self) -> int: ...
    @property
    def weight_sum(self) -> float: ...
    @property
    def label_sum(self) -> float: ...

# precision: float32, float16 or int8; link: sigmoid, exp or raw; curve (n, 2) of scores and
# probabilities; row_ptr (samples + 1), ids, x: golden samples. Gives features, pruned, bytes,
# bytes_pruned, golden_rows, golden_shift.
def export_serving(
    model: Model,
    path: _Path,
    precision: str,
    name: str,
    version: str,
    trained_until: int,
    link: str,
    down_sampling_rate: float,
    curve: npt.NDArray[np.float64],
    row_ptr: npt.NDArray[np.uint64],
    ids: _Ids,
    x: _Floats,
    max_score_shift: float,
) -> dict[str, Any]: ...

class Forest(metaclass=_Bound):
    # XGBoost's JSON or UBJSON, LightGBM's text, or pack()'s bytes; name is for messages
    def __init__(self, data: bytes, name: str = "the forest") -> None: ...
    @staticmethod
    def read(data: bytes, name: str = "the forest") -> Forest: ...
    def pack(self) -> bytes: ...
    def save(self, path: _Path) -> None: ...  # pack()'s bytes, whole or not at all
    # all numbers of the tree's leaves, rising
    def leaves_of(self, tree: int) -> npt.NDArray[np.uint32]: ...
    # values (rows, columns) C-contiguous, NaN = missing; (rows, trees)
    def find_leaves(
        self, values: npt.NDArray[np.float64], threads: int = 1
    ) -> npt.NDArray[np.uint32]: ...
    @property
    def trees(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...  # empty where the file has none
    @property
    def content_hash(self) -> int: ...

# What streams share: begin, read or feed until the end, end; again; finish. The name is for the
# type checker alone.
class _Input(metaclass=_Bound):
    def begin(self, name: _Path, first_line: int = 1) -> None: ...
    # before the first begin: of packed samples every count-th block, from index on; no text
    def take_shard(self, index: int, count: int) -> None: ...
    # False at the input's end
    def read(self, fd: int, budget_ms: int) -> bool: ...
    # how many bytes of data[offset:] were taken
    def feed(self, data: Buffer, offset: int, budget_ms: int) -> int: ...
    def end(self) -> None: ...
    # indptr (rows + 1), indices and data (cells), names and ids (columns), label and weight (rows)
    def push_csr(
        self,
        indptr: _Indices,
        indices: _Indices,
        data: _Reals,
        names: _Names,
        ids: _Ids,
        label: npt.NDArray[np.float64] | None,
        weight: npt.NDArray[np.float64] | None,
    ) -> None: ...
    # data (rows, columns)
    def push_dense(
        self,
        data: _Reals,
        names: _Names,
        ids: _Ids,
        label: npt.NDArray[np.float64] | None,
        weight: npt.NDArray[np.float64] | None,
    ) -> None: ...
    def finish(self) -> None: ...
    def stop(self) -> None: ...
    # sample, blank, comment: counts; bad {reason: count}, bad_lines, comment_text and examples, of
    # source, line, column, reason, text, detail
    def log(self) -> dict[str, Any]: ...
    # seconds: elapsed; the reader's reading, blocked; the workers' waiting, parsing, learning
    def times(self) -> dict[str, float]: ...
    @property
    def stopped(self) -> bool: ...
    @property
    def bytes(self) -> int: ...
    @property
    def ended_inside_a_line(self) -> bool: ...

# Raw rows as columns: open, read until it says False.
class _Rows(metaclass=_Bound):
    # stream: the capsule of __arrow_c_stream__
    def open_arrow(self, stream: Any, name: _Path) -> None: ...
    def read_arrow(self, budget_ms: int) -> bool: ...

class _Packing(metaclass=_Bound):
    # before the first begin: keeps the samples, too. codec: lz4, zstd or none
    def write_cache(self, path: _Path, codec: str) -> None: ...
    # after finish: samples, blocks, bytes. The file appears now or never.
    def commit_cache(self) -> dict[str, int]: ...

class Packer(_Input, _Rows, _Packing):
    # format: text or libffm, or one of rows, which need an encoder; bad_lines_fd: -1 for none
    def __init__(
        self,
        threads: int,
        format: str = "text",
        hash_seed: int = 0,
        names: bool = False,
        bad_lines_fd: int = -1,
        encoder: Encoder | None = None,
    ) -> None: ...

class Trainer(_Input, _Rows, _Packing):
    # format: text or libffm, or one of rows: tsv, csv, jsonl, parquet (columns), which the model's
    # encoder reads; bad_lines_fd: -1 for none
    def __init__(
        self,
        model: Model,
        threads: int,
        format: str = "text",
        bad_lines_fd: int = -1,
        deterministic: bool = False,
        min_count_memory: int = 0,
        max_memory: int = 0,
        now_minutes: int = 0,
        count_anew: bool = False,
    ) -> None: ...
    # window and total (samples, weight_sum, label_sum, prediction_sum, logloss, auc, auc_error),
    # features, memory_bytes, economy (empty, or what csrc/train/economy.h reports)
    def progress(self, close_window: bool) -> dict[str, Any]: ...
    # of rows: as Model.guards; else empty
    def guards(self) -> list[dict[str, Any]]: ...

class Predictor(_Input, _Rows):
    # output_fd: lines go there; -1: results are kept for take(). link: sigmoid, exp or raw
    def __init__(
        self,
        model: Model,
        threads: int,
        format: str = "text",
        bad_lines_fd: int = -1,
        output_fd: int = -1,
        link: str = "sigmoid",
        alphafm: bool = False,
        label_required: bool = True,
    ) -> None: ...
    def guards(self) -> list[dict[str, Any]]: ...
    # label, weight, raw score, group: (samples)
    def take(self) -> tuple[_Floats, _Floats, _Floats, _Ids]: ...
    @property
    def samples(self) -> int: ...

# Samples that become golden rows: up to 1,000, more end the stream.
class GoldenSamples(_Input, _Rows):
    def __init__(self, model: Model, format: str = "text") -> None: ...
    # row_ptr (samples + 1), ids, x
    def take(self) -> tuple[npt.NDArray[np.uint64], _Ids, _Floats]: ...

# Rows as samples, in row order.
class EncodeStream(_Input, _Rows):
    # output_fd: text samples go there, which needs names; -1: they are kept for take()
    def __init__(
        self,
        encoder: Encoder,
        threads: int,
        format: str,
        bad_lines_fd: int = -1,
        output_fd: int = -1,
        names: bool = False,
        label_required: bool = True,
    ) -> None: ...
    # label, weight, row, features (how many), keys: (samples); ids, x, names: (all features)
    def take(self) -> dict[str, Any]: ...
    def guards(self) -> list[dict[str, Any]]: ...

class SynthOptions(metaclass=_Bound):
    fields: int
    dims: int
    numeric: int
    factors: int
    keys: int
    weights: bool
    zipf: float
    ctr: float
    seed: int
    def __init__(self) -> None: ...
    def header(self) -> str: ...
    @staticmethod
    def parse_header(line: str, /) -> SynthOptions | None: ...

class Synth(metaclass=_Bound):
    def __init__(self, options: SynthOptions, /) -> None: ...
    def text(self, first: int, count: int, /) -> bytes: ...
    # lines, and their true log odds (count)
    def text_and_scores(self, first: int, count: int, /) -> tuple[bytes, _Floats]: ...

def describe_hyper() -> list[_HyperLine]: ...
def describe_reasons() -> dict[str, str]: ...  # {bad_value: "the value is not a ..."}
def hash_name(name: bytes, seed: int = 0) -> int: ...

# N(0, 1), the start of v
def start_value(id: int, lane: int, seed: int = 0) -> float: ...

# label, weight, [(name, value)], key; ValueError says what is wrong with the line
def parse_line(
    line: bytes, format: str = "text"
) -> tuple[float, float, list[tuple[bytes, float]], bytes]: ...

# line (1-based), reason, detail
def first_bad_line(text: bytes) -> tuple[int, str, bytes] | None: ...

# the keys that lead to what is wrong with a schema, and a message
def check_schema(schema: bytes) -> tuple[list[str], str] | None: ...

# as csrc/encode/transform.h writes a number
def number_text(value: float) -> str: ...

# number_bytes, factors, features, nonzero_features
def alphafm_info(path: _Path) -> dict[str, int]: ...

# format: text, double or float; target "": standard output
def convert_alphafm(
    source: _Path,
    source_binary: bool,
    factors: int,
    format: str,
    keep_zeros: bool,
    target: _Path,
) -> None: ...

class Profiler(_Input, _Rows):
    # checking: labels count, as in training, and no numbers are kept
    def __init__(
        self,
        encoder: Encoder,
        threads: int,
        format: str,
        bad_lines_fd: int = -1,
        checking: bool = False,
    ) -> None: ...
    # {feature: its numbers since the last call}, in row order; at any time
    def take(self) -> dict[int, list[npt.NDArray[np.float64]]]: ...
    # as guards(), with min and max where a column has numbers
    def columns(self) -> list[dict[str, Any]]: ...
    def guards(self) -> list[dict[str, Any]]: ...
