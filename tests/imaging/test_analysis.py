import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visionlab.errors import ParameterError
from visionlab.imaging.analysis import costs, frequency_response, rank
from visionlab.imaging.kernels import KERNELS, separate

SMALL = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-9, 9).map(float))


@pytest.mark.parametrize("name", KERNELS)
def test_rank_one_is_what_separable_means(name):
    assert (rank(KERNELS[name]) == 1) == KERNELS[name].separable


@given(SMALL)
def test_the_rank_is_numpys(weights):
    assert rank(weights) == np.linalg.matrix_rank(weights)
    assert (separate(weights) is not None) == (rank(weights) == 1)


@pytest.mark.parametrize("name", KERNELS)
def test_a_wave_comes_out_as_much_larger_as_the_response_says(name):
    """The oracle: convolve a wave of one frequency, and see how much larger it came out."""
    from visionlab.imaging.convolution import convolve

    response = frequency_response(KERNELS[name], 64)
    rows, columns = np.mgrid[:64, :64]
    for fy, fx in ((0, 0), (0, 5), (7, 0), (12, 20), (31, 3)):
        phase = 2 * np.pi * (fy * rows + fx * columns) / 64
        real, imaginary = (convolve(wave(phase), KERNELS[name], border="wrap") for wave in (np.cos, np.sin))
        gain = np.hypot(real, imaginary)
        np.testing.assert_allclose(gain, response[32 + fy, 32 + fx], atol=1e-4)


def test_the_mean_passes_as_the_sum_of_the_weights():
    assert frequency_response(KERNELS["gaussian_3"], 16)[8, 8] == pytest.approx(1, abs=1e-6)
    assert frequency_response(np.ones((20, 20)), 16)[8, 8] == pytest.approx(400)


def test_costs_by_hand():
    found = costs((100, 200), np.ones((3, 5)), channels=3)
    assert found.plain == 100 * 200 * 15 * 3
    assert found.separable == 100 * 200 * 8 * 3
    points = 108 * 216  # 102 and 204, padded to lengths that are products of 2, 3 and 5
    assert found.fft == pytest.approx(7 * 2 * points * np.log2(points) + 12 * points, rel=1e-6)
    assert costs((100, 200), np.eye(3)).separable is None
    assert costs((100, 200), np.ones((3, 3)), outputs=(50, 100)).plain == 50 * 100 * 9


def test_a_large_kernel_is_cheaper_by_fft_and_a_small_one_is_not():
    assert costs((512, 512), np.random.default_rng(0).normal(size=(51, 51))).fft < 512 * 512 * 51 * 51
    assert costs((512, 512), np.ones((3, 3))).fft > 512 * 512 * 9


def test_what_is_no_kernel_is_refused():
    with pytest.raises(ParameterError, match="rows and columns"):
        rank([1, 2, 3])
    with pytest.raises(ParameterError, match="finite"):
        frequency_response([[np.nan]])
