"""Copies and near-duplicates among the pictures of a set: each is looked at once, which are taken, and what is told."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, VisionlabError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.sets.kinds import NAMED, PARTS, listed
from visionlab.learning.sets.layout import folded
from visionlab.learning.sets.similar import CROPS, copies, grouped, hashes, in_small, joined

DECODERS = min(4, os.cpu_count() or 1)  # pictures that are decoded at once when a set is checked
HASHES = 1 + len(CROPS)  # of a picture: as it is, mirrored, and of its crops
HELD_BACK = ("", *PARTS)  # of parts that hold one picture, the last of these has it

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


# Which are taken -----------------------------------------------------------------------------------------------------


class Coming(Protocol):
    """A picture that comes, a dataclass: the fingerprint of its pixels, its class, its file's name, and which of PARTS
    it is of, or ""; one that is switched off is kept, and not learned from."""

    key: str
    class_name: str
    name: str
    part: str
    switched_off: bool


C = TypeVar("C", bound=Coming)


@dataclass(frozen=True, slots=True)
class Placed:
    """As of Coming, the picture at a place of a set."""

    key: str
    class_name: str
    name: str
    part: str
    place: int
    switched_off: bool = False


class Chosen(Generic[C]):
    """Of pictures that come those that are taken: each once, and none that came as several classes.

    held: of each key that is there already the class in which it lies; it stays there, whatever came. paths: of each
    key that came the path of the one that is taken.
    """

    def __init__(self, held: Mapping[str, str]) -> None:
        self.paths: dict[str, str] = {}
        self._held = held
        self._taken: dict[str, C] = {}
        self._came: dict[str, list[tuple[str, str]]] = {}  # of keys that came again, as which class and by which path
        self._several: set[str] = set()  # those of them that came as several classes
        self._again = Counter[tuple[str, str]]()  # copies of what is held, by the class of each of the two

    def __contains__(self, key: str) -> bool:
        return key in self._held or key in self._taken

    def add(self, picture: C, path: str) -> None:
        """Note that it came."""
        key, name = picture.key, picture.class_name
        if key in self._held:
            self._again[name, self._held[key]] += 1
            return
        first = self._taken.setdefault(key, picture)
        if first is picture:
            self.paths[key] = path
            return
        self._came.setdefault(key, [(first.class_name, self.paths[key])]).append((name, path))
        if folded(name) != folded(first.class_name):
            self._several.add(key)
        taken = self._taken[key] = held_out(first, picture)
        if taken is not first:
            self.paths[key] = path

    @property
    def taken(self) -> list[C]:
        """What is taken, in the order in which it came."""
        return [each for key, each in self._taken.items() if key not in self._several]

    @property
    def copies(self) -> Counter[tuple[str, str]]:
        """Copies that are not taken, by the class that each was brought as, and that of the original."""
        found = self._again.copy()
        for key, came in self._came.items():
            if key not in self._several:
                found.update((name, self._taken[key].class_name) for name, _ in came[1:])
        return found

    def told(self, classes: Iterable[str] = ()) -> list[str]:
        """The sentences on copies, and on what came as several classes. classes: those that are there already."""
        numbers: dict[str, int] = {}
        came = [(key, *each) for key in self._taken if key in self._several for each in self._came[key]]
        labels = [numbers.setdefault(folded(name), len(numbers)) for _, name, _ in came]
        several = in_several_classes(
            [key for key, _, _ in came], np.array(labels, np.int64), [path for _, _, path in came]
        )
        there = {folded(name) for name in (*classes, *(each.class_name for each in self.taken))}
        without = {folded(name): name for _, name, _ in reversed(came) if folded(name) not in there}
        told = [
            originals(self.copies),
            several,
            listed([*without.values()], "class has no picture of its own", "classes have no picture of their own"),
        ]
        return [text for text in told if text]


@dataclass(frozen=True, eq=False)
class Distinct:
    """Of N pictures the n that are taken, with the fields of LabelledImages. places: theirs among the N, ascending."""

    places: list[int]
    labels: NDArray[np.int64]
    classes: list[str]
    groups: NDArray[np.int64]
    keys: tuple[str, ...]
    hashes: NDArray[np.uint64]
    names: list[str]
    parts: list[str]
    paths: list[str]
    told: list[str]

    @property
    def fields(self) -> dict[str, object]:
        """Those that a set has, wherever it is from."""
        return {name: getattr(self, name) for name in ("labels", "classes", "groups", "names", "keys", "hashes")}


def distinct(
    looked: Sequence[Looked],
    classes: Sequence[str],
    names: Sequence[str],
    parts: Sequence[str],
    paths: Sequence[str],
    belonging: Sequence[str | None] | None = None,
    near: bool = True,
) -> Distinct:
    """Of N pictures those that are taken, each with its class, file's name, part and path in the set; near and
    belonging as of LabelledImages.from_looked. Raises DatasetError where none is taken."""
    chosen = Chosen[Placed]({})
    for place, ((key, _, _), *picture, path) in enumerate(zip(looked, classes, names, parts, paths, strict=True)):
        chosen.add(Placed(key, *picture, place), path)
    taken = chosen.taken
    if not taken:
        raise DatasetError(chosen.told()[0])
    places = [each.place for each in taken]
    there = dict.fromkeys(each.class_name for each in taken)
    number = {name: place for place, name in enumerate(there)}
    labels = np.array([number[each.class_name] for each in taken], np.int64)
    own = None if belonging is None else [belonging[place] for place in places]
    groups, keys, hashes = (grouped_by if near else copies_by)([looked[place] for place in places], own)
    found = [chosen.paths[key] for key in keys]
    count = chosen.copies.total()
    told = [f"{copies_left_out(count)}."] * bool(count) + chosen.told() + near_told(groups, labels, found, own)
    own_names, own_parts = [each.name for each in taken], [each.part for each in taken]
    return Distinct(places, labels, [*there], groups, keys, hashes, own_names, own_parts, found, told)


def held_out(first: C, copy: C) -> C:
    """Of a picture and a later copy of it the one that is held out; its pixels are those of the first, which is
    there."""
    if first.switched_off == copy.switched_off and HELD_BACK.index(copy.part) > HELD_BACK.index(first.part):
        return replace(first, part=copy.part, name=copy.name)
    return first


# What is told --------------------------------------------------------------------------------------------------------


def copies_left_out(count: int) -> str:
    """What is told of so many exact copies, at every door, without a full stop."""
    return f"{count:,} exact cop{'y' if count == 1 else 'ies'} left out"


def originals(copies: Counter[tuple[str, str]]) -> str:
    """Where the originals of copies lie, those first that were brought as another class; "" of no copies."""
    if not copies:
        return ""
    most = sorted(copies.items(), key=lambda item: (item[0][0].casefold() == item[0][1].casefold(), -item[1]))
    parts = [
        f"{count:,} in “{lies}”" + f", brought as “{came}”" * (came.casefold() != lies.casefold())
        for (came, lies), count in most
    ]
    more = f"; and {len(parts) - NAMED:,} more" if len(parts) > NAMED else ""
    return f"The originals of the exact copies: {'; '.join(parts[:NAMED])}{more}."


def in_several_classes(keys: Sequence[str], labels: NDArray[np.int64], names: Sequence[str]) -> str:
    """The sentence on the pictures that are left out since they are in several classes; "" where there are none."""
    several = _in_several(keys, labels, names, " = ")
    if not several:
        return ""
    which, left = ("1 picture is", "is") if len(several) == 1 else (f"{len(several):,} pictures are", "are")
    return (
        f"{which} in several classes, the same in each, and {left} left out of all: {_named(several)}. Leave each in "
        "one class."
    )


def kept_together(near: int) -> str:
    """What is told of so many near-duplicates, at every door, without a full stop."""
    return f"{near:,} near-duplicate{'' if near == 1 else 's'} kept together in groups"


def near_told(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    names: Sequence[str],
    belonging: Sequence[str | None] | None = None,
) -> list[str]:
    """The sentences on near-duplicates: that of nearly_in_several_classes, and how many pictures are grouped with
    others, of which those that are known to belong together do not count."""
    own = [place for place, each in enumerate(belonging or [None] * len(names)) if each is None]
    near = sum(size for size in Counter(groups[own].tolist()).values() if size > 1)
    told = nearly_in_several_classes(groups, labels, names, belonging), f"{kept_together(near)}." if near else ""
    return [text for text in told if text]


def nearly_in_several_classes(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    names: Sequence[str],
    stated: Sequence[str | None] | None = None,
) -> str:
    """The sentence on pictures that are in several classes nearly the same, groups (N,) as of `linked`; "" where there
    are none. stated: by what they belong together whether they are alike or not; None for those that were looked at."""
    near = [place for place, each in enumerate(stated or [None] * len(names)) if each is None]
    several = _in_several(groups[near].tolist(), labels[near], [names[place] for place in near], " ≈ ")
    if not several:
        return ""
    which = "1 picture is" if len(several) == 1 else f"{len(several):,} pictures are"
    return (
        f"{which} in several classes, nearly the same in each: {_named(several)}. All stay, since that is no proof: "
        "look whether one class is wrong."
    )


def _in_several(same: Sequence[Hashable], labels: NDArray[np.int64], names: Sequence[str], sign: str) -> list[str]:
    """Of each picture that is the same under several labels the names of the first one under each."""
    places: dict[Hashable, dict[int, str]] = {}
    for key, label, name in zip(same, labels.tolist(), names, strict=True):
        places.setdefault(key, {}).setdefault(label, name)
    return [sign.join(each.values()) for each in places.values() if len(each) > 1]


def _named(several: Sequence[str]) -> str:
    more = f"; and {len(several) - NAMED:,} more" if len(several) > NAMED else ""
    return "; ".join(several[:NAMED]) + more
