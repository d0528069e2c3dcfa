"""SOURCES: where small sets come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.scratch.small_set import HELD_OUT, SmallSet, share_of, without_colours
from visionlab.learning.sets.online_sets import ONLINE_SETS, OnlineSet
from visionlab.learning.sets.reading import (
    SHRUNK,
    Part,
    Progress,
    Read,
    read_cifar_python,
    read_folder,
    read_idx,
    read_zip,
    unwatched,
)
from visionlab.learning.sets.ready_made import read_digits, read_faces, textures

ONE_PHOTOGRAPH = (
    "Each class is one photograph, from which the test patches come, too: what is right on them says how well these "
    "three are told apart, and not what other photographs of brick, grass and gravel would come to."
)


@dataclass(frozen=True)
class Source:
    """Where a SmallSet comes from, for a picker.

    needs: “nothing”; “files”, that a person names or that `download` fetches.
    classes and shape are those of all its pictures, where they are known before.
    load(path, side, seed, progress) gives the set; path is a zip or a folder, None for what needs no files or was
    downloaded.
    """

    title: str
    about: str
    needs: str
    load: Callable[[Path | None, int | None, int, Progress], SmallSet]
    download: OnlineSet | None = None
    classes: tuple[str, ...] = ()
    shape: tuple[int, int, int] | None = None

    def refusal(self, data: SmallSet) -> str | None:
        """A sentence where pictures that a person names are not those of this source: of other classes, or of another
        shape (height, width, channels)."""
        if not self.classes or (self.shape == data.shape and {*map(str.lower, data.classes)} == {*self.classes}):
            return None
        height, width, _ = self.shape
        first, second, *_, last = self.classes
        return (
            f"{self.title} is {len(self.classes)} classes, {first}, {second} … {last}, of {width} × {height} px, which "
            "these pictures are not."
        )


def load(
    where: str | os.PathLike[str],
    side: int | None = None,
    seed: int = 0,
    progress: Progress = unwatched,
    names_in: str | None = None,
) -> SmallSet:
    """The set of that name in SOURCES, or that of a zip or a folder.

    side brings all pictures to so many pixels; seed draws the test part where the set has none; progress is called with
    how many pictures of how many are read, where that takes long; names_in is the encoding, such as cp852, of the names
    in a zip that do not state theirs.
    Raises DatasetError where there is no such set, or its pictures cannot be used, and ParameterError for a side that
    is not 1 to 512, and names_in where there is no zip.
    """
    _check_side(side)
    if names_in and (str(where) in SOURCES or os.path.isdir(where)):
        raise ParameterError(f"“{where}” is no zip, whose names could be in {names_in}. Leave that out.")
    if str(where) in SOURCES:
        found = SOURCES[str(where)].load(None, side, seed, progress)
    else:
        found = read(Path(where), side, seed, progress, names_in)
    return found if side is None else found.at(side)


def read(
    path: Path,
    side: int | None = None,
    seed: int = 0,
    progress: Progress = unwatched,
    names_in: str | None = None,
) -> SmallSet:
    """The set in a zip or a folder: labelled pictures, MNIST's idx files, or CIFAR-10 as torchvision keeps it.

    Raises DatasetError where it is none of these.
    """
    _check_side(side)
    if not os.path.exists(path):  # also what no file can be called, at which Path.exists() fails
        raise DatasetError(f"“{path}” is not there; name a zip, a folder, or one of {', '.join(known_by_name())}.")
    if not path.is_dir():
        return _own(path.stem, read_zip(path, side, progress, names_in), seed)
    if not os.access(path, os.R_OK | os.X_OK):
        raise DatasetError(f"The folder “{path}” may not be read; ask its owner, or name another one.")
    if (idx := read_idx(path)) is not None:
        count = max(part[1].max(initial=0) for part in idx) + 1
        train, test = idx
        return SmallSet("MNIST", *train, tuple(map(str, range(count))), *test, mirrored=False)
    if (cifar := read_cifar_python(path)) is not None:
        classes, train, test = cifar
        return SmallSet("CIFAR-10", *train, classes, *test)
    return _own(path.name, read_folder(path, side, progress), seed)


def _check_side(side: int | None) -> None:
    if side is not None and not 1 <= side <= 512:
        raise ParameterError(f"A side of {side} px was asked for; use 1 to 512.")


def known_by_name() -> list[str]:
    """Those in SOURCES that load() finds by their names."""
    return [name for name, source in SOURCES.items() if source.needs == "nothing" or source.download]


def to_download() -> list[str]:
    """Those in SOURCES that download() takes."""
    return [name for name, source in SOURCES.items() if source.download]


def download(name: str) -> Iterator[tuple[int, int]]:
    """Download a set in SOURCES that can be: (bytes that have arrived, of how many) while it does; load(name) then
    finds it. Raises DatasetError where there is no network, and ParameterError where there is no such set.
    """
    if name not in SOURCES or (found := SOURCES[name].download) is None:
        raise ParameterError(f"“{name}” cannot be downloaded. There are {', '.join(to_download())}.")
    yield from found.fetch()


def _own(name: str, found: Read, seed: int) -> SmallSet:
    images, test_images = without_colours(found.train[0], found.test[0])
    train, test = (images, found.train[1]), (test_images, found.test[1])
    mirrored = any(len(one) > 1 for one in found.classes)  # “3” or “b” names writing, which has no mirror image
    if len(test_images):
        data = SmallSet(name, *train, found.classes, *test, mirrored)
    else:
        data = _parted(name, found.classes, train, seed, mirrored)
    return replace(data, told=found.told, unread=found.unread, problems=found.problems, names=found.names)


def _parted(name: str, classes: tuple[str, ...], whole: Part, seed: int, mirrored: bool = True) -> SmallSet:
    """A sixth of each class to test with, but of none its only picture. Raises DatasetError where nothing is left."""
    images, labels = whole
    held = np.zeros(len(labels), bool)
    held[share_of(labels, HELD_OUT, seed)] = True
    held &= np.bincount(labels)[labels] > 1
    if not held.any():
        raise DatasetError("There is only one picture of each class; two or more are needed, to learn and to test.")
    return SmallSet(name, images[~held], labels[~held], classes, images[held], labels[held], mirrored)


# The loaders of the table --------------------------------------------------------------------------------------------


def _digits(path: Path | None, side: int | None, seed: int, progress: Progress) -> SmallSet:
    return _parted("digits", tuple("0123456789"), read_digits(), seed, mirrored=False)


def _textures(path: Path | None, side: int | None, seed: int, progress: Progress) -> SmallSet:
    found = textures(patches=(512 // SHRUNK) ** 2, side=SHRUNK)
    data = _parted("textures", found.classes, (np.stack(found.images)[..., :1], found.labels), seed)
    return replace(data, told=(ONE_PHOTOGRAPH,))


def _faces(path: Path | None, side: int | None, seed: int, progress: Progress) -> SmallSet:
    return _parted("faces", ("face", "no face"), read_faces(), seed)


def _downloaded(name: str, path: Path | None, side: int | None, seed: int, progress: Progress) -> SmallSet:
    source = SOURCES[name]
    if path is None and not source.download.is_here():
        raise DatasetError(f"{source.title} is not here yet; download it, or name a zip or a folder of it.")
    return read(path or source.download.folder, side, seed, progress)


def _named(path: Path | None, side: int | None, seed: int, progress: Progress) -> SmallSet:
    if path is None:
        raise DatasetError("Name a zip or a folder with one folder of pictures a class.")
    return read(path, side, seed, progress)


SOURCES: dict[str, Source] = {
    "digits": Source(
        "Handwritten digits",
        "1,797 digits of 8 × 8 pixels, from the UCI set that comes with scikit-learn.",
        "nothing",
        _digits,
    ),
    "textures": Source(
        "Textures",
        "768 patches of brick, grass and gravel of 32 × 32 pixels, from photographs that come with scikit-image.",
        "nothing",
        _textures,
    ),
    "faces": Source(
        "Faces and not faces",
        "100 faces and 100 other patches of 25 × 25 pixels, from Labelled Faces in the Wild, by scikit-image.",
        "nothing",
        _faces,
    ),
    "mnist": Source(
        "MNIST",
        "70,000 handwritten digits of 28 × 28 pixels (LeCun et al. 1998).",
        "files",
        partial(_downloaded, "mnist"),
        ONLINE_SETS["MNIST"],
        tuple("0123456789"),
        (28, 28, 1),
    ),
    "cifar10": Source(
        "CIFAR-10",
        "60,000 photographs of ten things and animals, 32 × 32 pixels (Krizhevsky 2009).",
        "files",
        partial(_downloaded, "cifar10"),
        ONLINE_SETS["CIFAR10"],
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        (32, 32, 3),
    ),
    "pictures": Source(
        "Pictures of your own",
        "A zip or a folder with one folder a class, or with train and test folders that hold these.",
        "files",
        _named,
    ),
}
