"""A test folder: pictures that were never in the project, one folder a class, scored on their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.errors import BusyError, DatasetError, UnclearSetError
from visionlab.imaging.image import MAX_BYTES, Image
from visionlab.learning.judging.evaluation import Evaluation, score
from visionlab.learning.projects import intake
from visionlab.learning.projects.files import telling
from visionlab.learning.sets import archive
from visionlab.learning.sets.dataset import LabelledImages, LazyImages
from visionlab.learning.sets.kinds import TEST
from visionlab.learning.takeaway.package import labelled_zip
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import plain
from visionlab.ui.studio.judge.case import Case, counted
from visionlab.ui.studio.judge.cells import cells, class_figures, said, worst_mistakes
from visionlab.ui.studio.judge.gallery import THUMBNAIL, paged
from visionlab.ui.studio.uploads import listed, spooled, uploader
from visionlab.wording import percent


@dataclass(frozen=True, eq=False)
class Scored:
    """What came of the file of that name; thumbnails of its pictures, JPEG files, lie one after the other in an open
    temporary file, and `parts` says where by the evaluation's places. told and problems: those of LabelledImages."""

    name: str
    evaluation: Evaluation
    told: Sequence[str]
    problems: Sequence[str]
    file: BinaryIO
    parts: Sequence[slice]

    def thumbnail(self, place: int) -> bytes:
        # Mapped, since several sessions that sought and read would disturb each other.
        return np.memmap(self.file, np.uint8, "r")[self.parts[place]].tobytes()


def show(case: Case) -> None:
    """A folder or a zip in, figures out; nothing of it is kept in the project."""
    st.markdown("**How good is it on pictures from elsewhere?**")
    subject = f"test of {case.project.id} {case.run.id}"
    job = jobs.registry().about(subject)
    busy = job is not None and not job.over
    folder, zipped = roomy_columns(2, "test-folder", vertical_alignment="bottom")
    with folder:
        uploader(
            "A folder with one folder a class, named like the classes",
            "test-folder",
            lambda files: _begin_folder(case, subject, files),
            type=None,
            accept_multiple_files="directory",
            max_upload_size=MAX_BYTES >> 20,
            disabled=busy,
        )
    with zipped:
        uploader(
            "A zip of such a folder",
            "test-zip",
            lambda files: _begin(
                case, subject, files[0].name, lambda: labelled_zip(files[0], classes=lambda: case.head.classes)
            ),
            type=["zip"],
            max_upload_size=archive.MAX_UPLOAD_BYTES >> 20,
            disabled=busy,
        )
    tested = sum(each.part == TEST for each in case.project.snapshot()[1])
    if tested:
        st.button(
            f"Score the test part of the set: {counted(tested, 'picture')}",
            icon=":material/quiz:",
            key="test-part",
            disabled=busy,
            on_click=attempt,
            args=(_begin, case, subject, "The test part of the set", lambda: case.project.labelled()[0].part(TEST)),
        )
    if busy:
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), "Scoring the pictures …"), "Stop", "stop-test")
    elif job is None:
        st.caption("Photographs of another day, another camera or another place tell the most. They are not kept.")
    elif job.error:
        sentence(job.error)
    elif isinstance(job.latest, Scored):
        scored = replace(job.latest, evaluation=job.latest.evaluation.limited(case.head.refusal))  # that of now
        _result(scored, f"cells-test-{case.run.id}")
    else:
        st.caption("Stopped before all was scored.")


def _begin_folder(case: Case, subject: str, files: Sequence[UploadedFile]) -> None:
    """Score what a browser sends of a folder."""
    with ExitStack() as stack:
        found, _ = spooled(case.project, files, stack)
        name = PurePosixPath(files[0].name).parts[0]
        _begin(case, subject, name, lambda: intake.labelled(intake.from_browser(found)), stack)


def _begin(
    case: Case, subject: str, name: str, read: Callable[[], LabelledImages], stack: ExitStack | None = None
) -> None:
    """Score what `read` gives, in the background; what is on the stack is closed after that."""
    net, refusal = case.net, case.head.refusal
    needed = stack.pop_all() if stack else ExitStack()

    def work(job: jobs.Job) -> Iterator[Scored]:
        with needed, telling():
            try:
                data = read()
            except UnclearSetError as error:
                raise DatasetError(error.unclear) from error
            parts: dict[int, slice] = {}
            kept = tempfile.TemporaryFile(dir=case.project.folder)  # where a full disk is told of  # noqa: SIM115

            def look(index: int) -> Image:
                image = data.images[index]
                start = kept.tell()
                kept.write(cached.thumbnail(data.keys[index], THUMBNAIL, lambda: image))
                parts[index] = slice(start, kept.tell())
                return image

            watched = replace(data, images=LazyImages(look, range(len(data))))
            found = score(net, watched, lambda done, of: job.report(done / of), refusal=refusal)
            kept.flush()
        yield Scored(name, found, data.told, data.problems, kept, [parts[index] for index in found.places.tolist()])

    try:
        jobs.registry().submit(work, subject, dropped=needed.close)
    except BusyError:
        needed.close()
        raise


def _result(scored: Scored, key: str) -> None:
    found = scored.evaluation
    report = found.report
    st.text(scored.name)
    st.subheader(f"{percent(report.accuracy)} are right", anchor=False)
    st.markdown("  \n".join(f"{told}." for told in (*report.sentences(), f"Mean F1: {found.f1:.2f}")))
    if told := found.refusals_told:
        st.markdown(told)
    if found.left_out:
        st.markdown(plain(found.left_out))
    for text in scored.told:
        st.text(text)
    listed(scored.problems, "could not be read", "could not be read")

    def pictures(places: Sequence[int], key: str) -> None:
        names = [found.names[place] for place in places]
        paged(lambda shown: scored.thumbnail(places[shown]), said(found, places), names, key)

    class_figures(report)
    cells(found, pictures, key)
    worst_mistakes(found, pictures)
