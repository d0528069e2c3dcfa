"""The pieces that pages share: which picture, which network, which layer, and how answers are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from visionlab.errors import ImageError
from visionlab.imaging.image import MAX_BYTES, Image, encode_jpeg, fit, load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.network.classifier import Classifier, Prediction
from visionlab.network.models import MODELS, available
from visionlab.ui import cached, state
from visionlab.ui.page import sentence

THUMBNAIL = 112  # pixels
KEPT_BYTES = 1 << 20  # an upload of at most so many is remembered as it is when the next one comes …
KEPT = 1024  # … and a larger one with so many pixels on its longer side
PICTURE_TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"]


# --- the picture ----------------------------------------------------------------------------------------------------


def image_picker() -> state.Picture:
    """The picture that all pages work on: a sample at once, or the user's own, which goes along from page to page."""
    mine = state.uploaded()
    options = [*SAMPLES, *([state.YOURS] if mine else [])]
    state.restore_choice(options)
    titles = {name: sample.title for name, sample in SAMPLES.items()} | {state.YOURS: "Your picture"}
    with st.container(border=True):
        shown, chosen, upload = st.columns([1.2, 4.3, 4], vertical_alignment="center", gap="medium")
        with upload:
            st.file_uploader(
                "Or your own",
                type=PICTURE_TYPES,
                key="upload",
                on_change=_take_upload,
                max_upload_size=MAX_BYTES >> 20,
            )
        with chosen:
            picked = st.segmented_control(
                "Picture",
                options,
                required=True,
                format_func=titles.get,
                key=state.SAMPLE,
                wrap=True,
            )
            state.remember_choice(picked)
            if mine and picked == state.YOURS:
                st.text(f"{mine.name} · {mine.image.shape[1]} × {mine.image.shape[0]} px")
            else:
                st.caption(SAMPLES[picked].about)
        picture = mine if mine and picked == state.YOURS else _sample(picked)
        with shown:
            show(picture, THUMBNAIL, alt=f"The picture: {titles[picked]}", width="content")
        if problem := state.upload_error():
            sentence(problem)
    return picture


def second_picture(first: state.Picture) -> state.Picture | None:
    """Another picture to compare with: a sample, or an earlier upload; None where none is wanted."""
    uploads = {key: name for key, name in state.gallery().items() if key != first.key}
    titles = {name: sample.title for name, sample in SAMPLES.items() if name != first.key} | uploads
    picked = st.selectbox(
        "Compare with",
        ["", *titles],
        format_func=lambda key: titles.get(key, "No other picture"),
        key="second",
        persist_state="session",
    )
    if not picked:
        return None
    return state.from_gallery(picked) if picked in uploads else _sample(picked)


def _sample(name: str) -> state.Picture:
    return state.Picture(SAMPLES[name].title, name, load_sample(name))


def _take_upload() -> None:
    """Runs when the uploader changed: a usable picture becomes the picture; an unusable one leaves all as it was."""
    file = st.session_state["upload"]
    state.keep_upload_error(None)
    if file is None:
        return
    data = file.getvalue()
    try:
        image = load_image(data)
    except ImageError as error:
        state.keep_upload_error(f"{file.name}: {error}")
        return
    kept = data if len(data) <= KEPT_BYTES else encode_jpeg(fit(image, KEPT), 95)
    state.keep_upload(state.Picture(file.name, hashlib.sha256(data).hexdigest(), image), kept)
    st.session_state[state.SAMPLE] = state.YOURS


def show(picture: state.Picture, longest: int, alt: str, width: int | str = "stretch") -> None:
    """A photograph for looking at: JPEG bytes, never an array."""
    st.image(cached.picture_bytes(picture.key, longest, picture.image), width=width, alt=alt)


def show_exact(png: bytes, alt: str, width: int | str = "stretch") -> None:
    """A PNG whose every pixel counts: left to itself, Streamlit would make a JPEG of it."""
    st.image(png, width=width, alt=alt, output_format="PNG")


def shown_width(image: Image, tallest: int = 560) -> int | str:
    """How wide to show a picture: as wide as its column, but never taller than a screen can hold."""
    height, width = image.shape[:2]
    return "stretch" if height <= width else max(1, tallest * width // height)


# --- the network ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Network:
    """The network that was picked; key tells it apart in caches."""

    key: str
    net: Classifier


def model_picker() -> Network:
    """The networks whose weights are here, and the head that the user trained; says how to get the others."""
    mine = state.trained_head()
    here = available()
    options = [*here, *(["your-head"] if mine else [])]
    titles = {name: model.title for name, model in MODELS.items()} | {"your-head": "Your own head"}
    picked = st.selectbox(
        "Network",
        options,
        format_func=titles.get,
        key="network",
        bind="query-params",
        help=_absent(set(MODELS) - set(here)),
    )
    if mine and picked == "your-head":
        return Network(mine.key, cached.head_classifier(mine.key, mine.head))
    name = picked or next(iter(MODELS))  # none is here: loading the first says what to do
    return Network(name, cached.classifier(name))


def _absent(names: set[str]) -> str | None:
    if not names:
        return None
    files = "\n".join(f"- {MODELS[name].title}: `{MODELS[name].file.name}` in `weights/`" for name in sorted(names))
    return f"More networks appear here once their weight file is there:\n{files}"


def facts(values: Mapping[str, str]) -> None:
    """A row of short facts, {what: how much}, that goes on to a second line where a window is narrow."""
    with st.container(horizontal=True, gap="large"):
        for label, value in values.items():
            st.metric(label, value, width="content")


# --- answers --------------------------------------------------------------------------------------------------------


def probability_bars(answers: Sequence[Prediction]) -> None:
    """Classes with bars and percentages, the most probable first. Names are escaped: they may be the user's own."""
    rows = "".join(
        f'<div role="listitem" style="margin:0 0 .6rem">'
        f'<div style="display:flex;justify-content:space-between;gap:1rem;margin-bottom:.2rem">'
        f'<span style="font-weight:{600 if i == 0 else 400}">{escape(answer.label)}</span>'
        f'<span style="font-variant-numeric:tabular-nums">{answer.probability:.1%}</span></div>'
        f'<div style="height:.5rem;border-radius:.25rem;background:rgba(128,146,166,.22)">'
        f'<div style="height:100%;border-radius:.25rem;width:{answer.probability:.2%};min-width:2px;'
        f'background:{"#3B8FD6" if i == 0 else "rgba(59,143,214,.6)"}"></div></div></div>'
        for i, answer in enumerate(answers)
    )
    st.html(f'<div role="list" aria-label="Predictions">{rows}</div>')
