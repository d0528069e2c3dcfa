"""The charts of the app, as Plotly figures that follow the theme; colours are safe for colour-blind eyes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from visionlab.learning.metrics import Report
from visionlab.learning.training import Epoch

BLUE, ORANGE = "#3B8FD6", "#E08A1E"
PLAIN = {"displayModeBar": False}


def curves(epochs: Sequence[Epoch], total: int) -> go.Figure:
    """Both losses over the epochs (left axis) and the accuracy on held-out pictures (right axis)."""
    x = [epoch.index for epoch in epochs]
    line = {"mode": "lines", "line": {"width": 2.5}}
    figure = go.Figure()
    figure.add_scatter(
        x=x, y=[e.train_loss for e in epochs], name="Loss, training", line_color=BLUE, **_dash(line, "dot")
    )
    figure.add_scatter(x=x, y=[e.validation_loss for e in epochs], name="Loss, held out", line_color=BLUE, **line)
    right = [100 * e.validation_accuracy for e in epochs]
    figure.add_scatter(x=x, y=right, name="Accuracy, held out", line_color=ORANGE, yaxis="y2", **line)
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        legend={"orientation": "h", "y": 1.06, "yanchor": "bottom"},
        hovermode="x unified",
        xaxis={"title": "Epoch", "range": [1, max(2, total)], "automargin": True},
        yaxis={"title": "Loss", "rangemode": "tozero", "automargin": True},
        yaxis2={
            "title": "Accuracy, %",
            "overlaying": "y",
            "side": "right",
            "range": [0, 105],
            "tickvals": [0, 25, 50, 75, 100],
            "showgrid": False,
        },
    )
    return figure


def _dash(style: dict, dash: str) -> dict:
    return {**style, "line": {**style["line"], "dash": dash}}


def confusion(report: Report) -> go.Figure:
    """The confusion matrix: rows are what the pictures are, columns what the head said."""
    counts = report.confusion
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            x=list(report.classes),
            y=list(report.classes),
            colorscale=[[0, "rgba(59,143,214,0.06)"], [1, "rgba(59,143,214,0.95)"]],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y} taken for %{x}: %{z}<extra></extra>",
        )
    )
    rows, columns = np.indices(counts.shape).reshape(2, -1)
    figure.add_scatter(
        x=[report.classes[i] for i in columns],
        y=[report.classes[i] for i in rows],
        text=counts.ravel(),
        mode="text",
        # readable on a full cell and on an empty one, in the light and in the dark theme
        textfont={"color": np.where(counts.ravel() > counts.max() / 2, "white", "#7D8EA0"), "size": 15},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(
        height=130 + 56 * len(report.classes),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": "The head says", "type": "category", "automargin": True, "showgrid": False},
        yaxis={"title": "It is", "type": "category", "autorange": "reversed", "automargin": True, "showgrid": False},
    )
    return figure
