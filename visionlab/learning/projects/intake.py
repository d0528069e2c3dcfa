"""Pictures into a project: from files, folders, zips and sets, streamed, as one edit that one undo takes back."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar

from visionlab.errors import DatasetError, ImageError, VisionlabError
from visionlab.imaging.image import MAX_BYTES, Image, encode_png, fingerprint, load_image
from visionlab.learning.projects import left_out
from visionlab.learning.projects.as_zip import read_manifest
from visionlab.learning.projects.files import check_project, check_room, keep, size_of, telling, write
from visionlab.learning.projects.near_copies import nearly_in_others
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import Arrival
from visionlab.learning.sets import archive
from visionlab.learning.sets.copies import DECODERS, Chosen, originals, unreadable
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.guarded import check_door
from visionlab.learning.sets.kinds import parts_told
from visionlab.learning.sets.layout import Arranged
from visionlab.learning.sets.names import Guess, guess
from visionlab.learning.sets.similar import hashes, in_small

LISTED = 5  # classes that a sentence names
BATCH = 32  # pictures between one report of progress and the next

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Incoming:
    """A picture on its way in; load() gives the bytes of its file, or raises a VisionlabError.

    group: those of one text within an intake, such as a camera's burst, belong together, and their likeness to others
    is not looked for; None where nothing is known.  enabled: whether a class that is made for it is learned from.
    part: which of layout.PARTS of its set it is of, if any.  switched_off: it is kept, and not learned from.
    path: the one in its set, such as train/cats/1.jpg; "" where it comes alone.  file: where it lies as a file, if so.
    """

    class_name: str
    file_name: str
    load: Callable[[], bytes]
    group: str | None = None
    enabled: bool = True
    part: str = ""
    switched_off: bool = False
    path: str = ""
    file: Path | None = None

    @property
    def called(self) -> str:
        """What a sentence on it calls it."""
        return self.path or f"{self.class_name}/{self.file_name}"


@dataclass(frozen=True, eq=False)
class Arriving(Sequence[Incoming]):
    """The pictures of a set on their way in, and sentences on what was left out of it or taken together. names: how
    those of a zip were read, where that was guessed; told says so."""

    pictures: Sequence[Incoming]
    told: tuple[str, ...] = ()
    names: Guess | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index):
        return self.pictures[index]


@dataclass(frozen=True)
class Intake:
    """How far an intake is: done of total (None where that is not known) pictures were looked at.

    added: taken in, or to be.  copies: refused, since the project or the intake has one of the same pixels; without
    those that came as several classes.
    near: of those added, how many are grouped with others; known at the end.  problems: a sentence for each that could
    not be read.  told, names: those of an Arriving, and at the end where the originals of the copies are, and what came
    as several classes.  left_out: of these the ones that the project keeps, with the problems; see left_out.py.
    """

    done: int
    total: int | None
    added: int
    copies: int
    near: int
    problems: tuple[str, ...]
    told: tuple[str, ...] = ()
    names: Guess | None = None
    left_out: tuple[str, ...] = ()


def from_files(class_name: str, files: Iterable[tuple[str, bytes | Path]], group: str | None = None) -> list[Incoming]:
    """Pictures of one class: (file name, its bytes or its path). `group`: what they have in common, as a burst has."""
    return [
        Incoming(class_name, name, partial(_bytes, source), group, file=source if isinstance(source, Path) else None)
        for name, source in files
    ]


def from_folder(path: str | os.PathLike[str], parts: bool | None = None) -> Arriving:
    """Pictures of a folder that holds one folder a class, or of one class alone, which is named like the folder.

    Raises DatasetError as of archive.read_folder, or over a limit.
    """
    check_door(path, folder=True)
    return _arriving(archive.read_folder(path, Path(path).resolve().name, parts), _of_file)


def from_browser(files: Iterable[tuple[str, Path]], parts: bool | None = None) -> Arriving:
    """As from_folder, of what a browser sends of a folder: (path that begins with the folder's name, where it lies)."""
    paths = {PurePosixPath(name).parts: path for name, path in files}
    found = {path[1:]: (source, partial(archive.start_of_file, source)) for path, source in paths.items() if path[1:]}
    alone = min((path[0] for path in paths), default=None)
    return _arriving(archive.arranged(found, alone=alone, parts=parts), _of_file)


def from_zip(
    file: str | os.PathLike[str] | bytes | BinaryIO, parts: bool | None = None, names_in: str | None = None
) -> Arriving:
    """Pictures of a zip (path, bytes or seekable binary file) of one folder a class, or that export_zip wrote.

    Nothing is unpacked before its turn. Of a zip with a manifest, classes, names, groups, parts and what is disabled
    are those of the manifest; a picture that was put into it since is taken by its folder. names_in: as of
    archive.opened.
    Raises DatasetError as of archive.read_zip, with a limit of 4 GB, and for a manifest that does not fit.
    """
    check_door(file, folder=False)
    kept = archive.Kept(file, archive.MAX_ZIP_BYTES, names_in)
    packed, load = kept.archive, partial(partial, kept.unpack)
    manifest = read_manifest(packed)
    if manifest is None:
        return replace(
            _arriving(archive.class_entries(packed, archive.MAX_ZIP_BYTES, parts), load), names=guess(packed)
        )
    files = {_one_form("/".join(path)): info for path, info in archive.files_in(packed, archive.MAX_ZIP_BYTES).items()}
    listed = {_one_form(path): each for path, each in manifest.items()}
    if absent := sorted(listed.keys() - files.keys()):
        raise DatasetError(f"The zip’s manifest names “{absent[0]}”, which is not in the zip; export it anew.")
    incoming = [
        Incoming(
            each.class_name,
            each.name,
            load(files[path], path),
            each.group,
            each.enabled,
            each.part,
            each.switched_off,
            path,
        )
        for path, each in listed.items()
    ]
    here = sorted(dict(archive.pictures_in(packed)).items(), key=lambda pair: pair[0])
    rest = [(path, info) for path, info in here if _one_form("/".join(path)) not in listed]
    found = [Incoming(path[0], "/".join(path[1:]), load(info, "/".join(path))) for path, info in rest if path[1:]]
    archive.check_counts({each.class_name: () for each in (*incoming, *found)})
    return Arriving([*incoming, *found])


def _arriving(found: Arranged[T], load: Callable[[T, str], Callable[[], bytes]]) -> Arriving:
    """What was found; load(source, path) makes the function that gives a picture's bytes."""
    archive.check_counts(found.classes)
    pictures = [
        Incoming(
            name,
            each.name,
            load(each.source, each.path),
            part=each.part,
            path=each.path,
            file=each.source if isinstance(each.source, Path) else None,
        )
        for name, items in found.classes.items()
        for each in items
    ]
    return Arriving(pictures, found.told)


def labelled(incoming: Iterable[Incoming]) -> LabelledImages:
    """What came, as a set to learn from: without what is switched off, cannot be read or is in several classes; copies,
    near-duplicates, and what is of one group, share a group. Pictures are loaded and decoded at each look.

    Raises DatasetError like LabelledImages.from_uploads.
    """
    classes: dict[str, list[Incoming]] = {}
    for each in incoming:
        if each.enabled and not each.switched_off:
            classes.setdefault(each.class_name, []).append(each)
    taken = [each for items in classes.values() for each in items]
    return LabelledImages.from_uploads(
        {name: [(each.file_name, each.load) for each in items] for name, items in classes.items()},
        belonging=[each.group for each in taken],
        parts=[each.part for each in taken],
        told=incoming.told if isinstance(incoming, Arriving) else (),
        paths=[each.called for each in taken],
    )


def from_labelled(data: LabelledImages) -> list[Incoming]:
    """The pictures of a set, such as a ready-made one, with its groups; each becomes a PNG file in its turn."""
    return [
        Incoming(data.classes[label], f"{name}.png", partial(_encode, data.images, index), str(group))
        for index, (label, name, group) in enumerate(zip(data.labels, data.names, data.groups, strict=True))
    ]


def _one_form(path: str) -> str:
    return unicodedata.normalize("NFC", path)  # a Mac that packs the zip anew spells “é” as two characters


def _of_file(source: Path, _path: str) -> Callable[[], bytes]:
    return partial(_bytes, source)


def _bytes(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # load_image says that this is too much
    except OSError as error:
        raise ImageError(f"The file cannot be opened ({error.strerror}).") from error


def _encode(images: Sequence[Image], index: int) -> bytes:
    return encode_png(images[index])


def take(project: Project, incoming: Iterable[Incoming], spool: Path | None = None) -> Iterator[Intake]:
    """Take pictures into the project; progress is told after every BATCH of them, and once more when all are in.

    All or nothing: whoever stops asking before the last report, a full disk and a killed process leave the project as
    it was. Pictures that cannot be read are left out and told of, here and by left_out.py; those whose pixels the
    project has are left out and counted. Those that came as several classes are left out of all, as LabelledImages has
    it. Of one that a set has in several parts the held-out one is taken, as sides.sides has it. At most DECODERS
    pictures are decoded at a time, and of each only its file, on disk, is kept.
    spool: a folder of this project's `receiving` in which uploads wait, never written again: what it holds is not yet
    taken, and its pictures take no room twice.
    Raises DatasetError where the disk or the workspace is full, or the project would be over a limit.
    """
    total = len(incoming) if isinstance(incoming, Sized) else None
    told, names_read = (incoming.told, incoming.names) if isinstance(incoming, Arriving) else ((), None)
    numbered = enumerate(incoming)
    coming = Counter(_as_text(each.class_name) for each in incoming) if total else Counter()
    used = size_of(project.folder.parent, without=spool)
    classes, pictures = project.snapshot()
    names = {each.id: each.name for each in classes}
    chosen = Chosen[Arrival]({each.key: names[each.class_id] for each in pictures})
    held = sum(each.bytes for each in pictures)
    problems: list[str] = []
    done = 0
    pool = ThreadPoolExecutor(DECODERS)
    with telling(), project.receiving(_lost(coming, total), coming) as folder:
        try:
            while batch := [
                (each.called, pool.submit(_look, each, chosen, folder / str(n), spool))
                for n, each in islice(numbered, BATCH)
            ]:
                for called, looked in ((called, future.result()) for called, future in batch):
                    done += 1
                    if isinstance(looked, str):
                        problems.append(looked)
                    else:
                        chosen.add(looked, _as_text(called))
                arrivals, copies = chosen.taken, chosen.copies.total()
                coming_bytes = sum(each.bytes for each in arrivals)
                check_room(used, coming_bytes, project.limit)
                check_project(len(pictures) + len(arrivals), held + coming_bytes)
                yield Intake(done, total, len(arrivals), copies, 0, tuple(problems), told, names_read)
        finally:
            pool.shutdown(cancel_futures=True)
        arrivals, copies = chosen.taken, chosen.copies.total()
        added, near = project.add(arrivals)
        project.come(coming)
    near_told = nearly_in_others(project, {each.key for each in arrivals if each.group is None}, chosen.paths)
    several = chosen.told(each.name for each in classes)
    # How names were read can be changed, and is told where that is done.
    others = tuple(each for each in told if not names_read or each != names_read.told)
    others += tuple(each for each in several if each != originals(chosen.copies))
    before = {each.id for each in pictures}
    came = [each.id for each in project.snapshot()[1] if each.id not in before] if others or problems else []
    left_out.note(project.folder, others, problems, came)
    told = (*parts_told(each.part for each in arrivals), *told, *several, *filter(None, [near_told]))
    refused = copies + len(arrivals) - added
    yield Intake(done, total, added, refused, near, tuple(problems), told, names_read, others)


def _lost(coming: Mapping[str, int], total: int | None) -> str:
    """What is to be told where the process is killed before all is in."""
    what = "pictures"
    if total is not None:
        names = list(coming)
        more = f" and {len(names) - LISTED:,} more classes" if len(names) > LISTED else ""
        listed = ", ".join(f"“{name}”" for name in names[:LISTED])
        what = f"{total:,} picture{'s' * (total != 1)} of {listed}{more}" if total else what
    return f"The server ended while {what} came in: none of them is in the project. Bring them in again."


def _as_text(name: str) -> str:
    """What is no text in a file's name, which Linux allows, cannot be kept; it becomes an escape such as \\udcff."""
    return name.encode("utf-8", "backslashreplace").decode()


def _look(incoming: Incoming, known: Container[str], file: Path, spool: Path | None) -> Arrival | str:
    """The picture, its file written unless the project has its like, or a sentence why there is none."""
    class_name, file_name = _as_text(incoming.class_name), _as_text(incoming.file_name)
    try:
        data = incoming.load()
        image = load_image(data)
    except VisionlabError as error:
        return unreadable(_as_text(incoming.called), error)
    key = fingerprint(image)
    if key not in known:
        if incoming.file and spool and spool in incoming.file.parents:
            keep(incoming.file, file)
        else:
            write(file, data)
    height, width = image.shape[:2]
    return Arrival(
        class_name,
        incoming.enabled,
        file_name,
        hashlib.sha256(data).hexdigest(),
        key,
        hashes(image),
        incoming.group,
        width,
        height,
        len(data),
        file,
        in_small(image),
        incoming.part,
        incoming.switched_off,
    )
