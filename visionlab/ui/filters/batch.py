"""A zip of pictures put through a chain of filters: a background job that writes another zip, one picture at a time."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import streamlit as st

from visionlab.errors import DatasetError, VisionlabError
from visionlab.imaging.image import GOOD_FORMATS, encode_jpeg, encode_png, load_image
from visionlab.imaging.image import fit as fitted
from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.sets import archive
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import file_uploader

MAX_PICTURES = 1_000
MAX_RESULT_BYTES = 500 * 2**20  # of the zip that is written; it lies on the server's disk until the next one
SHOWN = 20  # names of pictures that were left out
FORMATS = {"PNG": (".png", encode_png), "JPEG": (".jpg", encode_jpeg)}


@dataclass(frozen=True)
class Progress:
    """So many of the pictures are through; the next one has come so far, 0..1."""

    done: int
    total: int
    part: float = 0.0


@dataclass(frozen=True, eq=False)
class Result:
    """The zip, an open temporary file that ends with the last reference to it, and what could not be taken in, why."""

    file: BinaryIO
    made: int
    left_out: tuple[str, ...]


def filter_zip(
    data: bytes | BinaryIO, pipeline: Pipeline, form: str, fit: int | None = None
) -> Iterator[Progress | Result]:
    """Put each picture of a zip through the chain; the last thing that comes is the Result.

    `form` is a name in FORMATS. With `fit` each picture is shrunk first to so many pixels on its longest side. Pictures
    keep their path with another ending; one that cannot be read is left out, and named. The zip is written to a
    temporary file without a name: whoever stops asking leaves nothing behind.
    Raises DatasetError for what is no zip, holds no picture, or is over a limit here or of learning/sets/archive.py.
    """
    ending, encode = FORMATS[form]
    steps = max(1, len(pipeline.steps) - len(pipeline.off))
    made, left_out, names = 0, [], set()
    result = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this function
    try:
        with archive.opened(data) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target:
            pictures = _pictures(source)
            for done, (parts, entry) in enumerate(pictures):
                yield Progress(done, len(pictures))
                name = "/".join(parts)
                try:
                    image = load_image(archive.read_entry(source, entry, name))
                    image = image if fit is None else fitted(image, fit)
                    for number, stage in enumerate(pipeline.stages(image), 1):
                        image = stage.image
                        yield Progress(done, len(pictures), number / (steps + 1))
                    encoded = encode(image)
                except VisionlabError as error:
                    left_out.append(f"{name}: {error}")
                    continue
                if result.tell() + len(encoded) > MAX_RESULT_BYTES:
                    most = MAX_RESULT_BYTES >> 20
                    raise DatasetError(f"With “{name}” the result has over {most:,} MB; take fewer pictures, or JPEG.")
                target.writestr(_free_name(PurePosixPath(name), ending, names), encoded)
                made += 1
        result.seek(0)
    except BaseException:  # also when nobody asks for the next picture: what is half done is of no use
        result.close()
        raise
    yield Progress(len(pictures), len(pictures))
    yield Result(result, made, tuple(left_out))


def _pictures(source: zipfile.ZipFile) -> list[tuple[tuple[str, ...], zipfile.ZipInfo]]:
    """(parts of its path, entry) of each picture in the zip."""
    found = archive.pictures_in(source)
    if not found:
        raise DatasetError(f"The zip holds no picture; put {GOOD_FORMATS} files into it.")
    if len(found) > MAX_PICTURES:
        raise DatasetError(f"The zip holds {len(found):,} pictures; at most {MAX_PICTURES:,} are taken.")
    archive.check_unpacked(sum(info.file_size for _, info in found))
    return found


def _free_name(path: PurePosixPath, ending: str, taken: set[str]) -> str:
    """The path with that ending, and a number where cat.jpg and cat.png would meet."""
    name, number = str(path.with_suffix(ending)), 2
    while name.casefold() in taken:
        name, number = str(path.with_name(f"{path.stem}-{number}{ending}")), number + 1
    taken.add(name.casefold())
    return name


# --- on the page ----------------------------------------------------------------------------------------------------


def zip_filter(pipeline: Pipeline, fit: int | None) -> None:
    """Zip in, zip out: an uploader, progress with a button that stops it, and what came of it; fit as above."""
    job = jobs.registry().find(st.session_state.get("batch"))
    busy = job is not None and not job.over
    file = file_uploader(
        "A zip of pictures", type=["zip"], key="batch-zip", max_upload_size=archive.MAX_ZIP_BYTES >> 20, disabled=busy
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("As", list(FORMATS), default="PNG", required=True, key="batch-form", disabled=busy)
        st.button(
            "Filter them all",
            key="batch-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy or file is None,
            on_click=_start,
            args=(file, pipeline, fit),
        )
    if busy:
        jobs.watch(job, lambda: _progress(job), "Cancel", "batch-cancel")
    elif job is not None:
        _outcome(job)
    else:
        size = f"with at most {fit:,} pixels a side, as on the page" if fit else "at its full size"
        st.caption(f"Every picture {size}, up to {MAX_PICTURES:,} of them; folders are kept.")


def _start(file: BinaryIO, pipeline: Pipeline, fit: int | None) -> None:
    data = file.getvalue()  # the uploader may be emptied while the job is at work
    form = st.session_state["batch-form"]  # as it is now: the page may not have run since it was changed
    before = jobs.registry().find(st.session_state.get("batch"))
    if before and isinstance(before.latest, Result):
        before.latest.file.close()  # and with it the last result is gone from the disk
    st.session_state["batch"] = jobs.registry().submit(lambda job: filter_zip(data, pipeline, form, fit))


def _progress(job: jobs.Job) -> None:
    latest = job.latest
    if isinstance(latest, Progress):
        done = (latest.done + latest.part) / latest.total
        st.progress(min(done, 1.0), f"Picture {min(latest.done + 1, latest.total)} of {latest.total}")
    else:
        st.progress(0.0, "Waiting for its turn …" if job.state == "waiting" else "Opening the zip …")


def _outcome(job: jobs.Job) -> None:
    if job.error:
        sentence(job.error)
    elif job.state == "cancelled":
        st.info("Cancelled: nothing was kept. The zip that you gave is still here.", icon=":material/stop_circle:")
    elif isinstance(job.latest, Result):
        result = job.latest
        st.markdown(f"**{result.made} picture{'s' * (result.made != 1)}** went through the chain.")
        if result.made:
            st.download_button(
                "Download the zip",
                lambda: _whole(result),
                "filtered.zip",
                "application/zip",
                icon=":material/download:",
                key="batch-download",
                on_click="ignore",
            )
        if result.left_out:
            count = len(result.left_out)
            st.markdown(f"{count} could not be read and {'was' if count == 1 else 'were'} left out:")
            st.text("\n".join([*result.left_out[:SHOWN], *(["…"] if count > SHOWN else [])]))


def _whole(result: Result) -> bytes:
    """The zip's bytes: read when they are asked for, not before."""
    result.file.seek(0)
    return result.file.read()
