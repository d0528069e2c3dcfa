"""Every filter in the table keeps the contract, on pictures of every awkward shape."""

import numpy as np
import pytest

from visionlab.errors import ParameterError
from visionlab.imaging import filter_record
from visionlab.imaging.filters import FILTERS, Parameter, find_filter
from visionlab.imaging.image import check_image
from visionlab.imaging.pipeline import Pipeline
from visionlab.wording import quoted

each = pytest.mark.parametrize("name", FILTERS)

PICTURES = {
    "noise": np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8),
    "one pixel": np.full((1, 1, 3), 77, np.uint8),
    "one row": np.random.default_rng(1).integers(0, 256, (1, 40, 3), dtype=np.uint8),
    "one column": np.random.default_rng(2).integers(0, 256, (40, 1, 3), dtype=np.uint8),
    "black": np.zeros((20, 20, 3), np.uint8),
    "white": np.full((20, 20, 3), 255, np.uint8),
    "odd": np.random.default_rng(3).integers(0, 256, (7, 5, 3), dtype=np.uint8),
    "two": np.random.default_rng(4).integers(0, 256, (2, 2, 3), dtype=np.uint8),
}
NOISE = PICTURES["noise"]


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
def test_any_picture_in_a_picture_out_and_the_input_untouched(name, picture):
    image = PICTURES[picture].copy()
    image.setflags(write=False)
    result = FILTERS[name].apply(image)
    assert check_image(result) is result
    if FILTERS[name].group != "Geometry":
        assert result.shape == image.shape
    assert not np.shares_memory(result, image)


@each
@pytest.mark.parametrize("picture", ["odd", "one pixel", "one row", "one column", "two"])
def test_both_ends_of_every_parameter_work_alone_and_together(name, picture):
    parameters = FILTERS[name].parameters
    settings = [{p.name: value} for p in parameters for value in ends(p)]
    settings += [{p.name: ends(p)[0] for p in parameters}, {p.name: ends(p)[-1] for p in parameters}]
    for values in settings:
        image = PICTURES[picture].copy()
        result = FILTERS[name].apply(image, **values)
        assert check_image(result) is result
        if FILTERS[name].group != "Geometry":
            assert result.shape == image.shape
        assert np.array_equal(image, PICTURES[picture])


@each
def test_the_same_picture_gives_the_same_answer(name):
    assert np.array_equal(FILTERS[name].apply(NOISE), FILTERS[name].apply(NOISE.copy()))


SLOW = [name for name, entry in FILTERS.items() if entry.reach]


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("end", [0, -1, None])
def test_a_slow_filter_is_the_same_in_strips_and_can_be_stopped(name, end, monkeypatch):
    monkeypatch.setattr(filter_record, "STRIP", 1)
    entry = FILTERS[name]
    values = {} if end is None else {p.name: ends(p)[end] for p in entry.parameters}
    image = np.random.default_rng(5).integers(0, 256, (1100, 11, 3), dtype=np.uint8)
    image[:, :4] //= 4  # flat and wild side by side
    shares = []
    np.testing.assert_array_equal(entry.apply_between(image, shares.append, **values), entry.apply(image, **values))
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1

    def stop(share):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next(Pipeline([(name, values)]).stages(image, stop))


def test_there_are_filters_of_every_kind():
    groups = {entry.group for entry in FILTERS.values()}
    assert len(FILTERS) >= 25
    assert groups == {
        "Smoothing", "Edges", "Sharpening", "Black and white", "Morphology", "Light and colour", "Frequencies",
        "Geometry", "Effects",
    }  # fmt: skip
    assert len({entry.title for entry in FILTERS.values()}) == len(FILTERS)


@each
def test_out_of_range_is_refused_with_the_range(name):
    for parameter in FILTERS[name].parameters:
        if parameter.kind == "choice":
            wrong = ["nonsense", None]
        else:
            least = parameter.low if parameter.taken_from is None else parameter.taken_from
            wrong = [least - 1, parameter.high + 1, float("nan"), "3", None, True]
        for value in wrong:
            with pytest.raises(ParameterError, match=f"“{parameter.name}”") as caught:
                FILTERS[name].apply(NOISE, **{parameter.name: value})
            assert quoted(value) in str(caught.value)
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


def test_the_nearest_number_that_may_be_set():
    size, share = Parameter("size", "Size", "int", 3, 15, 2, 9), Parameter("share", "Share", "float", 0, 1, 0.1, 0.5)
    assert [size.near(value) for value in (-4, 3.9, 4.1, 8, 15, 99.0)] == [3, 3, 5, 7, 15, 15]
    assert [share.near(value) for value in (-1, 0.1 + 0.2, 0.123456789, 2)] == [0, 0.3, 0.123457, 1]
    assert type(size.near(4.2)) is int
    assert type(share.near(1)) is float


def test_find_filter_suggests_the_near_name():
    assert find_filter("canny") is FILTERS["canny"]
    with pytest.raises(ParameterError, match=r"“gausian_blur” is no filter\. Did you mean “gaussian_blur”"):
        find_filter("gausian_blur")
    with pytest.raises(ParameterError, match=r"There are gaussian_blur, .+ and \d+ more"):
        find_filter("qqq")
    with pytest.raises(ParameterError, match="a text such as “canny”, not 3"):
        find_filter(3)
    with pytest.raises(ParameterError) as caught:
        find_filter("q" * 100_000)
    assert len(str(caught.value)) < 300


def test_a_parameter_that_is_called_self_is_unknown_like_any_other():
    with pytest.raises(ParameterError, match="no parameter “self”"):
        FILTERS["canny"].settings(self=1)


def test_the_message_about_a_long_value_is_short():
    with pytest.raises(ParameterError) as caught:
        FILTERS["mirror"].apply(NOISE, way="x" * 100_000)
    assert len(str(caught.value)) < 200
