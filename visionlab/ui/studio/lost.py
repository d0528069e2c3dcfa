"""What was coming into a project when the server was killed."""

from __future__ import annotations

import streamlit as st

from visionlab.learning.projects.project import Project
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_button
from visionlab.ui.studio.pictures.intake import coming


def show(project: Project) -> None:
    """A sentence for each, until the person has read them; none while something comes in, which may be what was lost:
    a browser that finds the server again brings its files once more."""
    told = project.lost()
    if not told or not all(job.over for job in coming(project)):
        return
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center", key="lost"):
        st.markdown(":orange[:material/warning:]", width="content")
        st.text("\n".join(told), width="stretch")
        icon_button("lost-seen", "close", "I have read it", attempt, project.forget_lost)
