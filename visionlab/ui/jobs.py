"""Background work that outlives a rerun, a page change and a reload: a thread, and what it has to say so far.

The registry is one for the server; a job is found by an unguessable id that the session and the link hold.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from visionlab.errors import VisionlabError

FINISHED_KEPT = 32  # finished jobs that the server remembers
AT_ONCE = 2  # jobs that compute at the same time; the others wait for their turn


class Job:
    """Work that reports as it goes on: `work` yields events; they are kept in `events`, the last one is `latest`."""

    def __init__(self, work: Callable[[], Iterable[Any]], turns: threading.Semaphore):
        self.events: list[Any] = []
        self.error: str | None = None
        self.state = "waiting"  # → running → done | cancelled | failed
        self._work, self._turns = work, turns
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def latest(self) -> Any:
        return self.events[-1] if self.events else None

    @property
    def over(self) -> bool:
        return self.state not in {"waiting", "running"}

    def cancel(self) -> None:
        """Ask it to stop at its next event; what it has reported stays."""
        self._cancelled.set()

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over, at most so long; whether it is."""
        self._thread.join(seconds)
        return self.over

    def _run(self) -> None:
        with self._turns:
            if self._cancelled.is_set():
                self.state = "cancelled"
                return
            self.state = "running"
            try:
                for event in self._work():
                    self.events.append(event)
                    if self._cancelled.is_set():
                        self.state = "cancelled"
                        return
                self.state = "done"
            except VisionlabError as error:
                self.error, self.state = str(error), "failed"
            except BaseException as error:
                self.error = f"Something went wrong here, not with your pictures ({type(error).__name__}). Try again."
                self.state = "failed"
                raise  # a bug surfaces in the server's log
            finally:
                self._work = None  # what it worked on, pictures for instance, is not kept with what it found


class Registry:
    """The jobs of one server, by id."""

    def __init__(self):
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(AT_ONCE)

    def submit(self, work: Callable[[], Iterable[Any]]) -> str:
        key = secrets.token_urlsafe(16)
        job = Job(work, self._turns)
        with self._lock:
            over = [name for name, known in self._jobs.items() if known.over]
            for name in over[: max(0, len(over) - FINISHED_KEPT + 1)]:
                del self._jobs[name]
            self._jobs[key] = job
        job.start()
        return key

    def find(self, key: str | None) -> Job | None:
        with self._lock:
            return self._jobs.get(key) if key else None


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    return Registry()
