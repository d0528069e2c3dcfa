"""One level or many, on pictures whose answer is known."""

import numpy as np
import pytest
from imaging.operations.pictures import NOISE, run

from visionlab.imaging.filters import FILTERS


@pytest.mark.parametrize("name", ["threshold", "otsu", "adaptive_threshold", "dither", "canny"])
def test_black_and_white_is_nothing_else(name):
    result = FILTERS[name].apply(NOISE)
    assert set(np.unique(result)) == {0, 255}
    assert (result == result[..., :1]).all()


def test_threshold_by_hand():
    image = np.repeat(np.array([[99, 100, 101]], np.uint8)[..., None], 3, axis=2)
    assert FILTERS["threshold"].apply(image, level=100)[0, :, 0].tolist() == [0, 0, 255]


def test_otsu_parts_two_populations():
    rng = np.random.default_rng(0)
    dark = rng.random((40, 40)) < 0.5
    image = np.where(dark, rng.integers(20, 60, dark.shape), rng.integers(180, 220, dark.shape)).astype(np.uint8)
    assert np.array_equal(FILTERS["otsu"].apply(np.repeat(image[..., None], 3, axis=2))[..., 0] == 0, dark)


def test_adaptive_threshold_ignores_a_slope_of_light():
    slope = np.linspace(60, 220, 80)[None, :].repeat(40, axis=0)
    slope[10:30:4, :] -= 40  # dark lines of text
    image = np.repeat(slope.astype(np.uint8)[..., None], 3, axis=2)
    result = FILTERS["adaptive_threshold"].apply(image, block=21, offset=10)[..., 0]
    assert not result[10:30:4, 5:-5].any()
    assert result[12:30:4, 5:-5].all()


@pytest.mark.parametrize("cell", [1, 2, 3, 4])
def test_dithering_keeps_the_mean(cell):
    for level in (0, 40, 128, 200, 255):
        mean = run("dither", np.full((32, 48, 3), level, np.uint8), cell=cell).mean()
        assert abs(mean - level) <= 255 / 4**cell
