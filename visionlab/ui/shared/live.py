"""The live camera: what a network takes each frame for, and where it looks, while one moves things before it."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from visionlab.garbage import leave_out_imports
from visionlab.imaging.image import load_image
from visionlab.network.explain.cam import answer_and_map
from visionlab.network.running import prediction
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.camera import Answer, Frame, Fresh, camera, latest_frame
from visionlab.ui.shared.page import told

TOP = 5
ALL = 10  # classes of one's own that are all shown, each in its place


def show(net: Classifier, key: str, *, own: bool = False, fresh: Fresh | None = None) -> bytes | None:
    """The camera, and what the network says to it; a photograph, a JPEG file, in the one run after it was taken.

    own: its classes are one's own, and are shown as `bars_of` has them.
    """
    _answered_camera(net, key, own, time.monotonic_ns(), fresh)
    return st.session_state.pop(_photograph(key), None)


def _photograph(key: str) -> str:
    return f"{key}-photograph"  # between the run that it came in and the page's own


@st.fragment
def _answered_camera(net: Classifier, key: str, own: bool, run: int, fresh: Fresh | None) -> None:
    """Runs again by itself with each frame, of the same run of the page; only the answer on the page is kept of one."""
    leave_out_imports()
    frame, answer = latest_frame(key), None
    with st.container(), told():  # a place of its own, so that the camera stays in its own
        answer = frame and answer_to(frame, net, own)
    transform = net.transform
    seen = transform.crop / transform.resize
    photograph = camera(key=key, run=run, answer=answer, side=transform.resize, seen=seen, fresh=fresh)
    if photograph:
        st.session_state[_photograph(key)] = photograph
        st.rerun()


def answer_to(frame: Frame, net: Classifier, own: bool = False) -> Answer:
    """The network's classes for a frame and, where it asks for reasons, Grad-CAM for the first of them.

    Raises ImageError where the frame is no usable picture.
    """
    image = load_image(frame.jpeg)
    heat, strange = None, None
    engine = cached.engine_of(net)
    if not frame.why or net.refusal:
        said = engine.answer(image)
        strange = said.strange
    if frame.why:
        probabilities, values = engine.run(answer_and_map, image)
        said = prediction.Answer(net.labels, probabilities)
        heat = np.rint(255 * values / max(values.max(), np.finfo(np.float32).tiny)).astype(np.uint8)
    return Answer(frame.number, bars_of(said) if own else said.top(TOP), heat, strange)


def bars_of(said: prediction.Answer) -> list[Prediction]:
    """Classes of one's own: all of them, where they are few, in their order, so that each bar stays in its place."""
    if len(said.labels) > ALL:
        return said.top(TOP)
    return sorted(said.top(ALL), key=lambda each: each.index)
