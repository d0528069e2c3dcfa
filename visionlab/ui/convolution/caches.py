"""The caches of the Convolution page; shared/cached.py says what keys are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from visionlab.imaging.convolution import convolve
from visionlab.imaging.image import Image, Response, encode_jpeg, fit
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import render
from visionlab.ui.convolution.response_settings import Settings


@dataclass(frozen=True, eq=False)
class Answer:
    """A response, (H, W[, C]) float32; how it is shown; and that as a JPEG file, maybe smaller."""

    response: Response
    shown: Image
    encoded: bytes


@st.cache_resource(max_entries=2, show_spinner=False)
def answer(key: str, weights: bytes, settings: Settings, longest: int, _image: Image, _kernel: Kernel) -> Answer:
    """What the kernel of these weights answers to the picture of that key; the JPEG at most `longest` pixels a side."""
    source = _image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) if settings.grey else _image
    response = convolve(source, _kernel, **settings.options)
    shown = render(response, settings.mode)
    return Answer(response, shown, encode_jpeg(fit(shown, longest), 95))
