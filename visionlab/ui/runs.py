"""A training run in the app: started as a background job, watched while it goes on, shown when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import streamlit as st

from visionlab.errors import VisionlabError
from visionlab.learning.dataset import LabelledImages
from visionlab.learning.embedding import embedding_batches
from visionlab.learning.heads import load_head
from visionlab.learning.training import EPOCHS, Epoch, Fit, fit
from visionlab.network.classifier import Classifier
from visionlab.ui import cached, charts, jobs, state
from visionlab.ui.page import sentence
from visionlab.ui.state import Example

RUN = "run"  # in the link, so that a reload finds the run again


@dataclass(frozen=True)
class Embedded:
    """So many of the pictures have been through the network."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Trained:
    """One more epoch; the run holds the best head so far."""

    epoch: Epoch
    run: Fit


def start(classes: Mapping[str, list[Example]], net: Classifier, validation: float, seed: int) -> None:
    """Begin a run on these pictures; its id goes into the link."""
    uploads = {name: [(example.name, example.data) for example in examples] for name, examples in classes.items()}

    def work(_: jobs.Job) -> Iterator[Embedded | Trained]:
        import numpy as np

        data = LabelledImages.from_uploads(uploads)
        data.split(validation=validation, seed=seed)  # what cannot be split is told before the long part
        found = []
        for features in embedding_batches(net, data.images):
            found.append(features)
            yield Embedded(sum(map(len, found)), len(data))
        run = fit(data, net, features=np.concatenate(found), validation=validation, seed=seed)
        for epoch in run:
            yield Trained(epoch, run)

    st.query_params[RUN] = jobs.registry().submit(work)


def current() -> jobs.Job | None:
    """The run that the link names, or the session's last one, if this server still knows it."""
    key = st.query_params.get(RUN) or st.session_state.get(RUN)
    job = jobs.registry().find(key)
    if job:
        st.query_params[RUN] = st.session_state[RUN] = key
    return job


def open_head() -> None:
    """An uploader for a head that was saved; one that cannot be used is refused in a sentence, and all stays."""
    st.file_uploader("Head", type=["safetensors"], key="head-file", on_change=_take_head, label_visibility="collapsed")
    if problem := state.head_error():
        sentence(problem)


def _take_head() -> None:
    file = st.session_state["head-file"]
    state.keep_head_error(None)
    if file is None:
        return
    try:
        head = load_head(file.getvalue())
        head.as_classifier(cached.classifier(head.network))  # it must fit its network, here and now
        state.keep_head(head)
    except VisionlabError as error:
        state.keep_head_error(f"{file.name}: {error}")


def watch(job: jobs.Job) -> None:
    """Progress and live curves; the page runs anew when the run is over."""
    jobs.watch(job, lambda: _progress(job), "Stop here", "stop-run")


def _progress(job: jobs.Job) -> None:
    latest = job.latest
    if job.state == "waiting" or latest is None:
        st.progress(0.0, "Waiting for its turn …" if job.state == "waiting" else "Reading the pictures …")
    elif isinstance(latest, Embedded):
        st.progress(0.8 * latest.done / latest.total, f"Picture {latest.done} of {latest.total} through the network")
    else:
        done = latest.epoch.index
        st.progress(0.8 + 0.2 * done / EPOCHS, f"Epoch {done} of {EPOCHS}")
        st.plotly_chart(charts.curves(epochs(job), EPOCHS), config=charts.PLAIN, key="live")


def epochs(job: jobs.Job) -> list[Epoch]:
    return [event.epoch for event in job.events if isinstance(event, Trained)]


def outcome(job: jobs.Job) -> Fit | None:
    """The run behind a job that is over and has a head; says what went wrong otherwise."""
    if job.error:
        sentence(job.error)
    if isinstance(job.latest, Trained):
        return job.latest.run
    if job.state == "cancelled":
        st.info("Stopped before there was a head. Your pictures are all still here.", icon=":material/stop_circle:")
    return None
