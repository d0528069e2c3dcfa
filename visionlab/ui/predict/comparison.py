"""Reasons beside each other, on the Predict page: of every method, of every layer, of a network that forgets, and of
several networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import VisionlabError
from visionlab.imaging.image import encode_jpeg, fit
from visionlab.network.explain import METHODS, Heatmap
from visionlab.network.explain.heatmap import NOTHING_MARKED
from visionlab.network.explain.sanity import passes, sanity_check
from visionlab.ui.predict import caches
from visionlab.ui.predict.answers import tell_at_one
from visionlab.ui.predict.explanations import (
    PATIENCE,
    TALLEST,
    USUAL,
    Case,
    Measured,
    Overlay,
    case_of,
    explaining,
    measuring,
    stopped,
)
from visionlab.ui.shared import cached, charts, jobs
from visionlab.ui.shared.networks import Network, network
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed, folded, how_far, plain, shown_width


def show_all(case: Case, look: Overlay) -> None:
    """Every method's map side by side, each as it comes; then its faithfulness."""
    maps, measures = {}, {}
    for method in METHODS:
        arguments = (case.network.key, case.key, case.target, method, None, case)
        maps[method] = (jobs.begun(explaining, *arguments), explaining, arguments)
    every = jobs.Jobs([job for job, *_ in maps.values()])
    every.wait(PATIENCE)
    if every.over and all(job.state != "cancelled" for job in every.jobs):
        for method, (job, _, arguments) in maps.items():
            if job.latest:
                whole = (*arguments, job.latest)
                measures[method] = (jobs.begun(measuring, *whole), measuring, whole)
    begun = [*maps.values(), *measures.values()]

    stopped_before = any(job.state in ("cancelled", "failed") for job, *_ in begun)

    def grid() -> None:
        latest = ({method: job.latest for method, (job, *_) in found.items()} for found in (maps, measures))
        _grid(case, *latest, look, "not measured" if stopped_before else "measuring …")

    unfinished = every if not every.over else jobs.Jobs([job for job, *_ in measures.values()])
    if not unfinished.over:
        what = "Asking every method …" if unfinished is every else "Measuring how faithful they are …"

        def so_far() -> None:
            how_far(unfinished, what)
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
        tell_at_one()
    if stopped_before:
        st.button("Stopped. Begin again", key="again-all", icon=":material/replay:", on_click=_clear, args=(begun,))


def show_networks(names: Sequence[str], picture: Picture) -> None:
    """Where each network looks for its own first answer, side by side, by Grad-CAM; each as it comes. One that cannot
    be used is left out: the table above says why."""
    method = next(iter(METHODS))
    found = []
    for one in filter(None, map(_usable, names)):
        [best] = cached.answer(one.key, picture.key, one.net, picture.image).top(1)
        case = case_of(one, picture, best.index)
        arguments = (one.key, picture.key, best.index, method, None, case)
        found.append((case, best, jobs.begun(explaining, *arguments), arguments))
    every = jobs.Jobs([job for _, _, job, _ in found])
    every.wait(PATIENCE)

    def shown() -> None:
        for start in range(0, len(found), 3):
            for column, (case, best, job, _) in zip(
                roomy_columns(3, f"networks-{start}"), found[start : start + 3], strict=False
            ):
                with column:
                    st.markdown(f"**{plain(case.network.title)}**: {plain(best.label)}, {best.probability:.1%}")
                    if job.latest:
                        laid = USUAL.over(case.shown, job.latest.values)
                        alt = f"{METHODS[method].title} of {case.network.title}, over the picture"
                        st.image(encode_jpeg(laid, 90), width=shown_width(case.shown, TALLEST), alt=alt)
                    if job.latest and job.latest.empty:
                        st.caption(NOTHING_MARKED.format(method=METHODS[method].title, label=plain(best.label)))

    st.markdown(f"**Where each looks for its own first answer**, by {METHODS[method].title}")
    if not every.over:

        def so_far() -> None:
            how_far(every, "Asking each network …")
            shown()

        jobs.watch(every, so_far, "Stop", "stop-networks")
        return
    shown()
    again = [(job, explaining, arguments) for _, _, job, arguments in found]
    for problem in dict.fromkeys(job.error for job, *_ in again if job.error):
        sentence(problem)
    if any(job.state in ("cancelled", "failed") for job, *_ in again):
        st.button(
            "Stopped. Begin again", key="again-networks", icon=":material/replay:", on_click=_clear, args=(again,)
        )


def _usable(name: str) -> Network | None:
    with suppress(VisionlabError):
        return network(name)
    return None


def _grid(
    case: Case,
    heats: Mapping[str, Heatmap | None],
    measured: Mapping[str, Measured | None],
    look: Overlay,
    else_said: str,
) -> None:
    for start in range(0, len(METHODS), 4):
        row = list(METHODS.values())[start : start + 4]
        for column, method in zip(roomy_columns(4, f"methods-{start}"), row, strict=False):
            with column:
                st.markdown(f"**{method.title}**")
                if heat := heats[method.name]:
                    laid = look.over(case.shown, heat.values)
                    st.image(encode_jpeg(laid, 90), width="stretch", alt=f"{method.title}, over the picture")
                    if heat.empty:
                        st.caption(
                            NOTHING_MARKED.format(method=method.title, label=plain(case.net.labels[case.target]))
                        )
                    known = measured.get(method.name)
                    st.caption(
                        f"deletion {known.faith.deletion:.3f} · insertion {known.faith.insertion:.3f}"
                        if known
                        else else_said
                    )


def _clear(begun: Sequence[tuple[jobs.Job, Callable, tuple]]) -> None:
    for job, start, arguments in begun:
        if job.state in ("cancelled", "failed"):
            start.clear(*arguments)


@st.cache_resource(max_entries=64, show_spinner=False)
def _check(net_key: str, picture_key: str, target: int, method: str, layer: str | None, _case: Case) -> str:
    """The id of a job that explains the case by a network that loses its weights, step by step."""

    def work(job: jobs.Job) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
        case, engine = _case, cached.engine_of(_case.net)
        asked = {"progress": job.report, "shape": case.shape}
        for found in engine.each(sanity_check, case.image, method, target, layer, **asked):
            yield found.layer, found.similarity, np.rint(255 * found.heatmap.values).astype(np.uint8)

    return jobs.registry().submit(work)


def show_layers(case: Case, method: str, look: Overlay) -> None:
    """A method's map at every layer, from the first to the last."""
    name = method if METHODS[method].layered else next(iter(METHODS))
    found = caches.layer_heats(case.network.key, case.key, case.target, name, case.net, case.image, case.shape)
    blocks: dict[str, list[str]] = {}
    for layer in found:
        blocks.setdefault(case.net.layer(layer).block, []).append(layer)
    st.caption(
        f"{METHODS[name].title} of the last layer of each block: the first find edges and spots, the last whole things."
    )
    _strip(case, [(found[names[-1]], f"{block}: {names[-1]}") for block, names in blocks.items()], look)
    with folded(f"All {len(found)} layers, block by block", ":material/layers:", "all-layers") as asked:
        if asked:
            for block, names in blocks.items():
                st.markdown(f"**{plain(block)}**")
                _strip(case, [(found[each], each) for each in names], look)


def show_check(case: Case, method: str, layer: str | None, look: Overlay) -> None:
    """The map as the network loses what it has learned, from the output to the input."""
    arguments = (case.network.key, case.key, case.target, method, layer, case)
    job = jobs.begun(_check, *arguments)
    job.wait(PATIENCE)
    st.caption(
        f"{METHODS[method].title}, while the network forgets what it learned, from the last layer to the first.",
        help=term("sanity check"),
    )

    trained = jobs.begun(explaining, *arguments)
    trained.wait(PATIENCE)

    def strip() -> None:
        learned = trained.latest
        before = [(np.rint(255 * learned.values).astype(np.uint8), "as it has learned")] if learned else []
        after = [(heat, f"down to {name}: alike {fixed(alike, 2)}") for name, alike, heat in job.events]
        _strip(case, [*before, *after], look)

    if not job.over:

        def so_far() -> None:
            how_far(job, "Forgetting …")
            strip()

        jobs.watch(job, so_far, "Stop", "stop-check")
        return
    strip()
    if not stopped(job, _check, arguments):
        *_, (_, alike, _) = job.events
        st.markdown(VERDICTS[passes(alike)].format(method=METHODS[method].title, alike=fixed(alike, 2)))


VERDICTS = {  # whether the method passes
    True: ":green[:material/check_circle:] **It shows what was learned.** Once every weight is drawn anew, {method} "
    "gives another map: alike {alike}, where 1 is the same map, and 0 any other.",
    False: ":orange[:material/warning:] **It shows little of what was learned.** A network that knows nothing gives "
    "much the same map: {method} is alike {alike}, where 1 is the same map, and 0 any other.",
}


def _strip(case: Case, found: Sequence[tuple[NDArray[np.uint8], str]], look: Overlay) -> None:
    """Maps over the picture, in a row that goes on in further ones, and under each its text."""
    small = fit(case.shown, 260)
    with st.container(horizontal=True, gap="small"):
        for heat, text in found:
            with st.container(width=150):
                laid = look.over(small, heat.astype(np.float32) / 255)
                st.image(encode_jpeg(laid, 88), width=150, alt=text)
                st.caption(text if heat.any() else f"{text} (nothing is marked)")
