"""Whole sets at once: a folder or a zip of folders, or a ready-made one; and the page before there is a project."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.sets.archive import MAX_PICTURES, PICTURE_SUFFIXES
from visionlab.learning.sets.ready_made import READY_MADE
from visionlab.ui.shared import store
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.picture_bar import PICTURE_TYPES
from visionlab.ui.shared.visitor import may_name_files, named
from visionlab.ui.shared.widgets import sized
from visionlab.ui.studio import projects
from visionlab.ui.studio.pictures import intake
from visionlab.ui.studio.takeaway import opening

Place = Callable[[str], intake.Into]  # takes the set: a project that is there, or one that is made under that name
# With those that are refused, last: better told about than passed over in silence by the browser.
FOLDER_TYPES = list(dict.fromkeys([*PICTURE_TYPES, *(suffix.removeprefix(".") for suffix in PICTURE_SUFFIXES)]))
FIRST = {"One class": "cats", "Another class": "dogs"}  # what is asked for at first: an example


def start() -> None:
    """Three ways to begin; each makes a project, which stays where something comes into it."""
    st.markdown("Twenty pictures of each kind of thing are plenty. How do you want to begin?")
    own, sets, ready = roomy_columns(3, "start")
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
    with sets.container(border=True, height="stretch"):
        st.markdown("**:material/folder_open: Bring a folder or a zip**")
        folders(projects.begun)
    with ready.container(border=True, height="stretch"):
        st.markdown("**:material/auto_awesome: Try a ready-made set**")
        ready_made(projects.begun)
    with st.expander("Open what you took away before", icon=":material/unarchive:"):
        opening.show()


def _with_first_classes() -> None:
    names = [name for label in FIRST if (name := st.session_state[label].strip())]
    project = projects.create(" and ".join(names) or "My pictures")
    for name in names:
        project.add_class(name)


def folders(place: Place, disabled: bool = False) -> None:
    """Uploaders for a folder and for a zip."""
    st.caption("One folder a class: cats/1.jpg, cats/2.jpg, dogs/1.jpg … A zip that you saved here works, too.")
    most = sized(st.get_option("server.maxUploadSize") * 10**6)  # Streamlit's MB are a little larger
    here = may_name_files()
    more = "name where it lies on this computer" if here else "bring it in several parts"
    intake.uploader(
        "A folder",
        "folder",
        lambda files: intake.take_folder(place(PurePosixPath(files[0].name).parts[0]), files),
        type=FOLDER_TYPES,
        accept_multiple_files="directory",
        max_upload_size=MAX_BYTES >> 20,
        disabled=disabled,
        help=f"At most {MAX_PICTURES:,} pictures. All of them are in the server's memory until the last one is there: "
        f"where they take more than {most} together, {more}.",
    )
    intake.uploader(
        "A zip",
        "zip",
        lambda files: intake.take_zip(place(PurePosixPath(files[0].name).stem), files[0]),
        type=["zip"],
        disabled=disabled,
        help=f"At most {most}, since it passes through the server's memory: where it is larger, {more}.",
    )
    if here:
        with st.form("named-set", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Or where it lies on this computer", placeholder="/home/me/pictures", key="named-path")
            act = partial(store.attempt, _take_path, place)
            st.form_submit_button("Bring it in", on_click=act, disabled=disabled)


def _take_path(place: Place) -> None:
    path = named(st.session_state["named-path"].strip())
    intake.take_path(place(path.stem), path)


def ready_made(place: Place, disabled: bool = False) -> None:
    """One of the sets that come with the libraries, or that are downloaded."""
    name = st.selectbox("Set", READY_MADE, format_func=lambda key: READY_MADE[key].title, key="ready-made")
    st.caption(READY_MADE[name].about)
    st.button(
        "Use this set",
        icon=":material/download:" if READY_MADE[name].online else ":material/add:",
        key="use-ready-made",
        disabled=disabled,
        on_click=store.attempt,
        args=(lambda: intake.take_ready_made(place(READY_MADE[name].title), name),),
    )
