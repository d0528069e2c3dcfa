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

from visionlab.network.running.classifier import Layer
from visionlab.ui.maps import caches, state
from visionlab.ui.maps.display import Display, added, changes
from visionlab.ui.maps.look import Look, full_colour, name_of
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.cells import cells
from visionlab.ui.shared.components.network_drawing import Drawn, network_drawing
from visionlab.ui.shared.page import roomy_columns
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed

WIDTH = 600  # pixels of a mosaic, about: as wide as the column that it is shown in
TALLEST = 420  # pixels on the screen: the mosaic is seen as a whole
PER_PAGE = 256  # channels in one mosaic: beyond that, tiles are too small to tell anything


@dataclass(frozen=True)
class Places:
    """Where on the page things are: the controls, a mosaic a picture, what is below; which channel, a map a picture."""

    controls: DeltaGenerator
    mosaics: Sequence[DeltaGenerator]
    below: DeltaGenerator
    channel: DeltaGenerator
    maps: Sequence[DeltaGenerator]


def places(pictures: int) -> Places:
    """A mosaic beside its open channel; of two pictures mosaic beside mosaic, none smaller, and map beside map."""
    if pictures == 1:
        left, right = roomy_columns([1.45, 1], "layer", gap="large")
        return Places(left.container(), [left.container()], left.container(), right.container(), [right.container()])
    controls = st.container()
    mosaics = roomy_columns(pictures, "compared")
    return Places(controls, mosaics, st.container(), st.container(), roomy_columns(pictures, "compared-maps"))


# --- the drawing, and the layer's facts -----------------------------------------------------------------------------


def draw_network(look: Look, chosen: Layer) -> None:
    """The network as in the paper; a click on a layer opens it."""
    drawn = [
        Drawn(entry.layer.name, entry.layer.kind, entry.layer.block, look.maps[entry.layer.name].values.shape, facts)
        for entry in look.statistics
        for facts in (" · ".join(_facts(look, entry.layer)),)
    ]
    network_drawing(
        drawn,
        chosen=chosen.name,
        key="network-drawing",
        on_choose=lambda name: state.look_at(_same_channel(look, chosen, name)),
    )


def _same_channel(look: Look, before: Layer, name: str) -> Spot:
    """A channel is kept where the other layer has the same channels: a convolution, its ReLU, and the pool after it; a
    place that is held, too, where its map is as large.
    """
    net, spot, after = look.net, state.spot(), look.net.layer(name)
    first, last = sorted((net.layers.index(before), net.layers.index(after)))
    if not all(layer.rectifies or layer.kind == "pool" for layer in net.layers[first + 1 : last + 1]):
        return Spot(name)
    alike = look.maps[before.name].values.shape == look.maps[name].values.shape
    return Spot(name, spot.channel, spot.unit if alike else None, spot.held and alike)


def _facts(look: Look, layer: Layer) -> list[str]:
    """What the layer is; what it costs and answers is in the table of the whole network."""
    channels, rows, columns = look.maps[layer.name].values.shape
    size = f"{rows} × {columns} × {channels}" if rows * columns > 1 else f"{channels} units"
    field = f"receptive field {layer.receptive_field} px" if layer.receptive_field else ""
    if not layer.in_place:
        own = look.net.transform.crop
        field = "sees everything" if look.side == own else f"sees everything, at {own} px, as it predicts"
    return [
        layer.name,
        size,
        *([field] if field else []),
        *([f"stride {layer.stride} px"] if layer.stride else []),
    ]


# --- the channels ---------------------------------------------------------------------------------------------------


def page_of(look: Look, spot: Spot, order: NDArray[np.int32], by: str) -> NDArray[np.int32]:
    """The channels of the mosaic's page, in an order by one of RANKINGS or CHANGE: at first of the network's own order
    the one that has the spot's channel, else the first.
    """
    page = st.session_state.get(_page_key(look, spot.layer, by)) or _first_page(spot.channel, order, by)
    return order[(page - 1) * PER_PAGE : page * PER_PAGE]


def page_picker(look: Look, spot: Spot, order: NDArray[np.int32], by: str) -> None:
    pages = ceil(len(order) / PER_PAGE)
    if pages > 1:
        st.pagination(pages, default=_first_page(spot.channel, order, by), key=_page_key(look, spot.layer, by))


def _page_key(look: Look, layer: str, by: str) -> str:
    return f"page-{layer}-{len(look.maps[layer].values)}-{by}"


def _first_page(channel: int, order: NDArray[np.int32], by: str) -> int:
    return _page_with(channel, order) if by == "number" else 1


def _page_with(channel: int, order: NDArray[np.int32]) -> int:
    return int(np.flatnonzero(order == channel)[0]) // PER_PAGE + 1


def channel_input(look: Look, spot: Spot, order: NDArray[np.int32], by: str) -> None:
    """Which channel is open, and a place to write another number."""
    found = look.maps[spot.layer]
    key = f"channel-{spot.layer}-{len(order)}"
    st.session_state[key] = spot.channel

    def choose() -> None:
        channel = int(st.session_state[key])
        state.look_at(replace(spot, channel=channel))
        if len(order) > PER_PAGE:
            st.session_state[_page_key(look, spot.layer, by)] = _page_with(channel, order)

    what, *label = name_of(look.net, found, spot.channel).split(" · ")
    title = f"{what.split()[0].capitalize()}, 0 to {len(order) - 1}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, help=term("channel"), width="content")
        st.number_input(title, 0, len(order) - 1, key=key, on_change=choose, label_visibility="collapsed", width=130)
        if label:
            st.text(label[0])


def mosaic(look: Look, looks: Sequence[Look], spot: Spot, shown: NDArray[np.int32], display: Display) -> None:
    """The channels that are shown, in their order, as one picture of those looks; a click opens a channel."""
    found = look.maps[spot.layer]
    alone = found.values[0].size == 1
    ends = full_colour(looks, spot.layer, display.scale)
    grid = cached.mosaic_grid(
        (*look.key, spot.layer), shown.tobytes(), ends[shown], WIDTH, None, found.values, palette=caches.PALETTE
    )
    change, adds = changes(looks, spot.layer), added(look, looks[0].target, spot.layer, display.order)
    if change is not None:
        st.text(look.picture.name)
    at = np.flatnonzero(shown == spot.channel)
    few = found.values[shown]
    cells(
        grid.picture,
        **grid.layout,
        names=[name_of(look.net, found, int(channel)) for channel in shown],
        notes=[
            (f"change {change[channel]:.3f} · " if change is not None else "")
            + (f"adds {fixed(adds[channel], 3, '+')} · " if adds is not None else "")
            + (fixed(mean, 4) if alone else f"mean {fixed(mean, 3)} · peak {fixed(peak, 3)}")
            for channel, mean, peak in zip(shown, few.mean((1, 2)), few.max((1, 2)), strict=True)
        ],
        chosen=int(at[0]) if len(at) else None,
        what=f"The feature maps of {spot.layer}",
        tallest=TALLEST,
        key=f"mosaic-{look.picture.key}",
        on_choose=lambda cell: state.look_at(replace(spot, channel=int(shown[cell]))),
    )


def downloads(looks: Sequence[Look], layer: str, order: NDArray[np.int32], scale: str) -> None:
    look = looks[0]
    values = look.maps[layer].values

    def everything() -> bytes:
        buffer = BytesIO()
        np.savez_compressed(buffer, **{name: found.values for name, found in look.maps.items()})
        return buffer.getvalue()

    def whole() -> bytes:
        ends = full_colour(looks, layer, scale)[order]
        key = (*look.key, layer)
        grid = cached.mosaic_grid(
            key, order.tobytes(), ends, 2 * WIDTH, None, values, exact=True, palette=caches.PALETTE
        )
        return grid.picture

    with st.popover("Take them away", icon=":material/download:"):
        st.download_button(
            "Mosaic as PNG", whole, f"{layer}.png", "image/png", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "All layers as .npz", everything, "activations.npz", icon=":material/download:", on_click="ignore"
        )
