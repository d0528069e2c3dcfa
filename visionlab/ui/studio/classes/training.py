"""Training from the step Classes: one button, with what is usually best, and what came of it in a line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from visionlab.errors import DatasetError
from visionlab.learning.heads.kinds import KINDS, usual_kind, why_usual
from visionlab.learning.judging.metrics import counted
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo
from visionlab.learning.projects.runs import RunInfo
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import VALIDATION
from visionlab.learning.sets.splits import HELD_OUT
from visionlab.network.zoo.models import MODELS, TO_NAME, first_here
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio import runs
from visionlab.ui.studio.train import step as train
from visionlab.ui.studio.train.run import Labels, Settings, is_of, labels_of
from visionlab.wording import percent

STARTED = "started-here"  # in the session: the run that was started in this step


def recommended(data: LabelledImages) -> Settings:
    """What is usually best for these pictures, on the best network that is here."""
    kind = usual_kind(data)
    return Settings(first_here(TO_NAME), kind.name, kind.views, None if VALIDATION in data.parts else HELD_OUT, 0)


def show(project: Project | None, classes: Sequence[ClassInfo], busy: bool) -> RunInfo | None:
    """The button, how far a run is, and the figure of the last one that has a head, which is returned."""
    job = train.going_on(project) if project is not None else None  # to be looked at before what it has come to
    known = project.runs() if project is not None else []
    latest = next(iter(runs.finished(known)), None)
    data, labels, lacks = _data(project, classes, busy)
    fresh = data is not None and latest is not None and is_of(latest, labels)
    with st.container():
        if job:
            train.watch(project, job)
        else:
            _button(project, data, lacks, fresh)
            if project is not None:
                train.interrupted(project, known)
            if known and known[0].head is None:
                train.ended(known[0])
    with st.container():
        if latest:
            _worth(project, latest, fresh or data is None)
    return latest


def _data(
    project: Project | None, classes: Sequence[ClassInfo], busy: bool
) -> tuple[LabelledImages | None, Labels, str | None]:
    """What there is to learn from, whose labels those are, or what is to be done before, as plain text."""
    empty = [each.name for each in classes if each.enabled and not each.count]
    if busy:
        return None, (), "The pictures are coming in …"
    if project is not None and sum(each.enabled for each in classes) < 2:
        return None, (), "Add another class: two or more can be told apart."
    if not any(each.count for each in classes):
        return None, (), "Give each class some pictures: twenty are plenty."
    if empty:
        return None, (), f"“{empty[0]}” has no pictures yet."
    try:
        data, ids = project.labelled()
        return data, labels_of(data, ids, classes), None
    except DatasetError as problem:
        return None, (), str(problem)


def _button(project: Project | None, data: LabelledImages | None, lacks: str | None, fresh: bool) -> None:
    st.button(
        "Train again" if fresh else "Train",
        type="secondary" if fresh else "primary",
        icon=":material/play_arrow:",
        width="stretch",
        key="train-here",
        disabled=data is None,
        on_click=attempt,
        args=(_start, project),
    )
    if lacks:
        st.text(lacks)
    elif data is not None and not fresh:
        chosen = recommended(data)
        what = f"{KINDS[chosen.kind].title} on {MODELS[chosen.network].title}; the step Train offers more."
        st.caption(" ".join(filter(None, [what, plain(why_usual(data))])))
        if few := data.few():
            st.caption(f":material/warning: {plain(few)}")


def _start(project: Project) -> None:
    data, _ = project.labelled()  # as it is now
    st.session_state[STARTED] = train.start(project, recommended(data), len(data))


def just_trained(run: RunInfo) -> bool:
    """Once: whether the run, which is over, is the one that was started here last."""
    if st.session_state.get(STARTED) != run.id:
        return False
    del st.session_state[STARTED]
    return True


def _worth(project: Project, run: RunInfo, fresh: bool) -> None:
    report, head = run.report, runs.head_of(run)
    with st.container(gap="xsmall", key="worth-here"):
        if "accuracy" in report:
            low, high = map(percent, report["accuracy_interval"])
            st.markdown(
                f"**{percent(report['accuracy'])} right** on "
                f"{counted(report['held_out'], report.get('different'), 'held-out picture')}"
                f"{'' if fresh else ' when it was trained'}; on others like them {low} to {high}.",
                help=f"{term('held out')} {term('95% interval')}",
            )
            each = (report.get(f"balanced_accuracy{what}") for what in ("", "_interval"))
            if told := runs.each_class(head, *each):
                st.caption(told)
        else:
            st.markdown("**Trained.** How good it is, nobody knows: no picture was held out.")
        for worth_less in filter(None, (runs.split_told(head), runs.epochs_told(run))):
            st.caption(worth_less)
        if not fresh:
            st.caption(runs.outdated(project, run))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Judge it",
                icon=":material/arrow_forward:",
                type="tertiary",
                key="judge-here",
                help="What it gets wrong, doubtful labels, whether more pictures would help",
                on_click=train.judge,
                args=(run.id,),
            )
            runs.offer_predict(project, run)
