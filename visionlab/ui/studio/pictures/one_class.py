"""The class that is looked at: its name, and what one may do with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from visionlab.errors import DatasetError
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo
from visionlab.ui.shared.undisturbed import attempt, follow, keep_followed
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.projects import LONGEST_NAME

PLACES = "places-of-classes"


def place_of(project_id: str, class_id: int) -> str:
    """What the widgets of a class are known by: those that it began with, where it was made by the first picture."""
    usual = re.sub("_(?=_)", "_-", f"{project_id}-{class_id}")  # “__” in its key, and no component is mounted
    return st.session_state.get(PLACES, {}).get((project_id, class_id), usual)


def keep_place(project_id: str, class_id: int, place: str) -> None:
    st.session_state.setdefault(PLACES, {})[project_id, class_id] = place


def looked_at(project: Project) -> str:
    """The key of the class whose pictures the step Pictures shows."""
    return f"class-of-{project.id}"


def names_in(text: str) -> list[str]:
    """The names in “ant, bee”. Raises DatasetError where there is none, one twice, or a longer one than can be typed
    elsewhere."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise DatasetError("A class needs a name; write one, or several with commas, like: ant, bee.")
    if long := [name for name in names if len(name) > LONGEST_NAME]:
        raise DatasetError(f"“{long[0][:20]}…” has {len(long[0]):,} characters; a name may have {LONGEST_NAME}.")
    for place, name in enumerate(names):
        if name.casefold() in map(str.casefold, names[:place]):
            raise DatasetError(f"“{name}” is there twice; write the name of each class once.")
    return names


def page_of(count: int, most: int, key: str, what: str = "") -> int:
    """Which page of so many things is looked at, from 1, with what turns pages where there are several."""
    pages = max(1, -(-count // most))
    if pages == 1:
        return 1
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = pages
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        chosen = st.pagination(pages, key=key)
        first = most * (chosen - 1)
        st.caption(f"{first + 1:,} to {min(first + most, count):,} of {count:,} {what}".strip(), width="content")
    return chosen


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
            on_click=attempt,
            args=(lambda: project.rename_class(chosen.id, st.session_state[f"{name}-{chosen.name}"]),),
        )
    others = {each.id: each.name for each in classes if each.id != chosen.id}
    if others:
        st.selectbox(
            "Merge into", others, None, format_func=others.get, key=target, placeholder="Choose a class",
            on_change=attempt,
            args=(lambda: project.merge_classes(chosen.id, st.session_state[target]),),
        )  # fmt: skip
    follow(on, lambda: next((each.enabled for each in project.classes() if each.id == chosen.id), chosen.enabled))
    st.toggle(
        "Learn from this class",
        key=on,
        on_change=keep_followed,
        args=(on, lambda wanted: project.enable_class(chosen.id, wanted)),
    )
    st.button(
        "Remove the class with its pictures",
        icon=":material/delete:",
        key=f"remove-class-{chosen.id}",
        on_click=attempt,
        args=(project.remove_class, chosen.id),
    )
    st.caption("Each of these can be undone.")
