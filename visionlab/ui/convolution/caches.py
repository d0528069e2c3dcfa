"""The caches of the Convolution page; shared/cached.py says what keys are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from visionlab.imaging.convolution import convolve
from visionlab.imaging.image import Image, Response, encode_jpeg, encode_png
from visionlab.imaging.kernels import Kernel
from visionlab.imaging.render import plain_range, render
from visionlab.ui.convolution.channels import CHANNELS
from visionlab.ui.convolution.settings import Settings

EXACT = 512  # pixels a side up to which the browser gets every pixel of a response; more of them take too long


@dataclass(frozen=True, eq=False)
class Answer:
    """A response, (H, W[, 3]) float32; the range of it that is shown, and the plain one; it as a picture, and that as a
    PNG or JPEG file.
    """

    response: Response
    range: tuple[float, float]
    plain: tuple[float, float]
    shown: Image
    encoded: bytes


@st.cache_resource(max_entries=2, show_spinner=False)
def slid_over(key: str, side: int, channel: str, _image: Image) -> NDArray[np.uint8]:
    """What of the picture of that key, in that size, the kernel is slid over: the same for all that one types."""
    planes = CHANNELS[channel].take(_image)
    planes.setflags(write=False)
    return planes


@st.cache_resource(max_entries=2, show_spinner=False)
def answer(key: str, weights: bytes, settings: Settings, _image: Image, _kernel: Kernel) -> Answer:
    """What the kernel of these weights answers to the picture of that key in the size of the settings."""
    channel = CHANNELS[settings.channel]
    response = convolve(slid_over(key, settings.side, settings.channel, _image), _kernel, **settings.options)
    if channel.added:
        response = response.sum(axis=2)
    plain = plain_range(response, settings.mode)
    ends = settings.ends(_kernel, response) or plain
    shown = render(response, settings.mode, ends)
    encoded = encode_png(shown) if max(shown.shape) <= EXACT else encode_jpeg(shown, 95)
    return Answer(response, ends, plain, shown, encoded)
