"""Where pictures lie on a plane, by what a network says of them: at once, or as far as a slower way has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.learning.judging.nearness import WAYS, principal
from visionlab.ui.shared import jobs, links
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.widgets import how_far

WAY = "places"  # in the link: how the pictures are placed
FEW = 3  # pictures, below which nothing lies anywhere
TITLES = {name: way.title for name, way in WAYS.items()}
HELP = "; ".join(f"{way.title}: {way.why}" for way in WAYS.values()) + "."


@st.cache_resource(max_entries=4, show_spinner=False)
def _placing(way: str, net_key: str, pictures_key: str, _features: NDArray[np.float32]) -> str:
    """The id of a job that places them: places (N, 2), each better than the last."""

    def work(job: jobs.Job) -> Iterator[NDArray[np.float32]]:
        for done, places in enumerate(WAYS[way].place(_features), 1):
            yield places
            job.report(done / WAYS[way].stretches)

    return jobs.registry().submit(work, queue="space")


@st.cache_data(max_entries=8, show_spinner=False)
def _principal(net_key: str, pictures_key: str, _features: NDArray[np.float32]) -> NDArray[np.float32]:
    return principal(_features)


def placed(
    net_key: str, pictures_key: str, features: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Callable[[], None]]:
    """Where the pictures of features (N, F) are, (N, 2), by the way that is chosen here; and what tells, below them,
    how far a way has come that takes time.
    """
    links.begin(WAY, TITLES, "way to place pictures", "pca")
    way = st.segmented_control(
        "Placed by",
        TITLES,
        default="pca",
        required=True,
        format_func=TITLES.get,
        key=WAY,
        bind="query-params",
        help=HELP,
    )
    first = _principal(net_key, pictures_key, features)
    if way == "pca":
        return first, lambda: None
    arguments = (way, net_key, pictures_key, features)
    job = jobs.begun(_placing, *arguments)

    def going_on() -> None:
        if not job.over:
            what = "Bringing what is alike together …"
            jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-placing")
        elif job.state != "done":
            again(job, lambda: _placing.clear(*arguments))

    return first if job.latest is None else job.latest, going_on


def again(job: jobs.Job, clear: Callable[[], None]) -> None:
    """A job that was stopped or failed, and what begins it once more."""
    if job.error:
        sentence(job.error)
    st.button("Stopped. Begin again", key="again-in-space", icon=":material/replay:", on_click=clear)
