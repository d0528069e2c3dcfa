"""What can be said of a kernel before it is used: its rank, what it does to each frequency, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len

from visionlab.imaging.kernels import RANK_TOLERANCE, Kernel, check_weights, separate


@dataclass(frozen=True)
class Costs:
    """Real multiplications for one picture: the window at every place, two passes where there are two, by FFT.

    separable is None where the kernel is no product of a column and a row.
    """

    plain: int
    separable: int | None
    fft: int


def rank(weights: ArrayLike | Kernel) -> int:
    """The kernel's rank: of how many products of a column and a row it is the sum. 0 where all weights are 0.

    A singular value counts where it exceeds what rounding to float32 makes of a zero (RANK_TOLERANCE of the largest,
    times the side).
    """
    values = np.linalg.svd(_weights(weights), compute_uv=False)
    return int((values > RANK_TOLERANCE * max(_weights(weights).shape) * values[0]).sum()) if values[0] > 0 else 0


def frequency_response(weights: ArrayLike | Kernel, size: int = 64) -> NDArray[np.float32]:
    """How much the kernel lets through of each frequency, |its discrete Fourier transform|: (size, size) float32.

    Frequency 0, which is the picture's mean, is at [size // 2, size // 2]; rows go from -1/2 to 1/2 cycles a pixel
    downwards, columns to the right. Kernels larger than `size` are folded onto it, as the transform's period says.
    """
    array = _weights(weights)
    grid = np.zeros((size, size))
    rows, columns = np.indices(array.shape)
    np.add.at(grid, (rows % size, columns % size), array)
    return np.abs(np.fft.fftshift(np.fft.fft2(grid))).astype(np.float32)


def costs(
    shape: tuple[int, int], weights: ArrayLike | Kernel, *, outputs: tuple[int, int] | None = None, channels: int = 1
) -> Costs:
    """Multiplications to slide the kernel over a picture of `shape` (rows, columns).

    `outputs` is the response's shape where it differs from the picture's. Plain: kh · kw for each value. Separable: kh
    + kw for each (the first pass over every row, of the kept columns). FFT: with N points after padding to fast
    lengths, 2 N log2 N real multiplications a transform (radix 2, Cooley & Tukey 1965), one for the kernel, two for
    each channel, and 4 N for the products; it computes every place, whatever the stride.
    """
    array = _weights(weights)
    kh, kw = array.shape
    rows, columns = outputs or shape
    points = next_fast_len(shape[0] + kh - 1, real=True) * next_fast_len(shape[1] + kw - 1, real=True)
    transform = 2 * points * log2(points)
    return Costs(
        plain=rows * columns * kh * kw * channels,
        separable=(shape[0] * columns * kw + rows * columns * kh) * channels if separate(array) is not None else None,
        fft=round(transform + channels * (2 * transform + 4 * points)),
    )


def _weights(weights: ArrayLike | Kernel) -> NDArray[np.float64]:
    return weights.weights.astype(np.float64) if isinstance(weights, Kernel) else check_weights(weights)
