"""fmtrain export --to serving and FTRLModel.export_serving: what is written, said and refused."""

from __future__ import annotations

import os
from datetime import datetime, timezone

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.errors import FileError, ModelFileError, ParameterError
from fmtrain.serving_file import seconds_of

STREAM = [f"{i % 3 % 2} a{i % 7} b{i % 5} rare{i}".encode() for i in range(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """m.fmt, whose rare features are zero; its samples in train.txt."""
    path = tmp_path_factory.mktemp("serving")
    model = FTRLModel(l1=0.6, factors=2, v_l1=1.0).fit_stream(STREAM)
    model.save(path / "m.fmt")
    (path / "train.txt").write_bytes(b"\n".join(STREAM) + b"\n")
    os.utime(path / "m.fmt", (1_790_000_000, 1_790_000_000))
    return path


@pytest.fixture
def run(fmtrain_cli, folder):
    def run_in_folder(*arguments, code=0):
        done = fmtrain_cli(*arguments, cwd=folder)
        assert done.returncode == code, done.stderr.decode()
        assert done.stdout == b""
        return " ".join(done.stderr.decode().split())

    return run_in_folder


def meta_of(path):
    """The lines of a serving file's meta section, the first one."""
    text = path.read_bytes()[4096:].split(b"\0", 1)[0].decode()
    return dict(line.split("=", 1) for line in text.splitlines())


def test_what_was_left_out_and_how_far_scores_moved_is_said(run, folder):
    zeros = FTRLModel.load(folder / "m.fmt")._native.sparsity()
    assert 0 < zeros["zero_rows"] < zeros["rows"]
    kept = zeros["rows"] - zeros["zero_rows"]
    said = run("export", "m.fmt", "--to", "serving", "--out", "m.fms")
    size = (folder / "m.fms").stat().st_size
    assert f"wrote {kept} features as float32, {size:,} bytes (" in said
    assert f"to m.fms; left out {zeros['zero_rows']} zero rows, which saved " in said
    assert "scores of 16 golden rows moved by 0 at most" in said
    meta = meta_of(folder / "m.fms")
    assert meta["name"] == "m"
    assert meta["version"] == ""
    assert meta["trained_until"] == "1790000000"
    assert meta["features"] == str(kept)
    assert meta["precision"] == "float32"


def test_every_flag_is_in_the_file(run, folder):
    (folder / "curve.txt").write_text("-1 0.1\n\n0.5\t0.1\n2 0.9\n")
    (folder / "few.txt").write_bytes(b"\n".join(STREAM[:7]))
    said = run(
        *("export", "m.fmt", "--to", "serving", "--out", "all.fms", "--precision", "float16"),
        *("--name", "feed", "--model-version", "7", "--trained-until", "2026-11-22T09:30:00"),
        *("--link", "raw", "--down-sampling-rate", "0.25", "--isotonic", "curve.txt"),
        *("--golden", "few.txt", "--max-score-shift", "0.1"),
    )
    assert "as float16" in said
    assert "scores of 7 golden rows moved by " in said
    meta = meta_of(folder / "all.fms")
    expected = {"name": "feed", "version": "7", "precision": "float16", "link": "raw"}
    assert {key: meta[key] for key in expected} == expected
    assert meta["down_sampling_rate"] == "0.25"
    until = datetime(2026, 11, 22, 9, 30, tzinfo=timezone.utc)
    assert meta["trained_until"] == str(int(until.timestamp()))
    assert 0 < float(meta["golden_shift"]) < 0.1
    points = np.array([-1, 0.1, 0.5, 0.1, 2, 0.9])
    assert points.tobytes() in (folder / "all.fms").read_bytes()


REFUSED = [
    (("--to", "serving"), 2, "a serving file is binary: name it with --out"),
    (
        ("--to", "serving", "--out", "no/x.fms"),
        1,
        "no/x.fms: cannot write: No such file or directory",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--keep-zeros"),
        2,
        "--keep-zeros does not go with --to serving",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--float"),
        2,
        "--float goes with --to alphafm-bin only",
    ),
    (("--to", "text", "--precision", "int8"), 2, "--precision goes with --to serving only"),
    (("--to", "json", "--model-version", "1"), 2, "--model-version goes with --to serving only"),
    (
        ("--to", "serving", "--out", "x.fms", "--trained-until", "noon"),
        2,
        "trained_until = 'noon' is not allowed: give seconds since 1970, or a date as 2026-11-22",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--down-sampling-rate", "0"),
        2,
        "a down-sampling rate is the part of the negatives that was kept: above 0 and at most 1",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--precision", "int8", "--max-score-shift", "1e-9"),
        2,
        "the score of a golden row moves by ",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--max-score-shift", "-1"),
        2,
        "max_score_shift = -1.0 is not allowed: give a number from 0",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--golden", "none.txt"),
        1,
        "none.txt: cannot read: No such file or directory",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--golden", "many.txt"),
        2,
        "many.txt: more than 1000 golden samples: give fewer",
    ),
    (
        ("--to", "serving", "--out", "x.fms", "--isotonic", "none.txt"),
        1,
        "none.txt: cannot read: No such file or directory",
    ),
]


@pytest.mark.parametrize(("arguments", "code", "message"), REFUSED)
def test_refused(run, folder, arguments, code, message):
    (folder / "many.txt").write_bytes(b"1 a\n" * 1001)
    assert message in run("export", "m.fmt", *arguments, code=code)
    assert not (folder / "x.fms").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0.5\n2\n", "line 2: give `score probability`, two numbers"),
        ("1 0.5 9\n", "line 1: give `score probability`, two numbers"),
        ("1 0.5\n\nx 0.6\n", "line 3: give `score probability`, two numbers"),
        ("inf 0.5\n", "line 1: the score must be finite, the probability in [0, 1]"),
        ("1 1.5\n", "line 1: the score must be finite, the probability in [0, 1]"),
        ("1 0.5\n1 0.6\n", "line 2: scores must rise, and probabilities must not fall"),
        ("1 0.5\n2 0.4\n", "line 2: scores must rise, and probabilities must not fall"),
        ("\n", "no point of a calibration curve is in it"),
    ],
)
def test_a_curve_that_is_none(run, folder, text, message):
    (folder / "bad.txt").write_text(text)
    arguments = ("export", "m.fmt", "--to", "serving", "--out", "x.fms", "--isotonic", "bad.txt")
    said = run(*arguments, code=2)
    assert "bad.txt" in said
    assert message in said


@pytest.mark.parametrize(
    "command", [("inspect", "m.fms"), ("export", "m.fms", "--to", "text"), ("eval", "-m", "m.fms")]
)
def test_other_commands_say_what_it_is(run, folder, command):
    FTRLModel.load(folder / "m.fmt").export_serving(folder / "m.fms")
    extra = ("train.txt",) if command[0] == "eval" else ()
    said = run(*command, *extra, code=1)
    assert "m.fms: it is a serving file (fmtrain export --to serving), which cannot be" in said


# ---- the method ----


def test_counts(folder):
    model = FTRLModel.load(folder / "m.fmt")
    counts = {
        precision: model.export_serving(folder / f"{precision}.fms", precision=precision)
        for precision in ("float32", "float16", "int8")
    }
    for name, of in counts.items():
        assert of["bytes"] == (folder / f"{name}.fms").stat().st_size
        assert of["features"] + of["pruned"] == len(model)
        assert of["golden_rows"] == 16
    sizes = [of["bytes"] for of in counts.values()]
    assert sizes == sorted(sizes, reverse=True)
    shifts = [of["golden_shift"] for of in counts.values()]
    assert shifts[0] == 0 < shifts[1] < shifts[2]


@pytest.mark.parametrize(
    "golden", [["1 a1 b2", "0 a3"], [{"a1": 1.0}, {"b2": 0.5}], np.eye(2), "two.txt"]
)
def test_golden_samples_are_what_predict_takes_or_a_file(folder, golden, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "two.txt").write_text("1 a1 b2\n0 b1\n")
    counts = FTRLModel.load("m.fmt").export_serving("g.fms", golden=golden)
    assert counts["golden_rows"] == 2


def test_golden_samples_of_a_model_with_a_schema(tmp_path):
    rows = [{"y": i % 2, "a": f"x{i % 5}", "n": i} for i in range(50)]
    schema = {"columns": {"y": {"role": "label"}, "a": {}, "n": {"type": "number"}}}
    model = FTRLModel(schema=schema, l1=0.0).fit_stream(rows)
    own = model.export_serving(tmp_path / "m.fms")["golden_rows"]
    assert own == 16
    more = model.export_serving(tmp_path / "m.fms", golden=rows[:3])["golden_rows"]
    assert more == own + 3


def test_errors(folder):
    model = FTRLModel.load(folder / "m.fmt")
    path = folder / "e.fms"
    for options, message in [
        ({"precision": "float64"}, "precision = 'float64' is not allowed: give one of"),
        ({"link": "probit"}, "link = 'probit' is not allowed: give one of"),
        ({"isotonic": [1, 2]}, r"isotonic has the shape \(2,\): give \(n, 2\)"),
        ({"isotonic": [[0, 0.5], [1, 0.4]]}, "point 2 of the calibration curve has a prob"),
        ({"name": "two\nlines"}, "a model's name and version are one line each"),
        ({"trained_until": -1}, "trained_until = -1 is not allowed"),
        ({"golden": "missing.txt"}, None),
    ]:
        error = ParameterError if message else FileError
        with pytest.raises(error, match=message):
            model.export_serving(path, **options)
        assert not path.exists()
    with pytest.raises(FileError, match="cannot write: it is a directory"):
        model.export_serving(folder)
    model.export_serving(path)
    with pytest.raises(ModelFileError, match="it is a serving file"):
        FTRLModel.load(path)


def test_seconds_of():
    zone = datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert seconds_of(zone) == seconds_of("2026-01-02") == seconds_of("2026-01-02T00:00:00Z")
    assert seconds_of("2026-01-02T01:00:00+01:00") == seconds_of(zone.timestamp())
    assert seconds_of("12.5") == 12
