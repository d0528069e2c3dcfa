"""One layer on the Feature maps page: the drawing to choose it from, its facts, and its channels as mosaics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from visionlab.network.inside.activations import FeatureMap
from visionlab.network.inside.channels import RANKINGS, channel_change
from visionlab.network.running.classifier import Classifier, Layer
from visionlab.ui.maps import caches, state
from visionlab.ui.maps.look import Look, name_of
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.cells import cells
from visionlab.ui.shared.components.network_drawing import Drawn, network_drawing
from visionlab.ui.shared.terms import term

WIDTH = 600  # pixels of a mosaic, about: as wide as the column that it is shown in
TALLEST = 440  # pixels on the screen: the mosaic is seen as a whole
PER_PAGE = 256  # channels in one mosaic: beyond that, tiles are too small to tell anything
CHANGE = "change"  # the order that a second picture adds to RANKINGS
SCALES = {"channel": "Each channel", "layer": "Layer", "network": "Network"}


@dataclass(frozen=True)
class Display:
    """How a layer's channels are shown: one of RANKINGS or CHANGE, and one of SCALES."""

    order: str
    scale: str


# --- the drawing, and the layer's facts -----------------------------------------------------------------------------


def draw_network(look: Look, chosen: Layer) -> None:
    """The network as in the paper; a click on a layer opens it."""
    drawn = [
        Drawn(entry.layer.name, entry.layer.kind, entry.layer.block, look.maps[entry.layer.name].values.shape, facts)
        for entry in look.statistics
        for facts in (" · ".join(_facts(look.maps[entry.layer.name])),)
    ]
    network_drawing(
        drawn,
        chosen=chosen.name,
        key="network-drawing",
        on_choose=lambda name: state.look_at(Spot(name, _same_channel(look.net, chosen, name))),
    )


def _same_channel(net: Classifier, before: Layer, name: str) -> int | None:
    """A channel is kept where the other layer has the same channels: a convolution, its ReLU, and the pool after it."""
    after = net.layer(name)
    first, last = sorted((net.layers.index(before), net.layers.index(after)))
    between = net.layers[first + 1 : last + 1]
    return state.spot().channel if all(layer.rectifies or layer.kind == "pool" for layer in between) else None


def _facts(found: FeatureMap) -> list[str]:
    """What the layer is; what it costs and answers is in the table of the whole network."""
    layer, (channels, rows, columns) = found.layer, found.values.shape
    size = f"{rows} × {columns} × {channels}" if rows * columns > 1 else f"{channels} units"
    field = f"receptive field {layer.receptive_field} px" if layer.receptive_field else ""
    if not layer.in_place:
        field = "sees everything"
    return [
        layer.name,
        size,
        *([field] if field else []),
        *([f"stride {layer.stride} px"] if layer.stride else []),
    ]


# --- the channels ---------------------------------------------------------------------------------------------------


def held(compared: bool) -> Display | None:
    """What the controls hold before they are drawn; None where this session has not seen them yet."""
    order, scale = st.session_state.get(_order_key(compared)), st.session_state.get("scale")
    return Display(order, scale) if order and scale else None


def _order_key(compared: bool) -> str:
    return f"order-{compared}"


def controls(place: DeltaGenerator, compared: bool) -> Display:
    """Draw them, and say what they hold."""
    with place:
        folded = st.popover("Order, brightness", icon=":material/tune:")
    titles = {name: ranking.title for name, ranking in RANKINGS.items()} | {CHANGE: "Change between the pictures"}
    orders = [*([CHANGE] if compared else []), *RANKINGS]
    order = folded.selectbox(
        "Order",
        orders,
        format_func=titles.get,
        key=_order_key(compared),
        bind="query-params",
        help="\n".join(f"- **{ranking.title}**: {ranking.about}" for ranking in RANKINGS.values()),
    )
    scale = folded.segmented_control(
        "Full brightness at the maximum of",
        SCALES,
        default="channel",
        required=True,
        format_func=SCALES.get,
        key="scale",
        bind="query-params",
    )
    return Display(order, scale)


def changes(looks: Sequence[Look], layer: str) -> NDArray[np.float32] | None:
    """How much each channel of the layer changes from the first picture to the second; None without a second."""
    return channel_change(*(look.maps[layer] for look in looks)) if len(looks) > 1 else None


def ranked(looks: Sequence[Look], layer: str, order: str) -> NDArray[np.int32]:
    """The layer's channels, first the one that comes first in that order."""
    look, found = looks[0], looks[0].maps[layer]
    if order == CHANGE:
        return np.argsort(-changes(looks, layer), kind="stable").astype(np.int32)
    ranking, known = RANKINGS[order], None
    if ranking.by_class:
        known = caches.class_contributions(*look.key, look.target, look.net, look.picture.image).get(layer)
        if known is None:  # the probabilities come after the logit that is followed back
            ranking = RANKINGS["mean"]
    return ranking.order(found.values, known).astype(np.int32)


def page_of(spot: Spot, order: NDArray[np.int32]) -> NDArray[np.int32]:
    """The channels of the mosaic's page, which is at first the one that has the spot's channel."""
    page = st.session_state.get(_page_key(spot.layer)) or _page_with(spot.channel, order)
    return order[(page - 1) * PER_PAGE : page * PER_PAGE]


def page_picker(spot: Spot, order: NDArray[np.int32]) -> None:
    pages = ceil(len(order) / PER_PAGE)
    if pages > 1:
        st.pagination(pages, default=_page_with(spot.channel, order), key=_page_key(spot.layer))


def _page_key(layer: str) -> str:
    return f"page-{layer}"


def _page_with(channel: int, order: NDArray[np.int32]) -> int:
    return int(np.flatnonzero(order == channel)[0]) // PER_PAGE + 1


def channel_input(look: Look, spot: Spot, order: NDArray[np.int32]) -> None:
    """Which channel is open, and a place to write another number."""
    found = look.maps[spot.layer]
    key = f"channel-{spot.layer}"
    st.session_state[key] = spot.channel

    def choose() -> None:
        channel = int(st.session_state[key])
        state.look_at(replace(spot, channel=channel))
        if len(order) > PER_PAGE:
            st.session_state[_page_key(spot.layer)] = _page_with(channel, order)

    what, *label = name_of(look.net, found, spot.channel).split(" · ")
    title = f"{what.split()[0].capitalize()}, 0 to {len(order) - 1}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, help=term("channel"), width="content")
        st.number_input(title, 0, len(order) - 1, key=key, on_change=choose, label_visibility="collapsed", width=130)
        if label:
            st.text(label[0])


def mosaic(look: Look, spot: Spot, shown: NDArray[np.int32], scale: str, change: NDArray[np.float32] | None) -> None:
    """The channels that are shown, in their order, as one picture; a click opens a channel.

    change (C,) is that of changes(), where the picture stands beside another.
    """
    found = look.maps[spot.layer]
    alone = found.values[0].size == 1  # each unit by itself would be at full brightness
    grid = cached.mosaic_grid(
        (*look.key, spot.layer),
        shown.tobytes(),
        "layer" if alone and scale == "channel" else look.scale(scale),
        WIDTH,
        None,
        found.values,
    )
    if change is not None:
        st.text(look.picture.name)
    at = np.flatnonzero(shown == spot.channel)
    few = found.values[shown]
    cells(
        grid.picture,
        **grid.layout,
        names=[name_of(look.net, found, int(channel)) for channel in shown],
        notes=[
            (f"{mean:.4f}" if alone else f"mean {mean:.3f} · peak {peak:.3f}")
            + (f" · change {change[channel]:.3f}" if change is not None else "")
            for channel, mean, peak in zip(shown, few.mean((1, 2)), few.max((1, 2)), strict=True)
        ],
        chosen=int(at[0]) if len(at) else None,
        what=f"The feature maps of {spot.layer}",
        tallest=TALLEST,
        key=f"mosaic-{look.picture.key}",
        on_choose=lambda cell: state.look_at(replace(spot, channel=int(shown[cell]))),
    )


def downloads(look: Look, layer: str, order: NDArray[np.int32], scale: str) -> None:
    values = look.maps[layer].values
    key = (*look.key, layer)

    def everything() -> bytes:
        buffer = BytesIO()
        np.savez_compressed(buffer, **{name: found.values for name, found in look.maps.items()})
        return buffer.getvalue()

    with st.popover("Take them away", icon=":material/download:"):
        st.download_button(
            "Mosaic as PNG",
            lambda: (
                cached.mosaic_grid(key, order.tobytes(), look.scale(scale), 2 * WIDTH, None, values, exact=True).picture
            ),
            f"{layer}.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "All layers as .npz", everything, "activations.npz", icon=":material/download:", on_click="ignore"
        )
