"""What was taken away, opened again: a package with its pictures as a new project, a head alone as one's own head."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import BinaryIO

import numpy as np
import streamlit as st

from visionlab.errors import DatasetError, NoHeadError
from visionlab.learning.heads.head import Head, load_head
from visionlab.learning.heads.kinds import KINDS, stayed_linear
from visionlab.learning.judging.evaluation import macro_f1
from visionlab.learning.projects import intake
from visionlab.learning.projects.files import check_room
from visionlab.learning.projects.intake import Intake
from visionlab.learning.projects.outcome import Outcome
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.runs import CLASSES
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.splits import HELD_OUT
from visionlab.learning.takeaway import package
from visionlab.learning.takeaway.model_card import learned_all
from visionlab.learning.takeaway.package import Package, Watched, open_head, open_package
from visionlab.ui.shared import cached, jobs, state
from visionlab.ui.shared.networks import YOUR_HEAD, own_head
from visionlab.ui.shared.page import link, sentence
from visionlab.ui.shared.server import store
from visionlab.ui.shared.visitor import COOKIE
from visionlab.ui.shared.widgets import upload_limit
from visionlab.ui.studio import projects
from visionlab.ui.studio.train.run import LEARNED_FROM, Settings, learned_from, noted
from visionlab.ui.studio.uploads import uploader

OPENING, OPENED = "opening-package", "opened-head"
BEGAN = "training_began"  # in what a package tells of its training: when, as ISO 8601 with its zone


@dataclass(frozen=True)
class Opened:
    """The project that a package became."""

    project: str
    name: str
    pictures: int


def most_bytes() -> int:
    """Of a package that can come back: what the server takes of an upload, and open_package of a file."""
    return min(upload_limit() << 20, package.MAX_BYTES)


def show(zips: str) -> None:
    """An uploader for a package or a head, and what came of it. zips: where a zip of pictures is brought in."""
    job = jobs.registry().find(st.session_state.get(OPENING))
    busy = job is not None and not job.over
    uploader(
        "A zip that was packed here, or a head (.safetensors)",
        "package",
        partial(_take, zips),
        type=["zip", "safetensors"],
        disabled=busy,
    )
    if busy:
        jobs.watch(job, lambda: _progress(job), "Cancel", "cancel-opening")
    elif job is not None and job.error:
        sentence(job.error)
    elif job is not None and isinstance(job.latest, Opened):
        opened = job.latest
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(":green[:material/check_circle:]", width="content")
            st.text(f"“{opened.name}” is a project of yours now: {opened.pictures:,} pictures and their head.")
            st.button(
                "Go to it",
                type="primary",
                icon=":material/arrow_forward:",
                key="go-to-opened",
                on_click=_go,
                args=(opened,),
            )
    elif job is not None:
        st.caption("Cancelled: nothing was kept.")
    elif OPENED in st.session_state:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(":green[:material/check_circle:]", width="content")
            st.text(st.session_state[OPENED])
            link("Predict", "Try it on the Predict page")
    else:
        st.caption("With its pictures it becomes a new project: add to them, and train on. A head alone predicts.")


def _take(zips: str, files: Sequence[BinaryIO]) -> None:
    [file] = files
    for key in (OPENING, OPENED):
        st.session_state.pop(key, None)
    if file.name.lower().endswith(".safetensors"):
        _keep(load_head(file.getvalue()), file.name)
        return
    try:
        head, size = open_head(file)
    except NoHeadError as error:
        if not error.pictures:
            raise
        raise DatasetError(f"This zip holds pictures and no head. {zips} takes it.") from error.__cause__
    if size is None:
        _keep(head, file.name)
        return
    head.as_classifier(head.base(cached.classifier))  # it must fit its network, here and now
    name = PurePath(file.name).stem[: projects.LONGEST_NAME] or "Opened again"
    owner, workspace = st.session_state[COOKIE], store.workspace()
    check_room(workspace.size(), size, workspace.limit)
    st.session_state[OPENING] = jobs.registry().submit(
        lambda job: _restore(workspace, owner, name, file, job.report), queue="pictures"
    )


def _keep(head: Head, name: str) -> None:
    head.as_classifier(head.base(cached.classifier))
    own_head.keep(head, of=name)
    state.pick_network(YOUR_HEAD)
    st.session_state[OPENED] = f"{name} is your own head now: {', '.join(head.classes)}."


def _restore(workspace: Workspace, owner: str, name: str, file: BinaryIO, report: Watched) -> Iterator[Intake | Opened]:
    found = open_package(file, report)
    project = workspace.create(name, owner)
    kept = False
    try:
        with found.pictures:
            yield from intake.take(project, intake.from_zip(found.pictures))
        _keep_run(project, found)
        kept = True
        yield Opened(project.id, name, len(project.snapshot()[1]))
    finally:
        if not kept:
            workspace.delete(project.id)


def _keep_run(project: Project, found: Package) -> None:
    """The head as the project's first run, with the figures that the package tells. Which pictures it held out is not
    known, so none count as held out."""
    head = found.head
    told = replace(head, facts={**head.facts, **found.training})  # older packages have all of it in the head's file
    classes, pictures = project.snapshot()
    places = {name.casefold(): place for place, name in enumerate(head.classes)}
    of = {each.id: places.get(each.name.casefold()) for each in classes}
    known = [each for each in pictures if of[each.class_id] is not None]
    kind = str(head.facts.get("kind"))
    outcome = Outcome(
        head.classes,
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros((0, len(head.classes)), np.float32),
        np.array([each.id for each in known], np.int64),
        np.array([of[each.class_id] for each in known], np.int64),
    )
    settings = Settings(head.network, kind if kind in KINDS else "linear", (), HELD_OUT, 0)
    run = project.begin_run(noted(settings, len(known)), started=_began(told))
    project.keep_head(run, head.to_bytes())
    project.keep_outcome(run, outcome.to_bytes())
    ids = {places.get(each.name.casefold()): each.id for each in classes}
    report = {
        **_figures(told, len(known)),
        CLASSES: [ids.get(place) for place in range(len(head.classes))],
        LEARNED_FROM: learned_from([(each.id, each.class_id) for each in known]),
    }
    project.end_run(run, "done", report)


def _began(head: Head) -> float | None:
    """When its training began, in seconds since 1970; None where its file does not say so, or nothing that can be."""
    try:
        told = datetime.fromisoformat(str(head.facts.get(BEGAN))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return told if 0 < told <= time.time() else None


def _figures(head: Head, pictures: int) -> dict[str, object]:
    """What a run's report holds, as far as the head's file tells it."""
    facts, report = head.facts, head.report
    held_out = 0 if report is None else int(report.confusion.sum())
    trained_on = facts.get("trained_on", pictures)
    told = {} if report is None else {**report.figures(), "f1": macro_f1(report.confusion)}
    return {
        **told,
        "trained_on": max(0, trained_on - held_out) if learned_all(facts) else trained_on,
        "held_out": held_out,
        "stayed_linear": stayed_linear(head),
        "seconds": facts.get("seconds"),
    }


def _go(opened: Opened) -> None:
    st.session_state.pop(OPENING, None)
    st.session_state["step"] = "Classes"  # not where one was in another project
    projects.go_to(opened.project)


def _progress(job: jobs.Job) -> None:
    latest = job.latest
    if isinstance(latest, Intake) and latest.total:
        st.progress(latest.done / latest.total, f"{latest.done:,} of {latest.total:,} pictures taken in")
    else:
        st.progress(job.share, "Waiting for its turn …" if job.state == "waiting" else "Opening the zip …")
