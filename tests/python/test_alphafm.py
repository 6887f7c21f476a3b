"""alphaFM's model files: import, export, conversion and damage, on small files of our own."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from alphafm_reader import HYPER, File, continued, features_of, parse, state_of
from fmtrain import FTRLModel, _core
from fmtrain.errors import ModelFileError
from reference import BIAS, W

SMALL = [
    ("lr.txt", False),
    ("lr.bin", True),
    ("lr_float.bin", True),
    ("fm2.txt", False),
    ("fm2.bin", True),
    ("fm2_float.bin", True),
]
TEST_LINES = [
    "user=7 ad=3 price:0.5",
    "üser=9 ad=4 lonely weak:3",
    "tail#1 bias2:-1 user=8",
    "never ad=3 seen",
    "",
]
MORE_LINES = [
    b"1 user=7 ad=4 price:0.5",
    "0 üser=9 ad=3 lonely:0.5".encode(),
    b"0:2 user=8 ad=3 bias2",
    b"1 lonely weak:-2 ad=4",
    b"0 lonely",
]


@pytest.fixture
def small(golden: Path) -> Path:
    return golden / "alphafm_small"


@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_import_predicts_with_the_stored_weights(small: Path, name: str, binary: bool) -> None:
    file = parse(small / name, binary)
    model = FTRLModel.import_alphafm(small / name, binary=binary, **HYPER)
    assert (model.factors, len(model)) == (file.factors, len(file.rows)) == (file.factors, 10)
    expected = [file.score(features_of(line.encode())) for line in TEST_LINES]
    assert model.decision_function(TEST_LINES) == pytest.approx(expected, rel=1e-6, abs=1e-7)
    found, w, v = model.weights([*file.rows, b"never"])
    assert found.tolist() == [True] * 10 + [False]
    for row, key in enumerate(file.rows):
        assert np.array([w[row], *v[row]]) == pytest.approx(file.rows[key][: 1 + file.factors])
    # They are one update old: the closed form of n and z is something else.
    assert not np.allclose(expected, [continued(file, HYPER).score([]) for _ in expected])


@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_stored_weights_survive_saving_and_go_with_training(
    small: Path, tmp_path: Path, name: str, binary: bool
) -> None:
    model = FTRLModel.import_alphafm(small / name, binary=binary, **HYPER)
    scores = model.decision_function(TEST_LINES)
    model.save(tmp_path / "model.fmt")
    copies = [FTRLModel.load(tmp_path / "model.fmt"), pickle.loads(pickle.dumps(model))]
    for copy in copies:
        np.testing.assert_array_equal(copy.decision_function(TEST_LINES), scores)
    for each in (model, *copies):
        each.fit_stream(MORE_LINES)
        np.testing.assert_array_equal(
            each.decision_function(TEST_LINES), model.decision_function(TEST_LINES)
        )
    expected = continued(parse(small / name, binary), HYPER)
    for line in MORE_LINES:
        head, features = line.split(b" ", 1)
        label, _, weight = head.partition(b":")
        expected.learn(float(label), features_of(features), float(weight or 1))
    wanted = [expected.score(features_of(line.encode())) for line in TEST_LINES]
    assert model.decision_function(TEST_LINES) == pytest.approx(wanted, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_training_goes_on_from_n_and_z(small: Path, name: str, binary: bool) -> None:
    file = parse(small / name, binary)
    model = FTRLModel.import_alphafm(small / name, binary=binary, **HYPER)
    expected, probabilities = continued(file, HYPER), []
    for line in MORE_LINES:
        head, features = line.split(b" ", 1)
        label, _, weight = head.partition(b":")
        p = expected.learn(float(label), features_of(features), float(weight or 1))
        probabilities.append(float(weight or 1) * p)
    model.fit_stream(MORE_LINES)
    assert model.report_.progress is not None
    seen = model.report_.progress.total["prediction_sum"]
    assert seen == pytest.approx(sum(probabilities), rel=1e-6)
    assert model._native.bias_state == pytest.approx(
        (expected.z[BIAS, W], expected.n[BIAS, W]), rel=1e-6
    )
    lanes = [W, *range(file.factors)]
    columns = [(state, lane) for lane in lanes for state in (expected.n, expected.z)]
    order = [0, 1, *(c for f in range(file.factors) for c in (2 + f, 2 + file.factors + f))]
    actual = state_of(model, file)[:, order]
    wanted = np.array([[state[key, lane] for state, lane in columns] for key in file.rows])
    np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("to", ["alphafm-text", "alphafm-bin", "alphafm-bin-float"])
@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_an_untouched_import_is_exported_as_it_was(
    small: Path, tmp_path: Path, name: str, binary: bool, to: str
) -> None:
    file, path = parse(small / name, binary), tmp_path / "out"
    model = FTRLModel.import_alphafm(small / name, binary=binary, **HYPER)
    counts = model.dump(path, to, keep_zeros=True)
    assert counts["rows"] == 10
    out = parse(path, to != "alphafm-text")
    assert set(out.rows) == set(file.rows)
    assert out.bias == pytest.approx(file.bias, rel=1e-7)
    for key, row in file.rows.items():
        never_learned = np.tile(file.split(key)[4] == 0, 3)[-file.factors :]
        same = np.append(np.full(3 + 2 * file.factors, True), ~never_learned[: file.factors])
        assert out.rows[key][same] == pytest.approx(row[same], rel=1e-7, abs=1e-30)


@pytest.mark.parametrize(("name", "binary"), SMALL[3:])
def test_a_lane_never_learned_is_exported_with_z_0(
    small: Path, tmp_path: Path, name: str, binary: bool
) -> None:
    """alphaFM writes n = z = 0 beside the draw; so must whoever writes its format."""
    model = FTRLModel.import_alphafm(small / name, binary=binary, **HYPER)
    model.dump(tmp_path / "out", "alphafm-bin", keep_zeros=True)
    assert parse(tmp_path / "out", True).split(b"lonely")[5].tolist() == [0, 0]


def test_zero_rows_are_left_out_and_counted(small: Path, tmp_path: Path) -> None:
    model = FTRLModel.import_alphafm(small / "lr.txt", **HYPER)
    counts = model.dump(tmp_path / "out", "alphafm-text")
    assert (counts["rows"], counts["dropped"]) == (7, 3)
    dropped = set(parse(small / "lr.txt", False).rows) - set(parse(tmp_path / "out", False).rows)
    assert dropped == {b"user=8", b"lonely", b"weak"}


@pytest.mark.parametrize("factors", [0, 2])
@pytest.mark.parametrize("to", ["alphafm-text", "alphafm-bin", "alphafm-bin-float"])
def test_export_of_a_trained_model_predicts_the_same(tmp_path: Path, factors: int, to: str) -> None:
    model = FTRLModel(factors=factors, names=True, v_start="kept", l1=0.01)
    model.fit_stream(MORE_LINES * 3)
    model.dump(tmp_path / "out", to)
    again = FTRLModel.import_alphafm(tmp_path / "out", binary=to != "alphafm-text")
    scores = model.decision_function(TEST_LINES)
    assert again.decision_function(TEST_LINES) == pytest.approx(scores, rel=1e-6)
    expected = parse(tmp_path / "out", to != "alphafm-text")
    by_file = [expected.score(features_of(line.encode())) for line in TEST_LINES]
    assert by_file == pytest.approx(scores, rel=1e-6)


def test_export_needs_names(tmp_path: Path) -> None:
    model = FTRLModel(factors=0).fit_stream(MORE_LINES)
    with pytest.raises(ValueError, match="names"):
        model.dump(tmp_path / "out", "alphafm-text")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["two words", "new\nline", " "])
def test_a_name_that_alphafms_text_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    """Text lines cannot bring such names, dicts and DataFrames can."""
    model = FTRLModel(factors=0, names=True, l1=0.0).fit([{name: 1.0, "a": 2.0}], [1])
    with pytest.raises(ValueError, match="name"):
        model.dump(tmp_path / "out", "alphafm-text")


@pytest.mark.parametrize("name", ["tab\tin it", "new\nline"])
def test_a_dump_has_a_line_a_feature_whatever_its_name(tmp_path: Path, name: str) -> None:
    model = FTRLModel(factors=0, names=True, l1=0.0).fit([{name: 1.0, "a": 2.0}], [1])
    model.dump(tmp_path / "out")
    _, *lines = (tmp_path / "out").read_text().splitlines()
    assert [line.count("\t") for line in lines] == [1, 1, 1]


# ---- conversion between the formats ----


@pytest.mark.parametrize("stem", ["lr", "fm2"])
def test_conversions_round_trip(small: Path, tmp_path: Path, stem: str) -> None:
    def convert(source: Path, binary: bool, to: str, name: str) -> Path:
        target = tmp_path / name
        _core.convert_alphafm(str(source), binary, -1, to, True, str(target))
        return target

    text = small / f"{stem}.txt"
    for to in ("double", "float"):
        there = convert(text, False, to, f"{to}.bin")
        assert_same_file(parse(there, True), parse(text, False), 1e-7)
        back = convert(there, True, "text", f"{to}.txt")
        assert sorted(back.read_bytes().splitlines()) == sorted(text.read_bytes().splitlines())
    wide = small / f"{stem}.bin"
    same = convert(wide, True, "double", "same.bin")
    assert_same_file(parse(same, True), parse(wide, True), 0)
    # Six digits, as alphaFM's own tool writes.
    six = convert(wide, True, "text", "six.txt")
    assert six.read_bytes() == text.read_bytes()
    assert _core.alphafm_info(str(wide))["features"] == 11


def assert_same_file(actual: File, expected: File, rel: float) -> None:
    assert actual.bias == pytest.approx(expected.bias, rel=rel)
    assert list(actual.rows) == list(expected.rows)
    for name, row in expected.rows.items():
        assert actual.rows[name] == pytest.approx(row, rel=rel, abs=0)


def test_conversion_drops_zero_rows(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    _core.convert_alphafm(str(small / "lr.txt"), False, 0, "double", False, str(target))
    assert len(parse(target, True).rows) == 7


# ---- damage ----


def assert_refused(path: Path, binary: bool, target: Path) -> None:
    """Import and conversion both refuse, name the file, and leave nothing behind."""
    with pytest.raises(ModelFileError) as imported:
        FTRLModel.import_alphafm(path, binary=binary)
    assert str(path) in str(imported.value)
    with pytest.raises(ModelFileError) as converted:
        _core.convert_alphafm(str(path), binary, -1, "text", True, str(target))
    assert str(path) in str(converted.value)
    assert not target.exists()


@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_a_cut_file_is_an_error_at_every_length(
    small: Path, tmp_path: Path, name: str, binary: bool
) -> None:
    data, path = (small / name).read_bytes(), tmp_path / name
    for size in range(len(data)):
        # A text cut behind a line looks whole: nothing in it says how many lines there are.
        if not binary and size > 0 and data[size - 1 : size] == b"\n":
            continue
        path.write_bytes(data[:size])
        assert_refused(path, binary, tmp_path / "out")


@pytest.mark.parametrize(("name", "binary"), SMALL)
def test_bytes_behind_the_end_are_an_error(
    small: Path, tmp_path: Path, name: str, binary: bool
) -> None:
    path = tmp_path / name
    path.write_bytes((small / name).read_bytes() + b"x")
    assert_refused(path, binary, tmp_path / "out")


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "1e300"])
@pytest.mark.parametrize("column", range(10))
def test_numbers_that_are_no_state_are_refused(
    small: Path, tmp_path: Path, bad: str, column: int, request: pytest.FixtureRequest
) -> None:
    lines = (small / "fm2.txt").read_text().splitlines()
    cells = lines[3].split(" ")
    cells[column or 1] = bad
    if column == 0:  # the bias
        lines[0] = f"bias 0.1 {bad} 0.1"
    else:
        lines[3] = " ".join(cells)
    path = tmp_path / "bad.txt"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ModelFileError, match=r"bad\.txt: the numbers of '(price|bias)'"):
        FTRLModel.import_alphafm(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ad=3 0 0 0 1 0 0 0 0 0", "twice"),
        ("new 0 0 0 -1 0 0 0 0 0", "n >= 0"),
        ("new 0 0 0 1 0 0 0 0", "9 numbers"),
        ("new 0 0 0 1 0 0 0 0 0 0", "9 numbers"),
        ("new 0 0 0 1 0 0 0 0 zero", "9 numbers"),
        ("new 0 0 0  1 0 0 0 0 0", "9 numbers"),
        (" 0 0 0 1 0 0 0 0 0", "name is empty"),
    ],
)
def test_bad_lines_are_named(small: Path, tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes((small / "fm2.txt").read_bytes() + line.encode() + b"\n")
    with pytest.raises(ModelFileError, match=reason) as refused:
        FTRLModel.import_alphafm(path)
    assert str(path) in str(refused.value)


def test_a_head_that_makes_no_sense_is_refused(small: Path, tmp_path: Path) -> None:
    data = (small / "fm2.bin").read_bytes()
    for word, value in [(0, 2), (0, 0), (1, 5), (2, 3), (2, 2**40), (5, 0), (6, 1), (3, 2**60)]:
        path = tmp_path / "bad.bin"
        path.write_bytes(data[: 8 * word] + struct.pack("<Q", value) + data[8 * word + 8 :])
        assert_refused(path, True, tmp_path / "out")
    with pytest.raises(ModelFileError, match="2 factors, 4 were asked for"):
        FTRLModel.import_alphafm(small / "fm2.bin", binary=True, factors=4)
    with pytest.raises(ModelFileError, match="bias"):
        FTRLModel.import_alphafm(small / "fm2.bin", binary=False)
    with pytest.raises(OSError, match="missing"):
        FTRLModel.import_alphafm(tmp_path / "missing", binary=True)
