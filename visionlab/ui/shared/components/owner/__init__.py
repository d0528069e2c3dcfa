"""Whose projects are whose: an unguessable text that stays in a person's browser."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import streamlit as st

COOKIE = "visionlab-owner"
WELL_FORMED = re.compile(r"[\w-]{32}", re.ASCII)  # what secrets.token_urlsafe(24) gives

_owner = st.components.v2.component("visionlab_owner", js=(Path(__file__).parent / "owner.js").read_text())


def owner() -> str:
    """The text by which this browser is known, the same in all of its sessions; to be called once a run.

    It comes with the browser's cookie; where that is absent or malformed, a new one is made here and kept there, for a
    year from the last visit. Whoever knows it is taken for its owner: it belongs in no link and in no log.
    """
    known = st.session_state.get(COOKIE) or str(st.context.cookies.get(COOKIE))  # AppTest's are no texts
    if not WELL_FORMED.fullmatch(known):
        known = secrets.token_urlsafe(24)
    st.session_state[COOKIE] = known

    def adopt() -> None:
        kept = (st.session_state.get("owner") or {}).get("kept")
        if isinstance(kept, str) and WELL_FORMED.fullmatch(kept):
            st.session_state[COOKIE] = kept

    with st.container(key="unseen-owner"):
        _owner(key="owner", data={"cookie": COOKIE, "owner": known}, on_kept_change=adopt)
    return known
