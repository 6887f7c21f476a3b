"""Draws auc.svg: the AUC of one pass over Criteo's 80,000 rows, each scored before it is learned.

Run as `python -m benchmarks.criteo.plot_stream` in the checkout's folder. One thread: the numbers
are the same each time, and so are the bytes of the file with the same matplotlib.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fmtrain import FTRLModel
from fmtrain.features import Schema
from fmtrain.reports import Progress

from .common import FM, LR, rows, schema

WINDOW = 4_000  # rows a point
TARGET = Path(__file__).with_name("auc.svg")


def windows(schema: Schema, hyper: dict[str, Any]) -> Iterator[tuple[int, float]]:
    """(rows so far, AUC of the last WINDOW); a window's rows are scored as they are learned."""
    model = FTRLModel(schema=schema, **hyper)
    for begin in range(0, len(rows()), WINDOW):
        looks: list[Progress] = []
        part = io.BytesIO(b"".join(rows()[begin : begin + WINDOW]))
        model.fit_stream(part, format="tsv", progress=looks.append)
        assert model.report_.progress is not None
        yield begin + WINDOW, model.report_.progress.total["auc"]


def curves() -> dict[str, list[tuple[int, float]]]:
    cases = {
        "LR, log-square": (schema("log-square"), LR),
        "LR, equal-frequency 20": (schema("equal-frequency 20"), LR),
        "LR, log and z-score (criteo.toml)": (schema(), LR),
        "FM k = 8, the same": (schema(), FM),
    }
    return {name: list(windows(*case)) for name, case in cases.items()}


def draw(lines: dict[str, list[tuple[int, float]]], path: Path) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text and ids are not random: a small file, the same each time.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fmtrain"}):
        figure = Figure(figsize=(7, 3.2))
        axes = figure.subplots()
        for name, points in lines.items():
            x, y = zip(*points, strict=True)
            axes.plot(x, y, label=name, linewidth=1.2)
        axes.legend(loc="lower right", fontsize=8)
        axes.set(xlabel="rows", ylabel=f"AUC of the last {WINDOW:,}")
        axes.grid(alpha=0.3)
        figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    found = curves()
    draw(found, TARGET)
    for name, points in found.items():
        half = [auc for _, auc in points[len(points) // 2 :]]
        print(f"{sum(half) / len(half):.4f} over the second half: {name}")
