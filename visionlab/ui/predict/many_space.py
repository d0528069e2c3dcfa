"""Many pictures in space: each where the network places it, coloured by what it says of them or by whether that is
right; what is selected there is what the table shows."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.uploaded_file_manager import UploadedFile

from visionlab.imaging.image import encode_jpeg, load_image
from visionlab.learning.answers.many import Found, zip_sources
from visionlab.learning.features.embedding import embed_cached
from visionlab.learning.judging.nearness import strays
from visionlab.learning.sets.dataset import LazyImages
from visionlab.network.running.classifier import Classifier
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.components.space import COLOURS, Points, sheet_of, tile_of
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import sentence
from visionlab.ui.shared.plane.placing import FEW, again, placed
from visionlab.ui.shared.plane.selecting import plane
from visionlab.ui.shared.widgets import how_far

OTHERS, NONE = "Others", "None of these"
ANSWER, FOLDER, RIGHT = "Answer", "Folder", "Right or wrong"


@st.cache_resource(max_entries=2, show_spinner=False)
def _looking(job_id: str, count: int, _net: Classifier, _zip: bytes, _names: Sequence[str]) -> str:
    """The id of a job that embeds the pictures that were named by that job, called so in the zip: features (N, F)."""

    def work(job: jobs.Job) -> Iterator[NDArray[np.float32]]:
        sources = {source.name: source for source in zip_sources(io.BytesIO(_zip))}
        images = LazyImages(lambda index: sources[_names[index]].load(), range(len(_names)))
        run = embed_cached(_net, images, engine=cached.engine_of(_net))
        for done, total in run:
            job.report(done / total)
        yield run.features

    return jobs.registry().submit(work, queue="space")


@st.cache_data(max_entries=2, show_spinner=False)
def _sheet(job_id: str, count: int, _found: Sequence[Found]) -> bytes:
    return encode_jpeg(sheet_of([tile_of(load_image(each.thumbnail)) for each in _found]), 80)


def show(
    job_id: str,
    network: Network,
    file: UploadedFile | None,
    found: Sequence[Found],
    in_zip: Sequence[str],
    right: Mapping[str, bool],
) -> dict[str, float | None] | None:
    """The pictures that a job has named, in space, and the names of those that are selected there, each with how much
    it is like the one that was clicked on; None where none is. file is the zip, where it is still the one that was
    named; in_zip what each is called there, where it may be called otherwise by now; right says of each name whose word
    is known whether the first answer is.
    """
    if len(found) < FEW:
        st.caption(f"{FEW} pictures or more are needed to lie near each other.")
        return None
    about = (job_id, len(found))
    if file is None and st.session_state.get("many-embedded") != about:
        sentence("The zip that was named is no longer here. Choose it again, and press “Name what they show”.")
        return None
    arguments = (*about, network.net, file.getvalue() if file else b"", in_zip)
    job = jobs.begun(_looking, *arguments)
    job.wait(0.3)
    if not job.over:
        what = "Looking at the pictures …"
        jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-seeing")
        return None
    if job.latest is None:
        again(job, lambda: _looking.clear(*arguments))
        return None
    st.session_state["many-embedded"] = about
    with st.container(horizontal=True):
        colours = _ways_to_colour(found, right)
        colour = st.segmented_control(
            "Coloured by", colours, default=next(iter(colours)), required=True, key="many-colours"
        )
        places, going_on = placed(network.key, job_id, job.latest)
    classes, labels = _labelled(colours[colour])
    marked = strays(job.latest, labels) if colour == FOLDER else np.zeros(len(found), bool)

    def ringed(count: int) -> str:
        them = "it" if count == 1 else "them"
        said = f"Placed by what {network.title} says of them."
        if not count:
            return said
        are = "is" if count == 1 else "are"
        return f"{said} {count:,} {are} ringed: most of what is nearest to {them} lies in another folder."

    selected = plane(
        Points(
            places, labels, [each.name for each in found], _sheet(*about, found), marked, np.zeros(len(found), bool)
        ),
        [each.name for each in found],
        job.latest,
        classes=classes,
        kept=f"many-space-{job_id}",
        key="many-space",
        below=going_on,
        ringed=ringed,
    )
    if not selected:
        st.caption("Draw around pictures to have them alone in the table, or click on one to see its nearest.")
    return selected or None


def _ways_to_colour(found: Sequence[Found], right: Mapping[str, bool]) -> dict[str, list[str]]:
    """{way: what each picture is by it}, of those ways that say something."""
    said = [NONE if each.answer and each.answer.refused else each.predictions[0].label for each in found]
    folders = [str(PurePosixPath(each.name).parent) for each in found]
    ways = {FOLDER: folders} if len({*folders}) > 1 else {}
    ways[ANSWER] = said
    if right:
        words = {True: "Right", False: "Wrong", None: "No word for it"}
        ways[RIGHT] = [words[right.get(each.name)] for each in found]
    return ways


def _labelled(each: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The names, the most frequent first, as many as have a colour, the others as one; and the index of each."""
    names = [name for name, _ in Counter(each).most_common()]
    if len(names) > len(COLOURS):
        names = [*names[: len(COLOURS) - 1], OTHERS]
    index = {name: place for place, name in enumerate(names)}
    return names, np.array([index.get(name, len(names) - 1) for name in each], np.int64)
