"""The only place where numbers become colours: responses, heat maps and mosaics as uint8 (H, W, 3) RGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, isqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, check_image

MODES = ("clip", "absolute", "minmax", "diverging")
PALETTES = ("viridis", "cividis", "inferno", "magma", "grey", "diverging")
SCALES = ("channel", "layer")

_GAP_GREY = 128
_SAMPLE = 100_000  # values that decide a fitted range

_COLOUR_MAPS = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "inferno": cv2.COLORMAP_INFERNO,
    "magma": cv2.COLORMAP_MAGMA,
}

# Blue for negative, white for zero, orange for positive: a pair that every common colour blindness tells apart.
# Both sides darken alike, so that equal sizes look equally strong.
_DIVERGING = (
    (16, 63, 125),
    (67, 132, 199),
    (166, 203, 234),
    (255, 255, 255),
    (250, 195, 130),
    (222, 117, 20),
    (120, 58, 0),
)


def render(response: NDArray, mode: str, ends: tuple[float, float] | None = None) -> Image:
    """A response, (H, W) or (H, W, 3) float, as a picture, in one of MODES, from one value to another.

        "clip"       the value itself, the low end black, the high end white
        "absolute"   its absolute value likewise: an edge's strength, whichever its sign
        "minmax"     as "clip"
        "diverging"  the channels' mean: negative blue, zero white, positive orange, the larger end at full colour

    `ends` are (low, high); None takes plain_range(), fitted_range() makes weak responses visible. Beyond the ends is
    clipped; where they are the same, that value is black (diverging: 0 is white). NaN counts as 0, infinity as the
    greatest finite value of its sign.

    Raises ParameterError for an unknown mode, another shape, or ends that are no range.
    """
    values = _response(response, mode)
    low, high = map(float, plain_range(values, mode) if ends is None else ends)
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ParameterError(f"A range to show goes from a number to one that is no smaller, not from {low} to {high}.")
    if mode == "diverging":
        mean, most = values if values.ndim == 2 else values.mean(axis=2), max(abs(low), abs(high))
        return colour(0.5 + 0.5 * mean / (most if most > 0 else 1), "diverging")
    absolute = mode == "absolute"
    if (low, high) != (0, 255):
        half = high / 2 - low / 2  # halves: the range of two float32 of opposite sign may exceed float32
        size = np.abs(values) if absolute else values
        values, absolute = 255 * ((size / 2 - low / 2) / np.float32(half if half > 0 else 1)), False
    levels = _bytes(values, absolute)
    return levels if levels.ndim == 3 else cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB)


def plain_range(response: NDArray, mode: str) -> tuple[float, float]:
    """The (low, high) that a mode shows whatever the response is like: 0 to 255, a picture's own values. "minmax" goes
    from the least to the greatest value over all channels, "diverging" as far to both sides as the greatest |mean|.
    """
    values = _response(response, mode)
    if mode == "minmax":
        return float(values.min()), float(values.max())
    if mode == "diverging":
        most = float(np.abs(values if values.ndim == 2 else values.mean(axis=2)).max())
        return -most, most
    return 0.0, 255.0


def fitted_range(response: NDArray, mode: str) -> tuple[float, float]:
    """The (low, high) that leave out no more than the strongest half per cent of what a mode shows (and "clip" and
    "minmax" the weakest), so that a few strong values do not darken the rest. Of large responses a sample decides,
    the same each time. Where that is one value alone, the plain range.
    """
    values = _response(response, mode)
    if mode == "diverging" and values.ndim == 3:
        values = values.mean(axis=2)
    some = values.reshape(-1)[:: max(1, values.size // _SAMPLE)]
    if mode in ("absolute", "diverging"):
        most = float(np.percentile(np.abs(some), 99.5)) or float(np.abs(values).max())
        low, high = (-most, most) if mode == "diverging" else (0.0, most)
    else:
        low, high = map(float, np.percentile(some, (0.5, 99.5)))
    return (low, high) if low < high else plain_range(values, mode)


def _response(response: NDArray, mode: str) -> NDArray[np.float32]:
    """It, finite; ParameterError unless it and the mode can be shown."""
    if mode not in MODES:
        raise ParameterError(f"“{mode}” is no way to show a response. Use one of {', '.join(MODES)}.")
    values = _finite(response)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3) or values.size == 0:
        raise ParameterError(f"A response to show has the shape (H, W) or (H, W, 3), not {values.shape}.")
    return values


def colour(values: NDArray, palette: str = "viridis") -> Image:
    """Values in 0..1, (H, W), in the colours of one of PALETTES; beyond is clipped, NaN counts as 0.

    In "diverging", 0.5 is white, less is blue and more is orange.
    """
    values = _finite(values)
    if values.ndim != 2 or values.size == 0:
        raise ParameterError(f"Values to colour have the shape (H, W), not {values.shape}.")
    return _coloured(values, palette)


def overlay(image: Image, heat: NDArray, strength: float = 0.5, palette: str = "inferno") -> Image:
    """A heat map over a picture, uint8 (H, W, 3): image · (1 - a) + colour(heat) · a, where a = strength · heat.

    `image` is uint8 (H, W, 3) RGB. `heat` is (h, w), enlarged or shrunk bilinearly to the picture's size and clipped to
    0..1, NaN as 0; where it is 0 the picture stays as it is, so that the map never hides what it does not mark.
    `strength` is in 0..1, `palette` one of PALETTES.

    Raises ParameterError for a heat map of another shape or not of real numbers, another strength or palette, and what
    is no picture.
    """
    image = check_image(image)
    heat = _finite(heat)
    if heat.ndim != 2 or heat.size == 0:
        raise ParameterError(f"A heat map has the shape (H, W), not {heat.shape}.")
    if not 0 <= strength <= 1:
        raise ParameterError(f"The strength of an overlay is from 0 to 1, not {strength!r}.")
    height, width = image.shape[:2]
    if heat.shape != (height, width):
        heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    heat = heat.clip(0, 1)
    share = (strength * heat)[..., None]
    return np.rint(image * (1 - share) + _coloured(heat, palette) * share).astype(np.uint8)


def signed_overlay(image: Image, values: NDArray) -> Image:
    """A signed map over a picture in grey: orange where it is above zero, blue where it is below.

    `values` (H, W) are in −1..1, beyond that they are clipped; a pixel is all colour at the ends and all picture at 0.
    """
    image, values = check_image(image), _finite(values).clip(-1, 1)
    if values.shape != image.shape[:2]:
        raise ParameterError(f"A signed map over this picture has the shape {image.shape[:2]}, not {values.shape}.")
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] * 0.6 + 51  # paler: the colours are to be seen
    share = np.abs(values)[..., None]
    tint = _coloured(0.5 + np.sign(values) / 3, "diverging")  # two thirds of the way: strong, and not dark
    return np.rint(grey * (1 - share) + tint * share).astype(np.uint8)


def mosaic_layout(channels: int, columns: int | None = None) -> tuple[int, int]:
    """(rows, columns) that hold so many channels: as near to a square as can be, unless `columns` says otherwise."""
    for name, value in (("number of channels", channels), ("number of columns", columns)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1):
            raise ParameterError(f"The {name} must be a whole number, 1 or more, not {value!r}.")
    columns = min(columns or isqrt(channels - 1) + 1, channels)
    return ceil(channels / columns), columns


def mosaic_tile(sides: tuple[int, int], columns: int, width: int) -> tuple[int, int]:
    """(tile, gap) of a mosaic() of maps (height, width) about so many pixels wide: maps larger than their tile are
    shrunk, and small ones enlarged by a whole factor, so that their pixels stay squares of one size."""
    tile, longest = max(1, width // columns), max(sides)
    tile = tile // longest * longest or tile
    return tile, 1 if tile < 64 else 2


def mosaic(
    values: NDArray,
    columns: int | None = None,
    tile: int | None = None,
    gap: int = 1,
    scale: str | tuple[float, float] | NDArray = "channel",
    palette: str = "viridis",
) -> Image:
    """All channels of a layer, (C, H, W), in one picture, uint8 (height, width, 3) RGB, row by row from the top left.

    There are `columns` of them in a row (None: as near to a square as can be). `tile` makes each channel's longer side
    that many pixels, enlarged by nearest neighbour or shrunk by averaging areas; None keeps a pixel a value.
    Tiles are `gap` pixels of neutral grey apart, with none around the picture: channel i begins at row
    (i // columns) · (tile height + gap) and column (i % columns) · (tile width + gap).

    `scale` stretches each "channel" from its own least to its own greatest value, the whole "layer" at once, or from
    the first to the second of two numbers, or of two for each channel, (C, 2), for a scale that reaches beyond these
    values (a whole network's, or one that several pictures share). In the palette "diverging", zero is white and the
    ends are the greatest absolute value. A constant channel is drawn in the palette's lowest colour ("diverging": in
    that of its sign, white for zero).

    NaN counts as 0. Raises ParameterError for values of another shape or that are no real numbers, an unknown scale or
    palette, and columns, a tile or a gap that are no whole numbers of these.
    """
    values = _finite(values)
    if values.ndim != 3 or values.size == 0:
        raise ParameterError(f"A mosaic is made of values of shape (C, H, W), not {values.shape}.")
    if isinstance(scale, str) and scale not in SCALES:
        raise ParameterError(f"“{scale}” is no scale. Use one of {', '.join(SCALES)}, or two numbers.")
    if not isinstance(scale, str) and np.shape(scale) not in ((2,), (len(values), 2)):
        raise ParameterError(
            f"A scale is two numbers, or two for each of {len(values)} channels, not {np.shape(scale)}."
        )
    if isinstance(gap, bool) or not isinstance(gap, int | np.integer) or gap < 0:
        raise ParameterError(f"The gap must be a whole number of pixels, 0 or more, not {gap!r}.")
    rows, columns = mosaic_layout(len(values), columns)

    # The scale is that of the values as they are; to shrink them before they are scaled is the same, and less to do.
    scaled = _scaling(values, scale, _symmetric if palette == "diverging" else _stretched)
    levels = _resampled(_levels(scaled(_shrunk(values, tile)), palette), tile)  # (C, h, w)
    channels, height, width = levels.shape
    cells = np.zeros((rows * columns, height, width), np.uint8)
    cells[:channels] = levels
    canvas = np.zeros((rows, height + gap, columns, width + gap), np.uint8)
    canvas[:, :height, :, :width] = cells.reshape(rows, columns, height, width).swapaxes(1, 2)
    picture = cv2.applyColorMap(canvas.reshape(rows * (height + gap), -1), _lookup(palette))
    grid = picture.reshape(*canvas.shape, 3)
    grid[:, height:] = grid[:, :, :, width:] = _GAP_GREY
    grid[-1, :, channels - (rows - 1) * columns :] = _GAP_GREY
    return np.ascontiguousarray(picture[: picture.shape[0] - gap, : picture.shape[1] - gap])


def _shrunk(values: NDArray, tile: int | None) -> NDArray:
    """(C, H, W) with areas averaged so that the longer side is at most `tile` pixels."""
    if tile is not None and (isinstance(tile, bool) or not isinstance(tile, int | np.integer) or tile < 1):
        raise ParameterError(f"A tile’s side must be a whole number of pixels, 1 or more, not {tile!r}.")
    if tile is None or tile >= max(values.shape[1:]):
        return values
    height, width = _tile_shape(values.shape[1:], tile)
    return np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in values])


def _resampled(values: NDArray, tile: int | None) -> NDArray:
    """(C, H, W) by nearest neighbour so that the longer side is `tile` pixels."""
    if tile is None or tile == max(values.shape[1:]):
        return values
    row, column = (
        np.arange(size) * side // size
        for size, side in zip(_tile_shape(values.shape[1:], tile), values.shape[1:], strict=True)
    )
    return values[:, row[:, None], column]


def _tile_shape(shape: tuple[int, ...], tile: int) -> tuple[int, ...]:
    return tuple(max(1, round(side * tile / max(shape))) for side in shape)


def _finite(values: NDArray) -> NDArray[np.float32]:
    """float32, NaN as 0, infinity as the greatest finite value of its sign."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ParameterError(f"Only real numbers can be shown, not {values.dtype}.")
    values = values.astype(np.float32, copy=False)
    if values.size == 0 or np.isfinite([values.min(), values.max()]).all():  # either would be NaN if one value were
        return values
    good = np.isfinite(values)
    known = values[good]
    low, high = (known.min(), known.max()) if known.size else (0, 0)
    return np.nan_to_num(values, nan=0.0, posinf=high, neginf=low)


def _bytes(values: NDArray[np.float32], absolute: bool) -> NDArray[np.uint8]:
    """Rounded to the nearest of 0..255; OpenCV does it in one pass, and without arrays in between."""
    values = np.ascontiguousarray(values)
    if max(values.max(), -values.min()) < 2**30:  # what fits OpenCV's whole numbers
        flat = values.reshape(len(values), -1)  # one channel: of several, OpenCV knows no more than four
        done = cv2.convertScaleAbs(flat) if absolute else cv2.add(flat, 0.0, dtype=cv2.CV_8U)
        return done.reshape(values.shape)
    return np.rint((np.abs(values) if absolute else values).clip(0, 255)).astype(np.uint8)


def _scaling(
    values: NDArray, scale: str | tuple[float, float] | NDArray, stretch: Callable[..., NDArray]
) -> Callable[[NDArray], NDArray]:
    """The affine function, for each channel of (C, …) or for all, by which the stretch takes values to 0..1.

    scale is one of SCALES, or two numbers, (2,) or (C, 2), that the stretch is to find as if they were the extremes.
    """
    if isinstance(scale, str):
        axes = (1, 2) if scale == "channel" else (0, 1, 2)
        ends = np.stack([values.min(axis=axes), values.max(axis=axes)], axis=-1).reshape(-1, 2)
    else:
        ends = np.asarray(scale, np.float32).reshape(-1, 2)
    low, high = stretch(ends, (1,)).T  # two points of an affine function are all of it
    half = ends[:, 1] / 2 - ends[:, 0] / 2  # of two float32 of opposite sign the range may exceed float32
    slope = np.divide(high - low, half, where=half > 0, out=np.zeros_like(half))[:, None, None]
    return lambda x: low[:, None, None] + (x / 2 - ends[:, :1, None] / 2) * slope


def _stretched(values: NDArray, axes: tuple[int, ...] | None = None) -> NDArray:
    """Least to greatest value over `axes` as 0..1; 0 where they are the same."""
    low, high = values.min(axis=axes, keepdims=True), values.max(axis=axes, keepdims=True)
    # Halves: the range of two float32 of opposite sign may exceed float32.
    half = high / 2 - low / 2
    return (values / 2 - low / 2) / np.where(half > 0, half, 1)


def _symmetric(values: NDArray, axes: tuple[int, ...] | None = None) -> NDArray:
    """-m..m as 0..1, m the greatest absolute value over `axes`; 0.5 where all are 0."""
    most = np.abs(values).max(axis=axes, keepdims=True)
    return 0.5 + 0.5 * values / np.where(most > 0, most, 1)


def _coloured(values: NDArray, palette: str) -> NDArray[np.uint8]:
    """Finite values, (H, W), as colours (H, W, 3); 0..1 is the palette's whole range."""
    return cv2.applyColorMap(_levels(values, palette), _lookup(palette))


def _levels(values: NDArray, palette: str) -> NDArray[np.uint8]:
    """Finite values as places in the palette's table."""
    return _bytes(values.clip(0, 1) * np.float32(len(_table(palette)) - 1), absolute=False)


@lru_cache(maxsize=len(PALETTES))
def _lookup(palette: str) -> NDArray[np.uint8]:
    """The palette's table as OpenCV takes it, (256, 1, 3)."""
    table = _table(palette)
    return np.concatenate([table, np.zeros((256 - len(table), 3), np.uint8)])[:, None]


@lru_cache(maxsize=len(PALETTES))
def _table(palette: str) -> NDArray[np.uint8]:
    """The palette's colours, (256, 3); "diverging" has 255, so that its middle is one colour."""
    if palette == "grey":
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    elif palette == "diverging":
        anchors = np.array(_DIVERGING)
        places = np.linspace(0, len(anchors) - 1, 255)
        table = np.stack([np.interp(places, np.arange(len(anchors)), channel) for channel in anchors.T], axis=1)
        table = np.rint(table).astype(np.uint8)
    elif palette in _COLOUR_MAPS:
        levels = np.arange(256, dtype=np.uint8)[:, None]
        table = cv2.applyColorMap(levels, _COLOUR_MAPS[palette])[:, 0, ::-1].copy()
    else:
        raise ParameterError(f"“{palette}” is no palette. Use one of {', '.join(PALETTES)}.")
    table.setflags(write=False)
    return table
