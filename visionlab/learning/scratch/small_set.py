"""SmallSet: small labelled pictures of one size, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.judging.metrics import MAJORITY, counted, wilson
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.layout import class_names
from visionlab.learning.sets.names import Guess, called
from visionlab.learning.sets.reading import MOST_BYTES, SHRUNK, Progress, framed, unwatched

HELD_OUT = 1 / 6  # of a set that comes without a test part, as of CIFAR-10's 60,000 pictures


@dataclass(frozen=True)
class Tested:
    """What an accuracy on a test part rests on: so many pictures; and what it has to beat, majority: the
    accuracy (0..1) of always naming the class that has the most of them."""

    pictures: int
    majority: float

    def interval(self, accuracy: float) -> tuple[float, float]:
        """(low, high), the 95 % interval of such an accuracy (0..1)."""
        return wilson(round(accuracy * self.pictures), self.pictures)

    def told(self, accuracy: float) -> str:
        """Such an accuracy with its interval, what it rests on and what it has to beat, in words."""
        low, high = self.interval(accuracy)
        right = f"right on {accuracy:.1%} of {counted(self.pictures, what='test picture')}"
        return f"{right} (95% interval {low:.1%} to {high:.1%}); {MAJORITY.lower()}: {self.majority:.1%}"


@dataclass(frozen=True, eq=False)
class SmallSet:
    """Pictures of one size in K classes, to learn from and to test with.

    images: uint8 (N, H, W, C), C = 1 (grey) or 3 (RGB).  labels: int64 (N,), indices into classes.
    test_images (n, H, W, C), test_labels (n,): the test part, which nothing is learned from.
    mirrored: whether a picture's mirror image is of its class (of a cat it is, of a 3 it is not).
    told: a sentence for each kind of thing that was left out when it was read, and on what limits the set.
    unread and problems: the path of each picture that could not be read, and a sentence for each.
    names: how those of a zip were read, where that was guessed.

    Raises DatasetError for fewer than two classes, a part that is empty or of another size, or labels without a class.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    mirrored: bool = True
    told: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    names: Guess | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))
        parts = {"training": (self.images, self.labels), "test": (self.test_images, self.test_labels)}
        for title, (images, labels) in parts.items():
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
                raise DatasetError(
                    f"The {title} pictures are {images.dtype} of shape {images.shape}; "
                    "uint8 (N, H, W, 1 or 3) with at least one picture is needed."
                )
            if labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() >= len(self.classes):
                raise DatasetError(
                    f"Each of the {len(images)} {title} pictures needs a label from 0 to {len(self.classes) - 1}."
                )
        if self.images.shape[1:] != self.test_images.shape[1:]:
            one, other = ("×".join(map(str, images.shape[1:])) for images in (self.images, self.test_images))
            raise DatasetError(f"The training pictures are {one} and the test pictures {other}; one size is needed.")
        if len(np.unique(self.labels)) < 2:
            only = self.classes[self.labels[0]]
            raise DatasetError(f"All training pictures are “{only}”; two classes or more are needed.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""
        return self.images.shape[1:]

    @property
    def tested(self) -> Tested:
        """What accuracies on its test part rest on."""
        return Tested(len(self.test_labels), float(np.bincount(self.test_labels).max() / len(self.test_labels)))

    def picture(self, name: str, number: int = 1) -> NDArray[np.uint8]:
        """The training picture of a class, uint8 (H, W, C), by its number, from 1. Raises ParameterError for what is
        not there."""
        place = np.flatnonzero(self.labels == self.place(name))
        if not 1 <= number <= len(place):
            raise ParameterError(f"There is no training picture {number} of “{name}”; it has {len(place)}, from 1 on.")
        return self.images[place[number - 1]]

    def place(self, name: str) -> int:
        """The label of a class. Raises ParameterError where there is none of that name."""
        if name not in self.classes:
            raise ParameterError(f"There is no class “{name}”. There are {', '.join(self.classes)}.")
        return self.classes.index(name)

    def read_as(self, encoding: str) -> SmallSet:
        """The same where the names in its zip, which were guessed, are in that encoding, one of names.possible().
        Raises DatasetError where two classes are then called alike."""
        if self.names is None or encoding == self.names.encoding:
            return self
        renamed = self.names.renamed(self.names.encoding, encoding)
        names = replace(self.names, encoding=encoding)
        unread = {path: called(path, renamed) for path in self.unread}
        return replace(
            self,
            classes=tuple(called(name, renamed) for name in self.classes),
            told=tuple(names.told if text == self.names.told else text for text in self.told),
            unread=tuple(unread.values()),
            problems=tuple(text.replace(*pair, 1) for pair, text in zip(unread.items(), self.problems, strict=True)),
            names=names,
        )

    @classmethod
    def from_labelled(
        cls, name: str, data: LabelledImages, side: int = SHRUNK, seed: int = 0, progress: Progress = unwatched
    ) -> SmallSet:
        """The middles of a project's pictures at side × side pixels, grey if all are; a sixth is for testing, and
        groups are kept whole.

        Raises DatasetError where the pictures cannot be split.
        """
        train, test = data.split(HELD_OUT, seed)
        small = np.empty((len(train) + len(test), side, side, 3), np.uint8)
        for place, image in enumerate(chain(train.images, test.images)):
            small[place] = framed(image, (side, side))
            progress(place + 1, len(small))
        images, test_images = without_colours(small[: len(train)], small[len(train) :])
        return cls(name, images, train.labels, data.classes, test_images, test.labels)

    def at(self, side: int) -> SmallSet:
        """The same with the middles of the pictures at side × side pixels. Raises DatasetError where they would be too
        many to hold."""
        size, channels = (side, side), self.shape[2]
        if self.shape[:2] == size:
            return self
        if (len(self.images) + len(self.test_images)) * side**2 * channels > MOST_BYTES:
            raise DatasetError(f"So many pictures of {side} × {side} px take over 1 GB; ask for a smaller side.")
        images, test_images = (
            np.stack([framed(picture, size).reshape(*size, channels) for picture in part])
            for part in (self.images, self.test_images)
        )
        return replace(self, images=images, test_images=test_images)

    def less(self, pictures: int, seed: int = 0) -> SmallSet:
        """The same with so many training pictures at most, and no more to test with, drawn with the seed, each class
        keeping its share.

        Raises ParameterError for fewer than one a class.
        """
        if pictures < len(self.classes):
            raise ParameterError(
                f"{pictures} pictures are too few for {len(self.classes)} classes; one each is needed."
            )
        if pictures >= max(len(self.images), len(self.test_images)):
            return self
        parts = []
        for images, labels in ((self.images, self.labels), (self.test_images, self.test_labels)):
            chosen = share_of(labels, min(1.0, pictures / len(images)), seed)
            parts.append((images[chosen], labels[chosen]))
        (images, labels), (test_images, test_labels) = parts
        return replace(self, images=images, labels=labels, test_images=test_images, test_labels=test_labels)


def generator(seed: int) -> np.random.Generator:
    """NumPy's for that seed. Raises ParameterError for one below 0."""
    if seed < 0:
        raise ParameterError(f"The seed is {seed}; it must be 0 or more.")
    return np.random.default_rng(seed)


def without_colours(*parts: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """(N, H, W, 3) each → (N, H, W, 1) where no picture of any part has colours."""
    grey = all((picture == picture[..., :1]).all() for images in parts for picture in images)
    return [np.ascontiguousarray(images[..., :1]) for images in parts] if grey else [*parts]


def share_of(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """The indices, sorted, of so large a share of each class, one picture at least."""
    order = generator(seed).permutation(len(labels))
    picks = [order[labels[order] == one] for one in np.unique(labels)]
    return np.sort(np.concatenate([pick[: max(1, round(len(pick) * share))] for pick in picks]))
