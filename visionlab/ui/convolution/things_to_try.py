"""What a first visit to the Convolution page is offered to try."""

from __future__ import annotations

from functools import partial

import streamlit as st

from visionlab.ui.convolution import state
from visionlab.ui.shared.tries import Try

KERNELS = (
    (
        "Blur it",
        "blur_on",
        "Each response is a mean of 25 pixels, the near ones counting most: what is fine is gone, what is large stays.",
        "gaussian_5",
    ),
    (
        "Find edges",
        "border_style",
        "Point at something flat, then at an edge: where all pixels are alike the nine products cancel out to 0.",
        "outline",
    ),
)  # what the button says, its icon, what to notice, the kernel


def of(kernel: str) -> list[Try]:
    """While the kernel of that name is at work."""
    return [
        *(Try(label, icon, notice, partial(_pick, name), kernel == name) for label, icon, notice, name in KERNELS),
        Try(
            "Make your own",
            "edit",
            "All weights are 0 but the middle one, so that the picture comes out as it is. Click a weight and press an "
            "arrow key: the response follows.",
            lambda: state.make_own(state.BEGUN),
            kernel == state.YOURS,
        ),
        Try(
            "Move the picture",
            "swap_horiz",
            "Below, in the shift test, drag the slider: the response moves along with the picture, and the figures say "
            "what pooling makes of that.",
            lambda: state.set_lab(view="shift", shift=1),
            state.lab_left().get("view") == "shift",
        ),
    ]


def _pick(name: str) -> None:
    st.session_state[state.KERNEL] = name
