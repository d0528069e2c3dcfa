"""What comes into a project: a background job an intake. arrivals.py shows how far they are, and what came of them.

A whole set is the only one of its project at its time. Files and bursts for a class come in beside one another.
"""

from __future__ import annotations

import secrets
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab import limits
from visionlab.errors import BusyError, DatasetError, HeadAloneError, NoZipError, UnclearSetError, log_line
from visionlab.learning.projects import intake
from visionlab.learning.projects.intake import Incoming, Intake
from visionlab.learning.projects.project import Project
from visionlab.learning.sets.copies import none_readable
from visionlab.learning.sets.online_sets import OnlineSet
from visionlab.learning.sets.ready_made import READY_MADE
from visionlab.learning.takeaway.package import Watched, incoming_zip
from visionlab.ui.shared import jobs
from visionlab.ui.shared.components.burst import Batch
from visionlab.ui.studio.projects import go_to, intake_into
from visionlab.ui.studio.uploads import spooled
from visionlab.wording import shortened

RECORDED = "recorded"  # in the session: the ids of projects for whose classes a camera has been in use
WATCHED = "intakes"  # those that this session began, or saw going on, and has not put away
HEAD_ALONE = (
    "This zip holds a head and no pictures. “Open what you took away before”, where a new project begins, takes it, "
    "and so does the step Take away."
)
PAUSE = 3.0  # seconds at most from one part of what is dropped at once to the next


@dataclass(frozen=True)
class Taken:
    """All is in the project; an intake that was stopped before has no such end."""

    intake: Intake


@dataclass(frozen=True, eq=False)
class Unclear:
    """What the folders of a set are is asked: parts of it, or classes. `needed` is kept open until that is answered."""

    sentence: str
    source: Source
    needed: ExitStack
    spool: Path | None

    def __post_init__(self) -> None:
        weakref.finalize(self, self.needed.close)  # where nobody answers, and the server forgets the job


# What comes, of what the folders are where a person said so, and of who is told how far it is.
Source = Callable[[bool | None, Watched], Iterable[Incoming]]
Into = AbstractContextManager[Project]  # the project that takes a set, and what is done with it when that is over


def take_pictures(into: Callable[[], tuple[Project, str]], files: Sequence[UploadedFile], whole_sets: str) -> None:
    """Uploaded pictures into the class that `into` gives, with its project; zips are left out. whole_sets: what it says
    where these are taken. Raises DatasetError, which says so, once all others are on their way."""
    zips = [file.name for file in files if is_zip(file.name)]
    if pictures := [file for file in files if not is_zip(file.name)]:
        project, class_name = into()
        with ExitStack() as stack:
            found, spool = spooled(project, pictures, stack)
            of = _one_of(project, class_name)
            _begin(project, lambda *_: intake.from_files(class_name, found), stack, of=of, spool=spool)
    if zips:
        raise DatasetError(of_zips(zips, whole_sets))


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def of_zips(names: Sequence[str], whole_sets: str) -> str:
    """The sentence on zips that were brought for one class."""
    others = f" and {len(names) - 1:,} more are zips" if len(names) > 1 else " is a zip"
    return f"“{shortened(names[0])}”{others}, and this takes pictures of one class: zips come in under “{whole_sets}”."


def take_frames(project: Project, class_name: str, burst: str, frames: Sequence[bytes]) -> None:
    """Frames of one burst into a class: they belong together."""
    files = [(f"burst-{burst[:8]}-{number:02}.jpg", frame) for number, frame in enumerate(frames, 1)]
    of = _one_of(project, class_name)
    _begin(project, lambda *_: intake.from_files(class_name, files, group=burst), ExitStack(), of=of)


def take_batch(into: Callable[[], tuple[Project, str]], camera: str, batch: Batch) -> None:
    """Batches of a burst come one by one; when the last is here, the burst goes in as one, into what `into` gives: a
    project and the name of a class. camera: which one of the page they come from."""
    came = st.session_state.setdefault(f"frames-{camera}", {})
    frames = [*came.pop(batch.burst, []), *batch.frames]
    came.clear()  # of a burst that never came to its end
    if batch.number + 1 < batch.count:
        came[batch.burst] = frames
    else:
        project, class_name = into()
        take_frames(project, class_name, batch.burst, frames)
        st.session_state.setdefault(RECORDED, set()).add(project.id)


def forget_failed() -> None:
    """A set is tried anew: why others did not come in is told no longer."""
    st.session_state[WATCHED] = [job for job in st.session_state.get(WATCHED, ()) if not (job.over and job.error)]


def take_zip(into: Into, file: UploadedFile) -> None:
    """A zip of one folder a class, or one that this app wrote."""
    forget_failed()
    with ExitStack() as stack:
        project = stack.enter_context(into)
        [(name, path)], spool = spooled(project, [file], stack)
        _begin(project, lambda parts, report: _of_zip(name, path, parts, report), stack, spool=spool)


def _of_zip(name: str, path: Path, parts: bool | None, report: Watched) -> Iterable[Incoming]:
    """As incoming_zip, of a file of that name; a head alone is told which door takes it."""
    try:
        return incoming_zip(path, parts, report)
    except NoZipError as error:
        raise NoZipError(error.why, f"“{shortened(name)}”") from error.__cause__  # not by what it is kept under
    except HeadAloneError as error:
        raise DatasetError(HEAD_ALONE) from error


def take_folder(into: Into, files: Sequence[UploadedFile]) -> None:
    """What a browser sends of a folder: each file under its path in it."""
    forget_failed()
    with ExitStack() as stack:
        project = stack.enter_context(into)
        found, spool = spooled(project, files, stack)
        _begin(project, lambda parts, _: intake.from_browser(found, parts), stack, spool=spool)


def take_path(into: Into, path: Path) -> None:
    """A folder of one folder a class, or a zip as of take_zip, that lies at the server."""
    with ExitStack() as stack:
        project = stack.enter_context(into)
        folder = path.is_dir()
        _begin(
            project,
            lambda parts, report: (
                intake.from_folder(path, parts) if folder else _of_zip(path.name, path, parts, report)
            ),
            stack,
        )


def take_ready_made(into: Into, name: str) -> None:
    """One of READY_MADE."""
    forget_failed()
    chosen = READY_MADE[name]
    if chosen.online and not limits.DOWNLOADS.is_on() and not chosen.online.is_here():
        raise DatasetError(limits.DOWNLOADS_OFF)
    with ExitStack() as stack:
        project = stack.enter_context(into)
        _begin(project, lambda *_: intake.from_labelled(chosen.load()), stack, online=chosen.online)


def _begin(
    project: Project,
    source: Source,
    stack: ExitStack,
    parts: bool | None = None,
    online: OnlineSet | None = None,
    of: str = "",
    spool: Path | None = None,
) -> None:
    """Take in what source(parts, report) gives, in the background; what is on the stack is closed after that.

    of: what of the project it goes into, where that is not all of it, as _into_class says it. spool: as of intake.take.

    `online` is fetched before; its share is what the job reports. Where it is not clear what the folders are, the job
    ends with the question, and the stack stays open.
    """
    needed = stack.pop_all()

    def work(job: jobs.Job) -> Iterator[Intake | Taken | Unclear]:
        with needed:
            if online:
                with closing(online.fetch()) as steps:  # at once, where the job is stopped
                    for done, total in steps:
                        job.report(done / total)
            so_far = None
            try:
                incoming = source(parts, job.report)
            except UnclearSetError as unclear:
                yield Unclear(unclear.unclear, source, needed.pop_all(), spool)
                return
            for so_far in intake.take(project, incoming, spool):
                yield so_far
            if so_far and so_far.problems:  # of a folder of many, one line
                first, *others = so_far.problems
                log_line(f"{first} So it was with {len(others):,} others." if others else first)
            if not project.classes():
                raise DatasetError(_nothing(so_far))
            yield Taken(so_far)

    about = intake_into(project.id)
    before = jobs.registry().naming(f"{about} {of}") if of else coming_whole(project)
    if of:  # any number of others may go on beside it
        about = f"{about} {of} {secrets.token_hex(4)}"
    try:
        key = jobs.registry().submit(work, about=about, queue="pictures", dropped=needed.close)
    except BusyError:
        needed.close()
        raise
    watched = st.session_state.get(WATCHED, [])
    kept = [each for each in watched if (_goes_with_next(each) if each in before else not is_told(each))]
    st.session_state[WATCHED] = [*kept, jobs.registry().find(key)]
    go_to(project.id)


def _goes_with_next(job: jobs.Job) -> bool:
    """Whether an intake that begins now into the same place is told of together with this one: as parts of one drop."""
    return job.ended_at is None or time.time() - job.ended_at < PAUSE


def is_told(job: jobs.Job) -> bool:
    """Whether nothing but what was added is left to say of it here: what was left out, the project keeps."""
    return job.over and isinstance(job.latest, Taken) and not job.latest.intake.names


def _one_of(project: Project, class_name: str) -> str:
    """What an intake into that class is of."""
    return _into_class(next((each.id for each in project.classes() if each.name == class_name), ""))


def _into_class(class_id: int | str) -> str:
    return f"class-{class_id}"


def _nothing(came: Intake) -> str:
    """Why an intake left the project without a class."""
    if came.problems:
        return none_readable(came.problems)
    return "There are no pictures in these folders; put some of each class into its folder."


def coming(project: Project, class_id: int | None = None) -> list[jobs.Job]:
    """The intakes into a project, or into a class of it, that go on or ended; the oldest first."""
    subject = intake_into(project.id)
    return jobs.registry().naming(subject if class_id is None else f"{subject} {_into_class(class_id)}")


def coming_whole(project: Project) -> list[jobs.Job]:
    """The whole set that goes on, or ended last, if any."""
    job = jobs.registry().about(intake_into(project.id))
    return [job] if job else []


def answer(project: Project, asked: Unclear, parts: bool | None) -> None:
    """Go on with what the folders are; None: leave it be."""
    with asked.needed.pop_all() as needed:
        if parts is not None:
            _begin(project, asked.source, needed, parts, spool=asked.spool)
