"""A value is encoded alike whatever form it comes in."""

from __future__ import annotations

from typing import Any

import pytest

LABEL = {"y": {"role": "label"}}


def names_of(column: dict[str, Any], cell: Any) -> list[bytes]:
    features = pytest.importorskip("fmtrain.features")
    encoder = features.Encoder({"columns": LABEL | {"a": column}}, names=True)
    got = encoder.encode([{"y": 1, "a": cell}])
    assert not {kind: n for kind, n in got.log["bad"].items() if n}
    return list(got.names)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (3.0, b"a=3"),
        (100000.0, b"a=100000"),
        (1e22, b"a=1e+22"),
        (2**60 + 1, b"a=1152921504606846977"),
    ],
)
def test_category_of_a_number(cell: Any, name: bytes) -> None:
    assert names_of({}, cell) == [name]


@pytest.mark.parametrize("cell", ["0", 0, 0.0, False])
def test_missing_token_of_a_number(cell: Any) -> None:
    assert names_of({"type": "number", "missing": ["0"]}, cell) == [b"a="]


def test_infinite_weight() -> None:
    assert names_of({"type": "weighted-list"}, {"x": float("inf"), "z": 1.0}) == [b"a=z"]


def test_no_rows() -> None:
    features = pytest.importorskip("fmtrain.features")
    assert len(features.Encoder({"columns": LABEL | {"a": {}}}).encode([]).label) == 0
