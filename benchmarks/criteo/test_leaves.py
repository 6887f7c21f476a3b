"""Leaves of a forest of Criteo's counts: trained on the rows that LR learns, or on earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from fmtrain.features import Encoder, Schema

from ..conftest import Session
from .common import LR, TRAINED, VALIDATED, Leaves, auc, columns, fitted, rows, schema, with_leaves

FORESTS = {(100, 4): 0.2, (300, 6): 0.1}  # (trees, depth): learning rate
SHARES = (1.0, 0.3, 0.5)
#: alpha and l1 of LR, to choose from.
GRID = tuple(product((0.01, 0.02, 0.05, 0.1), (0.1, 1.0)))
HEAD = ["forest", "trained on", "LR on", "alpha, l1", "leaves", "plain LR, same rows"]
CHECKED = 500


def test_answer(tmp_path: Path) -> None:
    """The features of a row are those of the plain schema, then a leaf a tree, as the transformer
    finds them."""
    base, forest = schema(), Leaves(20, 3, 0.2, 0.5).forest(4_000)
    forest.save(tmp_path / "forest")
    assert (forest.rest_.start, forest.rest_.stop) == (2_000, None)
    text = b"".join(rows()[:CHECKED])
    plain = Encoder(base, names=True).encode(text)
    both = Encoder(with_leaves(base, tmp_path / "forest"), names=True).encode(text)
    leaves = forest.transform(columns()[0][:CHECKED])
    assert len(np.unique(leaves[:, 0])) > 2
    for i in range(CHECKED):
        own = plain.names[plain.indptr[i] : plain.indptr[i + 1]]
        names = zip(forest.get_feature_names_out(), leaves[i], strict=True)
        expected = own + [f"{tree}={leaf}".encode() for tree, leaf in names]
        assert both.names[both.indptr[i] : both.indptr[i + 1]] == expected


def test_leaves(session: Session, tmp_path: Path) -> None:
    """LR's alpha and l1 are chosen on the last rows of the training part; one pass each."""
    table = [["none", "", f"all {TRAINED:,}", f"{LR['alpha']}, {LR['l1']}", "", f"{plain(0):.4f}"]]
    assert plain(0) > 0.768
    for (size, rate), share in product(FORESTS.items(), SHARES):
        if session.timed:
            table += cells(Leaves(*size, rate, share), tmp_path / "forest")
    session.table("criteo, test AUC with leaves", HEAD, table)


def plain(begin: int) -> float:
    return auc(fitted(schema(), begin, TRAINED), TRAINED, len(rows()))


def cells(leaves: Leaves, path: Path) -> Iterator[list[str]]:
    begins = [0] if leaves.share == 1 else [leaves.share, 0]
    first = TRAINED - VALIDATED
    encode = encoder(leaves, first, path)
    chosen = [best(encode, round(begin * first)) for begin in begins]
    encode = encoder(leaves, TRAINED, path)
    for begin, (alpha, l1) in zip(begins, chosen, strict=True):
        at = round(begin * TRAINED)
        found = auc(fitted(encode, at, TRAINED, alpha=alpha, l1=l1), TRAINED, len(rows()))
        which = f"{'all' if at == 0 else 'the other'} {TRAINED - at:,}"
        of = "all" if leaves.share == 1 else f"first {leaves.share:.0%}"
        size = f"{leaves.trees} trees, depth {leaves.depth}"
        yield [size, of, which, f"{alpha}, {l1}", f"{found:.4f}", f"{plain(at):.4f}"]


def encoder(leaves: Leaves, first: int, path: Path) -> Schema:
    leaves.forest(first).save(path)
    found = with_leaves(schema(learned_from=first), path)
    assert found.forests  # read now: the file is written again
    return found


def best(encode: Schema, begin: int) -> tuple[float, float]:
    first = TRAINED - VALIDATED

    def validated(at: tuple[float, float]) -> float:
        return auc(fitted(encode, begin, first, alpha=at[0], l1=at[1]), first, TRAINED)

    return max(GRID, key=validated)
