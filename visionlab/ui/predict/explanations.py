"""Why the network answered so, on the Predict page: one method’s map over the picture, and how faithful it is.

What takes long runs as a job, started once for the same network, picture, class and methods, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.image import Image, encode_jpeg, encode_png, middle
from visionlab.imaging.render import PALETTES, overlay
from visionlab.network.explain import METHODS, Heatmap, all_in_place, explain
from visionlab.network.explain.faithfulness import (
    IN_WORDS,
    ORDERS,
    STEPS,
    Chance,
    Faithfulness,
    against_chance,
    faithfulness,
    random_baseline,
    too_little,
)
from visionlab.network.explain.heatmap import NOTHING_MARKED, seen
from visionlab.network.running.classifier import Classifier
from visionlab.ui.predict.answers import tell_at_one
from visionlab.ui.predict.state import METHOD
from visionlab.ui.shared import cached, charts, jobs, links, menus, state
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import SLIMMEST, how_far, plain, shown_width

LONGEST = 640  # pixels of the picture that maps are laid over: what is explained is all of it
TALLEST = 380  # pixels on the screen
LAYER = "explained-layer"  # in the link: the layer that a method looks at, where one was chosen
PATIENCE = 0.6  # seconds in which a map may come without its progress being shown
MAPS, MEASURES = "maps", "measures"  # queues: no map waits until others have been measured
OVERLAYS = [palette for palette in PALETTES if palette not in ("grey", "diverging")]
HELP = {"Deletion": term("deletion"), "Insertion": term("insertion")}


@dataclass(frozen=True, eq=False)
class Case:
    """What is to be explained: why this network finds this class in this picture; and a copy of it to be shown, of a
    strip that of its middle: the network sees no more.
    """

    network: Network
    key: str
    image: Image
    shown: Image
    target: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of the maps, which lie over all of the picture: (height, width), in proportion to it."""
        height, width = self.image.shape[:2]
        scale = min(len(self.shown) / len(middle(self.image, SLIMMEST)), 4 * LONGEST / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    @property
    def net(self) -> Classifier:
        return self.network.net


@dataclass(frozen=True, eq=False)
class Measured:
    """How faithful a map is, and what chance is worth."""

    faith: Faithfulness
    chance: Chance


@dataclass(frozen=True)
class Overlay:
    """How maps are laid over the picture."""

    strength: float
    palette: str

    def over(self, shown: Image, heat: NDArray[np.float32]) -> Image:
        """Over what is shown of a picture a map of all of it, as far as it lies there."""
        return overlay(shown, middle(heat, SLIMMEST), self.strength, self.palette)


USUAL = Overlay(0.7, "inferno")


def case_of(network: Network, picture: Picture, target: int) -> Case:
    shown = cached.fitted(f"middle of {picture.key}", LONGEST, middle(picture.image, SLIMMEST))
    return Case(network, picture.key, picture.image, shown, target)


@st.cache_resource(max_entries=64, show_spinner=False)
def explaining(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by one method: its event is the Heatmap."""

    def work(job: jobs.Job) -> Iterator[Heatmap]:
        asked = {"progress": job.report, "shape": _case.shape}
        yield cached.engine_of(_case.net).run(explain, _case.image, method, target, layer, **asked)

    return jobs.registry().submit(work, queue=MAPS)


@st.cache_resource(max_entries=64, show_spinner=False)
def measuring(
    net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case, _heat: Heatmap
) -> str:
    """The id of a job that says how faithful that map of the case is."""

    def work(job: jobs.Job) -> Iterator[Measured]:
        engine, image = cached.engine_of(_case.net), _case.image
        whole = 1 + ORDERS
        faith = engine.run(faithfulness, image, _heat, STEPS, progress=lambda share: job.report(share / whole))
        asked = (image, target, STEPS, ORDERS, _heat)
        chance = engine.run(random_baseline, *asked, progress=lambda share: job.report((1 + share * ORDERS) / whole))
        yield Measured(faith, chance)

    return jobs.registry().submit(work, queue=MEASURES)


def stopped(job: jobs.Job, start: Callable[..., str], arguments: tuple) -> bool:
    """Whether the job ended before it was done; then it says why, and offers to begin again."""
    if job.error:
        sentence(job.error)
    if job.state in ("cancelled", "failed"):
        st.button(
            "Stopped. Begin again",
            key=f"again-{start.__name__}",
            on_click=lambda: start.clear(*arguments),
            icon=":material/replay:",
        )
    return job.state in ("cancelled", "failed")


def choices(net: Classifier) -> tuple[str, str | None, Overlay]:
    """The method, its layer if it takes one (None: its own choice), and how its map is laid over the picture."""
    usual, titles = next(iter(METHODS)), {name: known.title for name, known in METHODS.items()}
    links.begin(menus.key_of(METHOD), titles, "method", usual)
    unknown = st.container()
    place = st.popover("Method, layer, colours", icon=":material/tune:")
    with place:
        one, two = roomy_columns(2, "method", gap="small")
    before = list(METHODS).index(menus.held(METHOD, usual))
    method = one.selectbox("Method", METHODS, before, format_func=titles.get, key=menus.key_of(METHOD))
    menus.keep(METHOD, method)
    state.keep_in_link(METHOD, titles[method] if method != usual else None)
    layers, key = all_in_place(net), f"explained-layer-{net.name}"
    linked, told = state.linked_once(LAYER) or st.query_params.pop("layer", None), None  # as Feature maps calls it
    if state.unknown_network():
        linked = None  # it is a layer of that one
    if linked in layers:
        st.session_state.setdefault(key, linked)
    elif linked:
        told = links.unknown("layer for reasons", linked, layers, "the last convolution")
    with unknown:
        links.tell(LAYER, told, (net.name, st.session_state.get(key, "")))
    layer = two.selectbox(
        "Layer",
        ["", *reversed(layers)],
        format_func=lambda name: name or ("the last convolution" if METHODS[method].layered else "none: the pixels"),
        key=key,
        persist_state="session",
        disabled=not METHODS[method].layered,
    )
    layer = layer if layer in layers else ""  # a closed menu may hold that title of no layer which another method has
    state.keep_in_link(LAYER, layer or None)
    strength = one.slider("Strength", 0.0, 1.0, USUAL.strength, 0.05, key="strength", persist_state="session")
    palette = two.selectbox(
        "Colours", OVERLAYS, index=OVERLAYS.index(USUAL.palette), key="palette", format_func=str.title
    )
    return method, layer if layer and METHODS[method].layered else None, Overlay(strength, palette)


def show_one(case: Case, method: str, layer: str | None, look: Overlay, place: DeltaGenerator) -> None:
    """One map over the picture, at that place; here what it is, and how faithful."""
    arguments = (case.network.key, case.key, case.target, method, layer, case)
    job = jobs.begun(explaining, *arguments)
    job.wait(PATIENCE)
    if not job.over:
        what = "Looking for the reasons …"
        jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-explanation")
        return
    if stopped(job, explaining, arguments):
        return
    known, heat = METHODS[method], job.latest
    laid = look.over(case.shown, heat.values)
    place.image(encode_jpeg(laid, 92), width=shown_width(case.shown, TALLEST), alt=f"{known.title}, over the picture")
    label = plain(case.net.labels[case.target])
    told = (
        NOTHING_MARKED.format(method=known.title, label=label)
        if heat.empty
        else f"What {known.title} marks for “{label}”, the brighter the more; how faithful that is can be measured."
    )
    place.caption(f"{told}{_edge(case)}")
    st.caption(f"{known.about} ({known.paper})")
    inside = st.expander("How faithful it is", icon=":material/show_chart:", key="faithful", bind="query-params")
    if inside.open:  # else nobody waits for it, and others may need the processor
        with inside:
            _show_measured((*arguments, heat))
            st.download_button(
                "The overlay as PNG",
                lambda: encode_png(laid),
                f"{method}.png",
                "image/png",
                icon=":material/download:",
                on_click="ignore",
            )


def _edge(case: Case) -> str:
    """A word on the edge that shows where the network's crop ends, if it ends within the picture; and on what is not
    shown.
    """
    rows, columns = seen(case.net.transform, case.shown.shape[:2])
    whole = (rows.stop - rows.start, columns.stop - columns.start) == case.shown.shape[:2]
    ends = " Its ends are not shown." if middle(case.image, SLIMMEST).shape != case.image.shape else ""
    return "" if whole else f" The network sees the middle of the picture alone: beside it nothing can light up.{ends}"


def _show_measured(arguments: tuple) -> None:
    job = jobs.begun(measuring, *arguments)
    if not job.over:
        what = "Measuring how faithful it is …"
        jobs.watch(job, lambda: how_far(job, what), "Stop", "stop-measure")
    elif not stopped(job, measuring, arguments):
        _figures(job.latest)


COLOURS = {"better": "green", "worse": "red"}  # of the arrow, by what against_chance() says; else there is none


def _figures(measured: Measured) -> None:
    """Deletion and insertion beside what chance is worth, and their curves."""
    faith, chance = measured.faith, measured.chance
    verdicts = against_chance(faith, chance)
    with st.container(horizontal=True, gap="medium"):
        for name, value, other, verdict in (
            ("Deletion", faith.deletion, chance.deletion, verdicts[0]),
            ("Insertion", faith.insertion, chance.insertion, verdicts[1]),
        ):
            colour = COLOURS.get(verdict, "off")
            st.metric(
                name,
                f"{value:.3f}",
                f"{value - other:+.3f}".replace("-", "−"),
                delta_color=colour,
                delta_arrow="off" if colour == "off" else "up" if value > other else "down",
                delta_description=IN_WORDS[verdict],
                help=HELP[name],
                width="content",
            )
    if "nothing" in verdicts:
        st.caption(too_little(faith))
    else:
        likely = (chance.likely_deletion, chance.likely_insertion)
        deletion, insertion = (f"{low:.3f} to {high:.3f}" for low, high in likely)
        st.caption(
            f"Chance is the same map moved to {len(chance.deletions)} other places, so that it hides as coarse or as "
            f"fine a pattern: of 100 such maps 95 have a deletion of {deletion} and an insertion of {insertion}. Only "
            "what lies outside is better or worse than chance."
        )
    tell_at_one()
    st.plotly_chart(charts.faithfulness(faith, chance), config=charts.PLAIN)
