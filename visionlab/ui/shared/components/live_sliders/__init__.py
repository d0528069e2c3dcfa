"""Streamlit's sliders, made to act while they are dragged: left to themselves, they tell their value when let go.

Nothing is drawn: the component listens to the sliders of its fragment, and sends where one is on its way, one place at
a time; while the answer to one is awaited, it waits, and then sends where the slider has come to by then. The value at
which it is let go comes from the slider itself, so that it always arrives, as do those that the keyboard sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_live_sliders = st.components.v2.component("visionlab_live_sliders", js=(FOLDER / "live_sliders.js").read_text())


@dataclass(frozen=True)
class Moving:
    """The slider of that key, which was at `start` and has been dragged to `value`, and is still held."""

    key: str
    start: float
    value: float


def moving(key: str) -> Moving | None:
    """The slider that is on its way, as the component of that key has told; to be asked before sliders are drawn.

    Once it is let go this may be told for one more run, with the slider itself no longer at `start`.
    """
    sent = (st.session_state.get(key) or {}).get("moving")
    return Moving(str(sent["key"]), float(sent["start"]), float(sent["value"])) if sent else None


def live_sliders(*, key: str, within: str) -> None:
    """Mount it, in the fragment of the sliders, after what is to follow them.

    Those listen whose keys begin with `within`.
    """
    sent = (st.session_state.get(key) or {}).get("moving")
    with st.container(key=f"unseen-{key}"):
        _live_sliders(
            key=key,
            data={"within": within, "answered": sent and sent["number"]},
            on_moving_change=lambda: None,
        )
