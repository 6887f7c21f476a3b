"""Java's door: the jar, built once by CMake, and tests/java on models made here.

Each test of tests/java is a program; it prints what failed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fmtrain import FTRLModel
from fmtrain.features import Schema
from java_hosts import command, compile_java, jar
from serving_hosts import export, run

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "java"
TESTS = sorted(path.stem for path in SOURCES.glob("*Test.java"))

CLICKS = {
    "columns": {
        "clicked": {"role": "label"},
        "age": {"type": "number", "transforms": ["boundaries 20 30 40"], "role": "user"},
        "price": {"type": "number", "transforms": ["log"]},
        "city": {"role": "user"},
        "tags": {"type": "list", "role": "item"},
        "likes": {"type": "weighted-list"},
    },
    "features": {"city_tag": {"cross": ["city", "tags"]}},
}

Java = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Java:
    """Runs a program of tests/java: java("Name", options=[...], folder=java.io.tmpdir)."""
    classes = tmp_path_factory.mktemp("classes")
    own = tmp_path_factory.mktemp("tmp")
    compile_java(classes, SOURCES.rglob("*.java"))

    def start(
        name: str, options: Sequence[str] = (), folder: Path = own
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(classes, name, f"-Djava.io.tmpdir={folder}", *options),
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return start


def trained(seed: int, features: int, rows: int, factors: int = 8) -> FTRLModel:
    """Knows f0, f1, ..."""
    draw = np.random.default_rng(seed)
    names = draw.integers(0, features, (rows, 12))
    values = draw.uniform(-2, 2, (rows, 12))
    lines = [
        f"{i % 2} " + " ".join(f"f{n}:{v:.3f}" for n, v in zip(*of, strict=True))
        for i, of in enumerate(zip(names, values, strict=True))
    ]
    model = FTRLModel(factors=factors, l1=0.001, alpha=0.1, seed=seed)
    return model.fit_stream(["\n".join(lines).encode()])


def serve(model: FTRLModel, path: Path) -> None:
    """path.fms, and its md5 in path.md5."""
    model.save(path.with_suffix(".fmt"))
    named = ["--name", path.stem, "--model-version", "2026-11", "--trained-until", "1700000000"]
    export(path.with_suffix(".fmt"), path, *named)
    path.with_suffix(".md5").write_text(hashlib.md5(path.read_bytes()).hexdigest() + "\n")


def raw_rows(count: int) -> list[dict[str, object]]:
    draw = np.random.default_rng(5)
    tags = ["film", "news", "sport"]
    return [
        {
            "clicked": int(draw.integers(2)),
            "age": int(draw.integers(16, 70)),
            "price": round(float(draw.lognormal()), 3),
            "city": ["Oslo", "Pune", "Lima"][draw.integers(3)],
            "tags": [str(t) for t in draw.choice(tags, 2, replace=False)],
            "likes": {tags[draw.integers(3)]: 0.5},
        }
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a.fms and b.fms, which differ; raw.fms, of CLICKS; big.fms, above a megabyte."""
    folder = tmp_path_factory.mktemp("data")
    serve(trained(1, 1000, 3000), folder / "a.fms")
    serve(trained(2, 1000, 3000), folder / "b.fms")
    serve(trained(3, 40_000, 6000), folder / "big.fms")
    raw = FTRLModel(factors=4, l1=0.001, schema=Schema.of(CLICKS))
    serve(raw.fit_stream(raw_rows(2000)), folder / "raw.fms")
    return folder


# ---- tests/java ----


@pytest.mark.parametrize("name", TESTS)
def test_java(java: Java, data: Path, name: str) -> None:
    done = java(name, options=[f"-Ddata={data}"])
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.fullmatch(rf"(\d+) tests of {name} passed\n", done.stdout)
    assert said, done.stdout
    assert int(said[1]) >= len(re.findall(r"^  static void \w+\(\)", source_of(name), re.M)) > 1


def source_of(name: str) -> str:
    return (SOURCES / f"{name}.java").read_text(encoding="utf-8")


# ---- the library inside the jar ----


def test_the_jar_holds_a_library_that_shows_java_alone(tmp_path: Path) -> None:
    names = zipfile.ZipFile(jar()).namelist()
    (native,) = [name for name in names if name.endswith(".so")]
    assert re.fullmatch(r"native/linux-\w+/libfmscore_jni\.so", native)
    assert {name.split("/")[0] for name in names} == {"META-INF", "fmscore", "native"}
    library = Path(zipfile.ZipFile(jar()).extract(native, tmp_path))
    shown = run(["nm", "-D", "--defined-only", library]).splitlines()
    functions = {line.split()[-1] for line in shown}
    declared = (ROOT / "csrc/jni/java/fmscore/Native.java").read_text()
    natives = set(re.findall(r"^  static native \S+ (\w+)\(", declared, re.M))
    assert functions == {f"Java_fmscore_Native_{name}" for name in natives} | {"JNI_OnLoad"}
    needed = re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", library]))
    assert all(re.match(r"(libc|libm|ld-linux[\w-]*)\.so\.", name) for name in needed), needed


def test_the_library_is_extracted_once(java: Java, data: Path, tmp_path: Path) -> None:
    def start() -> tuple[Path, int]:
        done = java("Loads", folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("fmscore 0 ")
        (path,) = tmp_path.glob("fmscore-*")
        assert path.stat().st_mode & 0o777 == 0o700
        return path, path.stat().st_ino

    path, first = start()
    assert re.fullmatch(r"fmscore-[0-9a-f]{32}\.so", path.name)
    content = path.read_bytes()
    assert start() == (path, first)
    path.write_bytes(b"something else")
    again, second = start()
    assert again.read_bytes() == content
    path.chmod(0o777)  # others could have written it
    assert start()[1] != second
    path.unlink()
    path.symlink_to("/nowhere")
    start()
    assert not path.is_symlink()


def test_a_name_that_is_taken_is_left_alone(java: Java, tmp_path: Path) -> None:
    java("Loads", folder=tmp_path)
    (path,) = tmp_path.glob("fmscore-*")
    path.unlink()
    (path / "not-ours").mkdir(parents=True)  # cannot be replaced by a file
    done = java("Loads", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_library_that_is_named_is_loaded(java: Java, tmp_path: Path) -> None:
    (native,) = [name for name in zipfile.ZipFile(jar()).namelist() if name.endswith(".so")]
    library = Path(zipfile.ZipFile(jar()).extract(native, tmp_path))
    unused = tmp_path / "unused"
    unused.mkdir()
    done = java("Loads", options=[f"-Dfmscore.library={library}"], folder=unused)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(unused.iterdir())
    none = java("Loads", options=["-Dfmscore.library=/none.so"])
    assert "-Dfmscore.library=/none.so: there is no such file" in none.stderr
    nowhere = java("Loads", folder=tmp_path / "none")
    assert "/libfmscore_jni.so cannot be written to java.io.tmpdir: " in nowhere.stderr


# ---- what the README and the example say ----


def test_the_example_of_the_readme_runs(data: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```java\n(.*?)```", readme, flags=re.S)
    (tmp_path / "Rank.java").write_text(example)
    (tmp_path / "models").mkdir()
    shutil.copy(data / "a.fms", tmp_path / "models")
    compile_java(tmp_path, [tmp_path / "Rank.java"])
    said = run(command(tmp_path, "Rank"), cwd=tmp_path)
    assert re.fullmatch(r"2 of 2: -?\d\.\d+ -?\d\.\d+\n", said)


def test_the_documentation_is_whole(tmp_path: Path) -> None:
    """Every link of the Javadoc leads somewhere."""
    sources = sorted((ROOT / "csrc/jni/java/fmscore").glob("*.java"))
    doclint = "-Xdoclint:all,-missing"
    assert run(["javadoc", "-quiet", doclint, "-d", tmp_path, *sources]) == ""
