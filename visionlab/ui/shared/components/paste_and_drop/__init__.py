"""What brings a picture: a file dialog, the clipboard, or a drop anywhere on the page.

They are handed to the uploader beside it, so that whatever way a picture takes, it is checked and told in one place.
That uploader is not seen: it would list files beside the pictures that the page offers, and look otherwise once it has
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent

_paste_and_drop = st.components.v2.component(
    "visionlab_paste_and_drop",
    html=(FOLDER / "paste_and_drop.html").read_text(),
    css=(FOLDER / "paste_and_drop.css").read_text(),
    js=(FOLDER / "paste_and_drop.js").read_text(),
)


@dataclass(frozen=True)
class Refused:
    """A file that did not reach the server: of how many bytes, where that is why, or why else, as the browser says."""

    name: str
    size: int | None = None
    why: str = ""


def paste_and_drop(*, key: str, uploader: str, panel: str, picture: str, problem: str | None, most: int) -> None:
    """Listen for pictures, and hand them to the file uploader of that key; not what has more than `most` bytes, which
    refused() tells, as what that uploader refuses.

    panel is the key of the expander that both lie in: it closes with a click beside it, with Escape, and when picture,
    the key of the picture that is looked at, changes, or problem, what the page says of files that could not be used.
    """
    data = {"uploader": uploader, "panel": panel, "picture": picture, "problem": problem, "most": most}
    _paste_and_drop(key=key, data=data, on_refused_change=lambda: None)


def refused(key: str) -> tuple[float | None, list[Refused]]:
    """When files came last of which any did not reach the server, or all did after such, and which of them."""
    told: dict[str, Any] = (st.session_state.get(key) or {}).get("refused") or {}
    return told.get("stamp"), [Refused(**file) for file in told.get("files", [])]
