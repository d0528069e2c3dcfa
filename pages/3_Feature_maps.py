"""Every layer of the network on the user's picture, down to one unit."""

import time

import streamlit as st

from visionlab.network.zoo.models import TO_OPEN
from visionlab.ui.maps import (
    channel_table,
    channel_view,
    display,
    layer_table,
    layer_view,
    state,
    things_to_try,
    unit_view,
)
from visionlab.ui.maps.look import Look, resolve
from visionlab.ui.maps.settings import settings
from visionlab.ui.shared.networks import suggest
from visionlab.ui.shared.page import page, roomy_columns, sentence, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.tries import tries

HEAD_START = 0.12  # seconds in which the browser draws the mosaic before it has all the rest to do


@st.fragment  # choosing a layer, a channel or a unit runs this again, and not the page around it
@told()
def opened(looks: list[Look]) -> None:
    look = looks[0]
    spot, missing = resolve(state.spot(), look)
    if not state.was_in(look.net.name):  # of another network nobody expects the same layers
        missing = []
    offered, drawing = st.container(), st.container()
    places = layer_view.places(len(looks))
    # What the eye waits for is computed and sent first. From the second run on, what the controls hold is known before
    # they are drawn; drawing them, or anything else, would keep the browser busy while the mosaic arrives.
    known = display.held(len(looks) > 1)
    shown_as = known or display.controls(places.controls, looks, spot.layer)
    order = display.ranked(looks, spot.layer, shown_as.order)
    shown = layer_view.page_of(look, spot, order, shown_as.order)
    for place, each in zip(places.mosaics, looks, strict=True):
        with place:
            layer_view.mosaic(each, looks, spot, shown, shown_as)
    time.sleep(HEAD_START)

    with offered:
        tries("feature-maps", things_to_try.of(look.net))
    with drawing:
        for text in missing:
            sentence(text)
        layer_view.draw_network(look, look.net.layer(spot.layer))
    if known:
        display.controls(places.controls, looks, spot.layer)
    with places.channel:
        layer_view.channel_input(look, spot, order, shown_as.order)
    for place, each in zip(places.maps, looks, strict=True):
        with place:
            channel_view.show_map(each, looks, spot, shown_as.scale)
    with places.maps[0]:
        channel_view.hold(look, spot)
    with places.below:
        layer_view.page_picker(look, spot, order, shown_as.order)
        for text in display.told_of(look, spot.layer, shown_as.order):
            st.caption(text)
        channel_table.show(looks, spot, shown_as)
        layer_view.downloads(looks, spot.layer, order, shown_as.scale)
    one, unit = roomy_columns([1, 1.6], "details", gap="large")
    with one:
        channel_view.sections(look, spot)
    with unit:
        unit_view.show(look, spot)
    state.look_at(spot)
    state.now_in(look.net.name)


with page("Feature maps"):
    looks = settings(image_picker())
    opened(looks)
    suggest(TO_OPEN, looks[0].network)
    with st.expander("The whole network, layer by layer", icon=":material/table_rows:"):
        layer_table.show(looks[0])
