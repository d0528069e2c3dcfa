"""What the Feature maps page opens: which network, at which picture size, beside which other picture or network."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_OPEN
from visionlab.ui.maps import state
from visionlab.ui.maps.live import LIVE, live_side
from visionlab.ui.maps.look import Look
from visionlab.ui.shared.networks import (
    Network,
    model_picker,
    network,
    networks_here,
    tell_not_here,
    title_of,
    told_missing,
)
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.picture_bar import second_picture
from visionlab.ui.shared.state import Picture, no_second

SIDES = (128, 224, 320)  # pixels, beside the network's own


def settings(picture: Picture) -> list[Look]:
    """The picture in the network; after it another picture, or it in another network, where they are compared. Folded
    away, with the network's name to unfold them by."""
    unknown = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        told_of = st.container(width="content")
        with st.popover("Change or compare", icon=":material/tune:"):
            chosen = model_picker(TO_OPEN)
            side, problem = _side(chosen.net)
            other = second_picture(picture, on_change=state.no_network_beside, place=unknown)
            beside = _network_beside(chosen, on_change=no_second)
        own = chosen.net.transform.crop
        size = f"{own} px" if side == own else f"{side} px, its classifier as it predicts, at {own} px"
        st.toggle("Live camera", key=LIVE, bind="query-params", width="content")
        more = f" · beside {beside.title}" if beside else " · two pictures" if other else ""
        if st.session_state[LIVE]:
            size, more = f"{live_side(chosen.net, side)} px", ""
        told_of.markdown(f"**{chosen.title}** :gray[at {size}{more}]")
    tell_not_here(chosen)
    for text in filter(None, (_not_beside(), problem)):
        sentence(text)
    looks = [Look(chosen, picture, side)]
    if beside:
        looks.append(Look(beside, picture, beside.net.transform.crop if side == own else side))
    elif other:
        looks.append(Look(chosen, other, side))
    return looks


def _not_beside() -> str | None:
    name = state.unknown_beside()
    return name and f"{told_missing(name)}, so no other network is beside this one."


def _network_beside(first: Network, on_change: Callable[[], None]) -> Network | None:
    """Another network to look into beside the first; None: none is wanted."""
    titles = {"": "No other network"} | {name: title_of(name) for name in networks_here() if name != first.name}
    state.restore_beside(titles)
    picked = st.selectbox(
        "Beside another network",
        titles,
        format_func=titles.get,
        key=state.BESIDE,
        on_change=on_change,
        help="The same picture in both, side by side: at the same depth, until you choose another layer there.",
    )
    state.remember_beside(picked, titles[picked])
    return network(picked) if picked else None


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
