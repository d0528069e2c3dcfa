"""The convolution lab: a kernel at work on a few pixels, number by number, and on the whole picture."""

import time
from contextlib import suppress

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.analysis import costs
from visionlab.imaging.image import encode_png
from visionlab.imaging.kernels import Kernel
from visionlab.ui.convolution import caches, kernel_facts, response_settings, state
from visionlab.ui.convolution.kernel_editor import kernel_editor
from visionlab.ui.convolution.response_settings import Settings
from visionlab.ui.shared import cached
from visionlab.ui.shared.components.compare import compare, sharp_enough
from visionlab.ui.shared.components.convolution_lab import convolution_lab
from visionlab.ui.shared.page import page, roomy_columns, sentence, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.widgets import facts, size_of

LONGEST = 1024  # pixels: what fits a screen, and follows the controls at once
HEAD_START = 0.05  # seconds in which the browser draws the response before it has all the rest to do


@st.fragment  # a control runs this again, and not the page around it: the picture follows at once
@told()
def responses(picture: Picture, kernel: Kernel) -> None:
    small = cached.fitted(picture.key, LONGEST, picture.image)
    shape = small.shape[:2]

    def answer(kernel: Kernel, settings: Settings) -> caches.Answer:
        return caches.answer(picture.key, kernel.weights.tobytes(), settings, sharp_enough(shape), small, kernel)

    # What the eye waits for is computed and sent first. From the second run on, what the controls hold is known before
    # they are drawn; drawing them, or anything else, would keep the browser busy while the picture arrives.
    known = response_settings.held(kernel)
    if known:
        with suppress(ParameterError):  # it is told below, where the controls are that mend it
            answer(kernel, known)
    sliding, numbers = st.container(), st.container()
    st.subheader("The whole picture", anchor=False)
    showing, seen, details = st.container(), st.container(), st.container()

    def show(kernel: Kernel, settings: Settings) -> caches.Answer:
        found = answer(kernel, settings)
        with seen:
            compare(
                cached.picture_bytes(picture.key, LONGEST, picture.image),
                found.encoded,
                shape=shape,
                titles=("Picture", f"Response of {kernel.title}"),
                enlarged=settings.stride > 1,
                key="compare",
            )
        state.keep_shown(picture.key, kernel, settings)
        time.sleep(HEAD_START)
        return found

    def show_or_tell(settings: Settings) -> tuple[Kernel, Settings, caches.Answer] | None:
        try:
            return kernel, settings, show(kernel, settings)
        except ParameterError as error:
            with sliding:
                sentence(error)
        if before := state.last_shown(picture.key):
            seen.caption("The response is as it was before.")
            return *before, show(*before)
        return None

    result = show_or_tell(known) if known else None
    settings = response_settings.controls(kernel, sliding, showing)
    if known is None:
        result = show_or_tell(settings)
    if result is None:
        return
    used, settings, found = result
    for caution in kernel_facts.cautions(used, settings, shape):
        sliding.caption(f":material/info: {caution}")

    with numbers:
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
                cached.picture_png(picture.key, detail, picture.image),
                used,
                **settings.options,
                square=state.linked_square(),
                key=f"lab-{picture.key}-{detail}",
            )
        state.link_square(square)
    with details:
        response = found.response
        rows, columns = response.shape[:2]
        spent = costs(shape, used, outputs=(rows, columns), channels=1 if settings.grey else 3)
        facts(
            {
                "Output, px": f"{columns} × {rows}",
                "Smallest … largest": f"{response.min():.0f} … {response.max():.0f}",
            }
        )
        if shape != picture.image.shape[:2]:
            st.caption(f"The picture is {size_of(small, picture.image)}, to follow your controls at once.")
        kernel_facts.show_costs(spent)
        with st.container(horizontal=True):
            st.download_button(
                "The response as PNG",
                lambda: encode_png(found.shown),
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
        with st.expander("The same in Python", icon=":material/code:"):
            st.code(kernel_facts.as_python(used, settings, LONGEST), language="python")


with page("Convolution"):
    picture = image_picker()
    controls, results = roomy_columns([1, 2.8], "lab", gap="large")
    with controls, st.container(key="kernel-panel"):
        kernel = kernel_editor()
        kernel_facts.show(kernel)
    with results:
        responses(picture, kernel)
