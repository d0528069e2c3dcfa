"""The pictures in space: each where a network places it, so that what is alike lies together, and what lies among
another class's is seen. What is selected there is in the gallery below, to be moved, switched off or removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.imaging.image import encode_jpeg
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import embed_cached
from visionlab.learning.judging.nearness import strays
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.learning.sets.dataset import LazyImages
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_NAME
from visionlab.ui.shared import cached, jobs
from visionlab.ui.shared.components.space import Points, sheet_of, tile_of
from visionlab.ui.shared.networks import without_picker
from visionlab.ui.shared.plane.placing import FEW, again, placed
from visionlab.ui.shared.plane.selecting import plane
from visionlab.ui.shared.widgets import how_far
from visionlab.ui.studio import runs
from visionlab.ui.studio.pictures import gallery

CLASS, RIGHT = "Class", "Right or wrong"
JUDGED = ("Right", "Wrong", "Learned from", "Not there when it was trained")
HELP = "Right or wrong: what the trained head answers to the pictures that it did not learn from."


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network says of N pictures, (N, F); their thumbnails in one JPEG."""

    features: NDArray[np.float32]
    sheet: bytes


@st.cache_resource(max_entries=4, show_spinner=False)
def _seeing(net_key: str, pictures_key: str, _net: Classifier, _project: Project, _pictures: list[PictureInfo]) -> str:
    """The id of a job that embeds the pictures, as training does, and makes the sheet: a Seen."""

    def work(job: jobs.Job) -> Iterator[Seen]:
        images = LazyImages(lambda index: _project.load(_pictures[index]), range(len(_pictures)))
        cache = FeatureCache(_project.known_features)
        keys = [each.key for each in _pictures]
        run = embed_cached(_net, images, keys, cache, engine=cached.engine_of(_net))
        for done, total in run:
            job.report(0.6 * done / total)
        tiles = []
        for picture in _pictures:
            tiles.append(tile_of(_project.load(picture)))
            job.report(0.6 + 0.4 * len(tiles) / len(_pictures))
        yield Seen(run.features, encode_jpeg(sheet_of(tiles), 80))

    return jobs.registry().submit(work, queue="space")


@st.cache_data(max_entries=8, show_spinner=False)
def _strays(net_key: str, labels_key: str, _features: NDArray[np.float32], _labels: NDArray) -> NDArray[np.bool_]:
    return strays(_features, _labels)


def show(project: Project, classes: Sequence[ClassInfo], pictures: Sequence[PictureInfo], class_id: int | None) -> None:
    """All pictures of that class, or of all, in space; below, what is selected."""
    shown = sorted((each for each in pictures if class_id in (None, each.class_id)), key=lambda each: each.id)
    if len(shown) < FEW:
        st.caption(f"{FEW} pictures or more are needed to lie near each other.")
        return
    network = without_picker(TO_NAME)
    key = sha256("".join(each.digest for each in shown).encode()).hexdigest()
    arguments = (network.key, key, network.net, project, shown)
    job = jobs.begun(_seeing, *arguments)
    job.wait(0.3)
    if not job.over:
        what = "Looking at the pictures …"
        jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-seeing")
        return
    if job.latest is None:
        again(job, lambda: _seeing.clear(*arguments))
        return
    seen: Seen = job.latest
    names = {each.id: each.name for each in classes}
    judged = _judged(project, shown, names)
    with st.container(horizontal=True):
        ways = [CLASS] if judged is None else [CLASS, RIGHT]
        by = st.segmented_control("Coloured by", ways, default=CLASS, required=True, key="space-colours", help=HELP)
        places, going_on = placed(network.key, key, seen.features)
    index = {each: number for number, each in enumerate(names)}
    labels = np.array([index[each.class_id] for each in shown], np.int64)
    among = _strays(network.key, f"{key} {labels.tobytes().hex()}", seen.features, labels)
    marked = among & (class_id is None)
    points = Points(
        places,
        labels if by == CLASS else judged,
        [each.name for each in shown],
        seen.sheet,
        marked,
        np.array([not each.enabled for each in shown]),
    )
    chosen = plane(
        points,
        [each.id for each in shown],
        seen.features,
        classes=[*names.values()] if by == CLASS else JUDGED,
        kept=f"in-space-{project.id}",
        key="space",
        below=going_on,
        ringed=lambda count: _told(network.title, count),
    )
    if not chosen:
        st.caption("Draw around pictures to have them below, or click on one to see those that are nearest to it.")
        return
    by_id = {each.id: each for each in shown}
    badges = {each: f"{cosine:.2f} alike" for each, cosine in chosen.items() if cosine is not None}
    if badges:
        st.markdown(
            f"**A picture and its {len(chosen) - 1} nearest**, by the cosine of what {network.title} says of them"
        )
    else:
        st.markdown(f"**{len(chosen):,} pictures from the plane**, to be moved, switched off or removed")
    gallery.show(project, classes, [by_id[each] for each in chosen], None, "gallery-in-space", badges)


def _judged(project: Project, pictures: Sequence[PictureInfo], names: Mapping[int, str]) -> NDArray[np.int64] | None:
    """Of each picture, which of JUDGED it is to the head that is looked at; None where there is no head."""
    run = runs.picked(project)
    if run is None:
        return None
    try:
        outcome = runs.outcome_of(project, run)
    except DatasetError:  # of a run that kept none
        return None
    said = outcome.probabilities.argmax(1).tolist() if len(outcome.pictures) else []
    answers = {each: outcome.classes[place] for each, place in zip(outcome.pictures.tolist(), said, strict=True)}
    learned = {*outcome.trained_on.tolist()}
    right, wrong, known, new = range(len(JUDGED))

    def of(picture: PictureInfo) -> int:
        if picture.id in answers:
            same = answers[picture.id].casefold() == names[picture.class_id].casefold()
            return right if same else wrong
        return known if picture.id in learned else new

    return np.array([of(each) for each in pictures], np.int64)


def _told(title: str, strays: int) -> str:
    """What the rings mean, and how many there are."""
    if not strays:
        return f"Placed by what {title} says of them. No picture lies among those of another class."
    one = strays == 1
    it, its = ("it", "its") if one else ("them", "their")
    return (
        f"Placed by what {title} says of them. {strays:,} {'is' if one else 'are'} ringed: what is nearest to "
        f"{it} is mostly of another class, so that {its} label may be wrong."
    )
