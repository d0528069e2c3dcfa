"""A picture as the grid of numbers that it is; the one under the pointer, or where the keys are, is told."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.ui.shared.components.looks import INK, LOOKS

FOLDER = Path(__file__).parent

_numbers = st.components.v2.component(
    "visionlab_numbers",
    html=(FOLDER / "numbers.html").read_text(),
    css=(FOLDER / "numbers.css").read_text() + LOOKS,
    js=INK + (FOLDER / "numbers.js").read_text(),
)


def numbers(image: NDArray[np.uint8], *, what: str, key: str, channel: int | None = None, widest: int = 900) -> None:
    """Show a small picture, uint8 (H, W, 1) grey or (H, W, 3) RGB, with its numbers written into its pixels.

    channel: the one (0 red, 1 green, 2 blue) whose numbers are written; None shows the colours, all three told below.
    `what` names the picture for those who cannot see it; it is at most `widest` CSS pixels wide.
    """
    height, width, channels = image.shape
    values = base64.b64encode(np.ascontiguousarray(image)).decode()
    shape = {"height": height, "width": width, "channels": channels, "channel": 0 if channels == 1 else channel}
    _numbers(key=key, data={"values": values, **shape, "what": what, "widest": widest})
