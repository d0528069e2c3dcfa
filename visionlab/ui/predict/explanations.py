"""Why the network answered so, on the Predict page: one method at a time, all of them, every layer, a sanity check.

What takes long runs as a job, started once for the same network, picture, class and methods, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.image import Image, encode_jpeg, encode_png, fit
from visionlab.imaging.render import PALETTES, overlay
from visionlab.network.explain import METHODS, Heatmap, all_in_place, explain
from visionlab.network.explain.faithfulness import (
    TOLD,
    Chance,
    Faithfulness,
    against_chance,
    faithfulness,
    random_baseline,
)
from visionlab.network.explain.heatmap import seen
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.running.classifier import Classifier
from visionlab.ui.predict import caches
from visionlab.ui.shared import cached, charts, jobs, state
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import plain, shown_width

LONGEST = 640  # pixels of the picture that maps are laid over: what is explained is all of it
TALLEST = 380  # pixels on the screen
LAYER = "explained-layer"  # in the link: the layer that a method looks at, where one was chosen
STEPS = 14  # of deletion and insertion: enough to tell methods apart, and soon done
ORDERS = 8  # places to which a map is moved, to see what chance is worth
PATIENCE = 0.6  # seconds in which a map may come without its progress being shown
MAPS, MEASURES = "maps", "measures"  # queues: no map waits until others have been measured
OVERLAYS = [palette for palette in PALETTES if palette not in ("grey", "diverging")]
HELP = {"Deletion": term("deletion"), "Insertion": term("insertion")}


@dataclass(frozen=True, eq=False)
class Case:
    """What is to be explained: why this network finds this class in this picture, and a copy of it to be shown."""

    network: Network
    key: str
    image: Image
    shown: Image
    target: int

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

    def over(self, image: Image, heat: NDArray[np.float32]) -> Image:
        return overlay(image, heat, self.strength, self.palette)


def case_of(network: Network, picture: Picture, target: int) -> Case:
    return Case(network, picture.key, picture.image, cached.fitted(picture.key, LONGEST, picture.image), target)


# --- the jobs -------------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def _explanation(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by one method: its event is the Heatmap."""

    def work(job: jobs.Job) -> Iterator[Heatmap]:
        yield explain(_case.net, _case.image, method, target, layer, job.report, _case.shown.shape[:2])

    return jobs.registry().submit(work, queue=MAPS)


@st.cache_resource(max_entries=64, show_spinner=False)
def _measure(
    net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case, _heat: Heatmap
) -> str:
    """The id of a job that says how faithful that map of the case is."""

    def work(job: jobs.Job) -> Iterator[Measured]:
        net, image = _case.net, _case.image
        whole = 1 + ORDERS
        faith = faithfulness(net, image, _heat, STEPS, lambda share: job.report(share / whole))
        chance = random_baseline(
            net, image, target, STEPS, ORDERS, _heat, lambda share: job.report((1 + share * ORDERS) / whole)
        )
        yield Measured(faith, chance)

    return jobs.registry().submit(work, queue=MEASURES)


@st.cache_resource(max_entries=64, show_spinner=False)
def _check(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by a network that loses its weights, step by step."""

    def work(job: jobs.Job) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
        case, shape = _case, _case.shown.shape[:2]
        for found in sanity_check(case.net, case.image, method, target, layer, progress=job.report, shape=shape):
            yield found.layer, found.similarity, np.rint(255 * found.heatmap.values).astype(np.uint8)

    return jobs.registry().submit(work)


def _stopped(job: jobs.Job, start: Callable[..., str], arguments: tuple) -> bool:
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


# --- one method -----------------------------------------------------------------------------------------------------


def choices(net: Classifier) -> tuple[str, str | None, Overlay]:
    """The method, its layer if it takes one (None: its own choice), and how its map is laid over the picture."""
    place = st.popover("Method, layer, colours", icon=":material/tune:")
    with place:
        one, two = roomy_columns(2, "method", gap="small")
    method = one.selectbox(
        "Method", METHODS, format_func=lambda name: METHODS[name].title, key="method", bind="query-params"
    )
    layers, key = all_in_place(net), f"explained-layer-{net.name}"
    linked = state.linked_once(LAYER)
    if key not in st.session_state and linked in layers:
        st.session_state[key] = linked
    layer = two.selectbox(
        "Layer",
        ["", *reversed(layers)],
        format_func=lambda name: name or ("the last convolution" if METHODS[method].layered else "none: the pixels"),
        key=key,
        disabled=not METHODS[method].layered,
    )
    state.keep_in_link(LAYER, layer or None)
    strength = one.slider("Strength", 0.0, 1.0, 0.7, 0.05, key="strength", persist_state="session")
    palette = two.selectbox("Colours", OVERLAYS, index=OVERLAYS.index("inferno"), key="palette", format_func=str.title)
    return method, layer if layer and METHODS[method].layered else None, Overlay(strength, palette)


def show_one(case: Case, method: str, layer: str | None, look: Overlay, place: DeltaGenerator) -> None:
    """One map over the picture, at that place; here what it is, and how faithful."""
    arguments = (case.network.key, case.key, case.target, method, layer, case)
    job = jobs.begun(_explanation, *arguments)
    job.wait(PATIENCE)
    if not job.over:
        what = "Looking for the reasons …"
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), what), "Stop", "stop-explanation")
        return
    if _stopped(job, _explanation, arguments):
        return
    known, heat = METHODS[method], job.latest
    laid = look.over(case.shown, heat.values)
    place.image(encode_jpeg(laid, 92), width=shown_width(case.shown, TALLEST), alt=f"{known.title}, over the picture")
    place.caption(
        f"Where {known.title} finds “{plain(case.net.labels[case.target])}”: bright is what counted.{_edge(case)}"
    )
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
    """A word on the edge that shows where the network's crop ends, if it ends within the picture."""
    rows, columns = seen(case.net.transform, case.shown.shape[:2])
    whole = (rows.stop - rows.start, columns.stop - columns.start) == case.shown.shape[:2]
    return "" if whole else " The network sees the middle of the picture alone: beside it nothing can light up."


def _show_measured(arguments: tuple) -> None:
    job = jobs.begun(_measure, *arguments)
    if not job.over:
        what = "Measuring how faithful it is …"
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), what), "Stop", "stop-measure")
    elif not _stopped(job, _measure, arguments):
        _figures(job.latest)


VERDICTS = {  # by what against_chance() says: the arrow’s colour, and the words beside the figure
    "better": ("green", "better than chance"),
    "worse": ("red", "worse than chance"),
    "no different": ("off", "like chance"),
    "nothing": ("off", "can’t be told"),
}


def _figures(measured: Measured) -> None:
    """Deletion and insertion beside what chance is worth, and their curves."""
    faith, chance = measured.faith, measured.chance
    verdicts = against_chance(faith, chance)
    with st.container(horizontal=True, gap="medium"):
        for name, value, other, verdict in (
            ("Deletion", faith.deletion, chance.deletion, verdicts[0]),
            ("Insertion", faith.insertion, chance.insertion, verdicts[1]),
        ):
            colour, words = VERDICTS[verdict]
            st.metric(
                name,
                f"{value:.3f}",
                f"{value - other:+.3f}".replace("-", "−"),
                delta_color=colour,
                delta_arrow="off" if colour == "off" else "up" if value > other else "down",
                delta_description=words,
                help=HELP[name],
                width="content",
            )
    if "nothing" in verdicts:
        st.caption(
            f"The network gives this class {faith.deletion_curve[0]:.1%} in the picture itself: with so little to lose "
            f"or to win back, no map can be told from chance. Ask for a class of at least {TOLD:.0%}."
        )
    else:
        deletion, insertion = (f"{max(0, low):.3f} to {min(1, high):.3f}" for low, high in _likely(chance))
        st.caption(
            f"Chance is the same map moved to {len(chance.deletions)} other places, so that it hides as coarse or as "
            f"fine a pattern: of 100 such maps 95 have a deletion of {deletion} and an insertion of {insertion}. Only "
            "what lies outside is better or worse than chance."
        )
    st.plotly_chart(charts.faithfulness(faith, chance), config=charts.PLAIN)


def _likely(chance: Chance) -> tuple[tuple[float, float], ...]:
    return chance.likely_deletion, chance.likely_insertion


# --- all of them ----------------------------------------------------------------------------------------------------


def show_all(case: Case, look: Overlay) -> None:
    """Every method's map side by side, each as it comes; then its faithfulness."""
    maps, measures = {}, {}
    for method in METHODS:
        arguments = (case.network.key, case.key, case.target, method, None, case)
        maps[method] = (jobs.begun(_explanation, *arguments), _explanation, arguments)
    every = jobs.Jobs([job for job, *_ in maps.values()])
    every.wait(PATIENCE)
    if every.over and all(job.state != "cancelled" for job in every.jobs):
        for method, (job, _, arguments) in maps.items():
            if job.latest:
                whole = (*arguments, job.latest)
                measures[method] = (jobs.begun(_measure, *whole), _measure, whole)
    begun = [*maps.values(), *measures.values()]

    def grid() -> None:
        _grid(case, *({method: job.latest for method, (job, *_) in found.items()} for found in (maps, measures)), look)

    unfinished = every if not every.over else jobs.Jobs([job for job, *_ in measures.values()])
    if not unfinished.over:
        what = "Asking every method …" if unfinished is every else "Measuring how faithful they are …"

        def so_far() -> None:
            st.progress(min(unfinished.share, 1.0), what)
            grid()

        jobs.watch(unfinished, so_far, "Stop", "stop-all")
        return
    grid()
    found = {METHODS[method].title: job.latest for method, (job, *_) in measures.items() if job.latest}
    if found:
        faith, chance = ([getattr(each, name) for each in found.values()] for name in ("faith", "chance"))
        st.plotly_chart(charts.faithfulness_of_all(list(found), faith, chance), config=charts.PLAIN)
        st.caption(
            "A faithful map scores low on deletion (hiding what it marks makes the class vanish) and high on insertion "
            "(showing only that brings it back). Chance is the same map, moved, with its likely range: what is no "
            "better explains nothing."
        )
    if any(job.state in ("cancelled", "failed") for job, *_ in begun):
        st.button("Stopped. Begin again", key="again-all", icon=":material/replay:", on_click=_clear, args=(begun,))


def _grid(
    case: Case, heats: Mapping[str, Heatmap | None], measured: Mapping[str, Measured | None], look: Overlay
) -> None:
    for start in range(0, len(METHODS), 4):
        row = list(METHODS.values())[start : start + 4]
        for column, method in zip(roomy_columns(4, f"methods-{start}"), row, strict=False):
            with column:
                st.markdown(f"**{method.title}**")
                if heat := heats[method.name]:
                    laid = look.over(case.shown, heat.values)
                    st.image(encode_jpeg(laid, 90), width="stretch", alt=f"{method.title}, over the picture")
                    known = measured.get(method.name)
                    st.caption(
                        f"deletion {known.faith.deletion:.3f} · insertion {known.faith.insertion:.3f}"
                        if known
                        else "measuring …"
                    )


def _clear(begun: Sequence[tuple[jobs.Job, Callable, tuple]]) -> None:
    for job, start, arguments in begun:
        if job.state in ("cancelled", "failed"):
            start.clear(*arguments)


# --- every layer, and a network that knows nothing ------------------------------------------------------------------


def show_layers(case: Case, method: str, look: Overlay) -> None:
    """A method's map at every layer, from the first to the last."""
    name = method if METHODS[method].layered else next(iter(METHODS))
    shape = case.shown.shape[:2]
    found = caches.layer_heats(case.network.key, case.key, case.target, name, case.net, case.image, shape)
    st.caption(f"{METHODS[name].title} of every layer: early ones find edges and spots, late ones whole things.")
    _strip(case, {layer: (heat, layer) for layer, heat in found.items()}, look)


def show_check(case: Case, method: str, layer: str | None, look: Overlay) -> None:
    """The map as the network loses what it has learned, from the output to the input."""
    arguments = (case.network.key, case.key, case.target, method, layer, case)
    job = jobs.begun(_check, *arguments)
    job.wait(PATIENCE)
    st.caption(
        f"{METHODS[method].title}, while the network forgets what it learned, from the last layer to the first.",
        help=term("sanity check"),
    )

    def strip() -> None:
        found = list(job.events)
        _strip(case, {name: (heat, f"down to {name}: alike {alike:.2f}") for name, alike, heat in found}, look)

    if not job.over:

        def so_far() -> None:
            st.progress(min(job.share, 1.0), "Forgetting …")
            strip()

        jobs.watch(job, so_far, "Stop", "stop-check")
        return
    strip()
    _stopped(job, _check, arguments)


def _strip(case: Case, found: dict[str, tuple[NDArray[np.uint8], str]], look: Overlay) -> None:
    small = fit(case.shown, 260)
    with st.container(horizontal=True, gap="small"):
        for heat, text in found.values():
            with st.container(width=150):
                laid = look.over(small, heat.astype(np.float32) / 255)
                st.image(encode_jpeg(laid, 88), width=150, alt=text)
                st.caption(text)
