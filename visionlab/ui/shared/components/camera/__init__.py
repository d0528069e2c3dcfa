"""The live camera: what it sees, what the network takes it for, and how fast; frames are sent one at a time.

A frame is captured only once the last one has been answered, so what the camera sees meanwhile is dropped and nothing
waits in a queue. The picture, the bars and the heat are drawn by the component itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.render import colour
from visionlab.network.running.certainty import in_words
from visionlab.network.running.prediction import Prediction
from visionlab.ui.shared.components.looks import LOOKS
from visionlab.ui.shared.components.webcam import FRAMES, WEBCAM, WEBCAM_LOOKS

FOLDER = Path(__file__).parent
PALETTE = colour(np.linspace(0, 1, 256)[None], "inferno")[0].tolist()  # level → red, green, blue; as explanations have

_camera = st.components.v2.component(
    "visionlab_camera",
    html=(FOLDER / "camera.html").read_text(),
    css=WEBCAM_LOOKS + (FOLDER / "camera.css").read_text() + LOOKS,
    js="\n".join(
        [f"const PALETTE = {json.dumps(PALETTE)};", WEBCAM, FRAMES]
        + [(FOLDER / name).read_text() for name in ("draw.js", "camera.js")]  # one module for the browser
    ),
)


@dataclass(frozen=True)
class Frame:
    """The middle square of what the camera sees, as JPEG; number is its own, and why asks for reasons, too."""

    number: int
    jpeg: bytes
    why: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network says to the frame of that number: its best classes, in the order in which they are shown.

    heat is uint8 (h, w), laid over all that the network sees of the frame: 0 no reason, 255 the strongest; or None.
    strange: how far the frame lies from what a head of one's own has learned from, above 1 for none of its classes;
    None where nothing is refused.
    """

    number: int
    predictions: Sequence[Prediction]
    heat: NDArray[np.uint8] | None = None
    strange: float | None = None

    @property
    def refused(self) -> bool:
        return self.strange is not None and self.strange > 1


def latest_frame(key: str) -> Frame | None:
    """The frame that the camera of that key has sent last; None where it has sent none since it was started."""
    sent = (st.session_state.get(key) or {}).get("frame")
    return sent and Frame(int(sent["number"]), base64.b64decode(sent["jpeg"]), bool(sent["why"]))


@dataclass(frozen=True)
class Fresh:
    """A head that has just been trained, known by that text: it comes into sight; start: with the camera on."""

    head: str
    start: bool


def camera(
    *, key: str, run: int, answer: Answer | None, side: int, seen: float, fresh: Fresh | None = None
) -> bytes | None:
    """Mount the camera, in a fragment that each frame runs again; it sends nothing before it is started.

    Frames come as `side` × `side` pixels, and `seen` is the share of that side that the network looks at. The next
    frame comes once the answer to the latest is here. `run` differs between runs of the whole page: frames wait for one
    where a person has just done something elsewhere on the page. A photograph, the whole frame as JPEG in the camera's
    own size, is returned in the one run after it was taken.
    """
    found = _camera(
        key=key,
        data={
            "side": side,
            "seen": seen,
            "run": run,
            "answer": answer and _written(answer),
            "fresh": fresh and asdict(fresh),
        },
        on_frame_change=lambda: None,
        on_photograph_change=lambda: None,
        on_overtaken_change=lambda: None,
    )
    # Something else on the page has changed, and was sent as if this fragment had; a photograph runs the page anyway.
    if found.overtaken and not found.photograph:
        st.rerun()
    return base64.b64decode(found.photograph) if found.photograph else None


def _written(answer: Answer) -> dict[str, object]:
    return {
        "number": answer.number,
        "bars": [[each.label, each.probability] for each in answer.predictions],
        "strange": answer.strange,
        "unsure": not answer.refused and in_words([each.probability for each in answer.predictions]) == "unsure",
        "heat": None if answer.heat is None else answer.heat.tolist(),
    }
