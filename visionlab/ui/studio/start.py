"""The page Fine-tune before there is a project."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.shared import store
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.studio import projects
from visionlab.ui.studio.pictures import sets
from visionlab.ui.studio.takeaway import opening

FIRST = {"One class": "cats", "Another class": "dogs"}  # what is asked for at first: an example


def show() -> None:
    """Three ways to begin; each makes a project, which stays where something comes into it."""
    st.markdown("Twenty pictures of each kind of thing are plenty. How do you want to begin?")
    own, whole, ready = roomy_columns(3, "start")
    with own.container(border=True, height="stretch"):
        st.markdown("**:material/category: Name your classes**")
        st.caption("Kinds of things to tell apart. Add pictures of each from files, or with the camera.")
        with st.form("first-classes", border=False):
            for label, example in FIRST.items():
                st.text_input(label, placeholder=example, max_chars=projects.LONGEST_NAME, key=label)
            st.form_submit_button(
                "Start with these",
                type="primary",
                icon=":material/arrow_forward:",
                on_click=store.attempt,
                args=(_with_first_classes,),
            )
    with whole.container(border=True, height="stretch"):
        st.markdown("**:material/folder_open: Bring a folder or a zip**")
        sets.folders(projects.begun)
    with ready.container(border=True, height="stretch"):
        st.markdown("**:material/auto_awesome: Try a ready-made set**")
        sets.ready_made(projects.begun)
    with st.expander("Open what you took away before", icon=":material/unarchive:"):
        opening.show()


def _with_first_classes() -> None:
    names = [name for label in FIRST if (name := st.session_state[label].strip())]
    project = projects.create(" and ".join(names) or "My pictures")
    for name in names:
        project.add_class(name)
