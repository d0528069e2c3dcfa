"""Why the network answered so, on the Predict page: one method at a time, all of them, every layer, a sanity check.

What takes long runs as a job, started once for the same network, picture, class and methods, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from visionlab.imaging.image import Image, encode_jpeg, encode_png, fit
from visionlab.imaging.render import PALETTES, overlay
from visionlab.network.explain import METHODS, Heatmap, all_in_place, explain
from visionlab.network.explain.faithfulness import Faithfulness, faithfulness, random_baseline
from visionlab.network.explain.sanity import sanity_check
from visionlab.network.running.classifier import Classifier
from visionlab.ui.predict import caches
from visionlab.ui.shared import cached, charts, jobs
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import plain, shown_width

LONGEST = 640  # pixels of the picture that is explained and shown
TALLEST = 380  # pixels on the screen
STEPS = 14  # of deletion and insertion: enough to tell methods apart, and soon done
ORDERS = 2  # places to which a map is moved, to see what chance is worth
PATIENCE = 0.6  # seconds in which a job may end without its progress being shown
OVERLAYS = [palette for palette in PALETTES if palette not in ("grey", "diverging")]
HELP = {"Deletion": term("deletion"), "Insertion": term("insertion")}


@dataclass(frozen=True, eq=False)
class Case:
    """What is to be explained: why this network finds this class in this picture."""

    network: Network
    key: str
    image: Image
    target: int

    @property
    def net(self) -> Classifier:
        return self.network.net


@dataclass(frozen=True, eq=False)
class Explained:
    """One method's map, 0..255 over the picture, so that many can be kept; how faithful it is, and what chance is."""

    method: str
    heat: NDArray[np.uint8]
    faith: Faithfulness | None = None
    chance: Faithfulness | None = None


@dataclass(frozen=True)
class Overlay:
    """How maps are laid over the picture."""

    strength: float
    palette: str

    def over(self, image: Image, heat: NDArray[np.uint8]) -> Image:
        return overlay(image, heat.astype(np.float32) / 255, self.strength, self.palette)


def case_of(network: Network, picture: Picture, target: int) -> Case:
    return Case(network, picture.key, cached.fitted(picture.key, LONGEST, picture.image), target)


# --- the jobs -------------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def _explanation(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by one method, and then says how faithful that is."""

    def work(job: jobs.Job) -> Iterator[Explained]:
        net, image = _case.net, _case.image

        def part(number: int) -> Callable[[float], None]:
            return lambda share: job.report((number + share) / 3)

        heat = explain(net, image, method, target, layer, part(0))
        yield Explained(method, _levels(heat))
        faith = faithfulness(net, image, heat, STEPS, progress=part(1))
        chance = random_baseline(net, image, target, STEPS, ORDERS, heat, part(2))
        yield Explained(method, _levels(heat), faith, chance)

    return jobs.registry().submit(work)


@st.cache_resource(max_entries=64, show_spinner=False)
def _check(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by a network that loses its weights, step by step."""

    def work(job: jobs.Job) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
        for found in sanity_check(_case.net, _case.image, method, target, layer, progress=job.report):
            yield found.layer, found.similarity, _levels(found.heatmap)

    return jobs.registry().submit(work)


def _levels(heat: Heatmap) -> NDArray[np.uint8]:
    return np.rint(255 * heat.values).astype(np.uint8)


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
    layers = all_in_place(net)
    layer = two.selectbox(
        "Layer",
        ["", *reversed(layers)],
        format_func=lambda name: name or ("the last convolution" if METHODS[method].layered else "none: the pixels"),
        key=f"explained-layer-{net.name}",
        disabled=not METHODS[method].layered,
    )
    strength = one.slider("Strength", 0.0, 1.0, 0.7, 0.05, key="strength", persist_state="session")
    palette = two.selectbox("Colours", OVERLAYS, index=OVERLAYS.index("inferno"), key="palette", format_func=str.title)
    return method, layer if layer and METHODS[method].layered else None, Overlay(strength, palette)


def show_one(case: Case, method: str, layer: str | None, look: Overlay, place: DeltaGenerator) -> None:
    """One map over the picture, at that place; here what it is, and how faithful."""
    arguments = (case.network.key, case.key, case.target, method, layer, case)
    job = jobs.begun(_explanation, *arguments)
    job.wait(PATIENCE)
    known = METHODS[method]
    if job.latest:
        laid = look.over(case.image, job.latest.heat)
        alt = f"{known.title}, over the picture"
        place.image(encode_jpeg(laid, 92), width=shown_width(case.image, TALLEST), alt=alt)
        place.caption(f"Where {known.title} finds “{plain(case.net.labels[case.target])}”: bright is what counted.")
        st.caption(f"{known.about} ({known.paper})")
    if not job.over:
        what = "Measuring how faithful it is …" if job.latest else "Looking for the reasons …"
        jobs.watch(job, lambda: st.progress(min(job.share, 1.0), what), "Stop", "stop-explanation")
        return
    if _stopped(job, _explanation, arguments):
        return
    with st.expander("How faithful it is", icon=":material/show_chart:"):
        _figures(job.latest.faith, job.latest.chance)
        st.download_button(
            "The overlay as PNG",
            lambda: encode_png(laid),
            f"{method}.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )


def _figures(faith: Faithfulness, chance: Faithfulness) -> None:
    """Deletion and insertion beside what chance is worth, and their curves."""
    with st.container(horizontal=True, gap="medium"):
        for name, value, other, better in (
            ("Deletion", faith.deletion, chance.deletion, "inverse"),
            ("Insertion", faith.insertion, chance.insertion, "normal"),
        ):
            delta = f"{value - other:+.3f} against chance"
            st.metric(name, f"{value:.3f}", delta, delta_color=better, help=HELP[name], width="content")
    st.plotly_chart(charts.faithfulness(faith, chance), config=charts.PLAIN)
    st.caption("Chance is the same map moved to other places, so that it hides as coarse or as fine a pattern.")


# --- all of them ----------------------------------------------------------------------------------------------------


def show_all(case: Case, look: Overlay) -> None:
    """Every method's map with its faithfulness, side by side."""
    begun = {}
    for method in METHODS:
        arguments = (case.network.key, case.key, case.target, method, None, case)
        begun[method] = (jobs.begun(_explanation, *arguments), arguments)
    every = jobs.Jobs([job for job, _ in begun.values()])
    every.wait(PATIENCE)

    def grid() -> None:
        _grid(case, {method: job.latest for method, (job, _) in begun.items()}, look)

    if not every.over:

        def so_far() -> None:
            st.progress(min(every.share, 1.0), "Asking every method …")
            grid()

        jobs.watch(every, so_far, "Stop", "stop-all")
        return
    grid()
    found = [job.latest for job, _ in begun.values() if job.latest and job.latest.faith]
    if found:
        titles = [METHODS[each.method].title for each in found]
        figure = charts.faithfulness_of_all(titles, [each.faith for each in found], [each.chance for each in found])
        st.plotly_chart(figure, config=charts.PLAIN)
        st.caption(
            "A faithful map scores low on deletion (hiding what it marks makes the class vanish) and high on insertion "
            "(showing only that brings it back). Chance is the same map, moved: what is no better explains nothing."
        )
    if any(job.state in ("cancelled", "failed") for job in every.jobs):
        st.button("Stopped. Begin again", key="again-all", icon=":material/replay:", on_click=_clear, args=(begun,))


def _grid(case: Case, found: Mapping[str, Explained | None], look: Overlay) -> None:
    for start in range(0, len(METHODS), 4):
        row = list(METHODS.values())[start : start + 4]
        for column, method in zip(roomy_columns(4, f"methods-{start}"), row, strict=False):
            with column:
                st.markdown(f"**{method.title}**")
                if each := found[method.name]:
                    laid = look.over(case.image, each.heat)
                    st.image(encode_jpeg(laid, 90), width="stretch", alt=f"{method.title}, over the picture")
                    faith = each.faith
                    st.caption(
                        f"deletion {faith.deletion:.3f} · insertion {faith.insertion:.3f}" if faith else "measuring …"
                    )


def _clear(begun: dict[str, tuple[jobs.Job, tuple]]) -> None:
    for job, arguments in begun.values():
        if job.state in ("cancelled", "failed"):
            _explanation.clear(*arguments)


# --- every layer, and a network that knows nothing ------------------------------------------------------------------


def show_layers(case: Case, method: str, look: Overlay) -> None:
    """A method's map at every layer, from the first to the last."""
    name = method if METHODS[method].layered else next(iter(METHODS))
    found = caches.layer_heats(case.network.key, case.key, case.target, name, case.net, case.image)
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
    small = fit(case.image, 260)
    with st.container(horizontal=True, gap="small"):
        for heat, text in found.values():
            with st.container(width=150):
                laid = look.over(small, heat)
                st.image(encode_jpeg(laid, 88), width=150, alt=text)
                st.caption(text)
