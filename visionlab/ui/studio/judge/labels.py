"""Labels that look wrong, one after the other: the suggestion is taken with one key, or left with another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from visionlab.learning.judging.suspects import LabelCheck, check_labels
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import PictureInfo
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.judge.case import Case, awaited, counted, different, too_alike
from visionlab.ui.studio.judge.gallery import gallery
from visionlab.wording import percent

LARGE = 640  # pixels of the picture in question


@dataclass(frozen=True)
class Doubt:
    """A picture that may be in the wrong class: ids of it, of the class that it had and of the one suggested."""

    picture: int
    label: int
    suggestion: int
    probability: float


@dataclass(frozen=True)
class Checked:
    """What the check came to, its suspects as doubts, and of which class each picture, by its id, was then."""

    check: LabelCheck
    doubts: tuple[Doubt, ...]
    labels: Mapping[int, int]


def show(case: Case) -> None:
    """The doubtful labels of all pictures of the run, those that were learned from among them."""
    st.markdown("**Pictures that may be in the wrong class**")
    st.caption(
        "Small heads, each of which has not seen a part of the pictures, are asked about that part (confident "
        "learning, Northcutt et al. 2021). What they doubt may be right, only hard: so look at each."
    )
    asked = (*case.held_out, *case.learned)
    counts = different((each.class_id for each in asked), asked)
    if len(counts) > 1 and sum(count > 1 for count in counts) < 2:
        too_alike("a check of labels")
        return
    subject = f"labels {case.project.id} {case.run.id}"

    def work(job: jobs.Job) -> Iterator[Checked]:
        yield _checked(case, job)

    job = awaited(subject, work, "Asking heads that have not seen them …")
    if job is None:
        return
    found: Checked = job.latest
    st.markdown(worth(found.check))
    classes, pictures = case.project.snapshot()
    names = {each.id: each.name for each in classes}
    there = {each.id: each for each in pictures}
    doubts = [each for each in found.doubts if each.picture in there and each.suggestion in names]
    open_ = [each for each in doubts if _is_open(each, there[each.picture])]
    since = sum(there[picture].class_id != label for picture, label in found.labels.items() if picture in there)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if since:
            has = "has" if since == 1 else "have"
            st.caption(f":material/history: {counted(since, 'label')} {has} changed since this check.", width="content")
        st.button(
            "Check again",
            key="check-labels",
            icon=":material/replay:",
            type="secondary" if since else "tertiary",
            on_click=attempt,
            args=(jobs.registry().submit, work, subject),
            help="With the labels as they are now; what you left where it is stays looked at.",
        )
    if found.check.is_too_weak:
        doubts = open_ = []
    elif not doubts:
        st.markdown(":material/check_circle: No label looks wrong.")
    elif open_:
        _ask(case.project, open_[0], there[open_[0].picture], names)
    done = len(doubts) - len(open_)
    if doubts:
        st.progress(done / len(doubts), f"{done:,} of {counted(len(doubts), 'doubtful label')} looked at")
    if doubts and not open_ and any(there[each.picture].class_id != each.label for each in doubts):
        st.caption(
            "At most a tenth of the pictures is shown at a time: with these corrected, “Check again” may find more."
        )
    if open_[1:]:
        st.markdown("**Still to come**")
        words = [f"{names[each.label]} → {names[each.suggestion]}" for each in open_[1:]]
        gallery(case.project, [there[each.picture] for each in open_[1:]], words, "doubts")
    changed = case.moved + case.elsewhere
    if changed or (doubts and not open_):
        st.button(
            "Go to Train",
            key="go-to-train",
            icon=":material/arrow_forward:",
            type="primary" if changed and not open_ else "secondary",
            on_click=st.session_state.update,
            args=({"step": "Train"},),
            help=f"With {counted(changed, 'label')} changed since this head was trained.",
        )


def _is_open(doubt: Doubt, picture: PictureInfo) -> bool:
    return picture.class_id == doubt.label and not picture.confirmed


def worth(check: LabelCheck) -> str:
    """What the check of labels is worth, in words, by what it found of labels that were made wrong for a test."""
    one = check.planted == 1
    rounds = f", over {check.rounds} rounds," if check.rounds > 1 else ""
    tested = (
        f"For a test, {counted(check.planted, 'label')}{rounds} {'was' if one else 'were'} made wrong: "
        f"**{check.found:,}** of them came into the tenth of all pictures that is doubted most"
    )
    if check.is_too_weak:
        return (
            f":orange[:material/warning:] {tested}; guessing finds a tenth of them. These heads are too weak to judge "
            "labels: more pictures, or another network underneath, would make them better."
        )
    return f"{tested}; what is shown here are those of it that look wrong. How many are, it cannot say."


def _ask(project: Project, doubt: Doubt, picture: PictureInfo, names: dict[int, str]) -> None:
    label, suggestion = names[doubt.label], names[doubt.suggestion]
    with st.container(border=True, key="doubt"):
        left, right = st.columns([1, 2], gap="large", vertical_alignment="center")
        with left:
            st.image(cached.picture_bytes(picture.digest, LARGE, project.load(picture)), width=280, alt=picture.name)
        with right:
            st.text(picture.name)
            st.markdown(
                f"It lies in **{plain(label)}**. The heads say **{plain(suggestion)}**, "
                f"{percent(doubt.probability)} sure."
            )
            with st.container(horizontal=True):
                st.button(
                    f"Move it to “{plain(suggestion)}”",
                    key="accept-doubt",
                    type="primary",
                    icon=":material/drive_file_move:",
                    shortcut="M",  # Enter presses what has the focus
                    on_click=attempt,
                    args=(project.move, [doubt.picture], doubt.suggestion),
                )
                st.button(
                    "Leave it there",
                    key="leave-doubt",
                    shortcut="L",
                    on_click=attempt,
                    args=(project.confirm, [doubt.picture]),
                )
            st.caption(
                "Undo, at the top, takes either back. All figures count at once what you correct; the head learns it "
                "when you train again."
            )


def _checked(case: Case, job: jobs.Job) -> Checked:
    pictures = (*case.held_out, *case.learned)
    features = case.features(pictures, lambda share: job.report(share / 2))
    ids = sorted({each.class_id for each in pictures})
    place = {class_id: number for number, class_id in enumerate(ids)}
    found = check_labels(
        features,
        [place[each.class_id] for each in pictures],
        np.array([each.group for each in pictures]),
        [str(each) for each in ids],
        progress=lambda done, of: job.report((1 + done / of) / 2),
    )
    doubts = [Doubt(pictures[s.index].id, ids[s.label], ids[s.suggestion], s.probability) for s in found.suspects]
    return Checked(found, tuple(doubts), {each.id: each.class_id for each in pictures})
