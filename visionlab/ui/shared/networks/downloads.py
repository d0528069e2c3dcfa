"""Networks whose weights are not here yet: their size, a download with its progress, and a button that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import streamlit as st

from visionlab import limits
from visionlab.network.files import weights
from visionlab.network.zoo.models import MODELS, Model, available
from visionlab.ui.shared import jobs
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import how_far
from visionlab.wording import sized


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


def suggest(model: Model, instead: str) -> None:
    """A sentence on a network that would do better here and is not here, on what stands in for it; and a button."""
    with st.container(horizontal=True, vertical_alignment="center", key="suggested-network"):
        told = f"{model.title} would do better here, but has to be brought first. {instead}"
        st.markdown(f":small[{told}]", width="content")
        problem = _bring(model, f"Bring it · {_size(model.file.to_download)}")
    if problem:
        sentence(problem)


def _offer(model: Model) -> None:
    what, action = st.columns([3, 2], vertical_alignment="center")
    what.markdown(f"**{model.title}** · {_size(model.file.to_download)}")
    what.caption(model.about)
    with action:
        problem = _bring(model, "Download")
    if problem:
        sentence(problem)


def _bring(model: Model, label: str) -> str | None:
    """The button that downloads, or how far it is and a button that stops it; why it failed, where it did."""
    wanted = st.session_state.setdefault("downloads", set())
    button = {"key": f"download-{model.name}", "icon": ":material/download:", "args": (model.name,)}
    by_hand = [file for file in model.files if not weights.is_here(file) and not file.can_be_had]
    if not limits.DOWNLOADS.is_on():
        return limits.DOWNLOADS_OFF
    if model.name not in wanted or by_hand:
        shell = f"From a shell: python -m visionlab models --get {model.name}"
        st.button(label, on_click=wanted.add, disabled=bool(by_hand), help=shell, **button)
        if by_hand:
            return (
                f"{by_hand[0].name} cannot be downloaded: put it into {weights.folder()} first. It is in the project."
            )
        return None
    job = jobs.begun(_job, model.name)
    if not job.over:
        jobs.watch(
            job,
            lambda: how_far(job, f"{job.share:.0%} of {_size(model.file.to_download)}"),
            "Stop",
            f"stop-download-{model.name}",
        )
        return None
    # Stopped, or failed; or it came, and has been taken away since. Nothing is left of half a package.
    stopped = label if model.file.source else "Go on"
    again = {"cancelled": stopped, "failed": "Try again", "done": label}[job.state]
    st.button(again, on_click=_job.clear, **button)
    return job.error


def _size(size: int | None) -> str:
    return sized(size) if size else "size unknown"
