"""Trying a head where it was trained: before the camera, and on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.imaging.image import MAX_BYTES, encode_jpeg, fit
from visionlab.learning.projects.runs import RunInfo
from visionlab.ui.shared import cached, live, picture_bar, state
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import probability_bars, shown_width
from visionlab.ui.studio import runs
from visionlab.ui.studio.uploads import uploader

CAMERA = "try-camera"
TRIED = "tried"  # the key of the picture that was dropped here last
WIDEST, TALLEST = 640, 160  # pixels of it that are shown, and on the screen


def show(run: RunInfo) -> None:
    """The live camera and a picture, with bars of all classes and of none of them."""
    head = runs.head_of(run)
    state.keep_head(head, run.id)
    net, key = runs.net_of(head), runs.key_of(head)
    with st.container(border=True, gap="small", key="card-try"):
        st.markdown("**Try it**", help=term("none of these"))
        if head.refusal is None:
            st.caption("It always names a class: to say “none of these” takes ten held-out pictures, so add some.")
        photograph = live.show(net, CAMERA, own=True)
        if photograph:
            _keep([("photograph", photograph)])
        uploader(
            "A picture to try it on",
            "try-picture",
            lambda files: _take(files),
            type=None,
            max_upload_size=MAX_BYTES >> 20,
            label_visibility="collapsed",
        )
        with st.container():
            if problem := state.upload_error():
                sentence(problem)
            picture = state.uploaded()
            if picture is None or st.session_state.get(TRIED) != picture.key:
                st.caption("Or drop a picture here.")
                return
            said = cached.answer(key, picture.key, net, picture.image)
            shown = encode_jpeg(fit(picture.image, WIDEST), 92)
            st.image(shown, width=shown_width(picture.image, TALLEST), alt=f"The picture: {picture.name}")
            probability_bars(live.bars_of(said), said.strange)
            if said.refused:
                st.caption("It is unlike all that your head has learned from.")


def _take(files: Sequence[UploadedFile]) -> None:
    _keep([(file.name, file.getvalue()) for file in files])


def _keep(files: list[tuple[str, bytes]]) -> None:
    before = state.uploaded()
    picture_bar.take(files)
    if state.uploaded() is not before:
        st.session_state[TRIED] = state.uploaded().key
