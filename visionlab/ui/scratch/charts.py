"""The charts of networks trained from nothing, in the look of ui.shared.charts; shares are in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from visionlab.learning.scratch import Epoch, Progress, ShiftMap, Step
from visionlab.ui.shared.charts import BLUE, ORANGE, loss_and_accuracy
from visionlab.ui.shared.widgets import fixed

GREEN, PURPLE = "#2A9D7F", "#B279C9"
FOUR = ((BLUE, "solid"), (ORANGE, "solid"), (GREEN, "dash"), (PURPLE, "dot"))  # dashes, too: for colour-blind eyes
WORST, BEST = 40, 100  # per cent: the ends of the maps' scale; 50 is guessing
SCALE = "Cividis"
MOST_POINTS = 400  # of a curve that is drawn while it grows


def shift_map(found: ShiftMap) -> go.Figure:
    """Accuracy at every shift, rows by dy and columns by dx, in the one scale of all maps; each with its count."""
    told = [[_counted(found, share) for share in row] for row in found.accuracies]
    figure = go.Figure(
        go.Heatmap(
            z=100 * found.accuracies,
            x=[fixed(shift, 0) for shift in found.shifts],
            y=[fixed(shift, 0) for shift in found.shifts],
            zmin=WORST,
            zmax=BEST,
            colorscale=SCALE,
            showscale=False,
            xgap=1,
            ygap=1,
            text=told,
            hovertemplate="%{x} px right, %{y} px down: %{text}<extra></extra>",
        )
    )
    return figure.update_layout(
        height=230,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": "dx, px", "type": "category", "automargin": True, "showgrid": False},
        yaxis={
            "title": "dy, px",
            "type": "category",
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "scaleanchor": "x",
        },
    )


def _counted(found: ShiftMap, share: float) -> str:
    low, high = found.interval(share)
    right = round(share * found.tested)
    return f"{share:.0%} right, {right} of {found.tested} (95% interval {low:.0%} to {high:.0%})"


def shift_curves(maps: Mapping[str, ShiftMap]) -> go.Figure:
    """A curve each by its title: accuracy over how far the digit is from the middle."""
    figure = go.Figure()
    for (title, found), (colour, dash) in zip(maps.items(), FOUR, strict=False):
        distances, accuracies = found.curve()
        line = {"color": colour, "dash": dash, "width": 2.5}
        figure.add_scatter(x=distances, y=100 * accuracies, name=title, mode="lines+markers", line=line)
    figure.add_hline(y=50, line={"color": "#7D8EA0", "dash": "dot", "width": 1})
    return figure.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 70, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"title": "Pixels from the middle", "automargin": True},
        yaxis={"title": "Right, %", "range": [30, 103], "automargin": True},
    )


def descent(steps: Sequence[Step]) -> go.Figure:
    """Loss and accuracy of each step's batch, and accuracy on the test part where it was looked at."""
    shown = [step for step in steps if np.isfinite(step.loss)]
    shown = shown[:: max(1, len(shown) // MOST_POINTS)]
    x = [step.index for step in shown]
    figure = loss_and_accuracy("Step", 0, steps[-1].of * 1.02)
    figure.add_scatter(x=x, y=[s.loss for s in shown], name="Loss", mode="lines", line={"color": BLUE, "width": 1.5})
    paler = {"color": "rgba(224,138,30,0.45)", "width": 1}
    right = [100 * step.accuracy for step in shown]
    figure.add_scatter(x=x, y=right, name="Accuracy, batch", mode="lines", line=paler, yaxis="y2")
    tested = [step for step in steps if step.test_accuracy is not None]
    figure.add_scatter(
        x=[step.index for step in tested],
        y=[100 * step.test_accuracy for step in tested],
        name="Accuracy, test",
        mode="lines+markers",
        line={"color": ORANGE, "width": 2.5},
        yaxis="y2",
    )
    return figure


def epochs(looks: Sequence[Progress], total: int) -> go.Figure:
    """Loss and accuracy at every look, and both on the test part after each epoch."""
    known = [look for look in looks if np.isfinite(look.loss)]
    x = [look.passes for look in known]
    over: list[Epoch] = [look.epoch for look in looks if look.epoch]
    ends = [epoch.index for epoch in over]
    figure = loss_and_accuracy("Epoch", 0, total * 1.02)
    for name, y, colour, dash, mode, axis in (
        ("Loss, training", (x, [look.loss for look in known]), BLUE, "dot", "lines", "y"),
        ("Loss, test", (ends, [epoch.test_loss for epoch in over]), BLUE, "solid", "lines+markers", "y"),
        ("Accuracy, training", (x, [100 * look.accuracy for look in known]), ORANGE, "dot", "lines", "y2"),
        ("Accuracy, test", (ends, [100 * e.test_accuracy for e in over]), ORANGE, "solid", "lines+markers", "y2"),
    ):
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=y[0], y=y[1], name=name, mode=mode, line=line, marker_size=5, yaxis=axis)
    return figure


def costs(sides: Sequence[int], curves: Mapping[str, Sequence[int]], marked: float, title: str) -> go.Figure:
    """A count each over the picture's side, both on logarithmic axes; one side is marked, if it lies between."""
    figure = go.Figure()
    for (name, counts), (colour, dash) in zip(curves.items(), FOUR, strict=False):
        line = {"color": colour, "dash": dash, "width": 2.5}
        figure.add_scatter(x=list(sides), y=list(counts), name=name, mode="lines", line=line)
    if sides[0] <= marked <= sides[-1]:
        figure.add_vline(x=marked, line={"color": "#7D8EA0", "dash": "dot", "width": 1.5})
    return figure.update_layout(
        height=300,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={
            "title": "Side of a square picture, px",
            "type": "log",
            "automargin": True,
            "tickvals": [8, 32, 128, 512],
        },
        yaxis={"title": title, "type": "log", "automargin": True, "exponentformat": "power", "dtick": 2},
    )
