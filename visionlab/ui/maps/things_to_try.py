"""What a first visit to the Feature maps page is offered to try."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.maps import state
from visionlab.ui.maps.look import Look
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared.tries import Try


def of(look: Look) -> list[Try]:
    """In that network: its convolutions from the first to the last, and what a channel of one looks for."""
    layers = [
        layer.name for layer in look.net.layers if layer.kind in ("conv", "block") and layer.in_place and not layer.gate
    ]
    first, middle, last = layers[0], layers[len(layers) // 2], layers[-1]
    return [
        Try(
            "Edges and colours",
            "filter_1",
            f"{first} sees a few pixels at a time: each of its channels answers to one direction or one colour.",
            lambda: state.look_at(Spot(first)),
        ),
        Try(
            "Halfway",
            "filter_2",
            f"{middle} puts together what came before it: look for textures and corners, and for silent channels.",
            lambda: state.look_at(Spot(middle)),
        ),
        Try(
            "Nearly the end",
            "filter_3",
            f"{last} has small maps: where something is hardly matters any more, what it is does.",
            lambda: state.look_at(Spot(last)),
        ),
        Try(
            "What it looks for",
            "brush",
            "Below the map: press “Draw it”, and noise is changed until this channel can answer no more strongly.",
            lambda: (state.look_at(Spot(middle)), st.session_state.update({"section-5": "Looks for"})),
        ),
    ]
