"""The input cache: packed samples do all that text does, byte for byte, and bad files say so."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

import fmtrain
from fmtrain import FTRLModel
from fmtrain.errors import (
    BadInputError,
    BrokenInputError,
    FileError,
    ParameterError,
)
from fmtrain.synth import Synth

Cli = Callable[..., CompletedProcess[bytes]]
SAMPLES = 40_000
GOLDEN = {
    "lz4_names.fmc": "84e7bba6b9b9753e3f66300c8bc1d56e3b55e6e78286f23de9760adc14311543",
    "zstd.fmc": "7cd07e602197c0ee31e0c25db1c789d830db6aaa0557fc3d38581a8ebc9c8e54",
    "none_seed5.fmc": "498dd97672a1c6b223f9da561248e394985ad8f17bef8cb9388422e6d0430354",
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text of several blocks, with keys, weights and values, some lines bad."""
    synth = Synth(fields=20, dims=20_000, numeric=2, keys=300, weights=True)
    lines = synth.text(0, SAMPLES).splitlines(keepends=True)
    lines[100:100] = [b"a bad line\n", b"\n", b"# a comment\n", b"1 x:nan\n"]
    path = tmp_path_factory.mktemp("samples") / "samples.txt"
    path.write_bytes(synth.header + b"".join(lines))
    return path


@pytest.fixture(scope="module")
def cache(samples: Path) -> Path:
    path = samples.parent / "samples.fmc"
    report = fmtrain.pack(samples, path, names=True)
    assert report.samples == SAMPLES
    assert report.blocks >= 3
    assert report.bytes == path.stat().st_size < samples.stat().st_size / 2
    assert report.bytes_in == samples.stat().st_size
    assert report.log["bad"] == {"bad_label": 1, "nonfinite_value": 1}
    return path


def trained(source: Any, path: Path, **options: Any) -> bytes:
    hyper = {k: options.pop(k) for k in ("factors", "names", "hash_seed") if k in options}
    FTRLModel(**{"factors": 0, **hyper}).fit_stream(source, **options).save(path)
    return path.read_bytes()


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- as text ----


@pytest.mark.parametrize("options", [{"factors": 0}, {"factors": 4}, {"names": True}])
def test_models_are_those_of_text(
    samples: Path, cache: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    assert trained(cache, tmp_path / "a", **options) == trained(samples, tmp_path / "b", **options)


def test_every_kind_of_source(samples: Path, cache: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    expected = trained(samples, tmp_path / "text")
    zipped = tmp_path / "samples.fmc.gz"
    zipped.write_bytes(gzip.compress(cache.read_bytes(), 1))
    with open(cache, "rb") as file:
        for source in [str(cache)[:-1] + "?", zipped, f"exec:cat '{cache}'", file]:
            assert trained(source, tmp_path / "m") == expected, source
    done = fmtrain_cli(
        *("fit", "--model", tmp_path / "m", "--factors", 0, "--threads", 1),
        stdin=cache.read_bytes(),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m").read_bytes() == expected
    assert b"of the way from a constant to the hidden model" in done.stdout


def test_predictions_and_metrics_are_those_of_text(
    samples: Path, cache: Path, tmp_path: Path, fmtrain_cli: Cli
) -> None:
    model = tmp_path / "m"
    trained(samples, model, factors=4)
    for command in (["predict", "--threads", 3], ["predict", "--link", "raw"], ["eval", "--json"]):
        text, packed = (fmtrain_cli(*command, "-m", model, path) for path in (samples, cache))
        assert text.returncode == packed.returncode == 0
        assert packed.stdout == text.stdout.replace(b"samples.txt", b"samples.fmc")


def test_threads_write_the_same_file(samples: Path, cache: Path, tmp_path: Path) -> None:
    fmtrain.pack(samples, tmp_path / "many", names=True, threads=4)
    assert (tmp_path / "many").read_bytes() == cache.read_bytes()


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_codecs(samples: Path, tmp_path: Path, codec: Any) -> None:
    fmtrain.pack(samples, tmp_path / "cache", codec=codec)
    assert trained(tmp_path / "cache", tmp_path / "a") == trained(samples, tmp_path / "b")


def test_libffm_is_parsed_once(tmp_path: Path) -> None:
    (tmp_path / "ffm").write_bytes(b"1 0:a:2 1:b\n0 0:c\n")
    fmtrain.pack(tmp_path / "ffm", tmp_path / "cache", format="libffm")
    expected = trained(tmp_path / "ffm", tmp_path / "a", format="libffm")
    assert trained(tmp_path / "cache", tmp_path / "b") == expected


def test_a_cache_packed_again_is_the_same_samples(cache: Path, tmp_path: Path) -> None:
    fmtrain.pack([cache, cache], tmp_path / "twice", names=True)
    expected = trained([cache, cache], tmp_path / "a", names=True)
    assert trained(tmp_path / "twice", tmp_path / "b", names=True) == expected


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_files(golden: Path, tmp_path: Path, name: str) -> None:
    folder = golden / "cache_v1"
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == GOLDEN[name]
    options = {"names": "names" in name, "hash_seed": 5 if "seed5" in name else 0}
    model = FTRLModel(factors=2, **options).fit_stream(folder / "samples.txt")
    assert trained(folder / name, tmp_path / "m", factors=2, **options) == (
        model.save(tmp_path / "n") or (tmp_path / "n").read_bytes()
    )
    text, packed = (model.predict_stream(folder / one) for one in ("samples.txt", name))
    for column in ("label", "weight", "score", "group"):
        assert np.array_equal(getattr(packed, column), getattr(text, column)), column


# ---- beside training ----


def test_epochs_over_stdin(samples: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    expected = trained(samples, tmp_path / "text", epochs=3)
    done = fmtrain_cli(
        *("fit", "--model", tmp_path / "m", "--factors", 0, "--threads", 1),
        *("--epochs", 3, "--cache", tmp_path / "cache", "--bad-lines", tmp_path / "bad"),
        stdin=samples.read_bytes(),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m").read_bytes() == expected
    assert (tmp_path / "bad").read_bytes() == b"a bad line\n1 x:nan\n"
    assert b"bad lines:       2  bad_label 1  nonfinite_value 1" in done.stdout
    assert b"cache:           40,000 samples" in done.stdout
    assert b"hidden model:" in done.stdout
    assert left_in(tmp_path) == ["bad", "cache", "m", "text"]
    assert trained(tmp_path / "cache", tmp_path / "n", epochs=3) == expected


def test_a_generator_has_epochs_too(samples: Path, tmp_path: Path) -> None:
    lines = samples.read_bytes().splitlines()
    options: dict[str, Any] = {"epochs": 2, "names": True}
    expected = trained(samples, tmp_path / "a", **options)
    assert trained(iter(lines), tmp_path / "b", cache=tmp_path / "c", **options) == expected
    with pytest.raises(ParameterError, match=r"read only once: epochs > 1 needs files, or a cache"):
        FTRLModel().fit_stream(iter(lines), epochs=2)


def test_training_with_threads_packs_all_in_order(samples: Path, tmp_path: Path) -> None:
    for threads in (1, 4):
        model = FTRLModel(factors=0, threads=threads)
        model.fit_stream(samples, cache=tmp_path / f"cache{threads}", epochs=2)
        assert model._native.samples == 2 * SAMPLES
        assert model.report_.cache is not None
        assert model.report_.cache["samples"] == SAMPLES
    assert (tmp_path / "cache1").read_bytes() == (tmp_path / "cache4").read_bytes()


@pytest.mark.parametrize("end", ["cut", "bad"])
def test_a_run_that_fails_leaves_no_cache(
    samples: Path, tmp_path: Path, fmtrain_cli: Cli, end: str
) -> None:
    source = tmp_path / "cut.gz"
    text = samples.read_bytes() + b"bad\n" * (10_000 if end == "bad" else 0)
    source.write_bytes(gzip.compress(text, 1)[: None if end == "bad" else -100])
    for command in (["fit", "--model", tmp_path / "m", "--cache"], ["pack", "--out"]):
        done = fmtrain_cli(*command, tmp_path / "cache", source)
        assert done.returncode == (3 if end == "bad" else 4), done.stderr
        assert not [name for name in left_in(tmp_path) if name.startswith("cache")]


@pytest.mark.parametrize("command", ["fit", "pack"])
def test_a_run_that_is_stopped_leaves_no_cache(samples: Path, tmp_path: Path, command: str) -> None:
    flags = ["--model", tmp_path / "m", "--cache"] if command == "fit" else ["--out"]
    run = subprocess.Popen(
        [sys.executable, "-m", "fmtrain", command, *flags, tmp_path / "cache"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdin is not None
    run.stdin.write(samples.read_bytes())
    run.stdin.flush()
    time.sleep(0.5)
    run.terminate()
    _, messages = run.communicate(timeout=60)
    assert run.returncode == 143, messages
    assert left_in(tmp_path) == (["m"] if command == "fit" else [])
    assert command == "pack" or b"cache was not written: the run was stopped" in messages


def test_a_path_that_cannot_be_written_is_found_first(samples: Path, tmp_path: Path) -> None:
    model = FTRLModel()
    for path in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(FileError, match="cannot write"):
            model.fit_stream(samples, cache=path)
        with pytest.raises(FileError, match="cannot write"):
            fmtrain.pack(samples, path)
    assert len(model) == 0


# ---- shards ----


def test_shards_partition_the_samples(cache: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    model = FTRLModel(factors=0).fit_stream(cache)
    whole = model.predict_stream(cache)
    parts = [model.predict_stream(cache, shard=(i, 3)) for i in range(3)]
    assert all(0 < part.label.size < SAMPLES for part in parts)
    for column in ("score", "group"):
        joined = np.concatenate([getattr(part, column) for part in parts])
        assert np.array_equal(np.sort(joined), np.sort(getattr(whole, column)))
    # A shard packed again is that shard.
    for i in range(3):
        fmtrain.pack(cache, tmp_path / f"shard{i}", shard=(i, 3))
        shard = trained(tmp_path / f"shard{i}", tmp_path / "a")
        assert shard == trained(cache, tmp_path / "b", shard=(i, 3))
    model.save(tmp_path / "m")
    lines = [
        fmtrain_cli("predict", "-m", tmp_path / "m", "--shard", f"{i}/3", cache).stdout
        for i in range(3)
    ]
    assert sum(part.count(b"\n") for part in lines) == SAMPLES
    done = fmtrain_cli("eval", "-m", tmp_path / "m", "--shard", "1/3", cache)
    assert f"{parts[1].label.size:,}".encode() in done.stdout


def test_a_shard_trains_for_several_epochs(cache: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"shard": (1, 2), "epochs": 2}
    expected = trained(cache, tmp_path / "a", **options)
    assert trained(cache, tmp_path / "b", cache=tmp_path / "c", **options) == expected


def test_text_has_no_shards(samples: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    with pytest.raises(ParameterError, match="only packed samples can be read by shards"):
        FTRLModel().fit_stream(samples, shard=(0, 2))
    done = fmtrain_cli("fit", "--model", tmp_path / "m", "--shard", "0/2", stdin=b"1 a\n0 b\n")
    assert done.returncode == 2
    assert b"run `fmtrain pack` first" in done.stderr
    # One shard is all of it.
    FTRLModel().fit_stream(samples, shard=(0, 1))


@pytest.mark.parametrize("shard", ["1", "2/2", "-1/2", "a/b", "1/0", "0/1/2", ""])
def test_bad_shards(cache: Path, tmp_path: Path, fmtrain_cli: Cli, shard: str) -> None:
    done = fmtrain_cli("fit", "--model", tmp_path / "m", f"--shard={shard}", cache)
    assert done.returncode == 2
    assert b"give I/N" in done.stderr
    bad: Any = tuple(int(part) for part in shard.split("/") if part.lstrip("-").isdigit())
    with pytest.raises(ParameterError, match=r"give \(I, N\)"):
        FTRLModel().fit_stream(cache, shard=bad)


# ---- what does not fit ----


def test_another_hash_seed(cache: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    with pytest.raises(ParameterError, match=r"packed with hash_seed 0, but hash_seed 5 is wanted"):
        FTRLModel(hash_seed=5).fit_stream(cache)
    done = fmtrain_cli("fit", "--model", tmp_path / "m", "--hash-seed", 5, cache)
    assert done.returncode == 2
    assert b"pack the samples again with that seed" in done.stderr


def test_a_model_with_names_needs_them(samples: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    fmtrain.pack(samples, tmp_path / "nameless")
    done = fmtrain_cli("fit", "--names", "--model", tmp_path / "m", tmp_path / "nameless")
    assert done.returncode == 2
    assert b"packed without names" in done.stderr
    with pytest.raises(ParameterError, match="pack the samples again with --names"):
        fmtrain.pack(tmp_path / "nameless", tmp_path / "again", names=True)
    # Scoring needs none.
    model = FTRLModel(factors=0, names=True).fit_stream(samples)
    assert model.predict_stream(tmp_path / "nameless").label.size == SAMPLES


def test_files_that_broke_off_or_are_damaged(cache: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    whole = cache.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :]
    for bytes_, why in (
        (whole[:-1], "damaged cache: it was cut: it ends before its end block"),
        (whole[:half], "damaged cache: it was cut"),
        (whole[:5], "damaged cache: it ends inside the header"),
        (flipped, "damaged cache: the checksum of a block does not match"),
        (whole + b"1 a\n", "damaged cache: there are bytes behind its end"),
        (whole[:8] + b"\7" + whole[9:], "written by a newer fmtrain: cache format version 7"),
    ):
        bad = tmp_path / "bad.fmc"
        bad.write_bytes(bytes_)
        with pytest.raises(BrokenInputError, match=f"bad.fmc: {why}"):
            FTRLModel().fit_stream(bad)
        done = fmtrain_cli("fit", "--model", tmp_path / "m", bad)
        assert done.returncode == 4
        assert why.encode() in done.stderr
        assert b"Traceback" not in done.stderr
        assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_library_that_is_missing_is_named(
    tmp_path: Path, fmtrain_cli: Cli, golden: Path, codec: str
) -> None:
    (tmp_path / f"lib{codec}.so.1").write_bytes(b"not a library")
    env = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    flags = ["--codec", codec, "--out", tmp_path / "cache"]
    packed = golden / "cache_v1" / ("zstd.fmc" if codec == "zstd" else "lz4_names.fmc")
    for command in (["pack", *flags], ["fit", "--model", tmp_path / "m", packed]):
        done = fmtrain_cli(*command, stdin=b"1 a\n0 b\n", env=env)
        assert done.returncode == 2, done.stderr
        assert (
            f"{codec} needs lib{codec}.so.1, which this system lacks: ins".encode() in done.stderr
        )
    done = fmtrain_cli("pack", *flags[2:], "--codec", "none", stdin=b"1 a\n0 b\n", env=env)
    assert done.returncode == 0, done.stderr
    done = fmtrain_cli("fit", "--model", tmp_path / "m", tmp_path / "cache", env=env)
    assert done.returncode == 0, done.stderr


def test_arguments_of_pack(samples: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    bad: list[dict[str, Any]] = [
        {"codec": "gzip"},
        {"threads": 0},
        {"hash_seed": -1},
        {"format": "xml"},
        {"max_bad_ratio": 2},
        {"shard": (2, 2)},
    ]
    for options in bad:
        with pytest.raises(ParameterError, match="is not allowed"):
            fmtrain.pack(samples, tmp_path / "cache", **options)
    with pytest.raises(BadInputError, match="no samples"):
        fmtrain.pack([b"# nothing"], tmp_path / "cache")
    assert fmtrain_cli("pack", "--out", tmp_path / "cache", stdin=b"").returncode == 3
    with pytest.raises(BadInputError, match="more than max_bad_ratio = 0 allows"):
        fmtrain.pack(samples, tmp_path / "cache", max_bad_ratio=0)
    assert left_in(tmp_path) == []


def test_the_command(samples: Path, cache: Path, tmp_path: Path, fmtrain_cli: Cli) -> None:
    out, side = tmp_path / "cache", tmp_path / "bad"
    flags = ["--out", out, "--names", "--threads", "2", "--bad-lines", side]
    done = fmtrain_cli("pack", samples, *flags)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == cache.read_bytes()
    assert side.read_bytes() == b"a bad line\n1 x:nan\n"
    assert b"samples:    40,000 in " in done.stdout
    assert f"{os.path.getsize(out) / 1e6:,.1f} MB".encode() in done.stdout
    assert b"2 bad lines (bad_label 1, nonfinite_value 1)" in done.stderr
