"""The pictures in RESULTS.md: what grows with what, as lines on log axes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measuring import Line
from benchmarks.report import Results

COLOURS = ("#0B62A8", "#C2410C", "#15803D", "#7C3AED", "#A16207", "#BE185D")


def drawn(results: Results, folder: Path) -> None:
    """A picture for each question with lines, where report.document looks for it."""
    for question, kept in results.questions.items():
        if kept.answer.lines:
            draw(kept.answer.lines, folder / f"{results.machine.name}-{question}.svg")


def draw(lines: Sequence[Line], path: Path) -> None:
    """A panel for each pair of axes. Dotted is what grows as its work does."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": path.stem, "font.family": "sans-serif", "font.size": 9}
    from matplotlib import pyplot

    axes = list(dict.fromkeys((line.x, line.y) for line in lines))
    columns = min(3, len(axes))
    rows = -(-len(axes) // columns)
    figure, panels = pyplot.subplots(rows, columns, figsize=(4 * columns, 3.2 * rows), squeeze=False, layout="tight")
    for panel in panels.flat[len(axes) :]:
        panel.remove()
    for (x, y), panel in zip(axes, panels.flat, strict=False):
        for colour, line in zip(COLOURS, (line for line in lines if (line.x, line.y) == (x, y)), strict=False):
            across, up = np.array(line.points).T
            panel.loglog(across, up, "o-", color=colour, label=line.name, markersize=3, linewidth=1.2)
            panel.loglog(across, up[-1] * across / across[-1], ":", color=colour, linewidth=0.8)
        panel.set(xlabel=x, ylabel=y)
        panel.grid(alpha=0.25)
        panel.legend(fontsize=7, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
