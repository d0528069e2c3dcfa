"""Python's garbage collections, without what has been imported.

Streamlit collects in full after every run of a page, which holds up what is on its way to the browser: with all that
torch and pandas bring along, for 60 to 100 ms each time; without it, for 1 or 2.
"""

from __future__ import annotations

import gc
import sys
import threading

_MODULES = 50  # that have to come before it is worth a collection of everything
_imported = 0  # modules, when they were last left out
_running, _waiting = threading.Lock(), threading.Lock()


def leave_out_imports() -> None:
    """Leave what is there out of later collections, whenever many modules have been added."""
    global _imported
    if len(sys.modules) > _imported + _MODULES:
        _imported = len(sys.modules)
        collect_all()


def collect_all() -> None:
    """Collect everything, also what had been left out, and leave out what stays: 0.1 s.

    What was there when modules were left out, the sessions of those days among it, would be kept for good otherwise.
    Of many who ask at once, one waits for the one that is at it, which may have passed by already what that one has
    let go of; the others need nothing.
    """
    if not _waiting.acquire(blocking=False):
        return
    with _running:
        _waiting.release()
        gc.unfreeze()
        gc.collect()
        gc.freeze()
