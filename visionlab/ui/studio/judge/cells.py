"""Figures a class, the confusion matrix, each cell of which opens its pictures, and the worst mistakes: of whatever was
evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from visionlab.learning.judging.evaluation import Evaluation
from visionlab.learning.judging.metrics import Report
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.judge import charts
from visionlab.ui.studio.judge.case import counted
from visionlab.wording import percent

SIDE_BY_SIDE = 8  # classes of a confusion matrix that leaves room beside it

Pictures = Callable[[Sequence[int], str], None]
"""pictures(places, key) shows the pictures of these places in an Evaluation, with what was said of them."""


def class_figures(report: Report) -> None:
    """Precision, recall and F1 of each class, and how many pictures of it there are."""
    st.dataframe(
        [
            {"Class": name, "Precision": precision, "Recall": recall, "F1": f1, "Pictures": count}
            for name, precision, recall, f1, count in zip(
                report.classes, report.precision, report.recall, report.f1, report.confusion.sum(1), strict=True
            )
        ],
        hide_index=True,
        column_config={
            name: st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1, help=about)
            for name, about in {
                "Precision": term("precision"),
                "Recall": term("recall"),
                "F1": term("F1"),
            }.items()
        },
    )


def cells(found: Evaluation, pictures: Pictures, key: str) -> None:
    """The matrix, and the pictures of the cell that was clicked, or of the largest confusion."""
    beside = len(found.classes) <= SIDE_BY_SIDE
    matrix, opened = roomy_columns([1, 1.15], f"details-{key}", gap="large") if beside else (st.container(),) * 2
    with matrix:
        st.markdown("**What it takes for what**", help=term("confusion matrix"))
        chosen = st.plotly_chart(
            charts.confusion(found.report),
            config=charts.CLICKED,
            key=key,
            on_select="rerun",
            selection_mode="points",
        )
        clicked = charts.clicked(chosen.selection.points, found.report)
        if clicked is None:
            st.caption("Rows are what the pictures are, columns what the head said. Click a cell for its pictures.")
    with opened:
        _cell(found, pictures, clicked or _largest_confusion(found), key)


def worst_mistakes(found: Evaluation, pictures: Pictures) -> None:
    """The wrong answers, that of the largest loss first."""
    wrong = [place for place in found.worst() if found.predicted[place] != found.truth[place]]
    if wrong:
        st.markdown("**The worst mistakes first**")
        st.caption("What each was taken for, and how sure of that the head was. Is it the head that is wrong?")
        pictures(wrong, "worst")


def said(found: Evaluation, places: Sequence[int]) -> list[str]:
    """What was said of the pictures of these places, and how sure that was: “cats, 93%”."""
    named = found.predicted
    return [f"{found.classes[named[place]]}, {percent(found.probabilities[place, named[place]])}" for place in places]


def _largest_confusion(found: Evaluation) -> tuple[int, int]:
    wrong = found.report.confusion.copy()
    np.fill_diagonal(wrong, 0)
    counts = wrong if wrong.any() else found.report.confusion
    row, column = np.unravel_index(counts.argmax(), counts.shape)
    return int(row), int(column)


def _cell(found: Evaluation, pictures: Pictures, cell: tuple[int, int], key: str) -> None:
    row, column = cell
    is_, named = (plain(found.classes[place]) for place in cell)
    places = found.cell(row, column).tolist()
    how = f"“{is_}”, and it said so" if row == column else f"“{is_}”, taken for “{named}”"
    st.markdown(f"**{counted(len(places))} of {how}**")
    if places:
        pictures(places, f"{key}-{row}-{column}")
    else:
        st.caption("There is none, so there is nothing to see.")
