"""The controls of the Convolution page beside the kernel's own: how it slides, and how its response is shown."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.convolution import BORDERS
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import MODES
from visionlab.ui.shared.page import roomy_columns

BORDER_TITLES = {
    "reflect": "Reflect",
    "zero": "Zeros",
    "replicate": "Replicate the edge",
    "wrap": "Wrap around",
    "valid": "None (valid)",
}
MODE_TITLES = {
    "clip": "As a picture (clipped to 0–255)",
    "absolute": "Strength (absolute value)",
    "minmax": "Stretched (smallest to largest)",
    "diverging": "Signed (blue below zero, orange above)",
}


@dataclass(frozen=True)
class Settings:
    """What convolve() takes beside picture and kernel; whether the picture is made grey; one of render()'s modes."""

    stride: int
    dilation: int
    border: str
    flip: bool
    grey: bool
    mode: str

    @property
    def options(self) -> dict[str, int | str | bool]:
        """convolve()'s own."""
        return {"stride": self.stride, "dilation": self.dilation, "border": self.border, "flip": self.flip}


def held(kernel: Kernel) -> Settings | None:
    """What the controls hold before they are drawn; None where this session has not seen them all yet."""
    keys = ("stride", "dilation", "border", "flip", "grey", _mode_key(kernel))
    settings = Settings(*(st.session_state.get(key) for key in keys))
    return None if None in astuple(settings) else settings


def controls(kernel: Kernel, sliding: DeltaGenerator, showing: DeltaGenerator) -> Settings:
    """Draw them, in two places, and say what they hold."""
    with sliding:
        one, two, three, four = roomy_columns([1, 1, 1.4, 1.2], "settings", vertical_alignment="bottom")
        stride = one.number_input("Stride", 1, 64, 1, key="stride", bind="query-params", help="Steps of the window.")
        dilation = two.number_input(
            "Dilation", 1, 32, 1, key="dilation", bind="query-params", help="Distance between the weights, in pixels."
        )
        border = three.selectbox(
            "Border",
            BORDERS,
            index=BORDERS.index("reflect"),
            format_func=BORDER_TITLES.get,
            key="border",
            bind="query-params",
        )
        flip = four.toggle(
            "Flip the kernel",
            key="flip",
            bind="query-params",
            help="On: convolution as mathematics defines it. Off: cross-correlation, which CNNs call convolution.",
        )
    with showing:
        left, right = st.columns([2, 1], vertical_alignment="bottom")
        mode = left.selectbox(
            "Show the response",
            MODES,
            index=MODES.index(_fitting(kernel)),
            format_func=MODE_TITLES.get,
            key=_mode_key(kernel),
            bind="query-params",
        )
        grey = right.toggle(
            "Grey picture", key="grey", bind="query-params", help="One channel instead of red, green, blue."
        )
    return Settings(stride, dilation, border, flip, grey, mode)


def _fitting(kernel: Kernel) -> str:
    """The mode that suits a kernel: blurs keep the brightness, edge kernels sum to 0."""
    return "clip" if kernel.total > 0.5 else "absolute"


def _mode_key(kernel: Kernel) -> str:
    return f"mode-{_fitting(kernel)}"
