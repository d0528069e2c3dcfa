"""What the tests of the filters have in common: pictures, and a filter's answer as numbers."""

import cv2
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visionlab.imaging.filters import FILTERS

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
SOFT = cv2.GaussianBlur(NOISE, (0, 0), 2)
pictures = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def run(name, image, **values):
    """The answer as int, so that differences do not wrap around."""
    return FILTERS[name].apply(image, **values).astype(int)


def grey_of(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def as_picture(grey):
    return np.repeat(np.rint(grey).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
