"""Trying a head where it was trained: before the camera, and on a picture."""

from __future__ import annotations

import streamlit as st

from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import RunInfo
from visionlab.ui.shared import cached, live, picture_bar, state
from visionlab.ui.shared.components.camera import Fresh
from visionlab.ui.shared.networks import own_head
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import plain, probability_bars, shown_width
from visionlab.ui.shared.widgets import show as show_picture
from visionlab.ui.studio import runs
from visionlab.ui.studio.classes import training
from visionlab.ui.studio.pictures.intake import RECORDED
from visionlab.ui.studio.uploads import uploader

CAMERA, UPLOADER = "try-camera", "try-picture"  # a photograph counts as dropped, too
WIDEST, TALLEST = 640, 160  # pixels of it that are shown, and on the screen


def show(project: Project, run: RunInfo) -> None:
    """The live camera and a picture, with bars of all classes and of none of them."""
    head = runs.keep(project, run)
    net, key = runs.net_of(head), own_head.key_of(head)
    with st.container(border=True, gap="small", key="card-try"):
        way = plain(f"{runs.kind_title(run)} on {runs.network_title(run)}")
        st.markdown(f"**Try it** :gray[:small[{way}]]", help=term("none of these"))
        if head.refusal is None:
            st.caption("It always names a class: to say “none of these” takes ten held-out pictures, so add some.")
        at = f"{UPLOADER}-{project.id}"
        fresh = None
        if training.just_trained(run):
            fresh = Fresh(run.id, start=project.id in st.session_state.get(RECORDED, ()))
        photograph = live.show(net, CAMERA, own=True, fresh=fresh)
        if photograph:
            picture_bar.take([("photograph", photograph)], at=at)
        uploader(
            "A picture to try it on",
            UPLOADER,
            lambda files: picture_bar.take([(file.name, file.getvalue()) for file in files], at=at),
            type=None,
            max_upload_size=MAX_BYTES >> 20,
            label_visibility="collapsed",
        )
        with st.container():
            if problem := state.upload_error(at):
                sentence(problem)
            picture = picture_bar.taken_at(at)
            if picture is None:
                st.caption("Or drop a picture here.")
                return
            said = cached.answer(key, picture.key, net, picture.image)
            st.text(picture.name)  # the one before, where the last could not be read
            alt = f"The picture: {picture.name}"
            probability_bars(live.bars_of(said), said.strange)
            if said.refused:
                st.caption("It is unlike all that your head has learned from.")
            show_picture(picture, WIDEST, alt, shown_width(picture.image, TALLEST))
