"""Ready-made sets to start with, in one table; each is read, or made, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.online_sets import ONLINE_SETS, OnlineSet
from visionlab.learning.sets.reading import Part, read_cifar_python, read_idx
from visionlab.learning.sets.similar import hashes

PER_CLASS = 100  # pictures of a set that has more
TEXTURES = ("brick", "grass", "gravel")
TEXTURE_SIDE = 512


@dataclass(frozen=True)
class ReadyMade:
    """A set by its title for people; load() gives it, and raises DatasetError where it cannot be had.

    about: what is in it and where it comes from.  online: what the first load downloads.
    """

    title: str
    about: str
    load: Callable[[], LabelledImages]
    online: OnlineSet | None = None


def textures(seed: int = 0, patches: int = 24, side: int = 96) -> LabelledImages:
    """Patches of brick, grass and gravel, cut from the photographs that scikit-image bundles.

    Each class gets `patches` of the (512 // side)² non-overlapping squares of side × side pixels, chosen with the seed
    and each its own group. Raises ParameterError where there are not so many, or for a negative seed.
    """
    from skimage import data  # late: only this set needs it

    if not 1 <= side <= TEXTURE_SIDE:
        raise ParameterError(f"The side is {side}; it must lie between 1 and {TEXTURE_SIDE} pixels.")
    along = TEXTURE_SIDE // side
    if not 1 <= patches <= along**2:
        raise ParameterError(f"{patches} patches were asked for; of {side} pixels a texture has 1 to {along**2}.")
    if seed < 0:
        raise ParameterError(f"The seed is {seed}; it must be 0 or more.")
    rng = np.random.default_rng(seed)
    images: list[Image] = []
    names: list[str] = []
    for name in TEXTURES:
        grey = getattr(data, name)()  # (512, 512) uint8
        for cell in np.sort(rng.permutation(along**2)[:patches]).tolist():
            row, column = divmod(cell, along)
            patch = grey[row * side : (row + 1) * side, column * side : (column + 1) * side]
            images.append(np.repeat(patch[..., None], 3, axis=2))  # (side, side, 3)
            names.append(f"{name}, row {row + 1}, column {column + 1}")
    labels = np.repeat(np.arange(len(TEXTURES)), patches)
    keys = tuple(map(fingerprint, images))
    looks = np.stack([hashes(image) for image in images])
    groups = np.arange(len(labels))
    return LabelledImages(tuple(images), labels, TEXTURES, groups, tuple(names), keys, hashes=looks)


def read_digits() -> Part:
    """scikit-learn's digits: pictures (1797, 8, 8, 1), labelled 0 to 9."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.round(found.images * (255 / 16)).astype(np.uint8)[..., None], found.target  # from 0..16


def read_faces() -> Part:
    """scikit-image's faces: pictures (200, 25, 25, 1), labelled 0 for a face, 1 for none."""
    from skimage.data import lfw_subset

    return np.round(lfw_subset() * 255).astype(np.uint8)[..., None], np.repeat([0, 1], 100)  # faces first


def _downloaded(name: str, times: int) -> LabelledImages:
    """The first PER_CLASS pictures of each class of the training set of that name in ONLINE_SETS, enlarged."""
    online = ONLINE_SETS[name]
    for _ in online.fetch():
        pass
    if (read := read_idx(online.folder)) is not None:
        classes, (pixels, labels) = online.classes, read[0]
    else:
        classes, (pixels, labels), _ = read_cifar_python(online.folder)
    return _of_each(classes, (pixels, labels), times)


def _bundled(read: Callable[[], Part], classes: Sequence[str], times: int) -> LabelledImages:
    return _of_each(classes, read(), times)


def _of_each(classes: Sequence[str], part: Part, times: int) -> LabelledImages:
    """The first PER_CLASS pictures of each class, enlarged."""
    pixels, labels = part
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
        partial(_bundled, read_digits, tuple("0123456789"), 8),
    ),
    "faces": ReadyMade(
        "Faces and not faces",
        "100 faces and 100 other patches, 25 × 25 pixels enlarged, from Labelled Faces in the Wild by scikit-image.",
        partial(_bundled, read_faces, ("faces", "not faces"), 4),
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
