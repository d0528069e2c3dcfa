"""What a head answered to its held-out pictures: its mistakes, a class against the rest, and how sure it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from visionlab.learning.heads.training import TEMPERATURE_FROM
from visionlab.learning.judging.calibration import BINS, Reliability, reliability
from visionlab.learning.judging.evaluation import Evaluation
from visionlab.learning.judging.thresholds import Curve
from visionlab.network.running.certainty import tempered
from visionlab.ui.shared import charts
from visionlab.ui.shared.charts import precision_recall
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case
from visionlab.ui.studio.judge.cells import cells, class_figures, said, worst_mistakes
from visionlab.ui.studio.judge.gallery import gallery
from visionlab.wording import percent

FEW = 8  # pictures of a quadrant that are shown at once


# Mistakes -------------------------------------------------------------------------------------------------------------


def mistakes(case: Case) -> None:
    """The confusion matrix, each cell of which opens its pictures, and the answers that were the most wrong."""
    found = case.evaluation

    def pictures(places: Sequence[int], key: str) -> None:
        gallery(case.project, [case.held_out[place] for place in places], said(found, places), key)

    cells(found, pictures, f"cells-{case.key[:16]}")
    worst_mistakes(found, pictures)


# A class --------------------------------------------------------------------------------------------------------------


def one_class(case: Case) -> None:
    """Figures for each class; and for one of them, at a threshold, the four kinds of answers and the curves."""
    found = case.evaluation
    report = found.report
    class_figures(report)
    one, two = roomy_columns(2, "class", gap="large")
    target = one.selectbox(
        "Class", range(len(report.classes)), format_func=lambda place: report.classes[place], key="judged-class"
    )
    threshold = (
        two.slider(
            "Named so from this probability on",
            0,
            100,
            50,
            format="%d %%",
            key="judged-threshold",
            help=term("threshold"),
        )
        / 100
    )
    _curves(found, target, threshold)
    _quadrants(case, found, target, threshold)


def _curves(found: Evaluation, target: int, threshold: float) -> None:
    name = found.classes[target]
    there = int(found.report.confusion.sum(1)[target])
    if not 0 < there < len(found.truth):
        st.caption("Curves need held-out pictures of this class and of others.")
        return
    receiver, precision = found.roc(target), found.precision_recall(target)
    left, right = roomy_columns(2, "details-curves", gap="large")
    with left:
        st.markdown(f"**ROC** · area {receiver.area:.2f}, where 0.5 is chance", help=term("ROC"))
        st.plotly_chart(_marked(evaluation_charts.roc(receiver, name), receiver, threshold), config=charts.PLAIN)
    with right:
        st.markdown(f"**Precision and recall** · average precision {precision.area:.2f}")
        figure = precision_recall(precision, name, there / len(found.truth))
        st.plotly_chart(_marked(figure, precision, threshold), config=charts.PLAIN)


def _marked(figure: go.Figure, curve: Curve, threshold: float) -> go.Figure:
    """The curve with its point at the threshold."""
    place = np.flatnonzero(curve.thresholds >= threshold)[-1]
    marker = {"size": 12, "color": charts.ORANGE, "line": {"width": 2, "color": "white"}}
    return figure.add_scatter(
        x=[100 * curve.x[place]], y=[100 * curve.y[place]], mode="markers", marker=marker, hoverinfo="skip"
    )


def _quadrants(case: Case, found: Evaluation, target: int, threshold: float) -> None:
    four = found.quadrants(target, threshold)
    name = plain(found.classes[target])
    kinds = (
        ("true-positives", "True positives", f"“{name}”, and named so", four.true_positives),
        ("false-positives", "False positives", f"not “{name}”, but named so", four.false_positives),
        ("false-negatives", "False negatives", f"“{name}”, but missed", four.false_negatives),
        ("true-negatives", "True negatives", f"not “{name}”, and not named so", four.true_negatives),
    )
    for row in (kinds[:2], kinds[2:]):
        for column, (key, title, about, places) in zip(
            roomy_columns(2, f"details-{row[0][0]}", gap="large"), row, strict=True
        ):
            with column, st.container(border=True):
                st.markdown(f"**{title}** · {len(places):,}  \n:small[:gray[{about}]]")
                if len(places):
                    words = [f"{percent(found.probabilities[place, target])}" for place in places]
                    pictures = [case.held_out[place] for place in places]
                    gallery(case.project, pictures, words, f"{key}-{target}", FEW)


# How sure -------------------------------------------------------------------------------------------------------------


def how_sure(case: Case) -> None:
    """How far the probabilities can be believed, and what the temperature made of them."""
    found = case.evaluation
    temperature = case.head.temperature
    st.markdown(
        f"**Of what it is 80% sure of, about 80% should be right.** {_sureness(found.reliability)}",
        help=term("calibration"),
    )
    if temperature == 1:
        st.plotly_chart(evaluation_charts.reliability(found.reliability), config=charts.PLAIN, key="reliability")
        st.caption(
            f"No temperature was fitted: of fewer than {TEMPERATURE_FROM} held-out pictures, it would say more about "
            "chance."
            if case.limit_set_on < TEMPERATURE_FROM
            else "No temperature is applied: on held-out pictures none did better."
        )
        return
    before = reliability(tempered(found.probabilities, 1 / temperature), found.truth, BINS)
    left, right = roomy_columns(2, "details-sure", gap="large")
    for column, title, each, key in (
        (left, "As it was trained", before, "before"),
        (right, f"At its temperature, {temperature:.2f}", found.reliability, "after"),
    ):
        with column:
            st.markdown(f"**{title}** · off by {each.expected_error:.0%} on average")
            st.plotly_chart(evaluation_charts.reliability(each), config=charts.PLAIN, key=f"reliability-{key}")
    surer = "less sure" if temperature > 1 else "surer"
    st.caption(
        f"The logits are divided by the temperature, which makes this head {surer} and leaves its answers as they "
        "are. It was fitted on these very pictures (Guo et al. 2017), so on others it may be off by more. Bars "
        "are paler where they stand for fewer pictures.",
        help=term("logit"),
    )


def _sureness(found: Reliability) -> str:
    full = found.count > 0
    sure = float((found.confidence[full] * found.count[full]).sum() / found.count.sum())
    right = float((found.accuracy[full] * found.count[full]).sum() / found.count.sum())
    return f"On average this head is {percent(sure)} sure, and {percent(right)} are right."
