"""The camera as a quick way to many pictures: while a button is held, a few frames a second are taken."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from visionlab.ui.shared.components.looks import LOOKS
from visionlab.ui.shared.components.outbox import OUTBOX, mount_outbox
from visionlab.ui.shared.components.webcam import WEBCAM, WEBCAM_LOOKS

FOLDER = Path(__file__).parent

_burst = st.components.v2.component(
    "visionlab_burst",
    html=(FOLDER / "burst.html").read_text(),
    css=WEBCAM_LOOKS + (FOLDER / "burst.css").read_text() + LOOKS,
    js=OUTBOX + WEBCAM + (FOLDER / "burst.js").read_text(),
)


@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the frames of one burst, in order: number (from 0) of `count` batches; each frame is a JPEG file.

    burst is the same text for all batches of a burst, and differs between bursts.
    """

    burst: str
    number: int
    count: int
    frames: tuple[bytes, ...]


def burst(
    *,
    key: str,
    on_batch: Callable[[Batch], None],
    rate: float = 4,
    side: int = 640,
    most: int = 60,
    disabled: bool = False,
    label: str = "Turn on the camera",
) -> None:
    """Mount the camera, which is off until a person turns it on, by a button of that label.

    `rate` frames a second are taken while they hold the button, at most `most` in a burst, each with a longer side of
    at most `side` pixels.

    on_batch(batch) is called once for each batch of at most 16 frames, in order, before the script (or the fragment)
    runs again; the next batch comes once the last one has been taken in.
    """

    def take(event: dict[str, Any]) -> None:
        try:
            frames = tuple(base64.b64decode(frame, validate=True) for frame in event["frames"])
        except binascii.Error:  # not what burst.js sends
            return
        on_batch(Batch(str(event["burst"]), int(event["number"]), int(event["count"]), frames))

    data = {"rate": rate, "side": side, "most": most, "disabled": disabled, "label": label}
    mount_outbox(_burst, data=data, key=key, on_event=take)
