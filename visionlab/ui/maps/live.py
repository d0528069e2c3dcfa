"""The maps of a layer, live: what the camera sees, through the network up to that layer, while one moves things."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from visionlab.garbage import leave_out_imports
from visionlab.imaging.image import encode_jpeg, load_image
from visionlab.imaging.render import mosaic, mosaic_layout, mosaic_tile
from visionlab.network.inside.activations import feature_maps
from visionlab.network.inside.channels import PALETTE, greatest_of_each, usual_colours
from visionlab.network.running.classifier import Classifier
from visionlab.ui.maps import state, wanted
from visionlab.ui.maps.state import Spot
from visionlab.ui.maps.wanted import Wanted
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.live_maps import Asked, LiveMaps, latest_asked, live_maps
from visionlab.ui.shared.networks import Network
from visionlab.ui.shared.page import roomy_columns, told

LIVE = "live"  # the widget that says that the camera is looked at, in the link, too
KEY = "live-maps"
SIDE = 128  # pixels: what a network sees of a frame, unless a person has chosen another size for its maps
WIDTH = 720  # pixels of the mosaic
QUALITY = 80  # of its JPEG


def show(network: Network, side: int, compared: bool) -> None:
    """The camera and the maps; side is the size in pixels that was chosen for maps, compared whether something else is
    looked at beside these while no camera is."""
    net = network.net
    with st.container():  # a place of its own, so that the camera goes on where something else is chosen
        if compared:
            title = network.title
            st.caption(f"The camera is seen by {title} alone; the comparison comes back when “Live camera” is off.")
    _live(network, live_side(net, side), time.monotonic_ns())


def live_side(net: Classifier, side: int) -> int:
    """Of a frame, in pixels, where that many are chosen for maps: fewer, unless it is another size than the usual."""
    return SIDE if side == net.transform.crop else side


@st.fragment
def _live(network: Network, side: int, run: int) -> None:
    """Runs again by itself with each frame, of the same run of the page."""
    leave_out_imports()
    net = network.net
    layers = [layer.name for layer in net.layers if layer.in_place and not layer.gate]
    spot = state.spot()
    asked, answer = latest_asked(KEY), None
    with st.container(), told():  # a place of its own, so that the camera stays in its own
        if asked and asked.layer in layers:
            answer = maps_of(asked, net, side)
            told_of = st.query_params.get("layer")  # the link says what is seen, also after one has been elsewhere
            if (spot.layer, spot.channel) != (answer.layer, answer.channel) or told_of != answer.layer:
                state.look_at(Spot(answer.layer, answer.channel))
    transform = net.transform.at(side)
    live_maps(
        key=KEY,
        run=run,
        layers=layers,
        first=spot.layer if spot.layer in layers else layers[len(layers) // 2],
        channel=spot.channel if spot.layer in layers else None,
        answer=answer,
        side=transform.resize,
        seen=transform.crop / transform.resize,
    )
    if answer is None or answer.channel is None or asked is None:
        st.caption("A click on a tile, or the arrow keys, lay one channel over the picture.")
    elif not asked.frozen:
        st.caption(f"Freeze the picture to see what channel {answer.channel} looks for.")
    else:
        place, _ = roomy_columns([1, 2], "live-wanted")
        with place:
            st.markdown(f"**What channel {answer.channel} of {answer.layer} looks for**")
            wanted.show(network, Wanted(answer.layer, answer.channel), f"live-wanted-{answer.layer}", "Draw it")


def maps_of(asked: Asked, net: Classifier, side: int) -> LiveMaps:
    """The layer's maps of a frame, at an input of that many pixels.

    Raises ImageError where the frame is no usable picture.
    """
    image = load_image(asked.jpeg)
    found = cached.engine_of(net).run(feature_maps, image, [asked.layer], side)[asked.layer]
    values = found.values  # (C, H, W)
    count, *sides = values.shape
    _, columns = mosaic_layout(count)
    tile, gap = mosaic_tile(sides, columns, WIDTH)
    most = greatest_of_each(values)
    picture = mosaic(values, columns, tile, gap, usual_colours(most, alone=values[0].size == 1), PALETTE)
    size = tuple(max(1, round(each * tile / max(sides))) for each in sides)
    channel = asked.channel if asked.channel is not None and 0 <= asked.channel < count else None
    heat, more = None, ""
    if channel is not None:
        strength = np.abs(values[channel])
        heat = np.rint(255 * strength / max(float(most[channel]), np.finfo(np.float32).tiny)).astype(np.uint8)
        more = f" · channel {channel} over the picture, {values[channel].max():.2f} at most"
    said = f"{asked.layer}: {count} channels of {sides[0]} × {sides[1]}, from {side} × {side} px{more}"
    return LiveMaps(
        asked.number,
        asked.layer,
        channel,
        encode_jpeg(picture, QUALITY),
        count,
        columns,
        (size[0], size[1]),
        (size[0] + gap, size[1] + gap),
        heat,
        said,
    )
