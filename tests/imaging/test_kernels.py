"""Every kernel in the table keeps the contract, and the derived ones are what their names say."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from visionlab.errors import ParameterError
from visionlab.imaging.kernels import KERNELS, MAX_SIDE, Kernel, custom_kernel, separate

each = pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))

KEEP_BRIGHTNESS = {"identity", "sharpen", "unsharp", "emboss"} | {n for n in KERNELS if "blur" in n or "gaussian" in n}


@each
def test_contract(kernel):
    assert KERNELS[kernel.name] is kernel
    assert kernel.name.isidentifier()
    assert kernel.name == kernel.name.lower()
    assert kernel.title
    assert kernel.title != kernel.name
    assert kernel.about.endswith(".")
    assert kernel.weights.dtype == np.float32
    assert kernel.weights.ndim == 2
    assert kernel.size == kernel.weights.shape
    assert 1 <= min(kernel.size) <= max(kernel.size) <= MAX_SIDE


@each
def test_the_weights_sum_to_one_or_zero(kernel):
    assert kernel.total == pytest.approx(1 if kernel.name in KEEP_BRIGHTNESS else 0, abs=1e-6)


@each
def test_separable_is_rank_one(kernel):
    assert kernel.separable == (np.linalg.matrix_rank(kernel.weights, tol=1e-6) == 1)


@each
def test_nobody_can_change_a_kernel(kernel):
    with pytest.raises(ValueError, match="read-only"):
        kernel.weights[0, 0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        kernel.name = "other"


def test_a_kernel_does_not_share_memory_with_what_it_was_made_from():
    weights = np.ones((3, 3), np.float32)
    kernel = Kernel("mine", weights, "Mine.")
    weights[:] = 0
    assert kernel.weights.all()
    assert kernel.title == "mine"


@pytest.mark.parametrize(
    ("name", "size", "sigma"), [("gaussian_3", 3, 0.8), ("gaussian_5", 5, 1.1), ("gaussian_9", 9, 1.8)]
)
def test_gaussians_are_scipys(name, size, sigma):
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1
    blurred = ndimage.gaussian_filter(impulse, sigma, radius=size // 2, mode="constant")
    assert np.allclose(KERNELS[name].weights, blurred, atol=1e-7)


@pytest.mark.parametrize("family", ["sobel", "prewitt", "scharr"])
def test_vertical_change_is_horizontal_change_turned(family):
    across, down = KERNELS[f"{family}_x"].weights, KERNELS[f"{family}_y"].weights
    assert np.array_equal(across.T, down)
    ramp = np.arange(3.0)[None, :] * np.ones((3, 1))
    assert (across * ramp).sum() > 0  # brighter to the right is positive
    assert (down * ramp).sum() == 0


def test_the_laplacian_of_a_gaussian_is_nought_at_the_middle_of_an_edge_and_negative_in_a_blob():
    weights = KERNELS["log_9"].weights
    assert weights[4, 4] == weights.min() < 0
    assert weights[4, 1] > 0
    assert np.allclose(weights, weights.T)
    assert np.allclose(weights, weights[::-1])


def test_separate_returns_the_factors():
    rng = np.random.default_rng(0)
    column, row = rng.normal(size=5), rng.normal(size=7)
    found = separate(np.outer(column, row))
    assert np.allclose(np.outer(*found), np.outer(column, row))
    assert separate(rng.normal(size=(3, 3))) is None
    assert separate(np.zeros((3, 3))) is None
    assert separate(np.outer(column, row).astype(np.float32)) is not None


def test_a_custom_kernel():
    kernel = custom_kernel([[1, 2], [3, 4]], name="my_own")
    assert kernel.weights.tolist() == [[1, 2], [3, 4]]
    assert (kernel.name, kernel.title, kernel.size) == ("my_own", "My own", (2, 2))
    assert custom_kernel(np.ones((MAX_SIDE, 1))).size == (MAX_SIDE, 1)
    assert custom_kernel([[True, False]]).weights.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, 2, 3], r"\(3,\)"),
        (5, r"\(\)"),
        (np.ones((2, 2, 2)), r"\(2, 2, 2\)"),
        ([[]], r"\(1, 0\)"),
        ([[1, 2], [3]], "same number"),
        ([[1, np.nan]], "row 1, column 2 is nan"),
        ([[1], [-np.inf]], "row 2, column 1 is -inf"),
        ([["a", "b"]], "real numbers"),
        ([[1j]], "complex"),
        ([[None]], "real numbers"),
        (np.ones((102, 3)), "102 × 3"),
        (np.ones((1, 500)), "1 × 500"),
        ([[1e300]], "float32"),
    ],
)
def test_custom_kernels_that_are_refused(weights, said):
    with pytest.raises(ParameterError, match=said):
        custom_kernel(weights)
