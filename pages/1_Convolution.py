"""The convolution lab: a kernel at work on a few pixels, number by number, and on the whole picture."""

import numpy as np
import streamlit as st

from visionlab.imaging.analysis import costs
from visionlab.imaging.convolution import BORDERS, convolve
from visionlab.imaging.image import encode_jpeg, encode_png, fit
from visionlab.imaging.render import MODES, render
from visionlab.ui import cached, kernel_facts, state
from visionlab.ui.components.compare import compare
from visionlab.ui.components.convolution_lab import convolution_lab
from visionlab.ui.kernel_editor import kernel_editor
from visionlab.ui.page import page, roomy_columns
from visionlab.ui.widgets import facts, image_picker

LONGEST = 1024  # pixels: what fits a screen, and follows the controls at once

BORDER_TITLES = {
    "reflect": "Reflect",
    "zero": "Zeros",
    "replicate": "Replicate the edge",
    "wrap": "Wrap around",
    "valid": "None (valid)",
}
MODE_TITLES = {
    "clip": "As a picture (clipped to 0–255)",
    "absolute": "Strength (absolute value)",
    "minmax": "Stretched (smallest to largest)",
    "diverging": "Signed (blue below zero, orange above)",
}

with page("Convolution"):
    picture = image_picker()
    controls, results = roomy_columns([1, 2.4], "work", gap="large")
    with controls:
        kernel = kernel_editor()
        one, two = st.columns(2)
        stride = one.number_input("Stride", 1, 64, 1, key="stride", bind="query-params", help="Steps of the window.")
        dilation = two.number_input(
            "Dilation", 1, 32, 1, key="dilation", bind="query-params", help="Distance between the weights, in pixels."
        )
        border = st.selectbox(
            "Border",
            BORDERS,
            index=BORDERS.index("reflect"),
            format_func=BORDER_TITLES.get,
            key="border",
            bind="query-params",
        )
        flip = st.toggle(
            "Flip the kernel",
            key="flip",
            bind="query-params",
            help="On: convolution as mathematics defines it. Off: cross-correlation, which CNNs call convolution.",
        )
        kernel_facts.show(kernel)
    with results:
        st.subheader("Number by number", anchor=False)
        lab = st.container()
        detail = st.select_slider(
            "The picture is shrunk to … pixels for this, so that a square of 8 to 32 pixels shows something of it",
            [64, 128, 256, 512],
            128,
            key="detail",
            bind="query-params",
            on_change=state.forget_square,
        )
        with lab:
            square = convolution_lab(
                picture.image,
                kernel,
                stride=stride,
                dilation=dilation,
                border=border,
                flip=flip,
                longest=detail,
                square=state.linked_square(),
                key=f"lab-{picture.key}-{detail}",
            )
        state.link_square(square)

    st.subheader("The whole picture", anchor=False)
    side, view = roomy_columns([1, 2.4], "whole", gap="large")
    with side:
        grey = st.toggle(
            "Grey picture", key="grey", bind="query-params", help="One channel instead of red, green, blue."
        )
        fallback = "clip" if kernel.total > 0.5 else "absolute"  # blurs keep brightness; edge kernels sum to 0
        mode = st.selectbox(
            "Show the response",
            MODES,
            index=MODES.index(fallback),
            format_func=MODE_TITLES.get,
            key=f"mode-{fallback}",
            bind="query-params",
        )
    shown = fit(picture.image, LONGEST)
    source = shown.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) if grey else shown
    response = convolve(source, kernel, stride=stride, dilation=dilation, border=border, flip=flip)
    result = render(response, mode)
    rows, columns = response.shape[:2]
    spent = costs(source.shape[:2], kernel, outputs=(rows, columns), channels=1 if grey else 3)
    with view:
        compare(
            cached.picture_bytes(picture.key, LONGEST, picture.image),
            encode_jpeg(result, 95),
            shape=source.shape[:2],
            titles=("Picture", f"Response of {kernel.title}"),
            enlarged=stride > 1,
            key="compare",
        )
        facts(
            {
                "Output, px": f"{columns} × {rows}",
                "Smallest … largest": f"{response.min():.0f} … {response.max():.0f}",
            }
        )
    with side:
        kernel_facts.show_costs(spent)
        st.download_button(
            "The response as PNG",
            lambda: encode_png(result),
            "response.png",
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Its numbers as .npy",
            lambda: kernel_facts.npy(response),
            "response.npy",
            icon=":material/download:",
            on_click="ignore",
        )
        settings = {"stride": stride, "dilation": dilation, "border": border, "flip": flip}
        with st.expander("The same in Python", icon=":material/code:"):
            st.code(kernel_facts.as_python(kernel, settings, grey, mode, LONGEST), language="python")
