"""A head as one zip that works without this project, and that can be opened here again: packed, and opened."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from visionlab.errors import DatasetError, HeadAloneError, HeadError, NoHeadError
from visionlab.imaging.image import Image
from visionlab.imaging.pipeline import reading_as_python
from visionlab.learning.answers.folders import folders_as_python
from visionlab.learning.heads.gate import checked_facts
from visionlab.learning.heads.head import MAX_BYTES as MAX_HEAD_BYTES
from visionlab.learning.heads.head import Head, read_head
from visionlab.learning.judging.metrics import Report
from visionlab.learning.judging.refusal import refusing_as_python
from visionlab.learning.projects.as_zip import read_manifest
from visionlab.learning.projects.intake import Arriving, from_zip, labelled
from visionlab.learning.sets import archive
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.guarded import OnDisk, Within
from visionlab.learning.sets.names import guess
from visionlab.learning.takeaway.export import Parity, export_checked
from visionlab.learning.takeaway.model_card import model_card
from visionlab.network.running.classifier import Classifier
from visionlab.wording import sized
from visionlab.writing import replacing

HEAD, PICTURES, TRAINING = "head.safetensors", "pictures.zip", "training.json"
MAX_BYTES = 2 * 2**30  # of a package that is opened: VGG16 takes half a gigabyte, its pictures may take the rest
SMALL_FILES = 2**20  # bytes at most of what lies in it beside the head, the model and the pictures
TAKEAWAY = Path(__file__).with_name("contents")  # the files that every package holds
_GOOD = "choose a zip that this app, or “export”, packed"
LOCAL_HEADER = struct.Struct("<26xHH")  # before an entry's bytes: 26 bytes, and the lengths of its name and of extras

Source = str | os.PathLike[str] | bytes | BinaryIO
Watched = Callable[[float], object]  # is told what share is done, 0..1


def unwatched(share: float) -> None:
    """For who watches no progress."""


@dataclass(frozen=True)
class Packing:
    """How far packing is: what is being done, and how much of it. parity is there once the comparison has ended."""

    doing: str
    done: int
    of: int
    parity: Parity | None = None


@dataclass(frozen=True, eq=False)
class Package:
    """What a zip held: the head, a zip of the labelled pictures, None where there is none, and what the clock says of
    its training, {} where nobody kept that: the same pictures, settings and seed give the same head at any time.

    The zip of pictures is open for reading; LabelledImages.from_zip and intake.from_zip take it. It is a part of the
    package itself, which has to stay as long, or, where somebody packed that anew, a temporary file, gone when it is
    closed.
    """

    head: Head
    pictures: BinaryIO | None
    training: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


def pack(
    head: Head,
    net: Classifier,
    file: str | os.PathLike[str] | BinaryIO,
    images: Sequence[Image],
    *,
    report: Report | None = None,
    pictures: BinaryIO | None = None,
    training: Mapping[str, object] | None = None,
    most: int = MAX_BYTES,
) -> Iterator[Packing]:
    """Write the zip to a path or a binary file, step by step: who stops asking cancels it.

    It holds head.safetensors, model.onnx (the whole network), predict.py and what it needs (pixels.py, folders.py and
    refusing.py, by which pictures are read, found and refused here, too; requirements.txt), labels.txt, model-card.md
    and, where they are given, the labelled pictures as a zip of their own, such as as_zip.export_zip writes. net is the
    network that the head was trained on. training: what the clock says of its training (see Package), for training.json
    and the card; the head's file is as Head.save writes it.
    The export is compared with it on `images`, best the held-out ones, before anything is written. With pictures it
    takes `most` bytes at most: such a zip is there to be opened again, and open_package takes MAX_BYTES.

    Raises ModelError where that comparison fails, ParameterError without images or where the file cannot be written,
    DatasetError where it would be larger, and what Head.as_classifier and export_onnx raise. At a path, what was there
    stays until all is written.
    """
    mine = replace(head.as_classifier(net), name=f"a head on {head.network}")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.onnx")
        yield Packing("Exporting the network", 0, 1)
        for found in export_checked(mine, model, images, head.refusal):
            yield Packing("Comparing it with the original", found.pictures, len(images))
        if pictures is not None:
            whole = model.stat().st_size + len(head.to_bytes()) + pictures.seek(0, os.SEEK_END)
            check_size(whole + SMALL_FILES, most)
        yield Packing("Packing", 0, 1, found)
        target = replacing(file) if isinstance(file, str | os.PathLike) else nullcontext(file)
        with target as written, ZipFile(written, "w", ZIP_DEFLATED) as zipped:
            zipped.writestr(HEAD, head.to_bytes())
            zipped.write(model, model.name, ZIP_STORED)  # weights do not get smaller
            for each in sorted(TAKEAWAY.glob("*.*")):
                zipped.write(each, each.name)
            zipped.writestr("pixels.py", reading_as_python())
            zipped.writestr("folders.py", folders_as_python())
            zipped.writestr("refusing.py", refusing_as_python())
            zipped.writestr("labels.txt", "".join(f"{' '.join(label.split())}\n" for label in head.classes))
            told = replace(head, facts={**head.facts, **(training or {})})
            zipped.writestr("model-card.md", model_card(told, found, report))
            if training:
                zipped.writestr(TRAINING, json.dumps(dict(training)))
            if pictures is not None:
                with zipped.open(ZipInfo(PICTURES), "w", force_zip64=True) as entry:
                    pictures.seek(0)
                    shutil.copyfileobj(pictures, entry, archive.CHUNK)
    yield Packing("Packing", 1, 1, found)


def check_size(size: int, most: int) -> None:
    """DatasetError where a zip with pictures that takes at least so many bytes takes more than `most`."""
    if size > most:
        raise DatasetError(
            f"With its pictures the zip would take at least {sized(size)}, and one of over "
            f"{sized(most)} cannot be opened again; pack it without them, and save them as a zip of their own."
        )


def open_package(source: Source, report: Watched = unwatched) -> Package:
    """The head and the pictures of a zip (path, bytes or seekable binary file) that pack wrote; its model and its code
    are not looked at. One folder around it all is passed over. As of incoming_zip, the pictures are not unpacked.

    Raises DatasetError for what is no zip, no package, has a hostile or repeated entry name, is over a limit or larger
    than the disk has room for, and HeadError for a head that cannot be read.
    """
    head, _ = open_head(source)
    with archive.opened(source, MAX_BYTES) as opened:
        _, pictures, training = _entries(opened)
        told = {} if training is None else _told(opened, training, head)
        return Package(head, None if pictures is None else _part(source, opened, pictures, report), told)


def open_head(source: Source) -> tuple[Head, int | None]:
    """The head of such a zip, and how many bytes its pictures take by what its directory says, None where it has none.

    Nothing else is read of it. Raises as open_package.
    """
    with archive.opened(source, MAX_BYTES) as opened:
        entry, pictures, _ = _entries(opened)
        if entry is None:
            raise NoHeadError(f"This zip holds no {HEAD}; {_GOOD}.", bool(archive.pictures_in(opened)))
        with _unpacked(opened, entry, MAX_HEAD_BYTES) as file:
            head = read_head(file.read(), f"“{entry.filename}” in this zip", _GOOD)
        return head, None if pictures is None else pictures.file_size


def incoming_zip(
    source: Source, parts: bool | None = None, report: Watched = unwatched, names_in: str | None = None
) -> Arriving:
    """As intake.from_zip; of a zip that pack wrote, the pictures that it was given.

    Those lie in it as they are. Where somebody packed it anew they have to be unpacked, which report is told of: what
    it raises stops that, and nothing is left. Raises HeadAloneError for one that was packed without pictures.
    """
    with archive.opened(source, archive.MAX_ZIP_BYTES) as opened:
        head, pictures, _ = _entries(opened)
        if head is not None and pictures is None and not archive.pictures_in(opened):
            raise HeadAloneError(
                "This zip holds a head and no pictures; choose one that was packed with them, or a zip of pictures."
            )
        inner = None if pictures is None else _part(source, opened, pictures, report)
    return from_zip(source if inner is None else inner, parts, names_in)


def labelled_zip(
    source: Source,
    parts: bool | None = None,
    names_in: str | None = None,
    classes: Callable[[], Sequence[str]] = tuple,
) -> LabelledImages:
    """The labelled pictures of a zip (path, bytes or seekable binary file) of one folder a class, that as_zip wrote,
    or that pack wrote with pictures. What this app wrote keeps its names and groups, without what is disabled. parts
    counts where no manifest says which they are, and names_in where names do not: see LabelledImages.from_zip. Without,
    they are read so that most folders are of the classes that `classes` gives, which is asked where they are not
    marked, if another way than the one that is guessed does that.

    Raises DatasetError as of LabelledImages.from_zip and intake.from_zip.
    """
    with archive.opened(source, archive.MAX_ZIP_BYTES) as opened:
        ours = _entries(opened)[1] is not None or read_manifest(opened) is not None
        guessed = None if names_in else guess(opened)
    if ours:
        return labelled(incoming_zip(source, parts, names_in=names_in))
    if guessed and (better := guessed.among(classes())) != guessed:
        data = LabelledImages.from_zip(source, parts, better.encoding)
        return replace(data, told=(better.told, *data.told))
    return LabelledImages.from_zip(source, parts, names_in)


def _entries(opened: ZipFile) -> tuple[ZipInfo | None, ZipInfo | None, ZipInfo | None]:
    """The head and, beside it, the pictures of a package, and what is told of its training; None for what is not
    there."""
    found = archive.by_path(opened)
    around = min((path[:-1] for path in found if path[-1:] == (HEAD,)), key=len, default=None)
    if around is None:
        return None, None, None
    return found[*around, HEAD], found.get((*around, PICTURES)), found.get((*around, TRAINING))


def _told(opened: ZipFile, info: ZipInfo, head: Head) -> dict[str, object]:
    """What a package says of its head's training. Raises HeadError where that cannot be told."""
    with _unpacked(opened, info, SMALL_FILES) as file:
        data = file.read()
    name = f"“{info.filename}” in this zip"
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HeadError(f"{name} is damaged: it is no JSON. Pack it anew.") from error
    return checked_facts(told, len(head.classes), name)


def _part(source: Source, opened: ZipFile, info: ZipInfo, report: Watched) -> BinaryIO:
    """An entry as a file, at its start: where it lies in the zip as it is, that part of it, and otherwise unpacked."""
    if info.compress_type != ZIP_STORED:
        return _unpacked(opened, info, MAX_BYTES, report)
    if isinstance(source, str | os.PathLike):
        file = OnDisk(source)
    else:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
    file.seek(info.header_offset)
    fixed = file.read(LOCAL_HEADER.size)
    if len(fixed) < LOCAL_HEADER.size:
        raise DatasetError(f"“{info.filename}” is damaged in the zip; pack it anew.")
    name, extra = LOCAL_HEADER.unpack(fixed)
    return Within(file, info.header_offset + len(fixed) + name + extra, info.file_size)


def _unpacked(opened: ZipFile, info: ZipInfo, most: int, report: Watched = unwatched) -> BinaryIO:
    """An entry as a temporary file, at its start. Raises DatasetError where it is damaged, larger than `most`, than it
    says or than the disk has room for.
    """
    size = min(info.file_size, most + 1)
    if size > most:
        raise DatasetError(f"“{info.filename}” unpacks to over {most >> 20:,} MB, the most that is taken.")
    if size > (free := shutil.disk_usage(tempfile.gettempdir()).free):
        told = f"“{info.filename}” unpacks to {sized(size)}, and the disk has room for {sized(free)}"
        raise DatasetError(f"{told}; make room on it, or bring the pictures in parts.")
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        for chunk in archive.read_chunks(opened, info, info.filename):
            file.write(chunk)
            if file.tell() > size:  # than its header says: zipfile stops there, but not every zip is one of its own
                raise DatasetError(
                    f"“{info.filename}” is damaged in the zip (it is larger than it says); pack it anew."
                )
            report(file.tell() / size)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
