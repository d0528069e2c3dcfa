"""The labelled data set as a zip of folders: made in the background, on disk, and then there to be downloaded."""

from __future__ import annotations

import mmap
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import streamlit as st

from visionlab.learning.store_files import telling
from visionlab.learning.store_project import Project
from visionlab.learning.store_rows import ClassInfo, PictureInfo
from visionlab.learning.store_zip import Packed, export_zip
from visionlab.ui import jobs
from visionlab.ui.page import sentence
from visionlab.ui.studio.projects import attempt
from visionlab.ui.widgets import sized


@dataclass(frozen=True, eq=False)
class Ready:
    """The zip of the project in that state, in a file that has no name: it goes with the last reference to it."""

    file: BinaryIO
    size: int
    state: int

    def read(self) -> bytes:
        with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:  # two may read at once
            return mapped[:]


def offer(project: Project, classes: Sequence[ClassInfo], pictures: Sequence[PictureInfo], name: str) -> None:
    """A button that makes the zip, its progress, and the download, until something is changed."""
    state = hash((tuple(classes), tuple(pictures), name))
    job = jobs.registry().about(_subject(project))
    if job and not job.over:
        jobs.watch(job, lambda: _progress(job), "Cancel", "cancel-zip")
        return
    if job and job.error:
        sentence(job.error)
    if job and isinstance(job.latest, Ready) and job.latest.state == state:
        st.download_button(
            f"Download the zip · {sized(job.latest.size)}",
            job.latest.read,
            (re.sub(r"[^\w -]", "", name).strip() or "pictures") + ".zip",
            "application/zip",
            icon=":material/download:",
            key="download-zip",
            on_click="ignore",
        )
    else:
        st.button(
            "Save the pictures as a zip",
            icon=":material/folder_zip:",
            key="make-zip",
            help="One folder a class, and a list of what folders cannot say. It can be brought in again.",
            on_click=attempt,
            args=(_make, project, state),
        )


def _make(project: Project, state: int) -> None:
    before = jobs.registry().about(_subject(project))
    if before and isinstance(before.latest, Ready):
        before.latest.file.close()  # at once, not when the server forgets that job

    def work(_: jobs.Job) -> Iterator[Packed | Ready]:
        with telling():
            file = tempfile.TemporaryFile(dir=project.folder)  # where a full disk is told of  # noqa: SIM115
        yield from export_zip(project, file)
        yield Ready(file, file.tell(), state)

    jobs.registry().submit(work, about=_subject(project), queue="pictures")


def _subject(project: Project) -> str:
    return f"zip of {project.id}"


def _progress(job: jobs.Job) -> None:
    now = job.latest if isinstance(job.latest, Packed) else None
    st.progress(now.done / now.total if now else 0.0, f"Packing {now.done:,} of {now.total:,}" if now else "Packing …")
