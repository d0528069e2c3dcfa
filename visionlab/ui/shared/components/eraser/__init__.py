"""A picture of which one rubs out parts, what is left of it, where the network looks then, and what it answers.

What is rubbed out is sent as a small mask, one at a time: while the answer to one is on its way, the eraser goes on,
and then sends what it is by then; nothing waits in a queue. It is all in the mask: the server makes the picture of it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import ImageError
from visionlab.imaging.image import encode_png, load_image
from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared.components.kept_picture import WAIT_FOR_PICTURE, keep_picture
from visionlab.ui.shared.components.leaving import LEAVING
from visionlab.ui.shared.components.looks import BUTTONS, LOOKS

FOLDER = Path(__file__).parent
LONGEST = 256  # pixels of a mask
BARS = (FOLDER.parent / "camera" / "draw.js").read_text()  # the same bars as beside the live camera

_eraser = st.components.v2.component(
    "visionlab_eraser",
    html=(FOLDER / "eraser.html").read_text(),
    css=BUTTONS + (FOLDER / "eraser.css").read_text() + LOOKS,
    js=BARS + WAIT_FOR_PICTURE + LEAVING + (FOLDER / "eraser.js").read_text(),
)


@dataclass(frozen=True, eq=False)
class Rubbed:
    """What has been rubbed out: mask float32 (h, w) in 0..1, 1 for gone, over all of the picture; number is its own.

    kept says that what was rubbed over is what is kept, and all else gone: the mask has that in it.
    """

    number: int
    mask: NDArray[np.float32]
    kept: bool


@dataclass(frozen=True, eq=False)
class Left:
    """What is left of the picture, and where the network looks in it, both JPEG; and its answers, the best first.

    strange: how far it lies from what a head of one's own has learned from, above 1 for none of its classes; None where
    nothing is refused. said: a sentence on it.
    """

    number: int
    picture: bytes
    why: bytes
    answers: Sequence[Prediction]
    strange: float | None
    said: str


def mask_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """(h, w) of the masks of a picture of that height and width."""
    scale = min(1.0, LONGEST / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def latest_rubbed(key: str, shape: tuple[int, int]) -> Rubbed | None:
    """What the eraser of that key has sent last; None where that is nothing, or of a mask of another shape."""
    sent = (st.session_state.get(key) or {}).get("rubbed")
    if not sent:
        return None
    try:
        levels = load_image(base64.b64decode(sent["mask"]))[..., 0]
    except ImageError:
        return None
    if levels.shape != shape:
        return None
    mask = levels.astype(np.float32) / 255
    return Rubbed(int(sent["number"]), 1 - mask if sent["kept"] else mask, bool(sent["kept"]))


def eraser(
    *, key: str, picture: bytes, shape: tuple[int, int], before: Rubbed | None, left: Left | None, what: str
) -> None:
    """Mount the eraser over an encoded picture, in a fragment that each change of the mask runs again.

    shape: (h, w) of the masks. before: what had been rubbed out when one left the page, to begin with. left: the answer
    to the latest mask. `what` says what is done here.
    """
    _eraser(
        key=key,
        data={
            "picture": keep_picture(picture, f"{key}-picture"),
            "shape": list(shape),
            "before": before and _written(before),
            "left": left
            and {
                "number": left.number,
                "picture": base64.b64encode(left.picture).decode(),
                "why": base64.b64encode(left.why).decode(),
                "bars": [[each.label, each.probability] for each in left.answers],
                "strange": left.strange,
                "said": left.said,
            },
            "what": what,
        },
        on_rubbed_change=lambda: None,
    )


def _written(rubbed: Rubbed) -> dict[str, object]:
    strokes = np.rint(255 * (1 - rubbed.mask if rubbed.kept else rubbed.mask)).astype(np.uint8)
    return {"mask": base64.b64encode(encode_png(np.repeat(strokes[..., None], 3, 2))).decode(), "kept": rubbed.kept}
