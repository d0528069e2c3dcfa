"""The step “Take away”: pack the head with all that it needs elsewhere, and open again what was packed."""

from __future__ import annotations

import streamlit as st

from visionlab.learning.projects.project import Project
from visionlab.ui.shared.page import told
from visionlab.ui.studio import runs
from visionlab.ui.studio.judge.case import case_of
from visionlab.ui.studio.takeaway import opening, packing


def show(project: Project) -> None:
    """The whole step."""
    if run := runs.picked(project):
        with told():
            st.subheader("Take it away", anchor=False)
            packing.show(case_of(project, run))
    st.subheader("Open one again", anchor=False)
    opening.show("“A zip”, in the steps Classes and Pictures,")
