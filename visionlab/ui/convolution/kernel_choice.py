"""The kernel that one works with: picked from the table, or one's own, whose weights the lab lets one write."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.kernels import KERNELS, Kernel, custom_kernel
from visionlab.imaging.render import MODES
from visionlab.ui.convolution import state
from visionlab.ui.convolution.response_settings import fitting, turn_plain
from visionlab.ui.shared import links
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.terms import term

LARGEST = 15  # rows and columns that can be edited and looked at
FIRST = "sobel_x"
TITLES = {FIRST: KERNELS[FIRST].title, state.YOURS: "Yours"} | {name: kernel.title for name, kernel in KERNELS.items()}


def kernel_at_work() -> Kernel:
    """The kernel before its picker is drawn: what was edited, came with a link, or was picked."""
    links.begin(state.KERNEL, TITLES, "kernel", next(iter(TITLES)))
    fit = state.take_edits(fitting(kernel_of(st.session_state.get(state.KERNEL))))
    if fit is not None:
        turn_plain(kernel_of(st.session_state.get(state.KERNEL)), not fit)
    problem = None
    if text := state.linked_weights():
        try:
            like = st.query_params.get(state.LIKE)
            state.make_own(from_link(text).tolist(), like if like in MODES else None)
        except ParameterError as error:
            problem = error
            state.link_weights(None)
    if problem:
        sentence(f"{problem} The link’s are left out.")
    return kernel_of(st.session_state.get(state.KERNEL))


def choose_kernel() -> Kernel:
    """The picker, and its kernel; one's own is in the link."""
    name = st.selectbox(
        "Kernel",
        TITLES,
        format_func=TITLES.get,
        key=state.KERNEL,
        bind="query-params",
        help=term("kernel"),
    )
    kernel = kernel_of(name)
    state.link_weights(to_link(kernel.weights) if name == state.YOURS else None)
    return kernel


def kernel_of(name: str | None) -> Kernel:
    """The kernel of that name; one's own where it says so."""
    if name != state.YOURS:
        return KERNELS[name or FIRST]
    weights = np.array(state.own().weights, np.float32)
    rows, columns = weights.shape
    about = f"A kernel of your own, {rows} × {columns}. Click a weight to change it."
    return Kernel(state.YOURS, weights, about, TITLES[state.YOURS])


def to_link(weights: NDArray[np.float32]) -> str:
    return ";".join(",".join(f"{value:.9g}" for value in row) for row in weights.tolist())


def from_link(text: str) -> NDArray[np.float32]:
    """The weights that a link holds. Raises ParameterError naming what is no weight."""
    try:
        rows = [[float(value) for value in row.split(",")] for row in text.split(";")]
    except ValueError as error:
        raise ParameterError(
            f"The link’s weights, “{text[:60]}”, are no numbers. Write rows like 1,0,-1;2,0,-2;1,0,-1."
        ) from error
    if len(rows) > LARGEST or max(map(len, rows)) > LARGEST:
        raise ParameterError(f"The link’s kernel has more than {LARGEST} rows or columns. Use a smaller one.")
    return custom_kernel(rows).weights
