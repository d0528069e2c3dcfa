"""The closing table: four ways to a classifier, on the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.learning.judging.metrics import MAJORITY
from visionlab.learning.scratch import SETTINGS, Closing, Row, SmallSet
from visionlab.learning.scratch.closing import FROM_NOTHING, SHOWN, WAYS, Look, enlarged, enlargement_told
from visionlab.learning.scratch.forecast import ClosingPace, closing_pace
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import MODELS, TO_NAME
from visionlab.ui.scratch import runs
from visionlab.ui.scratch.lesson import forecast, measured
from visionlab.ui.scratch.parts import (
    Fields,
    as_image,
    beside,
    image_tag,
    notice,
    table,
    train_button,
)
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import held, offer
from visionlab.ui.shared.networks import Network, model_picker
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.state import NETWORK
from visionlab.ui.shared.widgets import duration, sliding

NAME = "closing"
ADDS = "adds photographs, which are more like what the network of transfer has learned from."
TESTED = 1_000  # test pictures, at most


@dataclass(frozen=True, eq=False)
class Plan(runs.Plan):
    """tested: how many test pictures, majority: the accuracy of always naming their most frequent class; images and
    truth are the shown ones and their labels."""

    classes: tuple[str, ...]
    network: str
    tested: int
    majority: float
    images: NDArray[np.uint8]
    truth: NDArray[np.int64]


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "Four ways to a classifier, from the simplest to the one that stands on a giant’s shoulders: transfer takes a "
        "network that has learned from very many other pictures, and learns only the last layer anew. All four are "
        "tested on the same pictures."
    )
    now = None
    if chosen is not None:
        now = _form(chosen)
        offer(chosen, ADDS)
    if not runs.show(NAME, now, _live, _result) and chosen is not None:
        st.caption("Press “Train”: the four ways are gone one after the other.")


def _form(chosen: Chosen) -> runs.Settings:
    one, two, three, four = roomy_columns(4, "controls")
    with one:
        network = model_picker(TO_NAME)
        if network.instead_of:
            sentence(network.instead_of)
    fields = Fields()
    with two:
        epochs = fields.epochs("Epochs from scratch", 5, "closing-epochs")
    with three:
        of_each = fields.number(
            "Per class, transfer",
            1,
            1_000,
            20,
            "closing-of-each",
            persist_state="session",
            help="How many pictures of each class the transferred network learns from; the others learn from all.",
        )
    with four:
        seed = fields.seed(NAME)
    data, problem = chosen.data, fields.problem
    named = {
        "Network": network.title,
        "Epochs from scratch": str(epochs),
        "Per class, transfer": str(of_each),
        "Seed": str(seed),
    }
    try:
        if told := enlargement_told(data.shape):
            st.caption(told)
    except DatasetError as error:
        problem = problem or str(error)

    def start() -> None:
        settings = {"epochs": epochs, "of_each": of_each, "tested": TESTED, "seed": seed}
        run = Closing(data, network.net, **settings)
        shown = run.images[:SHOWN], run.truth[:SHOWN]
        of = data.classes, network.title, len(run.images), run.majority
        widgets = held(chosen) | fields.held | {NETWORK: network.name}
        runs.begin(NAME, Plan(chosen.about, named, *of, *shown, widgets=widgets), lambda: run)

    train_button(NAME, start, problem)
    if not problem:
        _forecast(chosen, network, epochs, of_each)
    return {runs.PICTURES: chosen.about, **named}


def _forecast(chosen: Chosen, network: Network, epochs: int, of_each: int) -> None:
    """How long all four take, with their tests."""

    def counts(of: SmallSet) -> tuple[int, int, int]:
        few = int(np.minimum(np.bincount(of.labels), of_each).sum())
        return len(of.images), min(TESTED, len(of.test_images)), few

    def seconds(of: SmallSet) -> float:
        learned, tested, few = counts(of)
        data = chosen.data
        pace = _pace(network.key, data.shape, len(data.classes), network.net, data)
        return pace.seconds(learned, tested, epochs, few)

    learned, tested, few = counts(chosen.data)
    forecast(
        NAME,
        chosen,
        seconds,
        f"{epochs} × {learned:,} pictures to learn from, for transfer {few:,} once, and {tested:,} to test with each "
        "time",
    )


@measured()
def _pace(network: str, shape: tuple[int, int, int], classes: int, _net: Classifier, _data: SmallSet) -> ClosingPace:
    return closing_pace(enlarged(_data), _net)


def _live(plan: Plan, looks: Sequence[Look], _: float) -> None:
    rows, latest = _rows(looks), looks[-1]
    share = 0.0 if latest.name in rows else min(latest.share, 0.99)  # what was learned has to be tested yet
    st.progress((len(rows) + share) / len(WAYS), f"{WAYS[latest.name]}, {len(rows)} of {len(WAYS)} are done")
    _tables(plan, rows, {latest.name: f"{share:.0%} learned"})


def _rows(looks: Sequence[Look]) -> dict[str, Row]:
    return {look.name: look.row for look in looks if look.row}


def _result(plan: Plan, looks: Sequence[Look], _: float) -> None:
    rows = _rows(looks)
    if not rows:
        st.caption("None of the four was ready by then.")
        return
    _tables(plan, rows, {})
    for row in rows.values():
        if row.diverged:
            st.text(f"{WAYS[row.name]}: {row.diverged}")
    notice(
        f"{_passes(rows, plan)}Compare accuracy with what it cost: pictures, parameters, time. Transfer learns from "
        "the fewest pictures, since what edges, textures and parts look like is known to it already; but it helps only "
        f"as far as the pictures resemble those that {plan.network} once saw."
    )
    scratch, transfer = (rows.get(name) for name in ("convolutional", "transfer"))
    beside(
        [
            ("From scratch", "50,000 pictures, 1,298 s, 0.8950 (in training)", _short(scratch)),
            ("Transfer", "64 pictures, 2.45 s and the features, 5 of 6 right", _short(transfer)),
            ("VGG16’s input", "244 × 244", "{0} × {0}".format(MODELS["vgg16"].transform.crop)),
            ("What VGG16 is worth on ImageNet", "92.5%", "that is top-5: among five answers, the right one"),
        ]
    )


def _passes(rows: Mapping[str, Row], plan: Plan) -> str:
    """Of ways that were not trained alike, how often each has seen its pictures: that is no fair comparison."""
    settings, epochs = SETTINGS["better"], int(plan.settings["Epochs from scratch"])
    if "softmax" not in rows or not {*FROM_NOTHING} & {*rows}:
        return ""
    seen = settings.steps * settings.batch / rows["softmax"].pictures
    if seen <= 2 * epochs:
        return ""
    return (
        f"Softmax, which is quick, went over its pictures about {seen:.0f} times, the networks from scratch {epochs}: "
        "with more epochs from scratch they are compared more fairly. "
    )


def _tables(plan: Plan, rows: dict[str, Row], going_on: dict[str, str]) -> None:
    """What there is so far: a row a way, also of those that are not done, and what each says of the same pictures."""
    right = f"Right on {plan.tested:,} test pictures (95% interval)"
    head = ("Way", "Pictures", "Parameters learned", "Time", right)
    always = (MAJORITY, "–", "–", "–", f"{plan.majority:.1%}")
    figures = [
        _figures(rows[name]) if name in rows else (title, *3 * ["–"], going_on.get(name, "not done"))
        for name, title in WAYS.items()
    ]
    table(head, [always, *figures])
    if rows:
        st.markdown("**The same test pictures, and what each says of them**")
        st.html(_answers(plan, rows))


def _figures(row: Row) -> tuple[str, ...]:
    low, high = row.interval
    counts = f"{row.pictures:,}", f"{row.parameters:,}", duration(row.seconds)
    return WAYS[row.name], *counts, f"{row.accuracy:.1%} ({low:.1%} to {high:.1%})"


def _short(row: Row | None) -> str:
    return f"{row.pictures:,} pictures, {duration(row.seconds)}, {row.accuracy:.1%} right" if row else "–"


def _answers(plan: Plan, rows: dict[str, Row]) -> str:
    """A row a picture, a column a way, so that it fits narrow pages; the right answers are ticked, since colours alone
    do not tell everybody."""
    head = "".join(f"<th>{WAYS[name]}</th>" for name in rows)
    body = ""
    for place, (image, truth) in enumerate(zip(plan.images, plan.truth, strict=True)):
        name = plan.classes[truth]
        said = "".join(
            f'<td class="{"agreed" if row.answers[place] == truth else ""}">'
            f"{'✓ ' if row.answers[place] == truth else ''}{escape(plan.classes[row.answers[place]])}"
            f"<br><small>{row.probabilities[place]:.0%}</small></td>"
            for row in rows.values()
        )
        body += f"<tr><th>{image_tag(as_image(image), name, 48)}{escape(name)}</th>{said}</tr>"
    whole = f'<table class="networks"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'
    return sliding(whole, "What each of them says of the test pictures")
