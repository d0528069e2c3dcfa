"""The live camera of the Predict page, and what becomes of a photograph that was taken with it."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.predict.answers import target_key
from visionlab.ui.shared import cached, live, picture_bar, state
from visionlab.ui.shared.components.bars import bars
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.widgets import show as show_picture
from visionlab.ui.shared.widgets import shown_width, verdict

CAMERA = "live-camera"
MODE, ONE_PICTURE = "mode", "A picture"  # the page's widget that says what is looked at, and what shows reasons
WIDEST, TALLEST = 640, 320  # pixels of the photograph that is shown, and on the screen


def show(network: Network) -> bytes | None:
    """The camera, and what the network says to it; a photograph, a JPEG file, in the one run after it was taken."""
    return live.show(network.net, CAMERA)


def show_photograph(network: Network, still: bytes | None) -> None:
    """A photograph becomes the picture of all pages, and is shown as long as it is that: what the network says of it,
    and the way to the reasons.
    """
    if still:
        picture_bar.take([("photograph", still)], at=CAMERA)
    if problem := state.upload_error(CAMERA):
        sentence(problem)
    picture = picture_bar.taken_at(CAMERA)
    if picture is None:
        return

    def reasons(index: int) -> None:
        st.session_state[target_key(network, picture)] = index
        st.session_state[MODE] = ONE_PICTURE

    left, right = roomy_columns(2, "photograph", gap="large")
    with left:
        show_picture(picture, WIDEST, "Your photograph", shown_width(picture.image, TALLEST))
        st.caption("Your photograph: it is the picture of all pages now.")
    with right:
        said = cached.answer(network.key, picture.key, network.net, picture.image)
        found = said.top(live.TOP)
        if said.limit is not None:
            verdict(said)
        key = f"bars-photograph-{network.key}-{picture.key}"
        bars(found, chosen=found[0].index, key=key, on_choose=reasons, refused=said.refused)
        st.button("See the reasons", icon=":material/search:", on_click=reasons, args=(found[0].index,))
