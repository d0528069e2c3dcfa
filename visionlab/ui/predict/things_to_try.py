"""What a first visit to the Predict page is offered to try."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.network.explain import METHODS
from visionlab.ui.predict.answers import target_key
from visionlab.ui.predict.state import METHOD
from visionlab.ui.shared import menus, state
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.tries import Try


def of(network: Network, picture: Picture, probabilities: NDArray[np.float32]) -> list[Try]:
    """For this picture, which that network gave these probabilities (K,)."""
    other = [
        Try(
            "Why the second answer?",
            "looks_two",
            "Another class, other places: what speaks for it lights up, and need not be what spoke for the first.",
            partial(st.session_state.update, {target_key(network, picture): int(second)}),
            st.session_state.get(target_key(network, picture)) == second,
        )
        for second in np.argsort(-probabilities)[1:2]  # a head may have one class alone
    ]
    return [
        *other,
        Try(
            "Cover it, bit by bit",
            "grid_view",
            "Occlusion asks no weights: it greys out one square after the other, and marks where the answer suffers.",
            lambda: menus.turn(METHOD, "occlusion"),
            menus.held(METHOD, None) == "occlusion",
        ),
        Try(
            "Show it a rocket",
            "rocket_launch",
            "Look at what lights up: the rocket itself, or what usually stands around one.",
            lambda: st.session_state.update({state.SAMPLE: "rocket"}),
        ),
        Try(
            "Ask every method",
            "compare",
            f"All {len(METHODS)} stand at the page’s end; where they disagree, their figures say which to believe.",
            lambda: st.session_state.update({"closer": "All methods"}),
            st.session_state.get("closer") == "All methods",
        ),
    ]
