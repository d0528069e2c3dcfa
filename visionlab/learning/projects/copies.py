"""Copies and near-copies among pictures that come into a project: which are taken, and what is told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

import numpy as np

from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import Arrival
from visionlab.learning.sets.kinds import PARTS
from visionlab.learning.sets.layout import folded
from visionlab.learning.sets.similar import in_several_classes, nearly_in_several_classes, none_of_their_own

LISTED = 5  # classes that a sentence names
HELD_BACK = ("", *PARTS)  # of parts that hold one picture, the last of these has it


class Chosen:
    """Of the pictures of one intake those that are taken: each once, and none that came as several classes.

    held: of each key that the project has already the class in which it lies; it stays there, whatever came. paths: of
    each key that came the path of the one that is taken.
    """

    def __init__(self, held: Mapping[str, str]) -> None:
        self.paths: dict[str, str] = {}
        self._held = held
        self._taken: dict[str, Arrival] = {}
        self._came: dict[str, list[tuple[str, str]]] = {}  # of the same keys, as which class and by which path
        self._several: set[str] = set()  # those of them that came as several classes
        self._again = Counter[tuple[str, str]]()  # copies of what is held, by the class of each of the two

    def __contains__(self, key: str) -> bool:
        return key in self._held or key in self._taken

    def add(self, arrival: Arrival, path: str) -> None:
        """Note that it came."""
        key, name = arrival.key, arrival.class_name
        if key in self._held:
            self._again[name, self._held[key]] += 1
            return
        first = self._taken.setdefault(key, arrival)
        self._came.setdefault(key, []).append((name, path))
        if folded(name) != folded(first.class_name):
            self._several.add(key)
        taken = self._taken[key] = held_out(first, arrival)
        if taken is not first or key not in self.paths:
            self.paths[key] = path

    @property
    def arrivals(self) -> list[Arrival]:
        """What is taken, in the order in which it came."""
        return [each for key, each in self._taken.items() if key not in self._several]

    @property
    def copies(self) -> Counter[tuple[str, str]]:
        """Copies that are not taken, by the class that each was brought as, and that of the original."""
        found = self._again.copy()
        for each in self.arrivals:
            found.update((name, each.class_name) for name, _ in self._came[each.key][1:])
        return found

    def told(self, classes: Iterable[str]) -> list[str]:
        """The sentences on copies, and on what came as several classes. classes: those that the project has."""
        numbers: dict[str, int] = {}
        came = [(key, *each) for key in self._taken if key in self._several for each in self._came[key]]
        labels = [numbers.setdefault(folded(name), len(numbers)) for _, name, _ in came]
        several = in_several_classes(
            [key for key, _, _ in came], np.array(labels, np.int64), [path for _, _, path in came]
        )
        there = {folded(name) for name in (*classes, *(each.class_name for each in self.arrivals))}
        without = {folded(name): name for _, name, _ in reversed(came) if folded(name) not in there}
        copies = self.copies
        told = [originals(copies) if copies else "", several, none_of_their_own([*without.values()])]
        return [text for text in told if text]


def nearly_in_others(project: Project, fresh: Container[str], paths: Mapping[str, str]) -> str:
    """The sentence on those of these fresh pictures, by their keys, that are nearly the same as one of another class;
    "" where none are. paths: by which the keys of pictures that came now are called."""
    classes, pictures = project.snapshot()
    names = {each.id: each.name for each in classes}
    groups = {each.group for each in pictures if each.key in fresh}
    found = [each for each in pictures if each.group in groups]
    return nearly_in_several_classes(
        np.array([each.group for each in found], np.int64),
        np.array([each.class_id for each in found], np.int64),
        [paths.get(each.key) or f"{names[each.class_id]}/{each.name}" for each in found],
    )


def held_out(first: Arrival, copy: Arrival) -> Arrival:
    """Of a picture and a later copy of it the one that is held out; its file is that of the first, which is there."""
    if first.switched_off == copy.switched_off and HELD_BACK.index(copy.part) > HELD_BACK.index(first.part):
        return replace(first, part=copy.part, name=copy.name)
    return first


def originals(copies: Counter[tuple[str, str]]) -> str:
    """Where the originals of copies lie, those first that were brought as another class."""
    most = sorted(copies.items(), key=lambda item: (item[0][0].casefold() == item[0][1].casefold(), -item[1]))
    parts = [
        f"{count:,} in “{lies}”" + f", brought as “{came}”" * (came.casefold() != lies.casefold())
        for (came, lies), count in most
    ]
    more = f"; and {len(parts) - LISTED:,} more" if len(parts) > LISTED else ""
    return f"The originals of the exact copies: {'; '.join(parts[:LISTED])}{more}."
