"""Files of a store: written whole or not at all, counted, and a full disk told in a sentence."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visionlab import limits
from visionlab.errors import BusyError, DatasetError
from visionlab.shortage import FULL, NO_DISK
from visionlab.wording import sized, sized_apart
from visionlab.writing import whole

# What is forbidden, and what a path is that leads to no folder, since a part of it is a file, say.
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@contextmanager
def telling() -> Iterator[None]:
    """Turn what disk or database refuse into a sentence: a DatasetError, or a BusyError where waiting helps."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DatasetError(NO_DISK) from error
        if error.errno in _UNWRITABLE:
            raise unwritable(error) from error
        if isinstance(error, FileNotFoundError):
            raise gone() from error
        raise
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", None) or ""  # absent where Python itself found the fault
        if name == "SQLITE_FULL":
            raise DatasetError(NO_DISK) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise BusyError("Another edit of this project is still going on; try again in a moment.") from error
        if name.startswith("SQLITE_IOERR"):  # what a disk without one free byte makes of it, too
            raise DatasetError(
                f"The disk fails ({error}), or is full to the last byte, so nothing was changed; make room on it, and "
                "try again."
            ) from error
        if name.startswith("SQLITE_CANTOPEN") or name == "SQLITE_READONLY_DBMOVED":
            raise gone() from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise DatasetError(f"The project’s database is damaged ({error}); put back a copy of it.") from error
        raise


def unwritable(error: OSError) -> DatasetError:
    """The sentence on a folder of projects in which nothing can be made."""
    return DatasetError(
        f"The projects’ folder cannot be written to ({error.strerror}); permit it, or name another one in the "
        f"environment variable {limits.WORKSPACE_FOLDER}."
    )


def gone() -> DatasetError:
    """The sentence on a project that was deleted while it was worked on."""
    return DatasetError("The project is not there any more; open another one, or make one.")


def remove_made_anew(folder: Path) -> None:
    """Remove what a lock made anew of a deleted project: the folder of what was coming in, and those around it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # something else is in them
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


def write(path: Path, data: bytes) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    with whole(path) as part:
        part.write_bytes(data)


def link(source: str, target: str) -> None:
    """Give a file that is never written again a second name, or copy it where the disk has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def keep(source: Path, target: Path) -> None:
    """As write, of what lies on this disk and is never written again: it takes no more room. Raises OSError."""
    link(str(source), str(target))
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def size_of(folder: Path, without: Path | None = None) -> int:
    """Bytes of all files below the folder but those below another one; a file of several names (a duplicated project's
    pictures) counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if without is None or Path(base, name) != without]
        for name in names:
            try:
                status = os.stat(os.path.join(base, name))
            except FileNotFoundError:  # removed since it was listed
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total


def check_room(used: int, needed: int, limit: int) -> None:
    """DatasetError where `needed` bytes beside those that all projects take are over the limit."""
    if used + needed > limit:
        raise DatasetError(
            f"The projects take {sized(used)} and at least {sized(needed)} more are needed, but the limit for "
            f"all together is {sized(limit)}; delete some, or let the operator raise VISIONLAB_WORKSPACE_LIMIT."
        )


def check_project(pictures: int, size: int) -> None:
    """DatasetError where so many pictures, of so many bytes together, are more than a project may hold."""
    if pictures > (most := limits.PICTURES.value()):
        told = f"At most {most:,.0f} pictures are taken in one project, and this would make more of them"
        raise DatasetError(f"{told}. Bring fewer, or begin another project.")
    most = limits.PROJECT.value()
    if most is not None and size > most * 10**9:
        needed, limit = sized_apart(size, most * 10**9)
        raise DatasetError(f"The project’s pictures would take {needed}, but at most {limit} are taken in one project.")
