"""Encoded pictures by class, out of zips and folders, checked at the door; nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from visionlab.errors import DatasetError
from visionlab.imaging.image import MAX_BYTES

# Also of formats that load_image refuses: better told about than passed over in silence.
PICTURE_SUFFIXES = (
    ".avif",
    ".bmp",
    ".gif",
    ".heic",
    ".heif",
    ".jfif",
    ".jpeg",
    ".jpg",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
)
MAX_PICTURES = 5_000  # of a zip or an upload, like the limits below
MAX_CLASSES = 100
MAX_ZIP_BYTES = 200 * 2**20
MAX_UNPACKED_BYTES = 2**30
MAX_CONTENTS_BYTES = 4 * 2**20  # of a zip's table of contents; 5,000 pictures packed on a Mac need about 1.5 MB
CHUNK = 2**20

_BROKEN_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, struct.error, zlib.error)


def read_zip(source: str | os.PathLike[str] | bytes | BinaryIO) -> dict[str, list[tuple[str, bytes]]]:
    """{class: [(file name, encoded picture), …]} of a zip (path, bytes or seekable binary file): one folder a class.

    One folder around all of them is passed over. Raises DatasetError for what is no zip, is encrypted, has a hostile
    or repeated entry name, has no class folders, or is over one of this module's limits.
    """
    with opened(source) as archive:
        found = class_entries(archive)
        unpacked: dict[str, list[tuple[str, bytes]]] = {name: [] for name in found}
        total = 0
        for name, items in found.items():
            for file, info in items:
                data = read_entry(archive, info, f"{name}/{file}")
                total += len(data)
                check_unpacked(total)
                unpacked[name].append((file, data))
    return unpacked


def read_folder(path: str | os.PathLike[str]) -> dict[str, list[tuple[str, Path]]]:
    """{class: [(file name, path of the picture), …]} of a folder that holds one folder a class; links are followed.

    Raises DatasetError where there is no such folder, or no class folder in it.
    """
    root = Path(path)
    if not root.is_dir():
        raise DatasetError(f"“{root}” is no folder; name one that holds one folder a class.")
    try:
        tops = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    except OSError as error:
        raise DatasetError(f"“{root}” cannot be opened: {error.strerror}.") from error
    files = [file for top in tops for file in files_below(root / top)]
    return by_class([(top,) for top in tops], {file.relative_to(root).parts: file for file in files})


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and in those within it; not what only looks like one, as a pipe or a device without end."""
    for base, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(base, name)).is_file())


def check_counts(classes: Mapping[str, Sequence]) -> None:
    if len(classes) > MAX_CLASSES:
        raise DatasetError(f"These are {len(classes):,} classes; at most {MAX_CLASSES:,} are taken.")
    pictures = sum(map(len, classes.values()))
    if pictures > MAX_PICTURES:
        raise DatasetError(f"These are {pictures:,} pictures; at most {MAX_PICTURES:,} are taken.")


def by_class(folders: Iterable[tuple[str, ...]], files: Mapping[tuple[str, ...], object]) -> dict:
    """{class: [(file name, what it is)]}, sorted, from the parts of paths; litter and what has no class is left out."""
    tops = {parts[0] for parts in (*folders, *(parts[:-1] for parts in files)) if parts and not _is_litter(parts)}
    if not tops:
        raise DatasetError("There are no class folders; put the pictures into one folder a class, like cats and dogs.")
    found: dict = {top: [] for top in sorted(tops)}
    for parts in sorted(files):
        if len(parts) > 1 and is_picture(parts):
            found[parts[0]].append(("/".join(parts[1:]), files[parts]))
    return found


def _is_litter(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def is_picture(parts: tuple[str, ...]) -> bool:
    """Whether the entry of that path is a picture by its ending, and not something that a system left there."""
    return not _is_litter(parts) and Path(parts[-1]).suffix.lower() in PICTURE_SUFFIXES


class _Guarded:
    """A file that refuses long reads: zipfile reads a table of contents at once, and entries bit by bit.

    Asking the file itself what it would be read for needs no second parser that a forged zip could tell otherwise.
    """

    def __init__(self, file: BinaryIO, longest: int) -> None:
        self.seek, self.tell, self._file, self._longest = file.seek, file.tell, file, longest

    def read(self, size: int = -1) -> bytes:
        if size > self._longest:
            raise DatasetError(f"The zip's table of contents takes {_mb(size)}; at most {_mb(self._longest)} is read.")
        return self._file.read(size)

    def seekable(self) -> bool:
        return True


@contextmanager
def opened(
    source: str | os.PathLike[str] | bytes | BinaryIO, most: int | None = None, contents: int = MAX_CONTENTS_BYTES
) -> Iterator[zipfile.ZipFile]:
    """The zip at a path or in bytes, read with bounds. Raises DatasetError for what is none, or is over a limit.

    `most` bytes may the file have, MAX_ZIP_BYTES unless told, and `contents` of them its table of contents.
    """
    most = MAX_ZIP_BYTES if most is None else most
    named = isinstance(source, str | os.PathLike)
    try:
        file = open(source, "rb") if named else source  # noqa: SIM115
    except OSError as error:
        raise DatasetError(f"“{source}” cannot be opened: {error.strerror}.") from error
    if isinstance(file, bytes | bytearray | memoryview):
        file = io.BytesIO(file)
    try:
        file.seek(0, os.SEEK_END)
        if file.tell() > most:
            raise DatasetError(f"The zip has {_mb(file.tell())}; at most {_mb(most)} is taken.")
        try:
            archive = zipfile.ZipFile(_Guarded(file, contents))
        except _BROKEN_ZIP as error:
            raise DatasetError(f"This is no zip file that can be read ({error}); a plain .zip is needed.") from error
        with archive:
            yield archive
    finally:
        if named:
            file.close()


def class_entries(archive: zipfile.ZipFile, most: int | None = None) -> dict[str, list[tuple[str, zipfile.ZipInfo]]]:
    """{class: [(file name, entry), …]} of an opened zip, every entry checked by what its header says, none read.

    `most` bytes may the pictures take unpacked, MAX_UNPACKED_BYTES unless told. Raises DatasetError like read_zip.
    """
    entries = [(entry_parts(info), info) for info in archive.infolist()]  # all are checked, litter too
    entries = [(parts, info) for parts, info in entries if parts and not _is_litter(parts)]
    folders = [parts for parts, info in entries if info.is_dir()]
    files: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    for parts, info in entries:
        if not info.is_dir() and files.setdefault(parts, info) is not info:
            raise DatasetError(f"The zip holds “{'/'.join(parts)}” twice; pack it anew.")
    found = by_class(*_unwrapped(folders, files))
    check_counts(found)
    for name, items in found.items():
        for file, info in items:
            if info.file_size > MAX_BYTES:
                told = f"“{name}/{file}” has {_mb(info.file_size)}"
                raise DatasetError(f"{told}; at most {_mb(MAX_BYTES)} a picture is taken.")
    check_unpacked(sum(info.file_size for items in found.values() for _, info in items), most)
    return found


def check_unpacked(size: int, most: int | None = None) -> None:
    """DatasetError where pictures of so many bytes together are more than is taken: MAX_UNPACKED_BYTES unless told."""
    most = MAX_UNPACKED_BYTES if most is None else most
    if size > most:
        raise DatasetError(f"The zip's pictures take {_mb(size)} unpacked; at most {_mb(most)} is taken.")


def entry_parts(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The entry's path in parts; DatasetError for an encrypted entry, an odd packing, or a path that leads outside."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:  # not marked as UTF-8, which a Mac writes all the same
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts or re.match("[A-Za-z]:", name) or set("\\\0") & set(name):
        raise DatasetError(f"The zip's entry {name!r} has no plain path; entries must be like cats/1.jpg.")
    if info.flag_bits & 0x1:
        raise DatasetError(f"The zip's entry “{name}” is encrypted; pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise DatasetError(
            f"The zip's entry “{name}” is packed by method {info.compress_type}; a plain .zip is needed."
        )
    return parts


def _unwrapped(folders: list, files: dict) -> tuple[list, dict]:
    """Without the one folder that lies around all class folders, where there is one."""
    tops = {parts[0] for parts in (*folders, *files)}
    depths = {len(parts) for parts in files if is_picture(parts)}
    if len(tops) != 1 or not depths or min(depths) < 3:
        return folders, files
    return [parts[1:] for parts in folders], {parts[1:]: info for parts, info in files.items()}


def read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """An entry's bytes; DatasetError, under that name, where it is damaged or larger than a picture may be."""
    data = bytearray()
    for chunk in read_chunks(archive, info, name):
        data += chunk
        if len(data) > MAX_BYTES:  # whatever its header says
            raise DatasetError(f"“{name}” unpacks to over {_mb(MAX_BYTES)}, the most that a picture may have.")
    return bytes(data)


def read_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """An entry's bytes, CHUNK after CHUNK; DatasetError, under that name, where it is damaged."""
    try:
        with archive.open(info) as entry:
            while chunk := entry.read(CHUNK):
                yield chunk
    except _BROKEN_ZIP as error:
        raise DatasetError(f"“{name}” is damaged in the zip: {error}") from error


def _mb(size: int) -> str:
    return f"{size / 2**20:,.1f} MB".replace(".0 MB", " MB")
