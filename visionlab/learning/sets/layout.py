"""What the folders of a set are: classes, parts of the set such as train and val, or wrappers around it all.

Only pictures count; what else lies there changes nothing, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from visionlab.errors import DatasetError, UnclearSetError
from visionlab.learning.sets.kinds import (
    NAMED,
    TRAIN,
    listed,
    no_pictures,
    of_a_camera,
    of_one_part,
    part_of,
)
from visionlab.learning.sets.names import PathParts
from visionlab.wording import as_name

SHARED = 2  # folders of the same names that make those around them look like parts, or sources, of one set
LONGEST_NAME = 500  # characters of a class: folders have 255 at most, in whatever alphabet
UNNAMED = "unnamed"  # a class whose folder's name is blank

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A picture: its name within its class, its path in the set, which of PARTS it is of or "", and where its bytes
    come from."""

    name: str
    path: str
    part: str
    source: T


@dataclass(frozen=True)
class Arranged(Generic[T]):
    """The pictures by class, and a sentence for each kind of thing that was left out or taken together; parts_told is
    another one, once it is known which of the pictures are used."""

    classes: Mapping[str, list[Entry[T]]]
    told: tuple[str, ...] = ()


def arrange(
    pictures: Mapping[PathParts, T],
    others: Sequence[PathParts] = (),
    folders: Sequence[PathParts] = (),
    alone: str | None = None,
    parts: bool | None = None,
) -> Arranged[T]:
    """The classes of a set from the paths of its pictures, of its other files and of its folders, all without litter.

    Folders around everything are taken off. A folder is a class, whatever lies deeper in it; folders named as
    part_of knows them that hold the same class folders are parts of the set, which `part` keeps.
    Classes that differ in case alone are one, and one whose folder's name is blank is UNNAMED. Pictures beside class
    folders are left out. alone: the name of the one class that pictures make which lie in no folder. parts: what
    folders of such names are where that is not clear.

    Raises DatasetError where there is no picture, or none in a folder, and UnclearSetError.
    """
    if not pictures and others and all(Path(path[-1]).suffix.lower() == ".zip" for path in others):
        raise DatasetError(
            f"There are only zips in it, such as “{min(others)[-1]}”; unpack them, or bring one of them."
        )
    if not pictures and any(len(path) > 1 for path in (*others, *((*path, "") for path in folders))):
        raise DatasetError("There are no pictures in these folders; put some of each class into its folder.")
    inside, prefix, beside = _unwrapped(pictures)
    if all(len(path) == 1 for path in inside):
        if alone is None or not inside:
            raise DatasetError(
                "There are no class folders; put the pictures into one folder a class, like cats and dogs."
            )
        inside = {(alone, *path): source for path, source in inside.items()}
    beside += [(*prefix, *path) for path in inside if len(path) == 1]
    split = parts if parts is not None else _is_split(inside)
    placed, loose = _by_part(inside) if split else ([("", "", path, inside[path]) for path in inside], [])
    if not placed:
        raise DatasetError(_no_classes_in({path[0] for path in loose}))
    beside += [(*prefix, *path) for path in loose]
    classes: dict[str, list[Entry[T]]] = {}
    spelled: dict[str, dict[str, None]] = {}  # by folded name: each spelling, the first one counts
    for part, folder, path, source in sorted(placed, key=lambda each: (each[2], each[1])):
        if len(path) == 1:
            continue
        own = path[0] if folded(path[0]) else UNNAMED
        spellings = spelled.setdefault(folded(own), {})
        spellings.setdefault(own)
        name = "/".join(filter(None, (folder, *path[1:])))
        full = "/".join((*prefix, *filter(None, (folder,)), *path))
        classes.setdefault(next(iter(spellings)), []).append(Entry(name, full, part, source))
    alike = ""
    if not split:
        classes, alike = _with_inner_parts(classes), _alike(_folders_in(_within(inside)))
    depth = len(prefix) + (2 if split else 1)
    empty = {path[:depth] for path in folders if len(path) >= depth and path[: len(prefix)] == prefix}
    empty |= {path[:depth] for path in others if len(path) > depth and path[: len(prefix)] == prefix}
    empty -= {path[:depth] for path in pictures}  # a folder around the classes of a part
    told = (
        *no_pictures(["/".join(path) for path in others]),
        listed(
            ["/".join(path) for path in beside],
            "picture lies beside the class folders",
            "pictures lie beside the class folders",
        ),
        listed(
            ["/".join(path) for path in empty if (folded(path[-1]) or UNNAMED) not in spelled],
            "folder has no picture",
            "folders have no picture",
        ),
        f"{alike}: the outer ones are the classes." if alike else "",
        *(_as_one(spellings) for spellings in spelled.values() if len(spellings) > 1),
        of_a_camera(classes),
        of_one_part(prefix),
    )
    return Arranged(classes, tuple(filter(None, told)))


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """As as_name has them.

    Raises DatasetError where one is empty or longer than LONGEST_NAME, or two are the same whatever their case.
    """
    cleaned = tuple(map(as_name, names))
    seen: dict[str, str] = {}
    for name in cleaned:
        if not name:
            raise DatasetError("A class has an empty name; every class needs one.")
        if len(name) > LONGEST_NAME:
            told = f"The class “{name[:40]}…” has a name of {len(name):,} characters"
            raise DatasetError(f"{told}; at most {LONGEST_NAME} are taken.")
        if other := seen.get(name.casefold()):
            raise DatasetError(f"Two classes of the same name: “{other}” and “{name}”; rename one of them.")
        seen[name.casefold()] = name
    return cleaned


def folded(name: str) -> str:
    """The name as names of classes are compared: whatever its case and its Unicode form."""
    return as_name(name).casefold()


class _Unwrapped(NamedTuple, Generic[T]):
    """Pictures without folders around them, these folders, and what lies beside one of these."""

    pictures: dict[PathParts, T]
    prefix: PathParts
    beside: list[PathParts]

    def folders(self) -> set[str]:
        return {path[0] for path in self.pictures if len(path) > 1}

    def inner(self) -> _Unwrapped[T]:
        """Without the one folder at the top."""
        beside = [(*self.prefix, *path) for path in self.pictures if len(path) == 1]
        inside = {path[1:]: source for path, source in self.pictures.items() if len(path) > 1}
        return _Unwrapped(inside, (*self.prefix, *self.folders()), [*self.beside, *beside])


def _unwrapped(pictures: Mapping[PathParts, T]) -> _Unwrapped[T]:
    """A folder that pictures lie in or beside is one around others where these are two class folders or more."""
    found = _Unwrapped(dict(pictures), (), [])
    holds_pictures = None
    while len(found.folders()) == 1 and any(len(path) > 2 for path in found.pictures):
        if any(len(path) <= 2 for path in found.pictures):
            holds_pictures = holds_pictures or found
        found = found.inner()
    return found if len(found.folders()) > 1 else holds_pictures or found


class _Within(NamedTuple, Generic[T]):
    """What is in a folder at the top, without folders around all of that; which part they say it is; and what lies
    beside one of them."""

    pictures: dict[PathParts, T]
    part: str
    beside: list[PathParts]


def _within(inside: Mapping[PathParts, T]) -> dict[str, _Within[T]]:
    within: dict[str, dict[PathParts, T]] = {}
    for path, source in inside.items():
        if len(path) > 1:
            within.setdefault(path[0], {})[path[1:]] = source
    found = {}
    for name, pictures in within.items():
        unwrapped, around, beside = _unwrapped(pictures)
        found[name] = _Within(unwrapped, next(filter(None, map(part_of, (name, *around))), ""), beside)
    return found


def _folders_in(within: Mapping[str, _Within]) -> dict[str, dict[str, str]]:
    """What the folders in each folder at the top are called: by the folded name, as it is spelled."""
    return {
        name: {folded(path[0]): path[0] for path in sorted(each.pictures) if len(path) > 1}
        for name, each in within.items()
    }


def _is_split(inside: Mapping[PathParts, object]) -> bool:
    """Whether the folders at the top are parts of a set. Raises UnclearSetError where they may be that."""
    within = _within(inside)
    classes = _folders_in(within)
    parts = {name: part_of(name) for name in sorted(within) if part_of(name)}  # however a disk lists them
    if not parts:
        return _is_split_deeper(classes, {name: each.part for name, each in within.items()})
    nested = any(classes[name] for name in parts) or any(len(path) > 2 for path in inside if path[0] in parts)
    if len(within) == 1 or (not nested and (len(parts) < len(within) or len({*parts.values()}) == 1)):
        return False  # one class among others may be called “train”, and all of them “test 1”, “test 2”
    if len(parts) == len(within) and _hold_the_same(classes, parts):
        return True
    raise UnclearSetError(
        f"The folder{'s' * (len(parts) > 1)} {_and(parts)} may be classes, or parts of the set: parts hold the same "
        f"class folders, and nothing lies beside them. {_in_the_way(classes, parts)}"
    )


def _in_the_way(classes: Mapping[str, Mapping[str, str]], parts: Mapping[str, str]) -> str:
    """Which folder keeps these from being parts of a set, and what to do with it."""
    if unknown := sorted(classes.keys() - parts.keys()):
        return f"“{unknown[0]}” lies beside: where it is a part, too, call it train, val or test, else take it out."
    taught = set().union(*(found for name, found in classes.items() if parts[name] == TRAIN))
    for name, found in sorted(classes.items()):
        if taught and (extra := sorted(found.keys() - taught)):
            inner = found[extra[0]]
            return f"“{name}” holds “{inner}”, of which there is nothing to learn from: add that, or take it out."
    return "Rename them, or put the pictures into one folder a class."


def _hold_the_same(classes: Mapping[str, Mapping[str, str]], parts: Mapping[str, str]) -> bool:
    """Whether no part holds a class that is not taught."""
    teaching = [names for name, names in classes.items() if parts[name] == TRAIN]
    known = set().union(*teaching) if teaching else set.intersection(*map(set, classes.values()))
    return bool(known) and all(names.keys() <= known for names in classes.values())


def _is_split_deeper(classes: Mapping[str, Mapping[str, str]], parts: Mapping[str, str]) -> bool:
    """As _is_split, where no folder at the top is named like a part: in each such a one may lie around its classes."""
    told = _alike(classes)
    if not told or not any(parts.values()):
        return False  # whatever lies deeper in a class
    if all(parts.values()) and len({*parts.values()}) > 1 and _hold_the_same(classes, parts):
        return True
    raise UnclearSetError(
        f"{told}: either may be the classes. Rename them, or put the pictures into one folder a class."
    )


def _alike(classes: Mapping[str, Mapping[str, str]]) -> str:
    """That folders hold folders of the same names, SHARED or more, as a phrase; "" where none do."""
    inner = {
        name: {each: spelled for each, spelled in found.items() if not part_of(each)}
        for name, found in sorted(classes.items())
    }
    several = [name for name, found in inner.items() if len(found) >= SHARED]
    pairs = ((inner[one].keys() & inner[other].keys()) for one, other in combinations(several, 2))
    shared = next((both for both in pairs if len(both) >= SHARED), None)
    if shared is None:
        return ""
    alike = [name for name in several if shared <= inner[name].keys()]
    more = f" and {len(alike) - NAMED:,} more" if len(alike) > NAMED else ""
    spelled = [inner[alike[0]][each] for each in sorted(shared)[:SHARED]]
    return f"The folders {_and(alike[:NAMED])}{more} hold folders of the same names, {_and(spelled)}"


def _by_part(inside: Mapping[PathParts, T]) -> tuple[list[tuple[str, str, PathParts, T]], list[PathParts]]:
    """(part, its folder, path in it, picture), and what lies in no class folder. Raises DatasetError where nothing says
    which part a folder of class folders is."""
    found, beside = [], []
    for name, (pictures, part, around) in sorted(_within(inside).items()):
        if not part and any(len(path) > 1 for path in pictures):
            raise DatasetError(
                f"“{name}” may be any part of the set: call it train, val or test, or take it out, so that it is known "
                "what is learned from."
            )
        beside += [(name, *path) for path in around]
        for path, source in pictures.items():
            if len(path) > 1:
                found.append((part, name, path, source))
            else:
                beside.append((name, *path))
    return found, beside


def _no_classes_in(folders: Iterable[str]) -> str:
    """The sentence on parts that hold pictures alone."""
    named = sorted(folders)
    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    return (
        f"The pictures lie directly in {_and(named[:NAMED])}{more}, where parts of a set hold folders: put the "
        f"pictures into one folder a class in each, like {named[0]}/cats and {named[0]}/dogs."
    )


def _with_inner_parts(classes: Mapping[str, list[Entry[T]]]) -> dict[str, list[Entry[T]]]:
    """Where classes hold folders named like several parts, as cats/train and cats/val, these are kept; what is in none
    is of no part."""

    def part(entry: Entry[T]) -> str:
        folder, slash, _ = entry.name.partition("/")
        return part_of(folder) if slash else ""

    found = {part(entry) for items in classes.values() for entry in items} - {""}
    if len(found) < 2:
        return dict(classes)
    return {name: [entry._replace(part=part(entry)) for entry in items] for name, items in classes.items()}


def _as_one(spellings: Iterable[str]) -> str:
    """The sentence on names that are taken as one class's. Some look alike: of an “ä” in one character and in two, or
    beside a blank."""
    shown = list(dict.fromkeys(map(as_name, spellings)))
    ways = len([*spellings])
    written = f", written in {('two', 'three')[ways - 2] if ways < 4 else ways} ways," if len(shown) < ways else ""
    return f"{_and(shown)}{written} {'are' if len(shown) > 1 else 'is'} taken as one class."


def _and(names: Iterable[str]) -> str:
    return " and ".join(f"“{name}”" for name in names)
