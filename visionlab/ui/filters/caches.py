"""The caches of the Filters page; shared/cached.py says what keys are."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from visionlab.imaging.filter_record import Value
from visionlab.imaging.image import Image, decode_png, encode_jpeg, encode_png, fit
from visionlab.imaging.operations.frequencies import kept_frequencies, spectrum
from visionlab.imaging.pipeline import Pipeline, Stage


@st.cache_data(max_entries=64, max_size="400 MB", show_spinner="Filtering …")
def filter_stage(key: str, name: str, _values: Mapping[str, Value], _image: Image) -> Stage:
    """What one step of a chain makes of the picture; key stands for the picture and all steps up to this one."""
    return next(Pipeline([(name, _values)]).stages(_image))


@st.cache_data(max_entries=64, max_size="200 MB", show_spinner=False)
def stage_png(key: str, _image: Image) -> bytes:
    """A stage's picture, every pixel kept; key as for filter_stage()."""
    return encode_png(_image)


@st.cache_data(max_entries=16, show_spinner=False)
def stage_jpeg(key: str, _image: Image, quality: int = 90) -> bytes:
    """A stage's picture, to be seen at once: made in a twentieth of the time that a PNG takes; key as for
    filter_stage(), quality as of encode_jpeg()."""
    return encode_jpeg(_image, quality)


@st.cache_resource(max_entries=1, show_spinner=False)
def whole(key: str, _png: bytes) -> Image:
    """The picture at full size that was written as this PNG; shared, so not to be written to."""
    image = decode_png(_png)
    image.setflags(write=False)
    return image


@st.cache_data(max_entries=32, show_spinner=False)
def spectrum_png(key: str, name: str, side: int, _values: Mapping[str, Value], _image: Image) -> bytes:
    """The spectrum of what comes into a Fourier filter, what the filter takes out of it in blue; key as above."""
    return encode_png(fit(spectrum(_image, kept_frequencies(name, *_image.shape[:2], **_values)), side))
