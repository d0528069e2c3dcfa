import numpy as np
import pytest

from visionlab.errors import ParameterError
from visionlab.learning.features.augmentation import MOST_BRIGHTNESS, SMALLEST_CROP, VIEWS, check_views, view


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("shape", [(70, 90, 3), (1, 1, 3), (3, 200, 3)])
def test_a_view_is_a_picture_decided_by_key_view_and_seed(name, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    one, two = view(image, name, "key", 3), view(image, name, "key", 3)
    np.testing.assert_array_equal(one, two)
    assert one.dtype == np.uint8
    assert one.shape[2] == 3
    assert one.size
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", [name for name in VIEWS if name != "flip"])
def test_another_key_or_seed_is_another_view(name, noise):
    looks = [view(noise, name, key, seed).tobytes() for key, seed in (("a", 0), ("b", 0), ("a", 1))]
    assert len(set(looks)) == 3


def test_the_views_do_what_they_say(noise):
    np.testing.assert_array_equal(view(noise, "flip", "a"), noise[:, ::-1])
    for seed in range(20):
        crop = view(noise, "crop", "a", seed)
        for cut, whole in zip(crop.shape[:2], noise.shape[:2], strict=True):
            assert round(SMALLEST_CROP * whole) <= cut < whole
        corner = np.argwhere((noise[:, :, 0] == crop[0, 0, 0]) & (noise[:, :, 1] == crop[0, 0, 1]))
        shapes = [noise[y : y + crop.shape[0], x : x + crop.shape[1]] for y, x in corner]
        assert any(np.array_equal(part, crop) for part in shapes), "a part of the picture, unchanged"
    grey = np.full((8, 8, 3), 128, np.uint8)
    lit = [int(view(grey, "colour", "a", seed)[0, 0, 0]) - 128 for seed in range(20)]
    assert 0 < max(map(abs, lit)) <= MOST_BRIGHTNESS
    np.testing.assert_array_equal(view(grey, "rotation", "a"), grey)


def test_unknown_views_are_refused_and_repeated_ones_counted_once():
    assert check_views(["crop", "flip", "crop"]) == ("crop", "flip")
    with pytest.raises(ParameterError, match="no view “mirror”"):
        check_views(["mirror"])
