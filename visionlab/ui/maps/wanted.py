"""What a channel or a unit wants to see: activation maximisation as a background job, drawn while it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from visionlab.imaging.image import encode_png
from visionlab.network.inside.trace import Box
from visionlab.network.inside.visualisation import Visualisation, visualise_channel
from visionlab.network.running.classifier import Classifier
from visionlab.ui.maps.look import Look
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import fixed, show_exact

SIDE = 96  # pixels, for a channel: where its units lie does not matter
SHARP = 300  # pixels: enlarged by a whole factor to about so many


@dataclass(frozen=True)
class Wanted:
    """What is drawn: that which excites a channel, in its mean or at one unit; of the picture, the box is shown."""

    layer: str
    channel: int
    side: int = SIDE
    unit: tuple[int, int] | None = None
    box: Box | None = None

    @property
    def what(self) -> str:
        return "channel" if self.unit is None else "unit"


def of_unit(look: Look, spot: Spot, box: Box) -> Wanted:
    """What the unit looks for at its own place; where there are no places it is all of its channel."""
    if look.maps[spot.layer].values[0].size == 1:
        return Wanted(spot.layer, spot.channel)
    return Wanted(spot.layer, spot.channel, look.side_of(spot.layer), spot.unit, box)


@st.cache_resource(max_entries=64, show_spinner=False)
def _job(net_key: str, layer: str, channel: int, side: int, unit: tuple[int, int] | None, _net: Classifier) -> str:
    """Begin it, once for the whole server; the job's id."""

    def work(_: jobs.Job) -> Iterator[Visualisation]:
        yield from cached.engine_of(_net).each(visualise_channel, layer, channel, side, unit=unit)

    return jobs.registry().submit(work)


def show(network: Network, wanted: Wanted, key: str, label: str) -> None:
    """A button of that label to begin with; then the picture as it becomes clearer, and a button to stop. key is for
    the buttons.
    """
    asked = (network.key, wanted.layer, wanted.channel, wanted.side, wanted.unit)
    begun = st.session_state.setdefault("wanted", set())
    if asked not in begun:
        st.button(label, key=f"{key}-begin", icon=":material/brush:", on_click=begun.add, args=(asked,))
        return
    job = jobs.begun(_job, *asked, network.net)
    if not job.over:
        jobs.watch(job, lambda: _picture(job, wanted), "Stop", f"stop-{key}")
        return
    if job.error:
        sentence(job.error)
    _picture(job, wanted)
    if job.state != "done":
        st.button(
            "Begin again",
            key=f"{key}-again",
            icon=":material/replay:",
            on_click=_job.clear,
            args=(*asked, network.net),
        )


def _picture(job: jobs.Job, wanted: Wanted) -> None:
    latest = job.latest
    if latest is None:
        st.progress(0.0, "Waiting for its turn …")
        return
    if latest.step < latest.steps:
        st.progress(latest.step / latest.steps, f"Step {latest.step} of {latest.steps}")
    image, box = latest.image, wanted.box
    if box:
        image = image[box.top : box.top + box.height, box.left : box.left + box.width].copy()
    factor = max(1, SHARP // max(image.shape[:2]))
    show_exact(encode_png(image.repeat(factor, 0).repeat(factor, 1)), f"What the {wanted.what} looks for")
    mean = " in the mean" if wanted.unit is None else ""
    st.caption(f"The {wanted.what} answers it with {fixed(latest.activation, 2)}{mean}.")
