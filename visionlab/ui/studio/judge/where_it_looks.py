"""Does the head look at the subject, or at the background?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg, fit
from visionlab.imaging.render import overlay
from visionlab.network.explain import explain
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.terms import term
from visionlab.ui.studio.judge.case import Case, awaited, counted
from visionlab.ui.studio.judge.gallery import tiles
from visionlab.wording import percent

EXPLAINED, THUMBNAIL = 480, 224  # pixels that a picture is explained at, and kept at
MOST = 12  # right ones, and as many wrong ones, that are explained


@dataclass(frozen=True)
class Look:
    """Where a held-out picture, of that place, has what the head said of it: Grad-CAM over it, a JPEG file; and whether
    that marks nothing."""

    place: int
    overlay: bytes
    empty: bool


def show(case: Case) -> None:
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
    net, engine = case.net, cached.engine_of(case.net)

    def work(job: jobs.Job) -> Iterator[Look]:
        for done, place in enumerate(chosen, 1):
            image = case.project.load(case.held_out[place])
            shown = fit(image, EXPLAINED)
            heat = engine.run(explain, image, target=int(found.predicted[place]), shape=shown.shape[:2])
            laid = overlay(shown, heat.values, 0.7)
            top, left, height, width = map(int, net.transform.box(laid.shape[:2]))  # what it sees: all are squares
            laid = laid[top : top + height, left : left + width].copy()
            yield Look(place, encode_jpeg(fit(laid, THUMBNAIL), 85), heat.empty)
            job.report(done / len(chosen))

    def grid(job: jobs.Job) -> None:
        looks = {each.place: each for each in job.events}
        for title, part in parts.items():
            places = [place for place in part[:MOST].tolist() if place in looks]
            if places:
                more = f", {len(places)} of them shown" if len(part) > len(places) else ""
                st.markdown(f"**{title}** · {counted(len(part))}{more}")
                words = [
                    f"{classes[found.predicted[p]]}, {percent(found.probabilities[p].max())}"
                    + " (nothing is marked)" * looks[p].empty
                    for p in places
                ]
                tiles([looks[p].overlay for p in places], words, [case.held_out[p].name for p in places])

    job = awaited(f"looks {case.key} {target}", work, "Looking for the reasons …", grid)
    if job:
        grid(job)
        st.caption(
            "Grad-CAM for what the head said (Selvaraju et al. 2017): bright is what counted. Where it is the "
            "background that counts, pictures of the subject elsewhere will help.",
            help=term("Grad-CAM"),
        )
