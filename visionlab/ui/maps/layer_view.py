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

from visionlab.imaging.image import encode_png
from visionlab.network.inside.channels import layer_mosaic, usual_ranking
from visionlab.network.inside.depth import WEIGHTY, depths
from visionlab.network.running.classifier import Layer
from visionlab.ui.maps import caches, state
from visionlab.ui.maps.display import Display, added, changes, ranked
from visionlab.ui.maps.look import Look, View, name_of
from visionlab.ui.maps.state import Spot
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.bars import Bar, signed_bars
from visionlab.ui.shared.components.cells import cells
from visionlab.ui.shared.components.network_drawing import Drawn, network_drawing
from visionlab.ui.shared.page import roomy_columns, sentence
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import fixed, number, plain

WIDTH = 600  # pixels of a mosaic, about: as wide as the column that it is shown in
TALLEST = 420  # pixels on the screen: the mosaic is seen as a whole
PER_PAGE = 256  # channels in one mosaic: beyond that, tiles are too small to tell anything
LEAST = 28  # CSS pixels that a tile is wide at least: where there is less room, the mosaic is slid
CLASSES = 10  # on a page of those that have a name, as a list


@dataclass(frozen=True)
class Places:
    """Where on the page things are: the controls; a network each the drawing, the mosaic's pages, what is below it, and
    which channel is open; a view each the mosaic and the map of that channel."""

    controls: DeltaGenerator
    drawings: Sequence[DeltaGenerator]
    mosaics: Sequence[DeltaGenerator]
    pages: Sequence[DeltaGenerator]
    below: Sequence[DeltaGenerator]
    channels: Sequence[DeltaGenerator]
    maps: Sequence[DeltaGenerator]


def places(views: Sequence[View]) -> Places:
    """A mosaic beside its open channel; of two pictures mosaic beside mosaic, and map beside map; of two networks all
    of the one beside all of the other."""
    first, *others = views
    if not others:
        drawing = st.container()
        left, right = roomy_columns([1.45, 1], "layer", gap="large")
        controls, mosaic, pages, below = (left.container() for _ in range(4))
        return Places(controls, [drawing], [mosaic], [pages], [below], [right.container()], [right.container()])
    if first.compares:
        drawing, controls = st.container(), st.container()
        mosaics = roomy_columns(len(views), "compared")
        pages, below, channel = st.container(), st.container(), st.container()
        maps = roomy_columns(len(views), "compared-maps")
        return Places(controls, [drawing], mosaics, [pages], [below], [channel], maps)
    controls = st.container()
    halves = roomy_columns(len(views), "compared")
    drawings, mosaics, pages, channels, maps, below = ([half.container() for half in halves] for _ in range(6))
    return Places(controls, drawings, mosaics, pages, below, channels, maps)


# --- the drawing, and the layer's facts -----------------------------------------------------------------------------


def draw_network(view: View, named: bool) -> None:
    """The network as in the paper, its title over it where there are two; a click on a layer opens it."""
    look = view.look
    if named:
        st.markdown(f"**{plain(look.network.title)}** :gray[at {look.side} px · {_how_deep(view)}]")
    drawn = [
        Drawn(entry.layer.name, entry.layer.kind, entry.layer.block, look.maps[entry.layer.name].values.shape, facts)
        for entry in look.statistics
        for facts in (" · ".join(_facts(look, entry.layer)),)
    ]
    network_drawing(
        drawn,
        chosen=view.spot.layer,
        key=f"network-drawing{view.suffix}",
        on_choose=lambda name: state.look_at(_same_channel(look, view.spot, name)),
    )


def _how_deep(view: View) -> str:
    layer, far = view.found.layer, depths(view.look.net)[view.spot.layer]
    what = "convolution" if layer.in_place else "fully connected layer"
    if not far.passed:
        return f"before the first {what}"
    return f"{'' if layer.kind in WEIGHTY else 'after '}{what} {far.passed} of {far.count}"


def _same_channel(look: Look, spot: Spot, name: str) -> Spot:
    """A channel is kept where the other layer has the same channels: a convolution, its ReLU, and the pool after it; a
    place that is held, too, where its map is as large.
    """
    net, before, after = look.net, look.net.layer(spot.layer), look.net.layer(name)
    first, last = sorted((net.layers.index(before), net.layers.index(after)))
    if not all(layer.rectifies or layer.kind == "pool" for layer in net.layers[first + 1 : last + 1]):
        return Spot(name, beside=spot.beside)
    alike = look.maps[before.name].values.shape == look.maps[name].values.shape
    return replace(spot, layer=name, unit=spot.unit if alike else None, held=spot.held and alike)


def _facts(look: Look, layer: Layer) -> list[str]:
    """What the layer is; what it costs and answers is in the table of the whole network."""
    channels, rows, columns = look.maps[layer.name].values.shape
    size = f"{rows} × {columns} × {channels}" if rows * columns > 1 else f"{channels} units"
    field = f"receptive field {layer.receptive_field} px" if layer.receptive_field else ""
    if layer.gate:
        field = "sees everything"
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


@dataclass(frozen=True, eq=False)
class Shown:
    """The channels of a view in their order, by one of RANKINGS or CHANGE, and the page of them that is shown."""

    view: View
    order: NDArray[np.int32]
    by: str

    @property
    def page(self) -> int:
        """At first of the network's own order the one that has the open channel, else the first."""
        return st.session_state.get(self.key) or self.first

    @property
    def first(self) -> int:
        """The page that is shown until one is chosen in the widget of this key."""
        usual = self.page_with(self.view.spot.channel) if self.by == "number" else 1
        return state.page_turned_to(self.name)[1] or usual

    @property
    def channels(self) -> NDArray[np.int32]:
        """Those on the page."""
        return self.order[(self.page - 1) * self.per_page : self.page * self.per_page]

    @property
    def per_page(self) -> int:
        return CLASSES if self.view.names_classes else PER_PAGE

    @property
    def pages(self) -> int:
        return ceil(len(self.order) / self.per_page)

    @property
    def name(self) -> str:
        return f"page-{self.view.spot.layer}-{len(self.order)}-{self.by}{self.view.suffix}"

    @property
    def key(self) -> str:
        """Of the widget that chooses the page: a new one when the page is turned without it."""
        return f"{self.name}-{state.page_turned_to(self.name)[0]}"

    def turn_to(self, channel: int) -> None:
        """Before the widget is drawn: to the page with that channel."""
        state.turn_page(self.name, self.page_with(channel))

    def page_with(self, channel: int) -> int:
        return int(np.flatnonzero(self.order == channel)[0]) // self.per_page + 1


def shown_of(view: View, by: str) -> Shown:
    """The channels in that order; classes, whose own order says nothing, are told by their values."""
    by = usual_ranking(view.look.net, view.found.layer).name if by == "number" else by
    return Shown(view, ranked(view, by), by)


def page_picker(shown: Shown) -> None:
    """Which page, where there are several; and the way to the open channel's, where it is on another one."""
    if shown.pages < 2:
        return
    channel = shown.view.spot.channel
    st.pagination(shown.pages, default=shown.first, key=shown.key)
    if channel not in shown.channels:
        name = name_of(shown.view.look.net, shown.view.found, channel).split(" · ")[0]
        st.button(
            f"The open one, {name}, is on page {shown.page_with(channel)}",
            key=f"to-{shown.key}",
            type="tertiary",
            on_click=shown.turn_to,
            args=(channel,),
        )


def channel_input(shown: Shown) -> None:
    """Which channel is open, and a place to write another number."""
    view, last = shown.view, len(shown.order) - 1
    key = f"channel-{view.spot.layer}-{len(shown.order)}{view.suffix}"
    what, *label = name_of(view.look.net, view.found, view.spot.channel).split(" · ")
    kind = what.split()[0]
    st.session_state[key] = view.spot.channel

    def choose() -> None:
        channel = int(st.session_state[key])
        if not 0 <= channel <= last:
            state.keep_refused(key, f"There is no {kind} {number(channel, 12)}: they go from 0 to {last}.")
            return
        state.look_at(replace(view.spot, channel=channel))
        if shown.pages > 1:
            shown.turn_to(channel)

    title = f"{kind.capitalize()}, 0 to {last}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, help=term("channel"), width="content")
        st.number_input(title, key=key, step=1, on_change=choose, label_visibility="collapsed", width=130)
        if label:
            st.text(label[0])
    if refused := state.take_refused(key):
        sentence(refused)


def channels(shown: Shown, display: Display, ends: NDArray[np.float32]) -> None:
    """Those that are shown, in their order, in colours from ends to ends (C, 2): a mosaic of their maps, or a list of
    classes; a click opens one."""
    if shown.view.compares:
        st.text(shown.view.name)
    if shown.view.names_classes:
        unit_bars(shown.view, shown.channels, ends, "classes")
    else:
        _mosaic(shown, display, ends)


def unit_bars(view: View, units: NDArray[np.int32], ends: NDArray[np.float32], what: str) -> None:
    """Units of a layer without places, with their values as bars; a click opens one. A bar is full at the greatest of
    ends (C, 2), that of a probability at 1."""
    spot, found = view.spot, view.found
    shares = found.layer.kind == "softmax"
    most = 1.0 if shares else float(ends.max()) or 1.0
    bars = []
    for unit in units:
        value = float(found.values[unit, 0, 0])
        name, _, label = name_of(view.look.net, found, int(unit)).partition(" · ")
        said = f"{value:.1%}" if shares else fixed(value, 3)
        bars.append(Bar(int(unit), label or name, said, value / most))
    signed_bars(
        bars,
        chosen=spot.channel,
        what=f"What {spot.layer} says: its {what}",
        key=f"{what}-{view.look.picture.key}{view.suffix}",
        on_choose=lambda unit: state.look_at(replace(spot, channel=unit)),
    )


def _mosaic(shown: Shown, display: Display, ends: NDArray[np.float32]) -> None:
    view, channels = shown.view, shown.channels
    look, spot, found = view.look, view.spot, view.found
    alone = found.values[0].size == 1
    columns = _columns(len(channels), found.values.shape[1:])
    grid = cached.mosaic_grid(
        (*look.key, spot.layer), channels.tobytes(), ends[channels], WIDTH, columns, found.values,
        palette=caches.PALETTE,
    )  # fmt: skip
    change, adds = changes(view), added(view, display.order)
    at = np.flatnonzero(channels == spot.channel)
    few = found.values[channels]
    cells(
        grid.picture,
        **grid.layout,
        names=[name_of(look.net, found, int(channel)) for channel in channels],
        notes=[
            (f"change {change[channel]:.3f} · " if change is not None else "")
            + (f"adds {fixed(adds[channel], 3, '+')} · " if adds is not None else "")
            + (fixed(mean, 4) if alone else f"mean {fixed(mean, 3)} · peak {fixed(peak, 3)}")
            for channel, mean, peak in zip(channels, few.mean((1, 2)), few.max((1, 2)), strict=True)
        ],
        chosen=int(at[0]) if len(at) else None,
        what=f"The feature maps of {spot.layer}",
        tallest=TALLEST,
        least=LEAST,
        key=f"mosaic-{look.picture.key}{view.suffix}",
        on_choose=lambda cell: state.look_at(replace(spot, channel=int(channels[cell]))),
    )


def _columns(count: int, sides: tuple[int, int]) -> int:
    """How many beside each other make so many maps as large as they can be in WIDTH × TALLEST."""
    rows, columns = sides
    sizes = [min(WIDTH / columns / across, TALLEST / rows / ceil(count / across)) for across in range(1, count + 1)]
    return int(np.argmax(sizes)) + 1


def downloads(shown: Shown, ends: NDArray[np.float32]) -> None:
    """The mosaic of all channels in their order, in those colours (C, 2), and every layer's values."""
    view, order = shown.view, shown.order
    look, layer = view.look, view.spot.layer

    def everything() -> bytes:
        buffer = BytesIO()
        np.savez_compressed(buffer, **{name: found.values for name, found in look.maps.items()})
        return buffer.getvalue()

    icon = ":material/download:"
    with st.popover("Take them away", icon=icon, key=f"take-away{view.suffix}"):
        st.download_button(
            "Mosaic as PNG",
            lambda: encode_png(layer_mosaic(view.found, order, ends)),
            f"{layer}.png",
            "image/png",
            key=f"png{view.suffix}",
            icon=icon,
            on_click="ignore",
        )
        st.download_button(
            "All layers as .npz", everything, "activations.npz", key=f"npz{view.suffix}", icon=icon, on_click="ignore"
        )
