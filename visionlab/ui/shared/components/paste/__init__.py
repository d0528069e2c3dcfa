"""A picture from the clipboard: pasted anywhere on the page, or by a button."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from visionlab.imaging.image import MAX_BYTES

FOLDER = Path(__file__).parent

_paste = st.components.v2.component(
    "visionlab_paste",
    html=(FOLDER / "paste.html").read_text(),
    css=(FOLDER / "paste.css").read_text(),
    js=(FOLDER / "paste.js").read_text(),
)


def paste(*, key: str, on_paste: Callable[[bytes], None]) -> None:
    """Listen for pictures that are pasted; on_paste(file) is called once for each, before the script runs again.

    Files over the size that load_image() takes stay in the browser, which says so.
    """

    def take() -> None:
        pasted = (st.session_state.get(key) or {}).get("pasted")
        if pasted:
            try:
                on_paste(base64.b64decode(pasted["data"], validate=True))
            except binascii.Error:  # not what paste.js sends
                on_paste(b"")

    _paste(key=key, data={"most": MAX_BYTES}, on_pasted_change=take)
