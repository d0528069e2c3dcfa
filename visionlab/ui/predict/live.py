"""The live camera: what the network takes each frame for, and where it looks, while one moves things before it."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from visionlab.imaging.image import encode_jpeg, fit, load_image
from visionlab.network.explain.cam import cams, grad_cam, last_in_place
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import predict, ranked
from visionlab.ui.predict.answers import target_key
from visionlab.ui.shared import cached, picture_bar, state
from visionlab.ui.shared.components.bars import bars
from visionlab.ui.shared.components.camera import Answer, Frame, camera, latest_frame
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import keep_out_of_collections, roomy_columns, told
from visionlab.ui.shared.widgets import shown_width

TOP = 5
CAMERA = "live-camera"
PHOTOGRAPH = "photograph"  # between the run that it came in and the page's own
TAKEN = "photographed"  # the key of the picture that was taken last
MODE, ONE_PICTURE = "mode", "A picture"  # the page's widget that says what is looked at, and what shows reasons
WIDEST, TALLEST = 640, 320  # pixels of the photograph that is shown, and on the screen


def show(network: Network) -> bytes | None:
    """The camera, and what the network says to it; a photograph, a JPEG file, in the one run after it was taken."""
    _answered_camera(network, time.monotonic_ns())
    return st.session_state.pop(PHOTOGRAPH, None)


def show_photograph(network: Network, still: bytes | None) -> None:
    """A photograph becomes the picture of all pages, and is shown as long as it is that: what the network says of it,
    and the way to the reasons.
    """
    if still:
        before = state.uploaded()
        picture_bar.take([("photograph", still)])
        if state.uploaded() is not before:
            st.session_state[TAKEN] = state.uploaded().key
    picture = state.uploaded()
    if picture is None or st.session_state.get(TAKEN) != picture.key:
        return

    def reasons(index: int) -> None:
        st.session_state[target_key(network, picture)] = index
        st.session_state[MODE] = ONE_PICTURE

    left, right = roomy_columns(2, "photograph", gap="large")
    shown = encode_jpeg(fit(picture.image, WIDEST), 92)
    left.image(shown, width=shown_width(picture.image, TALLEST), alt="Your photograph")
    left.caption("Your photograph: it is the picture of all pages now.")
    with right:
        found = cached.top_predictions(network.key, picture.key, network.net, picture.image, TOP)
        bars(found, chosen=found[0].index, key=f"bars-photograph-{network.key}-{picture.key}", on_choose=reasons)
        st.button("See the reasons", icon=":material/search:", on_click=reasons, args=(found[0].index,))


@st.fragment
def _answered_camera(network: Network, run: int) -> None:
    """Runs again by itself with each frame, of the same run of the page; only the answer on the page is kept of one."""
    keep_out_of_collections()
    net, frame, answer = network.net, latest_frame(CAMERA), None
    with st.container(), told():  # a place of its own, so that the camera stays in its own
        answer = frame and answer_to(frame, net)
    transform = net.transform
    seen = transform.crop / transform.resize
    photograph = camera(key=CAMERA, run=run, answer=answer, side=transform.resize, seen=seen)
    if photograph:
        st.session_state[PHOTOGRAPH] = photograph
        st.rerun()


def answer_to(frame: Frame, net: Classifier) -> Answer:
    """The network's best classes for a frame and, where it asks for reasons, Grad-CAM for the first of them.

    Raises ImageError where the frame is no usable picture.
    """
    image = load_image(frame.jpeg)
    if not frame.why:
        return Answer(frame.number, *predict(net, [image], TOP))
    last = last_in_place(net)
    found = cams(grad_cam, net, net.transform([image], net.device), None, [last])  # once through the network for both
    predictions = ranked(net, net.softmax(found.logits)[0].cpu().numpy(), TOP)
    values = found.maps[last]  # (h, w) ≥ 0
    levels = np.rint(255 * values / max(values.max(), np.finfo(np.float32).tiny)).astype(np.uint8)
    return Answer(frame.number, predictions, levels)
