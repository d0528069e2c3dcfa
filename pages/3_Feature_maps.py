"""Every layer of the network on the user's picture."""

import math

import streamlit as st

from visionlab.imaging.image import encode_jpeg
from visionlab.imaging.render import mosaic_layout, overlay
from visionlab.ui import cached
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.widgets import facts, image_picker, layer_picker, model_picker, show_exact

WIDTH = 1100  # pixels of the mosaic, about

with page("Feature maps"):
    picture = image_picker()
    one, two, three = roomy_columns([4, 9, 4], "choices")
    with one:
        chosen = model_picker()
        net = chosen.net
    with three:
        sides = sorted({net.transform.crop, 128, 224, 320})
        side = st.select_slider(
            "Input size (px)",
            sides,
            value=net.maps_side,
            key="side",
            bind="query-params",
            help=f"Larger inputs give larger maps. The network predicts at {net.transform.crop} px.",
        )
        scale = st.segmented_control(
            "Brightness",
            ["channel", "layer"],
            default="channel",
            required=True,
            format_func={"channel": "Each map", "layer": "Whole layer"}.get,
            key="scale",
            bind="query-params",
        )
    with two:
        layer = layer_picker(net)
    found = cached.all_maps(chosen.key, picture.key, side, net, picture.image)[layer.name]
    values = found.values
    channels, height, width = values.shape

    silent = (abs(values).max((1, 2)) == 0).mean()
    facts(
        {
            "Output (channels × height × width)": f"{channels} × {height} × {width}",
            "Receptive field": f"{layer.receptive_field} px" if layer.receptive_field else "everything",
            "Stride": f"{layer.stride} px" if layer.stride else "–",
            "Parameters": f"{layer.parameters:,}",
            "Silent on this picture": f"{silent:.0%}",
        }
    )

    single = height * width == 1
    columns = math.ceil(math.sqrt(2 * channels)) if not single else 32
    tile = max(1, WIDTH // columns)
    maps, one_map = roomy_columns([3, 1], "maps", gap="large")
    with maps:
        rows, columns = mosaic_layout(channels, columns)
        st.markdown(f"**{channels} {'units' if single else 'channels'}** · numbered from 0, {columns} in a row")
        show_exact(
            cached.mosaic_bytes(
                chosen.key, picture.key, side, layer.name, "layer" if single else scale, tile, columns, values
            ),
            f"The feature maps of {layer.name}",
        )
    with one_map:
        strongest = int(values.mean((1, 2)).argmax())
        channel = st.number_input(
            "Unit" if single else "Channel",
            0,
            channels - 1,
            strongest,
            key=f"channel-{chosen.key}-{layer.name}-{picture.key}",
            help="It starts with the one that answers most.",
        )
        one_channel = values[channel]
        if not single:
            show_exact(cached.channel_png(one_channel, 400), f"Channel {channel} of {layer.name}")
            peak = float(one_channel.max())
            view = net.transform.at(side).view(picture.image)
            laid = overlay(view, (one_channel / peak).clip(0, 1) if peak > 0 else one_channel * 0)
            st.image(encode_jpeg(laid), width="stretch", alt="The same, laid over the picture")
        label = f" · {net.labels[channel]}" if channels == len(net.labels) else ""
        st.text(f"mean {one_channel.mean():.3f}, from {one_channel.min():.3f} to {one_channel.max():.3f}{label}")
