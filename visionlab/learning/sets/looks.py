"""What tells copies and near-duplicates among the pictures of a set: each is looked at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, VisionlabError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.sets.similar import CROPS, copies, grouped, hashes, in_small, joined

DECODERS = min(4, os.cpu_count() or 1)  # pictures that are decoded at once when a set is checked
HASHES = 1 + len(CROPS)  # of a picture: as it is, mirrored, and of its crops

Looked = tuple[str, NDArray[np.uint64], NDArray[np.uint8]]  # its fingerprint, its hashes, and itself in small


def looked_at(images: Sequence[Image]) -> list[Looked | str]:
    """What tells copies and near-duplicates, or a sentence where a picture cannot be read.

    Each picture is decoded once here and dropped: a broken file is told now, not in the midst of training, and copies
    are found by their pixels, whatever their format.
    """

    def look(index: int) -> Looked | str:
        try:
            image = images[index]
        except DatasetError as error:
            return str(error)
        return looks_of(image)

    with ThreadPoolExecutor(DECODERS) as pool:
        return list(pool.map(look, range(len(images))))


def looks_of(image: Image) -> Looked:
    """What tells copies and near-duplicates of a picture."""
    return fingerprint(image), hashes(image), in_small(image)


def grouped_by(
    looked: Sequence[Looked], belonging: Sequence[str | None] | None = None
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.uint64]]:
    """The groups (N,) of copies, near-duplicates and what belongs together, and the pictures' keys and hashes."""
    if not looked:
        return np.zeros(0, np.int64), (), np.zeros((0, HASHES), np.uint64)
    keys, every, small = zip(*looked, strict=True)
    belonging = [None] * len(keys) if belonging is None else belonging
    groups = grouped(keys, np.stack(every), np.stack(small), np.array([each is None for each in belonging]))
    stated: dict[str, int] = {}  # the place of the first picture of each
    pairs = [(place, stated.setdefault(each, place)) for place, each in enumerate(belonging) if each is not None]
    return joined(groups, np.array(pairs, np.int64).reshape(-1, 2)), keys, np.stack(every)


def copies_by(
    looked: Sequence[Looked], belonging: Sequence[str | None] | None = None
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.uint64]]:
    """As grouped_by, of copies alone: for more pictures than can be compared two by two, or hashes of all be held."""
    keys = tuple(key for key, _, _ in looked)
    return copies(keys), keys, np.zeros((0, HASHES), np.uint64)


def unreadable(name: str, error: VisionlabError) -> str:
    """The sentence on a picture that is left out; name: its path in the set, as train/cats/1.jpg."""
    return str(error) if isinstance(error, DatasetError) else f"“{name}” cannot be read: {error}"  # the former names it


def none_readable(problems: Sequence[str]) -> str:
    """The sentence on a set of which no picture can be read; problems: a sentence for each."""
    if len(problems) == 1:
        return f"The only picture cannot be read: {problems[0]}"
    return f"None of these {len(problems):,} pictures can be read; of the first one: {problems[0]}"
