"""The user's own head, which is a network of this session: the one that was trained or opened last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from visionlab.learning.heads.head import Head
from visionlab.ui.shared import state
from visionlab.ui.shared.visitor import owner

HEADS = 4  # of them a browser finds again


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """The head that this session trained or opened last; key is that of its file, of says of which project or file it
    is, run of which run: None of a file."""

    key: str
    head: Head
    of: str = ""
    run: str | None = None


@lru_cache(maxsize=4)  # hashing the file of a fine-tuned head takes a tenth of a second
def key_of(head: Head) -> str:
    """What a head is known by, in caches and wherever one asks whether it is the one of now: the SHA-256 of its file,
    so with its classes' names, its limit and all else that it answers by."""
    return hashlib.sha256(head.to_bytes()).hexdigest()


def current() -> TrainedHead | None:
    """That of this session; of a run, as this browser saw it last, also in another tab."""
    mine = st.session_state.get("trained_head")
    return _heads_of(owner()).get(_in_link(mine), mine) if mine and mine.run else mine


def keep(head: Head, run: str | None = None, of: str = "") -> None:
    """The head becomes a network of this session, on every page; that of a run only when it is first seen, or is not
    what it was before."""
    mine = TrainedHead(key_of(head), head, of, run)
    seen = None if run is None else (run, mine.key, of)
    if seen is None or st.session_state.get("kept_run") != seen:
        st.session_state["kept_run"] = seen or st.session_state.get("kept_run")
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
    """What a link calls it by: of a run always the same, though its limit is set and its classes are named anew."""
    return hashlib.sha256(mine.run.encode()).hexdigest()[:16] if mine.run else mine.key[:16]


def restore() -> None:
    """After a reload, with which a session begins anew: the head that the link names, if this browser had it before."""
    if current() is None and (found := _heads_of(owner()).get(st.query_params.get(state.HEAD, ""))):
        st.session_state["trained_head"] = found


def remember(at_work: bool) -> None:
    """For the link: which one it is, where it is at work, or which one it names in vain."""
    in_vain = st.session_state.get("unknown_head") if state.unknown_network() else None
    state.keep_in_link(state.HEAD, _in_link(current()) if at_work else in_vain)
