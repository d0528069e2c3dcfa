"""The darkest and the brightest under a brush, against SciPy and OpenCV, and by their algebra."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imaging.operations.pictures import NOISE, pictures, run
from scipy import ndimage

from visionlab.imaging.filters import FILTERS

brushes = st.fixed_dictionaries({"size": st.integers(1, 6), "shape": st.sampled_from(["square", "ellipse", "cross"])})


@pytest.mark.parametrize("shape", ["square", "ellipse", "cross"])
def test_morphology_is_ordered(shape):
    brush = {"size": 3, "shape": shape}
    eroded, opened, closed, dilated = (run(name, NOISE, **brush) for name in ("erode", "open", "close", "dilate"))
    assert (eroded <= opened).all()
    assert (opened <= NOISE).all()
    assert (closed >= NOISE).all()
    assert (closed <= dilated).all()
    assert (eroded < dilated).any()
    assert np.array_equal(run("open", opened.astype(np.uint8), **brush), opened)


def test_morphology_is_scipys():
    size = (5, 5, 1)
    darkest = ndimage.minimum_filter(NOISE, size, mode="constant", cval=255).astype(int)
    brightest = ndimage.maximum_filter(NOISE, size, mode="constant", cval=0).astype(int)
    opened = ndimage.maximum_filter(darkest, size, mode="constant", cval=0)
    closed = ndimage.minimum_filter(brightest, size, mode="constant", cval=255)
    expected = {
        "erode": darkest, "dilate": brightest, "open": opened, "close": closed,
        "morphological_gradient": brightest - darkest, "top_hat": NOISE - opened, "black_hat": closed - NOISE,
    }  # fmt: skip
    for name, answer in expected.items():
        assert np.array_equal(run(name, NOISE, size=5, shape="square"), answer), name


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("shape", ["square", "ellipse", "cross"])
def test_morphology_is_opencvs(size, shape):
    kinds = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    element = cv2.getStructuringElement(kinds[shape], (size, size))
    ways = {
        "open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE, "morphological_gradient": cv2.MORPH_GRADIENT,
        "top_hat": cv2.MORPH_TOPHAT, "black_hat": cv2.MORPH_BLACKHAT,
    }  # fmt: skip
    for name, way in ways.items():
        assert np.array_equal(run(name, NOISE, size=size, shape=shape), cv2.morphologyEx(NOISE, way, element)), name


@given(pictures, brushes)
@settings(max_examples=60, deadline=None)
def test_opening_and_closing_twice_is_once_and_they_bound_the_picture(image, brush):
    for name in ("open", "close"):
        once = FILTERS[name].apply(image, **brush)
        assert np.array_equal(FILTERS[name].apply(once, **brush), once)
        assert ((once <= image) if name == "open" else (once >= image)).all()


@given(pictures, brushes)
@settings(max_examples=40, deadline=None)
def test_closing_is_opening_the_negative(image, brush):
    assert np.array_equal(run("close", image, **brush), 255 - run("open", 255 - image, **brush))
