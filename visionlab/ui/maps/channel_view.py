"""One channel of a layer: its map, where that lies on the picture, its weights, its values, and what excites it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.imaging.render import colour, overlay
from visionlab.network.inside.channels import ChannelWeights, channel_weights
from visionlab.network.inside.excitation import crop, strongest_patches
from visionlab.network.inside.trace import receptive_box
from visionlab.ui.maps import caches, state, unit_view, wanted
from visionlab.ui.maps.layer_view import unit_bars
from visionlab.ui.maps.look import Look, View
from visionlab.ui.maps.state import Spot
from visionlab.ui.maps.wanted import Wanted
from visionlab.ui.shared import cached, charts
from visionlab.ui.shared.components.cells import cells
from visionlab.ui.shared.state import from_gallery, gallery
from visionlab.ui.shared.terms import term
from visionlab.ui.shared.widgets import distinct, fixed, plain, show_exact

MAP_TALLEST = 380  # pixels on the screen
KERNELS_SHOWN = 16
PATCHES_SHOWN = 9
PATCH = 112  # pixels on the screen
UNITS_SHOWN = 10
# Kinds of layers that keep their input's channels.
WEIGHTLESS = ("norm", "scale", "relu", "relu6", "activation", "sum", "product", "pool", "average", "softmax")


def show_map(view: View, ends: NDArray[np.float32]) -> None:
    """The channel's map, large, in colours from ends to ends (C, 2), where a click on a place opens that unit and holds
    it; of a layer of units that are no classes, the strongest ones. Under it, what the unit is made of.
    """
    look, spot, values = view.look, view.spot, view.found.values
    if view.compares:
        st.text(view.name)
    if values[0].size > 1:
        grid = caches.map_grid(values, spot.channel, ends)
        cells(
            grid.picture,
            **grid.layout,
            names="row {row}, column {column}",
            notes=None,
            chosen=spot.unit[0] * grid.columns + spot.unit[1],
            what=f"The map of channel {spot.channel} of {spot.layer}",
            tallest=MAP_TALLEST,
            key=f"map-{look.picture.key}{view.suffix}",
            on_choose=lambda cell: state.look_at(replace(spot, unit=divmod(cell, grid.columns), held=True)),
        )
    st.markdown(unit_view.in_short(look, spot))
    if values[0].size == 1 and not view.names_classes:
        _strongest_units(view, ends)


def hold(view: View) -> None:
    """Whether the unit stays where it is while one goes through channels."""
    spot, key = view.spot, f"hold{view.suffix}"
    if view.found.values[0].size > 1:
        st.session_state[key] = spot.held
        st.checkbox(
            "Hold this place",
            key=key,
            on_change=lambda: state.look_at(replace(spot, held=st.session_state[key])),
            help="Another channel is looked at in the same place; otherwise at its strongest unit, away from the edge, "
            "where padding is part of what it sees.",
        )


def _strongest_units(view: View, ends: NDArray[np.float32]) -> None:
    """The units that answer most, the greatest first, and the one that is open among them."""
    best = np.argsort(-view.found.values.ravel(), kind="stable")[:UNITS_SHOWN]
    if view.spot.channel not in best:
        best = np.append(best[:-1], view.spot.channel)
    unit_bars(view, best, ends, "strongest units")


def in_detail(views: Sequence[View]) -> View:
    """The view of which one sees more: of several networks or pictures the one that is chosen."""
    if len(views) == 1:
        return views[0]
    networks, pictures = ({look.key[k] for look in (view.look for view in views)} for k in (0, 1))
    titles = distinct(
        {
            place: ", ".join(
                [
                    *([view.look.network.title] if len(networks) > 1 else []),
                    *([view.look.picture.name] if len(pictures) > 1 else []),
                ]
            )
            for place, view in enumerate(views)
        }
    )
    chosen = st.segmented_control(
        "In detail",
        titles,
        default=0,
        required=True,
        format_func=lambda place: plain(titles[place]),
        key=f"in-detail-{len(views)}",
        wrap=True,
    )
    return views[chosen]


def sections(look: Look, spot: Spot) -> None:
    """What else there is to see of the channel, one thing at a time."""
    here: dict[str, Callable[[Look, Spot], None]] = dict(SECTIONS)
    if look.maps[spot.layer].values[0].size == 1:  # a unit without places
        del here["Picture"], here["Values"]
    chosen = st.segmented_control(
        "What to see of it",
        here,
        default=next(iter(here)),
        required=True,
        key=f"section-{len(here)}",
        label_visibility="collapsed",
        wrap=True,
    )
    here[chosen](look, spot)


def _on_picture(look: Look, spot: Spot) -> None:
    one = look.maps[spot.layer].values[spot.channel]
    peak = float(one.max())
    view = look.net.transform.at(look.side).view(look.picture.image)
    laid = overlay(view, (one / peak).clip(0, 1) if peak > 0 else np.zeros_like(one), 0.8)
    st.image(encode_jpeg(laid, 92), width="stretch", alt="The map, laid over the picture")
    height, width = look.picture.image.shape[:2]
    cut = "" if height == width else " The edge is the network’s: it sees this square of the picture alone."
    says = "Bright where the channel answers." if peak > 0 else "The channel answers nowhere on this picture."
    st.caption(f"{says}{cut}")


def _values(look: Look, spot: Spot) -> None:
    one = look.maps[spot.layer].values[spot.channel]
    st.plotly_chart(charts.histogram(one, float(one[spot.unit])), config=charts.PLAIN)
    ends = f"mean {fixed(one.mean(), 3)}, from {fixed(one.min(), 3)} to {fixed(one.max(), 3)}"
    st.caption(f"{(one <= 0).mean():.0%} of its units are silent (zero or less); {ends}.")


def _weights(look: Look, spot: Spot) -> None:
    net = look.net
    here = weighty = net.layer(spot.layer)
    while weighty.kind in WEIGHTLESS:
        weighty = net.source(weighty)
    if weighty.kind not in ("conv", "linear"):
        st.caption(f"{weighty.name} holds several layers, or none with a kernel of its own: there is none to show.")
        return
    if weighty is not here:
        st.caption(f"{spot.layer} has no kernels: these are the ones of {weighty.name} before it.")
    before = net.source(weighty)
    source = before.name if before else None
    found = channel_weights(net, weighty.name, spot.channel)
    if source is None:
        _colour_kernel(found)
    elif found.kernels[0].size == 1:
        _linear_weights(found, source)
    else:
        _kernels(found, source, spot.beside)


def _colour_kernel(found: ChannelWeights) -> None:
    """The kernel of three colour channels as a picture: grey is zero."""
    most = float(np.abs(found.kernels).max()) or 1.0
    picture = np.rint(255 * (0.5 + 0.5 * found.kernels / most)).astype(np.uint8).transpose(1, 2, 0)
    channels = [colour(0.5 + 0.5 * kernel / most, "diverging") for kernel in found.kernels]
    titles = ("in colour", "for red", "for green", "for blue")
    for column, title, small in zip(st.columns(4), titles, [picture, *channels], strict=True):
        with column:
            show_exact(encode_png(small.repeat(48, 0).repeat(48, 1)), f"The weights {title}")
            st.caption(title)
    st.caption(f"Orange adds, blue takes away. The bias is {fixed(found.bias, 3)}.")


def _kernels(found: ChannelWeights, source: str, beside: bool) -> None:
    """The kernels of the strongest input channels; a click goes to such a channel."""
    strongest = found.strongest(KERNELS_SHOWN)
    kernels = found.kernels[strongest]
    grid = cached.mosaic_grid(
        ("kernels", found.layer.name, found.channel, kernels.tobytes()), None, "layer", 480, None, kernels
    )
    cells(
        grid.picture,
        **grid.layout,
        names=[f"from channel {i} of {source}" for i in strongest],
        notes=[f"sum {fixed(kernel.sum(), 3, '+')}" for kernel in kernels],
        chosen=None,
        what=f"The strongest kernels of channel {found.channel}",
        tallest=360,
        key="kernels",
        on_choose=lambda cell: state.look_at(Spot(source, int(strongest[cell]), beside=beside)),
    )
    st.caption(
        f"The {len(strongest)} strongest of {len(found.kernels)} kernels: orange adds, blue takes away. "
        f"Click one to go to its channel of {source}. The bias is {fixed(found.bias, 3)}."
    )


def _linear_weights(found: ChannelWeights, source: str) -> None:
    strongest = found.strongest(KERNELS_SHOWN)
    names = [f"{source}, {i}" for i in strongest]
    st.plotly_chart(charts.signed_bars(names, found.kernels[strongest].ravel().tolist(), "Weight"), config=charts.PLAIN)
    st.caption(f"The {len(strongest)} strongest of {len(found.kernels):,} weights. The bias is {fixed(found.bias, 3)}.")


def _patches(look: Look, spot: Spot) -> None:
    """The patches of all pictures so far that excite the channel most."""
    others = [key for key in gallery() if key != look.picture.key]
    pictures = [look.picture]
    found = [caches.channel_peaks(*look.key, spot.layer, look.maps[spot.layer])]
    bar = st.progress(0.0, "Looking through your pictures …") if others else None
    for number, key in enumerate(others, 1):
        picture = from_gallery(key)
        pictures.append(picture)
        found.append(
            caches.run_for_peaks(look.network.key, picture.key, look.side, spot.layer, look.net, picture.image)
        )
        bar.progress(number / len(others), f"Picture {number} of {len(others)}")
    if bar:
        bar.empty()
    best = strongest_patches(found, spot.channel, PATCHES_SHOWN)
    if not best:
        st.caption("The channel is silent on all of your pictures.")
        return
    side = look.side_of(spot.layer)
    with st.container(horizontal=True, gap="small", key="patches"):  # in their order, however many fit side by side
        for place, excitation in enumerate(best, 1):
            picture = pictures[excitation.picture]
            box = receptive_box(look.net, spot.layer, excitation.row, excitation.column, side)
            with st.container(width=PATCH, gap="xsmall"):
                patch = crop(look.net, picture.image, box, side)
                factor = max(1, 160 // max(patch.shape[:2]))
                show_exact(encode_png(patch.repeat(factor, 0).repeat(factor, 1)), f"Patch {place}")
                st.text(f"{place}. {fixed(excitation.value, 2)} · {picture.name}")
    st.caption(
        "What the channel’s strongest units see, the strongest first. It looks through all pictures that you uploaded "
        "in this session."
    )


def _wanted(look: Look, spot: Spot) -> None:
    st.caption(term("what it looks for"))
    wanted.show(look.network, Wanted(spot.layer, spot.channel), "wanted", "Draw it")


SECTIONS: dict[str, Callable[[Look, Spot], None]] = {
    "Picture": _on_picture,
    "Weights": _weights,
    "Values": _values,
    "Patches": _patches,
    "Looks for": _wanted,
}
