"""The convolutional network: a stack that one edits, and filters that come to be, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import encode_png
from visionlab.imaging.render import mosaic
from visionlab.learning.scratch import LayerSpec, Network, Progress, Training, probabilities
from visionlab.learning.scratch.closing import can_be_enlarged, enlarged, enlargement_told
from visionlab.learning.scratch.small_set import Tested
from visionlab.learning.scratch.training import RATE, below_test
from visionlab.ui.scratch import charts as scratch_charts
from visionlab.ui.scratch import layers, runs
from visionlab.ui.scratch.lesson import forecast_epochs
from visionlab.ui.scratch.parts import (
    Fields,
    Tile,
    as_image,
    beside,
    notice,
    tiles,
    train_button,
    untested,
    weights_image,
    worth,
)
from visionlab.ui.scratch.sets.bringing import Chosen
from visionlab.ui.scratch.sets.choosing import held, offer
from visionlab.ui.shared import charts
from visionlab.ui.shared.page import roomy_columns, told
from visionlab.ui.shared.widgets import duration, plain, show_exact

NAME = "convnet"
ADDS = "adds colours and things: filters become colours as well as edges, and the article’s figures are on it."
MAPS_WIDTH = 900  # pixels of a layer's maps, about
MOST_MAPS = 64  # of a layer that are kept and shown
STATES = 40  # of the network that are kept, at most: of a longer training not after every epoch
ALIKE = 0.9  # the correlation of two sets of filters above which one sees no difference
SHOWING = 0.03  # of the time of a training, at most, goes into what is seen within epochs; drawing it takes as much


@dataclass(frozen=True, eq=False)
class Plan(runs.Plan):
    """label: of the watched picture, a place in classes; tested: what its accuracy rests on."""

    epochs: int
    stack: tuple[LayerSpec, ...]
    parameters: int
    classes: tuple[str, ...]
    watched: NDArray[np.uint8]
    label: int
    tested: Tested

    def restore(self) -> None:
        super().restore()
        layers.use(self.stack)


@dataclass(frozen=True, eq=False)
class Look:
    """A look at the training (None before it begins); and at its beginning, within epochs and after them what there is
    to see after so many passes: of the watched picture the maps and how probable each class is held, (K,), and the
    first layer's filters (out, height, width, in) where it is a conv."""

    progress: Progress | None
    passes: float | None = None
    maps: Mapping[str, NDArray[np.float16]] | None = None
    answer: NDArray[np.float32] | None = None
    filters: NDArray[np.float32] | None = None

    @property
    def diverged(self) -> object:
        return self.progress and self.progress.diverged


def show(chosen: Chosen | None) -> None:
    st.markdown(
        "A stack of layers: convolutions look for small patterns, pooling makes the picture smaller, dense layers "
        "decide. Begin with the article’s, change it, and watch what it costs."
    )
    now = None
    if chosen is not None:
        now = _form(chosen)
        offer(chosen, ADDS)
    if not runs.show(NAME, now, _live, _result) and chosen is not None:
        st.caption("Press “Train”: each epoch is a pass over all pictures.")


def _form(chosen: Chosen) -> runs.Settings:
    data = chosen.data
    if can_be_enlarged(data.shape):
        if said := enlargement_told(data.shape):
            st.caption(said)
        data = enlarged(data)
    with told():
        layers.take_link()
    with st.expander("The layers", expanded=not runs.known(NAME)):
        edited = layers.editor(data.shape, len(data.classes))
    one, two, three, four = roomy_columns(4, "controls", vertical_alignment="bottom")
    fields = Fields()
    with one:
        epochs = fields.epochs("Epochs", 10, "convnet-epochs")
    with two:
        rate = fields.rate(NAME, RATE)
    with three:
        seed = fields.seed(NAME)
    most = len(data.test_images)
    with four:
        place = fields.number("Watched test picture", 1, most, 1, f"watched-{most}", persist_state="session") - 1
    if not fields.problem:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="to-watch"):
            with st.container(width="content"):
                tiles([_watched(data.test_images[place], data.classes[data.test_labels[place]])], 40)
            st.caption(f"This one is watched: a test picture of {_named(data.classes[data.test_labels[place]])}.")

    settings = {
        "Epochs": str(epochs),
        "Learning rate": f"{rate:g}",
        "Seed": str(seed),
        "Watched test picture": str(place + 1),
        "Layers": ", ".join(map(layers.in_words, edited.stack)),
    }

    def start() -> None:
        watched, label = data.test_images[place], int(data.test_labels[place])
        run = Training(edited.stack, data, epochs, rate=rate, seed=seed, watched=watched)
        made = epochs, edited.stack, edited.parameters
        widgets = held(chosen) | fields.held
        plan = Plan(chosen.about, settings, *made, data.classes, watched, label, data.tested, widgets=widgets)
        shown = Learned(run)
        runs.begin(NAME, plan, lambda: shown, lambda: shown.unseen)

    train_button(NAME, start, problem := fields.problem or edited.problem)
    if not problem:
        forecast_epochs(NAME, edited.stack, chosen, epochs, data)
    return {runs.PICTURES: chosen.about, **settings}


class Learned:
    """Iterate it for the looks at a run, with what there is to see of it: several times an epoch, as long as that costs
    little.

    unseen: what there is to see after the latest epoch, as long as no look has shown it; with it goes whatever is told
    of how good the network is.
    """

    def __init__(self, run: Training):
        self.run = run
        self.unseen: Look | None = None

    def __iter__(self) -> Iterator[Look]:
        run = self.run
        start = time.perf_counter()
        yield self._seen(None, 0, run.network.maps(run.watched))
        begun = time.perf_counter()
        cost, spent, between = begun - start, 0.0, run.epochs / STATES
        due = between
        for progress in run.looks():
            start, epoch = time.perf_counter(), progress.epoch
            affordable = epoch or spent + cost <= SHOWING * (start - begun)
            if progress.diverged or not (progress.passes == run.epochs or (progress.passes >= due and affordable)):
                if epoch:
                    self.unseen = self._seen(None, progress.passes, epoch.maps)
                yield Look(without_maps(progress))
                continue
            maps = epoch.maps if epoch else run.network.maps(run.watched)
            look = self._seen(without_maps(progress), progress.passes, maps)
            if epoch:
                self.unseen = None
            due, cost = progress.passes + between, time.perf_counter() - start
            spent += cost
            yield look
        if self.unseen is not None:  # where the loss ran away, this is what is kept
            yield self.unseen

    def _seen(self, progress: Progress | None, passes: float, maps: Mapping[str, NDArray[np.float32]]) -> Look:
        [answer] = probabilities(self.run.network, self.run.watched[None])
        return Look(progress, passes, _few(maps), answer, _filters(self.run.network))


def without_maps(progress: Progress) -> Progress:
    """What is kept of a look where nobody asks for the maps, which may be large."""
    return replace(progress, epoch=replace(progress.epoch, maps={})) if progress.epoch else progress


def _few(maps: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float16]]:
    return {name: values[:MOST_MAPS].astype(np.float16) for name, values in maps.items()}


def _filters(network: Network) -> NDArray[np.float32] | None:
    if network.layers[0].spec.kind != "conv":
        return None
    return network.steps[0].weight.detach().permute(0, 2, 3, 1).cpu().numpy().copy()


def _live(plan: Plan, looks: Sequence[Look], seconds: float) -> None:
    progress = [look.progress for look in looks if look.progress]
    share = progress[-1].passes / plan.epochs if progress else 0.0
    left = f" · {duration(seconds / share * (1 - share))} left" if share > 0 and seconds > 1 else ""
    st.progress(share, f"Epoch {progress[-1].index if progress else 1} of {plan.epochs}{left}")
    if progress:
        st.plotly_chart(scratch_charts.epochs(progress, plan.epochs), config=charts.PLAIN, key="convnet-live")
    _seen(plan, [look for look in looks if look.passes is not None][-1], None)


def _result(plan: Plan, looks: Sequence[Look], seconds: float) -> None:
    progress = [look.progress for look in looks if look.progress]
    over = [look.epoch for look in progress if look.epoch]
    if over:
        others = {"Parameters": f"{plan.parameters:,}", "Time": duration(seconds)}
        worth(over[-1].test_accuracy, plan.tested, others)
    elif progress:
        untested(progress)
    if progress:
        st.plotly_chart(scratch_charts.epochs(progress, plan.epochs), config=charts.PLAIN, key="convnet-curves")
    seen = sorted((look for look in looks if look.passes is not None), key=lambda look: look.passes)
    if over:  # what it came to after its last test is not what the figures are of
        seen = [look for look in seen if look.passes <= over[-1].index]
    if seen:
        at = 0
        passes = [look.passes for look in seen]
        one, two = roomy_columns([2, 1], "maps", gap="large")
        if len(seen) > 1:
            key = f"convnet-at-{passes[-1]}-{len(passes)}"
            at = one.select_slider("After epoch", passes, passes[-1], format_func="{:.3g}".format, key=key)
        names = list(seen[0].maps)
        name = two.selectbox("Layer", names, key=f"convnet-layer-{len(names)}") if len(names) > 1 else None
        _seen(plan, next(look for look in seen if look.passes == at), name)
    filters = [look.filters for look in seen if look.filters is not None]
    notice(
        (_of_filters(filters[0], filters[-1]) if filters else "")
        + "Where training keeps getting better and the test part does not, the network learns its pictures by heart."
    )
    if over:
        last = over[-1]
        beside(
            [
                ("Parameters", "1,250,858", f"{plan.parameters:,}"),
                (
                    "Accuracy",
                    "0.8950 – of the training pictures, it seems: of its eight examples four are right",
                    f"{last.test_accuracy:.4f} of the test pictures, {last.train_accuracy:.4f} in training",
                ),
                ("Loss", "0.3013", f"{last.test_loss:.4f} on the test part"),
                ("Time", "1,298 s for 30 epochs of CIFAR-10", f"{duration(seconds)} for {len(over)} on {plan.on}"),
            ]
        )
        if told := below_test(last, plan.stack):
            st.caption(told)


def _watched(picture: NDArray[np.uint8], name: str) -> Tile:
    return Tile(as_image(picture), about=name)


def _named(name: str) -> str:
    return f"“{plain(name)}”"


def said(answer: NDArray[np.float32], classes: Sequence[str], label: int) -> str:
    """What the network says to a picture of the class with that label, and whether it is right, in a sentence or two of
    Markdown; answer is (K,), how probable it holds each class."""
    if not answer.max() > answer.min():
        return f"It cannot tell yet: each of the {len(classes)} classes gets {1 / len(classes):.1%}."
    best = int(answer.argmax())
    told = f"It says {_named(classes[best])} ({answer[best]:.1%})."
    if best == label:
        return f":green[:material/check_circle:] **Right.** {told}"
    return f":orange[:material/cancel:] **Wrong.** {told} {_named(classes[label])} gets {answer[label]:.1%}."


def _of_filters(first: NDArray[np.float32], last: NDArray[np.float32]) -> str:
    """What has become of the first layer's filters, as they were before training and are after it."""
    before = "Before training the filters are noise, and the maps of later layers are blurs. "
    if np.corrcoef(first.ravel(), last.ravel())[0, 1] > ALIKE:
        return (
            f"{before}So short a training leaves the filters of the first layer much as they were: what it changes is "
            "what later layers make of them. Over many more epochs, edges and colours come to be there. "
        )
    return (
        f"{before}With time, edges and, of coloured pictures, colours come to be in the first layer, since everything "
        "else is made of them. "
    )


def _seen(plan: Plan, look: Look, name: str | None) -> None:
    """The watched picture with its answer, the first layer's filters, and the maps of a layer (the first without a
    name)."""
    picture, filters = roomy_columns([1, 3], "seen", gap="large")
    with picture:
        truth = plan.classes[plan.label]
        st.caption(f"Watched: a test picture of {_named(truth)}")
        tiles([_watched(plan.watched, truth)], 96)
        st.markdown(said(look.answer, plan.classes, plan.label))
    if look.filters is not None:
        with filters:
            st.caption("Filters of the first layer")
            tiles((Tile(weights_image(one)) for one in look.filters), 32)
    if not look.maps:
        st.caption("There is no convolution in this stack, so there are no maps to see.")
        return
    name = name or next(iter(look.maps))
    values = look.maps[name].astype(np.float32)
    st.caption(f"What “{name}” answers to the watched picture: {len(values)} maps, each in its own scale")
    side = max(values.shape[1:])
    tile = max(1, 72 // side) * side
    columns = max(1, MAPS_WIDTH // (tile + 2))
    show_exact(encode_png(mosaic(values, columns, tile, 2)), f"The maps of {name}", width="content")
