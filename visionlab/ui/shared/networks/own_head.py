"""The user's own head, which is a network of this session: the one that was trained or opened last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from visionlab.learning.heads.head import Head
from visionlab.ui.shared import state
from visionlab.ui.shared.visitor import owner

HEADS = 4  # of them a browser finds again


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """The head that this session trained or opened last; key is the SHA-256 of its file, of says of which project or
    file it is."""

    key: str
    head: Head
    of: str = ""


def current() -> TrainedHead | None:
    return st.session_state.get("trained_head")


def keep(head: Head, run: str | None = None, of: str = "") -> None:
    """The head becomes a network of this session, on every page; that of a run only when it is first seen, or it is
    called otherwise than before: its classes, or that of which it is."""
    seen = None if run is None else (run, head.classes, of)
    if seen is None or st.session_state.get("kept_run") != seen:
        st.session_state["kept_run"] = seen or st.session_state.get("kept_run")
        mine = TrainedHead(hashlib.sha256(head.to_bytes()).hexdigest(), head, of)
        st.session_state["trained_head"] = mine
        kept = _heads_of(owner())
        kept.pop(_in_link(mine), None)
        kept[_in_link(mine)] = mine
        while len(kept) > HEADS:
            del kept[next(iter(kept))]


@st.cache_resource(max_entries=32, show_spinner=False)
def _heads_of(browser: str) -> dict[str, TrainedHead]:
    """What the sessions of a browser trained or opened since the server began, the latest last."""
    return {}


def _in_link(mine: TrainedHead) -> str:
    return mine.key[:16]


def restore() -> None:
    """After a reload, with which a session begins anew: the head that the link names, if this browser had it before."""
    if current() is None and (found := _heads_of(owner()).get(st.query_params.get(state.HEAD, ""))):
        st.session_state["trained_head"] = found


def remember(at_work: bool) -> None:
    """For the link: which one it is, where it is at work, or which one it names in vain."""
    in_vain = st.session_state.get("unknown_head") if state.unknown_network() else None
    state.keep_in_link(state.HEAD, _in_link(current()) if at_work else in_vain)
