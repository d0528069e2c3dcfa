"""What happens to pictures on their way, and whether a change that nobody sees outlives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2

from visionlab.imaging.filters import FILTERS
from visionlab.imaging.image import Image, encode_jpeg, load_image

QUALITY = 75  # of a JPEG, as most programs save it
SIGMA = 1.0  # pixels


@dataclass(frozen=True)
class Fate:
    """Something that befalls a picture: apply(picture) → picture, both uint8 (H, W, 3)."""

    name: str
    title: str
    about: str
    apply: Callable[[Image], Image]


def _saved(image: Image) -> Image:
    return load_image(encode_jpeg(image, QUALITY))


def _blurred(image: Image) -> Image:
    return FILTERS["gaussian_blur"].apply(image, sigma=SIGMA)


def _halved(image: Image) -> Image:
    """Half as wide and high, by area, and back, bilinearly."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


FATES = {
    fate.name: fate
    for fate in (
        Fate("jpeg", "As JPEG", f"saved as a JPEG of quality {QUALITY}", _saved),
        Fate("blur", "Blurred", f"under Filters’ Gaussian blur of {SIGMA:g} px", _blurred),
        Fate("half", "Halved", "shrunk to half its size and enlarged again", _halved),
    )
}
