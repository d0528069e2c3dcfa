"""Pictures by their addresses: files, folders and globs, here or in an object store, one folder after the other.

An address is a path, or begins with s3://, gs://, file:// or whatever else pyarrow or fsspec knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import fsspec
from pyarrow import ArrowInvalid
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, FSSpecHandler, PyFileSystem

from visionlab.errors import DatasetError, ImageError
from visionlab.imaging.image import GOOD_FORMATS, MAX_BYTES, Image, load_image
from visionlab.learning.answers.folders import TELLING, file_start, files_in, why_left_out
from visionlab.learning.sets.kinds import is_litter, is_picture

START = 64  # bytes of a file by which a picture is known that has no ending
GLOB = re.compile(r"[*?\[]")
REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://")
# Of pyarrow, for a scheme: Google's client would ask for a quarter of an hour, where there is no key, too.
OPTIONS = dict.fromkeys(("gs", "gcs"), "?retry_limit_seconds=30")
FLAT = ("gs://", "gcs://")  # where pyarrow sees no folders but those that somebody has made, without which uploads do
LONGEST_REASON = 200  # characters of what a store says: Google's has all that it was asked


class Named(NamedTuple):
    """The address of a file, and whether it is a picture by its ending, or was named itself."""

    address: str
    picture: bool = True


def listed(addresses: Iterable[str]) -> Iterator[Named]:
    """The files at these addresses, in an order that is always the same; what lies in folders is told to be a picture
    by its ending, what is named itself is one. Litter and hidden files are left out.

    Never holds more than the names in one folder, but for gs://, of which it holds all, 270 bytes each. Raises
    DatasetError where there is nothing, or no picture.
    """
    for address in addresses:
        some = False
        for each in _local(address) if not REMOTE.match(address) else _remote(address):
            some = some or each.picture
            yield each
        if not some:
            raise DatasetError(f"“{address}” holds no picture; put {GOOD_FORMATS} files into it.")


def load(named: Named) -> Image:
    """The picture that `listed` gave. Raises ImageError where it cannot be read, or is none."""
    address = named.address
    if not named.picture:
        raise ImageError(why_left_out(address, partial(_telling, address)))
    if not REMOTE.match(address):
        return load_image(address)
    return load_image(_read(address, MAX_BYTES + 1))


def _telling(address: str) -> bytes:
    return file_start(Path(address)) if not REMOTE.match(address) else _read(address, TELLING)


def _read(address: str, most: int) -> bytes:
    system, path = _opened(address)
    try:
        with system.open_input_file(path) as file:
            return file.read(most)
    except OSError as error:
        raise ImageError(f"The file cannot be read ({_reason(error)}).") from error


def _local(address: str) -> Iterator[Named]:
    if os.path.isdir(address):
        yield from _in_folder(Path(address))
    elif GLOB.search(address) and not os.path.exists(address):
        before = address[: GLOB.search(address).start()]
        root = before.rpartition("/")[0] or ("/" if address.startswith("/") else ".")
        yield from (each for each in _in_folder(Path(root)) if _matches(each.address, address))
    else:
        yield Named(address)


def _in_folder(root: Path) -> Iterator[Named]:
    return (Named(str(path), picture) for path, picture in files_in(root))


def _remote(address: str) -> Iterator[Named]:
    glob = GLOB.search(address)
    base = address[: glob.start()].rpartition("/")[0] if glob else address.rstrip("/")
    system, root = _opened(base)
    [there] = _asked(system, base, [root])
    if there.type == FileType.NotFound:
        raise DatasetError(f"There is nothing at “{address}”.")
    prefix = base.removesuffix(root)
    if there.type == FileType.File:
        yield Named(address)
        return
    walked = _all if base.startswith(FLAT) else _walked
    for info in walked(system, base, root):
        inner = PurePosixPath(info.path).relative_to(root).parts
        if not glob or _matches(prefix + info.path, address):
            yield Named(prefix + info.path, is_picture(inner, partial(_start, system, info.path)))


def _walked(system: FileSystem, base: str, folder: str) -> Iterator[FileInfo]:
    """The files in a folder and the folders in it, the names of one folder at a time."""
    entries = sorted(_asked(system, base, FileSelector(folder)), key=lambda info: info.base_name)
    for info in entries:
        if is_litter((info.base_name,)):
            continue
        if info.type == FileType.Directory:
            yield from _walked(system, base, info.path)
        elif info.type == FileType.File:
            yield info


def _all(system: FileSystem, base: str, folder: str) -> Iterator[FileInfo]:
    """The same, in the same order, all names at a time."""

    def inner(info: FileInfo) -> tuple[str, ...]:
        return PurePosixPath(info.path).relative_to(folder).parts

    for info in sorted(_asked(system, base, FileSelector(folder, recursive=True)), key=inner):
        if info.type == FileType.File and not is_litter(inner(info)):
            yield info


def _asked(system: FileSystem, base: str, what: list[str] | FileSelector) -> list[FileInfo]:
    try:
        return system.get_file_info(what)
    except OSError as error:
        raise DatasetError(f"“{base}” cannot be looked into ({_reason(error)}).") from error


def _start(system: FileSystem, path: str) -> bytes:
    try:
        with system.open_input_file(path) as file:
            return file.read(START)
    except OSError:
        return b""


def _reason(error: OSError) -> str:
    text = (error.strerror or str(error)).partition("\n")[0]
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


def _opened(address: str) -> tuple[FileSystem, str]:
    """The file system of an address, and its path there."""
    parts = urlsplit(address)
    system, root = _system(parts.scheme, parts.netloc)
    return system, f"{root}{address.partition('://')[2].removeprefix(parts.netloc)}"


@lru_cache(maxsize=64)
def _system(scheme: str, host: str) -> tuple[FileSystem, str]:
    """Of a scheme and a bucket, before which may stand who asks; what paths begin with there."""
    try:
        system, root = FileSystem.from_uri(f"{scheme}://{host}/{OPTIONS.get(scheme, '')}")
        return system, root.rstrip("/")
    except ArrowInvalid:  # one that fsspec may know
        pass
    except OSError as error:
        raise DatasetError(f"{scheme}://{host} cannot be reached ({_reason(error)}).") from error
    try:
        return PyFileSystem(FSSpecHandler(fsspec.filesystem(scheme))), host
    except (ValueError, ImportError) as error:
        raise DatasetError(f"{scheme}://{host} cannot be opened: {error}.") from error


def _matches(path: str, pattern: str) -> bool:
    """Whether a path is as the pattern has it: * and ? within a name, ** over any number of them."""
    return _pattern(pattern).fullmatch(path) is not None


@lru_cache(maxsize=64)
def _pattern(pattern: str) -> re.Pattern[str]:
    expression = ""
    for piece in re.split(r"(\*\*/?|\*|\?|\[[^\]]+\])", pattern):
        kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        if piece in kinds:
            expression += kinds[piece]
        elif piece.startswith("[") and piece.endswith("]"):
            expression += f"[{piece[1:-1].replace('!', '^', 1) if piece[1] == '!' else piece[1:-1]}]"
        else:
            expression += re.escape(piece)
    return re.compile(expression, re.DOTALL)
