"""Background work that outlives a rerun, a page change and a reload: a thread, and what it has to say so far.

The registry is one for the server; a job is found by an unguessable id that the session and the link hold.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from visionlab.errors import VisionlabError

FINISHED_KEPT = 64  # finished jobs that the server remembers
AT_ONCE = 2  # jobs that compute at the same time; the others wait for their turn
POLL = 0.4  # seconds between looks at a job


class _Cancelled(Exception):
    """The job has been asked to stop."""


class Job:
    """Work that reports as it goes on: work(job) yields events; they are kept in `events`, the last one is `latest`.

    Between two events it may report() what share of all is done, which is kept in `share`.
    """

    def __init__(self, work: Work, turns: threading.Semaphore):
        self.events: list[Any] = []
        self.share = 0.0
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
        """Ask it to stop at its next event or report; what it has come to stays."""
        self._cancelled.set()

    def report(self, share: float) -> None:
        """For the work itself: 0..1 of it is done. It does not return where the job has been asked to stop."""
        self.share = share
        if self._cancelled.is_set():
            raise _Cancelled

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
                for event in self._work(self):
                    self.events.append(event)
                    if self._cancelled.is_set():
                        self.state = "cancelled"
                        return
                self.state = "done"
            except _Cancelled:
                self.state = "cancelled"
            except VisionlabError as error:
                self.error, self.state = str(error), "failed"
            except BaseException as error:
                self.error = f"Something went wrong here, not with your pictures ({type(error).__name__}). Try again."
                self.state = "failed"
                raise  # a bug surfaces in the server's log
            finally:
                self._work = None  # what it worked on, pictures for instance, is not kept with what it found


Work = Callable[[Job], Iterable[Any]]


class Registry:
    """The jobs of one server, by id."""

    def __init__(self):
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(AT_ONCE)

    def submit(self, work: Work) -> str:
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


@dataclass(frozen=True)
class Jobs:
    """Several jobs that are watched as one."""

    jobs: Sequence[Job]

    @property
    def over(self) -> bool:
        return all(job.over for job in self.jobs)

    @property
    def share(self) -> float:
        return sum(1.0 if job.over else job.share for job in self.jobs) / len(self.jobs)

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        return all(job.wait(max(0.0, until - time.monotonic())) for job in self.jobs)

    def cancel(self) -> None:
        for job in self.jobs:
            job.cancel()


def begun(start: Callable[..., str], *arguments: Any) -> Job:
    """The job whose id a function kept by st.cache_resource gives, once for the same arguments; anew if it is lost."""
    job = registry().find(start(*arguments))
    if job is None:
        start.clear(*arguments)
        job = registry().find(start(*arguments))
    return job


def watch(job: Job | Jobs, draw: Callable[[], None], stop: str, key: str) -> None:
    """Draw how far the job is, again and again, over a button that stops it; the page runs anew when it is over."""

    @st.fragment(run_every=POLL)
    def look() -> None:
        if job.over:
            st.rerun()
        draw()
        st.button(stop, key=key, on_click=job.cancel, icon=":material/stop_circle:")

    look()


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    return Registry()
