"""A pad to draw on and to drag the drawing about, and what networks answer to it, a bar each, as one moves.

The drawing is sent as a small grey picture, one at a time: while the answer to one is on its way, the pad goes on, and
then sends what it shows by then; nothing waits in a queue.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.ui.shared.components.looks import BUTTONS, LOOKS

FOLDER = Path(__file__).parent
BARS = (FOLDER.parent / "camera" / "draw.js").read_text()  # the same bars as beside the live camera

_pad = st.components.v2.component(
    "visionlab_pad",
    html=(FOLDER / "pad.html").read_text(),
    css=BUTTONS + (FOLDER / "pad.css").read_text() + LOOKS,
    js=BARS + (FOLDER / "pad.js").read_text(),
)


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is on the pad: pixels uint8 (side, side), white on black; number is its own."""

    number: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Example:
    """A picture that the pad offers: pixels uint8 (h, w), white on black; what it is, in a sentence; and whether the
    bars should say yes to it, if that is known."""

    pixels: NDArray[np.uint8]
    about: str = ""
    truth: bool | None = None


def latest_drawing(key: str, side: int) -> Drawing | None:
    """What the pad of that key has sent last; None where that is nothing, or of another side."""
    sent = (st.session_state.get(key) or {}).get("drawing")
    values = np.frombuffer(base64.b64decode(sent["pixels"]), np.uint8) if sent else np.zeros(0, np.uint8)
    return Drawing(int(sent["number"]), values.reshape(side, side)) if values.size == side * side else None


def pad(
    *,
    key: str,
    side: int,
    pen: float,
    examples: Sequence[Example],
    answer: tuple[int, Sequence[tuple[str, float]]] | None,
    what: str,
) -> None:
    """Mount the pad, in a fragment that each drawing runs again.

    side: of the picture that is sent, in pixels; pen: its width in these pixels.  examples: at most `side` a side; the
    first is on the pad to begin with, and a button brings the next one. As long as one is on it as a whole, the pad
    says what it is, and whether each bar is right: one of 50 % or more is a yes.
    answer: the number of the drawing that is answered, and (what it is called, 0..1) for each bar.  `what` says what
    the bars are.
    """
    shown = [
        {"side": len(one.pixels), "pixels": _encoded(one.pixels), "about": one.about, "truth": one.truth}
        for one in examples
    ]
    data = {"side": side, "pen": pen, "examples": shown, "what": what}
    told = answer and {"number": answer[0], "bars": [list(bar) for bar in answer[1]]}
    _pad(key=key, data={**data, "answer": told}, on_drawing_change=lambda: None)


def _encoded(pixels: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels)).decode()
