"""fmscore.hpp: everything of it once, beside what Python is told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.serving import Code, Scorer
from serving_hosts import HOSTS, USER, build, run, saved, trained

ITEMS = [{"a": 1.0, "b": 0.5}, {"c": 2.0}, {}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tour")
    saved(trained(), made / "model.fms")
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, str]:
    tour = build(HOSTS / "tour.cc", folder / "tour")
    lines = run([tour, folder / "model.fms", folder / "samples.fmc"]).splitlines()
    return {what: rest.strip() for what, _, rest in (line.partition(":") for line in lines)}


def floats(text: str) -> list[np.float32]:
    return [np.float32(word) for word in text.split()]


def test_scores(told: dict[str, str], folder: Path) -> None:
    with Scorer(folder / "model.fms", output="score", item_cache_bytes=1 << 20) as scorer:
        ids = [7, 8, 9]
        assert floats(told["scores"]) == scorer.score(ITEMS, USER, ids).scores.tolist()
        assert floats(told["without a user"]) == scorer.score(ITEMS, None, ids).scores.tolist()
        assert floats(told["text"]) == scorer.score_text("0 u age:0.25 a b:0.5").tolist()
        explained = scorer.explain([{"a": 1}], USER)
    terms, score, difference = (float(word) for word in told["explained"].split())
    assert (terms, score) == (3, pytest.approx(explained.score, rel=1e-8))
    assert abs(difference) < 1e-6
    assert told["statuses"] == "0 0 0"
    assert (told["done"], told["late"]) == ("1 3", "0 0 1")
    assert told["factors"] == "4"


def test_models_and_slots(told: dict[str, str]) -> None:
    first, same, other = told["serials"].split()
    assert first == same != other
    assert told["waiting"] == "0"
    assert told["stats"] == "2 3 5"


def test_snapshots(told: dict[str, str], folder: Path) -> None:
    assert told["shown"] == "9 2 1 7 4 0"  # item, features, label
    assert told["found"] == "2"
    assert told["kept"] == "3 3"
    assert told["thrown"] == "mine own"
    assert told["written"] == "2"
    assert not list(folder.glob("*.never*"))
    model = FTRLModel(factors=0).fit_stream(str(folder / "samples.fmc"))
    assert model.report_.progress.total["samples"] == 2
    assert model.weights(["u", "a", "c"])[0].all()


def test_errors(told: dict[str, str], folder: Path) -> None:
    path = folder / "model.fms"
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    expected = {
        "empty": (Code.ENOMODEL, "no model was published in the slot yet"),
        "unverified": (Code.ESTATE, "the model was not verified: call fms_model_verify before"),
        "nested": (Code.ESTATE, "the context is in a request: call fms_request_end first"),
        "again": (Code.ENOTFOUND, ""),
        "labels": (Code.EINVAL, "labels: one for each item that was shown is needed"),
        "gone": (Code.EIO, "/none.fms: "),
        "md5": (Code.ECHECKSUM, f"{path}: its md5 is {md5}, not {'0' * 32}"),
        "closed": (Code.ESTATE, "the slot was destroyed"),
    }
    for what, (code, words) in expected.items():
        assert told[what].startswith(f"{code.value} {words}"), what
