"""Background work that outlives a rerun, a page change and a reload: a thread, and what it has to say so far.

The registry is one for the server; a job is found by an unguessable id that the session and the link hold.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import streamlit as st

from visionlab import limits
from visionlab.errors import BusyError, VisionlabError, log_line
from visionlab.shortage import shortages_told

FINISHED_KEPT = 64  # finished jobs that the server remembers
POLL = 0.4  # seconds between looks at a job
COURTESY = 30.0  # seconds in all that a job waits for what somebody does by hand: others may wait for its turn
BUG = "Something went wrong here, not with your pictures ({}). Try again."

_seen: ContextVar[set[Job] | None] = ContextVar("seen", default=None)  # going on, by what is drawing a page here


class _Cancelled(Exception):
    """The job has been asked to stop."""


class Queue:
    """Jobs in the order in which they came, of which so many are at work at a time."""

    def __init__(self, at_once: int):
        self._free = at_once
        self._waiting: list[Job] = []
        self._changed = threading.Condition()

    def enter(self, job: Job) -> None:
        with self._changed:
            self._waiting.append(job)

    def place(self, job: Job) -> int:
        """1 for the next one; 0 for a job that does not wait."""
        with self._changed:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def take_turn(self, job: Job) -> bool:
        """Wait for the job's turn; whether it came before the job was asked to stop. A turn has to be given back."""
        with self._changed:
            self._changed.wait_for(lambda: job.cancelled or (self._free and self._waiting[0] is job))
            self._waiting.remove(job)
            taken = not job.cancelled
            self._free -= taken
            self._changed.notify_all()
            return taken

    def give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def look_again(self) -> None:
        """Whoever waits is to see whether it was asked to stop."""
        with self._changed:
            self._changed.notify_all()


class Job:
    """Work that reports as it goes on: work(job) yields events; they are kept in `events`, the last one is `latest`.

    Between two events it may report() what share of all is done, which is kept in `share`. Where it is asked to stop,
    a generator is closed before the job counts as over, so that its `finally` has the last word.
    """

    def __init__(self, work: Work, queue: Queue, dropped: Callable[[], object] | None = None):
        self.events: list[Any] = []
        self.share = 0.0
        self.error: str | None = None
        self.state = "waiting"  # → running → done | cancelled | failed
        self.ended_at: float | None = None  # seconds since 1970
        self._work, self._queue, self._dropped = work, queue, dropped
        self._cancelled = threading.Event()
        self._rests_until, self._courtesy = 0.0, COURTESY  # by time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def latest(self) -> Any:
        return self.events[-1] if self.events else None

    @property
    def over(self) -> bool:
        """Whether it has ended; a page that was told that it has not is followed()."""
        if not self.ended and (seen := _seen.get()) is not None:
            seen.add(self)
        return self.ended

    @property
    def ended(self) -> bool:
        return self.state not in {"waiting", "running"}

    @property
    def place(self) -> int:
        """Its place among those of its queue that wait: 1 for the next one, 0 where it does not wait."""
        return self._queue.place(self)

    @property
    def cancelled(self) -> bool:
        """It has been asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask it to stop at its next event or report, or at once where it waits; what it has come to stays."""
        self._cancelled.set()
        self._queue.look_again()

    def report(self, share: float) -> None:
        """For the work itself: 0..1 of it is done. It does not return where the job has been asked to stop, and late
        where it gives way."""
        self.share = share
        while (rest := min(self._rests_until - time.monotonic(), self._courtesy)) > 0 and not self.cancelled:
            began = time.monotonic()
            self._cancelled.wait(rest)
            self._courtesy -= time.monotonic() - began
        if self.cancelled:
            raise _Cancelled

    def give_way(self, seconds: float) -> None:
        """Have it rest from its next report on, until so many seconds from now: what somebody does by hand is to be
        answered at once, and needs the same processors."""
        self._rests_until = time.monotonic() + seconds

    def start(self) -> None:
        self._queue.enter(self)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over, at most so long; whether it is."""
        self._thread.join(seconds)
        return self.over

    def _run(self) -> None:
        turn = self._queue.take_turn(self)
        try:
            with shortages_told():
                self.state = self._worked() if turn else self._given_up()
        except VisionlabError as error:
            self.error, self.state = str(error), "failed"
            log_line(str(error), error.__cause__)
        except BaseException as error:
            self.error, self.state = BUG.format(type(error).__name__), "failed"
            raise  # a bug surfaces in the server's log
        finally:
            self._work = self._dropped = None  # what it worked on, pictures for instance, is not kept
            self.ended_at = time.time()
            if turn:
                self._queue.give_back()

    def _worked(self) -> str:
        self.state = "running"
        try:
            with closing(self._each()) as events:
                for event in events:
                    self.events.append(event)
                    if self.cancelled:
                        return "cancelled"
        except _Cancelled:
            return "cancelled"
        return "done"

    def _each(self) -> Iterator[Any]:
        yield from self._work(self)

    def _given_up(self) -> str:
        if self._dropped:
            self._dropped()
        return "cancelled"


Work = Callable[[Job], Iterable[Any]]


class Registry:
    """The jobs of one server, by id, and in queues that do not wait for each other."""

    def __init__(self):
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._latest: dict[str, Job] = {}  # by what they are about
        self._queues: dict[str, Queue] = {}
        self._lock = threading.Lock()

    def submit(
        self,
        work: Work,
        about: str | None = None,
        queue: str = "",
        dropped: Callable[[], object] | None = None,
        *,
        alone: bool = True,
    ) -> str:
        """Let it be done when its turn in that queue comes; the job's id.

        about: something of which one job at a time is to be at work or waiting, a project's id for instance; BusyError
        where there is one, unless it need not be alone. dropped is called where the job is asked to stop before its
        turn came.
        """
        key = secrets.token_urlsafe(16)
        with self._lock:
            if alone and about is not None and about in self._latest and not self._latest[about].ended:
                raise BusyError("This is being worked on already; wait until that is over, or stop it.")
            job = Job(work, self._queues.setdefault(queue, Queue(limits.JOBS.value())), dropped)
            self._forget()
            self._jobs[key] = job
            if about is not None:
                self._latest[about] = job
            job.start()
        return key

    def find(self, key: str | None) -> Job | None:
        with self._lock:
            return self._jobs.get(key) if key else None

    def about(self, subject: str) -> Job | None:
        """The latest job about that, if this server still knows it."""
        with self._lock:
            return self._latest.get(subject)

    def key(self, job: Job) -> str | None:
        """By what find() finds it, if this server still knows it."""
        with self._lock:
            return next((key for key, known in self._jobs.items() if known is job), None)

    def naming(self, subject: str) -> list[Job]:
        """The latest jobs about whatever is named by all words of the subject, such as a project's id."""
        words = set(subject.split())
        with self._lock:
            return [job for about, job in self._latest.items() if words <= {*about.split()}]

    def cancel(self, subject: str) -> None:
        """Ask all of these to stop."""
        for job in self.naming(subject):
            job.cancel()

    def _forget(self) -> None:
        over = [name for name, known in self._jobs.items() if known.ended]
        for name in over[: max(0, len(over) - FINISHED_KEPT + 1)]:
            del self._jobs[name]
        kept = set(self._jobs.values())
        self._latest = {about: job for about, job in self._latest.items() if job in kept}


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

    @property
    def cancelled(self) -> bool:
        return all(job.ended or job.cancelled for job in self.jobs)

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        return all(job.wait(max(0.0, until - time.monotonic())) for job in self.jobs)

    def cancel(self) -> None:
        for job in self.jobs:
            job.cancel()


@contextmanager
def followed() -> Iterator[None]:
    """Around what draws a page: it is drawn once more if a job ended that it saw going on, or else what it shows would
    be half of before that and half of after, and nothing would tell it. To be looked at before what it works on."""
    before = _seen.set(seen := set())
    try:
        yield
    finally:
        _seen.reset(before)
    if any(job.ended for job in seen):
        st.rerun()


def begun(start: Callable[..., str], *arguments: Any) -> Job:
    """The job whose id a function kept by st.cache_resource gives, once for the same arguments; anew if it is lost."""
    job = registry().find(start(*arguments))
    if job is None:
        start.clear(*arguments)
        job = registry().find(start(*arguments))
    return job


def session() -> str:
    """This session's own word, for the arguments of what only() begins, so that it stops nobody else's."""
    return st.session_state.setdefault("jobs-session", secrets.token_hex())


def only(place: str, start: Callable[..., str], *arguments: Any) -> Job:
    """begun(), and of what this session has begun at that place before, nothing goes on: what is stopped for that is
    forgotten, to be begun anew. session() is among the arguments."""
    job = begun(start, *arguments)
    before, stopped = st.session_state.get(place, (job, arguments))
    if before is not job and not before.ended:
        before.cancel()
        start.clear(*stopped)
    st.session_state[place] = job, arguments
    return job


def watch(
    job: Job | Jobs, draw: Callable[[], None], stop: str, key: str, every: float = POLL, *, beside: bool = False
) -> None:
    """Draw how far the job is, every so many seconds, over a button that stops it, or beside it; the page runs anew at
    its end."""

    @st.fragment(run_every=every)
    def look() -> None:
        if job.over:
            st.rerun()
        with st.container(horizontal=beside, wrap=not beside, vertical_alignment="center" if beside else "top"):
            draw()
            st.button(stop, key=key, on_click=job.cancel, icon=":material/stop_circle:", disabled=job.cancelled)

    look()


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    return Registry()
