"""A chain at the picture's full size: worked out in the background, step by step, and kept for the next time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import Image, encode_png, fit
from visionlab.imaging.pipeline import Pipeline
from visionlab.ui.filters import stages
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.state import Picture

SWITCH = "full-size"  # the widget that says at which size the page works
JOB = "full-size-job"  # (key, id) of the latest one of this session
KEPT_BYTES = 300 << 20  # of results, for everybody


@dataclass(frozen=True, eq=False)
class Part:
    """What one step made: as it is shown, its (height, width) before it was shrunk to that, and the time it took."""

    shown: Image
    size: tuple[int, int]
    seconds: float


@dataclass(frozen=True, eq=False)
class Result:
    """The parts, a step each, and the last one's picture at its full size, as PNG."""

    parts: tuple[Part, ...]
    png: bytes

    @property
    def weight(self) -> int:
        return len(self.png) + sum(part.shown.nbytes for part in self.parts)


class Results:
    """The latest results by what they are of, no more bytes of them than so many."""

    def __init__(self, most: int):
        self._most, self._kept, self._lock = most, OrderedDict(), threading.Lock()

    def find(self, key: str) -> Result | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: str, result: Result) -> None:
        with self._lock:
            self._kept[key] = result
            while len(self._kept) > 1 and sum(kept.weight for kept in self._kept.values()) > self._most:
                self._kept.popitem(last=False)


@st.cache_resource(max_entries=1, show_spinner=False)
def results() -> Results:
    return Results(KEPT_BYTES)


def work_out(
    picture: Picture, pipeline: Pipeline, longest: int, between: Callable[[float], object]
) -> Iterator[Part | Result]:
    """A Part after each step that is on, shrunk to at most so many pixels a side, and the Result at the end; between as
    of Pipeline.stages(), with what share of the steps is done."""
    image, parts = picture.image, []
    steps = len(pipeline.steps) - len(pipeline.off)
    for stage in pipeline.stages(image, lambda share: between((len(parts) + share) / steps)):
        image = stage.image
        parts.append(Part(fit(image, longest), image.shape[:2], stage.seconds))
        yield parts[-1]
    yield Result(tuple(parts), encode_png(image))


# --- on the page ----------------------------------------------------------------------------------------------------


def wanted() -> bool:
    """Whether the page is to work at full size, before the switch, which is in the link, is drawn; who stopped the work
    turned it off."""
    _, job = _latest()
    if job is not None and job.state == "cancelled":
        st.session_state[SWITCH] = False
    if not st.session_state.get(SWITCH, st.query_params.get(SWITCH) == "true"):
        _give_up()
        return False
    return True


def find(picture: Picture, pipeline: Pipeline, key: str, begin: bool) -> Result | None:
    """The result that is known by that key; else it is being worked out from now on, if it is to begin."""
    found = results().find(key)
    known, job = _latest()
    if found is None and begin and (known != key or (job.over and not job.error)):
        _give_up()
        steps = len(pipeline.steps) - len(pipeline.off)
        by_step = steps / (steps + 1)  # the rest is for writing the picture

        def work(this: jobs.Job) -> tuple[()]:
            events = work_out(picture, pipeline, stages.LONGEST, lambda share: this.report(by_step * share))
            for number, event in enumerate(events, 1):
                if isinstance(event, Result):
                    results().keep(key, event)  # not in the job: the server keeps many of those, whatever they hold
                elif number < steps:  # what has come to the end of the last one is kept
                    this.report(number / (steps + 1))
                else:
                    this.share = by_step
            return ()

        st.session_state[JOB] = (key, jobs.registry().submit(work, queue="full-size"))
    return found


def progress(key: str, filters: Sequence[str]) -> None:
    """How far that work with these filters is, if it has begun, over a button that stops it; what went wrong, where it
    has failed."""
    known, job = _latest()
    if job is None or known != key:
        return
    if job.error:
        sentence(job.error)
        st.button("Try again", key="full-size-again", on_click=_give_up, icon=":material/replay:")
        return

    def draw() -> None:
        steps = len(filters)
        done = int(job.share * (steps + 1) + 1e-9)  # of the steps
        if job.state == "waiting":
            told = "Waiting for its turn …"
        elif done == steps:
            told = "Writing the picture …"
        elif not job.cancelled:
            told = f"At full size: step {done + 1} of {steps} …"
        elif FILTERS[filters[done]].reach:
            told = "Stopping …"
        elif done + 1 < steps:
            told = "Stopping after this step …"
        else:
            told = "The last step is nearly done, and is kept …"
        st.progress(job.share, told)

    jobs.watch(job, draw, "Stop", "full-size-stop")


def _latest() -> tuple[str, jobs.Job | None]:
    """What this session had worked out last, and the job, if the server still knows it."""
    key, number = st.session_state.get(JOB, ("", None))
    job = jobs.registry().find(number)
    return (key, job) if job else ("", None)


def _give_up() -> None:
    _, job = _latest()
    if job:
        job.cancel()
    st.session_state.pop(JOB, None)
