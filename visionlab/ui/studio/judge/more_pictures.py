"""Would more pictures help?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import streamlit as st

from visionlab.learning.judging.learning_curve import CurvePoint, in_words, learning_curve
from visionlab.ui.shared import charts, jobs
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case, awaited

SHARES = (0.25, 0.5, 0.75, 1.0)


def show(case: Case) -> None:
    """The learning curve, point by point, and what it says."""
    st.markdown("**Would more pictures help?**")

    def work(job: jobs.Job) -> Iterator[CurvePoint]:
        learned = case.features(case.learned, lambda share: job.report(share / 5))
        held_out = case.features(case.held_out, lambda share: job.report((1 + share) / 5))
        groups = np.array([each.group for each in case.learned])
        points = learning_curve(learned, case.labels, groups, held_out, case.truth, shares=SHARES)
        for done, point in enumerate(points, 1):
            yield point
            job.report(0.4 + 0.6 * done / len(SHARES))

    def curve(job: jobs.Job) -> None:
        if job.events:
            st.plotly_chart(evaluation_charts.learning(list(job.events)), config=charts.PLAIN, key="learning-curve")

    job = awaited(f"curve {case.key}", work, "Learning from a quarter, a half, three quarters, all …", curve)
    if job is None:
        return
    st.markdown(in_words(job.events))
    curve(job)
    st.caption(
        "Linear heads, trained on a part of the training pictures and checked on the same held-out ones. The band "
        "reaches from the worst of five draws to the best."
    )
