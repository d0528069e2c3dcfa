"""What a zip is read from: a file that is not held open, and one that refuses long reads; and what is none."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from visionlab.errors import DatasetError
from visionlab.wording import sized

TAR_AT = 257  # where a tar archive says that it is one
END_BYTES = 22 + 2**16  # of a zip, in which its end begins: it may hold a comment
OTHER_ARCHIVES = (  # where what tells them lies, that, and what they are
    (0, b"\x1f\x8b", "a gzip archive, such as a .tar.gz"),
    (TAR_AT, b"ustar", "a tar archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive, such as a .tar.bz2"),
    (0, b"\xfd7zXZ\x00", "an xz archive, such as a .tar.xz"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive, such as a .tar.zst"),
)
ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # what a zip begins with, the latter one without files


def why_no_zip(file: BinaryIO, error: Exception) -> str:
    """Why a file is no zip that can be read, and what would be good, behind its name."""
    file.seek(0)
    start = file.read(TAR_AT + 8)
    for place, mark, kind in OTHER_ARCHIVES:
        if start.startswith(mark, place):
            return f"is {kind}, which is not read here. Unpack it, and pack the folder as a plain .zip."
    file.seek(-min(END_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
    if start.startswith(b"PK\x03\x04") and b"PK\x05\x06" not in file.read(END_BYTES):
        return "is a zip that looks cut off: its end, where its contents are listed, is missing. Copy it anew, whole."
    return f"is no zip file that can be read ({error}). A plain .zip is needed."


def check_door(source: object, *, folder: bool) -> None:
    """DatasetError where a person gives from_folder (or, not folder, from_zip) the path of what the other one takes."""
    if not isinstance(source, str | os.PathLike):
        return
    path = Path(source)
    if folder and path.is_file() and OnDisk(path).read(len(ZIPS[0])) in ZIPS:
        raise DatasetError(f"“{path}” is a zip, no folder; open it with from_zip.")
    if not folder and path.is_dir():
        raise DatasetError(f"“{path}” is a folder, no zip; open it with from_folder.")


class OnDisk:
    """A file that is open only while it is read, so that it can be pickled, and goes when it is removed.

    DatasetError where it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._place = Path(path).absolute(), 0
        with self._opened() as file:
            self._size = file.seek(0, os.SEEK_END)

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise DatasetError(f"“{self._path}” cannot be opened: {error.strerror}.") from error

    def read(self, size: int = -1) -> bytes:
        with self._opened() as file:
            file.seek(self._place)
            data = file.read(size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place


class Within(io.RawIOBase):
    """A part of a seekable file as a file of its own; pickled as that can be."""

    def __init__(self, file: BinaryIO | OnDisk, start: int, size: int) -> None:
        self._file, self._start, self._size, self._place = file, start, size, 0

    def __reduce__(self):
        return Within, (self._file, self._start, self._size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def readinto(self, into: memoryview) -> int:
        self._file.seek(self._start + self._place)
        data = self._file.read(max(0, min(len(into), self._size - self._place)))
        into[: len(data)] = data
        self._place += len(data)
        return len(data)


class Guarded:
    """A file that refuses long reads: zipfile reads a table of contents at once, and entries bit by bit.

    Asking the file itself what it would be read for needs no second parser that a forged zip could tell otherwise.
    """

    def __init__(self, file: BinaryIO | OnDisk, longest: int) -> None:
        self.seek, self.tell, self._file, self._longest = file.seek, file.tell, file, longest

    def read(self, size: int = -1) -> bytes:
        if size > self._longest:
            most = f"at most {self._longest >> 20:,} MB is read"
            raise DatasetError(f"The zip’s table of contents takes {sized(size)}; {most}.")
        return self._file.read(size)

    def seekable(self) -> bool:
        return True
