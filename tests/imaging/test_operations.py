"""What each filter does, against SciPy, scikit-image and OpenCV themselves, properties, and pictures worked by hand."""

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import fft, ndimage
from skimage.filters import scharr

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.operations.edges import second_derivative
from visionlab.imaging.operations.frequencies import FOURIER, kept_frequencies, spectrum
from visionlab.imaging.pipeline import Pipeline
from visionlab.imaging.samples import load_sample

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
SOFT = cv2.GaussianBlur(NOISE, (0, 0), 2)
CONSTANT = np.full((20, 25, 3), (10, 130, 250), np.uint8)
pictures = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
brushes = st.fixed_dictionaries({"size": st.integers(1, 6), "shape": st.sampled_from(["square", "ellipse", "cross"])})


def run(name, image, **values):
    """The answer as int, so that differences do not wrap around."""
    return FILTERS[name].apply(image, **values).astype(int)


def grey_of(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def as_picture(grey):
    return np.repeat(np.rint(grey).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def waves(period, angle=0.0, height=60.0, side=64):
    """A picture of stripes: `period` pixels apart, lying flat at 0°, turned anticlockwise by `angle`."""
    y, x = np.mgrid[:side, :side]
    turn = np.radians(angle)
    return as_picture(128 + height * np.cos(2 * np.pi / period * (x * np.sin(turn) + y * np.cos(turn))))


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


@pytest.mark.parametrize("shape", ["square", "ellipse", "cross"])
def test_morphology_is_ordered(shape):
    def run(name):
        return FILTERS[name].apply(NOISE, size=3, shape=shape).astype(int)

    assert (run("erode") <= run("open")).all()
    assert (run("open") <= NOISE).all()
    assert (run("close") >= NOISE).all()
    assert (run("close") <= run("dilate")).all()
    assert (run("erode") < run("dilate")).any()
    opened = FILTERS["open"].apply(NOISE, size=3, shape=shape)
    assert np.array_equal(FILTERS["open"].apply(opened, size=3, shape=shape), opened)


@pytest.mark.parametrize("name", ["threshold", "otsu", "adaptive_threshold", "dither", "canny"])
def test_black_and_white_is_nothing_else(name):
    result = FILTERS[name].apply(NOISE)
    assert set(np.unique(result)) == {0, 255}
    assert (result == result[..., :1]).all()


def test_threshold_by_hand():
    image = np.repeat(np.array([[99, 100, 101]], np.uint8)[..., None], 3, axis=2)
    assert FILTERS["threshold"].apply(image, level=100)[0, :, 0].tolist() == [0, 0, 255]


def test_otsu_parts_two_populations():
    rng = np.random.default_rng(0)
    dark = rng.random((40, 40)) < 0.5
    image = np.where(dark, rng.integers(20, 60, dark.shape), rng.integers(180, 220, dark.shape)).astype(np.uint8)
    assert np.array_equal(FILTERS["otsu"].apply(np.repeat(image[..., None], 3, axis=2))[..., 0] == 0, dark)


def test_adaptive_threshold_ignores_a_slope_of_light():
    slope = np.linspace(60, 220, 80)[None, :].repeat(40, axis=0)
    slope[10:30:4, :] -= 40  # dark lines of text
    image = np.repeat(slope.astype(np.uint8)[..., None], 3, axis=2)
    result = FILTERS["adaptive_threshold"].apply(image, block=21, offset=10)[..., 0]
    assert not result[10:30:4, 5:-5].any()
    assert result[12:30:4, 5:-5].all()


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


def test_equalising_spreads_brightness():
    dull = (NOISE // 4 + 90).astype(np.uint8)
    for name in ("equalise", "clahe"):
        assert grey_of(FILTERS[name].apply(dull)).std() > 1.2 * grey_of(dull).std()


def test_unsharp_mask_sharpens_and_none_of_it_changes_nothing():
    soft = FILTERS["gaussian_blur"].apply(NOISE)
    assert FILTERS["unsharp_mask"].apply(soft).var() > soft.var()
    assert np.array_equal(FILTERS["unsharp_mask"].apply(NOISE, amount=0), NOISE)


def test_gamma_lifts_shadows_and_keeps_black_and_white():
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    lifted = FILTERS["gamma"].apply(ramp, gamma=2.0)[0, :, 0]
    assert lifted[[0, 64, 255]].tolist() == [0, 128, 255]
    assert np.array_equal(FILTERS["gamma"].apply(ramp, gamma=1.0), ramp)


def test_invert_and_grey():
    assert np.array_equal(FILTERS["invert"].apply(NOISE), 255 - NOISE)
    luma = NOISE @ [0.299, 0.587, 0.114]
    assert np.abs(FILTERS["grey"].apply(NOISE) - luma[..., None]).max() <= 1


# Smoothing


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


# Edges


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


# Sharpening


def test_sharpening_by_hand():
    dot = np.full((5, 5, 3), 100, np.uint8)
    dot[2, 2] = 120
    assert run("sharpen", dot, amount=0.5)[2, :, 0].tolist() == [100, 90, 160, 90, 100]


@pytest.mark.parametrize("name", ["sharpen", "detail"])
def test_sharpening_sharpens_and_none_of_it_changes_nothing(name):
    assert run(name, SOFT).var() > SOFT.var()
    assert np.array_equal(run(name, NOISE, amount=0), NOISE)


# Black and white


@pytest.mark.parametrize("cell", [1, 2, 3, 4])
def test_dithering_keeps_the_mean(cell):
    for level in (0, 40, 128, 200, 255):
        mean = run("dither", np.full((32, 48, 3), level, np.uint8), cell=cell).mean()
        assert abs(mean - level) <= 255 / 4**cell


# Morphology


def test_morphology_is_scipys():
    size = (5, 5, 1)
    darkest = ndimage.minimum_filter(NOISE, size, mode="constant", cval=255).astype(int)
    brightest = ndimage.maximum_filter(NOISE, size, mode="constant", cval=0).astype(int)
    opened = ndimage.maximum_filter(darkest, size, mode="constant", cval=0)
    closed = ndimage.minimum_filter(brightest, size, mode="constant", cval=255)
    expected = {
        "erode": darkest, "dilate": brightest, "open": opened, "close": closed,
        "morphological_gradient": brightest - darkest, "top_hat": NOISE - opened, "black_hat": closed - NOISE,
    }  # fmt: skip
    for name, answer in expected.items():
        assert np.array_equal(run(name, NOISE, size=5, shape="square"), answer), name


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("shape", ["square", "ellipse", "cross"])
def test_morphology_is_opencvs(size, shape):
    kinds = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
    element = cv2.getStructuringElement(kinds[shape], (size, size))
    ways = {
        "open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE, "morphological_gradient": cv2.MORPH_GRADIENT,
        "top_hat": cv2.MORPH_TOPHAT, "black_hat": cv2.MORPH_BLACKHAT,
    }  # fmt: skip
    for name, way in ways.items():
        assert np.array_equal(run(name, NOISE, size=size, shape=shape), cv2.morphologyEx(NOISE, way, element)), name


@given(pictures, brushes)
@settings(max_examples=60, deadline=None)
def test_opening_and_closing_twice_is_once_and_they_bound_the_picture(image, brush):
    for name in ("open", "close"):
        once = FILTERS[name].apply(image, **brush)
        assert np.array_equal(FILTERS[name].apply(once, **brush), once)
        assert ((once <= image) if name == "open" else (once >= image)).all()


@given(pictures, brushes)
@settings(max_examples=40, deadline=None)
def test_closing_is_opening_the_negative(image, brush):
    assert np.array_equal(run("close", image, **brush), 255 - run("open", 255 - image, **brush))


# Light and colour


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


# Frequencies


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_gabor_answers_to_its_own_stripes(angle):
    for show in ("energy", "size"):
        own = run("gabor", waves(8, angle), wavelength=8.0, angle=angle, width=6.0, gain=1.0, show=show)[20:44, 20:44]
        assert own.max() == pytest.approx(60, abs=4)
    energy = run("gabor", waves(8, angle), wavelength=8.0, angle=angle, width=6.0, gain=1.0)[20:44, 20:44]
    assert np.ptp(energy) < 8, "the energy is the same wherever in the stripe"
    for other in (waves(8, angle + 90), waves(20, angle)):
        assert run("gabor", other, wavelength=8.0, angle=angle, width=6.0, gain=1.0)[20:44, 20:44].max() < 5


def test_ideal_filters_part_two_waves():
    y, x = np.mgrid[:60, :60]
    slow, fast = 40 * np.cos(2 * np.pi * x / 30), 30 * np.cos(2 * np.pi * y / 4)  # 6.7 % and 50 % of the fastest
    both = as_picture(120 + slow + fast)
    low = run("fourier_low_pass", both, cutoff=20.0, profile="ideal")[..., 0]
    assert np.abs(low - (120 + slow)).max() <= 1
    high = run("fourier_high_pass", both, cutoff=20.0, profile="ideal")[..., 0]
    assert np.abs(high - (128 + fast)).max() <= 1
    band = run("fourier_band_pass", both, low=2.0, high=20.0, profile="ideal")[..., 0]
    assert np.abs(band - (128 + slow)).max() <= 1


def test_the_gaussian_low_pass_is_scipys():
    sigma = np.sqrt(np.log(2) * 20_000) / (np.pi * 20)  # of the Gaussian that halves what lies at the cutoff
    values = fft.fft2(NOISE.astype(float), axes=(0, 1))
    expected = [fft.ifft2(ndimage.fourier_gaussian(values[..., c], sigma)).real for c in range(3)]
    assert np.abs(run("fourier_low_pass", NOISE, cutoff=20.0) - np.stack(expected, axis=2)).max() <= 1


@pytest.mark.parametrize("profile", ["Gaussian", "Butterworth", "ideal"])
@pytest.mark.parametrize("shape", [(40, 50), (7, 5), (1, 9), (1, 1)])
def test_what_low_and_high_pass_keep_is_all(profile, shape):
    values = {"cutoff": 12.0, "profile": profile}
    low, high = (kept_frequencies(name, *shape, **values) for name in FOURIER[:2])
    assert low.shape == shape
    assert low[0, 0] == 1
    np.testing.assert_allclose(low + high, 1)
    image = SOFT[: shape[0], : shape[1]]
    parts = run("fourier_low_pass", image, **values) + run("fourier_high_pass", image, **values) - 128
    assert np.abs(parts - image).max() <= 1


def test_half_is_kept_at_the_cutoff():
    for profile in ("Gaussian", "Butterworth"):
        kept = kept_frequencies("fourier_low_pass", 1, 200, cutoff=25.0, profile=profile)[0]
        assert kept[25] == pytest.approx(0.5)  # 25 waves in 200 pixels: a quarter of the fastest, 100
        assert (np.diff(kept[:101]) < 0).all()


def test_the_spectrum_shows_the_wave_and_what_goes():
    kept = kept_frequencies("fourier_low_pass", 64, 64, cutoff=50.0, profile="ideal")
    shown = spectrum(waves(8), kept).astype(int)
    assert shown.shape == (64, 64, 3)
    bright = {tuple(place) for place in np.argwhere(shown.sum(axis=2) >= 0.9 * shown.sum(axis=2).max())}
    assert {(24, 32), (32, 32), (40, 32)} <= bright, "the mean, and the wave of 8 pixels above and below it"
    assert (shown[32, 32:48, 0] == shown[32, 32:48, 2]).all(), "what stays is grey"
    assert (shown[0, :, 2] > shown[0, :, 0] + 20).all(), "what goes is blue"


# Geometry


@given(pictures, st.sampled_from(["left to right", "top to bottom", "both"]))
@settings(max_examples=30, deadline=None)
def test_mirroring_twice_changes_nothing(image, way):
    assert np.array_equal(run("mirror", FILTERS["mirror"].apply(image, way=way), way=way), image)


def test_mirrors():
    assert np.array_equal(run("mirror", NOISE), NOISE[:, ::-1])
    assert np.array_equal(run("mirror", NOISE, way="top to bottom"), NOISE[::-1])
    assert np.array_equal(run("mirror", NOISE, way="both"), NOISE[::-1, ::-1])


@given(pictures, st.sampled_from([-180.0, -90.0, 0.0, 90.0, 180.0]))
@settings(max_examples=30, deadline=None)
def test_quarter_turns_mix_no_pixels(image, angle):
    assert np.array_equal(run("rotate", image, angle=angle, canvas="grown"), np.rot90(image, int(angle // 90)))


def test_rotation_is_scipys():
    same = run("rotate", SOFT, angle=20.0)
    expected = ndimage.rotate(SOFT, 20.0, reshape=False, order=1, mode="constant")
    assert np.abs(same - expected)[8:-8, 12:-12].max() <= 3
    grown = run("rotate", SOFT, angle=20.0, canvas="grown")
    assert np.abs(np.array(grown.shape) - ndimage.rotate(SOFT, 20.0).shape).max() <= 1
    assert grown.astype(bool).any(axis=2).sum() == pytest.approx(40 * 50, rel=0.1), "all of it is still there"


def test_a_long_thread_is_not_turned_into_a_sea_of_pixels():
    turned = FILTERS["rotate"].apply(np.zeros((1, 40_000, 3), np.uint8), angle=45.0, canvas="grown")
    assert turned.shape[0] * turned.shape[1] <= 40_100_000


def test_resizing():
    halves = NOISE.reshape(20, 2, 25, 2, 3).mean(axis=(1, 3))
    assert np.abs(run("resize", NOISE, scale=50) - halves).max() <= 0.51
    twice = NOISE.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(run("resize", NOISE, scale=200, method="nearest"), twice)
    for method in ("area", "linear", "cubic", "nearest"):
        assert np.array_equal(run("resize", NOISE, scale=100, method=method), NOISE)


def test_cropping_by_hand():
    window = run("crop", NOISE, width=20, height=50, across=0, down=100)  # of 40 rows and 50 columns
    assert np.array_equal(window, NOISE[20:, :10])
    assert np.array_equal(run("crop", NOISE, width=100, height=100), NOISE)


def test_shearing_by_hand():
    column = np.zeros((5, 9, 3), np.uint8)
    column[:, 4] = 200
    slanted = run("shear", column, across=1.0)[..., 0]
    assert [row.argmax() for row in slanted] == [2, 3, 4, 5, 6]
    assert np.array_equal(run("shear", NOISE, across=0.0, down=0.0), NOISE)


# Effects


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
