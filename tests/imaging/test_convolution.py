"""convolve against SciPy in float64: every border, stride, dilation, flip and engine, down to 1 × 1 pictures."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from visionlab.errors import ParameterError
from visionlab.imaging import convolution, cores, engines
from visionlab.imaging.convolution import BORDERS, MAX_EXTENT, convolve, output_size
from visionlab.imaging.kernels import KERNELS

SCIPY_MODE = {"zero": "constant", "reflect": "mirror", "replicate": "nearest", "wrap": "wrap"}
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def oracle(image, weights, stride=1, dilation=1, border="reflect", flip=False):
    """SciPy's answer for one channel (H, W), with the kernel's values `dilation` apart, every `stride`th kept."""
    stuffed = np.zeros([(side - 1) * dilation + 1 for side in weights.shape])
    stuffed[::dilation, ::dilation] = weights
    image = image.astype(np.float64)
    if border == "valid":
        full = (signal.convolve2d if flip else signal.correlate2d)(image, stuffed, mode="valid")
    else:
        full = (ndimage.convolve if flip else ndimage.correlate)(image, stuffed, mode=SCIPY_MODE[border], cval=0)
    return full[::stride, ::stride]


def picture(height, width, channels=None, seed=0):
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def weights_of(rows, columns, seed=0, separable=False):
    rng = np.random.default_rng(seed)
    return np.outer(rng.normal(size=rows), rng.normal(size=columns)) if separable else rng.normal(size=(rows, columns))


@settings(max_examples=300, deadline=None, database=None)
@given(
    size=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    taps=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    border=st.sampled_from(list(BORDERS)),
    flip=st.booleans(),
    separable=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_convolve_equals_scipy(size, taps, stride, dilation, border, flip, separable, seed):
    if border == "valid":
        assume(all((t - 1) * dilation + 1 <= s for t, s in zip(taps, size, strict=True)))
    image, weights = picture(*size, seed=seed), weights_of(*taps, seed=seed, separable=separable)
    response = convolve(image, weights, stride=stride, dilation=dilation, border=border, flip=flip, device="cpu")
    expected = oracle(image, weights, stride, dilation, border, flip)
    assert response.dtype == np.float32
    assert response.shape == expected.shape
    assert response.shape == tuple(output_size(s, t, stride, dilation, border) for s, t in zip(size, taps, strict=True))
    np.testing.assert_allclose(response, expected, **CLOSE)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("taps", [(9, 9), (12, 13), (31, 31), (32, 7), (41, 40), (1, 41)])
def test_large_kernels_equal_scipy(taps, border, flip):
    image = picture(60, 70)
    for separable in (False, True):
        weights = weights_of(*taps, separable=separable)
        np.testing.assert_allclose(
            convolve(image, weights, border=border, flip=flip), oracle(image, weights, 1, 1, border, flip), **CLOSE
        )


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "valid"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3)])
def test_a_picture_far_smaller_than_the_kernel(size, border):
    image, weights = picture(*size), weights_of(25, 26)
    np.testing.assert_allclose(convolve(image, weights, border=border), oracle(image, weights, border=border), **CLOSE)


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_on_a_colour_picture(name):
    image = picture(40, 50, 3)
    response = convolve(image, KERNELS[name], stride=2)
    weights = KERNELS[name].weights.astype(np.float64)
    expected = np.stack([oracle(image[..., c], weights, 2) for c in range(3)], axis=-1)
    np.testing.assert_allclose(response, expected, **CLOSE)


@pytest.mark.parametrize(
    "dtype",
    [bool, np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64, np.longdouble],
)
def test_any_real_dtype(dtype):
    image = (np.random.default_rng(0).normal(size=(9, 8)) * 50).clip(0, 100).astype(dtype)
    weights = weights_of(3, 4)
    np.testing.assert_allclose(convolve(image, weights), oracle(image, weights), **CLOSE)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
def test_any_number_of_channels_each_on_its_own(channels):
    image = picture(12, 10, channels)
    for weights in (weights_of(3, 3), weights_of(3, 3, separable=True)):
        response = convolve(image, weights, border="zero")
        assert response.shape == image.shape
        for channel in range(channels):
            np.testing.assert_allclose(
                response[..., channel], oracle(image[..., channel], weights, border="zero"), **CLOSE
            )


@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("taps", [(1, 1), (3, 3), (4, 5), (5, 2), (12, 14)])
def test_a_picture_that_is_cut_up_among_the_cores(taps, border, stride, channels, monkeypatch):
    """Pieces as small as they may be, for more cores than there are: no seam between them."""
    monkeypatch.setattr(engines, "_LITTLE", 0)
    monkeypatch.setattr(engines, "_PIECE", 1)
    monkeypatch.setattr(engines, "_LARGE_PIECE", 1)
    monkeypatch.setattr(engines, "_LEAST", 1)
    monkeypatch.setattr(engines, "_TILE", 16)
    monkeypatch.setattr(cores, "count", lambda: 3)
    image = picture(200, 31, channels)
    for separable, scale in ((False, 0.01), (True, 0.01), (False, 1), (True, 1)):  # in float32, and in float64
        for flip in (False, True):
            weights = weights_of(*taps, separable=separable) * scale
            response = convolve(image, weights, stride=stride, border=border, flip=flip)
            expected = [oracle(image[..., c], weights, stride, 1, border, flip) for c in range(channels)]
            np.testing.assert_allclose(response, np.stack(expected, axis=2), **CLOSE)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("taps", [(3, 3), (4, 5), (5, 2), (12, 14), (1, 9)])
def test_a_picture_that_is_cut_up_side_by_side(taps, border, stride, monkeypatch):
    monkeypatch.setattr(engines, "_LITTLE", 0)
    monkeypatch.setattr(engines, "_PIECE", 1)
    monkeypatch.setattr(engines, "_LARGE_PIECE", 1)
    monkeypatch.setattr(engines, "_tiles", lambda *_: 3)
    image = picture(40, 50, 3)
    for flip in (False, True):
        weights = weights_of(*taps, separable=True) * 0.01
        response = convolve(image, weights, stride=stride, border=border, flip=flip)
        expected = [oracle(image[..., c], weights, stride, 1, border, flip) for c in range(3)]
        np.testing.assert_allclose(response, np.stack(expected, axis=2), **CLOSE)


@pytest.mark.parametrize(
    ("width", "taps", "channels", "tiles"),
    [(1024, 31, 3, 2), (1000, 15, 3, 2), (500, 31, 1, 2), (512, 21, 3, 1), (1030, 31, 3, 1), (1024, 11, 3, 1)],
)
def test_rows_that_would_push_each_other_out_of_the_cache_are_cut(width, taps, channels, tiles, monkeypatch):
    found, tiles_of = [], engines._tiles
    monkeypatch.setattr(engines, "_LITTLE", 0)
    monkeypatch.setattr(engines, "_tiles", lambda *told: found.append(tiles_of(*told)) or found[-1])
    image, weights = picture(50, width, channels), weights_of(taps, taps, separable=True) / taps**2 / 10
    response = convolve(image, weights)
    assert found == [tiles]
    expected = [oracle(image[..., c], weights) for c in range(channels)]
    np.testing.assert_allclose(response, np.stack(expected, axis=2), **CLOSE)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("separable", [False, True])
def test_a_picture_that_opencv_shares_among_the_cores(border, stride, kind, separable):
    """From so many pixels on it does; the right answer is the same, at the edges, too."""
    side = round(engines._SHARED**0.5)
    image = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8).astype(kind)
    weights = weights_of(3, 4, separable=separable) * 0.02
    response = convolve(image, weights, stride=stride, border=border)
    np.testing.assert_allclose(response, oracle(image, weights, stride, border=border), **CLOSE)


@pytest.mark.parametrize("little", [0, 9_000_000], ids=["in pieces", "at once"])
@pytest.mark.parametrize("height", [5, 16, 20, 31, 33, 64, 70])
def test_a_wide_strip_that_is_hardly_taller_than_the_kernel(height, little, monkeypatch):
    monkeypatch.setattr(engines, "_LITTLE", little)
    image, weights = picture(height, 3000, 3), weights_of(15, 3, separable=True) / 300
    expected = [oracle(image[..., c], weights) for c in range(3)]
    np.testing.assert_allclose(convolve(image, weights), np.stack(expected, axis=2), **CLOSE)


def test_several_people_convolve_at_once():
    images = [picture(700, 500, 3, seed) for seed in range(6)]
    weights = weights_of(3, 3) / 10
    alone = [convolve(image, weights) for image in images]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(5):
            for found, expected in zip(pool.map(lambda image: convolve(image, weights), images), alone, strict=True):
                assert np.array_equal(found, expected)


def test_sums_of_whole_numbers_are_exact():
    image = picture(50, 60, 3)
    for name in ("sobel_x", "scharr_y", "laplacian_8", "emboss"):
        weights = KERNELS[name].weights
        assert np.array_equal(weights, weights.round())
        expected = np.stack([oracle(image[..., c], weights.astype(np.float64)) for c in range(3)], axis=2)
        assert np.array_equal(convolve(image, KERNELS[name]), expected)


def test_views_turned_over_and_lists_are_fine():
    image = picture(6, 1, 3)
    turned = image.swapaxes(0, 1)[::-1, ::-1]
    assert np.array_equal(convolve(turned, [[0, 1, 0]]), turned)
    assert np.array_equal(convolve([[1, 2], [3, 4]], [[2]]), [[2, 4], [6, 8]])


# By hand


IMPULSE = np.zeros((5, 5), np.uint8)
IMPULSE[2, 2] = 1
COUNT = np.arange(1.0, 10).reshape(3, 3)


def test_an_impulse_shows_the_kernel_turned_in_correlation_and_upright_in_convolution():
    assert np.array_equal(convolve(IMPULSE, COUNT)[1:4, 1:4], COUNT[::-1, ::-1])
    assert np.array_equal(convolve(IMPULSE, COUNT, flip=True)[1:4, 1:4], COUNT)


def test_an_even_kernel_is_anchored_behind_its_middle():
    # Index 4 // 2 = 2, the weight 3, lies on the pixel, whichever way the kernel is turned about it.
    row = np.array([[0, 0, 0, 1, 0, 0, 0]])
    kernel = [[1, 2, 3, 4]]
    assert convolve(row, kernel).tolist() == [[0, 0, 4, 3, 2, 1, 0]]
    assert convolve(row, kernel, flip=True).tolist() == [[0, 1, 2, 3, 4, 0, 0]]


def test_dilation_sets_the_weights_apart():
    row = np.array([[0, 0, 0, 0, 1, 0, 0, 0, 0]])
    assert convolve(row, [[1, 2, 3]], dilation=3).tolist() == [[0, 3, 0, 0, 2, 0, 0, 1, 0]]
    assert convolve(row, [[1, 2, 3]], dilation=3, border="valid").tolist() == [[0, 2, 0]]


def test_what_lies_beyond_the_edge():
    row = np.array([[10, 20, 30]])
    left = {border: convolve(row, [[1, 0, 0]], border=border)[0].tolist() for border in BORDERS}
    assert left == {
        "zero": [0, 10, 20],
        "reflect": [20, 10, 20],
        "replicate": [10, 10, 20],
        "wrap": [30, 10, 20],
        "valid": [10],
    }


def test_answers_are_signed_and_unclipped():
    step = np.array([[255, 255, 0, 0]], np.uint8).repeat(3, axis=0)
    assert convolve(step, KERNELS["sobel_x"])[1].tolist() == [0, -1020, -1020, 0]


def test_a_blur_keeps_a_constant_picture_and_an_edge_kernel_answers_nothing_to_it():
    flat = np.full((9, 11, 3), 173, np.uint8)
    for kernel in KERNELS.values():
        assert np.allclose(convolve(flat, kernel), 173 * kernel.total, atol=1e-3)


def test_the_identity_is_exact():
    image = picture(7, 9, 3)
    assert np.array_equal(convolve(image, KERNELS["identity"]), image)
    assert np.array_equal(convolve(image, KERNELS["identity"], stride=3), image[::3, ::3])


def test_the_picture_is_left_as_it_is():
    image = picture(7, 9, 3)
    before = image.copy()
    image.setflags(write=False)
    convolve(image, KERNELS["log_9"], border="wrap")
    assert np.array_equal(image, before)


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"border": "mirror"}, "“mirror” is no border. Use one of zero, reflect,"),
        ({"stride": 0}, "stride must be a whole number, 1 or more, not 0"),
        ({"stride": 1.5}, "stride.*1.5"),
        ({"stride": True}, "stride.*True"),
        ({"dilation": 0}, "dilation.*not 0"),
        ({"dilation": "2"}, "dilation.*'2'"),
        ({"dilation": MAX_EXTENT}, f"spans {2 * MAX_EXTENT + 1} pixels"),
        ({"border": "valid", "dilation": 5}, "spans 11 pixels but the picture has only 10"),
        ({"device": "abacus"}, "“abacus” is no device"),
    ],
)
def test_options_that_are_refused(options, said):
    with pytest.raises(ParameterError, match=said):
        convolve(picture(10, 12), np.ones((3, 3)), **options)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, 2, 3], "rows and columns"),
        ([[np.nan]], "nan"),
        ([[np.inf]], "inf"),
        ([["x"]], "real numbers"),
        ([[1j]], "real numbers"),
        (np.ones((0, 3)), r"\(0, 3\)"),
    ],
)
def test_kernels_that_are_refused(weights, said):
    with pytest.raises(ParameterError, match=said):
        convolve(picture(4, 4), weights)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((0, 4)), r"\(0, 4\)"),
        (np.zeros((4, 4, 0)), r"\(4, 4, 0\)"),
        (np.zeros(4), r"\(4,\)"),
        (np.zeros((2, 2, 2, 2)), r"\(2, 2, 2, 2\)"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.array([["a", "b"]]), "<U1"),
        (np.array([[None]]), "object"),
        (np.array([[np.nan]]), "NaN"),
        (np.array([[np.inf]]), "infinite"),
    ],
)
def test_pictures_that_are_refused(image, said):
    with pytest.raises(ParameterError, match=said):
        convolve(image, np.ones((1, 1)))


def test_output_size_by_hand():
    assert [output_size(10, 3, s) for s in (1, 2, 3, 20)] == [10, 5, 4, 1]
    assert [output_size(10, 3, s, border="valid") for s in (1, 2, 3, 20)] == [8, 4, 3, 1]
    assert output_size(10, 3, dilation=4, border="valid") == 2
    with pytest.raises(ParameterError, match="picture’s side"):
        output_size(0, 3)


# Devices


@pytest.mark.gpu
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("border", BORDERS)
def test_the_torch_engine_equals_scipy(border, flip, device):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        height, width, rows, columns = (int(n) for n in rng.integers([1, 1, 1, 1], [30, 30, 9, 9]))
        stride, dilation = (int(n) for n in rng.integers(1, 4, 2))
        if border == "valid":
            height, width = height + 8 * dilation, width + 8 * dilation
        image, weights = picture(height, width, 3, seed), weights_of(rows, columns, seed)
        margins = (0, 0, 0, 0)
        if border != "valid":
            margins = sum((convolution._margins(side, dilation, flip) for side in weights.shape), ())
        laid = weights[::-1, ::-1].copy() if flip else weights
        response = convolution._torch(image, laid, stride, dilation, border, margins, device)
        expected = [oracle(image[..., c], weights, stride, dilation, border, flip) for c in range(3)]
        assert response.dtype == np.float32
        np.testing.assert_allclose(response, np.stack(expected, axis=-1), **CLOSE)


@pytest.mark.gpu
def test_any_device_gives_the_same_answer(device):
    image = picture(33, 44, 3)
    for kernel in (KERNELS["sobel_x"], KERNELS["gabor_15"], KERNELS["box_blur_8"]):
        for named in (device, str(device), "auto"):
            response = convolve(image, kernel, stride=2, border="wrap", device=named)
            np.testing.assert_allclose(
                response, convolve(image, kernel, stride=2, border="wrap", device="cpu"), **CLOSE
            )
    assert convolve(image[..., 0], KERNELS["sobel_x"], device=device).shape == (33, 44)


def test_convolving_on_the_cpu_imports_no_torch():
    code = (
        "import sys, numpy as np\n"
        "from visionlab.imaging import convolution, filters, image, kernels, pipeline, render, samples\n"
        "convolution.convolve(np.ones((9, 9)), kernels.KERNELS['sobel_x'])\n"
        "samples.load_sample('cat')\n"
        "print([name for name in ('torch', 'streamlit', 'plotly', 'skimage') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (700, 3, 2), (-1, -1, -1)])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_value_that_is_no_number_is_found_wherever_it_lies(value, place, kind):
    """Also where the picture is looked through in several bands."""
    picture = np.ones((1200, 800, 3), kind)
    picture[place] = value
    with pytest.raises(ParameterError, match="NaN or infinite"):
        convolve(picture, np.ones((3, 3)))


@given(
    dtype=st.sampled_from([np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.uint64, np.float16, np.float32]),
    rows=st.integers(1, 40),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_the_greatest_value_is_that_of_the_whole_picture(dtype, rows, seed):
    values = np.random.default_rng(seed).normal(size=(rows, 7, 3)) * 60
    with np.errstate(invalid="ignore"):
        planes = values.astype(dtype)
    if dtype is np.uint8:
        assert engines.peak_of(planes) == 255, "whatever it holds, so that a kernel has one way to be computed"
    else:
        assert engines.peak_of(planes) == np.abs(planes.astype(np.float64)).max()
        assert engines.peak_of(planes[::2, ::-1]) == np.abs(planes[::2].astype(np.float64)).max()


@given(
    shape=st.sampled_from([(7, 5, 3), (400, 30, 3), (500, 20, 1), (40, 512, 3), (80, 30, 7)]),
    taps=st.sampled_from([3, 11]),
    share=st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)),
    value=st.sampled_from([np.nan, np.inf, -np.inf, -0.0, -255.0, 255.5, -300.0, 1e7]),
    in_pieces=st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_a_value_is_seen_wherever_it_is(shape, taps, share, value, in_pieces):
    """One among floats from 0 to 255, which decides in what precision they are computed with."""
    picture = np.full(shape, 100, np.float32)
    place = tuple(int(part * side) for part, side in zip(share, shape, strict=False))
    picture[(*place, shape[2] - 1)] = value
    line = np.hanning(taps + 2)[1:-1]
    kernel = np.outer(line, line) / line.sum() ** 2
    with pytest.MonkeyPatch.context() as patch:
        sizes = {"_PIECE": 8_000, "_LARGE_PIECE": 16_000, "_LEAST": 1_000, "_LITTLE": 0 if in_pieces else 9_000_000}
        for name, size in sizes.items():
            patch.setattr(engines, name, size)  # or pictures of many bands would be large ones
        if not np.isfinite(value):
            with pytest.raises(ParameterError, match="NaN or infinite"):
                convolve(picture, kernel)
            return
        found = convolve(picture, kernel)
    wanted = picture.astype(np.float64)
    wanted = np.stack([ndimage.correlate(plane, kernel, mode="mirror") for plane in wanted.transpose(2, 0, 1)], 2)
    limit = 1e-4 if abs(value) <= 300 else 1e-7 * abs(value)
    assert np.abs(found - wanted).max() < limit


@pytest.mark.parametrize("little", [0, 9_000_000], ids=["in pieces", "at once"])
def test_floats_are_taken_where_they_lie(little, monkeypatch):
    """And stay what they are, of many channels or written in another order, too."""
    monkeypatch.setattr(engines, "_LITTLE", little)
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3)) / 9
    for picture in (
        rng.normal(size=(300, 200, 3)).astype(np.float32),
        rng.normal(size=(300, 200, 7)).astype(np.float32),
        np.asfortranarray(rng.normal(size=(300, 200, 3)).astype(np.float32)),
        rng.normal(size=(300, 400, 3)).astype(np.float32)[:, ::2],
    ):
        before = picture.copy()
        picture.setflags(write=False)
        found = convolve(picture, kernel)
        assert np.array_equal(picture, before)
        for channel in range(picture.shape[2]):
            wanted = ndimage.correlate(picture[..., channel].astype(np.float64), kernel, mode="mirror")
            assert np.allclose(found[..., channel], wanted, atol=1e-4)
