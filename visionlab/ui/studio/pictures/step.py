"""The step “Pictures”: what comes in, the classes and their pictures, the data set out, and on to training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import streamlit as st

from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.heads.kinds import KINDS
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.ui.shared import links
from visionlab.ui.shared.components.burst import burst
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_only, plain
from visionlab.ui.studio.pictures import arrivals, as_zip, gallery, in_space, intake, one_class, sets
from visionlab.ui.studio.projects import info_of
from visionlab.ui.studio.uploads import of_class, uploader

ENOUGH = 2  # pictures a class: one to learn from, one to check with
LISTED, HEIGHT = 9, 330  # classes that are shown without scrolling; else pixels
WHOLE_SETS = "A folder, a zip, a ready-made set"
ALL = 0  # in place of a class's id
SEEN = {"In a grid": gallery.show, "In space": in_space.show}  # each may show the pictures of one class, or of all


def show(project: Project) -> None:
    """Everything about the project's pictures."""
    arrivals.wait(project)
    with st.container():  # also where it holds nothing: what moves on the page is mounted anew, a camera goes off
        busy = arrivals.show(project)
    classes, pictures = project.snapshot()
    with st.container():
        _next_step(classes)
    ways, seen = roomy_columns([1, 2.6], "pictures", gap="large")
    with ways:
        chosen = _choose_class(project, classes)
        if classes:
            _add(project, classes, chosen)
        with st.expander(WHOLE_SETS, icon=":material/library_add:", expanded=not (classes or busy)):
            sets.folders(lambda _: nullcontext(project), busy)
            sets.ready_made(lambda _: nullcontext(project), busy)
    with seen:
        if not pictures and busy:
            st.caption("The pictures will be here when all are in.")
        elif not pictures:
            _nothing_yet(classes)
        else:
            if chosen:
                one_class.bar(project, classes, chosen)
            links.begin("seen", {name: name for name in SEEN}, "way to see pictures", next(iter(SEEN)))
            seen_as = st.segmented_control(
                "Seen",
                SEEN,
                default=next(iter(SEEN)),
                required=True,
                key="seen",
                bind="query-params",
                label_visibility="collapsed",
            )
            SEEN[seen_as](project, classes, pictures, chosen.id if chosen else None)
            _near_duplicates(pictures)
    if pictures:
        st.divider()
        as_zip.offer(project, classes, pictures, info_of(project).name)


def _choose_class(project: Project, classes: Sequence[ClassInfo]) -> ClassInfo | None:
    """The class whose pictures are looked at, and which takes what comes in; None: all of them."""
    by_id = {each.id: each for each in classes}
    titles = {"All": ALL} | {plain(each.name): each.id for each in classes}

    def label(class_id: int) -> str:
        if class_id == ALL:
            return f"All · {sum(each.count for each in classes):,}"
        each = by_id[class_id]
        return f"{plain(each.name)} · {each.count:,}{'' if each.enabled else ' :gray[(off)]'}"

    def pick() -> None:
        picked = st.session_state["class"]
        if isinstance(picked, str):  # the browser told a label whose count has changed since
            picked = titles.get(picked.rpartition(" · ")[0])
        if picked in by_id or picked == ALL:
            st.session_state[kept] = picked

    kept = one_class.looked_at(project)
    if st.session_state.get(kept) not in by_id:  # at first, or since it was removed
        st.session_state[kept] = ALL
    if classes:
        st.session_state["class"] = st.session_state[kept]  # told anew, since the counts in the labels change
        with st.container(height=HEIGHT if len(classes) > LISTED else "content", border=False):
            st.radio("Classes", [ALL, *by_id], format_func=label, key="class", on_change=pick)

    def add() -> None:
        st.session_state[kept] = project.add_classes(one_class.names_in(st.session_state["new-class"]))[-1]
        st.session_state["new-class"] = ""

    with st.form("add-class", border=False), st.container(horizontal=True, gap="xsmall"):
        st.text_input(
            "Another class",
            placeholder="Another class" if classes else "A class, such as cats",
            max_chars=1_000,
            label_visibility="collapsed",
            key="new-class",
        )
        icon_only("add-class").form_submit_button("Add the class", icon=":material/add:", on_click=attempt, args=(add,))
    return by_id.get(st.session_state[kept])


def _add(project: Project, classes: Sequence[ClassInfo], chosen: ClassInfo | None) -> None:
    """Files and the camera, into the class that is chosen."""
    if chosen is None:
        names = {each.id: each.name for each in classes}
        into = st.selectbox("Add pictures to", names, format_func=names.get, key="into")
        chosen = next(each for each in classes if each.id == into)
    else:
        st.markdown(f"Add pictures to **{plain(chosen.name)}**")
    place = one_class.place_of(project.id, chosen.id)
    files, camera = st.tabs([":material/upload: Files", ":material/photo_camera: Camera"])
    with files:
        uploader(
            "Pictures",
            of_class(place),
            lambda found: intake.take_pictures(lambda: (project, chosen.name), found, WHOLE_SETS),
            type=None,
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES >> 20,
            label_visibility="collapsed",
        )
    with camera:
        burst(
            key="burst",
            on_batch=lambda batch: attempt(intake.take_batch, lambda: (project, chosen.name), "burst", batch),
        )


def _nothing_yet(classes: Sequence[ClassInfo]) -> None:
    with st.container(border=True):
        st.markdown("**:material/add_photo_alternate: No pictures yet**")
        st.markdown(
            "Choose a class on the left, and drop its pictures there. About twenty of each are plenty: from different "
            "sides, in different light, on different backgrounds."
            if classes
            else "Name your classes on the left, or bring a whole set: a folder, a zip, or one that is ready-made."
        )


def _near_duplicates(pictures: Sequence[PictureInfo]) -> None:
    sizes = [size for size in Counter(each.group for each in pictures).values() if size > 1]
    if sizes:
        st.caption(
            f":material/filter_none: {sum(sizes):,} pictures are near-duplicates, or of one burst, in {len(sizes):,} "
            f"group{'s' * (len(sizes) != 1)}. A group never lies on both sides of the split, so that no picture is "
            "checked with its own twin; but where it is all that a class has, its last pictures are held out."
        )


def _next_step(classes: Sequence[ClassInfo]) -> None:
    if lacks := lacking(classes):
        st.markdown(f":material/arrow_downward: **Next:** {lacks}")
    else:
        st.button(
            "Train",
            type="primary",
            icon=":material/arrow_forward:",
            key="to-training",
            on_click=st.session_state.update,
            args=({"step": "Train"},),
        )


def lacking(classes: Sequence[ClassInfo]) -> str | None:
    """What is to be done before these classes can be learned, as Markdown; None where nothing is."""
    learned = [each for each in classes if each.enabled]
    if len(learned) < 2:
        return f"{'Two classes are' if not learned else 'Another class is'} needed before it can be trained."
    few = [each for each in learned if each.count < ENOUGH]
    if few:
        names = ", ".join(f"“{plain(each.name)}”" for each in few[:3]) + (" and others" if len(few) > 3 else "")
        alone = next(kind.title for kind in KINDS.values() if kind.alone)
        return f"{names}: two pictures or more are needed of each class before it can be trained; of “{alone}”, one."
    return None
