"""Softmax regression: the templates as pictures, improving while it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from visionlab.learning.scratch import SETTINGS, Pace, SmallSet, Softmax, Step
from visionlab.learning.scratch.forecast import softmax_pace, softmax_seconds
from visionlab.learning.scratch.small_set import Tested
from visionlab.learning.scratch.softmax import LOOK_EVERY
from visionlab.ui.scratch import charts as scratch_charts
from visionlab.ui.scratch import runs
from visionlab.ui.scratch.lesson import forecast, measured
from visionlab.ui.scratch.parts import Fields, Tile, beside, notice, tiles, train_button, untested, weights_image, worth
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import held, offer
from visionlab.ui.shared import charts
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import duration

NAME = "softmax"
ADDS = "adds photographs, of which one template a class knows little: the article has 30.66% right."
MOST_TEMPLATES = 30  # classes
LOOKS = 20  # at the templates, at most


@dataclass(frozen=True)
class Plan(runs.Plan):
    """tested: what its accuracy rests on."""

    classes: tuple[str, ...]
    parameters: int
    tested: Tested


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "The simplest network there is: one template a class, as large as a picture. A picture’s score is the sum of "
        "its numbers times the template’s, and softmax turns the scores into probabilities. Gradient descent changes "
        "the templates a little with every batch.",
        help=term("softmax"),
    )
    now = None
    if chosen is not None:
        now = _form(chosen)
        offer(chosen, ADDS)
    if not runs.show(NAME, now, _live, _result) and chosen is not None:
        st.caption("Press “Train”: the templates come to be, step by step.")


def _form(chosen: Chosen) -> runs.Settings:
    name = st.segmented_control(
        "Settings",
        SETTINGS,
        default="better",
        required=True,
        format_func=lambda name: SETTINGS[name].title,
        key="softmax-settings",
        persist_state="session",
    )
    way = SETTINGS[name]
    one, two, three, _ = roomy_columns(4, "controls", vertical_alignment="bottom")
    fields = Fields()
    with one:
        steps = fields.number(
            "Steps", 1, 20_000, way.steps, f"steps-{name}", persist_state="session", help=term("step")
        )
    with two:
        rate = fields.rate(NAME, way.rate)
    with three:
        seed = fields.seed(NAME)
    settings = replace(way, steps=steps, rate=rate)
    named = {"Settings": way.title, "Steps": f"{steps:,}", "Learning rate": f"{rate:g}", "Seed": str(seed)}

    def seconds(of: SmallSet) -> float:
        return softmax_seconds(_pace(of.shape, len(of.classes), of), settings, len(of.test_images))

    def start() -> None:
        run = Softmax(chosen.data, settings, seed)
        widgets = held(chosen) | fields.held | {"softmax-settings": name}
        plan = Plan(chosen.about, named, chosen.data.classes, run.parameters, chosen.data.tested, widgets=widgets)
        runs.begin(NAME, plan, lambda: lightened(run))

    train_button(NAME, start, fields.problem)
    if not fields.problem:
        forecast(NAME, chosen, seconds, f"{settings.steps:,} steps of {settings.batch} pictures, and their tests")
    return {runs.PICTURES: chosen.about, **named}


@measured()
def _pace(shape: tuple[int, int, int], classes: int, _data: SmallSet) -> Pace:
    return softmax_pace(_data)


def lightened(run: Softmax) -> Iterator[Step]:
    """The steps, with no more templates than are shown, since those of large pictures are large."""
    between = LOOK_EVERY * -(-run.settings.steps // (LOOK_EVERY * LOOKS))
    for step in run:
        if step.templates is None:
            yield step
        elif step.index % between and step.index < step.of and not step.diverged:
            yield replace(step, templates=None)
        else:
            yield replace(step, templates=step.templates[:MOST_TEMPLATES])


def _live(plan: Plan, steps: Sequence[Step], _: float) -> None:
    latest = steps[-1]
    st.progress(latest.index / latest.of, f"Step {latest.index:,} of {latest.of:,}")
    st.plotly_chart(scratch_charts.descent(steps), config=charts.PLAIN, key="softmax-live")
    looks = [step for step in steps if step.templates is not None]
    if looks:
        _templates(plan, looks[-1])


def _result(plan: Plan, steps: Sequence[Step], seconds: float) -> None:
    looks = [step for step in steps if step.templates is not None and step.test_accuracy is not None]
    if looks:
        worth(looks[-1].test_accuracy, plan.tested, {})
    left, right = roomy_columns(2, "details-softmax", gap="large")
    with left:
        st.plotly_chart(scratch_charts.descent(steps), config=charts.PLAIN, key="softmax-curves")
    with right:
        if looks:
            at = (
                st.select_slider(
                    "The templates after step",
                    [step.index for step in looks],
                    looks[-1].index,
                    key=f"softmax-look-{len(looks)}-{steps[-1].of}",
                )
                if len(looks) > 1
                else looks[-1].index
            )
            _templates(plan, next(step for step in looks if step.index == at))
    notice(
        "Orange (or bright) pixels speak for the class, blue (or dark) ones against it. There is one template for all "
        "pictures of a class: digits, which are drawn much alike and in one place, nearly have one, and photographs do "
        "not."
    )
    if not looks:
        untested(steps)
    accuracy = f"{looks[-1].test_accuracy:.2%}" if looks else "–"
    beside(
        [
            (
                "Right on the test part",
                "30.66% on CIFAR-10; chance there is 10%, people do 94%",
                f"{accuracy} on {plan.on}",
            ),
            ("Parameters", "30,730", f"{plan.parameters:,}"),
            ("Steps", "1,000 of 100 pictures, in 12.42 s", f"{steps[-1].index:,}, in {duration(seconds)}"),
        ]
    )


def _templates(plan: Plan, look: Step) -> None:
    shown = zip(look.templates, plan.classes, strict=False)
    tiles((Tile(weights_image(template), name) for template, name in shown), 84)
    if look.test_accuracy is not None:
        st.caption(f"After step {look.index:,}: {look.test_accuracy:.1%} of the test pictures are right.")
