"""Fully connected against convolutional: what a layer of each costs, for any size of picture."""

from __future__ import annotations

from math import sqrt

import streamlit as st

from visionlab.learning.scratch import Cost, convolutional, fully_connected
from visionlab.ui.scratch import charts as scratch_charts
from visionlab.ui.scratch.parts import Fields, beside, notice, problem_of, table
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.shared import charts
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.widgets import hindrance
from visionlab.wording import sized

SIDES = (8, 16, 32, 64, 128, 256, 512, 1_024)  # of the curves
LARGEST = 10_000  # px
FLOAT32, FLOAT64 = 4, 8  # bytes


def show(_: Chosen | None) -> None:
    st.markdown(
        "In a fully connected layer every unit has a weight for every number of the picture. A convolutional layer "
        "slides a few small filters over it, so its weights do not depend on the picture’s size; only its work does."
    )
    one, two, three, four = roomy_columns(4, "layers", gap="large")
    fields = Fields()
    with one, st.container(horizontal=True, gap="xsmall"):
        width, height = (
            fields.number(f"{name}, px", 1, LARGEST, 256, f"cost-{name}", persist_state="session", width=100)
            for name in ("Width", "Height")
        )
    units = two.select_slider(
        "Units, fully connected",
        (1, 10, 100, 500, 1_000, 2_000, 4_096),
        1_000,
        key="cost-units",
        persist_state="session",
    )
    filters = three.slider("Filters, convolutional", 1, 512, 32, key="cost-filters", persist_state="session")
    kernel = four.select_slider("Their side, px", (1, 3, 5, 7), 3, key="cost-kernel", persist_state="session")
    if problem := fields.problem or problem_of(lambda: convolutional(height, width, 3, filters, kernel)):
        hindrance(problem)
        return
    dense = fully_connected(height, width, 3, units)
    conv = convolutional(height, width, 3, filters, kernel)
    left, right = roomy_columns([1.1, 1], "details-cost", gap="large")
    with left:
        _table(dense, conv)
    with right:
        curves = {
            "Fully connected": [fully_connected(s, s, 3, units).parameters for s in SIDES],
            "Convolutional": [convolutional(s, s, 3, filters, kernel).parameters for s in SIDES],
        }
        figure = scratch_charts.costs(SIDES, curves, sqrt(width * height), "Parameters")
        st.plotly_chart(figure, config=charts.PLAIN, key="cost-chart")
    notice(
        f"At {width} × {height} pixels the fully connected layer has {_times(dense.parameters, conv.parameters)} the "
        f"parameters of the convolutional one, for {_times(dense.multiplications, conv.multiplications)} its "
        "multiplications. Few weights, used at every place: that is also why a convolutional layer finds a thing "
        "wherever it is."
    )
    article = fully_connected(256, 256, 3, 1_000)
    beside(
        [
            ("Weights of 256 × 256 × 3 into 1,000 units", "196,608,000", f"{article.weights:,}"),
            ("Their memory in float64", "1,572 GB", f"{sized(article.bytes(FLOAT64))}: a thousandth of that"),
            ("Their memory in float32, as networks have them", "–", sized(article.bytes(FLOAT32))),
        ]
    )


def _times(one: int, other: int) -> str:
    share = one / other
    return f"{share:,.{0 if share >= 100 else 1 if share >= 1 else 3}f} times"


def _table(dense: Cost, conv: Cost) -> None:
    rows = (
        ("Weights", f"{dense.weights:,}", f"{conv.weights:,}"),
        ("Parameters, with a bias each", f"{dense.parameters:,}", f"{conv.parameters:,}"),
        ("Memory, float32", sized(dense.bytes(FLOAT32)), sized(conv.bytes(FLOAT32))),
        ("Memory, float64", sized(dense.bytes(FLOAT64)), sized(conv.bytes(FLOAT64))),
        ("Multiplications a picture", f"{dense.multiplications:,}", f"{conv.multiplications:,}"),
    )
    table(("", "Fully connected", "Convolutional"), rows)
