"""Where brightness changes, against OpenCV, SciPy, scikit-image, and pictures worked by hand."""

import cv2
import numpy as np
import pytest
from imaging.operations.pictures import NOISE, SOFT, as_picture, grey_of, run
from scipy import ndimage
from skimage.filters import scharr

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.operations.edges import second_derivative
from visionlab.imaging.samples import load_sample


@pytest.mark.parametrize(
    "name",
    [
        "canny",
        "sobel_magnitude",
        "scharr_magnitude",
        "edge_direction",
        "laplacian",
        "laplacian_of_gaussian",
        "difference_of_gaussians",
        "gabor",
        "morphological_gradient",
        "top_hat",
        "black_hat",
    ],
)
def test_edges_of_a_constant_picture_are_none(name):
    assert not FILTERS[name].apply(np.full((20, 25, 3), 99, np.uint8)).any()


def test_canny_is_opencvs():
    assert np.array_equal(FILTERS["canny"].apply(NOISE, low=80, high=300)[..., 1], cv2.Canny(grey_of(NOISE), 80, 300))


def test_sobel_magnitude_by_hand():
    step = np.zeros((5, 6, 3), np.uint8)
    step[:, 3:] = 40
    assert FILTERS["sobel_magnitude"].apply(step)[2, :, 0].tolist() == [0, 0, 160, 160, 0, 0]
    assert FILTERS["sobel_magnitude"].apply(step, gain=0.5)[2, :, 0].tolist() == [0, 0, 80, 80, 0, 0]


def test_laplacian_by_hand():
    dot = np.zeros((5, 5, 3), np.uint8)
    dot[2, 2] = 20
    assert FILTERS["laplacian"].apply(dot, size=1)[2, :, 0].tolist() == [0, 20, 80, 20, 0]


@pytest.mark.parametrize("size", [5, 7])
def test_a_wider_laplacian_is_seen_as_well_as_a_narrow_one(size):
    photo = load_sample("cat")
    answer, narrow = (FILTERS["laplacian"].apply(photo, size=side)[..., 0] for side in (size, 3))
    assert answer.mean() == pytest.approx(narrow.mean(), rel=0.3)
    assert (answer == 255).mean() < 0.02, "most of it was white"


def test_the_laplacian_of_gaussian_sums_to_zero_at_every_sigma():
    white = np.full((15, 15, 3), 255, np.uint8)
    rows, columns = np.mgrid[-10:11, -10:11]
    bowl = as_picture(rows**2 + columns**2)  # its Laplacian is 4
    for sigma in np.arange(0.5, 20.05, 0.1):
        assert not FILTERS["laplacian_of_gaussian"].apply(white, sigma=round(sigma, 1), gain=10.0).any(), sigma
        blur, curve = second_derivative(sigma)
        x = np.arange(len(blur)) - len(blur) // 2
        assert [blur.sum(), curve.sum(), (curve * x**2).sum()] == pytest.approx([1, 0, 2])
    assert run("laplacian_of_gaussian", bowl, sigma=0.5, gain=10.0)[10, 10, 0] == 10 * 0.5**2 * 4


@pytest.mark.parametrize("sigma", [1.0, 2.5, 8.0])
def test_the_laplacian_of_gaussian_is_scipys(sigma):
    expected = sigma**2 * ndimage.gaussian_laplace(grey_of(SOFT).astype(float), sigma, mode="mirror")
    result = run("laplacian_of_gaussian", SOFT, sigma=sigma, gain=1.0, show="sign")[..., 0]
    assert np.abs(result - (128 + expected)).max() <= 1.5


def test_scharr_is_scikit_images():
    # scikit-image takes means of both directions and weighs them to one; ours are scaled as Sobel's are.
    expected = 4 * np.sqrt(2) * scharr(grey_of(SOFT).astype(float), mode="mirror")
    assert np.abs(run("scharr_magnitude", SOFT)[..., 0] - expected.clip(0, 255)).max() <= 1


@pytest.mark.parametrize(("turns", "colour"), [(0, (255, 0, 0)), (3, (128, 255, 0)), (2, (0, 255, 255))])
def test_edge_direction_has_the_colour_of_its_way(turns, colour):
    step = np.zeros((21, 21, 3), np.uint8)
    step[:, 11:] = 200  # rises to the right; turned by 270°, downwards
    shown = run("edge_direction", np.ascontiguousarray(np.rot90(step, turns)))
    assert np.abs(shown[10, 10] - colour).max() <= 2
    assert not shown[2, 2].any()


def test_a_blob_answers_most_at_its_own_scale():
    y, x = np.mgrid[:81, :81]
    disc = as_picture(100.0 * ((y - 40) ** 2 + (x - 40) ** 2 <= 8**2))
    answers = {s: run("laplacian_of_gaussian", disc, sigma=s, gain=1.0)[40, 40, 0] for s in (2.0, 4.0, 5.7, 8.0, 12.0)}
    assert max(answers, key=answers.get) == 5.7  # the radius by the root of two (Lindeberg 1998)
    signed = run("laplacian_of_gaussian", disc, sigma=5.7, gain=1.0, show="sign")[40, 40, 0]
    assert signed == 128 - answers[5.7]


def test_the_difference_of_gaussians_is_that():
    grey = grey_of(NOISE).astype(float)
    difference = ndimage.gaussian_filter(grey, 1.0, mode="mirror") - ndimage.gaussian_filter(grey, 2.0, mode="mirror")
    result = run("difference_of_gaussians", NOISE, sigma=1.0, ratio=2.0, gain=1.0, show="sign")[..., 0]
    assert np.abs(result - (128 + difference)).max() <= 1


def test_the_corners_of_a_square_are_ringed():
    square = np.zeros((80, 100, 3), np.uint8)
    square[20:60, 30:70] = 200
    ringed = run("corners", square)
    coloured = (ringed[..., 0] != ringed[..., 2]).nonzero()
    near = [(y, x) for y in (20, 59) for x in (30, 69)]
    distances = np.array([[np.hypot(y - v, x - u) for v, u in near] for y, x in zip(*coloured, strict=True)])
    assert distances.min(axis=1).max() <= 6  # rings lie at corners, and nowhere else
    assert distances.min(axis=0).max() <= 4  # at each of them
