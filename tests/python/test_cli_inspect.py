"""fmtrain inspect: what a model is, its features, and a score taken apart."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.data.matrix import feature_id
from fmtrain.errors import ParameterError
from fmtrain.hyper import HYPER
from fmtrain.inspection import PAIRS_SHOWN, describe, explain, find_feature, top_features

# alphaFM's text model: name w v1 v2 w_n w_z v_n1 v_n2 v_z1 v_z2. Its w and v are used as they are.
BY_HAND = b"""bias 0.5 4 -3
a 1 0.5 -1 9 2 1 1 1 1
b -2 2 1 1 3 1 1 1 1
c 0.25 0 3 1 1 1 1 1 1
d 0 0 0 1 0.01 1 1 0.01 0.01
\xe7\x94\xa8:\xff 0.125 0 0 1 1 1 1 1 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect")
    (path / "hand.txt").write_bytes(BY_HAND)
    FTRLModel.import_alphafm(path / "hand.txt").save(path / "hand.fmt")
    stream = [f"{i % 3 % 2} a{i % 7} b{i % 5}:0.5".encode() for i in range(500)]
    for name, options in (("named", {"names": True}), ("bare", {"factors": 0})):
        FTRLModel(**options).fit_stream(stream).save(path / f"{name}.fmt")
    return path


@pytest.fixture
def run(fmtrain_cli, folder):
    def inspect_in_folder(*arguments, code=0):
        done = fmtrain_cli("inspect", *arguments, cwd=folder)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    return inspect_in_folder


def rows_of(text):
    return [line.split() for line in text.splitlines()]


def test_description(run, folder):
    found = json.loads(run("named.fmt", "--json"))["model"]
    model = FTRLModel.load(folder / "named.fmt")
    assert found["features"] == len(model) == 12
    assert found["samples"] == 500
    assert found["mean_label"] == pytest.approx(167 / 500)
    assert found["hyper"] == {name: model.get_params()[name] for name in HYPER}
    assert list(found["hyper"]) == list(HYPER)
    assert found["names"] is True
    assert found["row_bytes"] == 8 + 4 * (2 + 2 * 8)
    assert found["table_bytes"] >= 12 * found["row_bytes"]
    zeros = model._native.sparsity()
    assert (found["zero_w"], found["zero_rows"]) == (zeros["zero_w"], zeros["zero_rows"])


@pytest.mark.parametrize("name", ["named.fmt", "bare.fmt", "hand.fmt"])
def test_the_parts_of_the_file_are_all_of_it(folder, name):
    path = str(folder / name)
    model = FTRLModel.load(path)
    found = describe(path, model)
    assert sum(found.file_parts.values()) == found.file_bytes == os.path.getsize(path)
    assert found.file_parts["rows"] == len(model) * found.row_bytes
    assert ("names" in found.file_parts) == model.names
    assert ("stored weights" in found.file_parts) == (name == "hand.fmt")
    # A preamble, a line a parameter, and a block head or two.
    assert 300 < found.file_parts["header and checksums"] < 1_000
    if model.names:
        rows = model._native.arrays()["id"]
        names = sum(len(one) for one in model._native.names_of(rows))
        assert found.file_parts["names"] == 4 * len(model) + names


def test_description_as_text(run):
    rows = rows_of(run("named.fmt"))
    assert ["features:", "12,", "their", "names", "kept"] in rows
    assert ["samples:", "500", "learned", "from,", "mean", "label", "0.33400"] in rows
    assert ["alpha:", "0.05"] in rows
    assert ["force_v_sparse:", "no"] in rows
    assert ["bias_l1:", "unset"] in rows
    assert ["features:", "12,", "their", "names", "not", "kept"] in rows_of(run("bare.fmt"))
    text = run("hand.fmt")
    assert "samples:" in text
    assert "mean label" not in text
    assert ["zero", "rows:", "1", "(20.0%),", "left", "out", "by", "export"] in rows_of(text)


def test_top_by_w_and_by_v(run):
    rows = rows_of(run("hand.fmt", "--top", 3))
    assert [row[:2] for row in rows] == [["feature", "w"], ["b", "-2"], ["a", "1"], ["c", "0.25"]]
    found = json.loads(run("hand.fmt", "--top", 2, "--by", "v", "--json"))["top"]
    assert [one["name"] for one in found] == ["c", "b"]
    assert found[1]["v_norm"] == pytest.approx(math.sqrt(5))
    assert found[1]["v"] == [2, 1]


def test_top_is_the_whole_order_cut(folder):
    model = FTRLModel.load(folder / "named.fmt")
    everything = top_features(model, 100)
    assert len(everything) == 12
    assert sorted(everything, key=lambda one: (-abs(one.w), one.id)) == everything
    for count in (1, 5, 12):
        assert top_features(model, count) == everything[:count]


def test_names_that_are_no_text_are_shown_safely(run):
    text = run("hand.fmt", "--top", 4)
    assert "\u7528:\\xff" in text
    found = json.loads(run("hand.fmt", "--top", 4, "--json"))["top"][3]
    assert found["name"].encode(errors="surrogateescape") == b"\xe7\x94\xa8:\xff"


def test_models_without_names_show_ids(run, folder):
    found = json.loads(run("bare.fmt", "--top", 1, "--json"))["top"][0]
    assert found["name"] is None
    assert int(found["id"], 16) in {
        feature_id(f"{field}{i}", 0) for field in "ab" for i in range(7)
    }
    label = rows_of(run("bare.fmt", "--top", 1))[1][0]
    assert label == f"id:{found['id']}"
    model = FTRLModel.load(folder / "bare.fmt")
    assert asdict(find_feature(model, label)) == found
    with pytest.raises(ParameterError, match="no factors"):
        top_features(model, 1, by="v")


def test_feature(run, folder):
    found = json.loads(run("named.fmt", "--feature", "a3", "--json"))["feature"]
    model = FTRLModel.load(folder / "named.fmt")
    rows = model._native.arrays()
    at = int(np.flatnonzero(rows["id"] == feature_id("a3", 0))[0])
    assert found["name"] == "a3"
    for name in ("w", "v", "z", "n", "v_z", "v_n"):
        assert found[name] == rows[name][at].tolist()
    text = run("hand.fmt", "--feature", "b")
    assert "w:        -2 (z 3, n 1)" in text
    assert ["v:", "2", "1"] in rows_of(text)


def test_unknown_feature(run):
    text = run("named.fmt", "--feature", "absent", code=2)
    assert text == "fmtrain: error: the model has no feature 'absent'\n"
    assert "no feature 'id:0000000000000001'" in run(
        "named.fmt", "--feature", "id:0000000000000001", code=2
    )


def test_explain_by_hand(run):
    found = json.loads(run("hand.fmt", "--explain", "1:3 a:2 b c new:4 # key", "--json"))["explain"]
    # bias .5; linear 2, -2, .25; pairs: ab (1 - 1) 2 = 0, ac -3 * 2, bc 3.
    assert found["score"] == pytest.approx(0.5 + 0.25 - 6 + 3)
    assert found["probability"] == pytest.approx(1 / (1 + math.exp(2.25)))
    assert (found["label"], found["weight"], found["bias"]) == (1, 3, 0.5)
    assert found["linear"] == [
        {"feature": "a", "value": 2, "w": 1, "contribution": 2},
        {"feature": "b", "value": 1, "w": -2, "contribution": -2},
        {"feature": "c", "value": 1, "w": 0.25, "contribution": 0.25},
    ]
    assert found["pairs"] == [
        {"first": "a", "second": "c", "contribution": -6},
        {"first": "b", "second": "c", "contribution": 3},
    ]
    assert found["pairs_rest"] == pytest.approx(0)
    assert found["pairs_in_all"] == 3
    assert found["unknown"] == ["new"]
    text = run("hand.fmt", "--explain", "1:3 a:2 b c new:4 # key")
    assert ["a", "c", "-6"] in rows_of(text)
    assert "not in the model, so adding nothing: new" in text


def test_a_name_twice_is_a_pair_too(folder):
    found = explain(FTRLModel.load(folder / "hand.fmt"), "0 b b:2")
    assert found.score == pytest.approx(0.5 - 2 - 4 + 5 * 2)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("b", "b")]


@pytest.mark.parametrize("features", [1, 4, 60])
def test_explain_adds_up_to_the_prediction(folder, features):
    rng = np.random.default_rng(features)
    stream = [
        (
            f"{i % 2} " + " ".join(f"f{j}:{rng.normal():.3f}" for j in rng.permutation(80)[:9])
        ).encode()
        for i in range(400)
    ]
    model = FTRLModel(names=True, v_l1=0.0, l1=0.0).fit_stream(stream)
    line = "1 " + " ".join(f"f{j}:{rng.normal():.3f}" for j in range(features))
    found = explain(model, line)
    assert found.score == pytest.approx(
        float(model.predict_stream([line.encode()]).score[0]), rel=1e-4
    )
    parts = [term.contribution for term in (*found.linear, *found.pairs)]
    assert found.bias + sum(parts) + found.pairs_rest == pytest.approx(found.score)
    assert len(found.linear) == features
    assert len(found.pairs) == min(PAIRS_SHOWN, found.pairs_in_all)

    _, _, v = model.weights([f"f{j}" for j in range(features)])
    scaled = v * np.array([float(cell.split(":")[1]) for cell in line.split()[1:]])[:, None]
    products = [
        (abs(scaled[i] @ scaled[j]), f"f{i}", f"f{j}") for i in range(features) for j in range(i)
    ]
    largest = sorted(products, reverse=True)[:PAIRS_SHOWN]
    sizes = [abs(pair.contribution) for pair in found.pairs]
    assert sizes == pytest.approx([size for size, _, _ in largest], rel=1e-4)
    assert [{pair.first, pair.second} for pair in found.pairs[:3]] == [
        {first, second} for _, first, second in largest[:3]
    ]


def test_many_pairs_are_summed_up(run, folder):
    names = [f"f{i}" for i in range(12)]
    rows = "".join(f"{name} 0 1 0 0 0 0 0 0 0\n" for name in names)
    (folder / "ones.txt").write_text("bias 0 0 0\n" + rows)
    FTRLModel.import_alphafm(folder / "ones.txt").save(folder / "ones.fmt")
    text = run("ones.fmt", "--explain", "1 other " + " ".join(names))
    assert ["46", "other", "pairs", "46"] in rows_of(text)  # of 66, each adding 1
    assert ["score:", "66"] in rows_of(text)
    assert "not in the model, so adding nothing: other" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a b", "column 1: the label is not 1, 0, -1 or a probability"),
        ("1 a:x", "column 5: the value is not a decimal number"),
        ("", "the line is empty or a comment"),
        ("1 a\n0 b", "column 4: "),
    ],
)
def test_a_bad_line_is_an_error(folder, line, message):
    with pytest.raises(ParameterError) as error:
        explain(FTRLModel.load(folder / "named.fmt"), line)
    assert message in str(error.value)


def test_explain_reads_libffm(run):
    found = json.loads(run("hand.fmt", "--explain", "1 0:a:2 1:b", "--format", "libffm", "--json"))[
        "explain"
    ]
    assert [term["feature"] for term in found["linear"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("absent.fmt",), 1, "absent.fmt"),
        (("hand.txt",), 1, "hand.txt: not an fmtrain model"),
        (("named.fmt", "--explain", "x a"), 2, "the sample line: column 1: the label is not"),
        (("named.fmt", "--top", 0), 2, "--top"),
        (("bare.fmt", "--top", 1, "--by", "v"), 2, "the model has no factors"),
    ],
)
def test_refusals(run, arguments, code, message):
    assert message in run(*arguments, code=code)
