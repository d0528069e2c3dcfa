"""What the session remembers of the Convolution page: weights, what was shown, the square. Only this knows the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from visionlab.imaging.kernels import Kernel
    from visionlab.ui.convolution.response_settings import Settings


@dataclass(frozen=True, eq=False)
class KernelEdit:
    """Weights that the user wrote over those of the kernel of that name. version counts up, so that a table shown for
    one version ends with it."""

    name: str
    weights: tuple[tuple[float, ...], ...]
    version: int


def kernel_edit(name: str) -> KernelEdit | None:
    edit = st.session_state.get("kernel_edit")
    return edit if edit and edit.name == name else None


def kernel_version() -> int:
    return st.session_state.get("kernel_version", 0)


def edit_kernel(name: str, weights: Sequence[Sequence[float]]) -> None:
    """These weights take the place of the kernel's own, in a table of their own."""
    reset_kernel()
    rows = tuple(tuple(float(value) for value in row) for row in weights)
    st.session_state["kernel_edit"] = KernelEdit(name, rows, kernel_version())


def reset_kernel() -> None:
    """The kernel as it was, in a new table."""
    st.session_state["kernel_version"] = kernel_version() + 1
    st.session_state.pop("kernel_edit", None)
    st.query_params.pop("weights", None)


def keep_shown(key: str, kernel: Kernel, settings: Settings) -> None:
    """Remember what the Convolution page shows of the picture of that key."""
    st.session_state["shown"] = (key, kernel, settings)


def last_shown(key: str) -> tuple[Kernel, Settings] | None:
    """The kernel and the settings that were shown last, if they were so of this picture."""
    shown = st.session_state.get("shown")
    return shown[1:] if shown and shown[0] == key else None


def linked_square() -> tuple[int, int, int] | None:
    """Where the link says that the lab's square is: left, top, side in pixels; None where it says nothing usable."""
    parts = st.query_params.get("square", "").split(",")
    return tuple(map(int, parts)) if len(parts) == 3 and all(part.isdecimal() for part in parts) else None


def link_square(square: tuple[int, int, int] | None) -> None:
    if square:
        st.query_params["square"] = ",".join(map(str, square))


def forget_square() -> None:
    st.query_params.pop("square", None)
