"""The class that is looked at: its name, and what one may do with it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo
from visionlab.ui.shared.store import attempt
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.projects import LONGEST_NAME


def bar(project: Project, classes: Sequence[ClassInfo], chosen: ClassInfo) -> None:
    """Its name and count, and a menu."""
    with st.container(horizontal=True, vertical_alignment="center"):
        off = "" if chosen.enabled else " :gray[· not learned from]"
        st.markdown(f"#### {plain(chosen.name)} :gray[· {chosen.count:,}]{off}", width="stretch")
        with st.popover("Change the class", icon=":material/edit:", key=f"change-class-{chosen.id}"):
            _menu(project, classes, chosen)


def _menu(project: Project, classes: Sequence[ClassInfo], chosen: ClassInfo) -> None:
    name, target, on = (f"{what}-class-{chosen.id}" for what in ("name", "merge", "enable"))
    with st.form(f"rename-class-{chosen.id}", border=False):
        st.text_input("Name", chosen.name, max_chars=LONGEST_NAME, key=f"{name}-{chosen.name}")
        st.form_submit_button(
            "Rename",
            width="stretch",
            on_click=lambda: attempt(project.rename_class, chosen.id, st.session_state[f"{name}-{chosen.name}"]),
        )
    others = {each.id: each.name for each in classes if each.id != chosen.id}
    if others:
        st.selectbox(
            "Merge into", others, None, format_func=others.get, key=target, placeholder="Choose a class",
            on_change=lambda: attempt(project.merge_classes, chosen.id, st.session_state[target]),
        )  # fmt: skip
    st.session_state[on] = chosen.enabled  # as it is now, whoever changed it
    st.toggle(
        "Learn from this class",
        key=on,
        on_change=lambda: attempt(project.enable_class, chosen.id, st.session_state[on]),
    )
    st.button(
        "Remove the class with its pictures",
        icon=":material/delete:",
        key=f"remove-class-{chosen.id}",
        on_click=attempt,
        args=(project.remove_class, chosen.id),
    )
    st.caption("Each of these can be undone.")
