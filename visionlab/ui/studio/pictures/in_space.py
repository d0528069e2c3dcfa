"""The pictures in space: each where a network places it, so that what is alike lies together, and what lies among
another class's is seen. What is selected there is in the gallery below, to be moved, switched off or removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import encode_jpeg
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import embed_cached
from visionlab.learning.judging.nearness import STRETCHES, WAYS, nearest, neighbouring, principal, strays
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ClassInfo, PictureInfo
from visionlab.learning.sets.dataset import LazyImages
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_NAME
from visionlab.ui.shared import cached, jobs, links
from visionlab.ui.shared.components.space import TILE, Points, sheet_of, space
from visionlab.ui.shared.networks import without_picker
from visionlab.ui.shared.page import sentence
from visionlab.ui.studio.pictures import gallery

WAY = "places"  # in the link: how the pictures are placed
NEAREST = 11  # that are shown beside a picture
FEW = 3  # pictures, below which nothing lies anywhere


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
            tiles.append(_tile(_project, picture))
            job.report(0.6 + 0.4 * len(tiles) / len(_pictures))
        yield Seen(run.features, encode_jpeg(sheet_of(tiles), 80))

    return jobs.registry().submit(work, queue="space")


def _tile(project: Project, picture: PictureInfo) -> NDArray[np.uint8]:
    """The middle square, uint8 (TILE, TILE, 3)."""
    small = cached.middle_square(project.load(picture), TILE)
    factor = -(-TILE // len(small))  # of what is smaller than a tile
    return small.repeat(factor, 0).repeat(factor, 1)[:TILE, :TILE]


@st.cache_resource(max_entries=4, show_spinner=False)
def _placing(net_key: str, pictures_key: str, _features: NDArray[np.float32]) -> str:
    """The id of a job that places them by t-SNE: places (N, 2), each better than the last."""

    def work(job: jobs.Job) -> Iterator[NDArray[np.float32]]:
        for done, places in enumerate(neighbouring(_features), 1):
            yield places
            job.report(done / STRETCHES)

    return jobs.registry().submit(work, queue="space")


@st.cache_data(max_entries=8, show_spinner=False)
def _principal(net_key: str, pictures_key: str, _features: NDArray[np.float32]) -> NDArray[np.float32]:
    return principal(_features)


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
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), what), "Stop", "stop-seeing")
        return
    if job.latest is None:
        _again(job, lambda: _seeing.clear(*arguments))
        return
    seen: Seen = job.latest
    places, going_on = _places(network.key, key, seen.features)
    index = {each.id: number for number, each in enumerate(classes)}
    labels = np.array([index[each.class_id] for each in shown], np.int64)
    among = _strays(network.key, f"{key} {labels.tobytes().hex()}", seen.features, labels)
    marked = among & (class_id is None)
    there = {each.id: place for place, each in enumerate(shown)}
    kept = f"in-space-{project.id}"
    chosen, near = st.session_state.get(kept, ([], None))
    chosen = [each for each in chosen if each in there]

    def choose(indices: list[int]) -> None:
        st.session_state[kept] = [shown[each].id for each in indices], None

    def look_near(one: int) -> None:
        order, cosines = nearest(seen.features, one, NEAREST)
        ids = [shown[one].id, *(shown[each].id for each in order)]
        st.session_state[kept] = ids, dict(zip(ids, [1.0, *cosines.tolist()], strict=True))

    points = Points(
        places,
        labels,
        [each.name for each in shown],
        seen.sheet,
        marked,
        np.array([not each.enabled for each in shown]),
    )
    space(
        points,
        classes=[each.name for each in classes],
        chosen=[there[each] for each in chosen],
        key="space",
        on_choose=choose,
        on_near=look_near,
    )
    going_on()
    _told(network.title, int(marked.sum()), lambda: choose(np.flatnonzero(marked).tolist()))
    if not chosen:
        st.caption("Draw around pictures to have them below, or click on one to see those that are nearest to it.")
        return
    by_id = {each.id: each for each in shown}
    badges = {each: f"{cosine:.2f} alike" for each, cosine in near.items()} if near else {}
    if near:
        st.markdown(
            f"**A picture and its {len(chosen) - 1} nearest**, by the cosine of what {network.title} says of them"
        )
    else:
        st.markdown(f"**{len(chosen):,} pictures from the plane**, to be moved, switched off or removed")
    gallery.show(project, classes, [by_id[each] for each in chosen], None, "gallery-in-space", badges)


def _places(
    net_key: str, pictures_key: str, features: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Callable[[], None]]:
    """Where the pictures are, by the way that was chosen, t-SNE's as far as they have come; and what tells, below them,
    how far that is."""
    links.begin(WAY, WAYS, "way to place pictures", "pca")
    way = st.segmented_control(
        "Placed by",
        WAYS,
        default="pca",
        required=True,
        format_func=WAYS.get,
        key=WAY,
        bind="query-params",
        help="PCA: the two directions in which they differ most, at once. t-SNE: what is near stays near, and how far "
        "groups are apart means little; it takes a while (van der Maaten & Hinton 2008).",
    )
    first = _principal(net_key, pictures_key, features)
    if way == "pca":
        return first, lambda: None
    arguments = (net_key, pictures_key, features)
    job = jobs.begun(_placing, *arguments)

    def going_on() -> None:
        if not job.over:
            what = "Bringing what is alike together …"
            jobs.watch(job, lambda: st.progress(min(job.share, 1.0), what), "Stop", "stop-placing")
        elif job.state != "done":
            _again(job, lambda: _placing.clear(*arguments))

    return first if job.latest is None else job.latest, going_on


def _again(job: jobs.Job, clear: Callable[[], None]) -> None:
    if job.error:
        sentence(job.error)
    st.button("Stopped. Begin again", key="again-in-space", icon=":material/replay:", on_click=clear)


def _told(title: str, strays: int, select: Callable[[], None]) -> None:
    """What the rings mean, and how many there are."""
    if not strays:
        st.caption(f"Placed by what {title} says of them. No picture lies among those of another class.")
        return
    one = strays == 1
    it, its = ("it", "its") if one else ("them", "their")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Placed by what {title} says of them. {strays:,} {'is' if one else 'are'} ringed: what is nearest to "
            f"{it} is mostly of another class, so that {its} label may be wrong.",
            width="content",
        )
        st.button("Show it" if one else "Show these", key="select-strays", on_click=select)
