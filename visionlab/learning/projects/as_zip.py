"""A project as a zip that people can use elsewhere: a folder a class, and a manifest for what folders cannot say.

manifest.json: {"format": "visionlab-data-1", "project": name, "classes": [{"name", "enabled"}], "pictures": [{"file":
path in the zip, "class", "name", "digest": SHA-256 of the file, "group": a number, "part": of PARTS, if any, "off":
true where it is not learned from}]}.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from visionlab.errors import DatasetError
from visionlab.learning.projects.files import telling
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import PictureInfo
from visionlab.learning.sets import archive
from visionlab.learning.sets.kinds import PARTS, PICTURE_SUFFIXES
from visionlab.learning.sets.names import entries, free_name
from visionlab.packing import read_json
from visionlab.wording import quoted
from visionlab.writing import replacing

MANIFEST = "manifest.json"
FORMAT = "visionlab-data-1"
MAX_MANIFEST = 16 * 2**20  # characters: 5,000 pictures with the longest names take 8 million
LONGEST_TEXT = 1_000  # characters of a name or a path in a manifest
LONGEST = 100  # characters of a name in the zip; systems take 255 bytes

# else an AVIF or HEIC file, which begins with a length
_ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"GI": ".gif", b"BM": ".bmp"}
_ENDINGS |= {b"II": ".tif", b"MM": ".tif"}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no files on Windows


@dataclass(frozen=True)
class Packed:
    """So many of all pictures are in the zip."""

    done: int
    total: int


@dataclass(frozen=True)
class Listed:
    """What the manifest says of a picture."""

    class_name: str
    enabled: bool
    name: str
    group: str
    part: str
    switched_off: bool


def export_zip(
    project: Project, file: str | os.PathLike[str] | BinaryIO, only: Collection[int] | None = None
) -> Iterator[Packed]:
    """Write all pictures as they came in, or those of these ids, in a folder a class under their names made unique and
    harmless, and the manifest. `file` is a path, or open for writing as binary.

    Told picture by picture. A path is made only when all is in it: whoever stops asking leaves none.
    Raises DatasetError where it cannot be written, or a picture's file is gone.
    """
    classes, pictures = project.snapshot()
    pictures = [each for each in pictures if only is None or each.id in only]
    named = replacing(file, DatasetError) if isinstance(file, str | os.PathLike) else nullcontext(file)
    with telling(), named as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        taken: set[str] = {MANIFEST}
        folders = {each.id: free_name(_harmless(each.name), taken) for each in classes}
        names = {each.id: each.name for each in classes}
        listed = []
        for done, picture in enumerate(pictures, 1):
            try:
                data = project.path(picture.digest).read_bytes()
            except FileNotFoundError as error:
                raise DatasetError(f"“{picture.name}” is not in the project any more; export it anew.") from error
            name = _harmless(picture.name)
            if PurePosixPath(name).suffix.lower() not in PICTURE_SUFFIXES:
                name += _ENDINGS.get(data[:2], ".heic")
            path = free_name(f"{folders[picture.class_id]}/{name}", taken)
            packed.writestr(path, data)
            said = {"file": path, "class": names[picture.class_id], "name": picture.name}
            listed.append({**said, "digest": picture.digest, "group": picture.group})
            if picture.part:
                listed[-1]["part"] = picture.part
            if not picture.enabled:
                listed[-1]["off"] = True
            yield Packed(done, len(pictures))
        said = {"format": FORMAT, "project": project.info().name}
        said["classes"] = [{"name": each.name, "enabled": each.enabled} for each in classes]
        packed.writestr(MANIFEST, json.dumps({**said, "pictures": listed}, ensure_ascii=False, indent=1))


def parts(pictures: Sequence[PictureInfo], most: int) -> list[list[PictureInfo]]:
    """The pictures in parts of `most` bytes at most, to be exported one by one; a group stays in one part if it can."""
    groups: dict[int, list[PictureInfo]] = {}
    for each in pictures:
        groups.setdefault(each.group, []).append(each)
    found: list[list[PictureInfo]] = [[]]
    size = 0
    for group in groups.values():
        whole = sum(each.bytes for each in group)
        for unit in [group] if whole <= most else [[each] for each in group]:
            added = sum(each.bytes for each in unit)
            if found[-1] and size + added > most:
                found.append([])
                size = 0
            found[-1].extend(unit)
            size += added
    return found


def _harmless(name: str) -> str:
    """The name as a file or a folder of every system may have it, and as no system hides it."""
    name = _UNSAFE.sub("_", name).strip(" .")
    name = name if len(name) <= LONGEST else name[: LONGEST // 2] + name[-LONGEST // 2 :]
    return f"_{name}" if not name or name == "__MACOSX" or _RESERVED.fullmatch(name) else name


def read_manifest(packed: zipfile.ZipFile) -> dict[str, Listed] | None:
    """What the manifest of an opened zip says, by path in the zip and in the classes' order; None where there is none.

    Raises DatasetError where it is not such a manifest as export_zip writes.
    """
    info = next((info for path, info in entries(packed) if path == (MANIFEST,)), None)
    if info is None:
        return None
    try:
        told = read_json(archive.read_entry(packed, info, MANIFEST), MAX_MANIFEST)
        if told["format"] != FORMAT:
            raise ValueError(f"its format is {quoted(told['format'])}, not {quoted(FORMAT)}")
        enabled = {_text(each["name"]): each["enabled"] is True for each in told["classes"]}
        order = {name: number for number, name in enumerate(enabled)}
        listed = {_text(each["file"]): _listed(each, enabled) for each in told["pictures"]}
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        why = str(error)
        if isinstance(error, KeyError):
            why = f"{quoted(error.args[0])} is missing or unknown"
        elif isinstance(error, TypeError | OverflowError):  # in Python's words
            why = "it is laid out in another way"
        raise DatasetError(
            f"The zip’s {MANIFEST} is none of visionlab’s ({why}); without it the folders are taken as classes."
        ) from error
    return dict(sorted(listed.items(), key=lambda item: order[item[1].class_name]))


def _listed(each: Mapping[str, object], enabled: Mapping[str, bool]) -> Listed:
    name = _text(each["class"])
    part = _text(each.get("part", ""))
    part, off = part if part in PARTS else "", each.get("off") is True
    return Listed(name, enabled[name], _text(each["name"]), _group(each["group"]), part, off)


def _group(value: object) -> str:
    try:
        return str(int(value))
    except ValueError as error:
        raise ValueError(f"a group is a number, not {quoted(value)}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is no text")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"a name has {len(value):,} characters, and at most {LONGEST_TEXT:,} are taken")
    return value
