"""VIEWS: what a picture may also look like. A view of a picture is the same at each call, so that it can be cached."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image

SMALLEST_CROP = 0.6  # of the picture's sides: the subject should still be in it
MOST_DEGREES = 15.0
MOST_COLOUR = 0.25  # by how much contrast and saturation change, as a share
MOST_BRIGHTNESS = 30.0  # levels of 255


@dataclass(frozen=True)
class View:
    """A way to vary a picture without changing what it shows: apply(image, rng) gives another picture."""

    name: str
    title: str
    about: str
    apply: Callable[[Image, np.random.Generator], Image]


def _flip(image: Image, _: np.random.Generator) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def _crop(image: Image, rng: np.random.Generator) -> Image:
    height, width = (max(1, round(length * rng.uniform(SMALLEST_CROP, 0.95))) for length in image.shape[:2])
    top = rng.integers(image.shape[0] - height + 1)
    left = rng.integers(image.shape[1] - width + 1)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _colour(image: Image, rng: np.random.Generator) -> Image:
    contrast, saturation = 1 + rng.uniform(-MOST_COLOUR, MOST_COLOUR, 2)
    brightness = rng.uniform(-MOST_BRIGHTNESS, MOST_BRIGHTNESS)
    x = image.astype(np.float32)
    grey = x.mean(2, keepdims=True)
    x = grey + saturation * (x - grey)
    return np.clip((x - 128) * contrast + 128 + brightness, 0, 255).round().astype(np.uint8)


def _rotation(image: Image, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rng.uniform(-MOST_DEGREES, MOST_DEGREES), 1.0)
    return cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


VIEWS: dict[str, View] = {
    "flip": View("flip", "Mirrored", "Left and right exchanged: not for letters, or for hands.", _flip),
    "crop": View("crop", "Cropped", f"A part with {SMALLEST_CROP:.0%} to 95% of the sides, anywhere.", _crop),
    "colour": View(
        "colour", "Other light", "Brightness, contrast and saturation vary: not where hue decides.", _colour
    ),
    "rotation": View("rotation", "Turned", f"By up to {MOST_DEGREES:.0f}° either way.", _rotation),
}


def check_views(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once. Raises ParameterError for one that is not in VIEWS."""
    found = tuple(dict.fromkeys(names))
    for name in found:
        if name not in VIEWS:
            raise ParameterError(f"There is no view “{name}”. There are {', '.join(VIEWS)}.")
    return found


def view(image: Image, name: str, key: str, seed: int = 0) -> Image:
    """The picture's view of that name in VIEWS: decided by its key (a name for its content), the view and the seed."""
    (name,) = check_views([name])
    digest = hashlib.sha256(f"{key} {name} {seed}".encode()).digest()
    return VIEWS[name].apply(image, np.random.default_rng(np.frombuffer(digest, np.uint32)))
