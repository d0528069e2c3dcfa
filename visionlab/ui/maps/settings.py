"""What the Feature maps page opens: which network, at which size of the picture, and beside which other picture."""

from __future__ import annotations

import streamlit as st

from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_OPEN
from visionlab.ui.maps import state
from visionlab.ui.maps.look import Look
from visionlab.ui.shared.networks import model_picker, not_here
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.picture_bar import second_picture
from visionlab.ui.shared.state import Picture

SIDES = (128, 224, 320)  # pixels, beside the network's own


def settings(picture: Picture) -> list[Look]:
    """The picture, and another one where it is compared: folded away, with the network's name to unfold them by."""
    with st.container(horizontal=True, vertical_alignment="center"):
        told_of = st.container(width="content")
        with st.popover("Change or compare", icon=":material/tune:"):
            chosen = model_picker(TO_OPEN)
            side, problem = _side(chosen.net)
            other = second_picture(picture)
        own = chosen.net.transform.crop
        size = f"{own} px" if side == own else f"{side} px, from the average pool on as it predicts, at {own} px"
        told_of.markdown(f"**{chosen.title}** :gray[at {size}{' · two pictures' if other else ''}]")
    for text in filter(None, (not_here(), problem)):
        sentence(text)
    return [Look(chosen, each, side) for each in (picture, other) if each]


def _side(net: Classifier) -> tuple[int, str | None]:
    own = net.transform.crop
    options, key = sorted({own, *SIDES}), f"side-{own}"
    problem = state.restore_side(key, options, own)
    side = st.select_slider(
        "Size of the picture for its maps (px)",
        options,
        key=key,
        help=f"The network predicts at {own} px. A larger picture has larger maps; the layers without places, from the "
        "average pool on, stay those of the prediction.",
    )
    state.remember_side(side, own)
    return side, problem
