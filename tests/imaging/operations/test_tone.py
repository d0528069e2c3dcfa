"""Each pixel by itself: levels and colours, by hand and against the standard library."""

import colorsys

import numpy as np
from imaging.operations.pictures import NOISE, SOFT, as_picture, grey_of, run

from visionlab.imaging.filters import FILTERS

CONSTANT = np.full((20, 25, 3), (10, 130, 250), np.uint8)


def test_equalising_spreads_brightness():
    dull = (NOISE // 4 + 90).astype(np.uint8)
    for name in ("equalise", "clahe"):
        assert grey_of(FILTERS[name].apply(dull)).std() > 1.2 * grey_of(dull).std()


def test_gamma_lifts_shadows_and_keeps_black_and_white():
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    lifted = FILTERS["gamma"].apply(ramp, gamma=2.0)[0, :, 0]
    assert lifted[[0, 64, 255]].tolist() == [0, 128, 255]
    assert np.array_equal(FILTERS["gamma"].apply(ramp, gamma=1.0), ramp)


def test_invert_and_grey():
    assert np.array_equal(FILTERS["invert"].apply(NOISE), 255 - NOISE)
    luma = NOISE @ [0.299, 0.587, 0.114]
    assert np.abs(FILTERS["grey"].apply(NOISE) - luma[..., None]).max() <= 1


def test_stretching_reaches_black_and_white():
    dull = (NOISE // 4 + 90).astype(np.uint8)
    result = run("stretch", dull, cut=0.0)
    assert (result.min(), result.max()) == (0, 255)
    assert np.abs(result - (dull.astype(float) - 90) * 255 / 63).max() <= 0.51
    assert np.array_equal(run("stretch", CONSTANT * 0 + 7), CONSTANT * 0 + 7)


def test_brightness_and_contrast_by_hand():
    row = as_picture(np.array([[0, 100, 127, 200, 255]]))
    assert run("brightness_contrast", row, brightness=10, contrast=1.0)[0, :, 0].tolist() == [10, 110, 137, 210, 255]
    assert run("brightness_contrast", row, brightness=0, contrast=2.0)[0, :, 0].tolist() == [0, 72, 126, 255, 255]


def test_even_light_takes_a_shadow_from_a_page():
    page = np.full((120, 160), 220.0)
    page[20:100:8, 10:150] = 60
    shadow = np.linspace(1, 0.4, 160)[None, :]
    result = run("even_light", as_picture(page * shadow), sigma=12.0)[..., 0]
    paper, ink = result[24:96:8, 20:140], result[20:100:8, 20:140]
    assert paper.std() < 6
    assert paper.min() > ink.max() + 80


def test_white_balance_takes_a_cast():
    cast = (SOFT * [1.0, 0.8, 0.6]).astype(np.uint8)
    means = run("white_balance", cast).mean(axis=(0, 1))
    assert np.ptp(means) < 1
    assert np.array_equal(run("white_balance", cast, strength=0.0), cast)


def test_hue_and_saturation_are_the_standard_librarys():
    result = run("hue_saturation", NOISE[:6, :6], hue=70, saturation=0.5)
    for (y, x), _ in np.ndenumerate(result[..., 0]):
        h, s, v = colorsys.rgb_to_hsv(*NOISE[y, x] / 255)
        assert np.abs(result[y, x] - 255 * np.array(colorsys.hsv_to_rgb((h + 70 / 360) % 1, s / 2, v))).max() <= 1
    assert np.array_equal(run("hue_saturation", NOISE, hue=0, saturation=1.0), NOISE)


def test_sepia_by_hand():
    assert run("sepia", CONSTANT)[0, 0].tolist() == [151, 135, 105]  # of (10, 130, 250), by the usual matrix
    assert np.array_equal(run("sepia", NOISE, strength=0.0), NOISE)


def test_channels():
    for place, name in enumerate(("red", "green", "blue")):
        assert (run("channel", NOISE, channel=name) == NOISE[..., [place]]).all()
    assert (run("channel", NOISE, channel="value") == NOISE.max(axis=2, keepdims=True)).all()
    for place, name in enumerate(("hue", "saturation")):
        shown = run("channel", CONSTANT, channel=name)[0, 0, 0]
        assert abs(shown - 256 * colorsys.rgb_to_hsv(*CONSTANT[0, 0] / 255)[place]) <= 1.5
