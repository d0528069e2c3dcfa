"""Ready-made sets to start with, in one table; each is read, or made, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.imaging.image import Image
from visionlab.learning.dataset import LabelledImages, textures

PER_CLASS = 100  # pictures of a set that has more


@dataclass(frozen=True)
class ReadyMade:
    """A set by its title for people; load() gives it, and raises DatasetError where it cannot be had.

    about: what is in it and where it comes from.  online: whether the first load downloads it.
    """

    title: str
    about: str
    load: Callable[[], LabelledImages]
    online: bool = False


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
    """The first PER_CLASS pictures of each class of torchvision.datasets' training set of that name, enlarged."""
    from platformdirs import user_cache_path
    from torchvision import datasets

    folder = user_cache_path("visionlab") / "datasets"
    try:
        found = getattr(datasets, name)(folder, train=True, download=True)
    except (
        OSError,
        RuntimeError,
        HTTPException,
    ) as error:  # without a network, on a full disk, a file that arrived damaged
        raise DatasetError(
            f"{name} could not be downloaded ({_reason(error)}); try later, or choose a set that needs no network."
        ) from error
    targets, pixels = np.asarray(found.targets), np.asarray(found.data)
    return LabelledImages.from_arrays(
        {
            title: [_enlarged(image, times) for image in pixels[targets == label][:PER_CLASS]]
            for label, title in enumerate(found.classes)
        }
    )


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or type(cause).__name__


def _enlarged(image: NDArray[np.uint8], times: int) -> Image:
    """Each pixel of a picture (H, W) or (H, W, 3) as a square of times × times: (times · H, times · W, 3)."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
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
        online=True,
    ),
    "fashion": ReadyMade(
        "Fashion-MNIST",
        "100 pictures each of ten kinds of clothes, 28 × 28 pixels enlarged; 31 MB are downloaded once.",
        partial(_downloaded, "FashionMNIST", 3),
        online=True,
    ),
}
