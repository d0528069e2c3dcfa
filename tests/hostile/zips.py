"""Zips from strangers, each through every door that takes one: library, shell, studio, package, From scratch, many."""

from __future__ import annotations

import io
import json
import random
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from hostile.outcome import Outcome

from visionlab.errors import ImageError
from visionlab.imaging.image import encode_png
from visionlab.learning.answers.many import zip_sources
from visionlab.learning.projects.intake import take
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.reading import read_zip
from visionlab.learning.takeaway.package import incoming_zip, labelled_zip, open_package

SECONDS, MEGABYTES = 20.0, 600
OWNER = "a text that only the test knows"


def run(count: int = 200, seed: int = 0) -> Outcome:
    """So many zips through all doors, each beside a file that is to stay as it is."""
    outcome = Outcome("Zips")
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base, "within")
        folder.mkdir()
        canary = Path(base, "canary.png")
        canary.write_text("untouched")
        for number, (kind, data) in enumerate(hostile_zips(count, seed)):
            path = folder / "some.zip"
            path.write_bytes(data)
            for door, enter in DOORS.items():
                outcome.attempt(kind, lambda enter=enter, path=path: enter(path, folder), SECONDS, door)
            path.unlink()
            if {each.name for each in Path(base).iterdir()} != {"within", "canary.png"} or (
                canary.read_text() != "untouched" or {each.name for each in folder.iterdir()} - {"projects"}
            ):
                outcome.fail(f"{kind}: zip {number} left something outside the workspace")
    if outcome.megabytes > MEGABYTES:
        outcome.fail(f"memory: {outcome.megabytes} MB, and at most {MEGABYTES} MB are allowed")
    return outcome


def _studio(path: Path, folder: Path) -> None:
    workspace = Workspace(folder / "projects", limit=500 * 10**6)
    project = workspace.create("Hostile", OWNER)
    try:
        for _ in take(project, incoming_zip(path)):
            pass
        for each in project.classes():
            each.name.encode()
    finally:
        workspace.delete(project.id)


DOORS: dict[str, Callable[[Path, Path], object]] = {
    "library": lambda path, _: LabelledImages.from_zip(path),
    "shell": lambda path, _: labelled_zip(path),
    "studio": _studio,
    "package": lambda path, _: open_package(path),
    "from scratch": lambda path, _: read_zip(path),
    "many": lambda path, _: [_looked(each) for each in zip_sources(path.read_bytes())],
}


def _looked(source) -> None:
    try:
        source.load()
    except ImageError:
        return


def hostile_zips(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """(kind, bytes): each maker in turn, with other chances each time."""
    chance = random.Random(seed)
    makers = [*MAKERS.items()]
    for number in range(count):
        kind, make = makers[number % len(makers)]
        yield kind, make(chance)


def _picture(chance: random.Random) -> bytes:
    return encode_png(np.random.default_rng(chance.randrange(2**32)).integers(0, 256, (12, 12, 3)).astype(np.uint8))


def _zip(entries: list[tuple[str | zipfile.ZipInfo, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name, data in entries:
            packed.writestr(name, data)
    return file.getvalue()


def _good(chance: random.Random) -> list[tuple[str, bytes]]:
    return [(f"{kind}/{number}.png", _picture(chance)) for kind in ("cats", "dogs") for number in range(4)]


NAMES = [
    "../canary.png", "../../canary.png", "/etc/canary.png", "cats/../../canary.png", "C:\\canary.png", "..\\canary.png",
    "cats\\..\\..\\canary.png", "a\0b/1.png", "cats/\u202egnp.1", "cats/" + "n" * 5_000 + ".png",
    "c" * 60_000 + "/1.png", "cats/CON.png", "./cats/./1.png", "//cats//9.png", "cats/é.png", "cats/e\u0301.png",
    " /1.png", "cats", "cats/ .png", "<script>/1.png", "**cats**/1.png", "__MACOSX/cats/1.png", ".git/hooks/1.png",
    "\n/1.png",
]  # fmt: skip


def _named(chance: random.Random) -> bytes:
    return _zip([*_good(chance), (chance.choice(NAMES), _picture(chance))])


def _twice(chance: random.Random) -> bytes:
    return _zip([*_good(chance), (chance.choice(["cats/0.png", "CATS/0.png", "cats/./0.png"]), _picture(chance))])


def _bomb(chance: random.Random) -> bytes:
    size = chance.choice([2**20, 19 * 2**20, 21 * 2**20, 60 * 2**20])
    return _zip(
        [*_good(chance), *((f"cats/{number}.png", bytes(size)) for number in range(10, 10 + chance.randrange(1, 6)))]
    )


def _many(chance: random.Random) -> bytes:
    return _zip([(f"{number % 150}/{number}.png", b"") for number in range(chance.choice([150, 5_001, 20_000]))])


def _nested(chance: random.Random) -> bytes:
    inner = _zip(_good(chance))
    for _ in range(chance.randrange(1, 5)):
        inner = _zip([("pictures.zip", inner), ("cats/1.png", inner), ("head.safetensors", inner)])
    return inner


def _inflating(chance: random.Random) -> bytes:
    return _zip([("head.safetensors", bytes(8 * 2**20)), ("pictures.zip", bytes(chance.choice([1, 64]) * 2**20))])


def _edited(chance: random.Random) -> bytes:
    data = bytearray(_zip(_good(chance), chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])))
    for _ in range(chance.randrange(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _directory(chance: random.Random) -> bytes:
    """Its table of contents lies: about sizes, places, flags, methods, how many there are."""
    data = bytearray(_zip(_good(chance)))
    place = data.index(b"PK\x01\x02")
    field, width = chance.choice(
        [(8, "H"), (10, "H"), (20, "I"), (24, "I"), (28, "H"), (30, "H"), (38, "I"), (42, "I")]
    )
    value = chance.choice([0, 1, 12, 0x7FFF, 0xFFFF] if width == "H" else [0, 1, 2**31 - 1, 2**32 - 1])
    struct.pack_into(f"<{width}", data, place + field, value)
    if chance.random() < 0.3:
        struct.pack_into("<H", data, data.rindex(b"PK\x05\x06") + 10, chance.choice([0, 1, 0xFFFF]))
    return bytes(data)


def _cut(chance: random.Random) -> bytes:
    data = _zip(_good(chance))
    return data[: chance.randrange(len(data))] if chance.random() < 0.5 else data[chance.randrange(len(data)) :]


def _around(chance: random.Random) -> bytes:
    junk = chance.randbytes(chance.randrange(1, 70_000))
    return junk + _zip(_good(chance)) if chance.random() < 0.5 else _zip(_good(chance)) + junk


def _special(chance: random.Random) -> bytes:
    """Entries that say they are links, pipes or devices."""
    info = zipfile.ZipInfo(chance.choice(["cats/link.png", "cats", "pictures.zip", "manifest.json"]))
    info.create_system, info.external_attr = 3, chance.choice([0o120777, 0o010644, 0o020666, 0o060666]) << 16
    return _zip([*_good(chance), (info, chance.choice([b"/etc/passwd", b"../canary.png", b""]))])


def _manifest(chance: random.Random) -> bytes:
    good = _good(chance)
    first = {"file": good[0][0], "class": "cats", "name": "1.png", "group": 1}
    whole = {
        "format": "visionlab-data-1",
        "project": "x",
        "classes": [{"name": "cats", "enabled": True}],
        "pictures": [first],
    }
    odd = [float("inf"), float("nan"), 10**400, -1, None, [], {}, "\ud800", "x" * 10**6, "../x", True, 1.5, [[[[[]]]]]]
    field = chance.choice(["file", "class", "name", "group", "classes", "pictures", "format", "depth"])
    if field == "depth":
        return _zip([*good, ("manifest.json", b"[" * chance.choice([40, 900, 10**6]))])
    target = first if field in first else whole
    target[field] = chance.choice(odd)
    return _zip([*good, ("manifest.json", json.dumps(whole).encode())])


def _none(chance: random.Random) -> bytes:
    return chance.choice([b"", b"PK", b"PK\x05\x06" + bytes(18), chance.randbytes(1_000), _zip([])])


MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "names": _named,
    "the same name twice": _twice,
    "bombs": _bomb,
    "very many entries": _many,
    "zips in zips": _nested,
    "packages that inflate": _inflating,
    "damaged bytes": _edited,
    "directories that lie": _directory,
    "cut": _cut,
    "junk around": _around,
    "links and devices": _special,
    "manifests": _manifest,
    "no zips": _none,
}
