"""Encoded pictures by class, out of zips and folders, checked at the door; nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from visionlab.errors import DatasetError, NoZipError, ParameterError
from visionlab.imaging.image import MAX_BYTES
from visionlab.learning.sets import layout
from visionlab.learning.sets.guarded import Guarded, OnDisk, why_no_zip
from visionlab.learning.sets.kinds import is_litter, is_picture
from visionlab.learning.sets.layout import Arranged, Entry
from visionlab.learning.sets.names import PathParts, entries, guess_told, is_folder
from visionlab.wording import shortened, sized

MAX_PICTURES = 5_000  # of a zip or an upload, like the limits below
MAX_CLASSES = 300  # Caltech-256 and Food-101 fit
MAX_UPLOAD_BYTES = 200 * 2**20  # of a zip that is not read from a path
MAX_UNPACKED_BYTES = 2**30  # of the pictures in such a zip
MAX_ZIP_BYTES = 4 * 2**30  # of one on the disk, packed or unpacked: it is read entry by entry, so memory sets no bound
MAX_CONTENTS_BYTES = 4 * 2**20  # of a zip's table of contents; 5,000 pictures packed on a Mac need about 1.5 MB
CHUNK = 2**20
START = 64  # bytes that tell what a file is
IN_MEMORY = "/dev/shm"  # noqa: S108 - where people put files, though on no disk
NO_DISK = ("/dev", "/proc", "/sys")  # what lies there is no file that somebody put there

T = TypeVar("T")

_BROKEN_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, struct.error, zlib.error)


def read_zip(
    source: str | os.PathLike[str] | bytes | BinaryIO, parts: bool | None = None, names_in: str | None = None
) -> Arranged[bytes | Callable[[], bytes]]:
    """The encoded pictures of a zip (path, bytes or seekable binary file) by class, as layout.arrange finds them.
    names_in: as of `opened`.

    Of a zip at a path there are functions that read a picture in its turn, and can be pickled. Of another one, in place
    of a picture that is damaged in the zip, or too large, stands a function that raises what is to be said of it.
    Raises DatasetError for what is no zip, is encrypted, has a hostile or repeated entry name, has no class folders, or
    is over one of this module's limits.
    """
    if _on_disk(source):
        kept = Kept(source, names_in=names_in)
        found = class_entries(kept.archive, MAX_ZIP_BYTES, parts)
        later = {
            name: [item._replace(source=partial(kept.unpack, item.source, item.path)) for item in items]
            for name, items in found.classes.items()
        }
        return Arranged(later, found.told)
    with opened(source, names_in=names_in) as archive:
        found = class_entries(archive, parts=parts)
        unpacked: dict[str, list[Entry[bytes | Callable[[], bytes]]]] = {name: [] for name in found.classes}
        total = 0
        for name, items in found.classes.items():
            for item in items:
                try:
                    data = read_entry(archive, item.source, item.path)
                except DatasetError as error:
                    unpacked[name].append(item._replace(source=partial(_refused, str(error))))
                    continue
                total += len(data)
                check_unpacked(total)
                unpacked[name].append(item._replace(source=data))
    return Arranged(unpacked, found.told)


class Kept:
    """An opened zip, as of `opened`, that is read entry by entry for as long as something refers to it. Of one at a
    path no file is held open; pickled, it is opened anew."""

    def __init__(
        self, source: str | os.PathLike[str] | bytes | BinaryIO, most: int | None = None, names_in: str | None = None
    ) -> None:
        self._told = source, most, names_in
        self._opening = opened(source, most, names_in=names_in)
        self.archive = self._opening.__enter__()  # it is left when nothing refers to it any more

    def __reduce__(self):
        return Kept, self._told

    def unpack(self, info: zipfile.ZipInfo, name: str) -> bytes:
        """As read_entry."""
        return read_entry(self.archive, info, name)


def _on_disk(source: object) -> bool:
    return isinstance(source, str | os.PathLike)


def unpacked_limit(source: object) -> int:
    """The bytes that the pictures of such a source may take unpacked."""
    return MAX_ZIP_BYTES if _on_disk(source) else MAX_UNPACKED_BYTES


def _refused(told: str) -> bytes:
    raise DatasetError(told)


def read_folder(path: str | os.PathLike[str], alone: str | None = None, parts: bool | None = None) -> Arranged[Path]:
    """The paths of a folder's pictures by class, as layout.arrange finds them; links are followed.

    Raises DatasetError where there is no such folder, or no class folder in it.
    """
    root = Path(path)
    if not root.is_dir():
        raise DatasetError(f"“{root}” is no folder; name one that holds one folder a class.")
    closed: list[OSError] = []
    files: dict[PathParts, Path] = {}
    folders: list[PathParts] = []
    for here, inner, names in walked(root, closed):
        folders += [(here / name).relative_to(root).parts for name in inner]
        files |= {(here / name).relative_to(root).parts: here / name for name in names if _is_file(here / name)}
    if closed and closed[0].filename == str(root):
        raise DatasetError(f"“{root}” cannot be opened: {closed[0].strerror}.") from closed[0]
    return arranged({path: (file, partial(start_of_file, file)) for path, file in files.items()}, folders, alone, parts)


def walked(root: Path, closed: list[OSError]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder from the root on, the names of the folders in it, without litter, and of the files. Links are
    followed, but for those to what they lie in; of a folder that may not be looked into, the error goes into the list.
    Raises DatasetError for a link to what is on no disk.
    """
    for base, inner, names in os.walk(root, onerror=closed.append, followlinks=True):
        here = Path(base)
        inner[:] = [name for name in inner if not is_litter((name,))]
        for name in (*inner, *names):
            _check_link(here / name)
        inner[:] = [name for name in inner if not _leads_back(here / name, root)]
        yield here, inner, names


def _is_file(path: Path) -> bool:
    """Whether it is a file, no pipe, or a link to nothing, or nobody may say, which is to be told."""
    try:
        return path.is_file() or (path.is_symlink() and not path.exists())
    except OSError:
        return True


def _check_link(path: Path) -> None:
    if not path.is_symlink():
        return
    try:
        target = path.resolve()
    except OSError:  # of what it leads to somebody else alone may read a link
        target = path.parent / path.readlink()
    except RuntimeError:  # a ring of links, which Python 3.11 does not resolve
        return
    if any(target.is_relative_to(place) for place in NO_DISK) and not target.is_relative_to(IN_MEMORY):
        raise DatasetError(
            f"“{path}” cannot be read: it is a link to “{target}”, which is no file on a disk. Remove it."
        )


def _leads_back(folder: Path, root: Path) -> bool:
    """Whether the folder is a link to one that it lies in."""
    return folder.is_symlink() and folder.resolve() in {
        above.resolve() for above in folder.parents if above.is_relative_to(root)
    }


def start_of_file(file: Path) -> bytes:
    """The first START bytes of a file, none of one that cannot be opened, or is no ordinary one."""
    try:
        if not file.is_file():  # a pipe would be waited for
            return b""
        with file.open("rb") as opened:
            return opened.read(START)
    except OSError:
        return b""


def arranged(
    files: Mapping[PathParts, tuple[T, Callable[[], bytes]]],
    folders: Iterable[PathParts] = (),
    alone: str | None = None,
    parts: bool | None = None,
) -> Arranged[T]:
    """As layout.arrange, of files by their paths, each with what gives its first START bytes.

    A backslash in a name parts it like a slash: what Windows packed is unpacked into such names elsewhere.
    """
    files = _parted(files)
    pictures: dict[PathParts, T] = {}
    others: list[PathParts] = []
    for path, (source, start) in files.items():
        if is_picture(path, start):
            pictures[path] = source
        elif not is_litter(path):
            others.append(path)
    return layout.arrange(pictures, others, [path for path in folders if not is_litter(path)], alone, parts)


def _parted(files: Mapping[PathParts, T]) -> dict[PathParts, T]:
    found: dict[PathParts, T] = {}
    for path, file in files.items():
        plain = tuple(part for name in path for part in name.split("\\") if part) or path
        found[path if plain in found or (plain != path and plain in files) else plain] = file
    return found


def check_counts(classes: Mapping[str, Sequence]) -> None:
    if len(classes) > MAX_CLASSES:
        raise DatasetError(f"These are {len(classes):,} classes; at most {MAX_CLASSES:,} are taken.")
    pictures = sum(map(len, classes.values()))
    if pictures > MAX_PICTURES:
        raise DatasetError(f"These are {pictures:,} pictures; at most {MAX_PICTURES:,} are taken.")


@contextmanager
def opened(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    most: int | None = None,
    contents: int = MAX_CONTENTS_BYTES,
    names_in: str | None = None,
) -> Iterator[zipfile.ZipFile]:
    """The zip at a path or in bytes, read with bounds. Raises DatasetError for what is none, or is over a limit,
    and ParameterError for a names_in by which the names cannot be read.

    `most` bytes may the file have (unless told, MAX_ZIP_BYTES at a path, and else MAX_UPLOAD_BYTES), and `contents` of
    them its table of contents. names_in: the encoding, such as cp852, of the names that do not state theirs; it is
    guessed unless told.
    """
    try:
        b"a".decode(names_in or "utf-8")
    except (LookupError, UnicodeDecodeError) as error:  # UTF-16 and the like need two bytes
        raise ParameterError(f"“{names_in}” is no encoding of names; name one like cp852, gb18030 or cp932.") from error
    named = _on_disk(source)
    most = (MAX_ZIP_BYTES if named else MAX_UPLOAD_BYTES) if most is None else most
    file = OnDisk(source) if named else source
    if isinstance(file, bytes | bytearray | memoryview):
        file = io.BytesIO(file)
    file.seek(0, os.SEEK_END)
    if file.tell() > most:
        raise DatasetError(f"The zip has {sized(file.tell())}; at most {most >> 20:,} MB is taken.")
    try:
        archive = zipfile.ZipFile(Guarded(file, contents), metadata_encoding=names_in)
    except UnicodeDecodeError as error:
        told = f"The names in the zip are not in {names_in or 'UTF-8'}; name another encoding."
        raise (ParameterError if names_in else DatasetError)(told) from error
    except _BROKEN_ZIP as error:
        name = source if named else getattr(source, "name", "")  # an upload has one, too
        is_path = isinstance(name, str | os.PathLike) and name  # a file without a name has a number
        called = [f"“{shortened(Path(name).name)}”"] if is_path else []
        raise NoZipError(why_no_zip(file, error), *called) from error
    with archive:
        yield archive


def by_path(archive: zipfile.ZipFile) -> dict[PathParts, zipfile.ZipInfo]:
    """The files of an opened zip by their paths. Raises DatasetError like names.entries(), and where one is there twice
    that is no litter."""
    files: dict[PathParts, zipfile.ZipInfo] = {}
    for path, info in entries(archive):  # all are checked, litter too
        if path and not is_folder(info) and files.setdefault(path, info) is not info and not is_litter(path):
            raise DatasetError(f"The zip holds “{shortened('/'.join(path))}” twice; pack it anew.")
    return files


def files_in(archive: zipfile.ZipFile, most: int | None = None) -> dict[PathParts, zipfile.ZipInfo]:
    """The files of an opened zip by their paths, every entry checked by what its header says, none read; a picture that
    is too large is among them, and read_entry refuses it.

    `most` bytes may the pictures take unpacked, MAX_UNPACKED_BYTES unless told. Raises DatasetError like read_zip.
    """
    files = by_path(archive)
    sizes = [info.file_size for _, info in pictures_in(archive)]
    check_unpacked(sum(size for size in sizes if size <= MAX_BYTES), most)  # no larger one is read
    return files


def class_entries(
    archive: zipfile.ZipFile, most: int | None = None, parts: bool | None = None
) -> Arranged[zipfile.ZipInfo]:
    """The entries of an opened zip by class, none read. Raises DatasetError as files_in and layout.arrange do."""
    files = files_in(archive, most)
    folders = [path for path, info in entries(archive) if path and is_folder(info)]
    found = arranged(
        {path: (info, partial(start_of, archive, info)) for path, info in files.items()}, folders, parts=parts
    )
    check_counts(found.classes)
    return Arranged(found.classes, tuple(filter(None, [guess_told(archive), *found.told])))


def pictures_in(archive: zipfile.ZipFile) -> list[tuple[PathParts, zipfile.ZipInfo]]:
    """(path, entry) of each picture of an opened zip, wherever it lies. Raises DatasetError as names.entries does."""
    return [
        (path, info)
        for path, info in entries(archive)
        if path and not is_folder(info) and is_picture(path, partial(start_of, archive, info))
    ]


def others_in(archive: zipfile.ZipFile) -> list[PathParts]:
    """The path of each file of an opened zip that is no picture, without what systems leave behind. Raises DatasetError
    as names.entries does."""
    files = {path for path, info in entries(archive) if path and not is_folder(info) and not is_litter(path)}
    return sorted(files - {path for path, _ in pictures_in(archive)})


def start_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo, count: int = START) -> bytes:
    """The first bytes of an entry, none of a damaged one."""
    try:
        with archive.open(info) as entry:
            return entry.read(count)
    except _BROKEN_ZIP:
        return b""


def check_unpacked(size: int, most: int | None = None) -> None:
    """DatasetError where pictures of so many bytes together are more than is taken: MAX_UNPACKED_BYTES unless told."""
    most = MAX_UNPACKED_BYTES if most is None else most
    if size > most:
        raise DatasetError(f"The zip’s pictures take {sized(size)} unpacked; at most {most >> 20:,} MB is taken.")


def read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """An entry's bytes; DatasetError, under that name, where it is damaged or larger than a picture may be."""
    if info.file_size > MAX_BYTES:
        raise DatasetError(
            f"“{shortened(name)}” has {sized(info.file_size)}; at most {MAX_BYTES >> 20} MB a picture is taken."
        )
    data = bytearray()
    for chunk in read_chunks(archive, info, name):
        data += chunk
        if len(data) > MAX_BYTES:  # whatever its header says
            told = f"“{shortened(name)}” unpacks to over {MAX_BYTES >> 20:,} MB"
            raise DatasetError(f"{told}, the most that a picture may have.")
    return bytes(data)


def read_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """An entry's bytes, CHUNK after CHUNK; DatasetError, under that name, where it is damaged."""
    try:
        with archive.open(info) as entry:
            while chunk := entry.read(CHUNK):
                yield chunk
    except _BROKEN_ZIP as error:
        why = str(error).partition(" for file ")[0].rstrip(".")  # which is named already
        raise DatasetError(f"“{shortened(name)}” is damaged in the zip ({why}); pack it anew.") from error
