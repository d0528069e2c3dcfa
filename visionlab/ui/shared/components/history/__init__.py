"""The browser's Back goes to the step before, or to the page before, as it was left.

Streamlit makes a new entry of the browser's history of each change of a link, also of those that a page makes of its
own link when it opens: Back then came to the same page, which changed its link again.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent

_history = st.components.v2.component("visionlab_history", js=(FOLDER / "history.js").read_text())


def keep_history(step: str = "") -> None:
    """Once a page. step: what its link calls the step that one is at, where it has steps."""
    with st.container(key="unseen-history"):
        _history(key="history", data={"step": step})
