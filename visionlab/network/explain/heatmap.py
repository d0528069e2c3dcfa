"""Heatmap: an explanation laid over the whole picture, where the network's crop of it lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.network.running.classifier import Transform

NOTHING_MARKED = "{method} marks nothing here for “{label}”: by it, no place speaks for that class."


@dataclass(frozen=True, eq=False)
class Heatmap:
    """values (H, W) float32 in 0..1, laid over the whole picture: 0 where the network did not look or saw no reason.

    H and W are the picture's, unless the map was asked for over a smaller or larger copy of it.

    target is the index of the class that is explained, method the name in METHODS. on_crop (h, w) float32 in 0..1 is
    the map of the network's crop as the method made it, before it was laid over anything; None where no method did.
    """

    values: NDArray[np.float32]
    target: int
    method: str
    on_crop: NDArray[np.float32] | None = None

    @property
    def empty(self) -> bool:
        """Whether the method marks nothing: by it, no place speaks for the class."""
        return not self.values.any()

    @classmethod
    def laid(
        cls,
        transform: Transform,
        shape: tuple[int, int],
        values: NDArray[np.float32],
        target: int,
        method: str,
        percentile: float,
    ) -> Heatmap:
        """Of a method's unscaled map (h, w) of the network's crop, over a picture of that shape: see scaled()."""
        on_crop = scaled(values, percentile)
        return cls(lay_over(transform, shape, on_crop), target, method, on_crop)


def seen(transform: Transform, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns that the network sees of a picture of that height and width, at least one of each."""
    height, width = shape
    top, left, tall, wide = transform.box(shape)
    rows = slice(max(0, round(top)), min(height, max(round(top) + 1, round(top + tall))))
    columns = slice(max(0, round(left)), min(width, max(round(left) + 1, round(left + wide))))
    return rows, columns


def scaled(values: NDArray[np.float32], percentile: float = 100.0) -> NDArray[np.float32]:
    """An unscaled map (h, w) in 0..1: its percentile becomes 1, or its largest value where that is not above 0.

    What is negative becomes 0, and a map without a positive value is empty, not noise stretched to full scale.
    """
    largest = float(values.max())
    if largest <= 0:
        return np.zeros_like(values)
    peak = float(np.percentile(values, percentile))
    peak = peak if peak > 0 else largest
    return values.clip(0, peak) / peak


def lay_over(
    transform: Transform, shape: tuple[int, int], values: NDArray[np.float32], percentile: float = 100.0
) -> NDArray[np.float32]:
    """An unscaled map (h, w) of the network's crop, scaled(), over a picture of that shape: float32, 0 beside the
    crop."""
    full = np.zeros(shape, np.float32)
    rows, columns = seen(transform, shape)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    full[rows, columns] = cv2.resize(scaled(values, percentile), size, interpolation=cv2.INTER_LINEAR).clip(0, 1)
    return full
