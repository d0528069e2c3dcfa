"""The convolution lab: a picture, a kernel and the response, side by side and followed to the last number, and below a
square of the picture that goes on through bias, ReLU and pooling to the probabilities of a few classes.

What must follow the pointer or a key is JavaScript. numbers.js does the arithmetic of visionlab.imaging.convolution and
figures.js writes it so that sums add up as they are read (tests hold both to it); weights.js reads and turns kernels,
kernel.js lets one write them; draw.js draws, preview.js the whole response while one types, walk.js plays; bench.js is
the picture, the kernel and the response, story.js the square with views.js, ending.js and words.js; lab.js holds what
they share. The response as a whole is the server's as soon as it has answered, and so is what remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from visionlab.imaging.kernels import Kernel
from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, keep_picture
from visionlab.ui.shared.components.leaving import LEAVING
from visionlab.ui.shared.components.looks import INK, LOOKS
from visionlab.ui.shared.terms import term

FOLDER = Path(__file__).parent
SCRIPTS = (
    "numbers.js",
    "figures.js",
    "weights.js",
    "draw.js",
    "preview.js",
    "walk.js",
    "kernel.js",
    "bench.js",
    "views.js",
    "ending.js",
    "words.js",
    "story.js",
    "lab.js",
)  # one module for the browser, in this order

_lab = st.components.v2.component(
    "visionlab_convolution_lab",
    html=(FOLDER / "lab.html").read_text(),
    css=(FOLDER / "lab.css").read_text() + LOOKS,
    js=WAIT_FOR_PICTURE + LEAVING + INK + "\n".join((FOLDER / name).read_text() for name in SCRIPTS),
)


@dataclass(frozen=True)
class Scale:
    """How responses are shown: one of render()'s modes and its title, from a low to a high value; the plain range."""

    mode: str
    title: str
    low: float
    high: float
    plain: tuple[float, float]


def convolution_lab(
    picture: str,
    subject: str,
    response: bytes,
    kernel: Kernel,
    *,
    given: tuple[str, float | None],
    scale: Scale,
    fit: bool,
    channel: str,
    stride: int,
    dilation: int,
    border: str,
    flip: bool,
    left: Mapping[str, Any],
    asked: Mapping[str, Any] | None,
    key: str,
) -> None:
    """Mount the lab on the picture, by the name under which the browser keeps it as a PNG file, and its response, an
    encoded picture; subject: what picture it is, in whatever size.

    `given` says by what the browser knows the kernel: (something new wherever the server gives it another one, the
    stamp of the edit that it is). What a person does is in st.session_state[key]: `edit`, {stamp, weights}, the last
    change of the kernel; `left`, what the lab was left at, which it begins with when it is mounted anew; `fit`, {stamp,
    on}, whether the range of the scale is to be fitted to the response, as it is where `fit` says so. `asked`, with a
    stamp, is what it is to be at from now on, as if it had been left so.
    """
    _lab(
        key=key,
        data={
            "picture": picture,
            "subject": subject,
            "response": keep_picture(response, f"{key}-response"),
            "weights": kernel.weights.astype(float).tolist(),
            "title": kernel.title,
            "about": kernel.about,
            "given": given[0],
            "stamp": given[1],
            "scale": asdict(scale),
            "fit": fit,
            "channel": channel,
            "stride": stride,
            "dilation": dilation,
            "border": border,
            "flip": flip,
            "left": dict(left),
            "asked": dict(asked) if asked else None,
            "words": [
                term("response"),
                term("bias"),
                term("ReLU"),
                term("pooling"),
                term("flatten"),
                term("class weights"),
                term("softmax"),
            ],
        },
        on_edit_change=lambda: None,
        on_left_change=lambda: None,
        on_fit_change=lambda: None,
    )
