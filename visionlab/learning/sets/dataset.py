"""Labelled pictures: from folders, zips, uploads and arrays, checked at the door, split without leaks.

Encoded pictures stay encoded and are decoded at each look, so that thousands of them fit into memory.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ImageError, ParameterError, UnclearSetError
from visionlab.imaging.image import Image, check_image, load_image
from visionlab.learning.sets.archive import check_counts, read_folder, read_zip
from visionlab.learning.sets.copies import HASHES, Looked, distinct, looked_at, none_readable, unreadable
from visionlab.learning.sets.guarded import check_door
from visionlab.learning.sets.kinds import PARTS, TEST, TRAIN, listed, parts_told
from visionlab.learning.sets.layout import Arranged, class_names
from visionlab.learning.sets.splits import HELD_OUT, check_classes, check_split, parted

FEW = 10  # pictures of a class: fewer hardly show what it is
UNEVEN = 4  # times as many of another class are what people are warned of

_Source = bytes | Path | Callable[[], bytes]  # an encoded picture, its path, or what gives it
_Found = Mapping[str, Sequence[tuple[str, _Source]]]  # class name -> (file name, picture)


class LazyImages(Sequence[Image]):
    """Pictures that are made anew at each look; slices and selections are as lazy."""

    def __init__(self, look: Callable[[int], Image], indices: Sequence[int]) -> None:
        self._look, self._indices = look, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, key):
        if isinstance(key, slice):
            return LazyImages(self._look, self._indices[key])
        return self._look(self._indices[operator.index(key)])

    def pick(self, indices: Iterable[int]) -> LazyImages:
        return LazyImages(self._look, [self._indices[index] for index in indices])


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Pictures with their classes.

    images: N pictures, each uint8 (H, W, 3) RGB of any size; possibly decoded at each access, so keep what you reuse.
    labels: int64 (N,), indices into classes.  classes: K names, unique whatever their case.
    groups: int64 (N,); pictures of one number (near-copies, a burst, one source) never part in a split.
    names: N file names, for showing.
    keys: N names of the pictures' content, visionlab.imaging.image.fingerprint of the pixels; () where not known.
    parts: N of “train”, “validation” and “test”, or “” where nobody said; () where the set comes in no parts.
    told: sentences on what was left out or taken together when it was read.
    problems: a sentence for each picture that could not be read and was left out.
    hashes: uint64 (N, 37), what tells near-duplicates, as of similar.hashes; (0, 37) where not known.
    unread: the path in the set of each picture that `problems` tells of, as train/cats/1.jpg.
    paths: N paths in the set; () where none are known.

    Raises DatasetError where lengths differ, a label is out of range, or a class name is empty or taken.
    """

    images: Sequence[Image]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64]
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, HASHES), np.uint64))
    unread: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("labels", "groups"):
            object.__setattr__(self, name, _integers(getattr(self, name), name))
        object.__setattr__(self, "classes", class_names(self.classes))
        for name in ("names", "keys", "parts", "told", "problems", "unread", "paths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        lengths = {name: len(getattr(self, name)) for name in ("images", "labels", "groups", "names")}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{length} {name}" for name, length in lengths.items())
            raise DatasetError(f"Every picture needs one label, one group and one name; these are {told}.")
        for name, values in {"key": self.keys, "path": self.paths}.items():
            if len(values) not in (0, len(self)):
                raise DatasetError(f"Every picture needs one {name}, or none has one; these are {len(values)} {name}s.")
        if self.hashes.shape not in ((0, HASHES), (len(self), HASHES)):
            raise DatasetError(f"Every picture needs {HASHES} hashes, or none has any; these are {self.hashes.shape}.")
        if len(self.parts) not in (0, len(self)) or not {*self.parts} <= {"", *PARTS}:
            raise DatasetError(
                f"Every picture is of one of the parts {', '.join(PARTS)}, or of none; not {self.parts}."
            )
        outside = self.labels[(self.labels < 0) | (self.labels >= len(self.classes))]
        if len(outside):
            raise DatasetError(f"The label {outside[0]} belongs to no class; {len(self.classes)} classes are named.")

    def __repr__(self) -> str:
        return f"LabelledImages: {', '.join(f'{count} of “{name}”' for name, count in self.counts().items())}"

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str], parts: bool | None = None) -> LabelledImages:
        """Read a folder that holds one folder a class, named like the class; pictures nested deeper count too.

        Folders around all of it are taken off; classes that differ in case alone are one. Folders named train, val,
        test or the like (training_set, test2017, 01_train) that hold the same class folders are parts of the set, which
        `parts` of the result keeps; where that is not clear, the argument says whether they are, or else classes.
        Hidden files, system litter, files that are no pictures, folders without one and pictures outside a class folder
        are left out, and `told` says so; so are pictures that are in several classes, with the very same pixels, under
        all of them, all but one of such in one class, and those that cannot be read, which `problems` names. Of copies
        in several parts the one that is held out stays.
        Raises DatasetError where there is no class folder, no picture can be read, or, as an UnclearSetError, what the
        folders are is not clear.
        """
        check_door(path, folder=True)
        return cls._from_arranged(_asking(partial(read_folder, path, parts=parts)))

    @classmethod
    def from_zip(
        cls, source: str | os.PathLike[str] | bytes | BinaryIO, parts: bool | None = None, names_in: str | None = None
    ) -> LabelledImages:
        """Read a zip (path, bytes or seekable binary file) laid out like a folder for from_folder.

        names_in: the encoding, such as cp852, of names that do not state theirs; guessed unless told, as `told` says.
        Nothing is written to disk. Raises DatasetError like from_folder, and for what is no zip, is encrypted, has a
        hostile or repeated entry name, or is over a limit: 5,000 pictures, 300 classes, and at a path 4 GB,
        packed and unpacked, else 200 MB packed and 1 GB unpacked. A zip at a path is read picture by picture, at each
        look, and has to stay; nothing of it is held open, and the result can be pickled.
        """
        check_door(source, folder=False)
        return cls._from_arranged(_asking(partial(read_zip, source, parts, names_in)))

    @classmethod
    def from_uploads(
        cls,
        classes: Mapping[str, Sequence[tuple[str, bytes | Callable[[], bytes]]]],
        *,
        belonging: Sequence[str | None] | None = None,
        parts: Sequence[str] | None = None,
        told: Sequence[str] = (),
        paths: Sequence[str] | None = None,
    ) -> LabelledImages:
        """Take encoded pictures, or functions that give them at each look: {class name: [(file name, bytes), …]}.

        belonging: what each picture is known to belong to, class by class, such as a burst. Those of one text share a
        group, and near-duplicates of them are looked for among those of None alone: among all unless told. parts, told
        and paths (class/file name unless told): as in the record. Pictures that cannot be read are left out, and
        `problems` names them; copies and those in several classes are, too, as of from_folder. Raises DatasetError for
        an empty class, where no picture can be read or is left, over 5,000 pictures or over 300 classes.
        """
        check_counts(classes)
        return cls._from_found(classes, belonging, parts, told, paths)

    @classmethod
    def from_arrays(cls, classes: Mapping[str, Sequence[Image]]) -> LabelledImages:
        """Take pictures that are uint8 (H, W, 3) arrays: {class name: [picture, …]}; they are kept as they are.

        Copies, and those in several classes, are left out as of from_folder. Raises DatasetError for a class without
        pictures, for what is no such array, or where no picture is left.
        """
        names = [f"{name} {number}" for name, items in classes.items() for number in range(1, len(items) + 1)]
        images: list[Image] = []
        for name, image in zip(names, (image for items in classes.values() for image in items), strict=True):
            try:
                images.append(check_image(image))
            except ParameterError as error:
                raise DatasetError(f"“{name}” is no picture: {error}") from error
        labels, every = _labels(classes), class_names(classes)
        own = distinct(looked_at(images), [every[label] for label in labels], names, [""] * len(names), names)
        return cls(tuple(images[place] for place in own.places), **own.fields, told=own.told)

    @classmethod
    def _from_arranged(cls, found: Arranged[_Source]) -> LabelledImages:
        every = [each for items in found.classes.values() for each in items]
        named = {name: [(each.name, each.source) for each in items] for name, items in found.classes.items()}
        return cls._from_found(named, None, [each.part for each in every], found.told, [each.path for each in every])

    @classmethod
    def _from_found(
        cls,
        found: _Found,
        belonging: Sequence[str | None] | None = None,
        parts: Sequence[str] | None = None,
        told: Sequence[str] = (),
        paths: Sequence[str] | None = None,
    ) -> LabelledImages:
        _labels(found), class_names(found)  # first what is cheap to check
        entries = _entries(found, paths)
        looked = looked_at(LazyImages(partial(_decode, entries), range(len(entries))))
        return cls.from_looked(found, looked, belonging, parts, told, paths)

    @classmethod
    def from_looked(
        cls,
        found: _Found,
        looked: Sequence[Looked | str],
        belonging: Sequence[str | None] | None = None,
        parts: Sequence[str] | None = None,
        told: Sequence[str] = (),
        paths: Sequence[str] | None = None,
        near: bool = True,
    ) -> LabelledImages:
        """As from_uploads, of pictures that were looked at (learning/sets/copies.py), class after class: what tells
        copies and near-duplicates of each, or a sentence where it cannot be read. Without near, copies alone count."""
        labels, classes, entries = _labels(found), class_names(found), _entries(found, paths)
        paths, files, _ = zip(*entries, strict=True)
        there = [place for place, each in enumerate(looked) if not isinstance(each, str)]
        problems = [each for each in looked if isinstance(each, str)]
        if not there:
            raise DatasetError(none_readable(problems))
        gone = [name for place, name in enumerate(classes) if place not in labels[there]]
        gone_told = listed(gone, "class has no picture that can be read", "classes have no picture that can be read")
        seen = [(looked[at], classes[labels[at]], files[at], parts[at] if parts else "", paths[at]) for at in there]
        own = distinct(*zip(*seen, strict=True), belonging and [belonging[at] for at in there], near)
        return cls(
            LazyImages(partial(_decode, entries), [there[place] for place in own.places]),
            **own.fields,
            parts=own.parts if any(own.parts) else (),
            told=(*parts_told(own.parts), *told, *filter(None, [gone_told]), *own.told),
            problems=problems,
            unread=[path for path, each in zip(paths, looked, strict=True) if isinstance(each, str)],
            paths=own.paths,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """The number of pictures of each class, in the order of classes."""
        return dict(zip(self.classes, np.bincount(self.labels, minlength=len(self.classes)).tolist(), strict=True))

    def to_learn_from(self) -> LabelledImages:
        """All but the pictures of the test part, and what is in one group with these; those held out are among them."""
        return self.subset(~np.isin(self.groups, self.groups[np.array(self.parts or [""] * len(self)) == TEST]))

    def different(self) -> dict[str, int]:
        """How many different pictures each class has: near-copies, and those of one burst, count once, since they say
        hardly more than one of them of how well a head does."""
        groups = [np.unique(self.groups[self.labels == place]) for place in range(len(self.classes))]
        return {name: len(found) for name, found in zip(self.classes, groups, strict=True)}

    def few(self) -> str:
        """A warning where a class has few `different` pictures to learn from, or few beside another one; "" where none
        has."""
        own = self.to_learn_from()
        counts = {name: count for name, count in own.different().items() if count}
        alike = {name for name, count in own.counts().items() if count > counts.get(name, 0)}
        most = max(counts, key=counts.get, default="")
        few = {name: count for name, count in counts.items() if count < FEW or count * UNEVEN <= counts[most]}
        if not few:
            return ""
        told = ", ".join(
            f"“{name}” has {count} {'different ' * (name in alike)}picture{'' if count == 1 else 's'}"
            for name, count in few.items()
        )
        beside = f" beside {counts[most]:,} {'different ' * (most in alike)}of “{most}”" if most not in few else ""
        return f"{told}{beside}: what is learned and told of so few is not sure. Add some."

    def subset(self, indices: Sequence[int] | NDArray[np.integer]) -> LabelledImages:
        """The pictures of these indices (or this mask), in this order; all classes stay. IndexError as of an array."""
        chosen = np.arange(len(self))[np.asarray(indices, dtype=None if len(indices) else np.int64)]
        labels, groups = self.labels[chosen], self.groups[chosen]
        images = self.images
        if not isinstance(images, LazyImages):
            images = LazyImages(partial(operator.getitem, images), range(len(images)))
        names = tuple(self.names[index] for index in chosen)
        keys = tuple(self.keys[index] for index in chosen) if self.keys else ()
        parts = tuple(self.parts[index] for index in chosen) if self.parts else ()
        paths = tuple(self.paths[index] for index in chosen) if self.paths else ()
        hashes = self.hashes[chosen] if len(self.hashes) else self.hashes
        own = (images.pick(chosen.tolist()), labels, self.classes, groups, names, keys, parts)
        return LabelledImages(*own, self.told, self.problems, hashes, self.unread, paths)

    def part(self, name: str) -> LabelledImages:
        """The pictures of a part, “train”, “validation” or “test”; of “train” also those of which nobody said more."""
        names = (name, "") if name == TRAIN else (name,)
        return self.subset([index for index, part in enumerate(self.parts or [""] * len(self)) if part in names])

    def split(self, validation: float = HELD_OUT, seed: int = 0) -> tuple[LabelledImages, LabelledImages]:
        """Part the pictures into (training, validation): stratified, seeded, every group whole.

        The share of each class in validation is as near to `validation` as its groups permit, with at least one picture
        on each side: exactly the nearest where groups lie within one class, the nearest that a local search finds where
        classes share groups.

        Raises DatasetError where there are fewer than two classes, or a class cannot be on both sides; ParameterError
        for a validation that is not within (0, 1) and a negative seed.
        """
        check_split(validation, seed)
        check_classes(self.classes)
        held = parted(self.labels, self.groups, self.classes, validation, seed)
        return self.subset(np.flatnonzero(~held)), self.subset(np.flatnonzero(held))


# What every door does ------------------------------------------------------------------------------------------------


def _asking(read: Callable[[], Arranged[_Source]]) -> Arranged[_Source]:
    """What `read` gives; an UnclearSetError says how to answer from Python."""
    try:
        return read()
    except UnclearSetError as error:
        raise UnclearSetError(error.unclear, "Or say what they are: parts=True or parts=False.") from error


def _integers(values: object, field: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise DatasetError(f"The {field} must be one row of whole numbers; these are {array.dtype} {array.shape}.")
    return array.astype(np.int64)


def _labels(classes: Mapping[str, Sequence]) -> NDArray[np.int64]:
    if not classes:
        raise DatasetError("There are no classes; name some, each with its pictures.")
    for name, items in classes.items():
        if not len(items):
            raise DatasetError(f"The class “{name}” has no pictures; add some or leave the class out.")
    return np.repeat(np.arange(len(classes), dtype=np.int64), [len(items) for items in classes.values()])


def _entries(found: _Found, paths: Sequence[str] | None = None) -> list[tuple[str, str, _Source]]:
    """Each picture's path in the set, its file's name, and the picture. Raises ParameterError where there are other
    paths than pictures."""
    entries = [(f"{name}/{file}", file, source) for name, files in found.items() for file, source in files]
    if paths is None:
        return entries
    if len(paths) != len(entries):
        raise ParameterError(f"There are {len(paths)} paths for {len(entries)} pictures; each needs one.")
    return [(path, *entry[1:]) for path, entry in zip(paths, entries, strict=True)]


def _decode(entries: Sequence[tuple[str, str, _Source]], index: int) -> Image:
    name, _, source = entries[index]
    try:
        return load_image(source() if callable(source) else source)
    except (ImageError, DatasetError) as error:
        raise DatasetError(unreadable(name, error)) from error
