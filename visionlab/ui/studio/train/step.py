"""The studio's step “Train”: form.py says what to train and how; here is the run that goes on, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from visionlab.errors import BusyError, DatasetError
from visionlab.learning.heads.kinds import stayed_linear
from visionlab.learning.judging.metrics import MAJORITY, counted
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import AT_WORK, RunInfo
from visionlab.limits import JOBS
from visionlab.ui.shared import cached, charts, jobs
from visionlab.ui.shared.page import roomy_columns, sentence, told
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.undisturbed import undisturbed
from visionlab.ui.shared.widgets import duration
from visionlab.ui.studio import runs
from visionlab.ui.studio.pictures import arrivals
from visionlab.ui.studio.train import form, runs_table
from visionlab.ui.studio.train.form import number_of
from visionlab.ui.studio.train.run import Embedded, Settings, Trained, curve_of, is_of, labels_of, noted, train
from visionlab.wording import percent

QUEUE = "runs"
OURS = "Something went wrong here, not with your pictures. Train again."


def show(project: Project) -> None:
    """The whole step."""
    arrivals.wait(project)
    if arrivals.is_busy(project):  # what can be trained changes when they are in
        arrivals.show(project)
    job = going_on(project)  # to be looked at before what it has come to
    known = project.runs()
    if job:
        _look_at_what_is_at_work(project)  # a link that the browser sent with a second click is of before the first
        watch(project, job)
    else:
        if chosen := form.show(project, next(iter(runs.finished(known)), None)):
            start(project, *chosen)
            st.rerun()
        interrupted(project, known)
        if known:
            _result(project, next((run for run in known if run.id == st.query_params.get(runs.RUN)), known[0]))
    if known:
        runs_table.show(project, known)


# The run that goes on -------------------------------------------------------------------------------------------------


def start(project: Project, settings: Settings, pictures: int) -> str | None:
    """Begin a run in the background, which becomes the one that is looked at; where one of this project goes on, as
    after a second click, that one does. Its id is returned."""
    engine = cached.engine_of(net := cached.classifier(settings.network))
    with undisturbed():
        if at_work := _look_at_what_is_at_work(project):
            return at_work
        run = project.begin_run(noted(settings, pictures), waiting=True)
        given_up = partial(project.end_run, run, "cancelled")
        try:
            jobs.registry().submit(lambda _: train(project, run, net, engine), _about(project), QUEUE, given_up)
        except BusyError:  # another session was quicker, or its run has ended and is about to go
            given_up()
            project.remove_run(run)
            return _look_at_the_other(project)
        runs.link(run)
        return run


def go_on(project: Project, run: RunInfo) -> None:
    """Take an interrupted run up where it was; where one of this project goes on, that is looked at."""
    engine = cached.engine_of(net := cached.classifier(Settings.of(run).network))
    with undisturbed():
        try:
            jobs.registry().submit(lambda _: train(project, run.id, net, engine), _about(project), QUEUE)
        except BusyError:
            _look_at_the_other(project)
        else:
            runs.link(run.id)


def _look_at_what_is_at_work(project: Project) -> str | None:
    """The run of the project that is, if any, which is then the one that is looked at."""
    return _look_at(_at_work(project))


def _look_at_the_other(project: Project) -> str | None:
    """The run that was in the way is looked at, also where it has ended meanwhile."""
    return _look_at(_at_work(project) or next(iter(project.runs()), None))


def _look_at(run: RunInfo | None) -> str | None:
    if run is None:
        return None
    runs.link(run.id)
    return run.id


def _at_work(project: Project) -> RunInfo | None:
    """The run of the project that is at work or waits, in any server."""
    return next((run for run in project.runs() if run.state in AT_WORK), None)


def going_on(project: Project) -> jobs.Job | None:
    """The run of the project that is at work or waits, in this server."""
    job = jobs.registry().about(_about(project))
    return None if job is None or job.over else job


def _about(project: Project) -> str:
    return f"train {project.id}"


def watch(project: Project, job: jobs.Job) -> None:
    """How far the run is, over a button that stops it."""
    with st.container(border=True):
        jobs.watch(job, lambda: _progress(project, job), "Stop, and keep the best so far", "stop-run")
    st.caption("It goes on without this page: close it, or look around, and come back.")


@told()
def _progress(project: Project, job: jobs.Job) -> None:
    share, what = _how_far(job)
    at_work = _at_work(project)
    if at_work:
        st.markdown(f"**{runs.kind_title(at_work)}** on {runs.network_title(at_work)}")
    st.progress(share, what)
    if at_work and isinstance(job.latest, Trained) and job.latest.total > 1:
        st.plotly_chart(charts.curves(curve_of(at_work), job.latest.total), config=charts.PLAIN, key="live")


def _how_far(job: jobs.Job) -> tuple[float, str]:
    """The share of the present part that is done, and what to say of it."""
    latest = job.latest
    if place := job.place:
        before = "" if place == 1 else f", and {number_of(place - 1, 'waits', 'wait')} before this one"
        at_work = number_of(int(JOBS.value()), "other run is", "other runs are")
        return 0.0, f"Waiting: {at_work} at work{before}."
    if isinstance(latest, Embedded) and latest.done < latest.total:
        known = f"; {latest.known:,} were known" if latest.known else ""
        what = f"Picture {latest.done:,} of {latest.total:,} through the network{known}{_left(latest.left)}"
        return latest.done / latest.total, what
    if isinstance(latest, Trained) and latest.total > 1:
        what = f"Epoch {latest.done} of at most {latest.total}{_left(latest.left, 'at most ')}"
        return latest.done / latest.total, what
    if latest is not None:  # all pictures are through, and no epoch is over, or there is but one
        return 1.0, "Fitting …"
    return 0.0, "Looking at the pictures …"


def _left(seconds: float | None, bound: str = "") -> str:
    if seconds is None or seconds < 1:
        return ""
    return f" · {bound}{duration(seconds)} left"


# What became of it ----------------------------------------------------------------------------------------------------


def interrupted(project: Project, known: Sequence[RunInfo]) -> None:
    """Runs that the server's end cut short, each with a button that takes it up again."""
    for run in known:
        if run.state != "interrupted":
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":orange[:material/pause_circle:] The run of {runs.title(run)} was interrupted: the server ended.",
                width="stretch",
            )
            if st.button("Go on", type="primary", icon=":material/play_arrow:", key=f"go-on-{run.id}"):
                go_on(project, run)
                st.rerun()


def ended(run: RunInfo) -> None:
    """Why a run has no head, if it has none."""
    if run.state in AT_WORK:
        st.info("A run of this project goes on in another server. Reload to see how far it is.")
    elif run.state == "failed":
        sentence(run.error or OURS)
    elif run.state == "cancelled" and run.head is None:
        st.info("Stopped before there was a head. Your pictures are all still here.", icon=":material/stop_circle:")


def _result(project: Project, run: RunInfo) -> None:
    """What the latest run came to."""
    ended(run)
    if run.state in ("done", "cancelled") and run.head is not None:
        runs.keep(project, run)
        with st.container(border=True):
            _worth(project, run)


def _worth(project: Project, run: RunInfo) -> None:
    report, head = run.report, runs.head_of(run)
    one, two, three, four = roomy_columns(4, "worth")
    if "accuracy" in report:
        low, high = report["accuracy_interval"]
        one.metric("Right on held-out pictures", percent(report["accuracy"]))
        rests_on = counted(report["held_out"], report.get("different"), "held-out picture")
        then = "" if _is_of_now(project, run) else " when it was trained"
        one.caption(
            f"{rests_on}{then}. On others like these: between {percent(low)} and {percent(high)} (95% interval).",
            help=term("95% interval"),
        )
        two.metric(MAJORITY, percent(report["majority"]), help=term("baseline"))
        two.caption("The baseline to beat.")
    else:
        one.metric("Right on held-out pictures", "–")
        one.caption("None were held out, so nobody knows. Add pictures to find out.")
    facts = head.facts
    three.metric("Pictures", f"{report['trained_on']:,} + {report['held_out']:,}")
    all_in_the_end = facts.get("trained_on") == report["trained_on"] + report["held_out"] > report["trained_on"]
    three.caption(
        "Learned from, and held out to check; then learned from, too."
        if all_in_the_end
        else "Learned from, and held out."
    )
    four.metric("Time", "–" if report["seconds"] is None else duration(report["seconds"]))
    four.caption("Stopped: the best head until then." if run.state == "cancelled" else "From pictures to head.")
    each = (report.get(f"balanced_accuracy{what}") for what in ("", "_interval"))
    if each_class := runs.each_class(head, *each):  # below the figures, since a sentence would be a tall, thin column
        st.caption(each_class)
    for worth_less in filter(None, (runs.split_told(head), runs.epochs_told(run))):
        st.caption(f":material/info: {worth_less}")
    if stayed_linear(head):
        st.info(
            "Fine-tuning found nothing better on the held-out pictures than the linear head that it starts from, so "
            "this **is** that linear head.",
            icon=":material/info:",
        )
    epochs = curve_of(run)
    if len(epochs) > 1 and report["held_out"]:
        st.plotly_chart(charts.curves(epochs, len(epochs)), config=charts.PLAIN, key="curves")
    with st.container(horizontal=True, gap="small"):
        options = {"icon": ":material/arrow_forward:", "type": "primary", "key": "judge"}
        st.button("Judge it", on_click=judge, args=(run.id,), **options)
        runs.offer_predict(project, run)


def _is_of_now(project: Project, run: RunInfo) -> bool:
    """Whether it learned from the pictures and labels as they are, or nothing can be learned from these."""
    try:
        data, ids = project.labelled()
    except DatasetError:
        return True
    return is_of(run, labels_of(data, ids, project.classes()))


def judge(run: str) -> None:
    """Go on with that run to the step Judge."""
    runs.link(run)
    st.session_state["step"] = "Judge"
