"""Where pixels are, against SciPy, NumPy, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imaging.operations.pictures import NOISE, SOFT, pictures, run
from scipy import ndimage

from visionlab.imaging.filters import FILTERS


@given(pictures, st.sampled_from(["left to right", "top to bottom", "both"]))
@settings(max_examples=30, deadline=None)
def test_mirroring_twice_changes_nothing(image, way):
    assert np.array_equal(run("mirror", FILTERS["mirror"].apply(image, way=way), way=way), image)


def test_mirrors():
    assert np.array_equal(run("mirror", NOISE), NOISE[:, ::-1])
    assert np.array_equal(run("mirror", NOISE, way="top to bottom"), NOISE[::-1])
    assert np.array_equal(run("mirror", NOISE, way="both"), NOISE[::-1, ::-1])


@given(pictures, st.sampled_from([-180.0, -90.0, 0.0, 90.0, 180.0]))
@settings(max_examples=30, deadline=None)
def test_quarter_turns_mix_no_pixels(image, angle):
    assert np.array_equal(run("rotate", image, angle=angle, canvas="grown"), np.rot90(image, int(angle // 90)))


def test_rotation_is_scipys():
    same = run("rotate", SOFT, angle=20.0)
    expected = ndimage.rotate(SOFT, 20.0, reshape=False, order=1, mode="constant")
    assert np.abs(same - expected)[8:-8, 12:-12].max() <= 3
    grown = run("rotate", SOFT, angle=20.0, canvas="grown")
    assert np.abs(np.array(grown.shape) - ndimage.rotate(SOFT, 20.0).shape).max() <= 1
    assert grown.astype(bool).any(axis=2).sum() == pytest.approx(40 * 50, rel=0.1), "all of it is still there"


def test_a_long_thread_is_not_turned_into_a_sea_of_pixels():
    turned = FILTERS["rotate"].apply(np.zeros((1, 40_000, 3), np.uint8), angle=45.0, canvas="grown")
    assert turned.shape[0] * turned.shape[1] <= 40_100_000


def test_resizing():
    halves = NOISE.reshape(20, 2, 25, 2, 3).mean(axis=(1, 3))
    assert np.abs(run("resize", NOISE, scale=50) - halves).max() <= 0.51
    twice = NOISE.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(run("resize", NOISE, scale=200, method="nearest"), twice)
    for method in ("area", "linear", "cubic", "nearest"):
        assert np.array_equal(run("resize", NOISE, scale=100, method=method), NOISE)


def test_cropping_by_hand():
    window = run("crop", NOISE, width=20, height=50, across=0, down=100)  # of 40 rows and 50 columns
    assert np.array_equal(window, NOISE[20:, :10])
    assert np.array_equal(run("crop", NOISE, width=100, height=100), NOISE)


def test_shearing_by_hand():
    column = np.zeros((5, 9, 3), np.uint8)
    column[:, 4] = 200
    slanted = run("shear", column, across=1.0)[..., 0]
    assert [row.argmax() for row in slanted] == [2, 3, 4, 5, 6]
    assert np.array_equal(run("shear", NOISE, across=0.0, down=0.0), NOISE)
