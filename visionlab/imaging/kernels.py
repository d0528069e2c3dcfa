"""Kernel and the KERNELS table: what the weights are. How they are applied is convolution's business."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError

MAX_SIDE = 101

# The share of a kernel's weights (by their absolute sum) that a rank-1 product may miss, and still count as the
# kernel: what rounding to float32 changes, four roundings of 2⁻²⁴ at worst.
RANK_TOLERANCE = 2.5e-7


@dataclass(frozen=True, eq=False)
class Kernel:
    """A small matrix of weights to slide over a picture.

    `weights` is (kh, kw) float32 and read-only, written as it is laid on the picture (cross-correlation): row 0 on
    top, column 0 at the left. `name` is its key, `title` and `about` are for people.
    """

    name: str
    weights: NDArray[np.float32]
    about: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        weights = check_weights(self.weights).astype(np.float32)
        weights.setflags(write=False)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "title", self.title or self.name)

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.weights.shape

    @property
    def total(self) -> float:
        """The sum of the weights, in float64: 1 keeps brightness, 0 answers nothing to a flat area."""
        return float(self.weights.sum(dtype=np.float64))

    @property
    def separable(self) -> bool:
        """Whether the weights are the product of one column and one row (rank 1, to RANK_TOLERANCE)."""
        return separate(self.weights) is not None


def check_weights(weights: ArrayLike) -> NDArray[np.float64]:
    """The weights as a new float64 array (kh, kw); ParameterError unless they are 2-D, real, finite and not empty."""
    try:
        array = np.array(weights)
    except ValueError as error:
        raise ParameterError("A kernel’s rows must all have the same number of weights.") from error
    if array.ndim != 2 or array.size == 0:
        raise ParameterError(f"A kernel has rows and columns, 1 × 1 or more, not the shape {array.shape}.")
    if array.dtype.kind not in "biuf":
        raise ParameterError(f"A kernel’s weights are real numbers, not {array.dtype}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ParameterError(
            f"A kernel’s weights must be finite, but row {row + 1}, column {column + 1} is {array[row, column]}."
        )
    return array


def custom_kernel(weights: ArrayLike, name: str = "custom") -> Kernel:
    """A Kernel of one's own from a 2-D array-like of finite real numbers, 1 to MAX_SIDE a side.

    Raises ParameterError naming what is wrong with the weights.
    """
    array = check_weights(weights)
    if max(array.shape) > MAX_SIDE:
        rows, columns = array.shape
        raise ParameterError(f"A kernel has 1 to {MAX_SIDE} rows and columns, not {rows} × {columns}.")
    limit = np.finfo(np.float32).max
    if np.abs(array).max() > limit:
        raise ParameterError(f"A kernel’s weights must fit float32 (up to {limit:.1e}), not {np.abs(array).max():.1e}.")
    return Kernel(name, array, about="A kernel of your own.", title=name.replace("_", " ").capitalize())


def separate(weights: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(column (kh,), row (kw,)) with outer(column, row) = weights to RANK_TOLERANCE, or None where there are none."""
    weights = np.asarray(weights, dtype=np.float64)
    # A column and a row through the greatest weight, and not an SVD: the factors of a Sobel stay whole numbers, so that
    # its answers do, and a flat area answers exactly 0.
    top, left = np.unravel_index(np.abs(weights).argmax(), weights.shape)
    if weights[top, left] == 0:
        return None
    column, row = weights[:, left], weights[top] / weights[top, left]
    missed = np.abs(weights - np.outer(column, row)).sum()
    return (column, row) if missed <= RANK_TOLERANCE * np.abs(weights).sum() else None


def _gaussian(size: int, sigma: float) -> NDArray[np.float64]:
    """exp(-(x² + y²) / 2σ²) on a grid around the centre, (size, size), summing to 1."""
    line = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    return np.outer(line, line) / line.sum() ** 2


def _laplacian_of_gaussian(size: int, sigma: float) -> NDArray[np.float64]:
    """(r² - 2σ²) / σ⁴ · gaussian (Marr & Hildreth 1980), (size, size), its mean taken away so that it sums to 0."""
    squares = (np.arange(size) - (size - 1) / 2) ** 2
    radius = squares[:, None] + squares[None, :]
    weights = (radius - 2 * sigma**2) / sigma**4 * _gaussian(size, sigma)
    return weights - weights.mean()


def _gabor(size: int, sigma: float, wavelength: float) -> NDArray[np.float64]:
    """A cosine wave from left to right under a Gaussian (Daugman 1985), (size, size), summing to 0."""
    wave = np.cos(2 * np.pi * (np.arange(size) - (size - 1) / 2) / wavelength)
    window = _gaussian(size, sigma)
    weights = window * wave[None, :]
    return weights - window * weights.sum()


KERNELS: dict[str, Kernel] = {
    "identity": Kernel(
        "identity",
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
        "Answers every pixel with itself: the picture comes out as it went in.",
        "Identity",
    ),
    "box_blur_3": Kernel(
        "box_blur_3",
        np.full((3, 3), 1 / 9),
        "Replaces every pixel by the mean of its 3 × 3 neighbourhood.",
        "Box blur, 3 × 3",
    ),
    "box_blur_8": Kernel(
        "box_blur_8",
        np.full((8, 8), 1 / 64),
        "The mean of 8 × 8 pixels; an even size has no middle pixel, so the picture moves by half a pixel.",
        "Box blur, 8 × 8",
    ),
    "gaussian_3": Kernel(
        "gaussian_3",
        _gaussian(3, 0.8),
        "A light blur that trusts near pixels more than far ones.",
        "Gaussian blur, 3 × 3",
    ),
    "gaussian_5": Kernel(
        "gaussian_5", _gaussian(5, 1.1), "A soft blur that calms noise and keeps shapes.", "Gaussian blur, 5 × 5"
    ),
    "gaussian_9": Kernel(
        "gaussian_9", _gaussian(9, 1.8), "A strong soft blur in which fine detail is gone.", "Gaussian blur, 9 × 9"
    ),
    "motion_blur_9": Kernel(
        "motion_blur_9",
        np.eye(9) / 9,
        "Smears along the diagonal, as a camera that moved would.",
        "Motion blur, diagonal",
    ),
    "sharpen": Kernel(
        "sharpen",
        [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "Adds to each pixel what sets it apart from its four neighbours.",
        "Sharpen",
    ),
    "unsharp": Kernel(
        "unsharp",
        2 * np.pad([[1.0]], 2) - _gaussian(5, 1.1),
        "Twice the picture minus its Gaussian blur: sharpens more gently than “Sharpen”.",
        "Unsharp mask",
    ),
    "emboss": Kernel(
        "emboss",
        [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
        "Brightens where the picture gets lighter towards the lower right, like a relief lit from the side.",
        "Emboss",
    ),
    "outline": Kernel(
        "outline",
        [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
        "Positive where a pixel is brighter than its eight neighbours, zero on flat areas.",
        "Outline",
    ),
    "sobel_x": Kernel(
        "sobel_x",
        [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "Change from left to right, smoothed from top to bottom: finds vertical edges.",
        "Sobel, horizontal change",
    ),
    "sobel_y": Kernel(
        "sobel_y",
        [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        "Change from top to bottom, smoothed from left to right: finds horizontal edges.",
        "Sobel, vertical change",
    ),
    "prewitt_x": Kernel(
        "prewitt_x",
        [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
        "Change from left to right, averaged over three rows alike.",
        "Prewitt, horizontal change",
    ),
    "prewitt_y": Kernel(
        "prewitt_y",
        [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        "Change from top to bottom, averaged over three columns alike.",
        "Prewitt, vertical change",
    ),
    "scharr_x": Kernel(
        "scharr_x",
        [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
        "Like Sobel, with weights that answer slanted edges more evenly.",
        "Scharr, horizontal change",
    ),
    "scharr_y": Kernel(
        "scharr_y",
        [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
        "Like Sobel, with weights that answer slanted edges more evenly.",
        "Scharr, vertical change",
    ),
    "roberts_x": Kernel(
        "roberts_x",
        [[1, 0], [0, -1]],
        "The difference along one diagonal of 2 × 2 pixels (Roberts 1963).",
        "Roberts, falling",
    ),
    "roberts_y": Kernel(
        "roberts_y", [[0, 1], [-1, 0]], "The difference along the other diagonal of 2 × 2 pixels.", "Roberts, rising"
    ),
    "laplacian": Kernel(
        "laplacian",
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        "The second derivative from four neighbours: zero on even slopes, strong at edges and dots.",
        "Laplacian, 4 neighbours",
    ),
    "laplacian_8": Kernel(
        "laplacian_8",
        [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
        "The second derivative from all eight neighbours, diagonals included.",
        "Laplacian, 8 neighbours",
    ),
    "log_9": Kernel(
        "log_9",
        _laplacian_of_gaussian(9, 1.4),
        "The Laplacian of a Gaussian: edges and blobs, without the noise that a bare Laplacian picks up.",
        "Laplacian of Gaussian",
    ),
    "gabor_15": Kernel(
        "gabor_15",
        _gabor(15, 3.0, 6.0),
        "Answers stripes that stand upright and are six pixels apart, much as cells in the visual cortex do.",
        "Gabor, upright stripes",
    ),
    "horizontal_lines": Kernel(
        "horizontal_lines",
        [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
        "Strong on bright horizontal lines one pixel thick.",
        "Horizontal lines",
    ),
    "vertical_lines": Kernel(
        "vertical_lines",
        [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
        "Strong on bright vertical lines one pixel thick.",
        "Vertical lines",
    ),
}
