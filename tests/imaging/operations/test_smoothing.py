"""Averages of neighbours, against SciPy, OpenCV and their papers."""

import cv2
import numpy as np
import pytest
from imaging.operations.pictures import NOISE, run
from scipy import ndimage

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.pipeline import Pipeline


@pytest.mark.parametrize(
    "name",
    [
        "gaussian_blur",
        "box_blur",
        "median",
        "bilateral",
        "non_local_means",
        "guided",
        "anisotropic",
        "unsharp_mask",
        "sharpen",
        "detail",
        "fourier_low_pass",
    ],
)
def test_blurs_keep_a_constant_picture(name):
    flat = np.full((20, 25, 3), (10, 130, 250), np.uint8)
    assert np.array_equal(FILTERS[name].apply(flat), flat)


@pytest.mark.parametrize(
    "name", ["gaussian_blur", "box_blur", "median", "bilateral", "guided", "anisotropic", "fourier_low_pass"]
)
def test_blurs_lessen_variance(name):
    assert FILTERS[name].apply(NOISE).var() < NOISE.var()


@pytest.mark.parametrize("diameter", range(1, 16))
def test_a_chain_from_before_may_hold_an_even_diameter(diameter):
    """OpenCV takes half of it, rounded down, as the radius; none counts as 1."""
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    expected = cv2.bilateralFilter(picture, diameter, 30.0, 5.0)
    chain = Pipeline([("bilateral", {"diameter": diameter, "sigma_color": 30.0, "sigma_space": 5.0})])
    np.testing.assert_array_equal(chain.run(picture), expected)


@pytest.mark.parametrize("diameter", [3, 5, 7, 9])
def test_the_bilateral_filter_looks_no_further_than_its_diameter_says(diameter):
    dot = np.full((31, 31, 3), 100, np.uint8)
    dot[15, 15] = 160
    touched = (run("bilateral", dot, diameter=diameter, sigma_color=200.0, sigma_space=50.0) != 100).any(axis=2)
    assert np.ptp(np.nonzero(touched)[0]) + 1 == diameter


def test_means_are_scipys():
    values = NOISE.astype(float)
    mean = ndimage.uniform_filter(values, (5, 5, 1), mode="mirror")
    assert np.abs(run("box_blur", NOISE, size=5) - mean).max() <= 1
    blurred = ndimage.gaussian_filter(values, (1.5, 1.5, 0), mode="mirror")
    assert np.abs(run("gaussian_blur", NOISE, sigma=1.5) - blurred).max() <= 2
    middle = ndimage.median_filter(NOISE, (5, 5, 1), mode="nearest")
    assert np.array_equal(run("median", NOISE, size=5), middle)


def test_the_guided_filter_is_its_paper_in_double_precision():
    values = NOISE.astype(float)

    def mean(of):
        return ndimage.uniform_filter(of, (7, 7, 1), mode="mirror")

    variance = mean(values**2) - mean(values) ** 2
    a = variance / (variance + 40.0**2)
    expected = mean(a) * values + mean((1 - a) * mean(values))
    assert np.abs(run("guided", NOISE, radius=3, softness=40.0) - expected).max() <= 1


def test_anisotropic_diffusion_is_its_paper_pixel_by_pixel():
    values = NOISE[:8, :9].astype(float)
    for _ in range(3):
        after = values.copy()
        for y, x in np.ndindex(8, 9):
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < 8 and 0 <= u < 9:
                    step = values[v, u] - values[y, x]
                    after[y, x] += 0.2 * step * np.exp(-((step / 60) ** 2).mean())
        values = after
    assert np.abs(run("anisotropic", NOISE[:8, :9], iterations=3, edge=60.0) - values).max() <= 0.51


@pytest.mark.parametrize("name", ["bilateral", "non_local_means", "guided", "anisotropic", "median"])
def test_noise_goes_and_edges_stay(name):
    clean = np.full((60, 60, 3), 60, np.uint8)
    clean[:, 30:] = 190
    noisy = (clean + np.random.default_rng(0).normal(0, 12, clean.shape)).clip(0, 255).astype(np.uint8)
    result = run(name, noisy)
    assert np.abs(result[:, :26] - 60).mean() < 0.6 * np.abs(noisy[:, :26].astype(int) - 60).mean()
    assert (result[:, 32:].mean() - result[:, :28].mean()) > 125
    plain = run("gaussian_blur", noisy, sigma=4.0)
    assert np.abs(result - clean).mean() < 0.5 * np.abs(plain - clean).mean()
