"""The kernel visualizer: pick a kernel or write one, and see what it answers to the picture."""

import numpy as np
import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.convolution import BORDERS, convolve
from visionlab.imaging.image import encode_png, fit
from visionlab.imaging.kernels import KERNELS, custom_kernel
from visionlab.imaging.render import MODES, render
from visionlab.ui import state
from visionlab.ui.page import page, roomy_columns, sentence
from visionlab.ui.widgets import facts, image_picker, show, show_exact

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
    controls, results = roomy_columns([1, 2], "work", gap="large")
    with controls:
        name = st.selectbox(
            "Kernel",
            list(KERNELS),
            index=list(KERNELS).index("sobel_x"),
            format_func=lambda key: KERNELS[key].title,
            key="kernel",
            bind="query-params",
            on_change=state.reset_kernel,
        )
        preset = KERNELS[name]
        st.caption(preset.about)
        st.markdown("**Weights** · edit any of them")
        edited = st.data_editor(
            preset.weights.astype(float).round(5),
            key=f"weights-{name}-{state.kernel_version()}",
            hide_index=True,
            num_rows="fixed",
        )
        table = np.asarray(edited, float)
        untouched = np.array_equal(table, preset.weights.astype(float).round(5))
        try:
            kernel = preset if untouched else custom_kernel(table)
        except ParameterError as error:  # an emptied cell, say: the kernel as it was goes on
            sentence(error)
            kernel = preset
        if not untouched:
            st.button("Back to the kernel as it was", on_click=state.reset_kernel, icon=":material/undo:")
        st.caption(f"Sum {kernel.weights.sum():g} · {'separable' if kernel.separable else 'not separable'}")
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
        grey = st.toggle(
            "Grey picture", key="grey", bind="query-params", help="One channel instead of red, green, blue."
        )
        fallback = "clip" if kernel.weights.sum() > 0.5 else "absolute"  # blurs keep brightness; edge kernels sum to 0
        mode = st.selectbox(
            "Show the response", MODES, index=MODES.index(fallback), format_func=MODE_TITLES.get, key=f"mode-{fallback}"
        )
    shown = fit(picture.image, LONGEST)
    source = shown.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) if grey else shown
    response = convolve(source, kernel, stride=stride, dilation=dilation, border=border, flip=flip)
    result = encode_png(render(response, mode))
    with results:
        before, after = roomy_columns(2, "pictures", gap="small")
        with before:
            st.markdown("**Picture**")
            show(picture, LONGEST, alt="The picture before")
        with after:
            st.markdown("**Response**")
            show_exact(result, f"The response of {kernel.title}")
        height, width = source.shape[:2]
        rows, columns = response.shape[:2]
        facts(
            {
                "Output, px": f"{columns} × {rows}",
                "Smallest … largest": f"{response.min():.0f} … {response.max():.0f}",
                "Multiplications": f"{rows * columns * kernel.weights.size * (1 if grey else 3):,}",
            }
        )
        extent = (kernel.weights.shape[1] - 1) * dilation + 1
        padded = width if border == "valid" else width + extent - 1
        st.caption(
            f"Width: ⌊({padded} − {extent}) / {stride}⌋ + 1 = {columns}. The window spans {extent} pixels, and the "
            f"{'picture' if border == 'valid' else 'padded picture'} {padded}."
        )
        st.download_button("Download the response", result, "response.png", "image/png", icon=":material/download:")
