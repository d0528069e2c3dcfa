"""A button that is pressed by a key keeps the focus, wherever the page draws it anew.

Streamlit draws what has moved as something new, and the focus falls to the whole page: the next Tab began at its top.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_focus = st.components.v2.component("visionlab_focus", js=(FOLDER / "focus.js").read_text())


def keep_focus() -> None:
    """Once a page."""
    with st.container(key="unseen-focus"):
        _focus(key="focus")
