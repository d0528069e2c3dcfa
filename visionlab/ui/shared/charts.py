"""The charts of the app, as Plotly figures that follow the theme; colours are safe for colour-blind eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from visionlab.learning.heads.training import Epoch
from visionlab.learning.judging.thresholds import Curve
from visionlab.network.explain.faithfulness import Chance, Faithfulness
from visionlab.network.inside.channels import LayerStatistics

BLUE, ORANGE = "#3B8FD6", "#E08A1E"
PLAIN = {"displayModeBar": False}
GREY = "#7D8EA0"  # legible on a light and on a dark ground
MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
LINE = {"color": BLUE, "width": 2.5}
CHANCE = {"color": GREY, "width": 1.5, "dash": "dot"}


def counting(most: float) -> dict[str, float]:
    """For an axis of what is counted, up to so many: ticks at whole, round numbers, eight or fewer."""
    return round_ticks(max(8.0, most))


def round_ticks(span: float) -> dict[str, float]:
    """For an axis that is so long: ticks at round numbers, nine or fewer. By itself, Plotly puts them under the middle
    of bars where these are few."""
    least = span / 8
    power = 10 ** np.floor(np.log10(least))
    return {"tick0": 0, "dtick": float(next(step for step in power * np.array([1, 2, 5, 10]) if step >= least))}


def per_cent(low: float = 0, high: float = 100) -> dict[str, object]:
    """For an axis of shares in %, which lie from low to high: ticks at round numbers alone, and none beyond 100, with a
    little room for what lies at its ends, but none below 0, where bars begin."""
    top = min(100, 10 * int(np.ceil(high / 10)))
    bottom = min(top - 10, 10 * int(np.floor(low / 10)))
    room = (top - bottom) / 30
    step = next(step for step in (5, 10, 20) if step == 20 or top - bottom <= 5 * step)
    return {"range": [bottom and bottom - room, top + room], "tick0": 0, "dtick": step, "automargin": True}


def curves(epochs: Sequence[Epoch], total: int) -> go.Figure:
    """Both losses over the epochs (left axis) and the accuracy on held-out pictures (right axis)."""
    x = [epoch.index for epoch in epochs]
    line = {"mode": "lines", "line": {"width": 2.5}}
    figure = loss_and_accuracy("Epoch", 1, max(2, total))
    figure.add_scatter(
        x=x, y=[e.train_loss for e in epochs], name="Loss, training", line_color=BLUE, **_dash(line, "dot")
    )
    figure.add_scatter(x=x, y=[e.validation_loss for e in epochs], name="Loss, held out", line_color=BLUE, **line)
    right = [100 * e.validation_accuracy for e in epochs]
    figure.add_scatter(x=x, y=right, name="Accuracy, held out", line_color=ORANGE, yaxis="y2", **line)
    return figure


def loss_and_accuracy(what: str, first: float, last: float) -> go.Figure:
    """An empty chart with a scale for the loss on the left, and one for the accuracy (y2, %) on the right."""
    return go.Figure().update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        showlegend=True,  # also while there is one curve only
        legend={"orientation": "h", "y": 1.06, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"title": what, "range": [first, last], "automargin": True, **counting(last)},
        yaxis={"title": "Loss", "rangemode": "tozero", "automargin": True},
        yaxis2={
            "title": "Accuracy, %",
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            **per_cent(),
        },
    )


def _dash(style: dict, dash: str) -> dict:
    return {**style, "line": {**style["line"], "dash": dash}}


def depth(statistics: Sequence[LayerStatistics]) -> go.Figure:
    """Mean and spread of each layer's values (left axis) and the share of silent units (right axis), over depth."""
    x = [entry.layer.name for entry in statistics]
    line = {"mode": "lines+markers", "line": {"width": 2}, "marker": {"size": 5}}
    figure = go.Figure()
    figure.add_scatter(x=x, y=[s.mean for s in statistics], name="Mean", line_color=BLUE, **line)
    figure.add_scatter(x=x, y=[s.spread for s in statistics], name="Spread", line_color=BLUE, **_dash(line, "dot"))
    silent = [100 * s.silent for s in statistics]
    figure.add_scatter(x=x, y=silent, name="Silent units", line_color=ORANGE, yaxis="y2", **line)
    figure.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"tickangle": -60, "automargin": True, "type": "category"},
        yaxis={"title": "Value", "automargin": True},
        yaxis2={
            "title": "Silent, %",
            "overlaying": "y",
            "side": "right",
            "range": [0, 102],
            "tickvals": [0, 25, 50, 75, 100],
            "showgrid": False,
        },
    )
    return figure


def histogram(values: NDArray[np.float32], marked: float | None = None) -> go.Figure:
    """How often a channel answers how much; `marked` is the value of one unit."""
    counts, edges = np.histogram(values, bins=min(60, max(1, values.size // 4)))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            marker_color=BLUE,
            hovertemplate="%{y} units near %{x:.3f}<extra></extra>",
        )
    )
    if marked is not None:
        figure.add_vline(x=marked, line_color=ORANGE, line_width=2, annotation_text="this unit")
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        bargap=0,
        xaxis={"title": "Value", "automargin": True, **round_ticks(float(np.ptp(edges)))},
        yaxis={"title": "Units, logarithmic", "type": "log", "automargin": True, **_powers(float(counts.max()))},
    )
    return figure


def _powers(most: float) -> dict[str, list]:
    """For a logarithmic axis of what is counted, up to so many: ticks at 1, 2, 5, 10 …, or at powers of ten alone where
    these are enough; each written out, as Plotly would write 20 as 2."""
    steps = (1, 2, 5) if most < 1000 else (1,)
    values = [step * 10**power for power in range(int(np.log10(max(most, 1))) + 1) for step in steps]
    return {"tickvals": values, "ticktext": [f"{value:,}" for value in values]}


def signed_bars(names: Sequence[str], values: Sequence[float], title: str) -> go.Figure:
    """One bar a name, the first on top: blue below zero, orange above."""
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=list(names),
            orientation="h",
            marker_color=[ORANGE if value > 0 else BLUE for value in values],
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
    )
    figure.update_layout(
        height=70 + 24 * len(names),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": title, "automargin": True, "zeroline": True},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True, "showgrid": False},
    )
    return figure


def faithfulness(found: Faithfulness, chance: Faithfulness) -> go.Figure:
    """Deletion's and insertion's curves of one map, and those of chance, dotted."""
    figure = go.Figure()
    line = {"mode": "lines", "line": {"width": 2.5}}
    for name, colour, curve in (("Deletion", ORANGE, "deletion_curve"), ("Insertion", BLUE, "insertion_curve")):
        x = 100 * found.fractions
        figure.add_scatter(x=x, y=100 * getattr(found, curve), name=name, line_color=colour, **line)
        y = 100 * getattr(chance, curve)
        figure.add_scatter(x=x, y=y, name=f"{name}, chance", line_color=colour, **_dash(line, "dot"))
    figure.update_layout(
        height=280,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        xaxis={"title": "Pixels, %", "automargin": True},
        yaxis={"title": "Probability, %", "rangemode": "tozero", "automargin": True},
    )
    return figure


def rubbed_out(
    own: Sequence[tuple[float, float]], shares: Sequence[float], others: Mapping[str, NDArray[np.float32]]
) -> go.Figure:
    """A class's probability against how much is rubbed out: one's own way there, (share, probability), and what each
    of the others would have come to at those shares, the first of them the best."""
    figure = go.Figure()
    for name, curve in others.items():
        style = {"color": BLUE, "width": 2.5} if name == next(iter(others)) else CHANCE
        figure.add_scatter(x=100 * np.array(shares), y=100 * curve, name=name, mode="lines", line=style)
    x, y = 100 * np.array(own).T
    figure.add_scatter(x=x, y=y, name="You", mode="lines+markers", line={"color": ORANGE, "width": 2.5})
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        xaxis={"title": "Rubbed out, %", "rangemode": "tozero", "automargin": True},
        yaxis={"title": "Probability, %", "rangemode": "tozero", "automargin": True},
    )
    return figure


def faithfulness_of_all(titles: Sequence[str], found: Sequence[Faithfulness], chance: Sequence[Chance]) -> go.Figure:
    """Two bars a method, deletion and insertion, each with a mark at what chance is worth, and its likely range."""
    figure = go.Figure()
    for name, colour in (("deletion", ORANGE), ("insertion", BLUE)):
        values = [getattr(each, name) for each in found]
        figure.add_bar(x=list(titles), y=values, name=name.title(), marker_color=colour, offsetgroup=name)
    for name in ("deletion", "insertion"):
        middle = np.array([getattr(each, name) for each in chance])
        low, high = np.array([getattr(each, f"likely_{name}") for each in chance]).T
        figure.add_scatter(
            x=list(titles),
            y=middle,
            error_y={"type": "data", "array": high - middle, "arrayminus": middle - low, "color": "#7D8EA0"},
            name="Chance",
            showlegend=name == "deletion",
            mode="markers",
            marker={"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": "#7D8EA0"}},
            offsetgroup=name,
        )
    figure.update_layout(
        height=320,
        barmode="group",
        scattermode="group",
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        xaxis={"automargin": True},
        yaxis={"title": "Area under the curve", "rangemode": "tozero", "automargin": True},
    )
    return figure


def precision_recall(curve: Curve, name: str, share: float) -> go.Figure:
    """Precision over recall of the class `name`; the dotted line is chance, its share (0..1) of the pictures."""
    figure = over_thresholds(curve, f"Recall: found of “{name}”, %", "Precision: right of those named, %")
    return figure.add_scatter(x=[0, 100], y=[100 * share] * 2, mode="lines", line=CHANCE, hoverinfo="skip")


def over_thresholds(curve: Curve, x_title: str, y_title: str) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=100 * curve.x,
        y=100 * curve.y,
        customdata=100 * np.minimum(curve.thresholds, 1),
        mode="lines",
        line=LINE,
        hovertemplate="from %{customdata:.0f}% on: %{x:.0f}, %{y:.0f}<extra></extra>",
    )
    figure.update_layout(
        height=300,
        margin=MARGIN,
        showlegend=False,
        xaxis={"title": x_title, **per_cent(), "range": [-2, 102]},
        yaxis={"title": y_title, **per_cent(), "range": [-2, 104]},
    )
    return figure
