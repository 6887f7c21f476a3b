"""examples/ranking_server, in C++ and in Java: built as its README says, and run while models are
replaced."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fmtrain import FTRLModel
from fmtrain.synth import Synth
from java_hosts import command, compile_java
from serving_hosts import ROOT, config, export, run

EXAMPLE = ROOT / "examples" / "ranking_server"
CANDIDATES = 50
FIELDS = [
    "requests",
    "requests_per_s",
    "p50_ms",
    "p99_ms",
    "p99.9_ms",
    "scored_items",
    "cut_off_items",
    "cache_hits",
    "swaps",
    "model",
]
Command = list[str | Path]


def build_cc(folder: Path) -> Command:
    build = folder / "build"
    run(
        [
            "cmake",
            "-G",
            "Ninja",
            "-S",
            EXAMPLE,
            "-B",
            build,
            f"-Dfmscore_DIR={config('--cmakedir')[0]}",
        ]
    )
    run(["cmake", "--build", build])
    return [build / "ranking_server"]


def build_java(folder: Path) -> Command:
    compile_java(folder, [EXAMPLE / "RankingServer.java"])
    return [*command(folder, "RankingServer")]


@pytest.fixture(scope="module", params=[build_cc, build_java], ids=["c++", "java"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Command:
    build: Callable[[Path], Command] = request.param
    return build(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples") / "samples.txt"
    path.write_bytes(Synth(fields=40).text(0, 400))
    return path


@pytest.fixture
def models(samples: Path, tmp_path: Path) -> Path:
    """A directory with a model in it; next.fms beside it is another one."""
    folder = tmp_path / "models"
    folder.mkdir()
    for factors, name in ((0, "models/first.fms"), (4, "next.fms")):
        model = FTRLModel(factors=factors, l1=0).fit_stream(str(samples))
        model.save(str(tmp_path / "model.fmt"))
        export(tmp_path / "model.fmt", tmp_path / name, "--name", Path(name).stem)
    return folder


def fields_of(told: str) -> dict[str, str]:
    fields = dict(line.split(" ", 1) for line in told.splitlines())
    assert list(fields) == FIELDS
    assert 0 < float(fields["p50_ms"]) <= float(fields["p99_ms"]) <= float(fields["p99.9_ms"])
    assert float(fields["requests_per_s"]) > 0
    assert int(fields["requests"]) * CANDIDATES == (
        int(fields["scored_items"]) + int(fields["cut_off_items"])
    )
    return fields


def test_swapped_under_load(server: Command, models: Path, samples: Path) -> None:
    flags = ["--seconds", "120", "--swaps", "1", "--candidates", str(CANDIDATES)]
    process = subprocess.Popen(
        [*server, models, samples, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process:
        assert process.stderr.readline() == f"served: {models}/first.fms\n"
        bad = models / "bad.fms"
        (models.parent / "bad").write_bytes(b"nonsense")
        (models.parent / "bad").rename(bad)
        assert process.stderr.readline().startswith(f"not served: {bad}: ")
        (models.parent / "next.fms").rename(models / "next.fms")
        assert process.stderr.readline() == f"served: {models}/next.fms\n"
        assert process.stdout is not None
        fields = fields_of(process.stdout.read())
        assert process.wait() == 0
    assert fields["swaps"] == "1"
    assert fields["model"].startswith("next")
    assert int(fields["requests"]) > 0
    assert int(fields["cache_hits"]) > 0


def test_number_of_requests(server: Command, models: Path, samples: Path) -> None:
    flags = ["--requests", "40", "--deadline-ms", "60000", "--candidates", CANDIDATES]
    told = run([*server, models, samples, *flags])
    fields = fields_of(told.split("first.fms\n", 1)[1])
    assert fields["requests"] == "40"
    assert fields["cut_off_items"] == "0"
    assert fields["swaps"] == "0"


def test_deadline(server: Command, models: Path, samples: Path) -> None:
    flags = ["--requests", "4", "--deadline-ms", "0", "--candidates", CANDIDATES]
    fields = fields_of(run([*server, models, samples, *flags]).split("first.fms\n", 1)[1])
    assert fields["scored_items"] == "0"
    assert fields["cut_off_items"] == str(4 * CANDIDATES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["models"], "MODELS and SAMPLES are needed"),
        (["models", "samples", "--what", "3"], "no such option: --what"),
        (["models", "samples", "--seconds"], "--seconds: '' is no number from 0 to 1e9"),
        (["models", "samples", "--seconds", "ten"], "--seconds: 'ten' is no number from 0 to 1e9"),
        (["models", "samples", "--threads", "0"], "--threads: at least 1 is needed"),
    ],
)
def test_usage(given: list[str], message: str, server: Command) -> None:
    told = run([*server, *given], expected=2)
    assert f": {message}\nusage: " in told


def test_nothing_to_serve(server: Command, models: Path, samples: Path, tmp_path: Path) -> None:
    assert f"{tmp_path}/none: " in run([*server, tmp_path / "none", samples], expected=1)
    (tmp_path / "empty").mkdir()
    told = run([*server, tmp_path / "empty", samples], expected=1)
    assert f"{tmp_path}/empty: has no *.fms" in told
    told = run([*server, models, tmp_path / "no.txt"], expected=1)
    assert f"{tmp_path}/no.txt" in told
    (tmp_path / "users.txt").write_text("1 a b c\n")
    told = run([*server, models, tmp_path / "users.txt"], expected=1)
    assert f"{tmp_path}/users.txt: no line has a feature for an item" in told
