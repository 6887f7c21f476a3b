"""Java's door: the jar, built once by CMake, and tests/java on models made here.

Each test of tests/java is a program; it prints what failed. The build is shared with test_cpp.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import mmh3
import numpy as np
import pytest
from test_cpp import BUILD, run

from fmtrain import FTRLModel
from fmtrain.features import Schema

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


@pytest.fixture(scope="session")
def jar() -> Path:
    if shutil.which("javac") is None:
        pytest.skip("needs a JDK, 11 or later (Debian, Ubuntu: default-jdk-headless)")
    options = ["-DFMTRAIN_TESTS=ON", "-DFMTRAIN_JAVA=ON", "-DFMTRAIN_VERSION=7.8.9"]
    BUILD.mkdir(parents=True, exist_ok=True)
    run(["cmake", "-G", "Ninja", "-S", ROOT / "csrc", "-B", BUILD, *options], 120)
    run(["cmake", "--build", BUILD, "--target", "fmscore_jar"], 1200)
    return BUILD / "fmscore-7.8.9.jar"


def javac(jar: Path, out: Path, sources: Sequence[Path]) -> None:
    run(["javac", "--release", "11", "-cp", jar, "-d", out, *sources], 120)


@pytest.fixture(scope="session")
def java(jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Java:
    """Runs a program of tests/java or tests/hosts: java("Name", argument..., options=[...])."""
    classes = tmp_path_factory.mktemp("classes")
    own = tmp_path_factory.mktemp("tmp")
    javac(jar, classes, [*SOURCES.rglob("*.java"), ROOT / "tests" / "hosts" / "ScoreRows.java"])

    def start(
        name: str, *arguments: object, options: Sequence[str] = (), folder: Path = own
    ) -> subprocess.CompletedProcess[str]:
        usual = ["-Xcheck:jni", "-Xmx256m", "-Dfile.encoding=UTF-8", f"-Djava.io.tmpdir={folder}"]
        return subprocess.run(
            ["java", *usual, *options, "-cp", f"{jar}{os.pathsep}{classes}", name]
            + [str(argument) for argument in arguments],
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


def export(model: FTRLModel, path: Path) -> None:
    """path.fms, and its md5 in path.md5."""
    trained = path.with_suffix(".fmt")
    model.save(trained)
    words = ["--to", "serving", "--out", path, "--name", path.stem, "--version", "2026-11"]
    run(["fmtrain", "export", trained, *words, "--trained-until", "1700000000"], 60)
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


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a.fms and b.fms, which differ; raw.fms, of CLICKS; big.fms, above a megabyte."""
    folder = tmp_path_factory.mktemp("data")
    export(trained(1, 1000, 3000), folder / "a.fms")
    export(trained(2, 1000, 3000), folder / "b.fms")
    export(trained(3, 40_000, 6000), folder / "big.fms")
    raw = FTRLModel(factors=4, l1=0.001, schema=Schema.of(CLICKS))
    export(raw.fit_stream(raw_rows(2000)), folder / "raw.fms")
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


# ---- parity ----


def samples(count: int) -> tuple[bytes, list[bytes]]:
    """A host's ROWS file, and the same samples as text: the user's features first."""
    draw = np.random.default_rng(11)
    row_ptr = np.concatenate([[0], np.cumsum(draw.integers(0, 12, count))])
    features = draw.integers(0, 1200, 10 + row_ptr[-1])  # the first 10 are the user's
    x = draw.uniform(-1, 1, len(features)).astype(np.float32)
    words = [f" f{name}:{value:.9g}" for name, value in zip(features, x, strict=True)]
    user = "".join(words[:10])
    lines = [
        f"{i % 2}{user}{''.join(words[10 + row_ptr[i] : 10 + row_ptr[i + 1]])}\n".encode()
        for i in range(count)
    ]
    ids = np.array([mmh3.hash64(f"f{i}", 0, signed=False)[0] for i in range(1200)], np.uint64)
    ids = ids[features]
    counts = np.array([count, 10, row_ptr[-1]], np.uint64)
    parts = [counts, ids[:10], x[:10], row_ptr.astype(np.uint64), ids[10:], x[10:]]
    return b"".join(part.tobytes() for part in parts), lines


def scored(java: Java, tmp_path: Path, model: Path, form: str, rows: Path) -> np.ndarray:
    out = tmp_path / "scores"
    done = java("ScoreRows", model, form, rows, out)
    assert done.returncode == 0, done.stdout + done.stderr
    found = np.fromfile(out, np.uint8)
    count = len(found) // 5
    assert not found[4 * count :].any()
    return found[: 4 * count].view(np.float32)


@pytest.mark.parametrize("factors", [0, 8])
def test_a_hundred_thousand_samples_score_as_the_trainer_scores_them(
    java: Java, tmp_path: Path, factors: int
) -> None:
    rows, lines = samples(100_000)
    model = FTRLModel(factors=factors, l1=0.001, alpha=0.1)
    model.fit_stream([b"".join(lines[:20_000])])
    export(model, tmp_path / "m.fms")
    (tmp_path / "rows").write_bytes(rows)
    found = scored(java, tmp_path, tmp_path / "m.fms", "csr", tmp_path / "rows")
    expected = model.predict_stream([b"".join(lines)]).score
    assert len(np.unique(expected)) > 50_000
    assert found.tobytes() == expected.tobytes()


def test_raw_rows_score_as_the_trainer_scores_them(java: Java, data: Path, tmp_path: Path) -> None:
    rows = raw_rows(3000)
    user = {name: rows[0][name] for name in ("age", "city")}
    items = [
        {name: row[name] for name in ("price", "tags", "likes") if at % 5 or name != "price"}
        for at, row in enumerate(rows)
    ]
    (tmp_path / "rows").write_text("\n".join(map(json.dumps, [user, *items])) + "\n")
    found = scored(java, tmp_path, data / "raw.fms", "json", tmp_path / "rows")
    model = FTRLModel.load(data / "raw.fmt")
    expected = model.decision_function([{**user, **item} for item in items]).astype(np.float32)
    assert len(np.unique(expected)) > 1000
    assert found.tobytes() == expected.tobytes()


# ---- the library inside the jar ----


def test_the_jar_holds_a_library_that_shows_java_alone(jar: Path, tmp_path: Path) -> None:
    names = zipfile.ZipFile(jar).namelist()
    (native,) = [name for name in names if name.endswith(".so")]
    assert re.fullmatch(r"native/linux-\w+/libfmscore_jni\.so", native)
    assert {name.split("/")[0] for name in names} == {"META-INF", "fmscore", "native"}
    library = Path(zipfile.ZipFile(jar).extract(native, tmp_path))
    shown = run(["nm", "-D", "--defined-only", library], 60).splitlines()
    functions = {line.split()[-1] for line in shown}
    declared = (ROOT / "csrc/jni/java/fmscore/Native.java").read_text()
    natives = set(re.findall(r"^  static native \S+ (\w+)\(", declared, re.M))
    assert functions == {f"Java_fmscore_Native_{name}" for name in natives} | {"JNI_OnLoad"}
    needed = re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", library], 60))
    assert all(re.match(r"(libc|libm|ld-linux[\w-]*)\.so\.", name) for name in needed), needed


def test_the_library_is_extracted_once(java: Java, data: Path, tmp_path: Path) -> None:
    def start() -> tuple[Path, int]:
        done = java("Loads", options=[], folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("fmscore 7.8.9 ")
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


def test_a_library_that_is_named_is_loaded(java: Java, jar: Path, tmp_path: Path) -> None:
    (native,) = [name for name in zipfile.ZipFile(jar).namelist() if name.endswith(".so")]
    library = Path(zipfile.ZipFile(jar).extract(native, tmp_path))
    unused = tmp_path / "unused"
    unused.mkdir()
    done = java("Loads", options=[f"-Dfmscore.library={library}"], folder=unused)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(unused.iterdir())
    none = java("Loads", options=["-Dfmscore.library=/none.so"])
    assert "-Dfmscore.library=/none.so: there is no such file" in none.stderr
    nowhere = java("Loads", folder=tmp_path / "none")
    assert "/libfmscore_jni.so cannot be written to java.io.tmpdir: " in nowhere.stderr


# ---- what the README says ----


def test_the_example_of_the_readme_runs(jar: Path, data: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```java\n(.*?)```", readme, flags=re.S)
    (tmp_path / "Rank.java").write_text(example)
    (tmp_path / "models").mkdir()
    shutil.copy(data / "a.fms", tmp_path / "models")
    javac(jar, tmp_path, [tmp_path / "Rank.java"])
    done = subprocess.run(
        ["java", "-cp", f"{jar}{os.pathsep}{tmp_path}", "Rank"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"2 of 2: -?\d\.\d+ -?\d\.\d+\n", done.stdout)


def test_the_documentation_is_whole(jar: Path, tmp_path: Path) -> None:
    """Every link of the Javadoc leads somewhere."""
    sources = sorted((ROOT / "csrc/jni/java/fmscore").glob("*.java"))
    doclint = "-Xdoclint:all,-missing"
    assert run(["javadoc", "-quiet", doclint, "-d", tmp_path, *sources], 120) == ""
