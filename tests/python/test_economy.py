"""A table that stays small: admission, late v, expiry, the cap on memory, the forecast."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmtrain import FTRLModel, economy
from fmtrain.errors import ParameterError
from fmtrain.forecast import forecast
from fmtrain.metrics import auc
from fmtrain.synth import Synth

Cli = Callable[..., subprocess.CompletedProcess[bytes]]


def fit(cli: Cli, model: Path, *words: Any, stdin: bytes = b"", code: int = 0) -> str:
    done = cli("fit", "-m", model, *words, stdin=stdin)
    assert done.returncode == code, done.stderr.decode()
    return (done.stdout if code == 0 else done.stderr).decode()


def fact(summary: str, name: str) -> str:
    found = re.search(rf"^ *{name}: +(.*)$", summary, flags=re.M)
    assert found, summary
    return found[1]


def sights(text: bytes) -> Counter[bytes]:
    return Counter(
        name.split(b":")[0]
        for line in text.splitlines()
        if not line.startswith(b"#")
        for name in line.split()[1:]
    )


def has_row(model: FTRLModel, name: str) -> bool:
    return bool(model.weights([name])[0][0])


@pytest.fixture(scope="module")
def samples() -> bytes:
    return Synth(dims=400_000).text(0, 30_000)


# ---- admission ----


@pytest.fixture(scope="module")
def singletons() -> tuple[bytes, bytes]:
    """More than half of the distinct features come once."""
    source = Synth(dims=4_000_000, fields=20)
    return source.text(0, 100_000), source.text(100_000, 30_000)


def trained(text: bytes, **options: Any) -> FTRLModel:
    run = {name: options.pop(name) for name in ("min_count_memory",) if name in options}
    return FTRLModel(**options).fit_stream([text], **run)


@pytest.mark.parametrize("factors", [0, 4])
def test_min_count_2_halves_memory_at_next_to_no_loss(
    singletons: tuple[bytes, bytes], factors: int
) -> None:
    text, test = singletons
    seen = sights(text)
    assert sum(count == 1 for count in seen.values()) > 0.5 * len(seen)
    tables, found = [], []
    for options in ({}, {"min_count": 2, "min_count_memory": "400K"}):
        model = trained(text, factors=factors, alpha=0.1, l1=0.01, l2=0.1, **options)
        assert model.report_.progress is not None
        table = model.report_.progress.memory_bytes
        tables.append(table + model.report_.progress.economy.get("admission_bytes", 0))
        predicted = model.predict_stream([test])
        found.append(auc(predicted.label, predicted.score, predicted.weight))
    print(f"k = {factors}: tables {tables}, AUC {found}")
    assert tables[1] < 0.5 * tables[0]
    assert found[1] > found[0] - 0.0005


@pytest.mark.parametrize("threads", [1, 2])
def test_min_count_is_exact_and_says_what_it_took(
    samples: bytes, tmp_path: Path, fmtrain_cli: Cli, threads: int
) -> None:
    out = fit(fmtrain_cli, tmp_path / "m.fmt", "--min-count", 3, "--threads", threads,
              stdin=samples)  # fmt: skip
    seen = sights(samples)
    due = sum(count >= 3 for count in seen.values())
    assert fact(out, "features") == f"{due:,}"
    said = re.match(
        r"at sight 3; ([\d,]+) wait, counted exactly in [\d.]+ MB", fact(out, "admission")
    )
    assert said
    # A sight while another thread makes the row stays behind as a count.
    waiting, behind = int(said[1].replace(",", "")), 20 * (threads - 1)
    assert len(seen) - due <= waiting <= len(seen) - due + behind
    model = FTRLModel.load(tmp_path / "m.fmt")
    assert model.min_count == 3
    for name, count in list(seen.items())[:200]:
        assert has_row(model, name.decode()) == (count >= 3)


def test_a_filter_takes_what_it_was_given(samples: bytes, tmp_path: Path, fmtrain_cli: Cli) -> None:
    out = fit(fmtrain_cli, tmp_path / "m.fmt", "--min-count", 2, "--min-count-memory", "2M",
              stdin=samples)  # fmt: skip
    due = sum(count >= 2 for count in sights(samples).values())
    rows = int(fact(out, "features").replace(",", ""))
    assert due <= rows < 1.05 * due
    assert re.match(r"at sight 2; [\d.]+% of new ones come in too early in 2.0 MB",
                    fact(out, "admission"))  # fmt: skip


def test_counts_go_from_one_call_to_the_next_but_not_from_epoch_to_epoch() -> None:
    model = FTRLModel(factors=0, min_count=2)
    model.partial_fit(["a b"], [1], classes=[0, 1])
    assert len(model) == 0
    model.partial_fit(["a c"], [0])
    assert has_row(model, "a")
    assert not has_row(model, "b")
    epochs = FTRLModel(factors=0, min_count=2)
    epochs.fit_stream([b"1 a b", b"0 a c"], epochs=3)
    assert len(epochs) == 1


def test_late_v_saves_memory_and_the_file_keeps_the_counts(
    samples: bytes, tmp_path: Path, fmtrain_cli: Cli
) -> None:
    words = ("--factors", 8, "--threads", 1, "--v-l1", 0)
    whole = fit(fmtrain_cli, tmp_path / "all.fmt", *words, stdin=samples)
    out = fit(fmtrain_cli, tmp_path / "late.fmt", *words, "--v-min-count", 5, stdin=samples)
    assert fact(out, "features") == fact(whole, "features")
    megabytes = [float(fact(text, "table").split()[0]) for text in (whole, out)]
    assert megabytes[1] < 0.55 * megabytes[0]
    assert (tmp_path / "late.fmt").stat().st_size < 0.55 * (tmp_path / "all.fmt").stat().st_size

    model = FTRLModel.load(tmp_path / "late.fmt")
    seen = sights(samples)
    by_count = {count: name for name, count in seen.items() if count in (4, 5)}
    _, _, v = model.weights([by_count[4], by_count[5]])
    assert not v[0].any()
    assert v[1].any()
    model.partial_fit([by_count[4].decode()], [1])  # its fifth sight
    assert model.weights([by_count[4]])[2].any()


def test_half_the_stream_and_a_file_is_the_whole_stream(tmp_path: Path) -> None:
    """What is in the file is all there is: late v, stamps and their rules."""
    source = Synth(dims=100_000)
    parts = [source.text(0, 20_000), source.text(20_000, 20_000)]
    options = dict(factors=2, v_min_count=3, names=True)
    rules = ["30000", "f03=9000"]
    straight = FTRLModel(**options)
    broken = FTRLModel(**options)
    for part in parts:
        straight.fit_stream([part], expire_after=rules)
        broken.fit_stream([part], expire_after=rules)
        broken.save(tmp_path / "m.fmt")
        broken = FTRLModel.load(tmp_path / "m.fmt")
        assert broken._native.expiry == "30000 f03=9000"
    straight.save(tmp_path / "s.fmt")
    broken.save(tmp_path / "b.fmt")
    assert (tmp_path / "s.fmt").read_bytes() == (tmp_path / "b.fmt").read_bytes()


@pytest.mark.parametrize(
    ("options", "run"),
    [
        (dict(min_count=3), {}),
        (dict(factors=4), dict(max_memory="8M")),
        (dict(v_min_count=3), dict(expire_after=["9000", "f0=5000"])),
    ],
)
def test_deterministic_threads_leave_the_bytes_of_one(
    options: dict[str, Any], run: dict[str, Any], tmp_path: Path
) -> None:
    text = Synth(dims=4_000_000).text(0, 60_000)
    for threads in (1, 2):
        model = FTRLModel(**options, threads=threads, deterministic=True)
        model.fit_stream([text], **run).save(tmp_path / str(threads))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


# ---- expiry ----


def test_expiry_by_samples_over_two_runs(tmp_path: Path, fmtrain_cli: Cli) -> None:
    model = tmp_path / "m.fmt"
    first = b"1 once user_1 item_1\n" + b"0 always\n" * 20_000
    rules = ("--expire-after", 30_000, "--expire-after", "user_=9000", "--expire-after", "item_=0")
    out = fit(fmtrain_cli, model, "--factors", 0, *rules, stdin=first)
    assert fact(out, "features") == "3"
    assert fact(out, "expired") == "1 rows  by 30000 user_=9000 item_=0"
    # The rules are the model's: they need not be given again.
    out = fit(fmtrain_cli, model, "--init-model", model, stdin=b"0 always\n" * 20_000)
    assert fact(out, "expired").startswith("1 rows")
    left = FTRLModel.load(model)
    assert [has_row(left, n) for n in ("once", "user_1", "item_1", "always")] == [
        False, False, True, True,
    ]  # fmt: skip


def test_expiry_by_days(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    today = 20_000
    monkeypatch.setattr(economy, "minutes_now", lambda: today * 24 * 60)
    model = FTRLModel(factors=2)
    model.fit_stream([b"1 a b user_c"], expire_after=["30d", "user_=7d"])
    for days, line, left in ((6, b"1 a", 3), (2, b"0 a", 2), (20, b"1 a", 2), (4, b"1 a", 1)):
        today += days
        model.save(tmp_path / "m.fmt")
        model = FTRLModel.load(tmp_path / "m.fmt").fit_stream([line])
        assert len(model) == left
    today += 300
    model.partial_fit(["d"], [1])
    assert not has_row(model, "a")
    model.fit_stream([b"1 e"], expire_after=0)
    today += 300
    model.fit_stream([b"1 f"])
    assert len(model) == 3


def test_an_old_model_learns_to_expire(tmp_path: Path) -> None:
    """Its rows get their stamps when the rules come: age begins there."""
    FTRLModel(factors=0).fit_stream([b"1 a b"]).save(tmp_path / "m.fmt")
    model = FTRLModel.load(tmp_path / "m.fmt")
    before = model.decision_function(["a b"])
    model.fit_stream([b"0 z"] * 9_000, expire_after=20_000)
    assert has_row(model, "a")
    assert np.isfinite(before).all()
    model.fit_stream([b"0 z"] * 20_000)
    assert not has_row(model, "a")


# ---- the cap ----


def test_max_memory_holds_and_says_what_it_did(tmp_path: Path, fmtrain_cli: Cli) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 400_000, (60_000, 30))
    text = "".join(f"{i % 2} common f" + " f".join(map(str, row)) + "\n"
                   for i, row in enumerate(values))  # fmt: skip
    out = fit(fmtrain_cli, tmp_path / "m.fmt", "--factors", 4, "--max-memory", "8M",
              stdin=text.encode())  # fmt: skip
    said = re.fullmatch(
        r"8\.0 MB, ([\d.]+) MB in use; min-count raised from 1 to 5; "
        r"([\d,]+) rows evicted in (\d+) pauses; [\d,]+ sights refused",
        fact(out, "memory cap"),
    )
    assert said, out
    assert float(said[1]) <= 8.0
    assert float(fact(out, "table").split()[0]) <= 8.0
    model = FTRLModel.load(tmp_path / "m.fmt")
    assert has_row(model, "common")
    assert len(model) > 50_000
    # A larger model is cut down to the cap.
    again = fit(fmtrain_cli, tmp_path / "n.fmt", "--factors", 4, stdin=text.encode())
    assert float(fact(again, "table").split()[0]) > 20
    cut = fit(fmtrain_cli, tmp_path / "n.fmt", "--init-model", tmp_path / "n.fmt", "--max-memory",
              "20M", stdin=b"1 common\n")  # fmt: skip
    assert "rows evicted" in fact(cut, "memory cap")
    assert float(fact(cut, "memory cap").split()[2]) <= 20.0


def test_a_cap_that_is_far_away_changes_nothing(samples: bytes, tmp_path: Path) -> None:
    for name, options in (("a", {}), ("b", {"max_memory": "1G"})):
        FTRLModel(factors=2).fit_stream([samples], **options).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# ---- the forecast ----


@pytest.mark.parametrize("options", [dict(dims=4_000_000), dict(dims=300_000, zipf=1.3)])
def test_a_forecast_is_within_a_tenth_at_ten_times_the_stretch(
    options: dict[str, Any], tmp_path: Path
) -> None:
    source = Synth(**options)
    path = tmp_path / "train.txt"
    path.write_bytes(b"".join(source.text(at, 10_000) for at in range(0, 300_000, 10_000)))
    model = FTRLModel(factors=0, threads=2).fit_stream(str(path))
    assert model.report_.progress is not None
    found = forecast(FTRLModel(factors=0, threads=2), str(path), samples=30_000)
    assert 30_000 <= found.last.samples < 60_000
    whole = found.source_samples
    assert whole is not None
    assert whole == pytest.approx(300_000, rel=0.01)
    assert found.features(whole) == pytest.approx(len(model), rel=0.1)
    table = model.report_.progress.memory_bytes
    assert found.table_bytes(whole) == pytest.approx(table, rel=0.15)


def test_forecast_on_the_command_line(tmp_path: Path, fmtrain_cli: Cli) -> None:
    text = Synth(dims=100_000).text(0, 20_000)
    (tmp_path / "t.txt").write_bytes(text)
    done = fmtrain_cli("fit", "--forecast", tmp_path / "t.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert re.search(rb"the whole source +20,000 +[\d,]+ +[\d.]+ MB +[\d.]+ MB", done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]
    done = fmtrain_cli("fit", "--forecast", stdin=b"")
    assert done.returncode == 3
    assert b"no samples" in done.stderr


# ---- what is refused ----


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--min-count", "0"], "min_count = 0 is not allowed: give a whole number from 1 to 255"),
        (["--v-min-count", "0"], "v_min_count = 0 is not allowed: give a whole number from 1"),
        (["--min-count", "20", "--min-count-memory", "1M"],
         "min_count = 20 is not allowed with min_count_memory or max_memory: their counters go up "
         "to 15"),
        (["--min-count-memory", "1M"],
         "min_count_memory is for counting towards min_count: give min_count of 2 or more"),
        (["--min-count", "2", "--min-count-memory", "12X"],
         "min_count_memory = 12X is not allowed: give bytes, as 500M or 8G, at least 4,096"),
        (["--max-memory", "much"],
         "max_memory = much is not allowed: give bytes, as 500M or 8G, at least 8,000,000"),
        (["--max-memory", "1M"], "max_memory = 1M is not allowed"),
        (["--max-memory", "8M", "--min-count", "2", "--min-count-memory", "8M"],
         "min_count_memory = 8000000 is not allowed: it counts towards max_memory, and half of "
         "that is the most"),
        (["--expire-after", "soon"],
         "expire_after = soon is not allowed: give samples as 50000000 or days as 30d, with a "
         "prefix as user_=7d"),
        (["--expire-after", "30d", "--expire-after", "u=500"],
         "expire_after = u=500 is not allowed: samples and days cannot be mixed"),
    ],
)  # fmt: skip
def test_bad_values_are_named(
    words: list[str], message: str, tmp_path: Path, fmtrain_cli: Cli
) -> None:
    error = fit(fmtrain_cli, tmp_path / "m.fmt", *words, stdin=b"1 a\n", code=2)
    assert message in " ".join(error.split())
    assert not (tmp_path / "m.fmt").exists()


def test_sizes_are_read() -> None:
    for given, count in (("8G", 8e9), ("500m", 5e8), (10_000_000, 1e7), ("1.5GB", 15e8)):
        assert economy.bytes_of("max_memory", given, 1) == count
    with pytest.raises(ParameterError, match="max_memory = -5 is not allowed"):
        FTRLModel().fit_stream([b"1 a"], max_memory=-5)
