"""Every bad line has its reason, is named with line and column, and is never learned."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel, _core
from fmtrain.errors import ParameterError

Cli = Callable[..., CompletedProcess[bytes]]

#: reason: [(line, column, what the message shows of it)], at most 10: more are only counted.
BAD_LINES: dict[str, list[tuple[bytes, int, str]]] = {
    "missing_label": [(b":1 a", 1, ":1 a"), (b"  : a", 3, ": a")],
    "bad_label": [
        (b"user:1 ad:7", 1, "user:1 ad:7"),
        (b"2 a", 1, "2 a"),
        (b"-2 a", 1, "-2 a"),
        (b"1.5 a", 1, "1.5 a"),
        (b"-0.5 a", 1, "-0.5 a"),
        (b" nan a", 2, "nan a"),
        (b"inf a", 1, "inf a"),
        (b"1e400 a", 1, "1e400 a"),
        (b"1a b", 1, "1a b"),
        (b"\x00\xff", 1, r"\x00\xff"),
    ],
    "bad_weight": [
        (b"1:-1 a", 3, "-1 a"),
        (b"1: a", 3, " a"),
        (b"1:", 3, ""),
        (b"0:x a", 3, "x a"),
        (b"1:nan a", 3, "nan a"),
        (b"1:inf a", 3, "inf a"),
        (b"1:1e400 a", 3, "1e400 a"),
        (b"1:1:1 a", 3, "1:1 a"),
    ],
    "missing_name": [(b"1 :1", 3, ":1"), (b"1 a:1 : b", 7, ": b"), (b"1\t:", 3, ":")],
    "missing_value": [(b"1 a:", 4, ":"), (b"1 a: b", 4, ": b"), (b"1 a:\tb", 4, r":\tb")],
    "bad_value": [
        (b"1 a:red", 5, "red"),
        (b"1 a:b:1", 5, "b:1"),
        (b"1 a:1:1", 5, "1:1"),
        (b"1 a:0x10", 5, "0x10"),
        (b"1 a:1,5", 5, "1,5"),
        (b"1 a:--1", 5, "--1"),
        (b"1 a:. b", 5, ". b"),
        (b"1 a:1e b", 5, "1e b"),
        (b"1 a:1\x00", 5, r"1\x00"),
        (b"1 \xfe:1\xff", 5, r"1\xff"),
    ],
    "nonfinite_value": [
        (b"1 a:nan", 5, "nan"),
        (b"1 b:2 a:inf", 9, "inf"),
        (b"1 a:-inf b", 5, "-inf b"),
        (b"1 a:infinity", 5, "infinity"),
        (b"1 a:1e400", 5, "1e400"),
        (b"1 a:-1e39", 5, "-1e39"),
    ],
}

#: What is accepted, and as which sample.
GOOD_LINES: dict[bytes, tuple[float, float, list[tuple[bytes, float]], bytes]] = {
    b"1": (1, 1, [], b""),
    b"-1 a": (0, 1, [(b"a", 1)], b""),
    b"+1 a": (1, 1, [(b"a", 1)], b""),
    b"0.25:2.5 a": (0.25, 2.5, [(b"a", 1)], b""),
    b"1:0 a": (1, 0, [(b"a", 1)], b""),
    b" \t 1 \t a\tb:2 ": (1, 1, [(b"a", 1), (b"b", 2)], b""),
    b"1 a:1 a:1 a:1": (1, 1, [(b"a", 1)] * 3, b""),
    b"1 a:0 b:-0.0 c:1e-400": (1, 1, [], b""),
    b"1 a:.5 b:5. c:+1e2": (1, 1, [(b"a", 0.5), (b"b", 5), (b"c", 100)], b""),
    b"1 \x00 \x00x:2 a\x00": (1, 1, [(b"\x00", 1), (b"\x00x", 2), (b"a\x00", 1)], b""),
    b"1 \xff\xfe \xc3:2": (1, 1, [(b"\xff\xfe", 1), (b"\xc3", 2)], b""),
    b"1 #a # user 7 ": (1, 1, [(b"#a", 1)], b"user 7"),
    b"1 nan inf:2": (1, 1, [(b"nan", 1), (b"inf", 2)], b""),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.fmt"
    FTRLModel(factors=0).fit_stream([b"1 a b", b"0 b c"] * 50, save_to=str(path))
    return path


def shown(reason: str, line: int, column: int, detail: str) -> str:
    text = f"  stdin, line {line}, column {column}: {_core.describe_reasons()[reason]}"
    return text + (f": '{detail}'" if detail else "")


# ---- every reason ----


@pytest.mark.parametrize("command", ["fit", "predict"])
@pytest.mark.parametrize("reason", BAD_LINES)
def test_bad_lines_are_counted_shown_and_skipped(
    tmp_path: Path, fmtrain_cli: Cli, model: Path, reason: str, command: str
) -> None:
    cases = BAD_LINES[reason]
    text = b"1 good\n" + b"".join(line + b"\n0 good\n" for line, _, _ in cases)
    more = ["--bad-lines", tmp_path / "bad"] if command == "fit" else []
    target = model if command == "predict" else tmp_path / "m.fmt"
    done = fmtrain_cli(command, "--model", target, "--max-bad-ratio", 1, *more, stdin=text)
    assert done.returncode == 0, done.stderr
    told = [f"fmtrain: warning: {len(cases)} bad lines ({reason} {len(cases)}); the first ones:"]
    told += [shown(reason, 2 * i + 2, c, detail) for i, (_, c, detail) in enumerate(cases)]
    assert done.stderr.decode().splitlines() == told
    if command == "fit":
        assert FTRLModel.load(target)._native.samples == len(cases) + 1
        assert FTRLModel.load(target)._native.features == 1
        assert (tmp_path / "bad").read_bytes() == b"".join(line + b"\n" for line, _, _ in cases)
    else:
        assert len(done.stdout.splitlines()) == len(cases) + 1


def test_every_reason_of_the_core_is_tried() -> None:
    of_rows = {"ragged", "open_quote", "bad_json", "rejected_cell", "too_wide"}  # test_rows.py
    elsewhere = {"too_long", "nonfinite_score"} | of_rows
    assert set(_core.describe_reasons()) == set(BAD_LINES) | elsewhere


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b"1 f:a:x", "bad_value", 7),
        (b"1 f:a:", "missing_value", 6),
        (b"1 f:a:1:1", "bad_value", 7),
        (b"1 f::1", "missing_name", 3),
        (b"1 f", "missing_name", 4),
        (b"1 :a:1", "missing_name", 3),
        (b"1 f:a:1e400", "nonfinite_value", 7),
    ],
)
def test_bad_lines_of_libffm(line: bytes, reason: str, column: int) -> None:
    lines = [b"1 f:good", line]
    found = FTRLModel().fit_stream(lines, format="libffm", max_bad_ratio=1).report_.log
    assert found["bad"] == {reason: 1}
    assert found["examples"][0]["column"] == column


@pytest.mark.parametrize("line", GOOD_LINES, ids=repr)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "none"])
def test_good_lines_are_what_they_say(line: bytes, end: bytes) -> None:
    label, weight, features, key = GOOD_LINES[line]
    assert _core.parse_line(line) == (label, weight, features, key)
    learned = FTRLModel(factors=0, names=True).fit_stream(iter([b"0 before\n" + line + end]))
    log, native = learned.report_.log, learned._native
    assert (log["sample"], log["bad_lines"]) == (2, 0)
    names = native.names_of(native.arrays()["id"])
    assert set(names) == {b"before"} | {name for name, _ in features}


@pytest.mark.parametrize("line", [b"", b"\r", b" \t ", b"#", b"# a comment", b" #\tx"], ids=repr)
def test_empty_lines_and_comments_are_no_samples(line: bytes, fmtrain_cli: Cli) -> None:
    log = FTRLModel().fit_stream(iter([b"1 a\n" + line + b"\n0 b\n"])).report_.log
    assert (log["sample"], log["bad_lines"], log["blank"] + log["comment"]) == (2, 0, 1)


def test_a_name_that_stands_three_times_is_three_features() -> None:
    learned = FTRLModel(factors=0, bias=False).fit_stream([b"1 a:1 a:1 a:1"])
    # Each has the gradient -1/2: n adds up their squares.
    assert learned._native.arrays()["n"].tolist() == [0.75]


def test_line_ends_and_blanks_change_nothing(tmp_path: Path, fmtrain_cli: Cli) -> None:
    lines = [b"%d user:%d ad%d:0.5 # u%d" % (i % 2, i % 9, i % 4, i) for i in range(500)]
    texts = {
        "LF": b"\n".join(lines) + b"\n",
        "CRLF": b"\r\n".join(lines) + b"\r\n",
        "cut": b"\n".join(lines),
        "tabs": b"\n\n".join(b"\t" + line.replace(b" ", b"\t \t") for line in lines) + b"\n",
    }
    models = {}
    for name, text in texts.items():
        target = tmp_path / name
        done = fmtrain_cli("fit", "--model", target, "--threads", 1, stdin=text)
        assert done.returncode == 0
        # Of a pipe whose last line has no end nobody knows whether it is whole.
        assert (b"stdin ended inside a line" in done.stderr) == (name == "cut")
        models[name] = target.read_bytes()
    assert len(set(models.values())) == 1
    (tmp_path / "file").write_bytes(texts["cut"])
    done = fmtrain_cli("fit", tmp_path / "file", "--model", tmp_path / "m.fmt", "--threads", 1)
    assert done.stderr == b""
    assert (tmp_path / "m.fmt").read_bytes() == models["LF"]


def test_bad_lines_are_kept_byte_for_byte(tmp_path: Path) -> None:
    bad = [b"x\xff\x00 a\n", b"1 a:nan\r\n", b" \t2  a \n", b"1 a:x"]
    text = b"1 a\n" + b"0 b\n".join(bad)
    FTRLModel(factors=0).fit_stream(iter([text]), max_bad_ratio=1, bad_lines=tmp_path / "bad")
    assert (tmp_path / "bad").read_bytes() == b"".join(bad) + b"\n"


# ---- how many are too many ----


def test_the_share_of_bad_lines_decides(tmp_path: Path, fmtrain_cli: Cli, model: Path) -> None:
    target = tmp_path / "m.fmt"
    good = b"1 a\n0 b\n" * 99
    for bad, ratio, code in [(2, 0.01, 0), (3, 0.01, 3), (1, 0, 3), (9, 0.04, 3), (9, 0.05, 0)]:
        before = b"the model of yesterday"
        target.write_bytes(before)
        text = good + b"junk\n" * bad
        done = fmtrain_cli("fit", "--model", target, "--max-bad-ratio", ratio, stdin=text)
        assert done.returncode == code, (bad, ratio, done.stderr)
        assert (target.read_bytes() == before) == (code == 3)
        assert [path.name for path in tmp_path.iterdir()] == ["m.fmt"]
        told = f"error: {bad} of {198 + bad} lines are bad, more than max_bad_ratio = {ratio:g}"
        assert (told in done.stderr.decode()) == (code == 3)
        arguments = ["--model", model, "--max-bad-ratio", ratio]
        assert fmtrain_cli("predict", *arguments, stdin=text).returncode == code


def test_a_stream_of_junk_stops_early(tmp_path: Path) -> None:
    command = f"yes junk | '{sys.executable}' -m fmtrain fit --model '{tmp_path}/m.fmt'"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=30, check=False)
    assert done.returncode == 3
    assert b"the label is not 1, 0, -1 or a probability: 'junk'" in done.stderr
    assert os.listdir(tmp_path) == []


def test_binary_junk(tmp_path: Path, fmtrain_cli: Cli, model: Path) -> None:
    junk = random.Random(7).randbytes(300_000)
    target = tmp_path / "m.fmt"
    for command in ("fit", "predict"):
        path = target if command == "fit" else model
        done = fmtrain_cli(command, "--model", path, stdin=junk)
        assert done.returncode == 3
        assert not target.exists()
        # Junk must not reach the terminal as it is: it would be obeyed.
        assert re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stderr) is None, done.stderr
    done = fmtrain_cli("fit", "--model", target, "--max-bad-ratio", 1, stdin=b"1 a\n" + junk)
    assert done.returncode == 0
    assert all(np.isfinite(v).all() for v in FTRLModel.load(target)._native.arrays().values())


# ---- too little ----


@pytest.mark.parametrize("text", [b"", b"\n \n", b"# a comment\n"], ids=repr)
def test_a_run_without_samples_fails(tmp_path: Path, fmtrain_cli: Cli, text: bytes) -> None:
    # A producer that found nothing must not replace the model of yesterday by an empty one.
    target = tmp_path / "m.fmt"
    target.write_bytes(b"the model of yesterday")
    done = fmtrain_cli("fit", "--model", target, stdin=text)
    assert done.returncode == 3
    assert b"no samples" in done.stderr
    assert target.read_bytes() == b"the model of yesterday"
    assert os.listdir(tmp_path) == ["m.fmt"]


def test_a_continued_run_without_samples_changes_nothing(
    tmp_path: Path, fmtrain_cli: Cli, model: Path
) -> None:
    # A half-hour without traffic is no error where there is a model already.
    target = tmp_path / "m.fmt"
    done = fmtrain_cli("fit", "--init-model", model, "--model", target)
    assert done.returncode == 0
    assert b"no samples" in done.stderr
    assert target.read_bytes() == model.read_bytes()


def test_nothing_to_predict_is_nothing_predicted(fmtrain_cli: Cli, model: Path) -> None:
    done = fmtrain_cli("predict", "--model", model)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("content", "told"), [(b"# none\n", "no samples"), (b"1 a\njunk\n" * 50, "50 of 100 lines")]
)
def test_a_validation_that_fails_keeps_what_was_learned(
    tmp_path: Path, fmtrain_cli: Cli, content: bytes, told: str
) -> None:
    (tmp_path / "valid").write_bytes(content)
    target = tmp_path / "m.fmt"
    arguments = ["--model", target, "--valid", tmp_path / "valid"]
    done = fmtrain_cli("fit", *arguments, stdin=b"1 a\n0 b\n" * 50)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 3
    assert told in done.stderr.decode()
    assert not target.exists()
    assert FTRLModel.load(f"{target}.partial")._native.samples == 100


# ---- wrong arguments in Python ----


@pytest.mark.parametrize(
    "options", [dict(format="libfm"), dict(max_bad_ratio=-0.1), dict(max_bad_ratio=float("nan"))]
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    learned = FTRLModel(factors=0).fit_stream([b"1 a"])
    [(name, value)] = options.items()
    for call in (learned.fit_stream, learned.predict_stream):
        with pytest.raises(ParameterError, match=f"{name} = {value!r} is not allowed"):
            call([b"1 a"], **options)
    with pytest.raises(ParameterError, match=f"{name} = {value!r} is not allowed"):
        learned.write_predictions([b"1 a"], 1, **options)


def test_an_unknown_link_is_refused() -> None:
    learned = FTRLModel(factors=0).fit_stream([b"1 a"])
    with pytest.raises(ParameterError, match="link = 'logit' is not allowed"):
        learned.write_predictions([b"1 a"], 1, link="logit")


# ---- names ----


def test_names_that_are_no_utf8_live_on(tmp_path: Path, fmtrain_cli: Cli) -> None:
    names = [b"\xff\xfe", b"caf\xe9", "größe".encode(), b"nul\x00"]
    text = b"".join(b"%d %s\n" % (i % 2, names[i % 4]) for i in range(40))
    target = tmp_path / "m.fmt"
    arguments = ["--names", "--factors", 0, "--l1", 0, "--model", target]
    assert fmtrain_cli("fit", *arguments, stdin=text).returncode == 0
    learned = FTRLModel.load(target)
    found, w, _ = learned.weights(names)
    assert found.all()
    learned.dump(tmp_path / "text")
    rows = [line.split(b"\t") for line in (tmp_path / "text").read_bytes().splitlines()[2:]]
    assert {name: float(weight) for name, weight in rows} == pytest.approx(
        dict(zip(names, w.tolist(), strict=True))
    )
    learned.dump(tmp_path / "json", "json")
    rows = json.loads((tmp_path / "json").read_bytes())["features"]
    assert {row["name"].encode(errors="surrogateescape") for row in rows} == set(names)
    done = fmtrain_cli("inspect", target, "--top", 9)
    assert done.returncode == 0, done.stderr
    assert "größe".encode() in done.stdout


# ---- long lines ----


def test_ten_megabytes_in_a_line(tmp_path: Path, fmtrain_cli: Cli) -> None:
    features = b"".join(b" f%d" % i for i in range(1_300_000))
    assert len(features) > 10_000_000
    name = b"n" * 10_000_000
    target = tmp_path / "m.fmt"
    text = b"1" + features + b"\n0 " + name + b"\n"
    done = fmtrain_cli("fit", "--factors", 0, "--names", "--model", target, stdin=text)
    assert (done.returncode, done.stderr) == (0, b"")
    learned = FTRLModel.load(target)
    assert len(learned) == 1_300_001
    assert learned.weights([name])[0].all()


def test_sixteen_mebibytes_are_the_limit() -> None:
    size = 16 << 20
    for extra in (0, 1):
        line = b"1 " + b"n" * (size - 3 + extra) + b"\n"
        learned = FTRLModel(factors=0).fit_stream(iter([b"1 a\n" + line + b"x\n"]), max_bad_ratio=1)
        log = learned.report_.log
        assert log["sample"] == 2 - extra
        assert log["bad"] == {"bad_label": 1, **({"too_long": 1} if extra else {})}
        assert {example["reason"]: example["line"] for example in log["examples"]}["bad_label"] == 3


def test_an_endless_line_takes_bounded_memory(tmp_path: Path) -> None:
    # VmHWM is this process's own peak; ru_maxrss would count its parent's.
    code = (
        "import atexit, re, sys\n"
        "from fmtrain.cli import main\n"
        "status = lambda: open('/proc/self/status').read()\n"
        "atexit.register(lambda: print(re.search('VmHWM:.* kB', status())[0]))\n"
        "main()\n"
    )
    (tmp_path / "run.py").write_text(code)
    script = (
        "(echo 1 a; yes | tr -d '\\n' | head -c 200000000; echo; echo junk) |"
        f"'{sys.executable}' '{tmp_path}/run.py' fit --model '{tmp_path}/m.fmt' --max-bad-ratio 1"
    )
    done = subprocess.run(script, shell=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stderr.decode()
    assert "2 bad lines (bad_label 1, too_long 1)" in told
    assert "stdin, line 2: the line is longer than 16 MiB\n" in told
    assert "stdin, line 3, column 1: the label" in told
    peak = re.search(rb"VmHWM:\s*(\d+) kB", done.stdout)
    assert peak is not None
    assert int(peak[1]) < 150_000
