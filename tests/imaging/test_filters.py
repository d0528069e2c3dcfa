"""Every filter in the table keeps the contract, on pictures of every awkward shape."""

import cv2
import numpy as np
import pytest

from visionlab.errors import ParameterError
from visionlab.imaging.filters import FILTERS, Parameter, find_filter

each = pytest.mark.parametrize("name", FILTERS)

PICTURES = {
    "noise": np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8),
    "one pixel": np.full((1, 1, 3), 77, np.uint8),
    "one row": np.random.default_rng(1).integers(0, 256, (1, 40, 3), dtype=np.uint8),
    "one column": np.random.default_rng(2).integers(0, 256, (40, 1, 3), dtype=np.uint8),
    "black": np.zeros((20, 20, 3), np.uint8),
    "white": np.full((20, 20, 3), 255, np.uint8),
}
NOISE = PICTURES["noise"]


def grey_of(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def ends(parameter):
    return parameter.choices if parameter.kind == "choice" else (parameter.low, parameter.high)


@each
def test_contract(name):
    entry = FILTERS[name]
    assert entry.name == name
    assert entry.title
    assert entry.group
    assert entry.about.endswith(".")
    assert list(entry.settings().values()) == [parameter.default for parameter in entry.parameters]
    for parameter in entry.parameters:
        assert parameter.title
        assert parameter.about.endswith(".")
        if parameter.kind != "choice":
            assert parameter.low <= parameter.default <= parameter.high
            assert parameter.step > 0


@each
@pytest.mark.parametrize("picture", PICTURES)
def test_any_picture_in_a_picture_of_its_shape_out_and_the_input_untouched(name, picture):
    image = PICTURES[picture].copy()
    image.setflags(write=False)
    result = FILTERS[name].apply(image)
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    assert not np.shares_memory(result, image)


@each
def test_both_ends_of_every_parameter_work(name):
    for parameter in FILTERS[name].parameters:
        for value in ends(parameter):
            for picture in ("noise", "one row"):
                result = FILTERS[name].apply(PICTURES[picture], **{parameter.name: value})
                assert result.shape == PICTURES[picture].shape


@each
def test_out_of_range_is_refused_with_the_range(name):
    for parameter in FILTERS[name].parameters:
        if parameter.kind == "choice":
            wrong = ["nonsense", None]
        else:
            wrong = [parameter.low - 1, parameter.high + 1, float("nan"), "3", None, True]
        for value in wrong:
            with pytest.raises(ParameterError, match=f"“{parameter.name}”") as caught:
                FILTERS[name].apply(NOISE, **{parameter.name: value})
            assert repr(value) in str(caught.value)
            assert all(str(end) in str(caught.value) for end in ends(parameter))


@each
def test_unknown_parameters_and_no_pictures_are_refused(name):
    with pytest.raises(ParameterError, match="no parameter “nonsense”"):
        FILTERS[name].apply(NOISE, nonsense=1)
    with pytest.raises(ParameterError, match="uint8 of shape"):
        FILTERS[name].apply(NOISE.astype(float))


def test_values_become_plain_numbers():
    size = Parameter("size", "Size", "int", 1, 9, 2, 3)
    assert [type(size.check(value)) for value in (5, 5.0, np.int64(5), np.float32(5))] == [int] * 4
    with pytest.raises(ParameterError, match="from 1 to 9 in steps of 2, not 4"):
        size.check(4)
    with pytest.raises(ParameterError):
        size.check(5.5)
    assert type(Parameter("x", "X", "float", 0, 1, 0.1, 0.5).check(1)) is float


def test_find_filter_suggests_the_near_name():
    assert find_filter("canny") is FILTERS["canny"]
    with pytest.raises(ParameterError, match=r"“gausian_blur” is no filter\. Did you mean “gaussian_blur”"):
        find_filter("gausian_blur")
    with pytest.raises(ParameterError, match="There are gaussian_blur"):
        find_filter("qqq")


# What each one does


@pytest.mark.parametrize("name", ["gaussian_blur", "box_blur", "median", "bilateral", "unsharp_mask"])
def test_blurs_keep_a_constant_picture(name):
    flat = np.full((20, 25, 3), (10, 130, 250), np.uint8)
    assert np.array_equal(FILTERS[name].apply(flat), flat)


@pytest.mark.parametrize("name", ["gaussian_blur", "box_blur", "median", "bilateral"])
def test_blurs_lessen_variance(name):
    assert FILTERS[name].apply(NOISE).var() < NOISE.var()


@pytest.mark.parametrize("name", ["canny", "sobel_magnitude", "laplacian"])
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


@pytest.mark.parametrize("name", ["threshold", "otsu", "adaptive_threshold", "canny"])
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
