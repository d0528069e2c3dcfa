"""What excites a channel: the places of each picture at which it answers most, and those patches of all pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.trace import Box
from visionlab.network.running.classifier import Classifier, Layer


@dataclass(frozen=True, eq=False)
class Peaks:
    """The k places of one picture at which each channel of a layer answers most, the strongest first.

    values (C, k) float32; rows and columns (C, k) are places of the layer's map.
    """

    values: NDArray[np.float32]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


@dataclass(frozen=True)
class Excitation:
    """One place at which a channel answers: the picture's number, the value, and the place in the layer's map."""

    picture: int
    value: float
    row: int
    column: int


def peaks(found: FeatureMap, count: int = 3) -> Peaks:
    """Where each channel answers most, at `count` places (or all, where a map has fewer), by non-maximum suppression.

    Two places of a channel are at least a receptive field apart, down or across, so that they show different things.
    Where the map is too small for that, or the receptive field unknown, they are as far apart as lets `count` of them
    fit, wherever they fall. A layer without places has one peak.
    """
    channels, height, width = found.values.shape
    count = min(count, height * width) if found.layer.in_place else 1
    distance = _distance(found, count)
    left = found.values.copy()  # what is not yet taken or too close
    every = np.arange(channels)
    near = np.arange(1 - distance, distance)
    chosen = np.empty((count, channels), np.intp)
    for places in chosen:
        places[:] = left.reshape(channels, -1).argmax(1)
        rows, columns = np.divmod(places, width)
        rows = (rows[:, None] + near).clip(0, height - 1)  # (C, 2·distance − 1)
        columns = (columns[:, None] + near).clip(0, width - 1)
        left[every[:, None, None], rows[:, :, None], columns[:, None, :]] = -np.inf
    rows, columns = np.divmod(chosen.T, width)
    return Peaks(found.values[every[:, None], rows, columns], rows, columns)


def _distance(found: FeatureMap, count: int) -> int:
    """How many places apart two peaks are: a receptive field, or less where `count` peaks could not be had so."""
    _, height, width = found.values.shape
    if count < 2:
        return 1
    # A peak closes a square of 2·distance − 1 places; as long as count − 1 squares leave one place, another fits.
    fits = (isqrt((height * width - 1) // (count - 1)) + 1) // 2
    if found.layer.receptive_field is None:
        return fits
    return min(ceil(found.layer.receptive_field / found.layer.stride), fits)


def strongest_unit(net: Classifier, found: FeatureMap, channel: int) -> tuple[int, int]:
    """The place (row, column) at which a channel answers most, of those whose window holds no padding.

    The window is that of the last layer with one. Of all places, where a map has none without padding, or the channel
    answers above zero among the others alone.
    """
    one = found.values[channel]
    margin = _padded(net, found.layer)
    inner = one[margin : one.shape[0] - margin, margin : one.shape[1] - margin]
    if inner.size and (inner.max() > 0 or one.max() <= 0):
        row, column = divmod(int(inner.argmax()), inner.shape[1])
        return row + margin, column + margin
    row, column = divmod(int(one.argmax()), one.shape[1])
    return row, column


def _padded(net: Classifier, layer: Layer) -> int:
    """How many rows and columns at each border of the layer's maps may see padding."""
    while layer.in_place and layer.receptive_field:
        before = net.source(layer)
        field = before.receptive_field if before else 1
        if field is None:
            break
        if layer.receptive_field > field:
            reach = (layer.receptive_field - field) // 2  # pixels of the input to either side
            return ceil(reach / layer.stride) if layer.kind == "conv" else 0
        if before is None:
            break
        layer = before
    return 0


def layer_peaks(net: Classifier, image: Image, layer: str, side: int) -> Peaks:
    """Where each channel of a layer answers most to a picture at `side` pixels; nothing behind it is computed."""
    return peaks(feature_maps(net, image, [layer], side)[layer])


def strongest_patches(by_picture: Sequence[Peaks], channel: int, count: int = 9) -> list[Excitation]:
    """The `count` places of all pictures at which a channel answers most, the strongest first, silent ones left out.

    by_picture holds the peaks of the same layer for each picture; an Excitation numbers the pictures in that order.
    """
    lively = [
        Excitation(picture, float(value), int(row), int(column))
        for picture, found in enumerate(by_picture)
        for value, row, column in zip(found.values[channel], found.rows[channel], found.columns[channel], strict=True)
        if value > 0
    ]
    return sorted(lively, key=lambda excitation: -excitation.value)[:count]


def crop(net: Classifier, image: Image, box: Box, side: int) -> Image:
    """The pixels of a box of the network's input at `side` pixels, as the network sees the picture: uint8 (h, w, 3)."""
    view = net.transform.at(side).view(image)
    return view[box.top : box.top + box.height, box.left : box.left + box.width].copy()
