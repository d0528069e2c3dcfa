"""What comes into a project: a background job an intake, its progress, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.errors import BusyError, DatasetError
from visionlab.learning.projects import intake
from visionlab.learning.projects.files import telling
from visionlab.learning.projects.intake import Incoming, Intake
from visionlab.learning.projects.project import Project
from visionlab.learning.sets import archive
from visionlab.learning.sets.online_sets import OnlineSet
from visionlab.learning.sets.ready_made import READY_MADE
from visionlab.learning.takeaway.package import incoming_zip
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import icon_only
from visionlab.ui.studio.projects import go_to, intake_into

SOON = 0.4  # seconds that a page waits for an intake before it shows its progress
PROBLEMS = 200  # sentences about pictures that cannot be read that are shown
WATCHED = "intake"  # the intake that this session saw going on
ENDED = "ended-intake"  # there, too: the one after whose end the page has run


@dataclass(frozen=True)
class Taken:
    """All is in the project; an intake that was stopped before has no such end."""

    intake: Intake


Files = list[tuple[str, Path]]  # as they were named, and where they are
Into = AbstractContextManager[Project]  # the project that takes a set, and what is done with it when that is over


def take_pictures(project: Project, class_name: str, files: Sequence[UploadedFile]) -> None:
    """Uploaded pictures into a class."""
    with ExitStack() as stack:
        found = _spooled(project, files, stack)
        _begin(project, lambda: intake.from_files(class_name, found), stack)


def take_frames(project: Project, class_name: str, burst: str, frames: Sequence[bytes]) -> None:
    """Frames of one burst into a class: they belong together."""
    files = [(f"burst-{burst[:8]}-{number:02}.jpg", frame) for number, frame in enumerate(frames, 1)]
    _begin(project, lambda: intake.from_files(class_name, files, group=burst), ExitStack())


def take_zip(into: Into, file: UploadedFile) -> None:
    """A zip of one folder a class, or one that this app wrote."""
    with ExitStack() as stack:
        project = stack.enter_context(into)
        [(_, path)] = _spooled(project, [file], stack)
        _begin(project, lambda: incoming_zip(path), stack)


def take_folder(into: Into, files: Sequence[UploadedFile]) -> None:
    """What a browser sends of a folder: each file under its path in it."""
    with ExitStack() as stack:
        project = stack.enter_context(into)
        found = _spooled(project, files, stack)
        _begin(project, lambda: _by_folder(found), stack)


def take_path(into: Into, path: Path) -> None:
    """A folder of one folder a class, or a zip as of take_zip, that lies at the server."""
    with ExitStack() as stack:
        project = stack.enter_context(into)
        _begin(project, lambda: (intake.from_folder if path.is_dir() else incoming_zip)(path), stack)


def take_ready_made(into: Into, name: str) -> None:
    """One of READY_MADE."""
    chosen = READY_MADE[name]
    with ExitStack() as stack:
        project = stack.enter_context(into)
        _begin(project, lambda: intake.from_labelled(chosen.load()), stack, chosen.online)


def _by_folder(files: Files) -> list[Incoming]:
    """One class a sub-folder; where there are none, the folder itself is the class."""
    paths = {PurePosixPath(name).parts: path for name, path in files}
    if any(len(parts) > 2 for parts in paths):
        paths = {parts[1:]: path for parts, path in paths.items()}
    found = archive.by_class((), paths)
    archive.check_counts(found)
    return [each for name, items in found.items() for each in intake.from_files(name, items)]


def _spooled(project: Project, files: Sequence[UploadedFile], stack: ExitStack) -> Files:
    """The uploads on disk until the stack is closed: what is in memory can then go."""
    with telling():
        folder = stack.enter_context(project.receiving())
        paths = [folder / str(number) for number in range(len(files))]  # the names are somebody's
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(file.getvalue())
    return [(file.name, path) for file, path in zip(files, paths, strict=True)]


def _begin(
    project: Project, source: Callable[[], Iterable[Incoming]], stack: ExitStack, online: OnlineSet | None = None
) -> None:
    """Take in what source() gives, in the background; what is on the stack is closed after that.

    `online` is fetched before; its share is what the job reports.
    """
    needed = stack.pop_all()

    def work(job: jobs.Job) -> Iterator[Intake | Taken]:
        with needed:
            if online:
                with closing(online.fetch()) as steps:  # at once, where the job is stopped
                    for done, total in steps:
                        job.report(done / total)
            so_far = None
            for so_far in intake.take(project, source()):
                yield so_far
            if not project.classes():
                raise DatasetError(_nothing(so_far))
            yield Taken(so_far)

    try:
        jobs.registry().submit(work, about=_subject(project), queue="pictures", dropped=needed.close)
    except BusyError:
        needed.close()
        raise
    st.session_state[WATCHED] = jobs.registry().about(_subject(project))
    go_to(project.id)


def _nothing(came: Intake) -> str:
    """Why an intake left the project without a class."""
    if came.problems:
        return f"None of these {came.done:,} pictures can be read; of the first one: {came.problems[0]}"
    return "There are no pictures in these folders; put some of each class into its folder."


def _subject(project: Project) -> str:
    return intake_into(project.id)


def is_busy(project: Project) -> bool:
    """Whether pictures are on their way into the project."""
    job = jobs.registry().about(_subject(project))
    return job is not None and not job.over


# --- on the page ----------------------------------------------------------------------------------------------------


def _draw_anew(job: jobs.Job) -> None:
    """Run the page once more after the intake's end, since what stands above was drawn before it, or may have been."""
    st.session_state[ENDED] = job
    st.rerun()


def show(project: Project) -> bool:
    """How far the intake is, or what came of the last one; whether one goes on."""
    job = jobs.registry().about(_subject(project))
    watched = job is not None and st.session_state.get(WATCHED) is job
    if job and not job.over:
        st.session_state[WATCHED] = job
        if job.wait(SOON):
            _draw_anew(job)
        with st.container(border=True):
            jobs.watch(job, lambda: _progress(job), "Cancel", "cancel-intake")
        return True
    if not watched:
        return False  # a session that did not see it go on has no use for what came of it
    if st.session_state.get(ENDED) is not job:
        _draw_anew(job)
    with st.container(border=job.error is None):  # a sentence about an error has a border of its own
        with st.container(horizontal=True, vertical_alignment="center"):
            _outcome(job)
            icon_only("intake-seen").button(
                "Close",
                key="intake-seen",
                icon=":material/close:",
                type="tertiary",
                on_click=st.session_state.pop,
                args=(WATCHED, None),
            )
        if problems := _so_far(job).problems if job.events else ():
            with st.expander(f"{len(problems):,} file{'s' * (len(problems) != 1)} could not be read"):
                st.text("\n".join(problems[:PROBLEMS]))
                if len(problems) > PROBLEMS:
                    st.caption(f"and {len(problems) - PROBLEMS:,} more")
    return False


def _so_far(job: jobs.Job) -> Intake:
    return job.latest.intake if isinstance(job.latest, Taken) else job.latest


def _progress(job: jobs.Job) -> None:
    if job.state == "waiting":
        st.progress(0.0, "Waiting: others are bringing in pictures, too …")
    elif not job.events and job.share:
        st.progress(job.share, f"Downloading the set: {job.share:.0%}")
    elif not job.events:
        st.progress(0.0, "Looking what is there …")
    else:
        now = _so_far(job)
        of = f" of {now.total:,}" if now.total else ""
        share = now.done / now.total if now.total else 0.0
        st.progress(share, f"{now.done:,}{of} pictures looked at, {now.added:,} of them new")


def _outcome(job: jobs.Job) -> None:
    if job.error:
        sentence(job.error)
    elif isinstance(job.latest, Taken):
        st.markdown(f":material/check_circle: {told(job.latest.intake)}", width="stretch")
    else:
        st.markdown(":material/stop_circle: Cancelled; the project is as it was.", width="stretch")


def told(came: Intake) -> str:
    """What an intake came to, in one line."""
    parts = [f"{_counted(came.added, 'picture')} added" if came.added else "No new pictures"]
    if came.copies:
        parts.append(f"{_counted(came.copies, 'exact copy', 'exact copies')} left out")
    if came.near:
        parts.append(f"{_counted(came.near, 'near-duplicate')} kept together in groups")
    return ", ".join(parts) + "."


def _counted(number: int, what: str, plural: str | None = None) -> str:
    return f"{number:,} {what if number == 1 else plural or what + 's'}"
