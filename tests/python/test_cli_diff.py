"""fmtrain diff: features new, gone and moved, by hand; the shift of scores."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from fmtrain import FTRLModel, metrics
from fmtrain.comparison import compare_models
from fmtrain.errors import ParameterError

# alphaFM's text model: name w v1 w_n w_z v_n1 v_z1. Its w and v are used as they are.
BEFORE = b"""bias 0.5 4 -3
same 1 0.5 1 1 1 1
moved 1 0.5 1 1 1 1
turned 2 3 1 1 1 1
gone 3 4 1 1 1 1
gone_zero 0 0 1 0.01 1 0.01
"""
AFTER = b"""bias -0.25 4 3
same 1 0.5 1 1 1 1
moved -2 0.5 1 1 1 1
turned 2 -1 1 1 1 1
new 0.5 0 1 1 1 1
"""
LABELS = b"1 same moved\n0 turned\n1 gone new\n0 same turned\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("diff")
    for name, text, options in (
        ("a", BEFORE, {}),
        ("b", AFTER, {"l1": 0.25}),
        ("seeded", AFTER, {"hash_seed": 7}),
    ):
        (path / f"{name}.txt").write_bytes(text)
        FTRLModel.import_alphafm(path / f"{name}.txt", **options).save(path / f"{name}.fmt")
    (path / "lr.txt").write_bytes(b"bias 0 0 0\nmoved 1 1 1\nturned 2.5 1 1\n")
    FTRLModel.import_alphafm(path / "lr.txt").save(path / "lr.fmt")
    (path / "samples.txt").write_bytes(LABELS)
    return path


@pytest.fixture
def run(fmtrain_cli, folder):
    def diff_in_folder(*arguments, code=0, **options):
        done = fmtrain_cli("diff", *arguments, cwd=folder, **options)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    return diff_in_folder


def rows_of(text):
    return [line.split() for line in text.splitlines()]


def test_by_hand(run):
    found = json.loads(run("a.fmt", "b.fmt", "--json"))
    assert found["hyper"] == {"l1": [0.1, 0.25]}
    assert found["features"] == [5, 4]
    assert found["bias"] == [0.5, -0.25]
    assert found["w_norm"] == pytest.approx([math.sqrt(15), math.sqrt(9.25)])
    assert found["v_norm"] == pytest.approx([math.sqrt(25.5), math.sqrt(1.5)])
    assert (found["new"]["count"], found["gone"]["count"]) == (1, 2)
    assert found["gone"]["zero_rows"] == 1
    assert (found["gone"]["w_norm"], found["gone"]["v_norm"]) == (3, 4)
    assert [one["name"] for one in found["new"]["largest"]] == ["new"]
    assert [one["name"] for one in found["gone"]["largest"]] == ["gone", "gone_zero"]
    assert (found["common"], found["moved"]) == (3, 2)
    assert (found["dw_norm"], found["v_distance"]) == (3, 4)
    moves = [(one["name"], one["w_a"], one["w_b"], one["dw"]) for one in found["largest_moves"]]
    assert moves == [("moved", 1, -2, -3), ("turned", 2, 2, 0)]
    assert [one["v_distance"] for one in found["largest_moves"]] == [0, 4]
    assert found["scores"] is None


def test_as_text(run):
    rows = rows_of(run("a.fmt", "b.fmt"))
    assert ["l1", "0.1", "0.25"] in rows
    assert ["moved", "1", "-2", "-3", "0.000000"] in rows
    assert ["gone", "3", "4", "1"] in rows
    assert ["new", "in", "b:", "1", "features", "(0", "of", "them", "zero", "rows),"] in [
        row[:10] for row in rows
    ]
    assert not any("samples:" in row for row in rows)
    short = rows_of(run("a.fmt", "b.fmt", "--top", 1))
    assert ["turned", "2", "2", "0", "4.000000"] not in short
    assert ["moved", "1", "-2", "-3", "0.000000"] in short


def test_nothing_changed(run):
    found = json.loads(run("a.fmt", "a.fmt", "--samples", "samples.txt", "--json"))
    assert found["hyper"] == {}
    assert (found["moved"], found["common"]) == (0, 5)
    assert found["largest_moves"] == []
    assert (found["scores"]["max"], found["scores"]["mean"]) == (0, 0)


def test_scores_shift(run, folder):
    found = json.loads(run("a.fmt", "b.fmt", "--samples", "samples.txt", "--json"))["scores"]
    label = np.array([1, 0, 1, 0])
    raw_a = np.array([0.5 + 2 + 0.25, 2.5, 3.5, 0.5 + 3 + 1.5])
    raw_b = np.array([-0.25 - 1 + 0.25, 1.75, 0.25, -0.25 + 3 - 0.5])
    dp = metrics.probability(raw_b) - metrics.probability(raw_a)
    assert found["rows"] == 4
    assert found["mean"] == pytest.approx(dp.mean(), rel=1e-5)
    assert found["mean_abs"] == pytest.approx(np.abs(dp).mean(), rel=1e-5)
    assert found["p50"] == pytest.approx(np.median(np.abs(dp)), rel=1e-5)
    assert found["p99"] == pytest.approx(np.quantile(np.abs(dp), 0.99), rel=1e-5)
    assert found["max"] == pytest.approx(np.abs(dp).max(), rel=1e-5)
    assert found["auc"] == [metrics.auc(label, raw_a), metrics.auc(label, raw_b)]
    assert found["logloss"] == pytest.approx(
        [metrics.logloss_from_score(label, raw) for raw in (raw_a, raw_b)], rel=1e-5
    )
    rows = rows_of(run("a.fmt", "b.fmt", "--samples", "samples.txt"))
    assert ["p(b)", "-", "p(a):", "mean", f"{dp.mean():+.6f}"] in rows
    assert ["AUC", "0.50000", "0.00000"] in rows


def test_one_class_gives_null(run, folder):
    (folder / "ones.txt").write_bytes(b"1 same\n")
    found = json.loads(run("a.fmt", "b.fmt", "--samples", "ones.txt", "--json"))["scores"]
    assert found["auc"] == [None, None]


def test_models_of_other_width(run):
    found = json.loads(run("a.fmt", "lr.fmt", "--json"))
    assert found["hyper"] == {"factors": [1, 0]}
    assert found["v_distance"] is None
    assert [(one["name"], one["dw"]) for one in found["largest_moves"]] == [("turned", 0.5)]
    assert ["turned", "2", "2.5", "0.5", "-"] in rows_of(run("a.fmt", "lr.fmt"))


def test_matching_equals_dictionaries():
    """Random models without names, against plain dictionaries of their rows."""
    rng = np.random.default_rng(0)
    lines = [f"{rng.integers(2)} f{rng.integers(120)} g{rng.integers(120)}" for _ in range(400)]
    a = FTRLModel(factors=2).fit_stream([line.encode() for line in lines[:200]])
    b = FTRLModel(factors=2).fit_stream([line.encode() for line in lines[100:]])
    rows = [model._native.arrays() for model in (a, b)]
    w_a, w_b = (dict(zip(one["id"].tolist(), one["w"].tolist(), strict=True)) for one in rows)
    found = compare_models(a, b, top=5)
    assert found.common == len(w_a.keys() & w_b.keys()) > 40
    assert found.new.count == len(w_b.keys() - w_a.keys()) > 5
    assert found.gone.count == len(w_a.keys() - w_b.keys())
    moves = sorted((abs(w_b[i] - w_a[i]) for i in w_a.keys() & w_b.keys()), reverse=True)
    assert [abs(move.dw) for move in found.largest_moves] == pytest.approx(moves[:5])
    assert all(move.name is None for move in found.largest_moves)
    new = sorted((abs(w_b[i]) for i in w_b.keys() - w_a.keys()), reverse=True)
    assert [abs(one.w) for one in found.new.largest] == pytest.approx(new[:5])


def test_other_hash_seeds_cannot_be_compared(folder):
    a, seeded = (FTRLModel.load(folder / name) for name in ("a.fmt", "seeded.fmt"))
    with pytest.raises(ParameterError, match=r"hash_seed 0 and 7\): no feature can be matched"):
        compare_models(a, seeded)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("a.fmt", "absent.fmt"), 1, "absent.fmt"),
        (("a.fmt", "seeded.fmt"), 2, "hash_seed 0 and 7"),
        (("a.fmt", "b.fmt", "--samples", "-"), 2, "stdin can be read only once"),
        (("a.fmt", "b.fmt", "--samples", "absent.txt"), 1, "absent.txt: cannot read"),
        (("a.fmt", "b.fmt", "--samples", "a.txt"), 3, "lines are bad"),
        (("a.fmt",), 2, "Missing argument"),
    ],
)
def test_refusals(run, arguments, code, message):
    assert message in run(*arguments, code=code)
