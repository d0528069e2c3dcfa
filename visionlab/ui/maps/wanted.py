"""What a channel wants to see: activation maximisation as a background job, drawn while it goes on."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from visionlab.imaging.image import encode_png
from visionlab.network.inside.visualisation import Visualisation, visualise_channel
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared import jobs
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import show_exact

SIDE = 96  # pixels


@st.cache_resource(max_entries=64, show_spinner=False)
def _job(net_key: str, layer: str, channel: int, side: int, _net: Classifier) -> str:
    """Begin it, once for the whole server; the job's id."""

    def work(_: jobs.Job) -> Iterator[Visualisation]:
        yield from visualise_channel(_net, layer, channel, side)

    return jobs.registry().submit(work)


def show(network: Network, layer: str, channel: int) -> None:
    """A button to begin with; then the picture as it becomes clearer, and a button to stop."""
    asked = (network.key, layer, channel, SIDE)
    wanted = st.session_state.setdefault("wanted", set())
    st.caption(
        "Noise is changed, step by step, until it excites the channel as much as it can: a portrait of what it looks "
        "for (Olah, Mordvintsev & Schubert 2017)."
    )
    if asked not in wanted:
        st.button("Draw it", key="wanted-begin", icon=":material/brush:", on_click=wanted.add, args=(asked,))
        return
    job = jobs.begun(_job, *asked, network.net)
    if not job.over:
        jobs.watch(job, lambda: _picture(job), "Stop", "stop-wanted")
        return
    if job.error:
        sentence(job.error)
    _picture(job)
    if job.state != "done":
        st.button(
            "Begin again",
            key="wanted-again",
            icon=":material/replay:",
            on_click=_job.clear,
            args=(*asked, network.net),
        )


def _picture(job: jobs.Job) -> None:
    latest = job.latest
    if latest is None:
        st.progress(0.0, "Waiting for its turn …")
        return
    if latest.step < latest.steps:
        st.progress(latest.step / latest.steps, f"Step {latest.step} of {latest.steps}")
    show_exact(encode_png(latest.image), "What the channel looks for", width=3 * SIDE)
    st.caption(f"The channel answers it with {latest.activation:.2f} in the mean.")
