"""Noise as strong as said, and what looks drawn, printed or old."""

import numpy as np
import pytest
from imaging.operations.pictures import NOISE, as_picture, run


def test_noise_is_as_strong_as_said():
    grey = np.full((120, 120, 3), 128, np.uint8)
    assert run("noise", grey, amount=5.0).std() == pytest.approx(0.05 * 255, rel=0.03)
    assert run("noise", grey, kind="speckle", amount=10.0).std() == pytest.approx(0.1 * 128, rel=0.03)
    specks = run("noise", grey, kind="salt and pepper", amount=20.0)
    assert (specks != 128).mean() == pytest.approx(0.2, abs=0.02)
    assert (specks == 255).mean() == pytest.approx((specks == 0).mean(), abs=0.02)
    assert (specks == specks[..., :1]).all()
    for kind in ("Gaussian", "speckle", "salt and pepper"):
        assert np.array_equal(run("noise", NOISE, kind=kind, amount=0.0), NOISE)
        assert (run("noise", grey, kind=kind) != run("noise", grey, kind=kind, seed=1)).any()


def test_pixelating_is_the_mean_of_blocks():
    blocks = NOISE.reshape(4, 10, 5, 10, 3).mean(axis=(1, 3)).repeat(10, axis=0).repeat(10, axis=1)
    assert np.abs(run("pixelate", NOISE, block=10) - blocks).max() <= 0.51
    assert np.array_equal(run("pixelate", NOISE, block=1), NOISE)


@pytest.mark.parametrize("levels", [2, 3, 6, 32])
def test_posterising_leaves_so_many_levels(levels):
    ramp = as_picture(np.arange(256)[None, :])
    shown = run("posterise", ramp, levels=levels)[0, :, 0]
    assert np.unique(shown).tolist() == np.rint(np.linspace(0, 255, levels)).tolist()
    assert (np.diff(shown) >= 0).all()
    assert np.abs(shown - np.arange(256)).max() <= 255 / levels + 1


def test_embossing_lights_what_faces_the_light():
    hill = np.zeros((9, 30, 3), np.uint8)
    hill[:, 10:20] = 30
    lit = run("emboss", hill, angle=180.0)[4, :, 0]  # from the left
    assert lit[5] == 128
    assert lit[9] > 128 > lit[19]
    assert run("emboss", hill, angle=0.0)[4, 9, 0] < 128


def test_outlines_are_black_and_the_rest_stays():
    line = np.full((30, 40, 3), (90, 160, 220), np.uint8)
    line[:, 18:22] = 20
    drawn = run("outline", line)
    assert not drawn[:, 18:22].any()
    assert np.array_equal(drawn[:, :12], line[:, :12])


def test_a_vignette_leaves_the_middle():
    light = np.full((41, 61, 3), 200, np.uint8)
    result = run("vignette", light, strength=60.0)[..., 0]
    assert result[20, 30] == 200
    assert result[0, 0] == result[-1, -1] == 80
    assert (np.diff(result[20, 30:]) <= 0).all()
    assert np.array_equal(run("vignette", NOISE, strength=0.0), NOISE)
