"""Files that are whole or not there: what is on its way is NAME.part, and takes its name when all is written. Of
several writers of one file each has a part of its own, and who ends last is who counts.

Devices and pipes are no files to be replaced: they are written into, once all is there.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visionlab.errors import ParameterError, VisionlabError

_choosing = threading.Lock()
_under_way: set[str] = set()  # the parts that threads of this process are writing
OPEN_FILES = ("/proc", "/dev/fd")  # links in there are what a process has open, as /dev/stdout is


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Where to write what is to lie at the path: its name never stands for a part of it, even after a power cut.

    What was there stays until the block has ended; where it does not come to its end, nothing of it is left. Links are
    followed. A device, a pipe, or what a process has open, such as /dev/stdout, gets all of it at the end, or as much
    as its reader stays for. Raises OSError.
    """
    path = _behind_links(Path(path))
    if is_stream(path):
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, path.name)
            yield part
            # Who has gone, as “head” does, wants no more; “ab”: what “>>” has kept is to stay.
            with suppress(BrokenPipeError), part.open("rb") as file, path.open("ab") as stream:
                shutil.copyfileobj(file, stream)
        return
    with _own_part(path) as part:
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())  # the name must not reach the disk before the bytes do
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _own_part(path: Path) -> Iterator[Path]:
    """NAME.part, or NAME.2.part and so on where threads of this process are writing it already."""
    numbers = itertools.count(2)
    part = path.with_name(f"{path.name}.part")
    with _choosing:
        while os.path.abspath(part) in _under_way:
            part = path.with_name(f"{path.name}.{next(numbers)}.part")
        _under_way.add(taken := os.path.abspath(part))
    try:
        yield part
    finally:
        with _choosing:
            _under_way.discard(taken)


def _behind_links(path: Path) -> Path:
    """What the path leads to, whether it is there or not, or the link that stands for an open file on the way there."""
    with suppress(FileNotFoundError):
        path.stat()  # OSError for links that lead in a circle
    while path.is_symlink() and not _is_open_file(path):
        path = path.parent / path.readlink()
    return path


def _is_open_file(path: Path) -> bool:
    return path.is_symlink() and any(Path(os.path.realpath(path.parent)).is_relative_to(place) for place in OPEN_FILES)


def is_stream(path: Path) -> bool:
    """Whether what is there is written into, since it cannot be replaced."""
    if not path.exists() or _is_open_file(path):
        return path.exists()
    return not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()


@contextmanager
def replacing(path: str | os.PathLike[str], refused: type[VisionlabError] = ParameterError) -> Iterator[Path]:
    """As whole, for a place that a person has named: an OSError of the block becomes `refused`, in a sentence."""
    try:
        with whole(path) as part:
            yield part
    except OSError as error:
        raise refused(f"{path} cannot be written ({error.strerror}). Name another place.") from error
