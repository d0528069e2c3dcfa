"""The convolution lab: a square of the picture as a grid of numbers, and a kernel sliding over it, in the browser.

What must follow the pointer is JavaScript: numbers.js does the arithmetic of visionlab.imaging.convolution (a test
holds both to the same numbers), draw.js and views.js draw, words.js explains, controls.js listens, and lab.js holds
what is chosen. The server hears of the square alone, once it rests.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from visionlab.imaging.kernels import Kernel
from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, keep_picture

FOLDER = Path(__file__).parent
SCRIPTS = (
    "numbers.js",
    "draw.js",
    "views.js",
    "words.js",
    "controls.js",
    "lab.js",
)  # one module for the browser, in this order

_lab = st.components.v2.component(
    "visionlab_convolution_lab",
    html=(FOLDER / "lab.html").read_text(),
    css=(FOLDER / "lab.css").read_text(),
    js=WAIT_FOR_PICTURE + "\n".join((FOLDER / name).read_text() for name in SCRIPTS),
)

Square = tuple[int, int, int]  # left, top, side, in pixels of that picture


def convolution_lab(
    picture: bytes,
    kernel: Kernel,
    *,
    stride: int,
    dilation: int,
    border: str,
    flip: bool,
    square: Square | None,
    key: str,
) -> Square | None:
    """Mount the lab on the picture, a PNG file; returns the square where the user left it, if they did.

    `square` is where it begins, None for the middle. Beyond the picture it is brought back in.
    """
    found = _lab(
        key=key,
        data={
            "picture": keep_picture(picture, f"{key}-picture"),
            "weights": kernel.weights.astype(float).tolist(),
            "stride": stride,
            "dilation": dilation,
            "border": border,
            "flip": flip,
            "square": list(square) if square else None,
        },
        on_square_change=lambda: None,
    )
    return tuple(int(value) for value in found.square) if found.square else None
