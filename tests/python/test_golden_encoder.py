"""Models that carry an encoder: read for ever, with the same samples and scores."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from fmtrain import _core
from fmtrain.errors import ModelFileError

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
# Features of samples stand in the schema's order, and by their sides since version 4.
VERSIONS, NEWEST = ("model_v3", "model_v4"), "model_v4"
EXPECTED: dict[str, dict[str, Any]] = {
    version: json.loads((GOLDEN / version / "encoder.json").read_text()) for version in VERSIONS
}
ROWS = (GOLDEN / NEWEST / "rows.tsv").read_bytes()  # of all versions
NAMES = ["encoder_lr.fmt", "encoder_fm.fmt"]
versions = pytest.mark.parametrize("version", VERSIONS)
files = pytest.mark.parametrize("name", NAMES)
HEAD = struct.Struct("<IIQQII")  # kind, crc, payload bytes, items, crc of the head, 0


def through(stream: Any, data: bytes) -> Any:
    stream.begin("rows.tsv")
    offset = 0
    while offset < len(data):
        offset += stream.feed(data, offset, 1000)
    stream.end()
    stream.finish()
    return stream


def encoded(version: str, threads: int = 1, seed: int = 5) -> list[dict[str, Any]]:
    encoder = _core.Encoder((GOLDEN / version / "schema.json").read_bytes(), {}, seed)
    got = through(_core.EncodeStream(encoder, threads, "tsv", names=True), ROWS).take()
    features = iter(zip(got["names"], got["ids"], got["x"], strict=True))
    samples = []
    for i, size in enumerate(got["features"]):
        made = [next(features) for _ in range(size)]
        samples.append(
            {
                "label": float(got["label"][i]),
                "weight": float(got["weight"][i]),
                "key": got["keys"][i].decode(errors="surrogateescape"),
                "features": [
                    [name.decode(errors="surrogateescape"), f"{int(feature):016x}", float(x)]
                    for name, feature, x in made
                ],
            }
        )
    return samples


def scores(model: Any) -> list[float]:
    found: list[float] = through(_core.Predictor(model, 1, "tsv"), ROWS).take()[2].tolist()
    return found


def in_no_order(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**sample, "features": sorted(sample["features"])} for sample in samples]


@versions
@pytest.mark.parametrize("threads", [1, 3])
def test_rows_become_the_samples_they_became(version: str, threads: int) -> None:
    found, expected = encoded(version, threads), EXPECTED[version]["samples"]
    assert in_no_order(found) == in_no_order(expected)
    assert (found == expected) == (version == NEWEST)


@versions
@files
def test_golden_files_score_as_they_did(version: str, name: str) -> None:
    expected = EXPECTED[version][name]
    data = (GOLDEN / version / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == expected["sha256"]
    model: Any = _core.Model.load(str(GOLDEN / version / name))
    assert model.features == expected["features"]
    # The last bits of a sum depend on the order.
    assert scores(model) == pytest.approx(expected["scores"], rel=1e-6)
    if version == NEWEST:
        assert scores(model) == expected["scores"]
    assert [guard["rows"] for guard in model.guards() if guard["rows"]] == [12] * 18
    # What is saved again is the same: the newest version, golden rows and all.
    again = model.dumps()
    assert (again == data) == (version == NEWEST)
    assert again[8:12] == (GOLDEN / NEWEST / name).read_bytes()[8:12]
    twin = _core.Model.loads(again)
    assert scores(twin) == scores(model)
    # And both learn alike.
    for each in (model, twin):
        through(_core.Trainer(each, 1, "tsv"), ROWS)
    assert model.dumps() == twin.dumps() != again


@files
def test_an_encoder_cut_or_flipped_is_refused(name: str) -> None:
    whole = (GOLDEN / NEWEST / name).read_bytes()
    at = 16 + struct.unpack_from("<I", whole, 12)[0] + 4
    kind, _, payload, items, _, _ = HEAD.unpack_from(whole, at)
    assert (kind, items) == (6, 12)
    for size in range(at, at + HEAD.size + payload, 5):
        with pytest.raises(ModelFileError, match="damaged"):
            _core.Model.loads(whole[:size])
    for bit in range(8 * at, 8 * (at + HEAD.size + payload), 31):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError, match="damaged"):
            _core.Model.loads(bytes(data))


def test_a_model_of_an_older_version_has_no_encoder() -> None:
    for version in ("model_v1", "model_v2"):
        model: Any = _core.Model.load(str(GOLDEN / version / "lr.fmt"))
        assert model.guards() == []
