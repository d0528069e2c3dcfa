"""Which pictures the experiments are on: ready-made, downloaded, named or uploaded, or a project of the studio."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from visionlab import limits
from visionlab.errors import DatasetError, VisionlabError
from visionlab.learning.projects.project import Project
from visionlab.learning.scratch import SOURCES, SmallSet, download, load
from visionlab.learning.sets import archive
from visionlab.learning.sets.kinds import listed
from visionlab.ui.scratch.parts import linked
from visionlab.ui.shared import jobs, state, store
from visionlab.ui.shared.page import link, roomy_columns, sentence
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.visitor import may_name_files, named, owner
from visionlab.ui.shared.widgets import distinct, file_uploader, plain
from visionlab.wording import shortened, sized

PROJECT = "project"  # beside the names in SOURCES
OFFERED = "cifar10"  # of these, the one that the articles are on
OWN = "scratch-own"  # in the session: what it named or uploaded last
WHERE = "pictures"  # in the link: where that lies, or how what was uploaded is called
PANEL = "data-panel"
SIZES = (300, 1_000, 3_000, 10_000)  # pictures to learn from at most, and to test with, for who is in a hurry
LESSON = 3_000  # with which a larger set begins: a network learns something of so many in a minute
EVERY = 0


@dataclass(frozen=True, eq=False)
class Chosen:
    """The data that the experiments are on, and its name for people; source is a name in SOURCES, or PROJECT.

    data is a part of the whole where fewer pictures were asked for; both are the same otherwise. where: of what was
    named or uploaded, its path or its name.
    """

    source: str
    title: str
    data: SmallSet
    whole: SmallSet
    where: str | None = None

    @property
    def about(self) -> str:
        return f"{self.title}, {len(self.data.images):,} pictures"


def choose() -> Chosen | None:
    """The picker, and what it comes to; None where the pictures are not here yet, with what to do about that."""
    with st.container():  # also where it holds nothing, so that what is below stays in its place
        if problem := state.take_problem():
            sentence(problem)
    names = [*SOURCES, PROJECT]
    linked("data", {name: _title(name) for name in names}, "set of pictures")
    with st.container(horizontal=True, vertical_alignment="center", key="data-row"):
        told_of = st.container(width="content")
        picker = st.popover("Other pictures", icon=":material/tune:", key=PANEL, on_change="rerun")
    source = picker.selectbox(
        "Data",
        names,
        format_func=_title,
        key="data",
        persist_state="session",
        on_change=_close_panel,
    )
    st.query_params["data"] = source
    found = _project() if source == PROJECT else _source(source)
    if found is not None:
        state.keep_in_link(WHERE, found.where)
    if found is None:
        told_of.markdown(f"On **{_title(source)}**")
        return None
    for text in (*found.data.told, listed(found.data.unread, "picture cannot be read", "pictures cannot be read")):
        if text:
            st.text(text)
    sizes = [*(size for size in SIZES if len(found.data.classes) <= size < len(found.data.images)), EVERY]
    size = picker.selectbox(
        "Learn from",
        sizes,
        index=sizes.index(LESSON if LESSON in sizes else EVERY),
        format_func=lambda size: _size(size, len(found.data.images)),
        key=_size_key(found),
        persist_state="session",
        help="Fewer are tested on, too: as many at most, each class with its share.",
    )
    data = found.data.less(size) if size != EVERY else found.data
    picker.caption(_facts(data, SOURCES[source].about if source in SOURCES and not found.where else ""))
    told_of.markdown(f"On **{plain(found.title)}** :gray[· {len(data.images):,} to learn from]")
    return replace(found, data=data)


def _close_panel() -> None:
    """It would lie over what the page says of the set that was chosen in it."""
    st.session_state[PANEL] = False


def offer(chosen: Chosen, adds: str) -> None:
    """What another set would add to an experiment, and the way to it."""
    if chosen.source == OFFERED:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="offer"):
        st.caption(f"{SOURCES[OFFERED].title} {adds}", width="content")
        label = f"To {SOURCES[OFFERED].title}"
        st.button(
            label, key="offered", type="tertiary", icon=":material/photo_library:", on_click=_turn_to, args=(OFFERED,)
        )


def take_all(chosen: Chosen) -> None:
    """From the next run on the experiments are on all of its pictures."""
    st.session_state[_size_key(chosen)] = EVERY


def _size_key(chosen: Chosen) -> str:
    return f"most-{chosen.source}-{len(chosen.whole.images)}"


def _size(size: int, of: int) -> str:
    return f"all {of:,}" if size == EVERY else f"{size:,}, for a lesson" if size == LESSON else f"{size:,} pictures"


def _title(source: str) -> str:
    return SOURCES[source].title if source in SOURCES else "A project of yours"


def _facts(data: SmallSet, about: str) -> str:
    height, width, channels = data.shape
    kind = "grey" if channels == 1 else "RGB"
    counts = f"{len(data.images):,} to learn from, {len(data.test_images):,} to test with"
    whole = f"{counts} · {len(data.classes)} classes · {width} × {height} px, {kind}"
    return f"{about}  \n{whole}" if about else whole


# --- ready-made, downloaded, one's own ------------------------------------------------------------------------------


def _source(name: str) -> Chosen | None:
    _take_linked(name)
    own = st.session_state.get(OWN)
    if own is not None and own.source == name:
        with st.expander(f"{plain(own.title)} · name another one"):
            _bring(name)
        return own
    source = SOURCES[name]
    if name == "pictures":
        _bring(name)
        return None
    try:
        return _whole(name, source.title, _loaded(name))
    except DatasetError as error:
        if source.download is None:
            raise
        st.text(str(error))
    get, have = roomy_columns(2, "bring", gap="large")
    with get:
        st.markdown("**Download it**")
        _fetch(name)
    with have:
        st.markdown("**I have it already**")
        _bring(name)
    return None


@st.cache_resource(max_entries=len(SOURCES), show_spinner="Opening the pictures …")
def _loaded(name: str) -> SmallSet:
    return load(name)


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
        jobs.watch(job, lambda: st.progress(job.share, f"{job.share:.0%} of {size}"), "Stop", f"stop-{name}")
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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.zip"
        path.write_bytes(file.getbuffer())
        _turn_to(_take(name, path, file.name, file.name))


def _take_path(name: str, key: str) -> None:
    path = named(st.session_state[key].strip())
    _turn_to(_take(name, path, path.name, str(path)))


def _take_linked(name: str) -> None:
    """What the link names, where it lies on this computer and whoever came by it may open it; else what is missing."""
    where = st.query_params.get(WHERE)
    if not where or OWN in st.session_state or SOURCES[name].needs != "files":
        return
    if not (may_name_files() and Path(where).is_absolute()):
        called = shortened(where.replace("\\", "/").rpartition("/")[2])
        sentence(f"The link is on pictures called “{called}”, which are not here. Bring them once more.")
        return
    try:
        _take(name, named(where), Path(where).name, where)
        if told := state.take_problem():
            sentence(told)
    except VisionlabError as error:
        sentence(error)


def _take(name: str, path: Path, title: str, where: str) -> str:
    """As what they are taken: those of the source that was chosen, or else as pictures of one's own, which is told."""
    data = SOURCES[name].load(path, None, 0)
    if told := SOURCES[name].refusal(data):
        name = "pictures"
        state.keep_problem(f"{told} So it is taken as “{SOURCES[name].title}”.")
    st.session_state[OWN] = replace(_whole(name, title, data), where=where)
    return name


def _turn_to(source: str) -> None:
    st.session_state["data"] = source


def _whole(source: str, title: str, data: SmallSet) -> Chosen:
    return Chosen(source, title, data, data)


# --- a project of the studio ----------------------------------------------------------------------------------------


def _project() -> Chosen | None:
    mine = distinct({each.id: each.name for each in store.workspace().projects(owner())})
    if not mine:
        st.info("You have no project yet. Make one of a few photographs on the page “Fine-tune”.")
        link("Fine-tune")
        return None
    latest = state.project_id()
    wanted = st.selectbox(
        "Project",
        mine,
        index=list(mine).index(latest) if latest in mine else 0,
        format_func=mine.get,
        key="scratch-project",
    )
    project = store.workspace().open(wanted)
    classes, pictures = project.snapshot()
    data = _small(wanted, hash((tuple(classes), tuple(pictures))), mine[wanted], project)
    return _whole(PROJECT, mine[wanted], data)


@st.cache_resource(max_entries=4, show_spinner="Making the pictures small …")
def _small(project_id: str, state_of: int, name: str, _project: Project) -> SmallSet:
    return SmallSet.from_labelled(name, _project.labelled()[0])
