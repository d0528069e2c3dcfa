"""Would more pictures help, and does the head look at the subject or at the background?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg, fit
from visionlab.imaging.render import overlay
from visionlab.learning.judging.learning_curve import CurvePoint, in_words, learning_curve
from visionlab.network.explain import explain
from visionlab.ui.shared import charts, jobs
from visionlab.ui.shared.terms import term
from visionlab.ui.studio.judge import charts as evaluation_charts
from visionlab.ui.studio.judge.case import Case, awaited, counted
from visionlab.ui.studio.judge.gallery import tiles

SHARES = (0.25, 0.5, 0.75, 1.0)
EXPLAINED, THUMBNAIL = 480, 224  # pixels that a picture is explained at, and kept at
MOST = 12  # right ones, and as many wrong ones, that are explained


def more_pictures(case: Case) -> None:
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


@dataclass(frozen=True)
class Look:
    """Where a held-out picture, of that place, has what the head said of it: Grad-CAM over it, a JPEG file."""

    place: int
    overlay: bytes


def where_it_looks(case: Case) -> None:
    """Grad-CAM over held-out pictures of a class, for what the head said of them."""
    found, classes = case.evaluation, case.head.classes
    st.markdown("**Does it look at the subject, or at the background?**")
    target = st.selectbox("Class", range(len(classes)), format_func=lambda place: classes[place], key="looked-class")
    of = np.flatnonzero(found.truth == target)
    right = found.predicted[of] == target
    parts = {"Right": of[right], "Wrong": of[~right]}
    chosen = [int(place) for part in parts.values() for place in part[:MOST]]
    if not chosen:
        st.caption("There is no held-out picture of this class.")
        return
    net = case.net

    def work(job: jobs.Job) -> Iterator[Look]:
        for done, place in enumerate(chosen, 1):
            image = case.project.load(case.held_out[place])
            shown = fit(image, EXPLAINED)
            heat = explain(net, image, target=int(found.predicted[place]), shape=shown.shape[:2])
            laid = overlay(shown, heat.values, 0.7)
            top, left, height, width = map(int, net.transform.box(laid.shape[:2]))  # what it sees: all are squares
            laid = laid[top : top + height, left : left + width].copy()
            yield Look(place, encode_jpeg(fit(laid, THUMBNAIL), 85))
            job.report(done / len(chosen))

    def grid(job: jobs.Job) -> None:
        looks = {each.place: each.overlay for each in job.events}
        for title, part in parts.items():
            places = [place for place in part[:MOST].tolist() if place in looks]
            if places:
                more = f", {len(places)} of them shown" if len(part) > len(places) else ""
                st.markdown(f"**{title}** · {counted(len(part))}{more}")
                words = [f"{classes[found.predicted[p]]}, {found.probabilities[p].max():.0%}" for p in places]
                tiles([looks[p] for p in places], words, [case.held_out[p].name for p in places])

    job = awaited(f"looks {case.key} {target}", work, "Looking for the reasons …", grid)
    if job:
        grid(job)
        st.caption(
            "Grad-CAM for what the head said (Selvaraju et al. 2017): bright is what counted. Where it is the "
            "background that counts, pictures of the subject elsewhere will help.",
            help=term("Grad-CAM"),
        )
