"""What happens to pictures on their way."""

import cv2
import numpy as np
import pytest

import visionlab as vl
from visionlab.network.changes.surviving import FATES


@pytest.mark.parametrize("shape", [(64, 48), (1, 1), (33, 7)])
@pytest.mark.parametrize("name", FATES)
def test_a_picture_keeps_its_size(name, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = FATES[name].apply(image)
    assert found.shape == image.shape
    assert found.dtype == np.uint8


def test_each_does_what_it_says():
    image = vl.load_sample("cat")
    assert np.array_equal(FATES["jpeg"].apply(image), vl.load_image(vl.encode_jpeg(image, 75)))
    assert np.array_equal(FATES["blur"].apply(image), vl.FILTERS["gaussian_blur"].apply(image, sigma=1.0))
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    assert np.array_equal(FATES["half"].apply(image), cv2.resize(half, (width, height)))
