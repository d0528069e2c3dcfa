"""The 8 that moves: four networks, where each is right, and a pad on which to try them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.garbage import leave_out_imports
from visionlab.learning.scratch import EightNet, MovingEight, SmallSet, answer, surest_first
from visionlab.learning.scratch.forecast import eight_seconds
from visionlab.learning.scratch.moving_eight import LEARNERS, PLACES, Look, change_told, of_each
from visionlab.ui.scratch import charts as scratch_charts
from visionlab.ui.scratch import five_steps, runs
from visionlab.ui.scratch.lesson import forecast, measured
from visionlab.ui.scratch.parts import Fields, notice, problem_of, table, train_button
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import held
from visionlab.ui.shared import charts
from visionlab.ui.shared.components.pad import Example, latest_drawing, pad
from visionlab.ui.shared.page import roomy_columns, told
from visionlab.ui.shared.widgets import folded, plain

NAME = "moving-eight"
PAD = "eight-pad"
WALKED = "convolutional"  # in LEARNERS
EXAMPLES = 6  # digits that the pad offers, half of them 8s: those that the first network is surest of
CANDIDATES = 50  # 8s among which these are looked for
PEN = 0.09  # of a digit's side


@dataclass(frozen=True, eq=False)
class Plan(runs.Plan):
    """eights and others: test pictures (N, S, S) of the target, and of what is none."""

    target: str
    eights: NDArray[np.uint8]
    others: NDArray[np.uint8]


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "A fully connected network learns to tell one class from all others, as long as what it shows is in the "
        "middle. Then that moves: in the article it is an 8. Three remedies, as there: slide a window over the "
        "picture, learn from shifted ones, or give the network convolutions, which look for the same thing everywhere."
    )
    now = None
    if chosen is not None:
        now = _form(chosen)
    if not runs.show(NAME, now, _live, _result) and chosen is not None:
        st.caption("Press “Train”: four networks learn one after the other.")


def _form(chosen: Chosen) -> runs.Settings:
    classes = chosen.data.classes
    one, two, _ = roomy_columns([1, 1, 2], "settings", vertical_alignment="bottom")
    key = f"eight-target-{hash(classes)}"
    target = one.selectbox(
        "Tell this one from all others", classes, index=classes.index("8") if "8" in classes else 0, key=key
    )
    with two:
        seed = (fields := Fields()).seed(NAME)
    settings = {"Class": target, "Seed": str(seed)}
    if told := change_told(chosen.data.shape):
        st.caption(told)

    def start() -> None:
        run = MovingEight(chosen.data, target, seed)
        test, labels = run.digits.test_images[..., 0], run.digits.test_labels
        eights, others = test[labels == 1][:CANDIDATES], test[labels == 0][: EXAMPLES // 2]
        widgets = held(chosen) | fields.held | {key: target}
        runs.begin(NAME, Plan(chosen.about, settings, target, eights, others, widgets=widgets), lambda: run)

    def seconds(of: SmallSet) -> float:
        return _seconds(of.shape, len(of.test_images), target, of)

    few = chosen.data.less(len(classes))  # they show as well whether the data can be used
    train_button(NAME, start, problem := fields.problem or problem_of(lambda: MovingEight(few, target)))
    if not problem:
        count = of_each(chosen.data.labels == chosen.data.place(target))
        pictures = f"each of {len(LEARNERS)} networks learns from {2 * count:,} pictures, the one with a window from "
        tested = f"{6 * count:,}; then it is tested at {PLACES**2} places"
        forecast(NAME, chosen, seconds, pictures + tested)
    return {runs.PICTURES: chosen.about, **settings}


@measured()
def _seconds(shape: tuple[int, int, int], tests: int, target: str, _data: SmallSet) -> float:
    return eight_seconds(MovingEight(_data, target))


def _trained(looks: Sequence[Look]) -> dict[str, Look]:
    return {look.name: look for look in looks if look.net is not None}


def _live(plan: Plan, looks: Sequence[Look], _: float) -> None:
    trained, latest = _trained(looks), looks[-1]
    for name, kind in LEARNERS.items():
        share = 1.0 if name in trained else latest.share if name == latest.name else 0.0
        st.progress(share, kind.title)
    if trained:
        maps = {LEARNERS[name].title: look.shifts for name, look in trained.items()}
        st.plotly_chart(scratch_charts.shift_curves(maps), config=charts.PLAIN, key="eight-live")


def _result(plan: Plan, looks: Sequence[Look], _: float) -> None:
    trained = _trained(looks)
    if not trained:
        st.caption("No network was ready by then.")
        return
    maps = {name: look.shifts for name, look in trained.items()}
    with st.container(border=True):
        _try({name: look.net for name, look in trained.items()}, plan)
    st.markdown("**Where each is right**, by how far the picture is moved")
    for column, (name, found) in zip(roomy_columns(4, "maps"), maps.items(), strict=False):
        with column:
            st.markdown(f":small[**{LEARNERS[name].title}**]", help=LEARNERS[name].about)
            st.plotly_chart(scratch_charts.shift_map(found), config=charts.PLAIN, key=f"map-{name}")
    st.html(_scale())
    st.caption(next(iter(maps.values())).told())
    left, right = roomy_columns([1.15, 1], "details-eight", gap="large")
    with left:
        titled = {LEARNERS[name].title: found for name, found in maps.items()}
        st.plotly_chart(scratch_charts.shift_curves(titled), config=charts.PLAIN, key="eight-curves")
    with right:
        notice(_lesson(trained, plan.target))
        table(("Network", "In the middle", "At the edge", "Parameters"), [_row(*each) for each in trained.items()])
        st.caption("The article gives no figures for these; it says that the first one fails once the 8 is off centre.")


def _lesson(trained: Mapping[str, Look], target: str) -> str:
    """What follows from the networks that can tell the class at all."""
    lost = [LEARNERS[name].title for name, look in trained.items() if not look.shifts.found_in_the_middle]
    if lost:
        who = "None of them tells" if len(lost) == len(trained) else f"By {' and '.join(lost)} nothing tells"
        return (
            f"{who} “{plain(target)}” from the rest better than guessing (50%), even in the middle, so nothing follows "
            "from that about places. More pictures may help, or a class that is easier to tell."
        )
    return (
        "The first network learned from the middle alone; what it is worth at the edge says how far from guessing "
        "(50%) it is there. The window finds it at the price of looking at many places. Shifted pictures teach a "
        f"network every place by itself.{_weights(trained)}"
    )


def _weights(trained: Mapping[str, Look]) -> str:
    """What the two that learn from shifted pictures take for that, where the convolutional one takes less."""
    one, other = (trained.get(name) for name in ("shifted", "convolutional"))
    if one is None or other is None or _parameters(one) <= _parameters(other):
        return ""
    return (
        f" The convolutional one does that with {_parameters(other):,} parameters, the fully connected one with "
        f"{_parameters(one):,}."
    )


def _parameters(look: Look) -> int:
    return sum(layer.parameters for layer in look.net.network.layers)


def _row(name: str, look: Look) -> tuple[str, str, str, str]:
    _, accuracies = look.shifts.curve()
    shares = []
    for share in (accuracies[0], accuracies[-1]):
        low, high = look.shifts.interval(share)
        shares.append(f"{share:.0%} ({low:.0%} to {high:.0%})")
    return LEARNERS[name].title, *shares, f"{_parameters(look):,}"


def _scale() -> str:
    """The maps' common scale, as a bar."""
    import plotly.colors

    colours = ",".join(colour for _, colour in plotly.colors.get_colorscale(scratch_charts.SCALE))
    bar = f"height:.6rem;border-radius:.3rem;flex:1;max-width:16rem;background:linear-gradient(to right,{colours})"
    ends = scratch_charts.WORST, scratch_charts.BEST
    return (
        '<div style="display:flex;gap:.6rem;align-items:center;font-size:.85rem" role="img" '
        f'aria-label="Scale from {ends[0]} to {ends[1]} per cent right"><span>{ends[0]}% right</span>'
        f'<span style="{bar}"></span><span>{ends[1]}%</span></div>'
    )


@st.fragment
def _try(nets: Mapping[str, EightNet], plan: Plan) -> None:
    """The pad and the networks' answers to it; runs again by itself with each drawing."""
    leave_out_imports()
    st.markdown("**Try them: move the picture about, or draw one**")
    first = next(iter(nets.values()))
    eights = surest_first(first, plan.eights)[: EXAMPLES // 2]
    some = [Example(one, f"A test picture of “{plan.target}”.", True) for one in eights]
    none = [Example(one, f"A test picture that is not “{plan.target}”.", False) for one in plan.others]
    drawing, told_of = latest_drawing(PAD, first.canvas), None
    with st.container(), told():  # a place of its own, so that the pad stays in its own
        if drawing:
            bars = [(LEARNERS[name].title, answer(net, drawing.pixels)) for name, net in nets.items()]
            told_of = drawing.number, bars
    pad(
        key=PAD,
        side=first.canvas,
        pen=max(1.0, PEN * first.digit),
        examples=[each for pair in zip(some, none, strict=False) for each in pair],
        answer=told_of,
        what=f"How probable each holds that “{plan.target}” is on it. From 50% on it says so.",
    )
    if drawing and WALKED in nets:
        title = "Five steps: how the convolutional one comes to its answer"
        with folded(title, ":material/footprint:", "five-steps") as asked, told():
            if asked:
                five_steps.show(nets[WALKED], drawing.pixels, plain(plan.target))
