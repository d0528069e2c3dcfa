"""The controls of the Convolution page beside the kernel's own: how it slides, and how its response is shown."""

from __future__ import annotations

from typing import Any

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.convolution import BORDERS
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import MODES
from visionlab.ui.convolution.channels import CHANNELS
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.convolution.state import YOURS, own
from visionlab.ui.shared import links
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import beyond, hindrance, number_field

MODE_TITLES = {
    "clip": "As a picture",
    "absolute": "Strength, whichever its sign",
    "minmax": "Stretched (smallest to largest)",
    "diverging": "Signed (blue below zero, orange above)",
}
PLAIN = "plain"  # the widget that says whether the range is not fitted to the response
OWN_PLAIN = "own-plain"  # the same of one's own kernel that is shown as a picture: then it is plain unless one chooses
NUMBERS = {"stride": ("Stride", 64), "dilation": ("Dilation", 32)}  # {field: (its label, the largest)}, from 1 on
SIDES = (64, 128, 256, 512, 1024)  # pixels on the picture's longer side
SIDE = 256  # small enough that a window can be seen in it, and what three pixels a side do to it


def held(kernel: Kernel) -> Settings | None:
    """What the controls hold before they are drawn; None where this session has not seen them all yet."""
    keys = ("stride", "dilation", "border", "flip", "channel", "detail", _mode_key(kernel), plain_key(kernel))
    *values, plain = (st.session_state.get(key) for key in keys)
    return None if None in (*values, plain) else Settings(*values, fit=not plain)


def begin(kernel: Kernel) -> None:
    """Before they are drawn: they begin with what the link names; a sentence where there is no such thing."""
    links.begin("border", {name: each.title for name, each in BORDERS.items()}, "border", "reflect")
    channels = {name: each.title for name, each in CHANNELS.items()}
    links.begin("channel", channels, "choice of channels", next(iter(channels)))
    links.begin(_mode_key(kernel), MODE_TITLES, "way to show the response", fitting(kernel))


def controls(kernel: Kernel) -> Settings:
    """Draw them, in two boxes that open, and say what they hold. The first is named by how the kernel slides."""
    kept = {"bind": "query-params"}
    with st.popover(_slides(held(kernel)), icon=":material/tune:", key="sliding"):
        stride = _number("stride", **kept, help=term("stride"))
        dilation = _number("dilation", **kept, help=term("dilation"))
        border = st.selectbox(
            "Border",
            BORDERS,
            index=list(BORDERS).index("reflect"),
            format_func=lambda name: BORDERS[name].title,
            key="border",
            **kept,
            help=term("border"),
        )
        flip = st.toggle(
            "Flip the kernel",
            key="flip",
            **kept,
            help=term("flip"),
        )
    with st.popover("What is shown", icon=":material/palette:", key="showing"):
        channel = st.selectbox(
            "Channels",
            CHANNELS,
            format_func=lambda name: CHANNELS[name].title,
            key="channel",
            **kept,
            help=term("channels"),
        )
        mode = st.selectbox(
            "Show the response",
            MODES,
            index=MODES.index(fitting(kernel)),
            format_func=MODE_TITLES.get,
            key=_mode_key(kernel),
            **kept,
        )
        key = plain_key(kernel)
        plain = st.toggle("The plain range", key == OWN_PLAIN, key=key, **kept, help=term("range"))
        side = st.select_slider(
            "Pixels on the picture’s longer side",
            SIDES,
            SIDE,
            key="detail",
            **kept,
            help="All of this page works on the picture in this size. The smaller it is, the more a small kernel sees.",
        )
    return Settings(stride, dilation, border, flip, channel, side, mode, fit=not plain)


def _number(name: str, **options: Any) -> int:
    label, most = NUMBERS[name]
    found, problem = number_field(label, 1, most, 1, name, **options)
    if problem:
        hindrance(problem)
    return found


def check(settings: Settings) -> None:
    """ParameterError for a number that a field may not hold."""
    for name, (label, most) in NUMBERS.items():
        if problem := beyond(label, getattr(settings, name), 1, most):
            raise ParameterError(problem)


def _slides(settings: Settings | None) -> str:
    """What is unusual about how the kernel slides, in a few words."""
    if settings is None:
        return "How it slides"
    numbers = [
        f"{name} {value}" for name, value in (("stride", settings.stride), ("dilation", settings.dilation)) if value > 1
    ]
    border = [] if settings.border == "reflect" else [f"border: {BORDERS[settings.border].title.lower()}"]
    words = [*numbers, *border, *(["flipped"] if settings.flip else [])]
    return " · ".join(words).capitalize() or "How it slides"


def fitting(kernel: Kernel) -> str:
    """The mode that suits a kernel: blurs keep the brightness, edge kernels sum to 0. One's own has that of the kernel
    that it was made of, or what is shown would turn about while one writes.
    """
    if kernel.name == YOURS and own().like:
        return own().like
    return "clip" if kernel.total > 0.5 else "absolute"


def plain_key(kernel: Kernel) -> str:
    """The widget that says whether the range is plain: what one’s own kernel makes brighter is to be seen brighter."""
    mode = st.session_state.get(_mode_key(kernel)) or fitting(kernel)
    return OWN_PLAIN if kernel.name == YOURS and mode == "clip" else PLAIN


def _mode_key(kernel: Kernel) -> str:
    return f"mode-{fitting(kernel)}"
