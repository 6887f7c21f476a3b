"""X in every shape: the same content is the same model, and what is refused is named."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from fmtrain import FTRLModel, _core
from fmtrain.errors import ParameterError

ROWS, COLUMNS = 300, 7
MODELS = [dict(factors=0), dict(factors=3, v_start="kept")]


def content() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X of whole numbers, half of them 0; y; weights."""
    random = np.random.default_rng(0)
    X = random.integers(-3, 4, (ROWS, COLUMNS)).astype(float)
    X[random.random(X.shape) < 0.4] = 0
    return X, (random.random(ROWS) < 0.4).astype(int), random.choice([0.5, 1.0, 3.0], ROWS)


def lines(X: np.ndarray) -> list[str]:
    return [" ".join(f"{j}:{x:g}" for j, x in enumerate(row) if x) for row in X]


def strided(X: np.ndarray) -> np.ndarray:
    wide = np.full((2 * ROWS, 3 * COLUMNS), np.nan)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def read_only(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X.flags.writeable = False
    return X


SHAPES: dict[str, Callable[[np.ndarray], Any]] = {
    "text": lines,
    "bytes": lambda X: [line.encode() for line in lines(X)],
    "text-generator": lambda X: iter(lines(X)),
    "text-object-array": lambda X: np.array(lines(X), dtype=object),
    "dicts": lambda X: [{str(j): x for j, x in enumerate(row)} for row in X.tolist()],
    "dicts-of-numbers-as-names": lambda X: [dict(enumerate(row)) for row in X.tolist()],
    "dict-generator": lambda X: ({str(j): x for j, x in enumerate(row)} for row in X.tolist()),
    "lists": lambda X: X.tolist(),
    "tuples": lambda X: tuple(tuple(row) for row in X.tolist()),
    "c-order": np.ascontiguousarray,
    "fortran-order": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "float32-fortran": lambda X: np.asfortranarray(X.astype(np.float32)),
    "float16": lambda X: X.astype(np.float16),
    "int8": lambda X: X.astype(np.int8),
    "int64": lambda X: X.astype(np.int64),
    "big-endian": lambda X: X.astype(">f8"),
    "strided": strided,
    "reversed-twice": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only": read_only,
    "object-array": lambda X: X.astype(object),
    "csr": sp.csr_matrix,
    "csr-array": sp.csr_array,
    "csr-float32": lambda X: sp.csr_matrix(X.astype(np.float32)),
    "csr-int": lambda X: sp.csr_matrix(X.astype(np.int32)),
    "csr-explicit-zeros": lambda X: explicit_zeros(X),
    "csr-long-indices": lambda X: long_indices(X),
    "csc": sp.csc_matrix,
    "coo": sp.coo_array,
    "frame": pd.DataFrame,
    "frame-int": lambda X: pd.DataFrame(X.astype(int)),
    "frame-nullable": lambda X: pd.DataFrame(X.astype(int)).astype("Int64"),
    "frame-mixed-widths": lambda X: pd.DataFrame(X).astype({0: "float32", 1: "int8"}),
}


def explicit_zeros(X: np.ndarray) -> sp.csr_matrix:
    indices, indptr = np.tile(np.arange(COLUMNS), ROWS), np.arange(ROWS + 1) * COLUMNS
    return sp.csr_matrix((X.ravel(), indices, indptr), shape=X.shape)


def long_indices(X: np.ndarray) -> sp.csr_matrix:
    csr = sp.csr_matrix(X)
    csr.indices, csr.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    return csr


@pytest.mark.parametrize("parameters", MODELS, ids=["lr", "fm"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_content_is_the_same_model(shape: str, parameters: dict[str, Any]) -> None:
    X, y, weights = content()
    expected = FTRLModel(names=True, **parameters)
    stream = [
        f"{label}:{weight} {line}" for label, weight, line in zip(y, weights, lines(X), strict=True)
    ]
    expected.fit_stream(line.encode() for line in stream)
    model = FTRLModel(names=True, **parameters)
    model.fit(SHAPES[shape](X), y, sample_weight=weights)
    assert model._native.dumps() == expected._native.dumps()
    predictions = expected.predict_stream(line.encode() for line in stream)
    np.testing.assert_array_equal(model.decision_function(SHAPES[shape](X)), predictions.score)
    np.testing.assert_array_equal(predictions.label, y)
    np.testing.assert_array_equal(predictions.weight, weights.astype(np.float32))


def test_a_field_of_a_structured_array() -> None:
    X, y, _ = content()
    packed = np.zeros(X.shape, dtype=[("flag", "i1"), ("x", "f8")])
    packed["x"] = X
    expected = FTRLModel(factors=0).fit(X, y)._native.dumps()
    assert FTRLModel(factors=0).fit(packed["x"], y)._native.dumps() == expected


def test_csr_with_duplicate_cells_means_their_sum() -> None:
    cells = ([1.0, 2.0, 1.0], [0, 0, 1], [0, 2, 3])
    twice, once = sp.csr_matrix(cells, shape=(2, 2)), sp.csr_matrix([[3.0, 0.0], [0.0, 1.0]])
    models = [FTRLModel(factors=2).fit(X, [1, 0])._native.dumps() for X in (twice, once)]
    assert models[0] == models[1]
    assert twice.nnz == 3  # and X stays as it was


@pytest.mark.parametrize("make", [pd.Series, np.array], ids=["series", "array-of-str"])
def test_one_column_of_text_lines(make: Callable[[list[str]], Any]) -> None:
    expected = FTRLModel(factors=0).fit(["a b", "b:2"], [1, 0])._native.dumps()
    assert FTRLModel(factors=0).fit(make(["a b", "b:2"]), [1, 0])._native.dumps() == expected


# ---- DataFrames ----


def test_text_columns_become_column_equals_value() -> None:
    frame = pd.DataFrame(
        {
            "city": ["rome", "oslo", "rome", "lima"],
            "age": [31, 0, 25, 40],
            "plan": pd.Categorical(["pro", "free", "free", "pro"]),
            "on": [True, False, True, True],
            7: ["x", "y", "x", "x"],
        }
    )
    text = [
        "city=rome age:31 plan=pro on 7=x",
        "city=oslo plan=free 7=y",
        "city=rome age:25 plan=free on 7=x",
        "city=lima age:40 plan=pro on 7=x",
    ]
    y = [1, 0, 0, 1]
    by_text = FTRLModel(factors=2).fit(text, y)
    by_frame = FTRLModel(factors=2).fit(frame, y)
    assert by_frame._native.dumps() == by_text._native.dumps()
    assert by_frame.feature_names_in_.tolist() == ["city", "age", "plan", "on", "7"]
    assert by_frame.n_features_in_ == 5
    np.testing.assert_array_equal(by_frame.predict(frame), by_text.predict(text))
    # A level never seen is an unknown feature, whatever the levels of the frame are.
    other = frame.iloc[:1].assign(plan=pd.Categorical(["trial"], categories=["trial", "pro"]))
    expected = by_text.decision_function(["city=rome age:31 on 7=x"])
    np.testing.assert_array_equal(by_frame.decision_function(other), expected)


def test_dict_text_values_become_name_equals_value() -> None:
    rows = [{"city": "rome", "n": 2, "on": True}, {"city": b"oslo", "n": np.float32(0.5)}]
    by_text = FTRLModel(factors=0).fit(["city=rome n:2 on", "city=oslo n:0.5"], [1, 0])
    assert FTRLModel(factors=0).fit(rows, [1, 0])._native.dumps() == by_text._native.dumps()


def test_column_count_is_checked() -> None:
    X, y, _ = content()
    for fitted, shown in [
        (X, X[:, :3]),
        (sp.csr_matrix(X), X[:, :3]),
        (X, sp.csr_matrix(X[:, :3])),
    ]:
        model = FTRLModel(factors=0).fit(fitted, y)
        assert model.n_features_in_ == COLUMNS
        for use in (model.predict, lambda rows, m=model: m.partial_fit(rows, y)):
            with pytest.raises(ParameterError, match=r"X has 3 features, but .* expecting 7"):
                use(shown)


# ---- refusals ----

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("X", "text"),
    [
        ([[1.0, 2.0], [NAN, 1.0]], "X, row 1, column '0': Input contains NaN"),
        ([[1.0, INF], [0.0, 1.0]], "X, row 0, column '1': Input contains infinity"),
        (np.float32([[1, 2], [3, -INF]]), "X, row 1, column '1': Input contains infinity"),
        (sp.csr_matrix([[0.0, 0.0], [0.0, NAN]]), "X, row 1, column '1': Input contains NaN"),
        ([{"a": 1.0}, {"b": 1.0, "c": INF}], "X, row 1, column 'c': Input contains infinity"),
        ([{"a": 1.0}, {"b": None}], "X, row 1: the value of 'b' is None, not a number or text"),
        ([{"a": 1.0}, "b"], "X, row 1: a str among dicts"),
        (["a", 3], "X, row 1: a int among text lines"),
        (["a", "b:x"], "X, row 1: the value is not a decimal number: 'x'"),
        (["a:nan", "b"], "X, row 0: the value is not finite: 'nan'"),
        (["a", "b:"], "X, row 1: a colon without a value behind it: ':'"),
        (["a", ":1"], "X, row 1: a feature has no name: ':1'"),
        (["a\nb", "c"], "X, row 0: a newline inside the line"),
        (pd.DataFrame({"a": [1.0, NAN]}), "X, row 1, column 'a': Input contains NaN"),
        (pd.DataFrame({"a": ["x", None]}), "X, row 1, column 'a': the value is missing"),
        (
            pd.DataFrame({"a": pd.Categorical([None, "x"]), "b": [1, 2]}),
            "X, row 0, column 'a': the value is missing",
        ),
        (
            pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": ["x", "y"]}),
            "X, row 1, column 'a': Input contains NaN",
        ),
        (np.zeros(2), "X has 1 dimensions, 2 are needed"),
        (np.zeros((2, 2, 2)), "X has 3 dimensions, 2 are needed"),
        (np.zeros((2, 2), dtype=complex), "Complex data not supported"),
        (sp.csr_matrix(np.zeros((2, 2), dtype=complex)), "Complex data not supported"),
        ([[1, 2], [3]], "X is not a matrix of numbers"),
        ([["a", "b"], ["c", "d"]], "X is not a matrix of numbers"),
        ("a b", "X is one str: give a list of rows"),
        ({"a": 1}, "X is one dict: give a list of rows"),
        ([], "X has 1 dimensions"),
        (np.zeros((0, 3)), r"X has 0 sample\(s\)"),
        (["a b"], "y has shape"),
        (None, "X is"),
    ],
)
def test_refusals_name_row_and_column(X: Any, text: str) -> None:
    model, y = FTRLModel(factors=0), [1, 0] if getattr(X, "shape", [2])[0] else []
    with pytest.raises(ParameterError, match=text):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_too_large_a_value_is_refused_by_name() -> None:
    model = FTRLModel(factors=0)
    for X in ([[0.0, 1.0], [1e300, 1.0]], ["1", "0:1e38 1"], [{"1": 1.0}, {"0": 1e38, "1": 1.0}]):
        with pytest.raises(ParameterError, match=r"X, row 1: .*not finite"):
            model.fit(X, [1, 0])


def test_a_matrix_that_lies_about_itself_is_refused() -> None:
    native = FTRLModel(factors=0).fit([[1.0, 2.0]], [1])._native
    ids, names = np.zeros(2, dtype=np.uint64), [b"0", b"1"]
    data = np.ones(2)
    for indptr, indices in [
        ([0, 3], [0, 1]),
        ([0, 2], [0, 2]),
        ([0, 2], [0, -1]),
        ([1, 2], [0, 1]),
        ([0, 2, 1], [0, 1]),
    ]:
        stream = _core.Trainer(native, 1)
        csr = np.array(indptr, dtype=np.int32), np.array(indices, dtype=np.int32)
        with pytest.raises(ValueError, match="not a valid CSR"):
            stream.push_csr(*csr, data, names, ids, None, None)
        with pytest.raises(ValueError, match="y does not have one number a row"):
            stream.push_dense(np.ones((3, 2)), names, ids, np.ones(2), None)
        stream.finish()


# ---- memory and threads ----

MEMORY_CODE = """
import resource, sys
import numpy as np
from fmtrain import FTRLModel
X = np.zeros((400_000, 60), dtype=sys.argv[1], order=sys.argv[2])
X[:, 0], X[::2, 1] = 1, 2
y = np.arange(len(X)) % 2
FTRLModel(factors=0).fit(X[:100], y[:100]).predict_proba(X[:100])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
FTRLModel(factors=0).fit(X, y).decision_function(X)
print(X.nbytes // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize(("dtype", "order"), [("f8", "C"), ("f8", "F"), ("f4", "C")])
def test_a_large_dense_matrix_is_not_copied(dtype: str, order: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_CODE, dtype, order], capture_output=True, check=True
    )
    size_kib, growth_kib = map(int, done.stdout.split())
    assert size_kib > 90_000
    assert growth_kib < size_kib / 4


def ticks_during(work: Callable[[], Any]) -> int:
    """How often another Python thread came to run while `work` was at it."""
    ticks, over = 0, threading.Event()

    def count() -> None:
        nonlocal ticks
        while not over.wait(0.001):
            ticks += 1

    other = threading.Thread(target=count)
    other.start()
    work()
    over.set()
    other.join()
    return ticks


def test_other_python_threads_run_during_training_and_prediction() -> None:
    line = b"1" + b"".join(b" feature%d:0.5" % i for i in range(300)) + b"\n"
    text = line * 8000
    dense = np.ones((20_000, 300), dtype=np.float32)
    y = np.ones(len(dense))
    model = FTRLModel(factors=8)
    assert ticks_during(lambda: model.fit_stream([text])) > 15
    assert ticks_during(lambda: model.predict_stream([text])) > 15
    assert ticks_during(lambda: model.fit(dense, y)) > 15
