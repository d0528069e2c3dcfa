"""Pictures that come without a file dialog: pasted, by a button too, or dropped anywhere on the page.

They are handed to the uploader beside it, so that whatever way a picture takes, it is checked and told in one place.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_paste_and_drop = st.components.v2.component(
    "visionlab_paste_and_drop",
    html=(FOLDER / "paste_and_drop.html").read_text(),
    css=(FOLDER / "paste_and_drop.css").read_text(),
    js=(FOLDER / "paste_and_drop.js").read_text(),
)


def paste_and_drop(*, key: str, uploader: str, panel: str, picture: str, problem: str | None) -> None:
    """Listen for pictures, and hand them to the file uploader of that key.

    panel is the key of the expander that both lie in: it opens where a file is refused, to say why, and closes with a
    click beside it, with Escape, and when picture, the key of the picture that is looked at, changes, or problem, what
    the page says of files that could not be used.
    """
    data = {"uploader": uploader, "panel": panel, "picture": picture, "problem": problem}
    _paste_and_drop(key=key, data=data)
