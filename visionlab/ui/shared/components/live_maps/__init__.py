"""The maps of a layer while the camera films: all its channels as a mosaic, or one of them over the picture.

Frames are sent one at a time, as the live camera sends them. One freezes the picture, steps through layers and channels
with keys, and opens a channel by a click on its tile.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.ui.shared.components.camera import PALETTE
from visionlab.ui.shared.components.looks import LOOKS
from visionlab.ui.shared.components.webcam import FRAMES, WEBCAM, WEBCAM_LOOKS

FOLDER = Path(__file__).parent
DRAW = (FOLDER.parent / "camera" / "draw.js").read_text()  # the heat, as over the live camera

_live_maps = st.components.v2.component(
    "visionlab_live_maps",
    html=(FOLDER / "live_maps.html").read_text(),
    css=WEBCAM_LOOKS + (FOLDER / "live_maps.css").read_text() + LOOKS,
    js="\n".join(  # one module for the browser
        [f"const PALETTE = {json.dumps(PALETTE)};", WEBCAM, FRAMES, DRAW, (FOLDER / "live_maps.js").read_text()]
    ),
)


@dataclass(frozen=True)
class Asked:
    """The middle square of what the camera sees, as JPEG, and of which layer the maps are asked for, with which channel
    over the picture, None for none; number is its own. frozen: the picture stands still.
    """

    number: int
    jpeg: bytes
    layer: str
    channel: int | None
    frozen: bool


@dataclass(frozen=True, eq=False)
class LiveMaps:
    """The maps of the frame of that number. mosaic is a JPEG of equal tiles, row by row, `size` (height, width) pixels
    each and `pitch` (down, right) pixels apart; heat is uint8 (h, w), the channel's map, or None; said describes them.
    """

    number: int
    layer: str
    channel: int | None
    mosaic: bytes
    count: int
    columns: int
    size: tuple[int, int]
    pitch: tuple[int, int]
    heat: NDArray[np.uint8] | None
    said: str


def latest_asked(key: str) -> Asked | None:
    """What the camera of that key has sent last; None where it has sent nothing since it was started."""
    sent = (st.session_state.get(key) or {}).get("frame")
    if not sent:
        return None
    channel = sent["channel"]
    jpeg = base64.b64decode(sent["jpeg"])
    return Asked(
        int(sent["number"]), jpeg, str(sent["layer"]), None if channel is None else int(channel), bool(sent["frozen"])
    )


def live_maps(
    *,
    key: str,
    run: int,
    layers: Sequence[str],
    first: str,
    channel: int | None,
    answer: LiveMaps | None,
    side: int,
    seen: float,
) -> None:
    """Mount the camera, in a fragment that each frame runs again; it sends nothing before it is started.

    layers: those that one steps through, of which `first` is looked at to begin with, with that channel of it over the
    picture, None for none. Frames come as `side` × `side`
    pixels, and `seen` is the share of that side that the network looks at. `run` differs between runs of the whole
    page: frames wait for one where a person has just done something elsewhere on the page.
    """
    found = _live_maps(
        key=key,
        data={
            "run": run,
            "layers": [*layers],
            "first": first,
            "channel": channel,
            "side": side,
            "seen": seen,
            "answer": answer
            and {
                **vars(answer),
                "mosaic": base64.b64encode(answer.mosaic).decode(),
                "heat": None if answer.heat is None else answer.heat.tolist(),
            },
        },
        on_frame_change=lambda: None,
        on_overtaken_change=lambda: None,
    )
    if found.overtaken:  # something else on the page has changed, and was sent as if this fragment had
        st.rerun()
