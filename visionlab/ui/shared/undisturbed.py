"""What a callback does, done whole: a newer run of the page neither ends it midway nor does the like beside it.

Streamlit begins each run of a session in a thread of its own, while the one before may still be in a callback. It ends
that one where it next touches the session's state or sends something: between an edit and the note that it was made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from streamlit.runtime.scriptrunner import get_script_run_ctx

from visionlab.errors import VisionlabError, log_cause
from visionlab.shortage import shortages_told
from visionlab.ui.shared import state

_turns: WeakValueDictionary[str, threading.RLock] = WeakValueDictionary()  # by session, while a run has or awaits it
_finding = threading.Lock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, the run is not ended, and no other run of its session is inside; outside of a run, nothing is done.

    Not for what takes long: the newer run's own callbacks wait.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    with _finding:
        turn = _turns.setdefault(context.session_id, threading.RLock())
    with turn:
        # Streamlit has no word for this (its issue 10578 asks for one; 1.67 has none). A runner that is not “execing”
        # passes over what would end the run; the state of the session knows its runner by the method that it calls at
        # each touch.
        runner = context.session_state._yield_callback.__self__
        before, runner._execing = runner._execing, False
        try:
            yield
        finally:
            runner._execing = before


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
            log_cause(error)
            state.keep_problem(str(error))
