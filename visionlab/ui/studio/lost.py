"""What did not come into a project: lost when the server was killed, or left out of what came."""

from __future__ import annotations

import streamlit as st

from visionlab.learning.projects import left_out
from visionlab.learning.projects.project import Project
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_button
from visionlab.ui.studio.pictures.intake import coming
from visionlab.ui.studio.uploads import listed


def show(project: Project) -> None:
    """Both, on every step and in every session, until the person has read them."""
    _lost(project)
    _left_out(project)


def _left_out(project: Project) -> None:
    found = left_out.notes(project.folder, {each.id for each in project.snapshot()[1]})
    if not found:
        return
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="top", key="left-out"):
        with st.container(gap="xsmall", width="stretch"):
            for text in dict.fromkeys(text for each in found for text in each.told):
                st.text(text)
            listed([text for each in found for text in each.problems], "was left out", "were left out")
        icon_button("left-out-seen", "close", "I have read it", attempt, left_out.forget, found)


def _lost(project: Project) -> None:
    """A sentence for each; none while something comes in, which may be what was lost: a browser that finds
    the server again brings its files once more."""
    told = project.lost()
    if not told or not all(job.over for job in coming(project)):
        return
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center", key="lost"):
        st.markdown(":orange[:material/warning:]", width="content")
        st.text("\n".join(told), width="stretch")
        icon_button("lost-seen", "close", "I have read it", attempt, project.forget_lost)
