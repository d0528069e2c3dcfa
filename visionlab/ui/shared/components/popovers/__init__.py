"""What opens at a button, a popover, is reached from that button by keyboard.

Streamlit puts it at the end of the page, where Tab arrives after everything else.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_popovers = st.components.v2.component("visionlab_popovers", js=(FOLDER / "popovers.js").read_text())


def reach_popovers() -> None:
    """Once a page, before its popovers are."""
    with st.container(key="unseen-popovers"):
        _popovers(key="popovers")
