"""Whole sets at once: a folder or a zip of folders, or a ready-made one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.sets.archive import MAX_PICTURES
from visionlab.learning.sets.ready_made import READY_MADE
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.visitor import may_name_files, named
from visionlab.ui.shared.widgets import upload_limit
from visionlab.ui.studio.pictures import intake
from visionlab.ui.studio.uploads import uploader
from visionlab.wording import sized

Place = Callable[[str], intake.Into]  # takes the set: a project that is there, or one that is made under that name


def folders(place: Place, disabled: bool = False) -> None:
    """Uploaders for a folder and for a zip."""
    st.caption("One folder a class: cats/1.jpg, cats/2.jpg, dogs/1.jpg … A zip that you saved here works, too.")
    most = sized(upload_limit() * 10**6)  # Streamlit's MB are a little larger
    here = may_name_files()
    more = "name where it lies on this computer" if here else "bring it in several parts"
    uploader(
        "A folder",
        "folder",
        lambda files: intake.take_folder(place(PurePosixPath(files[0].name).parts[0]), files),
        type=None,  # what is no picture is told by its name, and pictures without an ending come in
        accept_multiple_files="directory",
        max_upload_size=MAX_BYTES >> 20,
        disabled=disabled,
        help=f"At most {MAX_PICTURES:,} pictures. All of them are in the server’s memory until the last one is there: "
        f"where they take more than {most} together, {more}.",
    )
    uploader(
        "A zip",
        "zip",
        lambda files: intake.take_zip(place(PurePosixPath(files[0].name).stem), files[0]),
        type=["zip"],
        disabled=disabled,
        help=f"At most {most}, since it passes through the server’s memory: where it is larger, {more}.",
    )
    if here:
        with st.form("named-set", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Or where it lies on this computer", placeholder="/home/me/pictures", key="named-path")
            act = partial(attempt, _take_path, place)
            st.form_submit_button("Bring it in", on_click=act, disabled=disabled)


def _take_path(place: Place) -> None:
    intake.forget_failed()
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
        on_click=attempt,
        args=(lambda: intake.take_ready_made(place(READY_MADE[name].title), name),),
    )
