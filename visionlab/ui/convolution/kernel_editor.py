"""The kernel that one works with: picked from the table, its weights edited, turned, normalised, kept in the link."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.kernels import KERNELS, Kernel, custom_kernel
from visionlab.ui.convolution import state
from visionlab.ui.shared.page import sentence

WEIGHTS = "weights"  # in the link: rows apart by ";", weights by ","
LARGEST = 15  # rows and columns that can be edited and looked at
DIGITS = 5


def kernel_editor() -> Kernel:
    """The kernel picker, the table of its weights, and what can be done to them; the kernel as it stands."""
    name = st.selectbox(
        "Kernel",
        list(KERNELS),
        index=list(KERNELS).index("sobel_x"),
        format_func=lambda key: KERNELS[key].title,
        key="kernel",
        bind="query-params",
        on_change=state.reset_kernel,
    )
    preset = KERNELS[name]
    _take_link(name)
    edit = state.kernel_edit(name)
    start = np.array(edit.weights) if edit else preset.weights.astype(float).round(DIGITS)
    st.caption(preset.about)
    st.markdown("**Weights** · click one to change it")
    edited = st.data_editor(
        start, key=f"weights-{name}-{state.kernel_version()}", hide_index=True, num_rows="fixed", width="stretch"
    )
    table = np.asarray(edited, float)
    try:
        kernel = custom_kernel(table)
    except ParameterError as error:  # an emptied cell, say: the kernel as it was goes on
        sentence(error)
        table = start
        kernel = custom_kernel(table)
    own = not np.array_equal(table, preset.weights.astype(float).round(DIGITS))
    if own:
        st.query_params[WEIGHTS] = to_link(table)
    else:
        st.query_params.pop(WEIGHTS, None)
    _tools(name, table, own)
    return kernel if own else preset


def _tools(name: str, table: NDArray[np.float64], own: bool) -> None:
    """Buttons whose work is prepared here and done when they are clicked."""

    def tool(label: str, icon: str, weights: NDArray[np.float64], why: str) -> None:
        st.button(label, icon=icon, help=why, key=f"kernel-{label}", on_click=state.edit_kernel, args=(name, weights))

    with st.container(horizontal=True, gap="small"):
        tool(
            "Normalise",
            ":material/balance:",
            normalised(table),
            "So that the weights add up to 1, or their sizes to 1.",
        )
        tool("Rotate", ":material/rotate_90_degrees_cw:", np.rot90(table, -1), "A quarter turn clockwise.")
        tool("Transpose", ":material/swap_horiz:", table.T, "Rows become columns.")
        wild = np.random.default_rng().integers(-3, 4, table.shape).astype(float)
        tool("Random", ":material/casino:", wild, "Whole numbers from −3 to 3.")
        with st.popover("Size", icon=":material/aspect_ratio:"):
            rows = st.number_input("Rows", 1, LARGEST, min(LARGEST, table.shape[0]), key=f"rows-{table.shape}")
            columns = st.number_input("Columns", 1, LARGEST, min(LARGEST, table.shape[1]), key=f"columns-{table.shape}")
            tool("Use this size", ":material/check:", resized(table, rows, columns), "Weights of 0 are added around.")
        if own:
            st.button("Back to the kernel as it was", on_click=state.reset_kernel, icon=":material/undo:")


def _take_link(name: str) -> None:
    """Weights that came with the link, once: afterwards the session knows them."""
    text = st.query_params.get(WEIGHTS)
    if not text or state.kernel_edit(name) or st.session_state.get("weights_seen") == text:
        return
    st.session_state["weights_seen"] = text
    try:
        weights = from_link(text)
    except ParameterError as error:
        sentence(error)
        st.query_params.pop(WEIGHTS, None)
        return
    state.edit_kernel(name, weights)


def to_link(weights: NDArray[np.float64]) -> str:
    return ";".join(",".join(f"{value:.{DIGITS}g}" for value in row) for row in weights)


def from_link(text: str) -> NDArray[np.float64]:
    """The weights that a link holds. Raises ParameterError naming what is no weight."""
    try:
        rows = [[float(value) for value in row.split(",")] for row in text.split(";")]
    except ValueError as error:
        raise ParameterError(
            f"The link's weights, “{text[:60]}”, are no numbers. Write rows like 1,0,-1;2,0,-2;1,0,-1."
        ) from error
    if len(rows) > LARGEST or max(map(len, rows)) > LARGEST:
        raise ParameterError(f"The link's kernel has more than {LARGEST} rows or columns. Use a smaller one.")
    return custom_kernel(rows).weights.astype(np.float64).round(DIGITS)


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divided by their sum; where that is nearly 0, as of edge kernels, by the sum of their sizes; zeros stay."""
    total, sizes = weights.sum(), np.abs(weights).sum()
    by = total if abs(total) > 1e-6 * sizes else sizes
    return (weights / by if by else weights).round(DIGITS)


def resized(weights: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """The middle of the weights, or zeros around them: (rows, columns)."""
    larger = np.zeros([max(have, want) for have, want in zip(weights.shape, (rows, columns), strict=True)])
    top, left = ((whole - have) // 2 for whole, have in zip(larger.shape, weights.shape, strict=True))
    larger[top : top + weights.shape[0], left : left + weights.shape[1]] = weights
    top, left = ((whole - want) // 2 for whole, want in zip(larger.shape, (rows, columns), strict=True))
    return larger[top : top + rows, left : left + columns].copy()
