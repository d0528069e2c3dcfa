"""The pictures in a folder on the disk, and why its other files are left out; as Python without visionlab, too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from visionlab.errors import DatasetError, VisionlabError
from visionlab.imaging.guards import (
    file_bytes,
    good_formats,
    is_picture_file,
    most_bytes,
    no_picture,
    too_many_bytes,
)
from visionlab.learning.sets import archive, kinds
from visionlab.learning.sets.archive import START, start_of_file, walked
from visionlab.learning.sets.kinds import is_litter, is_picture, is_unread

NO_PICTURE, OTHER_KIND = "By its ending it is no picture.", "It is a picture of a kind that is not read."
TELLING = 2**11  # bytes from a file's start that tell what it is, if not a picture

_FOLDERS = '''"""named(paths): the pictures that are named, those in folders among them, as visionlab finds them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

DatasetError = VisionlabError = ValueError  # a sentence for people
'''


def named(paths: Sequence[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The pictures at these paths, those of in_folder for a folder, and the files of left_in_folder; each as its path
    and "", or a sentence on why it cannot be read.

    Of several paths a folder without pictures is told of like that; alone it raises DatasetError.
    """
    found, others = [], []
    for path in paths:
        if not Path(path).is_dir():
            found.append((str(Path(path)), ""))
            continue
        try:
            found += [(str(file), why) for file, why in in_folder(Path(path))]
        except DatasetError as error:
            if len(paths) == 1:
                raise
            found.append((str(Path(path)), str(error)))
        others += [(str(file), why) for file, why in left_in_folder(Path(path))]
    return found, others


def in_folder(root: Path) -> list[tuple[Path, str]]:
    """The pictures in a folder and the folders in it, by their endings, sorted; hidden ones and litter are left out,
    links are followed. Each with ""; a folder that may not be looked into is among them, with a sentence that says why.

    Raises DatasetError where there is no such folder, or no picture in it.
    """
    if not root.is_dir():
        raise DatasetError(f"“{root}” is no folder; name one that holds pictures.")
    pictures, _, closed = _parted(root)
    found = [(file, "") for file in pictures]
    found += [(Path(error.filename), f"The folder cannot be looked into ({error.strerror}).") for error in closed]
    if not found:
        raise DatasetError(f"“{root}” holds no picture; put {good_formats()} files into it.")
    return sorted(found, key=lambda pair: pair[0].parts)


def left_in_folder(root: Path) -> list[tuple[Path, str]]:
    """The files in it that in_folder takes for no pictures, sorted, without what systems leave behind, each with a
    sentence that says why."""
    return [(file, why_left_out(str(file), partial(file_start, file))) for file in _parted(root)[1]]


def _parted(root: Path) -> tuple[list[Path], list[Path], list[OSError]]:
    """The pictures in it by their endings, the other files, without litter, and what may not be looked into."""
    closed: list[OSError] = []
    files = [here / name for here, _, names in walked(root, closed) for name in names]
    files = [file for file in files if not is_litter(file.relative_to(root).parts)]
    pictures = [file for file in files if is_picture(file.relative_to(root).parts, partial(start_of_file, file))]
    return pictures, sorted(set(files).difference(pictures)), closed


def files_in(root: Path) -> Iterator[tuple[Path, bool]]:
    """The files in a folder, without litter, and whether each is a picture as in_folder has it; but for what may not be
    looked into; folder after folder, each sorted, so that no more than the names in one are ever held."""
    for here, inner, names in walked(root, []):
        inner.sort()
        for name in sorted(names):
            file = here / name
            parts = file.relative_to(root).parts
            if not is_litter(parts):
                yield file, is_picture(parts, partial(start_of_file, file))


def why_left_out(name: str, start: Callable[[], bytes]) -> str:
    """Why a file that is no picture by its ending is left out: what load_image says of it, unless that might read it;
    start gives its first TELLING bytes."""
    try:
        data = start()
    except (ValueError, VisionlabError) as error:
        return str(error)
    if is_picture_file(data[:START]):
        return OTHER_KIND if is_unread(name) else NO_PICTURE
    return no_picture(data)


def file_start(file: Path) -> bytes:
    """The first TELLING bytes of a file. ValueError, a sentence, where load_image reads nothing of it."""
    try:
        if file.is_file() and file.stat().st_size <= most_bytes():
            with file.open("rb") as opened:
                return opened.read(TELLING)
    except OSError:
        pass
    return file_bytes(file)


def folders_as_python() -> str:
    """A Python module of `named` that knows no visionlab."""
    told = {"NO_PICTURE": NO_PICTURE, "OTHER_KIND": OTHER_KIND, "TELLING": TELLING, "START": START}
    told |= {name: getattr(archive, name) for name in ("NO_DISK", "IN_MEMORY")}
    told |= {name: getattr(kinds, name) for name in ("PICTURE_SUFFIXES", "LITTER")}
    constants = [f"{name} = {value!r}\n" for name, value in told.items()]
    for name in ("UNREAD", "ENDING"):
        constants.append(f"{name} = re.compile({getattr(kinds, name).pattern!r}, re.IGNORECASE)\n")
    guards = (good_formats, most_bytes, too_many_bytes, file_bytes, is_picture_file, no_picture)
    found = (is_litter, is_picture, is_unread, start_of_file, archive._check_link, archive._leads_back, walked)
    own = (_parted, why_left_out, file_start, in_folder, left_in_folder, named)
    return "\n\n".join([_FOLDERS + "".join(constants), *map(inspect.getsource, (*guards, *found, *own))])
