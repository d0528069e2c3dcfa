"""Networks whose weights are not here yet: their size, a download with its progress, and a button that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import streamlit as st

from visionlab.network import weights
from visionlab.network.models import MODELS, Model, available
from visionlab.ui import jobs
from visionlab.ui.page import sentence


@st.cache_resource(max_entries=16, show_spinner=False)
def _job(name: str) -> str:
    """The id of a job that downloads a network's weight file."""
    file = MODELS[name].file

    def work(job: jobs.Job) -> Iterator[weights.Progress]:
        with closing(weights.download(file)) as steps:  # what it has begun ends with the job that is stopped
            for progress in steps:
                job.report(progress.done / (progress.total or file.to_download or progress.done or 1))
        yield weights.Progress(file.to_download or 0, file.to_download)

    return jobs.registry().submit(work)


def offer_downloads() -> None:
    """A row for each network that is not here."""
    for name in [name for name in MODELS if name not in available()]:
        _offer(MODELS[name])


def _offer(model: Model) -> None:
    wanted = st.session_state.setdefault("downloads", set())
    what, action = st.columns([3, 2], vertical_alignment="center")
    what.markdown(f"**{model.title}** · {_megabytes(model.file.to_download)}")
    what.caption(model.about)
    with action:
        if model.name not in wanted:
            st.button(
                "Download",
                key=f"download-{model.name}",
                icon=":material/download:",
                on_click=wanted.add,
                args=(model.name,),
                disabled=not model.file.can_be_had,
            )
            return
        job = jobs.begun(_job, model.name)
        if not job.over:
            jobs.watch(
                job,
                lambda: st.progress(min(job.share, 1.0), f"{job.share:.0%} of {_megabytes(model.file.to_download)}"),
                "Stop",
                f"stop-download-{model.name}",
            )
        else:  # stopped, or failed; or it came, and has been taken away since
            stopped = "Download" if model.file.source else "Go on"  # nothing is left of half a package
            st.button(
                {"cancelled": stopped, "failed": "Try again", "done": "Download"}[job.state],
                key=f"download-{model.name}",
                icon=":material/download:",
                on_click=_job.clear,
                args=(model.name,),
            )
    if job.over and job.error:
        sentence(job.error)


def _megabytes(size: int | None) -> str:
    return f"{size / 2**20:,.0f} MB" if size else "size unknown"
