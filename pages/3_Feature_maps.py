"""Every layer of the network on the user's picture, down to one unit."""

import streamlit as st

from visionlab.network.zoo.models import TO_OPEN
from visionlab.ui.maps import (
    channel_table,
    channel_view,
    display,
    layer_table,
    layer_view,
    live,
    state,
    things_to_try,
    unit_view,
)
from visionlab.ui.maps.look import Look, colours, views_of
from visionlab.ui.maps.settings import settings
from visionlab.ui.shared import links
from visionlab.ui.shared.networks import suggest
from visionlab.ui.shared.page import head_start, page, roomy_columns, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.tries import tries
from visionlab.ui.shared.widgets import folded


@st.fragment  # choosing a layer, a channel or a unit runs this again, and not the page around it
@told()
def opened(looks: list[Look]) -> None:
    views, missing = views_of(looks)
    own = [view for view in views if view.look is view.alike[0]]  # a network each
    if not state.was_in([view.look.net.name for view in own]):  # of another network nobody expects the same layers
        missing = []
    offered = st.container()
    places = layer_view.places(views)
    # What the eye waits for is computed and sent first. From the second run on, what the controls hold is known before
    # they are drawn; drawing them, or anything else, would keep the browser busy while the mosaic arrives.
    known = display.held(views[0].compares)
    shown_as = known or display.controls(places.controls, views)
    ends = colours(views, shown_as.scale)
    shown = [layer_view.shown_of(view, shown_as.order) for view in views]
    for place, each, scale in zip(places.mosaics, shown, ends, strict=True):
        with place:
            layer_view.channels(each, shown_as, scale)
    head_start(0.12)

    with offered:
        tries("feature-maps", things_to_try.of(looks[0]), (looks[0].net.name, views[0].spot.layer))
        links.tell("spot", "\n".join(missing) or None, tuple((view.look.net.name, view.spot) for view in own))
    if known:
        display.controls(places.controls, views)
    for place, view, scale in zip(places.maps, views, ends, strict=True):
        with place:
            channel_view.show_map(view, scale)
    for place, view in zip(places.maps, own, strict=False):
        with place:
            channel_view.hold(view)
    parts = (places.drawings, places.pages, places.channels, places.below)
    for view, each, scale, drawing, pages, channel, below in zip(own, shown, ends, *parts, strict=False):
        with drawing:
            layer_view.draw_network(view, named=len(own) > 1)
        with channel:
            layer_view.channel_input(each)
        with pages:
            layer_view.page_picker(each)
        with below:
            for text in display.told_of(view, shown_as.order):
                st.caption(text)
            channel_table.show(view, shown_as)
            layer_view.downloads(each, scale)
    view = channel_view.in_detail(views)
    one, unit = roomy_columns([1, 1.6], "details", gap="large")
    with one:
        channel_view.sections(view.look, view.spot)
    with unit:
        unit_view.show(view.look, view.spot)
    with folded("The whole network, layer by layer", ":material/table_rows:", "whole-network") as asked:
        if asked:
            layer_table.show(view.look)
    state.now_in([view.look.net.name for view in own])


with page("Feature maps"):
    looks = settings(image_picker())
    if st.session_state[live.LIVE]:
        live.show(looks[0].network, looks[0].side, len(looks) > 1)
    else:
        opened(looks)
    suggest(TO_OPEN, looks[0].network)
