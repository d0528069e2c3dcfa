"""The step “Take away”: try the head, pack it with all that it needs elsewhere, and open again what was packed."""

from __future__ import annotations

import streamlit as st

from visionlab.learning.heads.head import Head
from visionlab.learning.projects.project import Project
from visionlab.ui.shared import cached
from visionlab.ui.shared.page import roomy_columns, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import probability_bars, shown_width
from visionlab.ui.studio import runs
from visionlab.ui.studio.judge.case import case_of
from visionlab.ui.studio.judge.refusal import verdict
from visionlab.ui.studio.takeaway import opening, packing

TOP = 5


def show(project: Project) -> None:
    """The whole step."""
    if run := runs.picked(project):
        with told():
            st.subheader("Try it", anchor=False)
            _try(runs.head_of(run))
            st.subheader("Take it away", anchor=False)
            packing.show(case_of(project, run))
    st.subheader("Open one again", anchor=False)
    opening.show()


def _try(head: Head) -> None:
    picture = image_picker(st.container())
    net, key = runs.net_of(head), runs.key_of(head)
    one, two = roomy_columns(2, "answers", gap="large")
    answers = cached.top_predictions(key, picture.key, net, picture.image, TOP)
    with one:
        probability_bars(answers)
        verdict(head, picture)
    with two:
        heat = cached.reasons(key, picture.key, answers[0].index, net, picture.image)
        st.image(heat, width=shown_width(picture.image, 420), alt="Where your head finds its reasons")
        st.caption("Grad-CAM: does it look at the subject, or at the background?", help=term("Grad-CAM"))
