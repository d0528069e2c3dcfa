"""Would more pictures help?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import streamlit as st

from visionlab.learning.judging.learning_curve import SHARES, CurvePoint, in_words, learning_curve, outlook
from visionlab.ui.shared import charts, jobs
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case, awaited, different, too_alike


def show(case: Case) -> None:
    """The learning curve, point by point, and what it says."""
    st.markdown("**Would more pictures help?**")
    pictures = (*case.held_out, *case.learned)
    labels = np.concatenate([case.truth, case.labels])
    counts = different(labels.tolist(), pictures)
    if len(counts) > 1 and min(counts) < 2:
        too_alike("a learning curve")
        return

    def work(job: jobs.Job) -> Iterator[CurvePoint]:
        features = case.features(pictures, lambda share: job.report(0.4 * share))
        groups = np.array([each.group for each in pictures])
        points = learning_curve(features, labels, groups)
        for done, point in enumerate(points, 1):
            yield point
            job.report(0.4 + 0.6 * done / len(SHARES))

    def curve(job: jobs.Job) -> None:
        if job.events:
            st.plotly_chart(evaluation_charts.learning(list(job.events)), config=charts.PLAIN, key="learning-curve")

    job = awaited(f"curve {case.key}", work, "Learning from a part, from more, from all …", curve)
    if job is None:
        return
    st.markdown(in_words(outlook(job.events)))
    curve(job)
    st.caption(
        "Linear heads, each learned from a part of the pictures and asked about others (cross-validation, in which "
        "every picture is asked about). The band reaches from the worst of three rounds to the best; the interval "
        "comes from drawing the pictures anew."
    )
