"""The trainer, `fmtrain predict`, Python, C, C++ and Java give the same scores, bit by bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.serving import Item, Scorer, feature_id
from java_hosts import HAS_JDK, java_host
from serving_hosts import HOSTS, build, export, fmtrain, host_scores, write_csr

ROWS = 100_000
NAMES = np.array([f"f{number}" for number in range(5000)])  # half of them are never trained on
USER_FEATURES, ITEM_FEATURES = 7, 12
RAW_SCHEMA = {
    "format": "jsonl",
    "columns": {
        "click": {"role": "label"},
        "price": {"type": "number", "role": "item", "transforms": ["log", "boundaries 1 2 3 4"]},
        "ad": {"role": "item"},
        "city": {"role": "user"},
        "age": {"type": "number", "role": "user"},
        "tags": {"type": "list", "role": "item"},
        "likes": {"type": "weighted-list", "role": "user"},
        "hour": {"type": "number"},
    },
    "features": {
        "city_ad": {"cross": ["city", "ad"]},
        "tags_ad": {"cross": ["tags", "ad"]},
        "city_likes": {"cross": ["city", "likes"]},
    },
}
USER_COLUMNS = ("city", "age", "likes")

Floats = np.ndarray[Any, np.dtype[np.float32]]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """In C, C++ and, where there is a JDK, Java."""
    folder = tmp_path_factory.mktemp("hosts")
    built = [build(HOSTS / f"score_rows.{end}", folder / end, "-O2") for end in ("c", "cc")]
    return built + ([java_host("ScoreRows", folder / "java")] if HAS_JDK else [])


def predicted(model: Path, rows: bytes, folder: Path, *flags: str) -> Floats:
    """By the command line."""
    (folder / "rows.in").write_bytes(rows)
    out = folder / "predictions.txt"
    fmtrain("predict", "--model", model, "--link", "raw", "--out", out, *flags, folder / "rows.in")
    lines = out.read_text().splitlines()
    return np.array([line.split()[1] for line in lines], dtype=np.float32)


def check_hosts(hosts: list[Path], model: Path, form: str, rows: Path, told: Floats) -> None:
    for host in hosts:
        scores, status = host_scores(host, model, form, rows)
        assert np.array_equal(scores, told), host.name
        assert not status.any(), host.name


# ---- ids ----


@dataclass(frozen=True)
class Samples:
    """Rows that have one user: indices into NAMES, and values."""

    user: Any
    user_x: Any
    items: Any  # (rows, ITEM_FEATURES)
    x: Any

    def lines(self) -> list[bytes]:
        before = named(self.user, self.user_x)
        return [before + b" " + named(*row) for row in zip(self.items, self.x, strict=True)]

    def csr(self) -> tuple[Any, Any, Any]:
        row_ptr = np.arange(len(self.items) + 1, dtype=np.uint64) * np.uint64(ITEM_FEATURES)
        return row_ptr, IDS[self.items].ravel(), self.x.ravel()

    def dicts(self) -> list[dict[str, float]]:
        rows = zip(NAMES[self.items].tolist(), self.x.tolist(), strict=True)
        return [dict(zip(*row, strict=True)) for row in rows]


IDS = np.array([feature_id(name, 0) for name in NAMES.tolist()], dtype=np.uint64)


def named(features: Any, x: Any) -> bytes:
    # repr of the float itself: no parser can read another one.
    pairs = zip(NAMES[features].tolist(), x.tolist(), strict=True)
    return " ".join(f"{name}:{value!r}" for name, value in pairs).encode()


@pytest.fixture(scope="module")
def samples() -> Samples:
    rng = np.random.default_rng(11)
    items = np.argpartition(rng.random((ROWS // 50, len(NAMES))), ITEM_FEATURES)[:, :ITEM_FEATURES]
    items = items[rng.integers(0, len(items), ROWS)]
    x = rng.normal(size=items.shape).astype(np.float32)
    x[rng.random(x.shape) < 0.5] = 1
    x[rng.random(x.shape) < 0.02] = 0
    user = rng.choice(len(NAMES), USER_FEATURES, replace=False)
    return Samples(user, rng.normal(size=USER_FEATURES).astype(np.float32), items, x)


@pytest.mark.parametrize("factors", [0, 4, 8, 13])
def test_features(factors: int, samples: Samples, hosts: list[Path], tmp_path: Path) -> None:
    model = trained_on_names(factors)
    model.save(str(tmp_path / "model.fmt"))
    served = export(tmp_path / "model.fmt", tmp_path / "model.fms")

    lines = samples.lines()
    told = model.decision_function(lines).astype(np.float32)
    assert len(np.unique(told)) > ROWS / 100
    text = b"".join(b"0 " + line + b"\n" for line in lines)
    assert np.array_equal(predicted(tmp_path / "model.fmt", text, tmp_path), told)

    user = IDS[samples.user], samples.user_x
    row_ptr, ids, x = samples.csr()
    with Scorer(served, output="score") as scorer:
        found = scorer.score((row_ptr, ids, x), user)
        assert np.array_equal(found.scores, told)
        assert found.status.tolist() == [Item.OK] * ROWS
        by_name = dict(zip(NAMES[samples.user].tolist(), samples.user_x.tolist(), strict=True))
        assert np.array_equal(scorer.score(samples.dicts()[:5000], by_name).scores, told[:5000])
        texts = [b"0 " + line for line in lines[:5000]]
        assert np.array_equal(scorer.score_text(texts), told[:5000])
        whole = whole_rows(samples)
        assert np.array_equal(scorer.score(whole).scores, told)

    rows = write_csr(tmp_path / "rows.csr", row_ptr, ids, x, *user)
    check_hosts(hosts, served, "csr", rows, told)
    check_hosts(hosts, served, "csr", write_csr(tmp_path / "whole.csr", *whole), told)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_fewer_bits(precision: str, samples: Samples, hosts: list[Path], tmp_path: Path) -> None:
    """All hosts agree bit by bit; golden rows are as far from the model as `export` says."""
    model = trained_on_names(8)
    model.save(str(tmp_path / "model.fmt"))
    lines = samples.lines()[:1000]
    (tmp_path / "golden.txt").write_bytes(b"".join(b"0 " + line + b"\n" for line in lines))
    flags = ["--precision", precision, "--golden", tmp_path / "golden.txt"]
    served = export(tmp_path / "model.fmt", tmp_path / "model.fms", *flags)
    user = IDS[samples.user], samples.user_x
    with Scorer(served, output="score") as scorer:
        told = scorer.score(samples.csr(), user).scores
        shift = np.abs(told[:1000].astype(np.float64) - model.decision_function(lines)).max()
        assert scorer.info.precision == precision
        assert 0 < shift == scorer.info.golden_shift
    check_hosts(hosts, served, "csr", write_csr(tmp_path / "rows", *samples.csr(), *user), told)


def trained_on_names(factors: int) -> FTRLModel:
    """Knows the first half of NAMES."""
    rng = np.random.default_rng(factors)
    model = FTRLModel(factors=factors, l1=0.01, v_start="kept", init_stdev=0.1)
    drawn = rng.integers(0, len(NAMES) // 2, (3000, 20))
    model.fit([" ".join(row).encode() for row in NAMES[drawn]], rng.integers(0, 2, len(drawn)))
    return model


def whole_rows(samples: Samples) -> tuple[Any, Any, Any]:
    """The same without a user: its features stand in each row."""
    rows = len(samples.items)
    ids = np.hstack([np.tile(IDS[samples.user], (rows, 1)), IDS[samples.items]])
    x = np.hstack([np.tile(samples.user_x, (rows, 1)), samples.x])
    return np.arange(rows + 1) * ids.shape[1], ids.ravel(), x.ravel()


# ---- raw rows ----


def raw_rows(rng: Any, count: int) -> list[dict[str, Any]]:
    """Rows of many users, odd cells among them."""
    words = ["film", "news", "sport", "a b", "x:y", "ü", "%"]

    def one() -> dict[str, Any]:
        row: dict[str, Any] = {
            "click": int(rng.integers(0, 2)),
            "price": [None, "12.5", "what", float(rng.exponential(50))][rng.integers(0, 4)],
            "ad": f"ad{rng.integers(0, 200)}",
            "city": [None, "", "Oslo", "Lima", "Sant Ana"][rng.integers(0, 5)],
            "age": [None, int(rng.integers(10, 80)), 30.5][rng.integers(0, 3)],
            "tags": [words[i] for i in rng.integers(0, len(words), rng.integers(0, 4))],
            "likes": dict.fromkeys(words[: rng.integers(0, 4)], 0.25),
            "hour": int(rng.integers(0, 24)),
        }
        return {name: cell for name, cell in row.items() if rng.random() > 0.05 or name == "click"}

    return [one() for _ in range(count)]


def lines_of(rows: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


@pytest.fixture(scope="module")
def raw_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[FTRLModel, Path, Path]:
    folder = tmp_path_factory.mktemp("raw")
    rng = np.random.default_rng(5)
    model = FTRLModel(factors=4, l1=0, v_start="kept", init_stdev=0.2, schema=RAW_SCHEMA)
    model.fit_stream(raw_rows(rng, 3000))
    model.save(str(folder / "model.fmt"))
    return model, folder / "model.fmt", export(folder / "model.fmt", folder / "model.fms")


def test_raw_rows(
    raw_model: tuple[FTRLModel, Path, Path], hosts: list[Path], tmp_path: Path
) -> None:
    model, path, served = raw_model
    lines = lines_of(raw_rows(np.random.default_rng(6), ROWS))
    told = predicted(path, b"\n".join(lines) + b"\n", tmp_path)
    rows = [json.loads(line) for line in lines[:5000]]
    assert np.array_equal(model.decision_function(rows).astype(np.float32), told[:5000])
    with Scorer(served, output="score") as scorer:
        assert np.array_equal(scorer.score(lines).scores, told)
        assert np.array_equal(scorer.score(rows).scores, told[:5000])
    (tmp_path / "rows.json").write_bytes(b"\n" + b"\n".join(lines) + b"\n")
    check_hosts(hosts, served, "json", tmp_path / "rows.json", told)


def test_a_user_and_raw_items(
    raw_model: tuple[FTRLModel, Path, Path], hosts: list[Path], tmp_path: Path
) -> None:
    """The user's columns once: the scores are those of the whole rows."""
    _, path, served = raw_model
    rng = np.random.default_rng(7)
    rows = raw_rows(rng, 2000)
    with Scorer(served, output="score") as scorer:
        for number in range(20):
            user = only(rows[number], USER_COLUMNS, True)
            items = [only(row, USER_COLUMNS, False) for row in rows]
            whole = lines_of([{**item, **user} for item in items])
            told = predicted(path, b"\n".join(whole) + b"\n", tmp_path)
            assert np.array_equal(scorer.score(items, user).scores, told)
            if number == 0:
                lines = lines_of([user, *items])
                (tmp_path / "rows.json").write_bytes(b"\n".join(lines) + b"\n")
                check_hosts(hosts, served, "json", tmp_path / "rows.json", told)


def only(row: Mapping[str, Any], names: tuple[str, ...], those: bool) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if (name in names) is those}


@pytest.mark.parametrize("version", ["model_v3", "model_v4"])
@pytest.mark.parametrize("name", ["encoder_lr.fmt", "encoder_fm.fmt"])
def test_golden_rows(
    version: str, name: str, golden: Path, hosts: list[Path], tmp_path: Path
) -> None:
    """Rows with every odd cell that a table can hold are scored as they were when kept."""
    known = json.loads((golden / version / "encoder.json").read_text())
    told = np.array(known[name]["scores"], dtype=np.float32)
    served = export(golden / version / name, tmp_path / "model.fms")
    features = [sample["features"] for sample in known["samples"]]
    row_ptr = np.cumsum([0, *map(len, features)])
    ids = np.array([int(id, 16) for row in features for _, id, _ in row], dtype=np.uint64)
    x = np.array([x for row in features for _, _, x in row], dtype=np.float32)
    with Scorer(served, output="score") as scorer:
        assert scorer.info.golden_rows > 0
        assert scorer.info.golden_shift == 0
        assert np.array_equal(scorer.score((row_ptr, ids, x)).scores, told)
        check_hosts(hosts, served, "csr", write_csr(tmp_path / "rows", row_ptr, ids, x), told)

        lines = golden_lines(golden / version / "rows.tsv", list(scorer.info.column_types or {}))
        raw = scorer.score(lines)
        assert raw.status.tolist() == [Item.OK] * len(told)
        # An old model's file has its features in another order, and sums round by it.
        assert np.allclose(raw.scores, told, rtol=1e-5)
        assert version == "model_v3" or np.array_equal(raw.scores, told)
        (tmp_path / "rows.json").write_bytes(b"\n" + b"\n".join(lines) + b"\n")
        check_hosts(hosts, served, "json", tmp_path / "rows.json", raw.scores)


def golden_lines(table: Path, columns: list[str]) -> list[bytes]:
    """The rows of a table as JSON, its cells as they are."""
    rows = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    cells = [dict(zip(columns, row.split("\t"), strict=True)) for row in rows]
    lines = [json.dumps(row, ensure_ascii=False) for row in cells]
    return [line.encode(errors="surrogateescape") for line in lines]
