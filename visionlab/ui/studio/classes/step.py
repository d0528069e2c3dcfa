"""The step “Classes”: a card a class, one button to train, and at once what it is worth and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial

import streamlit as st

from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.learning.sets.layout import class_names
from visionlab.ui.shared.page import roomy_columns, told
from visionlab.ui.shared.server.store import workspace
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import icon_only
from visionlab.ui.studio import projects
from visionlab.ui.studio.classes import cards, training, trying
from visionlab.ui.studio.classes.cards import Card
from visionlab.ui.studio.pictures import arrivals, one_class, sets
from visionlab.ui.studio.takeaway import opening

DRAFT = ("Class 1", "Class 2")  # while there is no project
DRAFTS = "drafts"  # in the session: how many of those became projects
MOST = 24  # cards at once
BEGUN = "begun-project"  # in the session: the id of the one that was made since the page without a project was drawn


def show(project: Project | None) -> None:
    """The whole step; without a project, what makes one: the first picture, a name, or a whole set."""
    if project is not None:
        arrivals.wait(project)
    else:
        st.session_state.pop(BEGUN, None)
    classes, pictures = project.snapshot() if project is not None else ([], [])
    ways, act = roomy_columns([1.9, 1], "classes", gap="medium")
    with ways:
        with st.container():
            busy = project is not None and arrivals.show_sets(project)
        _cards(project, classes, pictures)
    with act, st.container(key="classes-panel"), told(), projects.not_taken_away():
        run = training.show(project, classes, project is not None and arrivals.is_busy(project))
        with st.container():
            if run:
                trying.show(project, run)
    _whole_sets(project, busy)


def _cards(project: Project | None, classes: Sequence[ClassInfo], pictures: Sequence[PictureInfo]) -> None:
    start = 0
    if len(classes) > MOST:
        start = MOST * (one_class.page_of(len(classes), MOST, f"cards-{project.id}", "classes") - 1)
    if project is None:
        shown = [Card(place, name) for place, name in _places().items()]
    else:
        shown = cards.cards_of(project, classes)[start : start + MOST]
    of: dict[int, list[PictureInfo]] = {each.id: [] for each in classes}
    for each in pictures:
        of[each.class_id].append(each)
    with st.container(key="class-cards"):
        for card in shown:
            into = partial(_draft, card.place) if project is None else partial(_of_project, project, card)
            cards.show(card, into, project, of.get(card.class_id, ()))
        with st.container(border=True, gap="xsmall", key="another-class"):
            _adder(project)


def _adder(project: Project | None) -> None:
    def add() -> None:
        names = one_class.names_in(st.session_state["new-class"])
        if there := project or _begun_meanwhile():
            there.add_classes(names)
        else:
            _begun(dict(zip(names, _places(), strict=False)), names)
        st.session_state["new-class"] = ""

    with st.form("add-class", border=False):  # not cleared: what cannot be added stays, to be mended
        with st.container(horizontal=True, gap="xsmall", wrap=False):
            st.text_input(
                "Add classes",
                placeholder="ant, bee, fly",
                max_chars=1_000,
                label_visibility="collapsed",
                key="new-class",
            )
            icon_only("add-class").form_submit_button(
                "Add the classes", icon=":material/add:", on_click=attempt, args=(add,)
            )
        st.caption("Add a class, or more with commas." if project else "Or name your classes, with commas.")


def _of_project(project: Project, card: Card, name: str | None) -> tuple[Project, str]:
    """As cards.Into says."""
    if name is not None and name != card.name:
        project.rename_class(card.class_id, name)
    return project, card.name if name is None else name.strip()


def _draft(place: str, name: str | None) -> tuple[Project, str]:
    """As cards.Into says: the project is made, with a class for each place, unless another card was quicker."""
    if project := _begun_meanwhile():
        card = next(each for each in cards.cards_of(project, project.classes()) if each.place == place)
        return _of_project(project, card, name)
    names = _places() | ({} if name is None else {place: name.strip()})
    return _begun({named: at for at, named in names.items()}, list(names.values())), names[place]


def _places() -> dict[str, str]:
    """{place: name} of the cards while there is no project: the next project's are others than those of the last, so
    that what a browser still holds of those, a name, a message, is of none of them."""
    first = len(DRAFT) * st.session_state.get(DRAFTS, 0) + 1
    return {f"place-{number}": name for number, name in enumerate(DRAFT, first)}


def _begun(places: Mapping[str, str], names: Sequence[str]) -> Project:
    """A project with these classes; those at a place keep its widgets, and a camera that is on there."""
    names = class_names(names)  # what is wrong with them is told before there is a project
    project = projects.create(_title(names))
    st.session_state[BEGUN] = project.id
    st.session_state[DRAFTS] = st.session_state.get(DRAFTS, 0) + 1
    for name, class_id in zip(names, project.add_classes(names), strict=True):
        if name in places:
            one_class.keep_place(project.id, class_id, places[name])
    return project


def _begun_meanwhile() -> Project | None:
    """The project that was made since the page without one was drawn, of which what is done here still comes."""
    made = st.session_state.get(BEGUN)
    return workspace().open(made) if made in workspace() else None


def _title(names: Sequence[str]) -> str:
    """“ant and bee”, “ant, bee and 3 more”, “My pictures” where nobody has named them."""
    if set(names) & set(DRAFT):
        return "My pictures"
    first = ", ".join(names[:2]) if len(names) > 2 else " and ".join(names)
    return first + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _whole_sets(project: Project | None, busy: bool) -> None:
    """A folder, a zip or a ready-made set: into the project, or as a new one."""
    place = projects.begun if project is None else lambda _: nullcontext(project)
    # On the empty page it is open: who has folders brings all classes by one act.
    with st.expander(cards.WHOLE_SETS, icon=":material/library_add:", expanded=project is None):
        whole, ready = roomy_columns(2, "start")
        with whole:
            sets.folders(place, busy)
        with ready:
            sets.ready_made(place, busy)
    if project is None:
        with st.expander("Open what you took away before", icon=":material/unarchive:"):
            opening.show("“A zip”, above,")
