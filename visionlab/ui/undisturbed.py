"""What a callback does, done whole: a newer run of the page neither ends it midway nor does the like beside it.

Streamlit begins each run of a session in a thread of its own, while the one before may still be in a callback. It ends
that one where it next touches the session's state or sends something: between an edit and the note that it was made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from streamlit.runtime.scriptrunner import get_script_run_ctx

_turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()  # by session, while anybody holds or awaits one
_choosing = threading.Lock()


class _Turn:
    """Whose turn it is among the runs of one session; a run may take it again while it has it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, the run is not ended, and no other run of its session is inside; outside of a run, nothing is done.

    Not for what takes long: the newer run's own callbacks wait.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    with _choosing:
        turn = _turns.setdefault(context.session_id, _Turn())
    with turn.lock:
        # Streamlit has no word for this. A runner that is not “execing” passes over what would end the run; the state
        # of the session knows its runner by the method that it calls at each touch.
        runner = context.session_state._yield_callback.__self__
        before, runner._execing = runner._execing, False
        try:
            yield
        finally:
            runner._execing = before
