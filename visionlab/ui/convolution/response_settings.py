"""The controls of the Convolution page beside the kernel's own: how it slides, and how its response is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.convolution import BORDERS
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import MODES
from visionlab.ui.convolution.channels import CHANNELS
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.convolution.state import YOURS, own
from visionlab.ui.shared import links, menus
from visionlab.ui.shared.state import keep_in_link
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import beyond, hindrance, number_field

MODE_TITLES = {
    "clip": "As a picture",
    "absolute": "Strength, whichever its sign",
    "minmax": "Stretched (smallest to largest)",
    "diverging": "Signed (blue below zero, orange above)",
}
MODES_BRIEFLY = {"clip": "As a picture", "absolute": "Strength", "minmax": "Stretched", "diverging": "Signed"}
PLAIN = "plain"  # in the link: whether the range is not fitted to the response
OWN_PLAIN = "own-plain"  # the same of one's own kernel that is shown as a picture: then it is plain unless one chooses
NUMBERS = {"stride": ("Stride", 64), "dilation": ("Dilation", 32)}  # {field: (its label, the largest)}, from 1 on
SIDES = (64, 128, 256, 512, 1024)  # pixels on the picture's longer side
SIDE = 256  # small enough that a window can be seen in it, and what three pixels a side do to it
BORDER, CHANNEL = "reflect", next(iter(CHANNELS))  # the usual ones

_Value = TypeVar("_Value")


def held(kernel: Kernel) -> Settings:
    """What the controls hold before they are drawn: what the session remembers, else the link, else the usual."""
    return Settings(
        stride=_number_held("stride"),
        dilation=_number_held("dilation"),
        border=_held("border", BORDERS, BORDER),
        flip=_held("flip", (False, True), False),
        channel=_held("channel", CHANNELS, CHANNEL),
        side=side_held(),
        mode=_held(_mode_key(kernel), MODES, fitting(kernel)),
        fit=not _plain_held(_plain_key(kernel)),
    )


def side_held() -> int:
    """Of the picture, in pixels at most."""
    return _held("detail", SIDES, SIDE)


def _held(key: str, options: Iterable[_Value], usual: _Value) -> _Value:
    if (value := st.session_state.get(key)) is not None:
        return value
    linked = st.query_params.get(key, "").lower()
    return next((option for option in options if str(option).lower() == linked), usual)


def _number_held(key: str) -> int:
    """Of what is no number, or none that may be, the field and check() say so."""
    try:
        value = st.session_state.get(key)
        return int(st.query_params.get(key, 1)) if value is None else value
    except ValueError:
        return 1


def begin(kernel: Kernel) -> None:
    """Before they are drawn: they begin with what the link names; a sentence where there is no such thing."""
    links.begin("border", {name: each.title for name, each in BORDERS.items()}, "border", BORDER)
    channels = {name: each.title for name, each in CHANNELS.items()}
    links.begin("channel", channels, "choice of channels", CHANNEL)
    links.begin(_mode_key(kernel), MODE_TITLES, "way to show the response", fitting(kernel))


def controls(kernel: Kernel) -> Settings:
    """Draw them, in two boxes that open, and say what they hold. Each box is named by what is unusual in it."""
    kept, before = {"bind": "query-params"}, held(kernel)
    with st.popover(_slides(before), icon=":material/tune:", key="sliding"):
        stride = _number("stride", **kept, help=term("stride"))
        dilation = _number("dilation", **kept, help=term("dilation"))
        border = st.selectbox(
            "Border (padding)",
            BORDERS,
            index=list(BORDERS).index(BORDER),
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
    with st.popover(_shows(before, kernel), icon=":material/palette:", key="showing"):
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
        key = _plain_key(kernel)
        plain = st.toggle("The plain range", _plain_held(key), key=menus.key_of(key), help=term("range"))
        menus.keep(key, plain)
        keep_in_link(key, str(plain).lower() if plain != (key == OWN_PLAIN) else None)
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


def _slides(settings: Settings) -> str:
    """What is unusual about how the kernel slides, in a few words."""
    numbers = [
        f"{name} {value}" for name, value in (("stride", settings.stride), ("dilation", settings.dilation)) if value > 1
    ]
    border = [] if settings.border == BORDER else [f"border: {BORDERS[settings.border].title.lower()}"]
    words = [*numbers, *border, *(["flipped"] if settings.flip else [])]
    return " · ".join(words).capitalize() or "How it slides"


def _shows(settings: Settings, kernel: Kernel) -> str:
    """What is unusual about what is shown, in a few words."""
    fit = _plain_key(kernel) != OWN_PLAIN
    words = [
        *([CHANNELS[settings.channel].brief] if settings.channel != CHANNEL else []),
        *([MODES_BRIEFLY[settings.mode]] if settings.mode != fitting(kernel) else []),
        *(["Fitted range" if settings.fit else "Plain range"] if settings.fit != fit else []),
        *([f"{settings.side} px"] if settings.side != SIDE else []),
    ]
    return " · ".join(words) or "What is shown"


def fitting(kernel: Kernel) -> str:
    """The mode that suits a kernel: blurs keep the brightness, edge kernels sum to 0. One's own has that of the kernel
    that it was made of, or what is shown would turn about while one writes.
    """
    if kernel.name == YOURS and own().like:
        return own().like
    return "clip" if kernel.total > 0.5 else "absolute"


def turn_plain(kernel: Kernel, plain: bool) -> None:
    """The range is the plain one, or is not, from here on; before the controls are drawn."""
    menus.turn(_plain_key(kernel), plain)


def _plain_held(key: str) -> bool:
    return menus.held(key, _held(key, (False, True), key == OWN_PLAIN))


def _plain_key(kernel: Kernel) -> str:
    """Whether the range is plain, by the kernel: what one’s own kernel makes brighter is to be seen brighter."""
    mode = st.session_state.get(_mode_key(kernel)) or fitting(kernel)
    return OWN_PLAIN if kernel.name == YOURS and mode == "clip" else PLAIN


def _mode_key(kernel: Kernel) -> str:
    return f"mode-{fitting(kernel)}"
