"""fmtrain schema: its commands, and what they say when something is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fmtrain.cli.schema import fit
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
    learned = {"a": {"cuts": [0.5, 1.5]}, "z": {"mean": 1.25, "deviation": 2.0}}
    fitted = Schema.load(path).with_learned(learned, {"a": {"rows": 8, "missing": 0.125}})
    path.write_text(fitted.dumps())
    done = fmtrain_cli("schema", "show", path)
    assert done.stdout.decode() == SHOWN


class Learned:
    """Stands for fmtrain.features.learn."""

    def learn_schema(self, schema: Schema, sources: Any, threads: int, rows: Any) -> Schema:
        assert (sources, threads, rows) == (["data"], 3, 50)
        return schema.with_learned({"a": {"cuts": [0.5], "rank-error": 0.0125}}, {})


def test_fit_writes_the_schema_itself_or_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fmtrain.features.learn", Learned())
    path, other = tmp_path / "s.toml", tmp_path / "other.toml"
    text = '# mine\n[columns]\na = { type = "number", transforms = ["equal-width 2"] }\n'
    path.write_text(text)
    fit(str(path), ["data"], str(other), rows=50, threads=3)
    assert path.read_text() == text
    fit(str(path), ["data"], None, rows=50, threads=3)
    assert path.read_text() == other.read_text()
    assert path.read_text().startswith(text)
    assert Schema.load(path).document["learned"] == {"a": {"cuts": [0.5], "rank-error": 0.0125}}
    said = capsys.readouterr().out
    assert said == "".join(
        f"{target}: learned 1 feature, rank error at most 1.25%\n" for target in (other, path)
    )


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
