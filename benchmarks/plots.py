"""Plots as SVG files. matplotlib comes with the `bench` extra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def save(path: Path, figure: Any) -> None:
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


def bars(path: Path, title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    """A group of bars for each entry, a colour for each name in it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4))
    axes = figure.subplots()
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        places = [at + i * width for at, group in enumerate(groups.values()) if name in group]
        axes.bar(places, [group[name] for group in groups.values() if name in group], width)
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(groups))], list(groups))
    axes.legend(names, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set(title=title, ylabel=unit)
    save(path, figure)


def curves(
    path: Path,
    title: str,
    labels: tuple[str, str],
    lines: Mapping[str, Iterable[Sequence[float]]],
) -> None:
    """A line of (x, y) points for each entry; y from 0."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4))
    axes = figure.subplots()
    for name, points in lines.items():
        x, y = zip(*points, strict=True)
        axes.plot(x, y, marker=".", label=name)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1])
    axes.set_ylim(bottom=0)
    save(path, figure)
