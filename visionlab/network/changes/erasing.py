"""A picture of which a part is rubbed out, by a mask or in a heat map's order, and what a network makes of it then.

Zeiler & Fergus 2014 (arXiv:1311.2901, § 4.2) hid parts of pictures from a network to see what it looks at. Here a
person does, and is compared with what a method of explanation would have hidden: deletion (Petsiuk et al. 2018), with
the same eraser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, check_image
from visionlab.network.explain.heatmap import Heatmap, seen
from visionlab.network.explain.method import Progress, silent
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import probabilities

GREY = (124, 116, 104)  # ImageNet's mean colour, which networks that were trained on it know as nothing
SMALL = 256  # pixels of the shorter side on which a filling, smooth as all are, is worked out
SOFT = 1 / 16  # the standard deviation of the blur, as a share of the shorter side, as faithfulness() has it
REACH = 3  # pixels around each that the inpainting looks at
STRIP = 256  # rows that are mixed at once: what bounds the memory
SHARES = tuple(np.round(np.linspace(0, 0.6, 13), 2).tolist())  # of what the network sees, in curves


@dataclass(frozen=True)
class Filling:
    """What comes where something was rubbed out. make(picture, erased, grey): uint8 (h, w, 3) and bool (h, w) → uint8
    (h, w, 3), smooth enough to be enlarged.
    """

    name: str
    title: str
    about: str
    make: Callable[[Image, NDArray[np.bool_], tuple[int, int, int]], Image]


def _blurred(picture: Image, erased: NDArray[np.bool_], grey: tuple[int, int, int]) -> Image:
    return cv2.GaussianBlur(picture, (0, 0), max(1.0, min(picture.shape[:2]) * SOFT))


def _plain(picture: Image, erased: NDArray[np.bool_], grey: tuple[int, int, int]) -> Image:
    return np.full_like(picture, grey)


def _from_around(picture: Image, erased: NDArray[np.bool_], grey: tuple[int, int, int]) -> Image:
    """Telea 2004, “An image inpainting technique based on the fast marching method”; grey where nothing is left."""
    if erased.all():
        return _plain(picture, erased, grey)
    return cv2.inpaint(picture, erased.astype(np.uint8), REACH, cv2.INPAINT_TELEA)


FILLINGS = {
    filling.name: filling
    for filling in (
        Filling("blur", "Blurred", "The picture under a strong blur: colours stay, shapes go.", _blurred),
        Filling("grey", "Grey", "The network’s mean colour. Its edges are shapes, too, and may say something.", _plain),
        Filling("around", "Filled from around", "What lies around it, drawn inwards (Telea 2004).", _from_around),
    )
}


def grey_of(net: Classifier) -> tuple[int, int, int]:
    """The colour that is 0 to the network, as bytes."""
    red, green, blue = (round(255 * value) for value in net.transform.mean)
    return red, green, blue


def erase(
    image: Image,
    mask: NDArray,
    filling: str = "blur",
    strength: float = 1.0,
    grey: tuple[int, int, int] = GREY,
) -> Image:
    """The picture uint8 (H, W, 3), rubbed out where the mask says so: a new one, uint8 (H, W, 3).

    mask: real (h, w) in 0..1, 1 for gone, over all of the picture, in whatever size. filling: a name in FILLINGS.
    strength: 0..1, how much of what was there goes. Where the mask is 0, every pixel stays.

    Raises ParameterError for what is no picture, no such mask, an unknown filling, or a strength outside 0..1.
    """
    image = check_image(image)
    mask = np.asarray(mask, np.float32)
    if mask.ndim != 2 or 0 in mask.shape or not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1):
        raise ParameterError(f"A mask is an array (h, w) of numbers from 0 to 1, not {mask.shape} of others.")
    if filling not in FILLINGS:
        raise ParameterError(f"There is no filling “{filling}”. Use one of {', '.join(FILLINGS)}.")
    if not 0 <= strength <= 1:
        raise ParameterError(f"The strength is from 0 to 1, not {strength:g}.")
    if not strength or not mask.any():
        return image.copy()
    height, width = image.shape[:2]
    scale = min(1.0, SMALL / min(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))  # as OpenCV has sizes: (width, height)
    picture = image if scale == 1 else cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    filled = FILLINGS[filling].make(picture, cv2.resize(mask, small) > 0, grey)
    found = image.copy()
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        share = strength * _strip(mask, rows, image.shape[:2])[..., None]
        if share.any():
            old = image[rows]
            found[rows] = np.rint(old + share * (_strip(filled, rows, image.shape[:2]) - old))
    return found


def _strip(small: NDArray, rows: slice, shape: tuple[int, int]) -> NDArray[np.float32]:
    """These rows of an array (h, w, …) that is enlarged, bilinearly, to that shape: as cv2.resize() of all of it."""
    height, width = shape
    scale = (small.shape[0] / height, small.shape[1] / width)
    y = np.clip((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * scale[0] - 0.5, 0, small.shape[0] - 1)
    x = np.clip((np.arange(width, dtype=np.float32) + 0.5) * scale[1] - 0.5, 0, small.shape[1] - 1)
    first = int(y[0])
    part = np.ascontiguousarray(small[first : int(y[-1]) + 2], np.float32)
    places = np.meshgrid(x, y - first)
    return cv2.remap(part, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def share_of(net: Classifier, mask: NDArray) -> float:
    """How much of what the network sees is rubbed out, 0..1, by a mask (h, w) over all of the picture."""
    rows, columns = seen(net.transform, mask.shape)
    return float(np.asarray(mask, np.float32)[rows, columns].mean())


def marked(net: Classifier, heat: Heatmap, share: float) -> NDArray[np.float32]:
    """A mask (h, w), of the map's size: of what the network sees, the share 0..1 that the map marks most.

    Equally hot places come from left to right, row by row.
    """
    rows, columns = seen(net.transform, heat.values.shape)
    values = heat.values[rows, columns]
    first = np.argsort(-values.ravel(), kind="stable")[: round(share * values.size)]
    chosen = np.zeros(values.size, np.float32)
    chosen[first] = 1
    mask = np.zeros(heat.values.shape, np.float32)
    mask[rows, columns] = chosen.reshape(values.shape)
    return mask


def rubbed_out_by(
    net: Classifier,
    image: Image,
    heat: Heatmap,
    shares: Sequence[float] = SHARES,
    filling: str = "blur",
    strength: float = 1.0,
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """(len(shares),) float32: the probability of the map's class once that share of what the network sees, by the map
    the most important, is rubbed out with this filling.
    """
    found = np.empty(len(shares), np.float32)
    for place, share in enumerate(shares):
        erased = erase(image, marked(net, heat, share), filling, strength, grey_of(net))
        found[place] = probabilities(net, [erased])[0, heat.target]
        progress((place + 1) / len(shares))
    return found
