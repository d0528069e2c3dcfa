"""Rubbing out: by a mask, at any size, with each filling; and what a method's map would have rubbed out first."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

import visionlab as vl
from visionlab.network.changes.erasing import (
    FILLINGS,
    GREY,
    SHARES,
    erase,
    grey_of,
    marked,
    rubbed_out_by,
    share_of,
)
from visionlab.network.explain.heatmap import Heatmap, seen
from visionlab.network.running.prediction import probabilities


def photograph(height: int, width: int, seed: int = 0) -> vl.Image:
    """Smooth, as photographs are."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (7, 9, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("filling", FILLINGS)
def test_what_the_mask_leaves_stays_and_the_rest_is_the_filling(filling):
    image, mask = photograph(90, 120), np.zeros((90, 120), np.float32)
    mask[20:70, 30:80] = 1
    found = erase(image, mask, filling)
    assert np.array_equal(found[mask == 0], image[mask == 0])
    assert not np.array_equal(found[mask == 1], image[mask == 1])
    assert np.array_equal(image, photograph(90, 120)), "the picture itself is left alone"


def test_grey_is_the_networks_and_a_blur_is_opencvs():
    image, everything = photograph(64, 80), np.ones((4, 5))
    assert np.all(erase(image, everything, "grey") == GREY)
    assert np.all(erase(image, everything, "grey", grey=(1, 2, 3)) == (1, 2, 3))
    assert grey_of(tiny_classifier()) == GREY
    assert np.array_equal(erase(image, everything, "blur"), cv2.GaussianBlur(image, (0, 0), 4))


def test_what_is_filled_from_around_has_the_colour_around_it():
    image, mask = np.full((60, 60, 3), 40, np.uint8), np.zeros((60, 60))
    image[20:40, 20:40] = 250
    mask[15:45, 15:45] = 1
    assert np.abs(erase(image, mask, "around").astype(int) - 40).max() <= 5, "Telea weighs distances, too"
    assert np.all(erase(image, np.ones((2, 2)), "around") == GREY), "nothing is left around it"


@given(strength=st.floats(0, 1), seed=st.integers(0, 50), filling=st.sampled_from([*FILLINGS]))
@settings(deadline=None, max_examples=25)
def test_strength_mixes_the_two(strength, seed, filling):
    rng = np.random.default_rng(seed)
    image, mask = photograph(40, 30, seed), (rng.random((8, 6)) > 0.5).astype(np.float32)
    gone = erase(image, mask, filling).astype(np.float64)
    mixed = image + strength * (gone - image)
    assert np.abs(erase(image, mask, filling, strength) - mixed).max() <= 1


def test_a_large_picture_is_mixed_strip_by_strip_as_all_at_once():
    image = photograph(700, 530)
    mask = np.zeros((50, 38), np.float32)
    mask[10:30, 5:20] = 1
    scale = 256 / 530
    small = cv2.resize(image, (256, round(700 * scale)), interpolation=cv2.INTER_AREA)
    filled = cv2.resize(cv2.GaussianBlur(small, (0, 0), 16).astype(np.float32), (530, 700))
    share = cv2.resize(mask, (530, 700))[..., None]
    whole = image + share * (filled - image)
    assert np.abs(erase(image, mask) - whole).max() <= 0.51


def test_a_thin_picture_and_one_pixel():
    for shape in ((1, 1), (1, 50), (300, 2)):
        assert np.all(erase(photograph(*shape), np.ones((1, 1)), "grey") == GREY)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"mask": np.ones((3, 3, 1))}, "A mask is an array"),
        ({"mask": np.full((3, 3), 1.5)}, "from 0 to 1"),
        ({"mask": np.full((3, 3), np.nan)}, "from 0 to 1"),
        ({"mask": np.ones((0, 3))}, "A mask is an array"),
        ({"filling": "smoke"}, "no filling “smoke”. Use one of blur, grey, around"),
        ({"strength": 1.2}, "from 0 to 1, not 1.2"),
        ({"image": np.ones((3, 3))}, "A picture is uint8"),
    ],
)
def test_what_cannot_be_rubbed_out_is_told(arguments, told):
    given = {"image": photograph(8, 8), "mask": np.ones((2, 2)), **arguments}
    with pytest.raises(vl.ParameterError, match=told):
        erase(**given)


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (50, 50)])
@pytest.mark.parametrize("share", [0, 0.05, 0.5, 1])
def test_what_a_map_marks_first_is_hottest_and_of_what_the_network_sees(shape, share):
    net, rng = tiny_classifier(), np.random.default_rng(1)
    values = rng.random(shape).astype(np.float32)
    mask = marked(net, Heatmap(values, 0, "made up"), share)
    rows, columns = seen(net.transform, shape)
    inside = mask[rows, columns].astype(bool)
    assert inside.sum() == round(share * inside.size) == mask.sum()
    assert share_of(net, mask) == pytest.approx(inside.mean(), abs=1e-6)
    if 0 < share < 1:
        assert values[rows, columns][inside].min() >= values[rows, columns][~inside].max()


def test_the_curve_is_what_the_network_says_of_the_same_pictures():
    net, image = tiny_classifier(), photograph(80, 100)
    heat = vl.explain(net, image, target=3)
    told: list[float] = []
    found = rubbed_out_by(net, image, heat, filling="grey", progress=told.append)
    assert found.shape == (len(SHARES),)
    assert told[-1] == 1
    for share, probability in zip(SHARES, found, strict=True):
        erased = erase(image, marked(net, heat, share), "grey")
        assert probability == pytest.approx(float(probabilities(net, [erased])[0, 3]), abs=1e-6)
    assert found[0] == pytest.approx(float(probabilities(net, [image])[0, 3]), abs=1e-6)
