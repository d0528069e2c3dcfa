"""Ready-made sets to start with, in one table; each is read, or made, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from visionlab.imaging.image import Image
from visionlab.learning.sets.dataset import LabelledImages, textures
from visionlab.learning.sets.online_sets import ONLINE_SETS, OnlineSet
from visionlab.learning.sets.reading import read_cifar_python, read_idx

PER_CLASS = 100  # pictures of a set that has more


@dataclass(frozen=True)
class ReadyMade:
    """A set by its title for people; load() gives it, and raises DatasetError where it cannot be had.

    about: what is in it and where it comes from.  online: what the first load downloads.
    """

    title: str
    about: str
    load: Callable[[], LabelledImages]
    online: OnlineSet | None = None


def _digits() -> LabelledImages:
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = np.round(found.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8), from 0..16
    return LabelledImages.from_arrays(
        {str(digit): [_enlarged(image, 8) for image in grey[found.target == digit][:PER_CLASS]] for digit in range(10)}
    )


def _faces() -> LabelledImages:
    from skimage.data import lfw_subset

    grey = np.round(lfw_subset() * 255).astype(np.uint8)  # (200, 25, 25): 100 faces, then 100 that are none
    pictures = [_enlarged(image, 4) for image in grey]
    return LabelledImages.from_arrays({"faces": pictures[:100], "not faces": pictures[100:]})


def _downloaded(name: str, times: int) -> LabelledImages:
    """The first PER_CLASS pictures of each class of the training set of that name in ONLINE_SETS, enlarged."""
    online = ONLINE_SETS[name]
    for _ in online.fetch():
        pass
    if (read := read_idx(online.folder)) is not None:
        classes, (pixels, labels) = online.classes, read[0]
    else:
        classes, (pixels, labels), _ = read_cifar_python(online.folder)
    return LabelledImages.from_arrays(
        {
            title: [_enlarged(image, times) for image in pixels[labels == label][:PER_CLASS]]
            for label, title in enumerate(classes)
        }
    )


def _enlarged(image: NDArray[np.uint8], times: int) -> Image:
    """Each pixel of a picture (H, W) or (H, W, 1 or 3) as a square of times × times: (times · H, times · W, 3)."""
    image = np.broadcast_to(image.reshape(*image.shape[:2], -1), (*image.shape[:2], 3))
    return image.repeat(times, axis=0).repeat(times, axis=1)


READY_MADE: dict[str, ReadyMade] = {
    "textures": ReadyMade(
        "Textures",
        "24 patches each of brick, grass and gravel, cut from photographs that come with scikit-image.",
        textures,
    ),
    "digits": ReadyMade(
        "Handwritten digits",
        "100 of each digit, 8 × 8 pixels enlarged, from the UCI set that comes with scikit-learn.",
        _digits,
    ),
    "faces": ReadyMade(
        "Faces and not faces",
        "100 faces and 100 other patches, 25 × 25 pixels enlarged, from Labelled Faces in the Wild by scikit-image.",
        _faces,
    ),
    "cifar10": ReadyMade(
        "CIFAR-10",
        "100 photographs each of ten things and animals, 32 × 32 pixels enlarged; 170 MB are downloaded once.",
        partial(_downloaded, "CIFAR10", 3),
        ONLINE_SETS["CIFAR10"],
    ),
    "fashion": ReadyMade(
        "Fashion-MNIST",
        "100 pictures each of ten kinds of clothes, 28 × 28 pixels enlarged; 31 MB are downloaded once.",
        partial(_downloaded, "FashionMNIST", 3),
        ONLINE_SETS["FashionMNIST"],
    ),
}
