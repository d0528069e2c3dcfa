"""The bar over the studio: which project, its undo and redo, and what else one may do with it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import streamlit as st

from visionlab.errors import DatasetError
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ProjectInfo
from visionlab.ui.shared import jobs, state
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.server.store import kept_for, workspace
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.visitor import COOKIE, owner
from visionlab.ui.shared.widgets import distinct, icon_button, icon_only, plain
from visionlab.wording import sized

NEW = "new"  # in the link in place of an id, where one asked for another project; ids are longer
CANCELLED = "Cancelled: nothing was kept."
VISITED = "visited-projects"  # in the session: {id: name} of those of others that were opened by their links
NOTHING = "came-to-nothing"  # in the session: (that it was stopped, why it failed) of a set whose project went with it
WINDING_UP = 10.0  # seconds at most from when an intake took its empty project away to its end
LONGEST_NAME = 60  # characters of a project's or a class's name that can be typed


def create(name: str) -> Project:
    """A project of this person's, which becomes the current one."""
    project = _made(name)
    go_to(project.id)
    return project


@contextmanager
def begun(name: str) -> Iterator[Project]:
    """A project of this person's for what comes in meanwhile; where it is still empty at the end, it goes again.

    That end may be in another thread than the beginning.
    """
    project, among = _made(name), workspace()
    try:
        yield project
    finally:
        if not project.classes():
            among.delete(project.id)
            _forget_lists()


def _made(name: str) -> Project:
    """Called so, or, where this person has a project of that name, with a number behind it, which it keeps."""
    owner, title, number = st.session_state[COOKIE], name[:LONGEST_NAME], 2
    taken = {each.name for each in workspace().projects(owner)}
    while title in taken:
        title, number = f"{name[: LONGEST_NAME - 5]} {number}", number + 1
    return workspace().create(title, owner)


def intake_into(project_id: str) -> str:
    """What a job is about that brings pictures into the project of that id."""
    return f"pictures into {project_id}"


@contextmanager
def not_taken_away() -> Iterator[None]:
    """Around what draws a project: where an intake that came to nothing takes it away meanwhile, it is drawn anew."""
    try:
        yield
    except DatasetError:
        current = state.project_id()
        if not current or current == NEW or current in workspace() or not _came_into(current):
            raise
        st.rerun()


def _came_into(project_id: str) -> jobs.Job | None:
    """The intake for which a project that is gone was made, if any: it goes a moment before the intake has ended."""
    came = jobs.registry().about(intake_into(project_id))
    if came:
        came.wait(WINDING_UP)
    return came


def choose() -> Project | None:
    """The bar, and the project that is worked on; None where the person has none yet, or wants another one."""
    # One may have gone while another thread made the list, which is kept all the same.
    mine = [info for info in _mine(owner(), str(workspace().folder)) if info.id in workspace()]
    wanted = state.project_id() or (mine[0].id if mine else NEW)
    if refused := state.take_problem():
        st.session_state.pop(NOTHING, None)  # which is of what was tried before
    project, (stopped, problem) = None, st.session_state.get(NOTHING, (None, None))
    if wanted != NEW:
        try:
            project = workspace().open(wanted)
            _tidied(project.id, project)
            state.keep_project(project.id)
            stopped = problem = st.session_state.pop(NOTHING, None)
            if project.id not in {info.id for info in mine}:
                st.session_state.setdefault(VISITED, {})[project.id] = info_of(project).name
        except DatasetError as error:
            came = _came_into(wanted)
            stopped = CANCELLED if came and came.state == "cancelled" else None
            problem = None if stopped else (came.error if came and came.error else _missing(wanted, error))
            if stopped or (came and came.error):  # nobody can go back to that project
                st.session_state[NOTHING] = stopped, problem
                state.keep_project(NEW)
    names = {info.id: info.name for info in mine} | _visited()
    with st.container():  # also where it holds nothing, so that what is below stays in its place
        if names:
            with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center", key="project-bar"):
                _bar(project, mine, names)
    with st.container():
        if stopped:
            st.container(border=True).markdown(f":material/stop_circle: {stopped}")
        if refused:  # also where one is far below
            st.toast("Not done: the top of the page says why.", icon=":material/error:")
        for text in filter(None, (problem, refused)):
            sentence(text)
    return project


def _missing(project_id: str, error: DatasetError) -> str:
    """Why a project does not open; of one that is not here, also what may have become of it."""
    return " ".join(filter(None, (str(error), None if project_id in workspace() else kept_for())))


def _visited() -> dict[str, str]:
    """{id: name} of the projects of others whose links this session came by, and which it can go back to."""
    return {id: name for id, name in st.session_state.get(VISITED, {}).items() if id in workspace()}


def _bar(project: Project | None, mine: list[ProjectInfo], names: Mapping[str, str]) -> None:
    if project:
        names = {**names, project.id: info_of(project).name}
    titles = distinct({**names, NEW: "New project …"})
    # What it shows follows the link and what was made, so it is told anew at each run.
    st.session_state["project-picker"] = project.id if project else NEW
    st.selectbox(
        "Project",
        titles,
        format_func=titles.get,
        key="project-picker",
        on_change=_pick,
        args=(titles.keys(),),
        label_visibility="collapsed",
        width=260,
    )
    if project is None:
        return
    info, yours = info_of(project), project.id in {each.id for each in mine}
    facts = [_counted(info.pictures, "picture"), _counted(info.classes, "class"), sized(info.size)]
    st.caption(" · ".join(facts if yours else [*facts, "opened by its link"]), width="stretch")
    for label, sentence_of, act in (("undo", project.undoable, project.undo), ("redo", project.redoable, project.redo)):
        told = f"{label.title()}: {plain(sentence_of)}" if sentence_of else f"There is nothing to {label}"
        icon_button(label, label, label.title(), attempt, act, help=told, disabled=sentence_of is None)
    options = {"icon": ":material/more_horiz:", "type": "tertiary", "help": "Name, link, copy, delete", "key": "menu"}
    with icon_only("menu").popover("More of the project", **options):
        _menu(project, info, mine, yours)


def _pick(offered: Container[str]) -> None:
    picked = st.session_state["project-picker"]
    if picked in offered:  # else the browser told a name that has changed since
        turn_to(picked)


def _menu(project: Project, info: ProjectInfo, mine: list[ProjectInfo], yours: bool) -> None:
    with st.form("rename-project", border=False):
        name = st.text_input("Name", info.name, key=f"name-{project.id}-{info.name}", max_chars=LONGEST_NAME)
        if st.form_submit_button("Rename", width="stretch"):
            project.rename(name)
            _forget_lists()
            st.rerun()
    st.caption("Anyone with this link can open the project and change it.")
    st.code(f"{(st.context.url or '').partition('?')[0]}?{state.PROJECT}={project.id}", language=None, wrap_lines=True)
    st.button(
        "Duplicate" if yours else "Make a copy of my own",
        icon=":material/content_copy:",
        width="stretch",
        key="duplicate",
        on_click=attempt,
        args=(_duplicate, project, info.name),
    )
    if yours and st.button("Delete …", icon=":material/delete:", width="stretch", key="delete"):
        _confirm_deleting(project, info)
    together = sized(info.size + sum(each.size for each in mine if each.id != project.id))
    st.caption(" ".join(filter(None, (f"All your projects together: {together}." if yours else None, kept_for()))))


@st.dialog("Delete this project?", icon=":material/delete:")
def _confirm_deleting(project: Project, info: ProjectInfo) -> None:
    st.text(info.name)
    st.markdown(f"{_counted(info.pictures, 'picture')} and all that was trained on them go for good; no undo helps.")
    with st.container(horizontal=True):
        args = (_delete, project.id)
        if st.button("Delete it", type="primary", key="delete-really", on_click=attempt, args=args):
            st.rerun()
        if st.button("Keep it", key="delete-not"):
            st.rerun()


def _delete(project_id: str) -> None:
    workspace().delete(project_id)
    jobs.registry().cancel(project_id)  # what trains, packs or brings in has nothing left to work on
    state.forget_project()
    _forget_lists()


def _duplicate(project: Project, name: str) -> None:
    go_to(workspace().duplicate(project.id, f"{name} (copy)", st.session_state[COOKIE]).id)


def go_to(project_id: str) -> None:
    """That project becomes the current one, also where it has just been made."""
    _forget_lists()
    turn_to(project_id)


def turn_to(project_id: str) -> None:
    """That project becomes the current one; the run that was looked at is one of another."""
    st.query_params.pop(state.RUN, None)
    st.session_state.pop(NOTHING, None)
    state.keep_project(project_id)


def _counted(number: int, what: str) -> str:
    plural = {"class": "classes"}.get(what, f"{what}s")
    return f"{number:,} {what if number == 1 else plural}"


# Sizes are counted file by file, so they are kept for some seconds.


@st.cache_data(ttl=20, max_entries=256, show_spinner=False)
def _mine(of: str, folder: str) -> list[ProjectInfo]:
    """The projects of that owner, the one that was changed last first."""
    return workspace().projects(of)


def info_of(project: Project) -> ProjectInfo:
    """Its name, counts and size; the size may be some seconds old."""
    classes = project.classes()
    return _info(project.id, tuple((each.id, each.count) for each in classes), project)


@st.cache_data(ttl=20, max_entries=256, show_spinner=False)
def _info(project_id: str, counts: tuple[tuple[int, int], ...], _project: Project) -> ProjectInfo:
    return _project.info()


def _forget_lists() -> None:
    _mine.clear()
    _info.clear()


@st.cache_resource(ttl=timedelta(hours=1), max_entries=256, show_spinner=False)
def _tidied(project_id: str, _project: Project) -> bool:
    """Whether what a killed process left in the project is gone."""
    _project.tidy()
    return True
