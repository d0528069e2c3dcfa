"""A disk and a memory that are full, all over a project's life, in mid-training too: each act ends in a sentence, what
was acknowledged is still there, nothing half-done lies about, and the next attempt works. A full disk is the system's
own: every write fails that makes a file longer than so many bytes and, where a disk of 24 MB may be mounted, that finds
no more than so many left. Of each act's allocations some, spread over it, fail one by one, as Python, NumPy,
OpenCV or torch would have it.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from unittest import mock

import cv2
import numpy as np
import torch
from hostile.outcome import BROKEN, TAKEN, Outcome, judged
from PIL import Image as PILImage
from tiny import tiny_classifier

from visionlab.errors import VisionlabError
from visionlab.imaging.image import encode_png
from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.answers.filtering import filter_zip
from visionlab.learning.answers.many import predict_many, write_csv, zip_sources
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.heads.training import train_head
from visionlab.learning.projects.as_zip import export_zip
from visionlab.learning.projects.intake import from_files, take
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.takeaway.package import HEAD, incoming_zip, open_package, pack
from visionlab.network.running.prediction import predict
from visionlab.shortage import shortages_told
from visionlab.ui.studio.train import run as running
from visionlab.writing import replacing

OWNER = "a text that only the test knows"
SECONDS = 60.0
LEFT = (0, 8_000, 100_000)  # bytes


class Place:
    """A workspace with a project of pictures in two classes, a head of them, and what the acts need."""

    def __init__(self, base: Path) -> None:
        self.base, self.numbers, self.net = base, itertools.count(100), tiny_classifier()
        self.workspace = Workspace(base / "projects", limit=10**9)
        self.project = self.workspace.create("Kept", OWNER)
        for name in ("cats", "dogs"):
            self.come(name, 8)
        self.other = self.workspace.create("Other", OWNER)
        self.head = train_head(self.project.labelled()[0], self.net)
        self.package()
        list(export_zip(self.project, base / "pictures.zip"))

    def picture(self, number: int) -> np.ndarray:
        return np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)

    def fresh(self, count: int) -> list[tuple[str, bytes]]:
        return [(f"{number}.png", encode_png(self.picture(number))) for number in itertools.islice(self.numbers, count)]

    def come(self, name: str, count: int) -> None:
        for _ in take(self.project, from_files(name, self.fresh(count))):
            pass

    def package(self) -> None:
        """As somebody packs it anew who has unpacked one: a megabyte that has to be unpacked to be read."""
        with zipfile.ZipFile(self.base / "packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(HEAD, self.head.to_bytes())
            packed.writestr("pictures.zip", np.random.default_rng(0).bytes(10**6))

    def run(self, kind: str) -> None:
        """Train, without classes that an edit before left empty; what was interrupted is gone on with first."""
        for each in self.project.classes():
            if not each.count:
                self.project.remove_class(each.id)
        for each in self.project.interrupted():
            for _ in running.train(self.project, each.id, self.net):
                pass
        settings = running.Settings("tiny", kind, (), 0.25, 0)
        run = self.project.begin_run(running.noted(settings, 16), waiting=True)
        with mock.patch.object(running, "CHECKPOINT_EVERY", 0.0):
            for _ in running.train(self.project, run, self.net):
                pass

    def known(self) -> tuple[set, set, set]:
        """What was acknowledged: classes, pictures, and runs that are done with their heads."""
        classes, pictures = self.project.snapshot()
        done = {each.id for each in self.project.runs() if each.state == "done" and each.head}
        return {each.name for each in classes}, {(each.digest, each.class_id) for each in pictures}, done

    def amiss(self, before: tuple[set, set, set]) -> str:
        """What of it is not there any more, cannot be read, or lies about; nothing where all is well."""
        try:
            self.project = self.workspace.open(self.project.id)
            for what, had, has in zip(("classes", "pictures", "runs"), before, self.known(), strict=True):
                if had - has:
                    return f"{len(had - has)} {what} are lost"
            for picture in self.project.snapshot()[1]:
                self.project.load(picture)
        except VisionlabError as error:
            return str(error)
        for run in self.project.runs():
            if run.state in ("waiting", "running"):
                return f"a run is {run.state} that nobody works on"
        litter = [*self.base.rglob("*.part"), *(self.project.folder / "incoming").iterdir()]
        litter += [path for path in self.workspace.folder.iterdir() if path.name.startswith((".new-", ".gone-"))]
        return f"{litter[0].name} lies about" if litter else ""


def _deleted(place: Place) -> None:
    if place.other.id not in place.workspace:
        place.other = place.workspace.create("Other", OWNER)
    place.workspace.delete(place.other.id)


def _duplicated(place: Place) -> None:
    copy = place.workspace.duplicate(place.project.id, "Copy", OWNER)
    assert copy.snapshot()[1] == place.project.snapshot()[1]
    place.workspace.delete(copy.id)


def _made(place: Place) -> None:
    made = place.workspace.create("More", OWNER)
    place.workspace.delete(made.id)


def _undone(place: Place) -> None:
    place.project.add_classes([f"class {next(place.numbers)}"])
    place.project.undo()
    place.project.redo()


def _moved(place: Place) -> None:
    classes, pictures = place.project.snapshot()
    ids = [each.id for each in pictures[:3]]
    place.project.move(ids, classes[1].id)
    place.project.move(ids, classes[0].id)


def _began(place: Place) -> None:
    run = place.project.begin_run({"network": "tiny"})
    place.project.note_epoch(run, {"index": 1})
    place.project.end_run(run, "cancelled")


def _kept(place: Place) -> None:
    cache = FeatureCache(place.base / "features")
    rows = {f"{number}": np.full(1_000, number, np.float32) for number in range(40)}
    cache.keep("tiny", rows)
    for name, row in cache.find("tiny", list(rows)).items():
        assert np.array_equal(row, rows[name])


def _answered(place: Place) -> None:
    rows = predict_many(place.net, zip_sources(place.base / "pictures.zip"), top=2)
    with replacing(place.base / "answers.csv") as part, part.open("w", encoding="utf-8", newline="") as file:
        write_csv(rows, file)


def _filtered(place: Place) -> None:
    chain = Pipeline.from_json('{"steps": [{"filter": "gaussian_blur"}]}')
    *_, last = filter_zip((place.base / "pictures.zip").read_bytes(), chain, "PNG")
    last.file.close()


def _opened(place: Place) -> None:
    package = open_package(place.base / "packed.zip")
    assert package.head.classes == place.head.classes
    package.pictures.close()


Act = Callable[[Place], object]
ACTS: dict[str, Act] = {
    "a project is made": _made,
    "pictures come in": lambda place: place.come("cats", 3),
    "a zip comes in": lambda place: list(take(place.project, incoming_zip(place.base / "pictures.zip"))),
    "a class is made": lambda place: place.project.add_classes([f"class {next(place.numbers)}"]),
    "pictures are moved": _moved,
    "an edit is undone": _undone,
    "a project is renamed": lambda place: place.project.rename(f"Kept {next(place.numbers)}"),
    "a project is duplicated": _duplicated,
    "a project is deleted": _deleted,
    "a project is tidied": lambda place: place.project.tidy(),
    "a run is noted": _began,
    "features are kept": _kept,
    "a head is trained": lambda place: place.run("linear"),
    "a block is fine-tuned": lambda place: place.run("fine-tune"),
    "a head is saved": lambda place: place.head.save(place.base / "head.safetensors"),
    "pictures are exported": lambda place: list(export_zip(place.project, place.base / "exported.zip")),
    "a head is exported": lambda place: list(
        pack(place.head, place.net, place.base / "taken.zip", [place.picture(0), place.picture(1)])
    ),
    "a package is opened": _opened,
    "answers are written": _answered,
    "a zip is filtered": _filtered,
    "a picture is predicted": lambda place: predict(place.net, [place.picture(1)]),
}


def run(
    acts: tuple[str, ...] = tuple(ACTS), left: tuple[int, ...] = LEFT, allocations: int = 4, mounting: bool = True
) -> Outcome:
    """These acts, each with so many bytes left, also on a disk that is mounted for it where that may be, and each with
    so many of its allocations failing, one by one.
    """
    outcome = Outcome("Full disk and full memory", megabytes=None)  # of the trainings, which others measure
    with _temporary() as base:
        place = Place(base)
        for name in acts:
            for size in left:
                _tried(outcome, place, f"disk: {name}", ACTS[name], limited(size), f"files of {size:,} bytes")
            total = _count(place, ACTS[name]) if allocations else 0
            for number in sorted({round(each) for each in np.linspace(1, total, min(allocations, total))}):
                fault = failing(number)
                _tried(outcome, place, f"memory: {name}", ACTS[name], fault, f"allocation {number} of {total}")
    if mounting and (disk := _small_disk()):
        with disk as base, _temporary(base) as inner:
            place = Place(inner)
            for name in acts:
                for size in left:
                    fault = filled(base, size)
                    _tried(outcome, place, f"disk: {name}", ACTS[name], fault, f"{size:,} bytes left")
    return outcome


def _tried(outcome: Outcome, place: Place, kind: str, act: Act, fault: AbstractContextManager, where: str) -> None:
    before = place.known()

    def attempt() -> None:
        with shortages_told(), fault:
            act(place)

    began = time.perf_counter()
    state, told = judged(attempt)
    seconds = time.perf_counter() - began
    if state != BROKEN and (amiss := place.amiss(before)):
        state, told = BROKEN, f"then {amiss}"
    elif state != BROKEN:
        again, problem = judged(lambda: act(place))
        if again != TAKEN:
            state, told = BROKEN, f"the next attempt: {problem}"
    outcome.note(kind, state, seconds, SECONDS, told, where)


@contextmanager
def _temporary(inside: Path | None = None) -> Iterator[Path]:
    """A folder in which temporary files lie, too."""
    with tempfile.TemporaryDirectory(dir=inside) as base:
        kept = tempfile.tempdir
        tempfile.tempdir = base
        try:
            yield Path(base)
        finally:
            tempfile.tempdir = kept


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _small_disk() -> AbstractContextManager[Path] | None:
    """A disk of its own, in memory; None where that is not allowed."""

    @contextmanager
    def mounted() -> Iterator[Path]:
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
            os.rmdir(folder)

    folder = tempfile.mkdtemp()
    with suppress(OSError):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True)
        if done.returncode == 0:
            return mounted()
    os.rmdir(folder)
    return None


@contextmanager
def filled(disk: Path, left: int) -> Iterator[None]:
    """So many bytes are left on the disk, in whole pages."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    ballast.write_bytes(bytes(max(0, free - left)))
    try:
        yield
    finally:
        ballast.unlink()


ALLOCATIONS = [
    *((np, name) for name in ("stack", "concatenate", "empty", "zeros", "ascontiguousarray", "column_stack")),
    *((torch, name) for name in ("stack", "cat", "zeros", "randn", "from_numpy")),
    *((torch.nn.functional, name) for name in ("interpolate", "conv2d", "linear", "cross_entropy")),
    *((cv2, name) for name in ("resize", "cvtColor", "imencode")),
    (PILImage.Image, "crop"),
]


@contextmanager
def failing(number: int) -> Iterator[list[int]]:
    """The allocation of that number fails; 0: none, and they are counted."""
    count, lock = [0], Lock()

    def watched(owner, name):
        act = getattr(owner, name)

        def allocate(*arguments, **options):
            with lock:
                count[0] += 1
                fails = count[0] == number
            if fails and owner in (torch, torch.nn.functional):
                raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
            if fails and owner is cv2:
                raise cv2.error("OpenCV(5) alloc.cpp: error: (-4:Insufficient memory) Failed to allocate 9 bytes")
            if fails:
                raise MemoryError
            return act(*arguments, **options)

        return mock.patch.object(owner, name, allocate)

    with ExitStack() as patches:
        for owner, name in ALLOCATIONS:
            patches.enter_context(watched(owner, name))
        yield count


def _count(place: Place, act: Act) -> int:
    with failing(0) as count:
        act(place)
    return count[0]
