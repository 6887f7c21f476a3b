"""fmtrain export and import: formats, what pruning saves, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fmtrain import FTRLModel

STREAM = [f"{i % 3 % 2} a{i % 7} b{i % 5} rare{i}".encode() for i in range(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """m.fmt: with names and many zero rows; bare.fmt: the same without names."""
    path = tmp_path_factory.mktemp("exchange")
    options = {"l1": 0.6, "factors": 2, "v_l1": 1.0}
    for name, names in (("m", True), ("bare", False)):
        FTRLModel(**options, names=names).fit_stream(STREAM).save(path / f"{name}.fmt")
    return path


@pytest.fixture
def run(fmtrain_cli, folder):
    def run_in_folder(*arguments, code=0):
        done = fmtrain_cli(*arguments, cwd=folder)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout, done.stderr.decode()

    return run_in_folder


def predictions(model):
    return model.predict_stream(STREAM).score


def zeros_of(model):
    return model._native.sparsity()


def test_text_leaves_zero_rows_out_and_says_so(run, folder):
    zeros = zeros_of(FTRLModel.load(folder / "m.fmt"))
    assert 0 < zeros["zero_rows"] < zeros["rows"]
    stdout, said = run("export", "m.fmt", "--to", "text", "--out", "m.txt")
    assert stdout == b""
    text = (folder / "m.txt").read_bytes()
    kept = zeros["rows"] - zeros["zero_rows"]
    assert f"wrote {kept} features, {len(text):,} bytes, to m.txt" in said
    assert f"left out {zeros['zero_rows']} zero rows, which saved " in said

    _, said = run("export", "m.fmt", "--to", "text", "--out", "whole.txt", "--keep-zeros")
    whole = (folder / "whole.txt").read_bytes()
    assert f"wrote {zeros['rows']} features, {len(whole):,} bytes" in said
    assert said.endswith("zero rows kept\n")
    dropped = set(whole.splitlines()[1:]) - set(text.splitlines()[1:])
    assert len(dropped) == zeros["zero_rows"]


def test_the_bytes_saved_are_those_of_the_lines_left_out(run, folder):
    _, said = run("export", "m.fmt", "--to", "alphafm-text", "--out", "few.txt")
    run("export", "m.fmt", "--to", "alphafm-text", "--out", "all.txt", "--keep-zeros")
    few, everything = ((folder / name).stat().st_size for name in ("few.txt", "all.txt"))
    assert (
        f"saved {everything - few:,} bytes ({100 * (everything - few) / everything:.1f}%)" in said
    )


@pytest.mark.parametrize("to", ["text", "json", "alphafm-text"])
def test_standard_output_holds_the_same(run, folder, to):
    run("export", "m.fmt", "--to", to, "--out", "to.file")
    stdout, said = run("export", "m.fmt", "--to", to)
    assert stdout == (folder / "to.file").read_bytes()
    assert "to standard output" in said


def test_json_parses(run, folder):
    model = FTRLModel.load(folder / "m.fmt")
    stdout, _ = run("export", "m.fmt", "--to", "json", "--keep-zeros")
    found = json.loads(stdout)
    assert len(found["features"]) == len(model)
    one = found["features"][0]
    _, w, v = model.weights([one["name"]])
    assert np.float32(one["w"]) == w[0]
    assert np.array_equal(np.array(one["v"], dtype=np.float32), v[0])


@pytest.mark.parametrize("kind", ["alphafm-text", "alphafm-bin", "alphafm-bin --float"])
def test_alphafm_there_and_back(run, folder, kind):
    to, *more = kind.split()
    run("export", "m.fmt", "--to", to, *more, "--out", "there")
    stdout, _ = run("import", "there", "--from", to, "--model", "back.fmt", "--l1", 0.6)
    model, back = (FTRLModel.load(folder / name) for name in ("m.fmt", "back.fmt"))
    zeros = zeros_of(model)
    kept = zeros["rows"] - zeros["zero_rows"]
    assert stdout.decode().startswith(f"read {kept} features with 2 factors; wrote back.fmt\n")
    assert ("the only check" in stdout.decode()) == (to == "alphafm-text")
    assert back.get_params()["l1"] == 0.6
    assert back.factors == 2
    assert np.allclose(predictions(back), predictions(model), rtol=1e-6)


def test_float_is_half_as_long(run, folder):
    run("export", "m.fmt", "--to", "alphafm-bin", "--out", "double.bin")
    run("export", "m.fmt", "--to", "alphafm-bin", "--out", "float.bin", "--float")
    double, single = ((folder / name).stat().st_size for name in ("double.bin", "float.bin"))
    records = zeros_of(FTRLModel.load(folder / "m.fmt"))
    count = records["rows"] - records["zero_rows"] + 1  # and the bias
    assert double - single == count * 9 * 4


def test_a_text_file_cut_at_a_line_is_found_by_its_count(run, folder):
    run("export", "m.fmt", "--to", "alphafm-text", "--out", "whole.txt")
    lines = (folder / "whole.txt").read_bytes().splitlines(keepends=True)
    (folder / "cut.txt").write_bytes(b"".join(lines[:4]))
    arguments = ("--from", "alphafm-text", "--model", "cut.fmt", "--expect-features")
    _, said = run("import", "cut.txt", *arguments, len(lines) - 1, code=1)
    assert f"cut.txt: 3 features were read, --expect-features says {len(lines) - 1}" in said
    assert not (folder / "cut.fmt").exists()
    stdout, _ = run("import", "cut.txt", *arguments, 3)
    assert stdout == b"read 3 features with 2 factors; wrote cut.fmt\n"


def test_factors_are_those_of_the_file(run, folder):
    run("export", "m.fmt", "--to", "alphafm-text", "--out", "two.txt")
    arguments = ("import", "two.txt", "--from", "alphafm-text", "--model", "two.fmt", "--factors")
    _, said = run(*arguments, 8, code=2)
    assert said == "fmtrain: error: two.txt has 2 factors, --factors 8 was given\n"
    run(*arguments, 2)
    (folder / "two.txt").write_bytes(b"bias 0.5 1 2\n")
    run(*arguments, 8)
    assert FTRLModel.load(folder / "two.fmt").factors == 8


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("m.fmt", "--to", "alphafm-bin"), 2, "alphafm-bin is a binary file: name it with --out"),
        (("m.fmt", "--to", "text", "--float"), 2, "--float goes with --to alphafm-bin only"),
        (("bare.fmt", "--to", "alphafm-text"), 2, "need the features' names"),
        (("m.fmt", "--to", "text", "--out", "."), 1, ".: cannot write: it is a directory"),
        (("m.fmt", "--to", "text", "--out", "no/x"), 1, "no/x: cannot write: No such file"),
        (("m.fmt", "--to", "xml"), 2, "xml"),
        (("absent.fmt", "--to", "text"), 1, "absent.fmt"),
    ],
)
def test_export_refuses(run, arguments, code, message):
    stdout, said = run("export", *arguments, code=code)
    assert message in said
    assert stdout == b""


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", "alphafm-text", "it is empty"),
        (b"bias 1 2 3\na 1 2\n", "alphafm-text", "line 2"),
        (b"bias 1 2 3\na 1 2 nan\n", "alphafm-text", "'a' are not a state"),
        (b"bias 1 2 3\n", "alphafm-bin", "does not start with version 1"),
    ],
)
def test_import_refuses(run, folder, content, kind, message):
    (folder / "bad").write_bytes(content)
    _, said = run("import", "bad", "--from", kind, "--model", "bad.fmt", code=1)
    assert said.startswith("fmtrain: error: bad:")
    assert message in said
    assert not (folder / "bad.fmt").exists()


def test_import_finds_out_first_that_it_cannot_write(run):
    _, said = run("import", "absent", "--from", "alphafm-bin", "--model", "no/m.fmt", code=1)
    assert "no/m.fmt: cannot write" in said
