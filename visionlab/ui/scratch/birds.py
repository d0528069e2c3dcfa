"""Bird or not: a threshold, what the answers are worth at it, and why accuracy alone misleads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, floor, isnan

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.learning.judging.thresholds import precision_recall
from visionlab.learning.scratch import Birds, Progress, Verdict
from visionlab.learning.scratch.birds import STACK, TARGET, check, verdict
from visionlab.learning.scratch.training import RATE
from visionlab.ui.scratch import charts as scratch_charts
from visionlab.ui.scratch import runs
from visionlab.ui.scratch.convnet import without_maps
from visionlab.ui.scratch.lesson import forecast_epochs
from visionlab.ui.scratch.parts import (
    Fields,
    Tile,
    as_image,
    beside,
    notice,
    problem_of,
    tiles,
    train_button,
    untested,
)
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import held, offer
from visionlab.ui.shared import charts
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import duration, facts, plain

NAME = "birds"
ADDS = "adds the article’s question: one picture in ten is a bird, on any background."
SHOWN = 18  # pictures of a gallery
WANTED = ("bird", "8", "face")  # the class that is looked for, where there is one of these


@dataclass(frozen=True, eq=False)
class Plan(runs.Plan):
    target: str
    epochs: int
    images: NDArray[np.uint8]  # of the test part
    truth: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Look:
    """A look at the training, and after each epoch the probabilities (n, 2) of the test pictures."""

    progress: Progress
    probabilities: NDArray[np.float32] | None

    @property
    def diverged(self) -> object:
        return self.progress.diverged


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "One class against all the rest. Where it is rare, a network that never names it is right nearly always, so "
        "accuracy says little. **Precision**: of what it names so, how much is. **Recall**: of what is, how much it "
        "finds."
    )
    now = None
    if chosen is not None:
        now = _form(chosen)
        offer(chosen, ADDS)
    if not runs.show(NAME, now, _live, _result) and chosen is not None:
        st.caption("Press “Train”; then a slider sets from which probability on it says so.")


def _form(chosen: Chosen) -> runs.Settings:
    data = chosen.data
    one, two, three, four = roomy_columns(4, "controls", vertical_alignment="bottom")
    wanted = next((name for name in WANTED if name in data.classes), data.classes[0])
    target = one.selectbox(
        "Tell this one from all others",
        data.classes,
        index=data.classes.index(wanted),
        key=(key := f"birds-target-{hash(data.classes)}"),
    )
    fields = Fields()
    with two:
        epochs = fields.epochs("Epochs", 10, "birds-epochs")
    with three:
        rate = fields.rate(NAME, RATE)
    with four:
        seed = fields.seed(NAME)
    settings = {"Class": target, "Epochs": str(epochs), "Learning rate": f"{rate:g}", "Seed": str(seed)}

    def start() -> None:
        run = Birds(data, target, epochs, rate=rate, seed=seed)
        widgets = held(chosen) | fields.held | {key: target}
        tested = run.data.test_images, run.data.test_labels
        plan = Plan(chosen.about, settings, target, epochs, *tested, widgets=widgets)
        runs.begin(NAME, plan, lambda: answered(run))

    train_button(NAME, start, problem := fields.problem or problem_of(lambda: check(data.shape)))
    if not problem:
        forecast_epochs(NAME, STACK, chosen, epochs)
    return {runs.PICTURES: chosen.about, **settings}


def answered(run: Birds) -> Iterator[Look]:
    for progress in run.looks():
        yield Look(without_maps(progress), run.probabilities if progress.epoch else None)


def _live(plan: Plan, looks: Sequence[Look], _: float) -> None:
    latest = looks[-1].progress
    share = latest.passes / plan.epochs
    st.progress(share, f"Epoch {latest.index} of {plan.epochs}")
    figure = scratch_charts.epochs([look.progress for look in looks], plan.epochs)
    st.plotly_chart(figure, config=charts.PLAIN, key="birds-live")


def _result(plan: Plan, looks: Sequence[Look], seconds: float) -> None:
    answers = [look.probabilities for look in looks if look.probabilities is not None]
    if not answers:
        untested(looks)
        return
    name = plain(plan.target)
    threshold = (
        st.slider(f"Say “{name}” from this probability on", 0, 100, 50, format="%d %%", key="birds-threshold") / 100
    )
    found = verdict(plan.truth, answers[-1], threshold)
    low, high = found.interval
    facts(
        {
            "Always saying no": f"{found.always_no:.1%}",
            "Balanced accuracy": _share(found.balanced),
            "Accuracy": f"{found.accuracy:.1%}",
            "Its 95% interval": f"{low:.1%} to {high:.1%}",
            "Precision": _share(found.precision),  # “–” where nothing is named so
            "Recall": _share(found.recall),
        },
        {
            "Always saying no": term("baseline"),
            "Balanced accuracy": term("balanced accuracy"),
            "Its 95% interval": term("95% interval"),
            "Precision": term("precision"),
            "Recall": term("recall"),
        },
    )
    left, right = roomy_columns(2, "details-birds", gap="large")
    with left:
        there = float((plan.truth == TARGET).mean())
        if 0 < there < 1:
            curve = precision_recall(plan.truth, answers[-1], TARGET)
            figure = charts.precision_recall(curve, plan.target, there)
            if not isnan(found.precision):
                marker = {"size": 12, "color": charts.ORANGE, "line": {"width": 2, "color": "white"}}
                x, y = [100 * found.recall], [100 * found.precision]
                figure.add_scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip")
            st.plotly_chart(figure, config=charts.PLAIN, key="birds-curve")
    with right:
        of_class = answers[-1][plan.truth == TARGET, TARGET]
        notice(_lesson(found, name, float(of_class.max(initial=0.0))))
        progress = [look.progress for look in looks if look.progress.epoch]
        ends = {p.index: p.epoch.test_accuracy for p in (progress[0], progress[-1])}
        passes = ", ".join(f"{share:.1%} after {index}" for index, share in ends.items())
        other = "of other shares of birds: not comparable"
        beside(
            [
                ("Always saying no", "not told", f"{found.always_no:.1%}"),
                ("Balanced accuracy", "not told", _share(found.balanced)),
                ("Accuracy by passes", f"75.4% after 1, 91.7% after 10, 95.5% after 50; {other}", passes),
                (
                    "Precision and recall",
                    f"97% and 90%; {other}",
                    f"{_share(found.precision)} and {_share(found.recall)}",
                ),
                ("Pictures", "72,000, of CIFAR-10 and a set of birds", f"{plan.on}; {duration(seconds)}"),
            ]
        )
    _galleries(plan, found, answers[-1], name)


def _share(value: float) -> str:
    return "–" if isnan(value) else f"{value:.1%}"


def _lesson(found: Verdict, name: str, highest: float) -> str:
    """highest: the greatest probability of the class, of those test pictures that are of it."""
    four = found.quadrants
    if not len(four.true_positives) + len(four.false_positives):
        return (
            f"At {found.threshold:.0%} it names no picture “{name}”, so it is right as often as somebody who always "
            f"says no. The highest probability that it gives to one that is, is {highest:.1%}: move the slider down to "
            f"{floor(100 * highest)}%, and see what else it names then."
        )
    if not len(four.false_negatives) + len(four.true_negatives):
        return f"At {found.threshold:.0%} it names every picture “{name}”, and misses none. Move the slider up."
    gain = round(100 * (found.accuracy - found.majority), 1)
    chance = f", which with {four.count:,} test pictures may be chance" if _may_be_chance(found) else ""
    told = (
        f"Its accuracy is {abs(gain)} points {'above' if gain > 0 else 'below'} that of somebody who never looks and "
        f"always gives the more frequent answer{chance}."
        if gain
        else "It is right as often as somebody who never looks and always gives the more frequent answer."
    )
    return (
        f"{told} Move the slider up: fewer pictures are named “{name}”"
        f"{', of which mostly more are right' if len(four.false_positives) else ''}. Move it down: "
        "fewer are missed. No threshold is best for everything; it depends on which mistake costs more."
    )


def _may_be_chance(found: Verdict) -> bool:
    """Whether it is so by the exact two-sided sign test at 5 %, of the test pictures on which it and who never looks
    differ: those are the ones that it names where saying no is right more often, else those that it does not."""
    four = found.quadrants
    no = found.majority == found.always_no
    gained, lost = (four.true_positives, four.false_positives) if no else (four.true_negatives, four.false_negatives)
    differ, fewer = len(gained) + len(lost), min(len(gained), len(lost))
    return 2 * sum(comb(differ, count) for count in range(fewer + 1)) / 2**differ >= 0.05


def _galleries(plan: Plan, found: Verdict, probabilities: NDArray[np.float32], name: str) -> None:
    four = found.quadrants
    kinds = (
        ("True positives", f"“{name}”, and named so", four.true_positives),
        ("False positives", f"not “{name}”, but named so", four.false_positives),
        ("False negatives", f"“{name}”, but missed", four.false_negatives),
        ("True negatives", f"not “{name}”, and not named so", four.true_negatives),
    )
    for row in (kinds[:2], kinds[2:]):
        for column, (title, about, places) in zip(
            roomy_columns(2, f"details-{row[0][0][0]}-galleries", gap="large"), row, strict=True
        ):
            with column, st.container(border=True):
                shown = places[:SHOWN]
                first = f", of which the first {len(shown)}" if len(shown) < len(places) else ""
                st.markdown(f"**{title}** · {len(places):,}{first}  \n:small[:gray[{about}]]")
                if len(shown):
                    tiles([Tile(as_image(plan.images[i]), f"{probabilities[i, TARGET]:.0%}") for i in shown], 56)
