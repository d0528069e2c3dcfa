"""What convolve() computes with on a CPU: OpenCV's direct sum, two 1-D passes, or FFTs, shared among the cores.

Where OpenCV can take a picture as it is, and shares it among the cores itself or has so little to do that no second
core is worth waking, it gets the whole. Else the picture is cut into pieces small enough to stay in a core's cache from
the conversion of their bytes to the finished response, which OpenCV alone would fetch from memory several times over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging import cores
from visionlab.imaging.image import Response
from visionlab.imaging.kernels import separate

# The bounds below were measured on two cores of an AMD EPYC with benchmarks/convolution.py, _LITTLE and _SHARED on two
# of an Intel Xeon.
_SEPARABLE_UP_TO = 61  # a side, beyond which an FFT is faster than two 1-D passes
_DIRECT_UP_TO = {np.float32: 121, np.float64: 49}  # weights, beyond which an FFT is faster than the sum itself
_PIECE = 3_200_000  # bytes of floats in the rows that a core takes at a time
_LARGE_PIECE = 6_400_000  # where they are computed with where they lie
_LEAST = 400_000  # bytes of floats for which it is worth waking another core
_LITTLE = 9_000_000  # products in a whole response for which it is not
_SHARED = 2**20  # pixels from which on OpenCV shares a picture among the cores itself
_TILE = 256  # pixels on a side of what is transformed at once
_PAGE = 4096  # bytes: rows that begin at the same place of a page compete for the same few places of the first cache
_ALIKE = 12  # rows that may do so before it takes time; it holds eight of them
_ROUNDING = 300.0  # Σ|weight| · |pixel| up to which sums in float32 are right to 1e-4
_EXACT = 2**24  # up to here float32 holds every whole number
_USUAL = 255.0  # the greatest absolute value of most pictures
_USUAL_BITS = np.float32(_USUAL).view(np.uint32)
_CHANNELS = 4  # the most that OpenCV takes


@dataclass(frozen=True)
class Border:
    """What lies beyond the edge: its title, what it is to OpenCV, and whether OpenCV's filters have it themselves."""

    title: str
    code: int
    filtered: bool = True


BORDERS = {  # what each makes of a row is told by convolve()
    "zero": Border("Zeros", cv2.BORDER_CONSTANT),
    "reflect": Border("Reflect", cv2.BORDER_REFLECT_101),
    "replicate": Border("Replicate the edge", cv2.BORDER_REPLICATE),
    "wrap": Border("Wrap around", cv2.BORDER_WRAP, filtered=False),
    "valid": Border("None (valid)", cv2.BORDER_REPLICATE),  # what that makes is cut off
}


def peak_of(planes: NDArray) -> float:
    """The greatest absolute value of planes (H, W, C), or what may be one of bytes. ParameterError where one is no
    number."""
    if planes.dtype == np.uint8:
        return _USUAL
    found: list[float] = []

    def look(rows: NDArray) -> None:  # twice at rows that stay in the cache; NaN where one value is
        found.append(max(float(rows.max()), -float(rows.min())))

    _look_at(planes, look)
    if not np.isfinite(peak := float(np.max(found))):
        raise ParameterError("The picture holds NaN or infinite values; every pixel must be a finite number.")
    return peak


def _usual(planes: NDArray[np.float32]) -> bool:
    """Whether all are numbers, none of them beyond ±_USUAL.

    Floats from 0 on are in the order of their bits, which are looked at in a quarter of the time; the bits of what is
    below 0, or no number, are greater than all of these.
    """
    found = [True]

    def look(rows: NDArray) -> None:
        if all(found) and rows.view(np.uint32).max() > _USUAL_BITS:
            found.append(bool(rows.min() >= -_USUAL and rows.max() <= _USUAL))

    _look_at(planes, look)
    return all(found)


def _look_at(planes: NDArray, look: Callable[[NDArray], None]) -> None:
    """All of them, band by band of rows."""
    bands = _bands(len(planes), max(1, _PIECE * len(planes) // planes.nbytes))
    cores.share(lambda band: look(planes[slice(*band)]), bands)


def correlate(
    planes: NDArray,
    weights: NDArray[np.float64],
    stride: int,
    border: str,
    margins: tuple[int, int, int, int],
) -> Response:
    """The response float32 (H', W', C) of planes (H, W, C) to weights that are flipped and dilated already.

    margins are how far a window reaches (up, down, left, right) beyond the pixel that it answers for; none if "valid".
    ParameterError where a value of planes is no number.
    """
    planes = np.require(planes if planes.dtype in (np.uint8, np.float32) else planes.astype(np.float64), None, "C")
    method = _method_for(planes, weights)
    if method.by_fft:
        return _by_fft(pad(planes, border, margins), method.weights, stride)
    if not BORDERS[border].filtered:
        planes, border, margins = pad(planes, border, margins), "valid", (0, 0, 0, 0)
    if stride == 1 and border != "valid" and method.at_once(planes):
        return method.run(planes, border, margins)
    return _by_pieces(planes, method, stride, border, margins)


@dataclass(frozen=True, eq=False)
class _Method:
    """How a kernel is computed: its weights and, where two 1-D passes do, their column and row, in that precision."""

    weights: NDArray
    factors: tuple[NDArray, NDArray] | None
    precision: type[np.floating]

    @property
    def by_fft(self) -> bool:
        return self.factors is None and self.weights.size > _DIRECT_UP_TO[self.precision]

    def takes(self, planes: NDArray) -> bool:
        """Whether OpenCV takes them as they are: floats, and bytes by two passes; a direct sum of bytes is slow."""
        in_passes = self.factors is not None and self.precision is np.float32
        return planes.dtype == self.precision or (planes.dtype == np.uint8 and in_passes)

    def at_once(self, planes: NDArray) -> bool:
        """Whether OpenCV takes the whole of them, and pieces would be no faster."""
        products = sum(factor.size for factor in self.factors) if self.factors else self.weights.size
        as_quick = planes.size * products <= _LITTLE or planes.shape[0] * planes.shape[1] >= _SHARED
        return as_quick and self.precision is np.float32 and self.takes(planes) and planes.shape[2] <= _CHANNELS

    def run(
        self, source: NDArray, border: str, margins: tuple[int, int, int, int], out: NDArray | None = None
    ) -> NDArray:
        """OpenCV's response to all of the source, of its shape; into out, where that is given."""
        depth = cv2.CV_32F if self.precision is np.float32 else cv2.CV_64F
        up, _, left, _ = margins
        options = {"dst": out, "anchor": (left, up), "borderType": BORDERS[border].code}
        if self.factors is None:
            found = cv2.filter2D(source, depth, self.weights, **options)
        else:
            found = cv2.sepFilter2D(source, depth, self.factors[1], self.factors[0], **options)
        return found.reshape(source.shape)


@lru_cache(maxsize=64)
def _method(raw: bytes, shape: tuple[int, int], peak: float, whole: bool) -> _Method:
    """float32 where its sums are exact, or right to 1e-4 in the picture's units; float64 otherwise.

    peak is the picture's greatest absolute value, and whole says that its values are whole numbers.
    """
    weights = np.frombuffer(raw).reshape(shape)
    factors = separate(weights) if 1 < max(shape) <= _SEPARABLE_UP_TO else None
    precision = np.float64
    reach = float(np.abs(weights).sum()) * peak
    if reach <= _ROUNDING:
        precision = np.float32
    elif whole and weights.size <= _DIRECT_UP_TO[np.float32]:
        # Whole numbers, or whole multiples of a power of two, as in most edge kernels, are summed without an error.
        for unit in (1, 16, 256):
            if reach * unit < _EXACT and not np.any(weights * unit % 1):
                precision = np.float32
                if factors is not None and any(np.any(factor % 1) for factor in factors):
                    factors = None
                break
    if factors is not None:
        factors = (factors[0].astype(precision), factors[1].astype(precision))
    return _Method(weights.astype(precision), factors, precision)


def _method_for(planes: NDArray, weights: NDArray[np.float64]) -> _Method:
    """ParameterError where a value of planes is no number."""
    how, whole = (weights.tobytes(), weights.shape), planes.dtype == np.uint8
    if planes.dtype == np.float32:
        method = _method(*how, _USUAL, whole)
        if method.precision is np.float32 and _usual(planes):
            return method
    return _method(*how, peak_of(planes), whole)


def pad(planes: NDArray, border: str, margins: tuple[int, int, int, int]) -> NDArray:
    """The picture with its margins, (up + H + down, left + W + right, C); as bytes if it is bytes."""
    if border == "valid":
        return planes
    parts = [planes[..., first : first + _CHANNELS] for first in range(0, planes.shape[2], _CHANNELS)]
    padded = [cv2.copyMakeBorder(np.ascontiguousarray(part), *margins, BORDERS[border].code) for part in parts]
    padded = [part.reshape(*part.shape[:2], -1) for part in padded]
    return padded[0] if len(padded) == 1 else np.concatenate(padded, axis=2)


_Part: TypeAlias = tuple[tuple[int, int], tuple[int, int], int]  # rows, columns, the first of up to four channels


def _by_pieces(
    planes: NDArray, method: _Method, stride: int, border: str, margins: tuple[int, int, int, int]
) -> Response:
    """Band by band of rows, and where it helps in parts side by side."""
    height, width, channels = planes.shape
    precision = method.precision
    rows, columns = method.weights.shape
    up, down, left, right = margins if border != "valid" else (0, rows - 1, 0, columns - 1)
    if border == "valid":  # a window anchored at its first weight answers at its own corner; what is cut is cut off
        height, width = height - rows + 1, width - columns + 1
    response = np.empty((-(-height // stride), -(-width // stride), channels), np.float32)
    taken = method.takes(planes)

    def answer(part: _Part, straight: bool = False) -> None:
        (first, last), (left_most, right_most), channel = part
        begin, end = first * stride, (last - 1) * stride + 1  # rows of the picture that are answered for
        start, stop = left_most * stride, (right_most - 1) * stride + 1  # and columns
        top, bottom = _reach(begin, end, planes.shape[0], rows, (up, down))
        near, far = _reach(start, stop, planes.shape[1], columns, (left, right))
        source = planes[top:bottom, near:far, channel : channel + _CHANNELS]
        if not taken:
            floats = cores.scratch(0, source.shape, precision)
            np.copyto(floats, source)
            source = floats
        spoilt = [response[top:first, near:far], response[first:last, near:start]] if straight else []
        kept = [each.copy() for each in spoilt]
        found = response[top:bottom, near:far] if straight else cores.scratch(1, source.shape, precision)
        found = method.run(source, border, (up, down, left, right), found)
        for each, before in zip(spoilt, kept, strict=True):
            each[:] = before
        if not straight:
            found = found[begin - top : end - top : stride, start - near : stop - near : stride]
            response[first:last, left_most:right_most, channel : channel + _CHANNELS] = found

    pixel_bytes = min(channels, _CHANNELS) * np.dtype(precision).itemsize
    tiles = 1 if method.factors is None else _tiles(planes.shape[1], method.factors, pixel_bytes)
    columns_at_once = _split(response.shape[1], min(tiles, response.shape[1]))
    row_bytes = -(-planes.shape[1] // tiles) * pixel_bytes
    if stride == 1 and border != "valid" and precision is np.float32 and channels <= _CHANNELS:
        # Bands go straight into the response, which saves a copy, but spoil what lies next to them. What was there is
        # put back; between two runs of bands it is computed anew by whoever ends the second of the two.
        height = len(response)
        each = max((_LARGE_PIECE if taken else _PIECE) // row_bytes, 18 * rows, -(-height // (4 * cores.count())))
        runs = _bands(height, max(min(each, -(-height // cores.count())), _LEAST // row_bytes + 1))
        if height < 2 * (rows + 1) * len(runs):  # so low that a run would spoil more than its neighbour's edge
            runs = [(0, height)]
        beyond = max(up, down)
        done: set[int] = set()

        def answer_run(number: int) -> None:
            start, end = runs[number]
            end -= beyond if number + 1 < len(runs) else 0
            for across in columns_at_once:
                answer(((start, end), across, 0), straight=True)
            done.add(number)
            for low in {number - 1, number}:
                if beyond and {low, low + 1} <= done:
                    for across in columns_at_once:
                        answer(((runs[low][1] - beyond, runs[low][1]), across, 0))

        cores.share(answer_run, range(len(runs)))
    else:
        bands = _bands(len(response), max(1, max(_PIECE // row_bytes, 12 * rows) // stride))
        cores.share(answer, list(product(bands, columns_at_once, range(0, channels, _CHANNELS))))
    return response


def _reach(first: int, last: int, whole: int, taps: int, margins: tuple[int, int]) -> tuple[int, int]:
    """(first, last + 1) of the rows, or columns, of a picture that has so many, from which those are answered for. What
    mirrors or repeats the edge needs as many on this side of it as beyond."""
    low, high = max(0, first - margins[0]), min(whole, last + margins[1])
    if high == whole:
        low = max(0, min(low, high - taps - 1))
    if low == 0:
        high = min(whole, max(high, taps + 1))
    return low, high


def _tiles(width: int, factors: tuple[NDArray, NDArray], pixel_bytes: int) -> int:
    """Into how many parts side by side a picture so wide is cut for two 1-D passes.

    Between them OpenCV keeps as many rows as the kernel has, each begun at a whole multiple of 64 pixels. Where that is
    one of a page, all of them begin at the same place of a page: 31 rows of 1,024 pixels take twice the time of as many
    of 1,030.
    """
    rows, columns = (factor.size for factor in factors)
    for tiles in range(1, 4):
        wide = -(-width // tiles) + (columns - 1 if tiles > 1 else 0)
        if rows <= _ALIKE * (_PAGE // math.gcd(-(-wide // 64) * 64 * pixel_bytes, _PAGE)):
            return tiles
    return 1


def _bands(height: int, each: int) -> list[tuple[int, int]]:
    """(first, last + 1) of about as many rows as told, as many bands for every core."""
    count = -(-height // each)
    return _split(height, min(height, -(-count // cores.count()) * cores.count()) if count > 1 else 1)


def _split(whole: int, count: int) -> list[tuple[int, int]]:
    return [(whole * i // count, whole * (i + 1) // count) for i in range(count)]


def _by_fft(padded: NDArray, weights: NDArray, stride: int) -> Response:
    """Overlap-save (Oppenheim & Schafer, section 8.7.3): tile by tile, the product of the spectra; whole windows."""
    from scipy import fft  # late: most kernels do without

    rows, columns = weights.shape
    height, width = padded.shape[0] - rows + 1, padded.shape[1] - columns + 1
    sides = [
        fft.next_fast_len(min(whole, max(_TILE, 4 * span)), real=True)
        for whole, span in zip(padded.shape, weights.shape, strict=False)
    ]
    steps = [side - span + 1 for side, span in zip(sides, weights.shape, strict=True)]
    spectrum = fft.rfft2(weights[::-1, ::-1], sides)
    response = np.empty((-(-height // stride), -(-width // stride), padded.shape[2]), np.float32)

    def answer(tile: tuple[int, int, int]) -> None:
        top, left, channel = tile
        source = padded[top : top + sides[0], left : left + sides[1], channel].astype(weights.dtype)
        found = fft.irfft2(fft.rfft2(source, sides) * spectrum, sides)[rows - 1 :, columns - 1 :]
        y, x = -top % stride, -left % stride  # to the first row and column that the stride does not skip
        found = found[y : height - top : stride, x : width - left : stride]
        y, x = (top + y) // stride, (left + x) // stride
        response[y : y + found.shape[0], x : x + found.shape[1], channel] = found

    tops, lefts = range(0, height, steps[0]), range(0, width, steps[1])
    cores.share(answer, list(product(tops, lefts, range(padded.shape[2]))))
    return response
