"""What the Convolution page offers to try on a first visit."""

from __future__ import annotations

import streamlit as st

from visionlab.ui.convolution import state
from visionlab.ui.shared.tries import Try


def _kernel(name: str) -> None:
    st.session_state[state.KERNEL] = name


FIRST = (
    Try(
        "Blur it",
        "blur_on",
        "Each response is a mean of 25 pixels, the near ones counting most: what is fine is gone, what is large stays.",
        lambda: _kernel("gaussian_5"),
    ),
    Try(
        "Find edges",
        "border_style",
        "Point at something flat, then at an edge: where all pixels are alike the nine products cancel out to 0.",
        lambda: _kernel("outline"),
    ),
    Try(
        "Make your own",
        "edit",
        "All weights are 0 but the middle one, so that the picture comes out as it is. Click a weight and press an "
        "arrow key: the response follows.",
        lambda: state.make_own(state.BEGUN),
    ),
    Try(
        "Move the picture",
        "swap_horiz",
        "Drag the slider of the shift test: the response moves along, and the largest of it hardly minds.",
        lambda: state.set_lab(view="shift", shift=3),
    ),
)
