"""How pictures come to the experiments: ready-made, downloaded, named or uploaded, or a project of the studio."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from visionlab import limits
from visionlab.errors import DatasetError, VisionlabError
from visionlab.learning.projects.project import Project
from visionlab.learning.scratch import SOURCES, SmallSet, download, load
from visionlab.learning.sets import archive
from visionlab.learning.sets.reading import Progress
from visionlab.ui.scratch.sets.opening import Opening
from visionlab.ui.shared import jobs, state
from visionlab.ui.shared.page import link, roomy_columns, sentence
from visionlab.ui.shared.server import store
from visionlab.ui.shared.server.pages import is_off
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.visitor import may_name_files, named, owner
from visionlab.ui.shared.widgets import distinct, file_uploader, how_far, plain
from visionlab.wording import shortened, sized

PROJECT = "project"  # beside the names in SOURCES
CHOSEN_PROJECT = "scratch-project"  # the widget that says which one
OWN = "scratch-own"  # in the session: what it named or uploaded last
COMING = "scratch-coming"  # there, too: what it named or uploaded and is not open yet
UNOPENED = "scratch-unopened"  # and what the link names and could not be opened, with why
WHERE = "pictures"  # in the link: where that lies, or how what was uploaded is called


@dataclass(frozen=True, eq=False)
class Chosen:
    """The data that the experiments are on, and its name for people; source is a name in SOURCES, or PROJECT.

    data is a part of the whole where fewer pictures were asked for; both are the same otherwise. where: of what was
    named or uploaded, its path or its name. lesson: how many pictures of a larger set do for a lesson.
    """

    source: str
    title: str
    data: SmallSet
    whole: SmallSet
    where: str | None = None
    lesson: int | None = None

    @property
    def about(self) -> str:
        return f"{self.title}, {len(self.data.images):,} pictures"


# --- ready-made, downloaded, one's own ------------------------------------------------------------------------------


def ready(name: str) -> Chosen | None:
    """The pictures of a source, None where they are not here yet, with what to do about that."""
    if name == PROJECT:
        return _project()
    source = SOURCES[name]
    if source.needs == "nothing":
        return _whole(name, source.title, _made(name))
    _take_linked(name)
    if COMING in st.session_state and st.session_state[COMING].source == name:
        return None
    own = st.session_state.get(OWN)
    if own is not None and own.source == name:
        with st.expander(f"{plain(own.title)} · name another one"):
            _bring(name)
        return own
    if source.download is None:
        _bring(name)
        return None
    try:
        data = _opened(_loaded, name)
    except DatasetError as error:
        st.text(str(error))
    else:
        return data and _whole(name, source.title, data)
    get, have = roomy_columns(2, "bring", gap="large")
    with get:
        st.markdown("**Download it**")
        _fetch(name)
    with have:
        st.markdown("**I have it already**")
        _bring(name)
    return None


@st.cache_resource(max_entries=len(SOURCES), show_spinner="Opening the pictures …")
def _made(name: str) -> SmallSet:
    return load(name)


@st.cache_resource(max_entries=len(SOURCES), show_spinner=False)
def _loaded(name: str) -> Opening:
    return Opening(SOURCES[name].title, lambda progress: load(name, progress=progress))


def _opened(start: Callable[..., Opening], *arguments: object) -> SmallSet | None:
    """What a function kept by st.cache_resource opens, once for the same arguments; None where it is not open yet,
    which is shown. Raises DatasetError where it could not be opened; the next run tries again."""
    opening = start(*arguments)
    if opening.data is None and not opening.job.over:
        opening.watch(start.__name__)
        return None
    if opening.data is None:
        start.clear(*arguments)
        if opening.job.error:
            raise DatasetError(opening.job.error)
        st.button(f"Open {plain(opening.title)}", key=f"open{start.__name__}", icon=":material/folder_open:")
    return opening.data


@st.cache_resource(max_entries=4, show_spinner=False)
def _download(name: str) -> str:
    """The id of a job that downloads a set."""

    def work(job: jobs.Job) -> Iterator[str]:
        for done, total in download(name):
            job.report(done / total)
        yield name

    return jobs.registry().submit(work)


def _fetch(name: str) -> None:
    if not limits.DOWNLOADS.is_on():
        sentence(limits.DOWNLOADS_OFF)
        return
    wanted = st.session_state.setdefault("scratch-downloads", set())
    size = sized(SOURCES[name].download.size)
    if name not in wanted:
        args = (name,)
        label = f"Download {size}"
        st.button(label, key=f"download-{name}", icon=":material/download:", on_click=wanted.add, args=args)
        return
    job = jobs.begun(_download, name)
    if not job.over:
        jobs.watch(job, lambda: how_far(job, f"{job.share:.0%} of {size}"), "Stop", f"stop-{name}")
        return
    if job.error:
        sentence(job.error)
    label = {"cancelled": f"Download {size}", "failed": "Try again", "done": "Download again"}[job.state]
    st.button(label, key=f"download-{name}", icon=":material/download:", on_click=_download.clear, args=(name,))


def _bring(name: str) -> None:
    """A zip that is uploaded or, for who sits at the server itself, a zip or a folder there."""
    number = st.session_state.setdefault("scratch-uploads", 0)
    key = f"upload-{name}-{number}"
    file_uploader(
        "A zip with one folder a class, or with “train” and “test” folders that hold these",
        type=["zip"],
        key=key,
        max_upload_size=archive.MAX_UPLOAD_BYTES >> 20,
        on_change=attempt,
        args=(_take_upload, name, key),
    )
    if not may_name_files():
        return
    with st.form(f"named-{name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Or where it lies on this computer", placeholder="/home/me/pictures.zip", key=f"path-{name}")
        st.form_submit_button("Open", on_click=lambda: attempt(_take_path, name, f"path-{name}"))


def _take_upload(name: str, key: str) -> None:
    file = st.session_state[key]
    if file is None:
        return
    st.session_state["scratch-uploads"] += 1  # the next uploader is an empty one

    def read(progress: Progress) -> SmallSet:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pictures.zip"
            path.write_bytes(file.getbuffer())
            return SOURCES[name].load(path, None, 0, progress)

    _take(name, file.name, file.name, read)


def _take_path(name: str, key: str) -> None:
    path = named(st.session_state[key].strip())
    _take(name, path.name, str(path), lambda progress: SOURCES[name].load(path, None, 0, progress))


def _take_linked(name: str) -> None:
    """What the link names, where it lies on this computer and whoever came by it may open it; else what is missing."""
    where = st.query_params.get(WHERE)
    if not where or {OWN, COMING} & {*st.session_state} or SOURCES[name].needs != "files":
        return
    if not (may_name_files() and Path(where).is_absolute()):
        called = shortened(where.replace("\\", "/").rpartition("/")[2])
        sentence(f"The link is on pictures called “{called}”, which are not here. Bring them once more.")
        return
    before, why = st.session_state.get(UNOPENED, (None, None))
    if before == where:
        sentence(why)
        return
    try:
        path = named(where)
        _take(name, path.name, where, lambda progress: SOURCES[name].load(path, None, 0, progress), linked=True)
        if told := state.take_problem():
            sentence(told)
    except VisionlabError as error:
        sentence(error)


@dataclass(frozen=True, eq=False)
class _Coming:
    """What is being opened, as pictures of that source, and where it lies or what it is called."""

    source: str
    where: str
    opening: Opening
    linked: bool


def _take(source: str, title: str, where: str, read: Callable[[Progress], SmallSet], linked: bool = False) -> None:
    """Begin to open it, in place of what else this session waits for; what is open at once is taken at once."""
    if before := st.session_state.pop(COMING, None):
        before.opening.job.cancel()
    st.session_state[COMING] = _Coming(source, where, Opening(title, read), linked)
    arrive()


def arrive() -> None:
    """Before the picker: take what has been opened meanwhile. As what it is: as pictures of the source that was chosen,
    or else of one's own, which is told. Raises DatasetError where it could not be opened."""
    coming: _Coming | None = st.session_state.get(COMING)
    if coming is None or not coming.opening.job.over:
        return
    del st.session_state[COMING]
    data, source = coming.opening.data, coming.source
    if data is None:
        why = coming.opening.job.error or f"“{shortened(coming.opening.title)}” was not opened, since it was stopped."
        st.session_state[UNOPENED] = coming.where, why
        raise DatasetError(why)
    if told := SOURCES[source].refusal(data):
        source = "pictures"
        state.keep_problem(f"{told} So it is taken as “{SOURCES[source].title}”.")
    st.session_state[OWN] = replace(_whole(source, coming.opening.title, data), where=coming.where)
    if not coming.linked:  # by a link, it is where the link says
        st.session_state["data"] = source


def read_names_as(encoding: str) -> None:
    """Read the names in the zip that was brought in that encoding. Raises DatasetError as SmallSet.read_as does."""
    own: Chosen = st.session_state[OWN]
    data = own.whole.read_as(encoding)
    st.session_state[OWN] = replace(own, data=data, whole=data)


def watch_coming() -> None:
    """Show how far the opening is of what was named or uploaded, if that goes on."""
    if coming := st.session_state.get(COMING):
        coming.opening.watch("own")


def _whole(source: str, title: str, data: SmallSet) -> Chosen:
    return Chosen(source, title, data, data)


# --- a project of the studio ----------------------------------------------------------------------------------------


def _project() -> Chosen | None:
    mine = distinct({each.id: each.name for each in store.workspace().projects(owner())})
    if not mine:
        hint = "" if is_off("Fine-tune") else " Make one of a few photographs on the page “Fine-tune”."
        st.info(f"You have no project yet.{hint}")
        link("Fine-tune")
        return None
    latest = state.project_id()
    wanted = st.selectbox(
        "Project",
        mine,
        index=list(mine).index(latest) if latest in mine else 0,
        format_func=mine.get,
        key=CHOSEN_PROJECT,
    )
    project = store.workspace().open(wanted)
    classes, pictures = project.snapshot()
    data = _opened(_small, wanted, hash((tuple(classes), tuple(pictures))), mine[wanted], project)
    return data and _whole(PROJECT, mine[wanted], data)


@st.cache_resource(max_entries=4, show_spinner=False)
def _small(project_id: str, state_of: int, name: str, _project: Project) -> Opening:
    return Opening(name, lambda progress: SmallSet.from_labelled(name, _project.labelled()[0], progress=progress))
