"""What watchers publish, refuse and say, step by step: those of Python, C++ and Java."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

import pytest

from fmtrain import FTRLModel
from fmtrain.errors import ParameterError
from fmtrain.serving import Scorer, ServingError, Slot, Watcher
from java_hosts import HAS_JDK, java_host
from serving_hosts import HOSTS, build, export, run

START = 1_700_000_000
DAMAGED = "damaged serving file"


@dataclass
class Poll:
    """What one check did: files published, reasons told, and what it left behind."""

    published: bool
    last_error: str
    served: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Watched(Protocol):
    def check(self) -> Poll: ...


Watch = Callable[[Path], Watched]


class InPython:
    def __init__(self, place: Path) -> None:
        self.slot = Slot()
        self.served: list[str] = []
        self.refused: list[str] = []
        self.watcher = Watcher(
            self.slot,
            place,
            on_publish=self.served.append,
            on_error=lambda path, reason: self.refused.append(reason),
        )

    def check(self) -> Poll:
        self.served.clear()
        self.refused.clear()
        published = self.watcher.check()
        last = self.watcher.last_error or ""
        return Poll(published, last, [*self.served], [*self.refused])


class InHost:
    """A program of tests/hosts."""

    def __init__(self, program: Path, place: Path) -> None:
        self.process = subprocess.Popen(
            [str(program), str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def check(self) -> Poll:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        poll = Poll(False, "")
        while True:
            what, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
            if what == "check":
                published, _, poll.last_error = rest.partition(" ")
                poll.published = published == "1"
                return poll
            assert what in ("publish", "refuse")
            (poll.served if what == "publish" else poll.refused).append(rest)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(HOSTS / "watch.cc", tmp_path_factory.mktemp("watch") / "watch")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Three serving files."""
    folder = tmp_path_factory.mktemp("models")
    made = []
    for number in range(3):
        model = FTRLModel(factors=0).fit(["a b", "c"] * (number + 1), [1, 0] * (number + 1))
        model.save(str(folder / "model.fmt"))
        made.append(export(folder / "model.fmt", folder / "model.fms").read_bytes())
    return made


@pytest.fixture(scope="module")
def java_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return java_host("Watch", tmp_path_factory.mktemp("watch") / "java")


@pytest.fixture(params=["python", "program", *(["java_program"] if HAS_JDK else [])])
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    started: list[InHost] = []

    def begin(place: Path) -> Watched:
        if request.param == "python":
            return InPython(place)
        started.append(InHost(request.getfixturevalue(request.param), place))
        return started[-1]

    yield begin
    for one in started:
        one.process.communicate(timeout=60)
        assert one.process.returncode == 0


def put(path: Path, data: bytes, age: int = 0) -> Path:
    """Appears whole, as old as is said: a larger age is newer."""
    temporary = path.with_name(path.name + ".tmp.1")
    temporary.write_bytes(data)
    os.utime(temporary, (START + age, START + age))
    temporary.rename(path)
    return path


def sum_of(data: bytes, name: str) -> bytes:
    return f"{hashlib.md5(data).hexdigest()}  {name}\n".encode()


def test_the_newest_file_is_served_once(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    watcher = watch(tmp_path)
    assert watcher.check() == Poll(False, "")
    old = put(tmp_path / "b.fms", models[0], 1)
    assert watcher.check() == Poll(True, "", [str(old)])
    assert watcher.check() == Poll(False, "")
    new = put(tmp_path / "a.fms", models[1], 2)
    assert watcher.check() == Poll(True, "", [str(new)])
    put(tmp_path / "c.fms", models[2], 0)  # an older one
    assert watcher.check() == Poll(False, "")


def test_of_one_age_the_last_name_is_newest(
    watch: Watch, models: list[bytes], tmp_path: Path
) -> None:
    put(tmp_path / "a.fms", models[0])
    last = put(tmp_path / "b.fms", models[1])
    assert watch(tmp_path).check() == Poll(True, "", [str(last)])


def test_other_names_are_passed_over(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    for name in (".a.fms", "a.fms.tmp.12", "a.tmp.fms.fms", "a.txt"):
        (tmp_path / name).write_bytes(models[0])
    (tmp_path / "folder.fms").mkdir()
    assert watch(tmp_path).check() == Poll(False, "")


def test_a_replaced_file_is_new(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    path = put(tmp_path / "a.fms", models[0])
    watcher = watch(tmp_path)
    assert watcher.check().published
    put(path, models[1])  # the same name and time
    assert watcher.check() == Poll(True, "", [str(path)])


def test_what_is_served_stays_when_its_file_goes(
    watch: Watch, models: list[bytes], tmp_path: Path
) -> None:
    path = put(tmp_path / "a.fms", models[0])
    watcher = watch(tmp_path)
    assert watcher.check().published
    path.unlink()
    assert watcher.check() == Poll(False, "")
    put(path, models[0], 5)
    assert watcher.check().published


def test_without_the_newest_the_one_before_is_served(
    watch: Watch, models: list[bytes], tmp_path: Path
) -> None:
    old = put(tmp_path / "a.fms", models[0], 1)
    new = put(tmp_path / "b.fms", models[1], 2)
    watcher = watch(tmp_path)
    assert watcher.check().served == [str(new)]
    new.unlink()
    assert watcher.check() == Poll(True, "", [str(old)])


def test_a_bad_file_never_takes_the_place(
    watch: Watch, models: list[bytes], tmp_path: Path
) -> None:
    watcher = watch(tmp_path)
    put(tmp_path / "a.fms", models[0], 1)
    assert watcher.check().published
    cut = put(tmp_path / "b.fms", models[1][:-100], 2)
    told = watcher.check()
    assert not told.published
    assert told.refused == [told.last_error]
    assert told.last_error.startswith(f"{cut}: ")
    # Told once, and still known.
    assert watcher.check() == Poll(False, told.last_error)
    put(cut, models[1], 3)
    assert watcher.check() == Poll(True, "", [str(cut)])


def test_behind_a_bad_file_the_next_is_served(
    watch: Watch, models: list[bytes], tmp_path: Path
) -> None:
    good = put(tmp_path / "a.fms", models[0], 1)
    put(tmp_path / "b.fms", b"no model", 2)
    told = watch(tmp_path).check()
    assert told.published
    assert told.served == [str(good)]
    assert told.last_error.startswith(str(tmp_path / "b.fms"))


def test_an_error_goes_with_its_file(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    put(tmp_path / "a.fms", models[0], 1)
    bad = put(tmp_path / "b.fms", b"no model", 2)
    watcher = watch(tmp_path)
    assert watcher.check().last_error
    bad.unlink()
    assert watcher.check() == Poll(False, "")


def test_a_file_of_the_future(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    future = bytearray(models[0])
    future[8] = 99
    path = put(tmp_path / "a.fms", bytes(future))
    reason = f"{path}: written by a newer fmtrain: serving format version 99"
    assert watch(tmp_path).check().last_error.startswith(reason)


def test_the_md5_beside_a_file(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    watcher = watch(tmp_path)
    sums = put(tmp_path / "a.fms.md5", sum_of(models[1], "a.fms"))
    path = put(tmp_path / "a.fms", models[0])
    told = watcher.check()
    assert told.last_error.startswith(f"{path}: its md5 is {hashlib.md5(models[0]).hexdigest()}")
    assert watcher.check() == Poll(False, told.last_error)
    put(sums, sum_of(models[0], "a.fms"), 7)  # the file is as it was, its md5 is not
    assert watcher.check() == Poll(True, "", [str(path)])


@pytest.mark.parametrize(
    "text", [b"", b"what", b"12  a.fms", b"g" * 32 + b"  a.fms", b"0" * 32 + b"  a\n" * 2]
)
def test_an_md5_that_is_none(
    watch: Watch, models: list[bytes], text: bytes, tmp_path: Path
) -> None:
    put(tmp_path / "a.fms", models[0])
    sums = put(tmp_path / "a.fms.md5", text)
    assert watch(tmp_path).check().last_error == (
        f'{sums}: not one line "MD5  PATH" as md5sum prints it'
    )


def test_a_manifest(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    manifest = tmp_path / "current"
    watcher = watch(manifest)
    gone = watcher.check()
    assert gone == Poll(False, f"{manifest}: No such file or directory", [], [gone.last_error])
    assert watcher.check() == Poll(False, gone.last_error)

    (tmp_path / "models").mkdir()
    first = put(tmp_path / "models" / "1.fms", models[0], 9)
    second = put(tmp_path / "models" / "2.fms", models[1], 1)
    put(manifest, sum_of(models[0], "models/1.fms"))
    assert watcher.check() == Poll(True, "", [str(first)])
    assert watcher.check() == Poll(False, "")
    put(manifest, sum_of(models[1], str(second)))  # whatever its age
    assert watcher.check() == Poll(True, "", [str(second)])
    put(manifest, sum_of(models[0], "models/2.fms"))
    told = watcher.check()
    assert told.last_error.startswith(f"{second}: its md5 is")
    put(manifest, sum_of(models[0], "models/1.fms").replace(b"  ", b" *"))
    assert watcher.check() == Poll(True, "", [str(first)])


def test_a_manifest_ahead_of_its_file(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    watcher = watch(put(tmp_path / "current", sum_of(models[0], "1.fms")))
    assert watcher.check().last_error.startswith(str(tmp_path / "1.fms"))
    path = put(tmp_path / "1.fms", models[0])
    assert watcher.check() == Poll(True, "", [str(path)])


def test_a_manifest_that_is_none(watch: Watch, models: list[bytes], tmp_path: Path) -> None:
    manifest = put(tmp_path / "current", b"models/1.fms\n")
    watcher = watch(manifest)
    told = watcher.check()
    assert told.last_error == f'{manifest}: not one line "MD5  PATH" as md5sum prints it'
    assert told.refused == [told.last_error]
    assert watcher.check() == Poll(False, told.last_error)
    put(manifest, b"another\n", 3)
    assert watcher.check().refused == [told.last_error]


# ---- their threads ----


def test_a_thread_of_cxx_watches(program: Path, models: list[bytes], tmp_path: Path) -> None:
    path = put(tmp_path / "a.fms", models[0])
    assert run([program, tmp_path, "thread"]) == f"publish {path}\ncheck 0 \n"


@pytest.fixture
def scorer(models: list[bytes], tmp_path: Path) -> Iterator[Scorer]:
    (tmp_path / "first").write_bytes(models[0])
    with Scorer(tmp_path / "first") as made:
        yield made


def test_a_thread_watches(scorer: Scorer, models: list[bytes], tmp_path: Path) -> None:
    published, first = Event(), scorer.info.serial
    with Watcher(scorer, tmp_path, interval=0.01, on_publish=lambda path: published.set()) as it:
        it.start()  # one is enough
        put(tmp_path / "a.fms", models[1])
        assert published.wait(60)
    it.stop()
    assert scorer.info.serial > first
    assert it.last_error is None
    put(tmp_path / "b.fms", models[2], 5)
    assert it.check()  # by hand, once it stopped


def test_what_a_callback_throws_does_not_end_the_thread(
    scorer: Scorer, models: list[bytes], tmp_path: Path
) -> None:
    again = Event()

    def fail(path: str) -> None:
        if path.endswith("b.fms"):
            again.set()
        raise RuntimeError("of the host")

    put(tmp_path / "a.fms", models[0])
    with Watcher(scorer, tmp_path, interval=0.01, on_publish=fail):
        put(tmp_path / "b.fms", models[1], 1)
        assert again.wait(60)


def test_it_is_logged_once(
    scorer: Scorer, models: list[bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(scorer, tmp_path)
    bad = put(tmp_path / "a.fms", b"no model")
    with caplog.at_level(logging.INFO, "fmtrain.serving"):
        watcher.check()
        watcher.check()
        put(bad, models[0], 1)
        watcher.check()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "not served",
        f"serving {bad}",
    ]


def test_a_watcher_of_a_closed_slot(models: list[bytes], tmp_path: Path) -> None:
    slot = Slot()
    put(tmp_path / "a.fms", models[0])
    watcher = Watcher(slot, tmp_path)
    slot.close()
    with pytest.raises(ServingError, match="the slot is closed"):
        watcher.check()


def test_intervals(scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"interval = 0 is not allowed: give seconds > 0"):
        Watcher(scorer, tmp_path, interval=0)
