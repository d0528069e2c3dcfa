"""The convolution lab: a picture, a kernel and its response side by side, followed to the last number."""

from dataclasses import replace

import streamlit as st

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, encode_png
from visionlab.imaging.kernels import Kernel
from visionlab.ui.convolution import caches, kernel_facts, response_settings, state, things_to_try
from visionlab.ui.convolution.kernel_choice import choose_kernel, kernel_at_work
from visionlab.ui.convolution.response_settings import MODE_TITLES
from visionlab.ui.convolution.settings import Settings
from visionlab.ui.shared import cached, links
from visionlab.ui.shared.components.convolution_lab import Scale, convolution_lab
from visionlab.ui.shared.components.kept_picture import keep_picture
from visionlab.ui.shared.page import head_start, link, page, sentence, told
from visionlab.ui.shared.picture_bar import image_picker
from visionlab.ui.shared.state import Picture
from visionlab.ui.shared.tries import tries
from visionlab.ui.shared.widgets import facts, file_name, folded, number, size_of


def sent(picture: Picture, side: int, key: str) -> str:
    """The name by which the browser keeps the picture in that size from here on."""
    return keep_picture(cached.picture_png(picture.key, side, picture.image), f"{state.LAB}-{key}")


@st.fragment  # a control runs this again, and not the page around it: the picture follows at once
@told()
def lab(picture: Picture, side: int, name: str) -> None:
    """`name` is that of the picture in the size that the page around this has sent; another size is sent from here."""
    choosing, saying, bench, details = st.container(key="kernel-row"), st.container(), st.container(), st.container()
    with saying:
        kernel = kernel_at_work()
        response_settings.begin(kernel)

    def show(kernel: Kernel, settings: Settings) -> caches.Answer:
        small = cached.fitted(picture.key, settings.side, picture.image)
        found = caches.answer(picture.key, kernel.weights.tobytes(), settings, small, kernel)
        with bench:
            convolution_lab(
                name if settings.side == side else sent(picture, settings.side, "picture-in-another-size"),
                picture.key,
                found.encoded,
                kernel,
                given=state.given(kernel),
                scale=Scale(settings.mode, MODE_TITLES[settings.mode], *found.range, found.plain),
                fit=settings.fit,
                channel=settings.channel,
                **settings.options,
                left=state.lab_left(),
                asked=state.lab_set(),
                key=state.LAB,
            )
        state.keep_shown(picture.key, kernel, settings)
        return found

    def show_or_tell(settings: Settings) -> tuple[Kernel, Settings, caches.Answer] | None:
        try:
            response_settings.check(settings)
            return kernel, settings, show(kernel, settings)
        except ParameterError as error:
            with saying:
                sentence(error)
        if before := state.last_shown(picture.key):
            saying.caption("The response is as it was before.")
            return *before, show(*before)
        plain = replace(settings, stride=1, dilation=1)
        if plain != settings:
            saying.caption("The response is that of stride 1 and dilation 1.")
            return show_or_tell(plain)
        return None

    # What the eye waits for is computed and sent first: what the controls hold is known before they are drawn; drawing
    # them, or anything else, would keep the browser busy while the picture arrives.
    known = response_settings.held(kernel)
    result = show_or_tell(known)
    if result:
        head_start(0.1)
    with choosing, st.container(horizontal=True, vertical_alignment="bottom"):
        at_work, kernel = kernel, choose_kernel()
        with st.container(horizontal=True, width="content"):
            settings = response_settings.controls(kernel)
    if (at_work.name, known) != (kernel.name, settings):
        st.rerun()  # a link that came back by the browser's button has changed the controls
    with saying:
        tries("convolution", things_to_try.of(kernel.name))
        links.tell(state.LAB, state.unread(), (picture.key, kernel.name))
    state.link_lab(picture.key)
    if result:
        with details:
            told_of(picture, *result)


def of_the_response(picture: Picture, small: Image, kernel: Kernel, settings: Settings, found: caches.Answer) -> None:
    """Its size and range, what it costs, and its files."""
    response, shape = found.response, small.shape[:2]
    rows, columns = response.shape[:2]
    extremes = f"{number(float(response.min()))} … {number(float(response.max()))}"
    facts({"Output, px": f"{columns} × {rows}", "Smallest … largest": extremes})
    if shape != picture.image.shape[:2]:
        st.caption(f"The picture is {size_of(small, picture.image)}, so that a small kernel sees something of it.")
    kernel_facts.show_costs(kernel, settings, shape, (rows, columns))
    with st.container(horizontal=True):
        st.download_button(
            "The response as PNG",
            lambda: encode_png(found.shown),
            file_name(picture.name, kernel.title, ".png"),
            "image/png",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Its numbers as .npy",
            lambda: kernel_facts.npy(response),
            file_name(picture.name, kernel.title, ".npy"),
            icon=":material/download:",
            on_click="ignore",
        )


def told_of(picture: Picture, kernel: Kernel, settings: Settings, found: caches.Answer) -> None:
    """What is folded away until somebody asks: sizes, costs, rank, frequencies, files and code."""
    small = cached.fitted(picture.key, settings.side, picture.image)
    with st.container():
        for caution in kernel_facts.cautions(kernel, settings, small.shape[:2]):
            st.caption(f":material/info: {caution}")
    with folded("The response: its size, its cost, its files", ":material/grid_on:", "of-the-response") as asked:
        if asked:
            of_the_response(picture, small, kernel, settings, found)
    with folded("The kernel: its rank, and what it lets through", ":material/query_stats:", "of-the-kernel") as asked:
        if asked:
            kernel_facts.show(kernel)
    with folded("The same in Python", ":material/code:", "in-python") as asked:
        if asked:
            st.code(kernel_facts.as_python(kernel, settings, found.range), language="python")
    walk = {"experiment": "moving-eight"}
    link("From scratch", "The same tiles in a network that learns: the 8 that moves", asks=walk)


with page("Convolution"):
    state.take_view()
    chosen, in_pixels = image_picker(), response_settings.side_held()
    lab(chosen, in_pixels, sent(chosen, in_pixels, "picture"))
