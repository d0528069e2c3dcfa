"""The charts of what a run is worth, in the look of ui.shared.charts; x and y of shares are in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from visionlab.learning.judging.baselines import Baseline
from visionlab.learning.judging.calibration import Reliability
from visionlab.learning.judging.learning_curve import CurvePoint
from visionlab.learning.judging.metrics import Report
from visionlab.learning.judging.thresholds import Curve
from visionlab.ui.shared.charts import (
    BLUE,
    CHANCE,
    GREY,
    LINE,
    MARGIN,
    ORANGE,
    PLAIN,
    counting,
    over_thresholds,
    per_cent,
    round_ticks,
)

CLICKED = {**PLAIN, "doubleClickDelay": 0}  # of `confusion`: two quick clicks on two cells are no double click
CELL, SMALLEST_CELL = 56, 14  # pixels that a row of the confusion matrix takes; the smallest holds no number
NAME = 20  # characters of a name beside a bar that stand in a line
WIDEST = 900  # pixels that its rows take together, as long as they can


def confusion(report: Report) -> go.Figure:
    """The confusion matrix with cells to click on: rows are what the pictures are, columns what the head said.

    For st.plotly_chart(figure, config=CLICKED, on_select="rerun", selection_mode="points"); `clicked` reads what it
    returns.
    """
    counts, width = report.confusion, len(report.classes)
    side = max(SMALLEST_CELL, min(CELL, WIDEST // width))
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            x=list(report.classes),
            y=list(report.classes),
            colorscale=[[0, "rgba(59,143,214,0.06)"], [1, "rgba(59,143,214,0.95)"]],
            showscale=False,
            xgap=3,
            ygap=3,
            hoverinfo="skip",
        )
    )
    # Plotly's heat maps tell nobody of a click, so an unseen point lies on each cell: the nearest takes the click. A
    # selection would fade the others' text, whose colour therefore must be said, and be one a trace.
    full = counts > counts.max() / 2
    for colour, kind in (("white", full), (GREY, ~full)):
        rows, columns = np.nonzero(kind)
        figure.add_scatter(
            x=[report.classes[i] for i in columns],
            y=[report.classes[i] for i in rows],
            text=counts[kind],
            customdata=rows * width + columns,
            mode="markers+text" if side > SMALLEST_CELL else "markers",
            marker={"symbol": "square-open", "size": side - 12, "color": ORANGE, "opacity": 0, "line": {"width": 3}},
            textfont={"color": colour, "size": 15 if side == CELL else 10},
            selected={"marker": {"opacity": 1}, "textfont": {"color": colour}},
            unselected={"marker": {"opacity": 0}, "textfont": {"color": colour}},
            hovertemplate="%{y} taken for %{x}: %{text}<extra></extra>",
            showlegend=False,
        )
    names = list(report.classes)
    axis = {"type": "category", "categoryorder": "array", "categoryarray": names, "automargin": True, "showgrid": False}
    figure.update_layout(
        height=130 + side * width,
        margin=MARGIN,
        hovermode="closest",
        hoverdistance=-1,
        dragmode=False,
        xaxis={**axis, "title": "The head says", "range": [-0.5, width - 0.5]},
        yaxis={**axis, "title": "It is", "range": [width - 0.5, -0.5]},
    )
    return figure


def clicked(points: Sequence[Mapping[str, object]], report: Report) -> tuple[int, int] | None:
    """(row, column) of the clicked cell of `confusion`, by the selection's points; None where nothing is clicked."""
    return divmod(int(points[0]["customdata"]), len(report.classes)) if points else None


def roc(curve: Curve, name: str) -> go.Figure:
    """True over false positive rate of the class `name`; the dotted diagonal is chance."""
    figure = over_thresholds(curve, "False positives of all others, %", f"True positives of “{name}”, %")
    return figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", line=CHANCE, hoverinfo="skip")


def reliability(found: Reliability) -> go.Figure:
    """How often right over how sure, a bar a bin that holds pictures; on the dotted diagonal the two agree."""
    full = found.count > 0
    figure = go.Figure(
        go.Bar(
            x=100 * ((found.edges[:-1] + found.edges[1:]) / 2)[full],
            y=100 * found.accuracy[full],
            width=100 * np.diff(found.edges)[full],
            customdata=np.stack([100 * found.confidence[full], found.count[full]], 1),
            marker={"color": BLUE, "opacity": 0.35 + 0.65 * found.count[full] / found.count.max()},
            hovertemplate="%{customdata[1]} pictures, %{customdata[0]:.0f}% sure, %{y:.0f}% right<extra></extra>",
        )
    )
    figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", line=CHANCE, hoverinfo="skip")
    figure.update_layout(
        height=300,
        margin=MARGIN,
        showlegend=False,
        bargap=0.05,
        xaxis={"title": "How sure it is, %", **per_cent()},
        yaxis={"title": "How often it is right, %", **per_cent()},
    )
    return figure


def learning(points: Sequence[CurvePoint]) -> go.Figure:
    """Accuracy over the number of training pictures; the band reaches from the worst round to the best."""
    x = [point.pictures for point in points]
    low, high = ([100 * end(point.accuracies) for point in points] for end in (np.min, np.max))
    figure = go.Figure()
    figure.add_scatter(x=x, y=low, mode="lines", line_width=0, hoverinfo="skip")
    figure.add_scatter(
        x=x, y=high, mode="lines", line_width=0, fill="tonexty", fillcolor="rgba(59,143,214,0.2)", hoverinfo="skip"
    )
    figure.add_scatter(
        x=x,
        y=[100 * point.mean for point in points],
        customdata=np.stack([low, high], 1),
        mode="lines+markers",
        line=LINE,
        marker={"size": 7},
        hovertemplate="%{x} pictures: %{y:.0f}%, between %{customdata[0]:.0f} and %{customdata[1]:.0f}<extra></extra>",
    )
    figure.update_layout(
        height=300,
        margin=MARGIN,
        showlegend=False,
        xaxis={"title": "Training pictures", "rangemode": "tozero", "automargin": True, **counting(max(x))},
        yaxis={"title": "Accuracy on other pictures, %", **per_cent(min(low), max(high))},
    )
    return figure


def baselines(found: Sequence[Baseline], report: Report, title: str = "Your head") -> go.Figure:
    """A bar of accuracy for each baseline and, orange, for the head, each with its 95 % interval."""
    names = ["<br>".join(wrap(each, NAME)) for each in (*(baseline.title for baseline in found), title)]
    values = np.array([*(baseline.accuracy for baseline in found), report.accuracy])
    low, high = np.array([*(baseline.interval for baseline in found), report.interval]).T
    figure = go.Figure(
        go.Bar(
            x=100 * values,
            y=names,
            orientation="h",
            marker_color=[*[BLUE] * len(found), ORANGE],
            customdata=[*(baseline.about for baseline in found), "What was trained here."],
            error_x={"array": 100 * (high - values), "arrayminus": 100 * (values - low), "color": GREY},
            hovertemplate="%{y}: %{x:.0f}%<br>%{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        height=70 + 36 * len(names),
        margin=MARGIN,
        xaxis={"title": "Right on held-out pictures, %", **per_cent()},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True, "showgrid": False},
    )
    return figure


def distances(values: NDArray[np.float32], threshold: float) -> go.Figure:
    """How many pictures lie how far from what was trained on; beyond the threshold, orange, they are refused."""
    edges = np.histogram_bin_edges(values, bins=min(40, max(4, len(values) // 3)))
    parts = [np.histogram(values[(values <= threshold) == near], bins=edges)[0] for near in (True, False)]
    figure = go.Figure()
    for name, colour, part in zip(("Answered", "Refused"), (BLUE, ORANGE), parts, strict=True):
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=part,
            width=np.diff(edges),
            name=name,
            marker_color=colour,
            hovertemplate="%{y} near %{x:.1f}<extra></extra>",
        )
    figure.add_vline(x=threshold, line_color=GREY, line_width=2, annotation_text="threshold")
    figure.update_layout(
        height=260,
        barmode="stack",
        bargap=0,
        margin={**MARGIN, "t": 40},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom"},
        xaxis={"title": "Distance from the training pictures", "automargin": True, **round_ticks(float(np.ptp(edges)))},
        yaxis={"title": "Pictures", "automargin": True, **counting(float(sum(parts).max()))},
    )
    return figure
