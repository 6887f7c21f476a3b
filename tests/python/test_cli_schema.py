"""fmtrain schema: its commands, and what they say when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fmtrain.features.schema import Schema

SHOWN = """\
column  type      role     transforms          learned  missing
a       number    feature  log, equal-width 3  2 cuts   12.5%
b       category  feature

feature  of     transforms  learned                 emit
ab       a x b                                      yes
z        a      z-score     mean 1.25, deviation 2  no

forest  file    columns
g       f.json  a
"""


def test_the_commands(fmtrain_cli: Any, tmp_path: Path) -> None:
    text = "".join(f"{i % 2}\t{i / 7}\t{'ab'[i % 2]}\n" for i in range(200)).encode()
    done = fmtrain_cli("schema", "init", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"# Proposed by `fmtrain schema init` from 200 rows of stdin:\n")
    path = tmp_path / "s.toml"
    data = tmp_path / "data"
    data.write_bytes(text)
    done = fmtrain_cli("schema", "init", data, "-o", path, "--rows", 50, "--separator", "\\t")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = fmtrain_cli("schema", "check", path)
    assert done.stdout.decode() == f"{path}: no mistake in 3 columns\n"
    done = fmtrain_cli("schema", "show", path)
    assert done.stdout.decode() == (
        "column  type      role     transforms          learned  missing\n"
        "label             label\n"
        "c2      number    feature  equal-frequency 20\n"
        "c3      category  feature\n"
    )
    done = fmtrain_cli("schema", "show", path, "--json")
    assert json.loads(done.stdout)["columns"]["label"] == {"role": "label"}


def test_what_show_says_of_the_rest(fmtrain_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(b"{}")
    path = tmp_path / "s.toml"
    path.write_text(
        '[columns]\na = { type = "number", transforms = ["log", "equal-width 3"] }\nb = {}\n'
        '[features]\nab = { cross = ["a", "b"] }\n'
        'z = { from = "a", transforms = ["z-score"], emit = false }\n'
        '[forests.g]\ncolumns = ["a"]\nfile = "f.json"\n'
    )
    learned: dict[str, dict[str, Any]] = {
        "a": {"cuts": [0.5, 1.5]},
        "z": {"mean": 1.25, "deviation": 2.0},
    }
    fitted = Schema.load(path).with_learned(learned, {"a": {"rows": 8, "missing": 0.125}})
    path.write_text(fitted.dumps())
    done = fmtrain_cli("schema", "show", path)
    assert done.stdout.decode() == SHOWN


FITTED = """\
rows: 202, 1 of them bad

column   missing  nan  infinite  invalid  outside  min      max
label          0    0         0        1        0
c2             0    0         0        1        0    0  28.4286
c3      1 (0.5%)    0         0        0        0

{path}: learned 1 feature, exact
"""


def test_fit_and_check_read_rows(fmtrain_cli: Any, tmp_path: Path) -> None:
    path, other, data = tmp_path / "s.toml", tmp_path / "other.toml", tmp_path / "data"
    data.write_text("".join(f"{i % 2}\t{i / 7}\t{'ab'[i % 2]}\n" for i in range(200)))
    text = (
        '# mine\n[columns]\nlabel = { role = "label" }\n'
        'c2 = { type = "number", transforms = ["equal-frequency 4"] }\nc3 = {}\n'
    )
    path.write_text(text)
    with data.open("a") as file:
        file.write("no\tword\t\n1\n")
    arguments = ("--threads", 1, "--format", "tsv", "--max-bad-ratio", 0.01)
    done = fmtrain_cli("schema", "fit", path, data, "--out", other, *arguments)
    assert done.returncode == 0, done.stderr
    assert path.read_text() == text
    assert done.stdout.decode() == FITTED.format(path=other)
    assert done.stderr.decode().startswith("fmtrain: warning: 1 bad lines (ragged 1); the first")
    done = fmtrain_cli("schema", "fit", path, "--rows", 200, stdin=data.read_bytes())
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith(text)
    cuts = Schema.load(path).document["learned"]["c2"]["cuts"]
    assert cuts == Schema.load(other).document["learned"]["c2"]["cuts"]
    assert len(cuts) == 3
    assert Schema.load(path).document["profile"]["c2"]["rows"] == 200


def test_check_reads_rows_as_training_would(fmtrain_cli: Any, tmp_path: Path) -> None:
    path, bad = tmp_path / "s.toml", tmp_path / "bad"
    path.write_text(
        '[columns]\ny = { role = "label" }\n'
        'a = { type = "number", transforms = ["z-score"], invalid-as = "reject" }\n'
    )
    arguments = ("schema", "check", path, "-", "--bad-lines", bad)
    text = b"1\t3\n0\t\nx\t1\n1\tword\n"
    done = fmtrain_cli(*arguments, "--max-bad-ratio", 0.5, stdin=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == (
        f"{path}: no mistake in 2 columns\n"
        "rows: 4, 2 of them bad\n\n"
        "column    missing  nan  infinite  invalid  outside  min  max\n"
        "y               0    0         0        1        0\n"
        "a       1 (25.0%)    0         0        1        0    3    3\n"
    )
    assert "stdin, line 4, column 3: " in done.stderr.decode()
    assert "'a: word'" in done.stderr.decode()
    assert bad.read_bytes() == b"x\t1\n1\tword\n"
    done = fmtrain_cli(*arguments, stdin=text)
    assert done.returncode == 3
    assert b"2 of 4 lines are bad, more than max_bad_ratio = 0.01 allows" in done.stderr
    done = fmtrain_cli("schema", "check", path, "none")
    assert done.returncode == 1
    assert done.stderr == b"fmtrain: error: none: cannot read: No such file or directory\n"


def test_a_fit_that_fails_leaves_the_schema_as_it_was(fmtrain_cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    text = '[columns]\nI3 = { type = "number", transforms = ["equal-width 5"] }\n'
    path.write_text(text)
    done = fmtrain_cli("schema", "fit", path, stdin=b"\n\t\n? \n", cwd=tmp_path)
    assert done.returncode == 3
    done = fmtrain_cli("schema", "fit", path, stdin=b"?\n", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode() == (
        f"fmtrain: error: {path}:2: columns.I3: no number in the column 'I3' to learn cuts from\n"
    )
    done = fmtrain_cli("schema", "fit", path, "-o", "none/s.toml", cwd=tmp_path, stdin=b"1\n")
    assert done.returncode == 1
    assert done.stderr == (
        b"fmtrain: error: none/s.toml: cannot write: No such file or directory\n"
    )
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("check", "none.toml"), 1, "none.toml: cannot read: No such file or directory"),
        (("check", "bad.toml"), 2, "bad.toml:2: no TOML: Invalid value, column 5"),
        (("check", "wrong.toml"), 2, "wrong.toml:2: columns.a.transforms"),
        (("check", "lost.toml"), 1, "lost.toml:4: forests.g.file: no.json: cannot read: No such"),
        (("show", "model.fmt"), 2, "model.fmt: the model has no schema: it was trained on text s"),
        (("init", "data", "--separator", "ab"), 2, "separator = 'ab' is not allowed: give one by"),
        (("init", "data", "-o", "none/s.toml"), 1, "none/s.toml: cannot write: No such file or"),
        (
            ("fit", "lost.toml", "data", "-o", "sub/s.toml"),
            2,
            "lost.toml:4: forests.g.file: 'no.json' is beside this schema and would not be found "
            "from sub/s.toml: write the learned schema here too, or give the whole path",
        ),
    ],
)
def test_errors_of_the_commands(
    fmtrain_cli: Any, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "bad.toml").write_text("a = 1\nb = \n")
    (tmp_path / "wrong.toml").write_text("[columns]\na = { transforms = ['logg'] }\n")
    (tmp_path / "lost.toml").write_text(
        '[columns]\na = { type = "number" }\n[forests.g]\nfile = "no.json"\ncolumns = ["a"]\n'
    )
    (tmp_path / "data").write_text("1 a\n0 b\n")
    (tmp_path / "sub").mkdir()
    if arguments[-1] == "model.fmt":
        fmtrain_cli("fit", "data", "--model", "model.fmt", cwd=tmp_path)
    done = fmtrain_cli("schema", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stderr.decode().startswith(f"fmtrain: error: {message}")
    assert not list(tmp_path.glob("sub/*"))


def test_bins_that_changed_are_learned_anew(fmtrain_cli: Any, tmp_path: Path) -> None:
    """What was learned for others stands in the file, and is no mistake of it."""
    schema = tmp_path / "s.toml"
    text = '[columns]\na = { type = "number", transforms = ["equal-width 4"] }\n'
    schema.write_text(text)
    (tmp_path / "data").write_text("0\n8\n")
    for bins in (4, 2):
        schema.write_text(schema.read_text().replace("equal-width 4", f"equal-width {bins}"))
        done = fmtrain_cli("schema", "fit", "s.toml", "data", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "cuts = [4.0]" in schema.read_text()
    schema.write_text(schema.read_text().replace("equal-width 2", "value"))
    assert fmtrain_cli("schema", "fit", "s.toml", "data", cwd=tmp_path).returncode == 0
    assert "cuts" not in schema.read_text()
