"""The labelled data set as a zip of folders: made in the background, on disk, and then there to be downloaded."""

from __future__ import annotations

import mmap
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import streamlit as st

from visionlab.learning.projects.as_zip import Packed, export_zip, parts
from visionlab.learning.projects.files import telling
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.undisturbed import attempt
from visionlab.ui.shared.widgets import how_far
from visionlab.wording import sized

PART = 500 * 10**6  # bytes of pictures a zip: what is downloaded is in the server's memory, whole


@dataclass(frozen=True, eq=False)
class Ready:
    """The zips of the project in that state, in files that have no name: they go with the last reference to them."""

    files: Sequence[BinaryIO]
    state: int

    def read(self, part: int) -> bytes:
        with mmap.mmap(self.files[part].fileno(), 0, access=mmap.ACCESS_READ) as mapped:  # two may read at once
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
        _downloads(job.latest, re.sub(r"[^\w -]", "", name).strip() or "pictures")
    else:
        st.button(
            "Save the pictures as a zip",
            icon=":material/folder_zip:",
            key="make-zip",
            help="One folder a class, and a list of what folders cannot say. It can be brought in again.",
            on_click=attempt,
            args=(_make, project, pictures, state),
        )


def _downloads(ready: Ready, name: str) -> None:
    count = len(ready.files)
    for number, file in enumerate(ready.files):
        what = f"part {number + 1} of {count}" if count > 1 else "the zip"
        st.download_button(
            f"Download {what} · {sized(os.fstat(file.fileno()).st_size)}",
            partial(ready.read, number),
            f"{name}{f' {number + 1} of {count}' if count > 1 else ''}.zip",
            "application/zip",
            icon=":material/download:",
            key=f"download-zip-{number}",
            on_click="ignore",
            help="Each part is a zip of its own, and can be brought in again like one." if count > 1 else None,
        )


def _make(project: Project, pictures: Sequence[PictureInfo], state: int) -> None:
    before = jobs.registry().about(_subject(project))
    if before and isinstance(before.latest, Ready):
        for file in before.latest.files:
            file.close()  # at once, not when the server forgets that job

    def work(_: jobs.Job) -> Iterator[Packed | Ready]:
        files, done = [], 0
        for part in parts(pictures, PART):
            with telling():
                files.append(tempfile.TemporaryFile(dir=project.folder))  # where a full disk is told of  # noqa: SIM115
            for packed in export_zip(project, files[-1], {each.id for each in part}):
                yield Packed(done + packed.done, len(pictures))
            with telling():
                files[-1].flush()  # its size is asked of the disk
            done += len(part)
        yield Ready(files, state)

    jobs.registry().submit(work, about=_subject(project), queue="pictures")


def _subject(project: Project) -> str:
    return f"zip of {project.id}"


def _progress(job: jobs.Job) -> None:
    now = job.latest if isinstance(job.latest, Packed) else None
    if now:
        st.progress(now.done / now.total, f"Packing {now.done:,} of {now.total:,}")
    else:
        how_far(job, "Packing …")
