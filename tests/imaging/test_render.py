"""Numbers into colours: by hand where it is arithmetic, by property where it is taste."""

import warnings

import cv2
import numpy as np
import pytest

from visionlab.errors import ParameterError
from visionlab.imaging.render import (
    MODES,
    PALETTES,
    colour,
    fitted_range,
    mosaic,
    mosaic_layout,
    overlay,
    plain_range,
    render,
    signed_overlay,
)

ROW = np.array([[-300.0, -100, 0, 100.4, 300]], np.float32)


@pytest.fixture(autouse=True)
def _no_warnings():
    """Dividing by zero, casting NaN and overflow are bugs here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def lightness(colours):
    return cv2.cvtColor(np.ascontiguousarray(colours).reshape(1, -1, 3), cv2.COLOR_RGB2LAB)[0, :, 0].astype(int)


def test_clip_absolute_and_minmax_by_hand():
    assert render(ROW, "clip")[0, :, 0].tolist() == [0, 0, 0, 100, 255]
    assert render(ROW, "absolute")[0, :, 0].tolist() == [255, 100, 0, 100, 255]
    assert render(ROW, "minmax")[0, :, 0].tolist() == [0, 85, 128, 170, 255]


def test_a_range_by_hand():
    assert render(ROW, "clip", (-100, 300))[0, :, 0].tolist() == [0, 0, 64, 128, 255]
    assert render(ROW, "absolute", (0, 600))[0, :, 0].tolist() == [128, 42, 0, 43, 128]
    assert render(ROW, "diverging", (-300, 300)).tolist() == render(ROW, "diverging").tolist()
    assert render(ROW, "diverging", (0, 100))[0, 0].tolist() == render(ROW, "diverging")[0, 0].tolist(), "clipped"
    assert render(np.full((2, 2), 5.0), "clip", (5, 5)).max() == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_plain_range_is_what_is_shown_without_one(mode):
    response = np.random.default_rng(0).normal(0, 100, (20, 30, 3)).astype(np.float32)
    given = render(response, mode, plain_range(response, mode))
    assert np.abs(given.astype(int) - render(response, mode)).max() <= 1  # the last bit may be rounded elsewhere


@pytest.mark.parametrize("ends", [(1, 0), (float("nan"), 1), (0, float("inf"))])
def test_no_range(ends):
    with pytest.raises(ParameterError, match="goes from a number to one that is no smaller"):
        render(ROW, "clip", ends)


@pytest.mark.parametrize("mode", MODES)
def test_a_fitted_range_leaves_out_a_hundredth_at_most_and_minds_no_single_value(mode):
    rng = np.random.default_rng(0)
    response = rng.normal(0, 3, (100, 90)).astype(np.float32)
    low, high = fitted_range(response, mode)
    values = np.abs(response) if mode == "absolute" else response
    assert 0.98 < ((values >= low) & (values <= high)).mean() < 1
    response[3, 4] = 1e6
    assert fitted_range(response, mode) == pytest.approx((low, high), rel=0.05)
    assert render(response, mode, fitted_range(response, mode)).std() > 30, "and what is weak can be seen"


def test_what_cannot_be_fitted_has_its_plain_range():
    assert fitted_range(np.full((5, 5), 7.0), "clip") == (0, 255)
    assert fitted_range(np.zeros((5, 5)), "absolute") == (0, 255)
    lone = np.zeros((50, 50))
    lone[3, 3] = 9
    assert fitted_range(lone, "absolute") == (0, 9), "nearly all is 0: then the greatest"


def test_colour_responses_keep_their_channels():
    response = np.zeros((2, 2, 3), np.float32)
    response[..., 0], response[..., 2] = 200, -50
    assert render(response, "clip")[0, 0].tolist() == [200, 0, 0]
    assert render(response, "absolute")[0, 0].tolist() == [200, 0, 50]
    assert render(response, "minmax")[0, 0].tolist() == [255, 51, 0]


def test_diverging_is_blue_white_orange_and_symmetric():
    red, green, blue = (render(ROW, "diverging")[0, :, c].astype(int) for c in range(3))
    assert (blue[:2] > red[:2]).all()
    assert (red[3:] > blue[3:]).all()
    assert (red[2], green[2], blue[2]) == (255, 255, 255)
    assert np.array_equal(render(ROW, "diverging"), render(7 * ROW, "diverging"))
    dark_to_light = lightness(render(ROW, "diverging"))
    assert dark_to_light[2] > dark_to_light[1] > dark_to_light[0]
    assert dark_to_light[2] > dark_to_light[3] > dark_to_light[4]


def test_diverging_takes_the_mean_of_the_channels():
    response = np.random.default_rng(0).normal(size=(5, 6, 3))
    assert np.array_equal(render(response, "diverging"), render(response.mean(axis=2), "diverging"))
    cancelling = np.zeros((1, 2, 3))
    cancelling[0, 0] = (9, 0, -9)
    cancelling[0, 1] = 1
    assert render(cancelling, "diverging")[0, 0].tolist() == [255, 255, 255]


def test_the_diverging_palette_darkens_steadily_and_alike_on_both_sides():
    light = lightness(colour(np.linspace(0, 1, 255)[None], "diverging"))
    below, above = light[127::-1], light[127:]
    assert (np.diff(below) <= 1).all()
    assert (np.diff(above) <= 1).all()
    assert np.abs(below - above).max() < 40


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", [0.0, -7.0, 1e30, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (3, 4, 3)])
def test_constant_responses_of_any_value(mode, value, shape):
    picture = render(np.full(shape, value, np.float32), mode)
    assert picture.dtype == np.uint8
    assert picture.shape == (*shape[:2], 3)
    assert (picture == picture[0, 0]).all()


@pytest.mark.parametrize("mode", MODES)
def test_nan_is_zero_and_infinity_the_greatest(mode):
    holes = np.array([[-50.0, 20, np.nan, np.inf, -np.inf]])
    filled = np.array([[-50.0, 20, 0, 20, -50]])
    assert np.array_equal(render(holes, mode), render(filled, mode))


def test_minmax_of_the_widest_range_does_not_overflow():
    most = np.finfo(np.float32).max
    assert render(np.array([[-most, 0, most]], np.float32), "minmax")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("response", "mode", "said"),
    [
        (ROW, "jet", "“jet” is no way.*clip, absolute, minmax, diverging"),
        (np.zeros((2, 2, 4)), "clip", r"\(2, 2, 4\)"),
        (np.zeros(3), "clip", r"\(3,\)"),
        (np.zeros((0, 3)), "clip", r"\(0, 3\)"),
        (np.zeros((2, 2), complex), "clip", "complex"),
    ],
)
def test_render_refuses(response, mode, said):
    with pytest.raises(ParameterError, match=said):
        render(response, mode)


@pytest.mark.parametrize("palette", PALETTES)
def test_a_palette_runs_from_end_to_end(palette):
    ramp = colour(np.linspace(0, 1, 256)[None], palette)
    assert ramp.shape == (1, 256, 3)
    assert len(np.unique(ramp[0], axis=0)) >= 200
    if palette != "diverging":
        assert (np.diff(lightness(ramp)) >= -1).all()  # greater is lighter
    beyond = colour(np.array([[-5.0, 0, 1, 7, np.nan]]), palette)[0]
    assert np.array_equal(beyond[[0, 3, 4]], beyond[[1, 2, 1]])


def test_the_colours_are_rgb_not_bgr():
    yellow = colour(np.ones((1, 1)), "viridis")[0, 0]
    assert np.abs(yellow.astype(int) - (253, 231, 37)).max() <= 3  # Matplotlib's viridis ends there
    assert colour(np.array([[0.2, 0.6]]), "grey").tolist() == [[[51] * 3, [153] * 3]]


def test_colour_refuses():
    with pytest.raises(ParameterError, match=r"“jet” is no palette\. Use one of viridis"):
        colour(np.zeros((2, 2)), "jet")
    with pytest.raises(ParameterError, match=r"\(2, 2, 3\)"):
        colour(np.zeros((2, 2, 3)))


PICTURE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_overlay_leaves_the_picture_where_there_is_no_heat():
    heat = np.zeros((20, 30))
    heat[:, 15:] = 1
    shown = overlay(PICTURE, heat, strength=0.5)
    assert np.array_equal(shown[:, :15], PICTURE[:, :15])
    expected = 0.5 * PICTURE[:, 15:] + 0.5 * colour(np.ones((1, 1)), "inferno")[0, 0]
    assert np.abs(shown[:, 15:] - expected).max() <= 0.51


def test_overlay_at_full_strength_and_none():
    assert np.array_equal(overlay(PICTURE, np.ones((20, 30)), 1.0, "magma"), colour(np.ones((20, 30)), "magma"))
    assert np.array_equal(overlay(PICTURE, np.ones((20, 30)), 0.0), PICTURE)
    assert np.array_equal(overlay(PICTURE, np.full((20, 30), np.nan)), PICTURE)


def test_overlay_enlarges_a_coarse_heat_map_smoothly():
    shown = overlay(np.zeros((40, 40, 3), np.uint8), np.array([[0.0, 1.0]]), 1.0, "grey")
    assert (np.diff(shown[0, :, 0].astype(int)) >= 0).all()
    assert len(np.unique(shown[0, :, 0])) > 15
    assert overlay(PICTURE, np.random.default_rng(0).random((100, 7))).shape == PICTURE.shape


def test_overlay_refuses():
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="from 0 to 1"):
            overlay(PICTURE, np.zeros((2, 2)), strength)
    with pytest.raises(ParameterError, match=r"\(2, 2, 3\)"):
        overlay(PICTURE, np.zeros((2, 2, 3)))
    with pytest.raises(ParameterError, match="uint8"):
        overlay(PICTURE / 255, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("channels", "columns", "expected"),
    [
        (1, None, (1, 1)),
        (2, None, (1, 2)),
        (3, None, (2, 2)),
        (64, None, (8, 8)),
        (65, None, (8, 9)),
        (512, None, (23, 23)),
        (10, 4, (3, 4)),
        (3, 10, (1, 3)),
        (5, 1, (5, 1)),
    ],
)
def test_mosaic_layout(channels, columns, expected):
    assert mosaic_layout(channels, columns) == expected


@pytest.mark.parametrize("arguments", [(0,), (-1,), (4, 0), (4, 1.5), (True,)])
def test_mosaic_layout_refuses(arguments):
    with pytest.raises(ParameterError, match="whole number, 1 or more"):
        mosaic_layout(*arguments)


@pytest.mark.parametrize("scale", ["channel", "layer"])
@pytest.mark.parametrize("palette", ["viridis", "diverging"])
@pytest.mark.parametrize(("gap", "tile", "columns"), [(1, None, None), (0, 14, 3), (3, 21, 10), (2, 4, 1)])
def test_every_channel_lies_where_the_mosaic_says(scale, palette, gap, tile, columns):
    values = np.random.default_rng(0).normal(size=(7, 7, 14)).astype(np.float32) * np.arange(1, 8)[:, None, None]
    picture = mosaic(values, columns, tile, gap, scale, palette)
    rows, columns = mosaic_layout(7, columns)
    height, width = (7, 14) if tile is None else (tile // 2, tile)
    assert picture.shape == (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    assert picture.flags.c_contiguous
    grey = np.ones(picture.shape[:2], bool)
    for i, channel in enumerate(values):
        whole = values if scale == "layer" else channel
        low, high = (
            (-np.abs(whole).max(), np.abs(whole).max()) if palette == "diverging" else (whole.min(), whole.max())
        )
        expected = (channel - low) / (high - low)
        if tile is not None:
            by = cv2.INTER_NEAREST if tile > 14 else cv2.INTER_AREA
            expected = cv2.resize(expected, (width, height), interpolation=by)
        expected = colour(expected, palette)
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        found = picture[top : top + height, left : left + width].astype(int)
        assert np.abs(found - expected).max() <= 8  # a neighbouring entry of the palette, by rounding
        grey[top : top + height, left : left + width] = False
    assert (picture[grey] == 128).all()


def test_dead_channels_and_bad_values():
    values = np.zeros((4, 3, 3), np.float32)
    values[1], values[2], values[3, 0, 0] = 5, np.nan, np.inf
    for scale in ("channel", "layer"):
        assert mosaic(values, scale=scale).shape == (7, 7, 3)
    lowest = colour(np.zeros((1, 1)), "viridis")[0, 0]
    assert (mosaic(values)[:3, :3] == lowest).all()
    assert (mosaic(values)[:3, 4:7] == lowest).all()
    assert (mosaic(values, palette="diverging")[:3, :3] == 255).all()


def test_the_scale_is_the_channels_or_the_layers():
    values = np.array([[[0.0, 1.0]], [[0.0, 10.0]]])
    own = mosaic(values, gap=0, palette="grey")[..., 0]
    whole = mosaic(values, gap=0, palette="grey", scale="layer")[..., 0]
    beyond = mosaic(values, gap=0, palette="grey", scale=(0, 20))[..., 0]
    assert own.tolist() == [[0, 255, 0, 255]]
    assert whole.tolist() == [[0, 26, 0, 255]]
    assert beyond.tolist() == [[0, 13, 0, 128]]
    signed = mosaic(values, gap=0, palette="diverging", scale=(-20, 10))
    np.testing.assert_array_equal(signed, mosaic(values / 20, gap=0, palette="diverging", scale=(-1, 1)))
    assert (mosaic(values * 0, gap=0, scale=(0, 0)) == colour(np.zeros((1, 4)))).all()


def test_a_scale_of_each_channel_is_that_of_two_numbers_for_it_alone():
    values = np.arange(-8, 10, dtype=np.float32).reshape(2, 3, 3)
    ends = np.array([[-20, 20], [-9, 5]], np.float32)
    for palette in ("viridis", "diverging"):
        together = mosaic(values, gap=0, columns=1, scale=ends, palette=palette)
        apart = [mosaic(values[i, None], gap=0, scale=tuple(ends[i]), palette=palette) for i in (0, 1)]
        np.testing.assert_array_equal(together, np.concatenate(apart))
    with pytest.raises(ParameterError, match=r"two for each of 2 channels, not \(3, 2\)"):
        mosaic(values, scale=np.zeros((3, 2)))


def test_a_signed_map_over_a_picture_leaves_zero_grey_and_tints_by_the_sign():
    image = np.full((1, 5, 3), (200, 100, 0), np.uint8)
    found = signed_overlay(image, np.array([[-1, -0.25, 0, 0.25, 7]])).astype(int)
    assert len(set(found[0, 2])) == 1  # grey
    for blue, faint in ((0, 1), (-1, -2)):
        sign = 1 if blue == 0 else -1
        assert sign * (found[0, blue, 2] - found[0, blue, 0]) > sign * (found[0, faint, 2] - found[0, faint, 0]) > 0
    np.testing.assert_array_equal(signed_overlay(image, np.zeros((1, 5)))[0], found[0, 2][None].repeat(5, 0))
    with pytest.raises(ParameterError, match=r"the shape \(1, 5\), not \(5, 1\)"):
        signed_overlay(image, np.zeros((5, 1)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": "picture"}, "“picture” is no scale. Use one of channel, layer"),
        ({"palette": "jet"}, "no palette"),
        ({"gap": -1}, "gap"),
        ({"tile": 0}, "tile"),
        ({"columns": 0}, "columns"),
    ],
)
def test_mosaic_refuses(options, said):
    with pytest.raises(ParameterError, match=said):
        mosaic(np.zeros((2, 3, 3)), **options)


def test_mosaic_refuses_another_shape():
    with pytest.raises(ParameterError, match=r"\(3, 3\)"):
        mosaic(np.zeros((3, 3)))
