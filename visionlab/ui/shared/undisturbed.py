"""What a callback does, done whole: a newer run of the page neither ends it midway nor does the like beside it, and
what the page shows is never older than what was done.

Streamlit begins each run of a session in a thread of its own, while the one before may still be in a callback. It ends
that one where it next touches the session's state or sends something: between an edit and the note that it was made.
And it ends it before it draws, when the newer one may have looked already at what that callback changed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import streamlit as st
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx

from visionlab.errors import VisionlabError, log_line
from visionlab.shortage import shortages_told
from visionlab.ui.shared import state

Kept = TypeVar("Kept")


class _Session:
    """What the runs of one session know of one another."""

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.inside: Counter[int] = Counter()  # how deep each thread is in what is undisturbed, or waits for its turn
        self.drawing: dict[int, bool] = {}  # whether another has been inside since that thread began to draw a page
        self.changed = threading.Condition()


_sessions: WeakValueDictionary[str, _Session] = WeakValueDictionary()  # while a run of it draws or is undisturbed
_finding = threading.Lock()


def _session_of(context: ScriptRunContext) -> _Session:
    with _finding:
        return _sessions.setdefault(context.session_id, _Session())


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, the run is not ended, and no other run of its session is inside; outside of a run, nothing is done.

    Not for what takes long: the newer run's own callbacks wait.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    with _counted_in(_session_of(context)) as session, session.turn:
        # Streamlit has no word for this (its issue 10578 asks for one; 1.67 has none). A runner that is not “execing”
        # passes over what would end the run; the state of the session knows its runner by the method that it calls at
        # each touch.
        runner = context.session_state._yield_callback.__self__
        before, runner._execing = runner._execing, False
        try:
            yield
        finally:
            runner._execing = before


@contextmanager
def _counted_in(session: _Session) -> Iterator[_Session]:
    me = threading.get_ident()
    with session.changed:
        session.inside[me] += 1
    try:
        yield session
    finally:
        with session.changed:
            session.inside[me] -= 1
            session.inside += Counter()  # without those that are nowhere any more
            for thread in session.drawing.keys() - {me}:
                session.drawing[thread] = True
            session.changed.notify_all()


@contextmanager
def drawn_from_all() -> Iterator[None]:
    """Around what draws a page: it is drawn once more if meanwhile another run of the session was undisturbed, which
    may have been told to stop there, and then draws nothing itself."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    session, me = _session_of(context), threading.get_ident()
    with session.changed:
        session.drawing[me] = False
    try:
        try:
            yield
        except Exception:  # of what was half drawn when it was changed
            if not _others_were_inside(session):
                raise
        if _others_were_inside(session):
            st.rerun()
    finally:
        with session.changed:
            del session.drawing[me]


def _others_were_inside(session: _Session) -> bool:
    """Whether another run has been inside since this one began to draw, told when none is any more."""
    me = threading.get_ident()
    with session.changed:
        session.changed.wait_for(lambda: not session.inside.keys() - {me})
        return session.drawing[me]


def follow(key: str, kept: Callable[[], Kept]) -> None:
    """Before the widget of that key, which shows what is kept: have it show that where others have changed it.

    Otherwise what the person has set stays: what a run writes there goes to the browser, where meanwhile the next key
    may have been pressed. `kept` looks it up anew: what the run has read before may be older than what is set.
    """
    with undisturbed():
        now = kept()
        if key not in st.session_state or st.session_state.get(_followed(key)) != now:
            st.session_state[key] = now
        st.session_state[_followed(key)] = now


def keep_followed(key: str, keep: Callable[[Kept], object]) -> None:
    """For that widget's callback: have `keep` keep what it holds, or the sentence why that cannot be."""

    def act() -> None:
        chosen = st.session_state[key]
        keep(chosen)
        st.session_state[_followed(key)] = chosen

    attempt(act)


def _followed(key: str) -> str:
    """In the session: what was kept when this widget was told or asked last."""
    return f"{key}-followed"


def attempt(act: Callable[..., Any], *arguments: Any) -> None:
    """For callbacks: do it whole, or keep the sentence that says why not for the run that follows.

    What a widget holds is for `act` to look up, as a lambda for instance: where a run is ended at a look before this
    call, its callback is not called again.
    """
    with undisturbed():
        try:
            with shortages_told():
                act(*arguments)
        except VisionlabError as error:
            log_line(str(error), error.__cause__)
            state.keep_problem(str(error))
