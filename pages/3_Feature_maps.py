"""Every layer of the network on the user's picture, down to one unit."""

import time

import streamlit as st

from visionlab.network.zoo.models import TO_OPEN
from visionlab.ui.maps import channel_view, layer_table, layer_view, state, things_to_try, unit_view
from visionlab.ui.maps.look import Look, resolve
from visionlab.ui.shared.networks import model_picker, suggest
from visionlab.ui.shared.page import page, roomy_columns, sentence, told
from visionlab.ui.shared.picture_bar import image_picker, second_picture
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
    maps, one = roomy_columns([1.45, 1], "layer", gap="large")
    with maps:
        controls, tiles = st.container(), st.columns(len(looks))
    # What the eye waits for is computed and sent first. From the second run on, what the controls hold is known before
    # they are drawn; drawing them, or anything else, would keep the browser busy while the mosaic arrives.
    compared = len(looks) > 1
    known = layer_view.held(compared)
    display = known or layer_view.controls(controls, compared)
    order = layer_view.ranked(looks, spot.layer, display.order)
    shown = layer_view.page_of(spot, order)
    change = layer_view.changes(looks, spot.layer)
    for column, each in zip(tiles, looks, strict=True):
        with column:
            layer_view.mosaic(each, spot, shown, display.scale, change)
    time.sleep(HEAD_START)

    with offered:
        tries("feature-maps", things_to_try.of(look.net))
    with drawing:
        for text in missing:
            sentence(text)
        layer_view.draw_network(look, look.net.layer(spot.layer))
    with maps:
        if known:
            layer_view.controls(controls, compared)
        layer_view.page_picker(spot, order)
        layer_view.downloads(look, spot.layer, order, display.scale)
    with one:
        layer_view.channel_input(look, spot, order)
        for column, each in zip(st.columns(len(looks)), looks, strict=True):
            with column:
                channel_view.show_map(each, spot, display.scale)
    one, sums = roomy_columns([1, 1.6], "details", gap="large")
    with one:
        channel_view.sections(look, spot)
    with sums, told():
        unit_view.show(look, spot)
    state.look_at(spot)
    state.now_in(look.net.name)


with page("Feature maps"):
    picture = image_picker()
    with st.container(horizontal=True, vertical_alignment="center"):
        told_of = st.container(width="content")
        with st.popover("Change or compare", icon=":material/tune:"):
            chosen = model_picker(TO_OPEN)
            net = chosen.net
            side = st.select_slider(
                "Input size (px)",
                sorted({net.transform.crop, 128, 224, 320}),
                value=net.maps_side,
                key="side",
                bind="query-params",
                help=f"Larger inputs give larger maps. The network predicts at {net.transform.crop} px.",
            )
            other = second_picture(picture)
        told_of.markdown(f"**{chosen.title}** :gray[at {side} px{' · two pictures' if other else ''}]")
    looks = [Look(chosen, each, side) for each in (picture, other) if each]
    opened(looks)
    suggest(TO_OPEN, chosen)
    with st.expander("The whole network, layer by layer", icon=":material/table_rows:"):
        layer_table.show(looks[0])
