"""One project on disk: its classes and pictures, and the edits of them, each of which can be undone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ImageError, VisionlabError
from visionlab.imaging.image import Image, load_image
from visionlab.learning.projects import lost, rows
from visionlab.learning.projects.files import gone, link, remove_made_anew, size_of
from visionlab.learning.projects.journal import Database, Edit, unnamed
from visionlab.learning.projects.rows import Arrival, ClassInfo, PictureInfo, ProjectInfo
from visionlab.learning.projects.runs import ALIVE, Runs
from visionlab.learning.sets.archive import check_counts
from visionlab.learning.sets.dataset import LabelledImages, LazyImages
from visionlab.learning.sets.layout import class_names
from visionlab.learning.sets.similar import SMALL, in_small

PAGE = 60  # pictures of a gallery that are asked for at once


class Project(Runs):
    """A project in its folder. Any number of them, in any thread and process, may stand for the same folder.

    Every change is one transaction; DatasetError where it asks for what is not there, BusyError where another change
    goes on for too long. The project is then as it was.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        """Stand for the project in that folder; `limit` bytes may all projects beside it and it take together."""
        self.folder, self.limit, self.id = folder, limit, folder.name
        self._database = Database(folder / "project.sqlite")
        self._database.check()

    def info(self) -> ProjectInfo:
        """What a list of projects shows of this one."""
        counts = "(SELECT count(*) FROM pictures), (SELECT count(*) FROM classes)"
        with self._database.reading() as db:
            told = db.execute(f"SELECT name, created, changed, {counts} FROM project").fetchone()
        return ProjectInfo(self.id, *told, size_of(self.folder, without=self.folder / "incoming"))

    @property
    def changed(self) -> float:
        """When it was changed last, in seconds since 1970."""
        with self._database.reading() as db:
            return db.execute("SELECT changed FROM project").fetchone()[0]

    def rename(self, name: str) -> None:
        """Give the project another name; that is no edit."""
        self._database.rename(rows.project_name(name))

    def copy(self, target: Path) -> None:
        """Put into that folder a project like this one; the pictures' files are shared where the disk can do that."""
        with self._database.writing():  # nobody adds or removes a file meanwhile
            self._database.copy(target / "project.sqlite")
            shutil.copytree(self.folder / "pictures", target / "pictures", copy_function=link)
            shutil.copytree(self.folder / "runs", target / "runs", ignore=shutil.ignore_patterns(ALIVE))

    # Classes ---------------------------------------------------------------------------------------------------------

    def classes(self) -> list[ClassInfo]:
        """All classes, in their order."""
        with self._database.reading() as db:
            return rows.classes(db)

    def add_classes(self, names: Sequence[str]) -> list[int]:
        """Make classes, the last in order, in one edit; their ids."""
        with self._edit() as edit:
            named = f"the class “{names[0].strip()}”" if len(names) == 1 else f"{len(names)} classes"
            edit.sentence = f"Added {named}"
            return [rows.make_class(edit.db, name) for name in names]

    def rename_class(self, class_id: int, name: str) -> None:
        with self._edit() as edit:
            old = rows.known_class(edit.db, class_id)
            fresh = rows.new_name(edit.db, old, name)
            edit.db.execute("UPDATE classes SET name = ? WHERE id = ?", (fresh, class_id))
            edit.sentence = f"Renamed “{old.name}” to “{fresh}”"

    def merge_classes(self, source: int, target: int) -> None:
        """Move all pictures of one class to another one, and remove what is then empty."""
        with self._edit() as edit:
            gone, kept = rows.known_class(edit.db, source), rows.known_class(edit.db, target)
            if source == target:
                raise DatasetError(f"“{gone.name}” cannot be merged into itself; choose another class.")
            edit.db.execute("UPDATE pictures SET class_id = ? WHERE class_id = ?", (target, source))
            edit.db.execute("DELETE FROM classes WHERE id = ?", (source,))
            edit.sentence = f"Merged “{gone.name}” into “{kept.name}”"

    def remove_class(self, class_id: int) -> None:
        """Remove the class and its pictures."""
        with self._edit() as edit:
            gone = rows.known_class(edit.db, class_id)
            edit.db.execute("DELETE FROM pictures WHERE class_id = ?", (class_id,))
            edit.db.execute("DELETE FROM classes WHERE id = ?", (class_id,))
            edit.sentence = f"Removed the class “{gone.name}”"

    def enable_class(self, class_id: int, enabled: bool) -> None:
        """Let a class be learned from, or leave it out."""
        with self._edit() as edit:
            edit.sentence = f"{'Enabled' if enabled else 'Disabled'} “{rows.known_class(edit.db, class_id).name}”"
            edit.db.execute("UPDATE classes SET enabled = ? WHERE id = ?", (enabled, class_id))

    # Pictures --------------------------------------------------------------------------------------------------------

    def pictures(self, class_id: int | None = None, offset: int = 0, limit: int = PAGE) -> list[PictureInfo]:
        """A page of the pictures of a class, or of all, in the order in which they came."""
        with self._database.reading() as db:
            return rows.pictures(
                db, "class_id = coalesce(?, class_id) ORDER BY id LIMIT ? OFFSET ?", class_id, limit, offset
            )

    def picture(self, picture_id: int) -> PictureInfo:
        """One picture; DatasetError where it is not there."""
        with self._database.reading() as db:
            if found := rows.pictures(db, "id = ?", picture_id):
                return found[0]
        raise DatasetError(f"There is no picture {picture_id} in this project any more; choose another one.")

    def path(self, digest: str) -> Path:
        """Where the file of that SHA-256 lies, as it came in."""
        return self.folder / "pictures" / digest[:2] / digest

    def load(self, picture: PictureInfo) -> Image:
        """Decode a picture; DatasetError where its file is gone or damaged."""
        return self._look([(picture.digest, picture.name)], 0)

    def _look(self, files: Sequence[tuple[str, str]], index: int) -> Image:
        digest, name = files[index]
        try:
            return load_image(self.path(digest).read_bytes())
        except FileNotFoundError as error:
            raise DatasetError(f"“{name}” is not in the project any more; start again with those that are.") from error
        except ImageError as error:
            raise DatasetError(f"“{name}” cannot be read: {error}") from error

    def move(self, picture_ids: Sequence[int], class_id: int) -> None:
        """Put the pictures into a class."""
        with self._edit() as edit:
            target = rows.known_class(edit.db, class_id)
            rows.check_pictures(edit.db, picture_ids)
            placed = [(class_id, picture) for picture in picture_ids]
            edit.db.executemany("UPDATE pictures SET class_id = ? WHERE id = ?", placed)
            edit.sentence = f"Moved {rows.counted(picture_ids)} to “{target.name}”"

    def remove(self, picture_ids: Sequence[int]) -> None:
        """Take the pictures out; their files stay as long as that can be undone."""
        with self._edit() as edit:
            rows.check_pictures(edit.db, picture_ids)
            edit.db.executemany("DELETE FROM pictures WHERE id = ?", [(picture,) for picture in picture_ids])
            edit.sentence = f"Removed {rows.counted(picture_ids)}"

    def enable(self, picture_ids: Sequence[int], enabled: bool) -> None:
        """Let the pictures be learned from, or keep them without that."""
        with self._edit() as edit:
            rows.check_pictures(edit.db, picture_ids)
            changed = [(not enabled, picture) for picture in picture_ids]
            edit.db.executemany("UPDATE pictures SET switched_off = ? WHERE id = ?", changed)
            edit.sentence = f"Switched {rows.counted(picture_ids)} {'on' if enabled else 'off'}"

    def confirm(self, picture_ids: Sequence[int]) -> None:
        """Note that the pictures belong to the classes that they are in, until they are moved."""
        with self._edit() as edit:
            rows.check_pictures(edit.db, picture_ids)
            chosen = [(picture,) for picture in picture_ids]
            edit.db.executemany("UPDATE pictures SET confirmed = class_id WHERE id = ?", chosen)
            edit.sentence = f"Left {rows.counted(picture_ids)} where {'it is' if len(picture_ids) == 1 else 'they are'}"

    def keys(self) -> set[str]:
        """The keys of all pictures."""
        with self._database.reading() as db:
            return {key for (key,) in db.execute("SELECT key FROM pictures")}

    def snapshot(self) -> tuple[list[ClassInfo], list[PictureInfo]]:
        """All classes and all pictures, of one moment."""
        with self._database.reading() as db:
            return rows.classes(db), rows.pictures(db, "TRUE ORDER BY id")

    def labelled(self, enabled_only: bool = True) -> tuple[LabelledImages, tuple[int, ...]]:
        """The pictures to learn from, class by class, and their ids; they are decoded at each look.

        enabled_only: without classes and pictures that are switched off. Raises DatasetError where there are fewer than
        two classes, or one has no pictures.
        """
        with self._database.reading() as db:
            known = rows.hashes(db)
            chosen, pictures = rows.learnable(rows.classes(db), rows.pictures(db, "TRUE ORDER BY id"), enabled_only)
        number = {each.id: index for index, each in enumerate(chosen)}
        found = sorted((p for p in pictures if p.class_id in number), key=lambda p: number[p.class_id])
        data = LabelledImages(
            LazyImages(partial(self._look, [(p.digest, p.name) for p in found]), range(len(found))),
            np.array([number[p.class_id] for p in found]),
            tuple(each.name for each in chosen),
            np.array([p.group for p in found]),
            tuple(p.name for p in found),
            tuple(p.key for p in found),
            tuple(p.part or "" for p in found) if any(p.part for p in found) else (),
            hashes=np.stack([known[p.id] for p in found]),
        )
        return data, tuple(p.id for p in found)

    # What comes in ---------------------------------------------------------------------------------------------------

    @contextmanager
    def receiving(self, told: str = "", coming: Mapping[str, int] | None = None) -> Iterator[Path]:
        """A folder for files on their way in; it goes at the end, or, where the process is killed, at the next tidy.

        told: a sentence that is then among those of `lost`, unless pictures were added meanwhile, until as many of each
        class are in as are coming.
        """
        with self._database.writing() as db:  # so that tidying does not come between making and locking it
            folder = Path(tempfile.mkdtemp(dir=self.folder / "incoming"))
            lock = FileLock(folder / ".lock", thread_local=False)  # whichever thread drops a generator closes it
            lock.acquire()
            lost.begin(folder, rows.last_picture(db), told, coming or {})
        try:
            yield folder
        finally:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, arrivals: Sequence[Arrival]) -> tuple[int, int]:
        """Take in what came, as one edit: (how many pictures, how many of these are grouped with others).

        Those whose key the project has are left out. Near-duplicates of one another, and of what was there, become one
        group. Raises DatasetError over the limits of learning/sets/archive.py.
        """
        try:
            with self._edit() as edit:
                return self._add(edit, arrivals)
        except VisionlabError:
            self._collect([arrival.digest for arrival in arrivals])  # those that had their place already
            raise

    def _add(self, edit: Edit, arrivals: Sequence[Arrival]) -> tuple[int, int]:
        db = edit.db
        known, fresh = {key for (key,) in db.execute("SELECT key FROM pictures")}, []
        for arrival in arrivals:
            if arrival.key not in known:
                known.add(arrival.key)
                fresh.append(arrival)
        check_counts({"": known})
        classes = {each.name.casefold(): each.id for each in rows.classes(db)}
        groups: dict[str, int] = {}  # by what was stated: the id of the first picture
        looked_for: list[int] = []
        ids = []
        for arrival in fresh:
            [name] = class_names([arrival.class_name])
            if name.casefold() not in classes:
                classes[name.casefold()] = rows.make_class(db, name, arrival.enabled)
            number = rows.insert(db, arrival, classes[name.casefold()], groups.get(arrival.group))
            ids.append(number)
            if arrival.group is None:
                looked_for.append(number)
            else:
                groups.setdefault(arrival.group, number)
        small = {number: arrival.small for number, arrival in zip(ids, fresh, strict=True)}
        rows.regroup(db, looked_for, partial(self._in_small, db, small))
        for arrival in fresh:
            place = self.path(arrival.digest)
            place.parent.mkdir(exist_ok=True)
            os.replace(arrival.file, place)
        edit.sentence = f"Added {rows.counted(ids)}"
        return len(ids), rows.grouped_with_others(db, ids)

    def _in_small(
        self, db: sqlite3.Connection, known: dict[int, NDArray[np.uint8]], ids: Sequence[int]
    ) -> NDArray[np.uint8]:
        """These pictures as similar.in_small has them, (P, 64, 64), and zeros for one that is gone; `known` keeps
        them."""
        for number in set(ids) - known.keys():
            [digest] = db.execute("SELECT digest FROM pictures WHERE id = ?", (number,)).fetchone()
            try:
                known[number] = in_small(load_image(self.path(digest)))
            except ImageError:
                known[number] = np.zeros((SMALL, SMALL), np.uint8)
        return np.stack([known[number] for number in ids])

    # Undo ------------------------------------------------------------------------------------------------------------

    @property
    def undoable(self) -> str | None:
        """What undo() would take back, such as “Moved 3 pictures to “cats””; None where there is nothing."""
        return self._database.next_undo()

    @property
    def redoable(self) -> str | None:
        """What redo() would do again; None where there is nothing."""
        return self._database.next_redo()

    def undo(self) -> str | None:
        """Take back the last edit; its sentence. The last 200 edits can be undone, one after the other."""
        return self._database.undo()

    def redo(self) -> str | None:
        """Do again what was undone last; its sentence. A new edit ends that."""
        return self._database.redo()

    @contextmanager
    def _edit(self) -> Iterator[Edit]:
        with self._database.edit() as edit:
            yield edit
        self._collect(edit.forgotten)

    def tidy(self) -> None:
        """Remove files that neither a picture nor an undo needs, as a killed process leaves them, and note what such a
        process was bringing in."""
        with self._database.writing() as db:
            for folder in (self.folder / "incoming").iterdir():
                with suppress(Timeout), FileLock(folder / ".lock", timeout=0):  # else someone is at it
                    if not self._database.path.exists():  # deleted at this moment: the lock made its folders anew
                        remove_made_anew(folder)
                        raise gone()
                    lost.ended(self.folder, folder, rows.last_picture(db))
                    shutil.rmtree(folder, ignore_errors=True)
            self._tidy_runs()
        self._collect([file.name for file in (self.folder / "pictures").glob("??/*")])

    def lost(self) -> list[str]:
        """A sentence on each intake that was on its way in when its process was killed; see come, forget_lost."""
        return lost.told(self.folder)

    def come(self, counts: Mapping[str, int]) -> None:
        """Note that so many pictures of each class came in or were there: what was lost of them is lost no longer."""
        if self.lost():
            with self._database.writing():  # one after the other
                lost.come(self.folder, counts)

    def forget_lost(self) -> None:
        """The person has read them."""
        lost.forget(self.folder)

    def _collect(self, digests: Sequence[str]) -> None:
        if digests:
            with self._database.writing() as db:  # nothing can come in between looking and removing
                for digest in unnamed(db, digests):
                    self.path(digest).unlink(missing_ok=True)
