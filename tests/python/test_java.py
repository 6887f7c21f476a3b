"""Java's door: the jar, built once by CMake, and tests/java on models made here.

Each test of tests/java is a program; it prints what failed. The build is shared with test_cpp.py.
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
import scipy.sparse
from fmtrain import FTRLModel
from fmtrain.features import Schema
from test_cpp import BUILD, run

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
    """Knows f0, f1, ..., and the columns of samples()."""
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


def samples(count: int) -> tuple[list[np.ndarray], scipy.sparse.csr_matrix]:
    """Arrays of a host's ROWS file, and the same samples, the user's features first, as names."""
    draw = np.random.default_rng(11)
    user = draw.integers(0, 1200, 20)
    user_x = draw.uniform(-1, 1, 20).astype(np.float32)
    sizes = draw.integers(0, 12, count)
    row_ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    features = draw.integers(0, 1200, int(row_ptr[-1]))
    x = draw.uniform(-1, 1, len(features)).astype(np.float32)
    where = np.repeat(row_ptr[:-1].astype(np.int64), 20)
    whole = scipy.sparse.csr_matrix(
        (
            np.insert(x, where, np.tile(user_x, count)),
            np.insert(features, where, np.tile(user, count)),
            row_ptr.astype(np.int64) + 20 * np.arange(count + 1),
        ),
        shape=(count, 1200),
    )
    counts = np.array([count, 20, len(features)], np.uint64)
    return [counts, user, user_x, row_ptr, features, x], whole


def column_ids(columns: np.ndarray) -> np.ndarray:
    """Column j of a matrix is the feature str(j)."""
    import mmh3

    ids = [mmh3.hash64(str(j), 0, signed=False)[0] for j in range(1200)]
    return np.array(ids, np.uint64)[columns]


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
    (counts, user, user_x, row_ptr, features, x), whole = samples(100_000)
    model = FTRLModel(factors=factors, l1=0.001, alpha=0.1)
    model.partial_fit(whole[:20_000], np.arange(20_000) % 2)
    export(model, tmp_path / "m.fms")
    rows = [counts, column_ids(user), user_x, row_ptr, column_ids(features), x]
    (tmp_path / "rows").write_bytes(b"".join(part.tobytes() for part in rows))
    found = scored(java, tmp_path, tmp_path / "m.fms", "csr", tmp_path / "rows")
    expected = model.decision_function(whole).astype(np.float32)
    assert len(np.unique(expected)) > 50_000
    assert found.tobytes() == expected.tobytes()


def test_raw_rows_score_as_the_trainer_scores_them(
    java: Java, data: Path, tmp_path: Path
) -> None:
    import json

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
    assert {name.split(".")[0] for name in needed} <= {"libm", "libc", "ld-linux-x86-64", "ld-linux-aarch64"}


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
    """Every link of the Javadoc leads somewhere, and every public class is described."""
    sources = sorted((ROOT / "csrc/jni/java/fmscore").glob("*.java"))
    run(
        ["javadoc", "-quiet", "-Xdoclint:all,-missing", "-Werror", "-d", tmp_path, *sources], 120
    )
    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert re.search(r"^ ?(/\*\*.*|) ?\*/\n(?:@.*\n)*(?:public |final |abstract )*(?:class|package)", text, re.M), source
