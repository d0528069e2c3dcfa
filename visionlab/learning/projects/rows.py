"""The rows of a project's database as records, and what every edit of them asks and does."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.learning.sets.archive import check_counts
from visionlab.learning.sets.layout import class_names
from visionlab.learning.sets.similar import linked, without_crops


@dataclass(frozen=True)
class ProjectInfo:
    """A project as a list shows it: created and changed are seconds since 1970, size is bytes on disk."""

    id: str
    name: str
    created: float
    changed: float
    pictures: int
    classes: int
    size: int


@dataclass(frozen=True)
class ClassInfo:
    """A class: whether it is learned from, and how many pictures it has."""

    id: int
    name: str
    enabled: bool
    count: int


@dataclass(frozen=True)
class PictureInfo:
    """A picture: digest is the SHA-256 of its file, key that of its pixels (imaging.image.fingerprint).

    group: pictures of one number are copies or of one scene, and never part in a split.  width, height: pixels.
    part: which of layout.PARTS of its set it is of, None or "" where nobody said.  enabled: whether it is learned from.
    confirmed: whether a person looked at it and left it in its class.
    """

    id: int
    name: str
    class_id: int
    digest: str
    key: str
    group: int
    width: int
    height: int
    bytes: int
    part: str | None = None
    enabled: bool = True
    confirmed: bool = False


@dataclass(frozen=True, eq=False)
class Arrival:
    """A picture on its way in; its file lies in the folder of Project.receiving().

    hashes: uint64 (37,), as of similar.hashes.  group: pictures of one text belong together, and
    are not looked at for likeness; None where nothing is known.  enabled: of its class, where that is made for it.
    small: the picture as similar.in_small has it.  switched_off: it is kept, and not learned from.
    """

    class_name: str
    enabled: bool
    name: str
    digest: str
    key: str
    hashes: NDArray[np.uint64]
    group: str | None
    width: int
    height: int
    bytes: int
    file: Path
    small: NDArray[np.uint8]
    part: str = ""
    switched_off: bool = False


def counted(items: Sequence[object]) -> str:
    return f"{len(items):,} picture{'' if len(items) == 1 else 's'}"


def project_name(name: str) -> str:
    """A project's name, stripped; DatasetError where nothing is left."""
    if not name.strip():
        raise DatasetError("The project has an empty name; give it one, such as “Birds”.")
    return name.strip()


def classes(db: sqlite3.Connection) -> list[ClassInfo]:
    rows = db.execute(
        "SELECT id, name, enabled, (SELECT count(*) FROM pictures WHERE class_id = classes.id) FROM classes"
        " ORDER BY position, id"
    )
    return [ClassInfo(number, name, bool(enabled), count) for number, name, enabled, count in rows]


def last_picture(db: sqlite3.Connection) -> int:
    """The highest id that a picture of the project ever had, 0 where there was none."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pictures'").fetchone()
    return found[0] if found else 0


def known_class(db: sqlite3.Connection, class_id: int) -> ClassInfo:
    for each in classes(db):
        if each.id == class_id:
            return each
    raise DatasetError(f"There is no class {class_id} in this project any more; choose another one.")


def new_name(db: sqlite3.Connection, renamed: ClassInfo, name: str) -> str:
    """That name as a class can have it. Raises DatasetError where another one has it."""
    others = {each.name.casefold(): each.name for each in classes(db) if each.id != renamed.id}
    [fresh] = class_names([name])
    if taken := others.get(fresh.casefold()):
        raise DatasetError(f"There is a class “{taken}” already; “{renamed.name}” keeps its name.")
    return fresh


def make_class(db: sqlite3.Connection, name: str, enabled: bool = True) -> int:
    there = [each.name for each in classes(db)]
    [*_, fresh] = class_names([*there, name])
    check_counts(dict.fromkeys((*there, fresh), ()))
    query = "INSERT INTO classes (name, enabled, position) SELECT ?, ?, coalesce(max(position), 0) + 1 FROM classes"
    return db.execute(query, (fresh, enabled)).lastrowid


def pictures(db: sqlite3.Connection, where: str, *values: object) -> list[PictureInfo]:
    columns = "id, name, class_id, digest, key, group_id, width, height, bytes, part, switched_off, confirmed"
    found = db.execute(f"SELECT {columns} FROM pictures WHERE {where}", values)
    return [PictureInfo(*row, not off, confirmed == row[2]) for *row, off, confirmed in found]


def learnable(
    classes: Sequence[ClassInfo], pictures: Sequence[PictureInfo], enabled_only: bool
) -> tuple[list[ClassInfo], list[PictureInfo]]:
    """The classes and pictures to learn from, as Project.labelled has them."""
    chosen = [each for each in classes if each.enabled or not enabled_only]
    if len(chosen) < 2:
        told = "1 class is" if len(chosen) == 1 else f"{len(chosen)} classes are"
        raise DatasetError(f"{told} there to learn; two or more are needed, so add or enable some.")
    pictures = [each for each in pictures if each.enabled or not enabled_only]
    filled = {each.class_id for each in pictures}
    for each in chosen:
        if each.id not in filled:
            raise DatasetError(f"The class “{each.name}” has no pictures; add some, or disable it.")
    return chosen, pictures


def check_pictures(db: sqlite3.Connection, picture_ids: Sequence[int]) -> None:
    there = {number for (number,) in db.execute("SELECT id FROM pictures")}
    if gone := len(set(picture_ids) - there):
        told = "One of the pictures is" if gone == 1 else f"{gone:,} of the pictures are"
        raise DatasetError(f"{told} not in the project any more; look at it anew.")


def insert(db: sqlite3.Connection, arrival: Arrival, class_id: int, group_id: int | None) -> int:
    """Make a picture's row; its id, which is also its group where that is None."""
    columns = "class_id, name, digest, key, hash, group_id, width, height, bytes, part, switched_off"
    values = (
        class_id,
        arrival.name,
        arrival.digest,
        arrival.key,
        int(arrival.hashes[0].astype(np.int64)),  # SQLite's integers have a sign; the bits are the same
        group_id if group_id is not None else 0,
        arrival.width,
        arrival.height,
        arrival.bytes,
        arrival.part,
        arrival.switched_off,
    )
    marks = ", ".join("?" * len(values))
    number = db.execute(f"INSERT INTO pictures ({columns}) VALUES ({marks})", values).lastrowid
    db.execute("INSERT OR REPLACE INTO looks VALUES (?, ?)", (arrival.key, arrival.hashes.astype("<u8").tobytes()))
    if group_id is None:
        db.execute("UPDATE pictures SET group_id = id WHERE id = ?", (number,))
    return number


def regroup(
    db: sqlite3.Connection,
    looked_for: Sequence[int],
    in_small: Callable[[Sequence[int]], NDArray[np.uint8]],
) -> None:
    """Make one group of each of the pictures of these ids and its near-duplicates.

    in_small(ids) gives pictures as similar.in_small has them, (P, 64, 64).
    """
    if not looked_for:
        return
    ids, groups = np.array(db.execute("SELECT id, group_id FROM pictures ORDER BY id").fetchall()).T  # (N,) each
    known = hashes(db)
    every = np.stack([known[number] for number in ids.tolist()])
    place = np.searchsorted(ids, looked_for)  # (n,): where in ids they are
    fresh = linked(groups, place, every, lambda places: in_small(ids[places].tolist()))
    changed = fresh != groups
    rows = zip(fresh[changed].tolist(), ids[changed].tolist(), strict=True)
    db.executemany("UPDATE pictures SET group_id = ? WHERE id = ?", rows)


def hashes(db: sqlite3.Connection) -> dict[int, NDArray[np.uint64]]:
    """Of each picture, by its id, what similar.hashes gives, (37,)."""
    found = {}
    for number, own, look in db.execute("SELECT id, hash, hashes FROM pictures LEFT JOIN looks USING (key)"):
        one = np.array(own).astype(np.uint64)
        # The latter of one that came before version 4.
        found[number] = np.frombuffer(look, "<u8") if look else without_crops(np.array([one, ~one]))
    return found


def grouped_with_others(db: sqlite3.Connection, picture_ids: Sequence[int]) -> int:
    """How many of these pictures share their group with another picture."""
    groups = dict(db.execute("SELECT id, group_id FROM pictures").fetchall())
    sizes = Counter(groups.values())
    return sum(sizes[groups[picture]] > 1 for picture in picture_ids)
