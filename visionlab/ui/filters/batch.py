"""A zip of pictures put through the chain, as a background job: what is asked for, how far it is, what came of it."""

from __future__ import annotations

from typing import BinaryIO

import streamlit as st

from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.answers.filtering import FORMATS, MAX_PICTURES, Progress, Result, filter_zip
from visionlab.learning.sets import archive
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import file_name, file_uploader
from visionlab.wording import not_read

SHOWN = 20  # names of pictures that were left out


def zip_filter(pipeline: Pipeline, fit: int | None) -> None:
    """Zip in, zip out: an uploader, progress with a button that stops it, and what came of it; fit as of filter_zip."""
    job = jobs.registry().find(st.session_state.get("batch"))
    busy = job is not None and not job.over
    file = file_uploader(
        "A zip of pictures",
        type=["zip"],
        key="batch-zip",
        max_upload_size=archive.MAX_UPLOAD_BYTES >> 20,
        disabled=busy,
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
    st.session_state["batch-name"] = file_name(file.name, "filtered", ".zip")
    st.session_state["batch"] = jobs.registry().submit(lambda job: filter_zip(data, pipeline, form, fit, job.report))


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
                st.session_state["batch-name"],
                "application/zip",
                icon=":material/download:",
                key="batch-download",
                on_click="ignore",
            )
        if result.left_out:
            count = len(result.left_out)
            st.markdown(f"{not_read(count, result.made + count)}:")
            st.text("\n".join([*result.left_out[:SHOWN], *(["…"] if count > SHOWN else [])]))


def _whole(result: Result) -> bytes:
    """The zip's bytes: read when they are asked for, not before."""
    result.file.seek(0)
    return result.file.read()
