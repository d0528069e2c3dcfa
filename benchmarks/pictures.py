"""What the measurements are given: photographs, no two alike, made of the samples."""

from __future__ import annotations

import numpy as np

from visionlab.imaging.image import Image, encode_jpeg
from visionlab.imaging.samples import load_sample


def photographs(count: int, height: int = 1024, width: int = 1024) -> list[Image]:
    """So many pictures of that size with a photograph's detail: a sample and its mirror images, tiled, each rolled by
    some pixels more than the last.
    """
    sample = load_sample("astronaut")
    tile = np.hstack([sample, sample[:, ::-1]])
    tile = np.vstack([tile, tile[::-1]])
    whole = np.tile(tile, (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1))[:height, :width]
    return [np.ascontiguousarray(np.roll(whole, 37 * i, axis=1)) for i in range(count)]


def files(count: int, height: int = 480, width: int = 640) -> list[bytes]:
    """The same as JPEG files."""
    return [encode_jpeg(picture, 92) for picture in photographs(count, height, width)]
