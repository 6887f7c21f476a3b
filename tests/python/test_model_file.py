"""The model file: whole or refused by name, byte for byte the same, read for ever."""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel, _core
from fmtrain.errors import FileError, ModelFileError

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
VERSIONS = ("model_v1", "model_v2", "model_v3", "model_v4")
NEWEST = 4
EXPECTED: dict[str, Any] = {
    f"{version}/{name}": expected
    for version in VERSIONS
    for name, expected in json.loads((GOLDEN / version / "expected.json").read_text()).items()
}
files = pytest.mark.parametrize("name", EXPECTED)
LR = GOLDEN / VERSIONS[-1] / "lr.fmt"
HEAD = struct.Struct("<IIQQII")  # kind, crc, payload bytes, items, crc of the head, 0
NAMES, STORED, END, HEADS = 2, 3, 4, 5


def load_bytes(data: bytes) -> Any:
    return _core.Model.loads(data)


def trained(count: int = 300, **hyper: Any) -> FTRLModel:
    lines = (b"%d a%d b%d:0.5 # u%d" % (i % 2, i, i % 7, i) for i in range(count))
    return FTRLModel(**{"factors": 2, **hyper}).fit_stream(lines)


# ---- golden files ----


@files
def test_golden_files_are_never_edited(name: str) -> None:
    digest = hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest()
    assert digest == EXPECTED[name]["sha256"]


@files
def test_golden_files_are_read(name: str) -> None:
    expected = EXPECTED[name]
    model = FTRLModel.load(GOLDEN / name)
    hyper = model.get_params()
    assert {key: hyper[key] for key in expected["hyper"]} == expected["hyper"]
    native = model._native
    for counter in ("samples", "weight_sum", "label_sum", "bias"):
        assert getattr(native, counter) == expected[counter], counter
    assert list(native.bias_state) == expected["bias_state"]
    assert native.expiry == expected.get("expiry", "")

    arrays = native.arrays()
    names = native.names_of(arrays["id"])
    rows = [
        {
            "id": f"{int(arrays['id'][i]):016x}",
            "name": None if names[i] is None else names[i].decode(errors="surrogateescape"),
            **{key: arrays[key][i].tolist() for key in ("w", "z", "n", "v", "v_z", "v_n")},
        }
        for i in range(len(model))
    ]
    by_id = sorted(rows, key=lambda row: str(row["id"]))
    assert by_id == sorted(expected["rows"], key=lambda row: str(row["id"]))


@files
def test_golden_files_predict(name: str) -> None:
    scores = EXPECTED[name]["scores"]
    lines = [line.encode(errors="surrogateescape") for line in scores]
    found = FTRLModel.load(GOLDEN / name).predict_stream(lines).score
    assert found.tolist() == list(scores.values())


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_files_hold_what_they_are_for(version: str) -> None:
    lr, fm, imported = (
        FTRLModel.load(GOLDEN / version / f"{name}.fmt") for name in ("lr", "fm", "imported")
    )
    assert lr.weights([b"\xff\xfe", b"caf\xe9", "n" * 300])[0].tolist() == [True, True, False]
    assert (fm.factors, fm._native.has_names) == (2, False)
    assert (fm._native.arrays()["n"] == 0).sum() == 1
    # The weights are those of imported.txt, not those that its n and z would give.
    found, w, v = imported.weights(["user", "ad:7", "never"])
    assert found.all()
    assert w.tolist() == pytest.approx([0.015, 0, 0])
    assert v.tolist() == [pytest.approx(row) for row in [[0.011, -0.012], [0, 0], [0.07, -0.13]]]


def test_the_golden_file_of_late_lanes_counts_on() -> None:
    late = FTRLModel.load(GOLDEN / "model_v2" / "late.fmt")
    few = [b"once", b"\xff\xfe", b"long_name_" + b"n" * 300]
    assert not late.weights(few)[2].any()
    assert late.weights(["user", "ad7", "ad8"])[2].all()
    # Seen once and twice before: the third sight brings the lanes.
    late.fit_stream([b"1 once \xff\xfe"])
    assert late.weights(few)[2].any(axis=1).tolist() == [False, True, False]
    late.fit_stream([b"1 once"])
    assert late.weights(few)[2].any(axis=1).tolist() == [True, True, False]


def test_the_golden_file_of_stamps_lets_its_rows_expire() -> None:
    expiring = FTRLModel.load(GOLDEN / "model_v2" / "expiring.fmt")
    names = ["user_1", "user_2", "first", "second", "item_1", "item_2"]

    def here_after(samples: int) -> list[bool]:
        expiring.fit_stream([b"0 always"] * (samples - expiring._native.samples))
        found: list[bool] = expiring.weights(names)[0].tolist()
        return found

    # Times are multiples of 4,096 samples: the first rows' is 0, the others' 8,192.
    assert here_after(18_003) == [True] * 6
    assert here_after(28_000) == [False, True, True, True, True, True]
    assert here_after(36_000) == [False, False, True, True, True, True]
    assert here_after(46_000) == [False, False, False, True, True, True]
    assert here_after(54_000) == [False, False, False, False, True, True]


# ---- the same model, the same bytes ----


@pytest.mark.parametrize("hyper", [dict(factors=0, names=True), dict(factors=5, v_start="kept")])
def test_saving_loading_and_saving_gives_the_same_bytes(
    tmp_path: Path, hyper: dict[str, Any]
) -> None:
    model = trained(**hyper)
    for name in ("first", "second"):
        model.save(tmp_path / name)
    first = (tmp_path / "first").read_bytes()
    assert (tmp_path / "second").read_bytes() == first
    loaded = FTRLModel.load(tmp_path / "first")
    loaded.save(tmp_path / "third")
    assert (tmp_path / "third").read_bytes() == first == loaded._native.dumps()
    assert loaded.get_params() == model.get_params()


@files
def test_golden_models_are_saved_whole(tmp_path: Path, name: str) -> None:
    model = FTRLModel.load(GOLDEN / name)
    model.save(tmp_path / "again")
    saved = (tmp_path / "again").read_bytes()
    assert struct.unpack_from("<I", saved, 8)[0] == NEWEST
    before = (GOLDEN / name).read_bytes()
    assert (saved == before) == (struct.unpack_from("<I", before, 8)[0] == NEWEST)
    again = FTRLModel.load(tmp_path / "again")
    assert again.get_params() == model.get_params()
    ids = model._native.arrays()["id"]
    assert again._native.names_of(ids) == model._native.names_of(ids)
    for key, values in model._native.arrays().items():
        np.testing.assert_array_equal(again._native.arrays()[key], values, err_msg=key)
    lines = [line.encode(errors="surrogateescape") for line in EXPECTED[name]["scores"]]
    assert again.predict_stream(lines).score.tolist() == list(EXPECTED[name]["scores"].values())
    # And both learn alike.
    more = [b"1 user:2 ad7 new", b"0 new:0.5 ad8 always"]
    assert again.fit_stream(more)._native.dumps() == model.fit_stream(more)._native.dumps()


@pytest.mark.parametrize("name", ["lr.fmt", "fm.fmt", "imported.fmt"])
def test_a_file_of_an_old_version_becomes_one_of_the_newest(name: str) -> None:
    # Those of model_v2 were trained anew, from the same lines.
    data = [(GOLDEN / version / name).read_bytes() for version in VERSIONS]
    assert [load_bytes(file).dumps() for file in data] == data[-1:] * len(VERSIONS)


def test_a_loaded_model_learns_on_as_if_never_saved(tmp_path: Path) -> None:
    more = [b"1 a1 b2", b"0 a2 new", b"1:2 a3:0.5"]
    straight = trained(seed=3, init_stdev=0.3)
    straight.save(tmp_path / "m.fmt")
    loaded = FTRLModel.load(tmp_path / "m.fmt")
    assert loaded.fit_stream(more)._native.dumps() == straight.fit_stream(more)._native.dumps()


def test_names_longer_than_a_block_and_many_blocks(tmp_path: Path) -> None:
    names = [b"n" * 3_000_000, *(b"feature_%d" % i for i in range(60_000))]
    model = FTRLModel(factors=3, names=True).fit_stream(b"1 " + name for name in names)
    model.save(tmp_path / "m.fmt")
    kinds = [kind for kind, _, _ in blocks((tmp_path / "m.fmt").read_bytes())]
    assert kinds.count(HEADS) == kinds.count(NAMES) > 3
    loaded = FTRLModel.load(tmp_path / "m.fmt")
    assert loaded.weights(names)[0].all()
    ids = loaded._native.arrays()["id"]
    assert set(loaded._native.names_of(ids)) == set(names)


# ---- pickle ----


def test_pickle_and_copies() -> None:
    model = trained(names=True, alpha=0.2, threads=2)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert twin.get_params() == model.get_params()
        assert twin._native.dumps() == model._native.dumps()
        twin.fit_stream([b"1 other"])
        assert len(twin) == len(model) + 1
    fresh = pickle.loads(pickle.dumps(FTRLModel(l1=0.3)))
    assert (fresh.l1, len(fresh)) == (0.3, 0)


def test_a_damaged_pickle_is_refused() -> None:
    data = pickle.dumps(trained())
    at = data.index(b"FMTRN") + 600
    with pytest.raises(ModelFileError, match="the pickled model: damaged model file"):
        pickle.loads(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


# ---- what is not a whole model ----


@files
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    whole = (GOLDEN / name).read_bytes()
    path = tmp_path / "cut.fmt"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match=r"cut\.fmt: (damaged|not an fmtrain model)"):
            FTRLModel.load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelFileError, match=r"cut\.fmt: damaged .* bytes behind its end"):
        FTRLModel.load(path)


@files
def test_every_flipped_bit_is_found(name: str) -> None:
    whole = (GOLDEN / name).read_bytes()
    # A prime step visits every byte of the file and all bits of some.
    for bit in range(0, 8 * len(whole), 7):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            load_bytes(bytes(data))


def test_the_smallest_file_stands_no_flip_at_all(tmp_path: Path) -> None:
    whole = FTRLModel(factors=0).fit_stream([b"1 a"])._native.dumps()
    assert load_bytes(whole).features == 1
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            load_bytes(bytes(data))


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("model.fmt", LR.read_bytes())
    return data.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89",
        b"bias 0 0 0\nuser 1 2 3\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        zipped(),
        gzip.compress(LR.read_bytes()),
        LR.read_bytes().replace(b"\n", b"\r\n"),
        pickle.dumps([1, 2, 3]),
        struct.pack("<7Q", 1, 8, 0, 1, 1, 1, 24),
    ],
    ids=["empty", "byte", "text", "png", "zip", "gzip", "crlf", "pickle", "alphafm"],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.fmt"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"foreign\.fmt: (not an fmtrain model|damaged)"):
        FTRLModel.load(path)


def test_a_newer_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "newer.fmt"
    whole = LR.read_bytes()
    path.write_bytes(whole[:8] + struct.pack("<I", NEWEST + 1) + whole[12:])
    with pytest.raises(ModelFileError, match=r"newer\.fmt: written by a newer fmtrain: .*5.* 4$"):
        FTRLModel.load(path)


def test_what_is_no_file_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.fmt: cannot read: No such file"):
        FTRLModel.load(tmp_path / "none.fmt")
    with pytest.raises(FileError, match="cannot read: Is a directory"):
        FTRLModel.load(tmp_path)


def blocks(data: bytes) -> list[tuple[int, int, int]]:
    """(kind, begin, end) of every block: see csrc/model/model_file.h."""
    at = 16 + struct.unpack_from("<I", data, 12)[0] + 4
    found = []
    while at < len(data):
        kind, _, payload, _, _, _ = HEAD.unpack_from(data, at)
        found.append((kind, at, at + HEAD.size + payload))
        at = found[-1][2]
    return found


@pytest.mark.parametrize("names", [False, True])
def test_blocks_lost_doubled_or_swapped_are_found(names: bool) -> None:
    # Every block is whole in itself: only the file knows that it is not.
    model = trained(count=70_000, factors=0, names=names)
    whole = model._native.dumps()
    parts = blocks(whole)
    head = whole[: parts[0][1]]
    bodies = [whole[begin:end] for _, begin, end in parts]
    assert len(bodies) >= 3
    assert load_bytes(head + b"".join(bodies)).features == len(model)
    for i in range(len(bodies)):
        for changed in ([], [bodies[i], bodies[i]]):
            with pytest.raises(ModelFileError):
                load_bytes(head + b"".join([*bodies[:i], *changed, *bodies[i + 1 :]]))
    with pytest.raises(ModelFileError):
        load_bytes(head + b"".join([bodies[-1], *bodies[:-1]]))
    with pytest.raises(ModelFileError):
        load_bytes(head + b"".join(bodies) + b"".join(bodies))


def test_names_that_are_no_utf8_do_not_break_the_message(tmp_path: Path) -> None:
    path = tmp_path / "theirs.txt"
    for line, told in {b"\xff 1 nan 0": "not a state", b"\xff 1 0 0\n\xff 1 0 0": "twice"}.items():
        path.write_bytes(b"bias 0 0 0\n" + line + b"\n")
        with pytest.raises(ModelFileError, match=rf"theirs\.txt: .*{told}"):
            FTRLModel.import_alphafm(path)


# ---- saving ----


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 10, 5000, 3_000_000])
def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, room: int) -> None:
    path = tmp_path / "m.fmt"
    trained(count=10).save(path)
    before = path.read_bytes()
    large = trained(count=100_000, factors=3)
    with (
        file_size_limit(room),
        pytest.raises(FileError, match=r"m\.fmt: cannot write: File too large"),
    ):
        large.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.fmt"]
    large.save(path)
    assert len(FTRLModel.load(path)) == len(large)


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    trained().save(tmp_path / "m.fmt")
    (tmp_path / "other").touch()
    assert (tmp_path / "m.fmt").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("path", ["", "folder", "none/m.fmt", "fifo"])
def test_paths_that_cannot_be_saved_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    os.mkfifo("fifo")
    model = trained()
    with pytest.raises(FileError, match=f"{path}: cannot write"):
        model.save(path)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "folder"]


def test_a_model_in_training_is_neither_saved_nor_copied(tmp_path: Path) -> None:
    model = trained()
    stream = _core.Trainer(model._native, 1)
    for look in (lambda: model.save(tmp_path / "m.fmt"), lambda: pickle.dumps(model)):
        with pytest.raises(ValueError, match="being trained"):
            look()
    stream.finish()
    model.save(tmp_path / "m.fmt")
    assert os.listdir(tmp_path) == ["m.fmt"]
