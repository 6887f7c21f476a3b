"""Leaves of gradient boosted trees beside categories, in a schema of raw rows.

    python adult_leaves.py [adult.data adult.test]    # UCI's; without them made-up rows like them

A forest is trained on six number columns and saved; a schema names it; `fmtrain` trains by it and
compares with a model without leaves by the paired bootstrap. Needs xgboost (fmtrain[gbdt]), pandas.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from fmtrain.features import GBDTLeafEncoder, Schema

PLAIN = Schema.load(Path(__file__).with_name("adult.toml"))
NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
LR = ["--factors", "0", "--alpha", "0.1", "--l1", "1", "--l2", "0", "--threads", "1"]


def made_up(seed: int, rows: int, path: Path) -> Path:
    """The label hangs on age and hours together, which bins of each cannot say."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.choice(["a", "b", "c"], rows) for name in PLAIN.columns})
    for column in NUMBERS:
        frame[column] = random.integers(0, 100, rows)
    score = (frame["age"] - 50) * (frame["hours-per-week"] - 50) / 400 + (frame["sex"] == "a")
    frame["income"] = np.where(score + random.logistic(size=rows) > 0, ">50K", "<=50K")
    frame.to_csv(path, header=False, index=False)
    return path


def with_leaves(forest: Path) -> Schema:
    """The forest sees the numbers, the linear model their leaves."""
    numbers = {name: {"type": "number", "role": "ignore"} for name in NUMBERS}
    columns = {**PLAIN.document["columns"], **numbers}
    forests = {"gbdt": {"columns": NUMBERS, "file": str(forest)}}
    return Schema.of({**PLAIN.document, "columns": columns, "forests": forests})


def fmtrain(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "fmtrain", *map(str, words)], check=True)


def main(train: Path, test: Path, folder: Path) -> None:
    frame = pd.read_csv(train, header=None, names=PLAIN.columns, skipinitialspace=True)
    encoder = GBDTLeafEncoder(trees=100, depth=4)
    encoder.fit(frame[NUMBERS], frame["income"] == ">50K").save(folder / "forest.fmtree")

    for name, schema in {"plain": PLAIN, "leaves": with_leaves(folder / "forest.fmtree")}.items():
        path, model = folder / f"{name}.toml", folder / f"{name}.fmt"
        path = path if schema.kind == "toml" else path.with_suffix(".json")
        path.write_text(schema.dumps())
        fmtrain("schema", "fit", path, train)
        fmtrain("fit", train, "--schema", path, "--model", model, *LR)
    fmtrain("eval", "--model", folder / "leaves.fmt", test, "--against", folder / "plain.fmt")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if len(sys.argv) == 3:
            main(Path(sys.argv[1]), Path(sys.argv[2]), folder)
        else:
            train = made_up(0, 20_000, folder / "train.csv")
            main(train, made_up(1, 5_000, folder / "test.csv"), folder)
