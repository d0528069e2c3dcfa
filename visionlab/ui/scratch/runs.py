"""An experiment's training in the background: begun, found again by the link, watched, and what it has come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from visionlab import limits
from visionlab.ui.shared import jobs, visitor
from visionlab.ui.shared.page import sentence, told

QUEUE = "scratch"
PICTURES = "Pictures"  # among the settings of now: what a new training would be on
REDRAWN = 1.0  # every so many seconds: curves and pictures take time from the training itself
STOP = "Stop, and keep what it has learned"
LOST = "The training that this link names is not known here any more. Train again: one seed gives one result."
Draw = Callable[[Any, Sequence[Any], float], None]  # of a plan, the events so far, and the seconds that these took


Settings = Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What is trained, before its first event: what it is on, and by their labels the settings that it is made with,
    for people; widgets are what these were chosen with, by their keys. Each experiment adds what its results need, so
    that these can be shown whatever is chosen by then."""

    on: str
    settings: Settings
    widgets: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def restore(self) -> None:
        """From the next run on its settings are those that a new one would be made with."""
        st.session_state.update(self.widgets)


def begin(
    experiment: str,
    plan: Plan,
    work: Callable[[], Iterable[Any]],
    last: Callable[[], Any | None] = lambda: None,
) -> None:
    """Let the events of work() come in the background; the link names the job. last() is the event, if there is one,
    with which it ends where it is stopped."""

    def events(job: jobs.Job) -> Iterator[tuple[float, Any]]:
        return events_of(job, plan, work, last)

    _keep(experiment, jobs.registry().submit(events, _own(experiment), QUEUE, alone=False))


def events_of(
    job: jobs.Job, plan: Plan, work: Callable[[], Iterable[Any]], last: Callable[[], Any | None]
) -> Iterator[tuple[float, Any]]:
    """(seconds since it began, event): the plan, the events of work(), and where it was stopped last()."""
    yield 0.0, plan
    start = time.perf_counter()
    try:
        for event in work():
            yield time.perf_counter() - start, event
    finally:
        if job.cancelled and (event := last()) is not None:
            job.events.append((time.perf_counter() - start, event))


def known(experiment: str) -> bool:
    """Whether there is a training of this experiment, over or not."""
    return _found(experiment) is not None


def busy(experiment: str) -> bool:
    """Whether a training of this experiment goes on, or waits."""
    job = _found(experiment)
    return job is not None and not job.over


def show(experiment: str, now: Settings | None, live: Draw, result: Draw) -> bool:
    """The training that the link names, drawn by `live` while it goes on, by `result` at its end, with the settings
    that it is made with, marked where these are others than `now`, those that a new one would be made with.

    Whether there is one.
    """
    job = _found(experiment)
    if job is None:
        if _key(experiment):
            st.info(LOST, icon=":material/history:")
        _offer_own(experiment)
        return False
    if not job.over:
        if (plan := _told(job)[0]) is not None:
            _made_with(plan, now, "Training", f"restore-{experiment}")
        with st.container(border=True):
            jobs.watch(job, lambda: _going_on(job, live), STOP, f"stop-{experiment}", REDRAWN)
        st.caption("It goes on without this page: close it, or look around, and come back.")
        return True
    if job.error:
        sentence(job.error)
    plan, events, seconds = _told(job)
    if plan and events:
        _made_with(plan, now, "Trained", f"restore-{experiment}")
        if job.state == "cancelled":
            st.text("It was stopped before its end.")
        if diverged := next((event.diverged for event in events if getattr(event, "diverged", None)), None):
            sentence(str(diverged))
        result(plan, events, seconds)
    elif job.state == "cancelled":
        st.info("Stopped before anything was learned.", icon=":material/stop_circle:")
    return True


def _offer_own(experiment: str) -> None:
    """The way to the latest training that this browser began: whoever comes without the link has lost it else."""
    job = jobs.registry().about(_own(experiment))
    if job is None or (key := jobs.registry().key(job)) is None:
        return
    st.button(
        f"One of yours {'has ended' if job.over else 'is running'}: show it",
        key=f"own-{experiment}",
        icon=":material/history:",
        on_click=_keep,
        args=(experiment, key),
    )


def _own(experiment: str) -> str:
    """What the trainings of this experiment are about that this browser begins; nobody else knows it."""
    return f"{QUEUE} {experiment} {visitor.owner()}"


def _made_with(plan: Plan, now: Settings | None, done: str, key: str) -> None:
    st.text(f"{done} on {plan.on}: {', '.join(_named(*each) for each in plan.settings.items())}.")
    if now is None:
        return
    made = {PICTURES: plan.on, **plan.settings}
    if others := {label: value for label, value in made.items() if now.get(label) != value}:
        named = ", ".join(_named(*each) for each in others.items())
        with st.container(horizontal=True, vertical_alignment="center", key="other-settings"):
            st.markdown(":orange[:material/history:]", width="content")
            st.text(f"Made with other settings than those above: {named}.", width="stretch")
            # Pictures that were brought may be gone: then these alone differ, and no click brings them back.
            held = all(st.session_state.get(each) == value for each, value in plan.widgets.items())
            if {*others} != {PICTURES} or not held:
                st.button("Use these settings", key=key, on_click=plan.restore)


def _named(label: str, value: str) -> str:
    return f"{label[0].lower()}{label[1:]} {value}"


@told()
def _going_on(job: jobs.Job, live: Draw) -> None:
    plan, events, seconds = _told(job)
    if events:
        live(plan, events, seconds)
    elif place := job.place:
        before = "" if place == 1 else f", and {place - 1} before this one"
        most = limits.JOBS.value()
        at_work = "another training is" if most == 1 else f"{most} other trainings are"
        st.progress(0.0, f"Waiting: {at_work} at work{before}.")
    else:
        st.progress(0.0, "Getting ready …")


def _told(job: jobs.Job) -> tuple[Plan | None, list[Any], float]:
    """(plan, events, seconds) so far."""
    told = [*job.events]  # as they are now: more may come meanwhile
    return (told[0][1], [event for _, event in told[1:]], told[-1][0]) if told else (None, [], 0.0)


def _param(experiment: str) -> str:
    return f"{experiment}-run"


def _key(experiment: str) -> str | None:
    """The job's id that the link names, else the one that this session began last."""
    name = _param(experiment)
    return st.query_params.get(name) or st.session_state.get(f"scratch-{name}")


def recall(experiments: Iterable[str]) -> None:
    """Keep in the session the runs of all of these that the link names, whichever is looked at: a page that is left
    takes its link with it."""
    for experiment in experiments:
        _found(experiment)


def _found(experiment: str) -> jobs.Job | None:
    key = _key(experiment)
    job = jobs.registry().find(key)
    if key and job is not None:
        _keep(experiment, key)
    return job


def _keep(experiment: str, key: str) -> None:
    name = _param(experiment)
    st.query_params[name] = st.session_state[f"scratch-{name}"] = key
