"""fmtrain eval: the numbers by hand, the links, two models side by side, what is refused."""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
import pytest

from fmtrain import FTRLModel, metrics
from fmtrain.errors import BadInputError, ParameterError
from fmtrain.evaluation import compare, default_replicates, evaluate, read_predictions

# u1: AUC 1 over three rows; u2: AUC 0 over two; u3 has one class; one row has no key.
BY_HAND = b"""1 0.9 u1
0 0.1 u1
0 0.2 u1
1 0.4 u2
0 0.6 u2
0 0.5
1 0.8 u3
"""
LOGLOSS_BY_HAND = -sum(map(math.log, (0.9, 0.9, 0.8, 0.4, 0.4, 0.5, 0.8))) / 7


def lines(rows, seed=0, weights=False):
    """Samples of a noisy linear model, with keys."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=30)
    for _ in range(rows):
        a, b = rng.integers(30), rng.integers(30)
        y = int(rng.random() < metrics.probability(effect[a] + effect[b]))
        weight = f":{rng.integers(1, 9)}" if weights and y else ""
        yield f"{y}{weight} a{a} b{b} # u{rng.integers(20)}\n".encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("eval")
    samples = list(lines(1500))
    (path / "train.txt").write_bytes(b"".join(samples[:1000]))
    (path / "test.txt").write_bytes(b"".join(samples[1000:]))
    (path / "watched.txt").write_bytes(b"".join(lines(300, seed=3, weights=True)))
    for name, alpha in (("a", 0.1), ("b", 0.001)):
        model = FTRLModel(factors=0, alpha=alpha).fit_stream(path / "train.txt")
        model.save(path / f"{name}.fmt")
    return path


@pytest.fixture
def run(fmtrain_cli, folder):
    def eval_in_folder(*arguments, code=0, **options):
        done = fmtrain_cli("eval", *arguments, cwd=folder, **options)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    return eval_in_folder


def test_numbers_by_hand(run):
    found = json.loads(run("--predictions", "-", "--json", "--buckets", 1, stdin=BY_HAND))
    assert found["rows"] == 7
    assert found["auc"] == pytest.approx(10 / 12)
    assert found["logloss"] == pytest.approx(LOGLOSS_BY_HAND)
    entropy = -(3 / 7 * math.log(3 / 7) + 4 / 7 * math.log(4 / 7))
    assert found["normalized_entropy"] == pytest.approx(LOGLOSS_BY_HAND / entropy)
    assert found["calibration"] == pytest.approx(3.5 / 3)
    assert [bucket["rows"] for bucket in found["buckets"]] == [7]
    assert found["grouped"] == {
        "gauc": pytest.approx(0.6),
        "uauc": pytest.approx(0.5),
        "groups_kept": 2,
        "groups_skipped": 1,
        "rows_kept": 5,
        "rows_skipped": 1,
    }
    assert found["rows_without_key"] == 1
    assert found["against"] is None
    assert found["auc_difference"] is None


def test_the_table_says_the_same(run, folder):
    (folder / "hand.txt").write_bytes(BY_HAND)
    cells = [line.split() for line in run("--predictions", "hand.txt").splitlines()]
    assert ["AUC", "0.83333"] in cells
    assert ["GAUC", "0.60000"] in cells
    assert ["uAUC", "0.50000"] in cells
    assert ["logloss", f"{LOGLOSS_BY_HAND:.5f}"] in cells
    text = " ".join(word for line in cells for word in line)
    assert "users: 2 with both classes (5 samples), 1 skipped (1 samples)" in text
    assert "without a key: 1 samples, left out of GAUC and uAUC" in text


def test_no_keys_no_gauc(run):
    text = run("--predictions", "-", stdin=b"1 0.9\n0 0.2\n")
    assert "GAUC" not in text
    assert "users" not in text


def test_one_class_has_no_auc(run):
    text = run("--predictions", "-", stdin=b"1 0.9\n1 0.2\n")
    assert ["AUC", "-"] in [line.split() for line in text.splitlines()]
    found = json.loads(run("--predictions", "-", "--json", stdin=b"1 0.9\n1 0.2\n"))
    assert found["auc"] is None
    assert found["logloss"] == pytest.approx(-math.log(0.9 * 0.2) / 2)


def test_model_equals_metrics(run, folder):
    found = json.loads(run("--model", "a.fmt", "test.txt", "--json"))
    p = FTRLModel.load(folder / "a.fmt").predict_stream(folder / "test.txt")
    expected = metrics.evaluate(p.label, p.weight, p.score, p.group).to_dict()
    assert {name: found[name] for name in expected} == expected
    piped = run("--model", "a.fmt", "--json", stdin=(folder / "test.txt").read_bytes())
    assert json.loads(piped) == found


@pytest.mark.parametrize("link", ["sigmoid", "raw", "exp"])
def test_predictions_of_each_link_say_what_the_model_says(folder, fmtrain_cli, link):
    out = folder / f"{link}.txt.gz"
    done = fmtrain_cli("predict", "-m", folder / "a.fmt", folder / "test.txt", "--link", link)
    out.write_bytes(gzip.compress(done.stdout))
    report = evaluate(read_predictions(out, link)).report
    p = FTRLModel.load(folder / "a.fmt").predict_stream(folder / "test.txt")
    expected = metrics.evaluate(p.label, None, p.score, p.group)
    assert report.auc == pytest.approx(expected.auc, abs=1e-9)
    assert report.logloss == pytest.approx(expected.logloss, rel=1e-6)
    assert report.grouped.gauc == pytest.approx(expected.grouped.gauc, abs=1e-9)
    assert report.watch_time is None


def test_watch_time(run, folder):
    found = json.loads(run("-m", "a.fmt", "watched.txt", "--link", "exp", "--json"))
    p = FTRLModel.load(folder / "a.fmt").predict_stream(folder / "watched.txt")
    watched = np.where(p.label > 0.5, p.weight, 0).astype(float)
    error = np.exp(p.score.astype(float)) - watched
    assert found["watch_time"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert found["watch_time"]["mae"] == pytest.approx(np.mean(np.abs(error)))
    assert found["weight_sum"] == pytest.approx(p.weight.sum())
    assert "watch time RMSE" in run("-m", "a.fmt", "watched.txt", "--link", "exp")
    text = run("--predictions", "-", "--link", "exp", stdin=b"1 2.5\n0 0\n")
    assert "watch time RMSE" not in text
    assert "note: watch time is the weight: it is measured with --model only" in text


def test_background_ctr(run):
    found = json.loads(run("--predictions", "-", "--json", "--background-ctr", 0.5, stdin=BY_HAND))
    assert found["normalized_entropy"] == pytest.approx(LOGLOSS_BY_HAND / math.log(2))
    assert "background_ctr = 2 is not allowed" in run(
        "--predictions", "-", "--background-ctr", 2, stdin=BY_HAND, code=2
    )


def test_two_models(run):
    arguments = ("-m", "a.fmt", "test.txt", "--against", "b.fmt", "--replicates", 200)
    found = json.loads(run(*arguments, "--json"))
    difference = found["auc_difference"]
    assert difference["difference"] == pytest.approx(found["auc"] - found["against"]["auc"])
    assert difference["low"] < difference["difference"] < difference["high"]
    assert (difference["replicates"], difference["confidence"]) == (200, 0.95)
    assert json.loads(run(*arguments, "--json")) == found
    other = json.loads(run(*arguments, "--json", "--seed", 1, "--confidence", 0.5))
    assert other["auc_difference"]["high"] < difference["high"]
    text = run(*arguments)
    assert "200 paired bootstrap replicates" in text
    assert ["a.fmt", "b.fmt", "difference"] in [line.split() for line in text.splitlines()]


def test_a_model_against_itself(run):
    found = json.loads(run("-m", "a.fmt", "test.txt", "--against", "a.fmt", "--json"))
    assert [found["auc_difference"][end] for end in ("difference", "low", "high")] == [0, 0, 0]
    assert found["auc_difference"]["replicates"] == 1000


def test_two_models_need_samples_that_can_be_read_twice(run, folder):
    samples = (folder / "test.txt").read_bytes()
    text = run("-m", "a.fmt", "--against", "b.fmt", stdin=samples, code=2)
    assert "stdin can be read only once" in text


def test_replicates_shrink_with_the_samples():
    assert [default_replicates(n) for n in (10, 200_000, 400_000, 10**8)] == [1000, 1000, 500, 200]


def test_fewer_replicates_are_said(run, folder):
    half = b"1 0.5\n0 0.5\n" * 100_500
    (folder / "long.txt").write_bytes(half)
    arguments = ("--predictions", "long.txt", "--against", "long.txt")
    text = run(*arguments, "--buckets", 1)
    assert "995 bootstrap replicates instead of 1000, as there are 201,000 samples" in text
    assert "bootstrap replicates instead" not in run(*arguments, "--replicates", 2)


def test_other_samples_are_refused(tmp_path):
    texts = {
        "a": b"1 0.9 u\n0 0.1 u\n",
        "short": b"1 0.9 u\n",
        "label": b"1 0.9 u\n1 0.1 u\n",
        "key": b"1 0.9 u\n0 0.1 w\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    a, short, label, key = (read_predictions(tmp_path / name) for name in texts)
    with pytest.raises(ParameterError, match=r"a has 2 samples and .*short 1: they are"):
        compare(a, short)
    for other in (label, key):
        with pytest.raises(ParameterError, match="sample 2 has another label or key"):
            compare(a, other)
    with pytest.raises(ParameterError, match="confidence = 1 is not allowed"):
        compare(a, a, confidence=1)


@pytest.mark.parametrize(
    ("line", "link", "message"),
    [
        (b"1", "sigmoid", "not `label score [key]`: '1'"),
        (b"1 x", "sigmoid", "not `label score [key]`: '1 x'"),
        (b"2 0.5", "sigmoid", "the label is not 1, 0, -1 or a probability"),
        (b"nan 0.5", "sigmoid", "the label is not 1, 0, -1 or a probability"),
        (b"1 1.5", "sigmoid", "the score is none of --link sigmoid"),
        (b"1 nan", "raw", "the score is none of --link raw"),
        (b"1 -0.5", "exp", "the score is none of --link exp"),
        (b"1 inf", "exp", "the score is none of --link exp"),
        (b"\xff\x00 1", "raw", "not `label score [key]`"),
    ],
)
def test_a_bad_prediction_is_named(tmp_path, line, link, message):
    path = tmp_path / "p.txt"
    path.write_bytes(b"1 0.5\n\n" + line + b"\n")
    with pytest.raises(BadInputError) as error:
        read_predictions(path, link)
    assert f"{path}, line 3: {message}" in str(error.value)


def test_sure_predictions_cost_as_much_as_metrics_says(tmp_path):
    path = tmp_path / "p.txt"
    path.write_bytes(b"1 0\n0 1\n-1 0\r\n1 1 key of words")
    scored = read_predictions(path)
    expected = metrics.logloss([1, 0, 0, 1], [0, 1, 0, 1])
    assert evaluate(scored).report.logloss == pytest.approx(expected, rel=1e-3)
    assert (scored.group != 0).tolist() == [False, False, False, True]


def test_scores_that_are_not_finite_are_refused(run, folder):
    (folder / "huge.txt").write_text("bias 1 0 0\na 1e38 0 0\n")
    model = FTRLModel.import_alphafm(folder / "huge.txt")
    model.save(folder / "huge.fmt")
    text = run("-m", "huge.fmt", stdin=b"1 b\n1 a:100\n", code=3)
    assert "stdin, line 2: the score or gradient is not finite: 'a:100'" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give either --model or --predictions"),
        (("-m", "a.fmt", "--predictions", "hand.txt"), 2, "give either --model or --predictions"),
        (("--predictions", "-", "test.txt"), 2, "give no SOURCE with it"),
        (("--predictions", "absent.txt"), 1, "absent.txt: cannot read: No such file or directory"),
        (("-m", "absent.fmt", "test.txt"), 1, "absent.fmt"),
        (("-m", "test.txt", "test.txt"), 1, "test.txt: not an fmtrain model"),
        (("-m", "a.fmt"), 3, "there are no samples to evaluate (a.fmt)"),
        (("--predictions", "-"), 3, "there are no samples to evaluate (stdin)"),
    ],
)
def test_refusals(run, arguments, code, message):
    assert message in run(*arguments, code=code)


def test_bad_lines_are_shown_and_too_many_fail(run, folder):
    samples = (folder / "test.txt").read_bytes()
    assert "more than max_bad_ratio" in run("-m", "a.fmt", stdin=samples + b"x\n" * 99, code=3)
