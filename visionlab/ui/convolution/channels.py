"""What of a picture a kernel is slid over, and the line of Python that takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image


@dataclass(frozen=True)
class Channel:
    """`take` makes of an image (H, W, 3) uint8 what is convolved: `inputs` planes, (H, W) or (H, W, 3).
    `added` adds up their responses; `code` is the line of Python that takes it; `brief` is the title in a few words.
    """

    title: str
    brief: str
    take: Callable[[Image], NDArray[np.uint8]]
    code: str = ""
    inputs: int = 1
    added: bool = False

    @property
    def planes(self) -> int:
        """How many planes one response is the sum of."""
        return self.inputs if self.added else 1


def grey(image: Image) -> NDArray[np.uint8]:
    """(H, W): luma as ITU-R BT.601 weighs red, green and blue, in whole numbers; halves are rounded up."""
    red, green, blue = (image[..., k].astype(np.int32) for k in range(3))
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)


def _one(k: int) -> Callable[[Image], NDArray[np.uint8]]:
    return lambda image: np.ascontiguousarray(image[..., k])


CHANNELS: dict[str, Channel] = {
    "grey": Channel("Grey", "Grey", grey, "image = (image.astype(int) @ [299, 587, 114] + 500) // 1000  # grey"),
    "red": Channel("Red alone", "Red alone", _one(0), "image = image[..., 0]  # red"),
    "green": Channel("Green alone", "Green alone", _one(1), "image = image[..., 1]  # green"),
    "blue": Channel("Blue alone", "Blue alone", _one(2), "image = image[..., 2]  # blue"),
    "sum": Channel(
        "Red + green + blue, as a CNN adds them up", "Red + green + blue", lambda image: image, inputs=3, added=True
    ),
    "each": Channel("Red, green and blue, each by itself", "Each by itself", lambda image: image, inputs=3),
}
