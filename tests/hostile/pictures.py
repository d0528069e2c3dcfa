"""Pictures from strangers: mutants of small ones of every format, and the worst that were thought of. Each becomes a
picture or an ImageError, in 2 s of processor time, with 600 MB beside what the process had, and without a word on its
stderr; what ends the process breaks the promise, too.
"""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, Pipe

import numpy as np
from hostile.outcome import BROKEN, Outcome, judged, peak
from hostile.worst_pictures import WORST
from kinds import every_kind, numbers, saved, tiff
from PIL import Image as PILImage

from visionlab.errors import ImageError, VisionlabError
from visionlab.imaging.image import load_image

CODE = "import sys; from hostile import pictures; pictures.serve(int(sys.argv[1]))"
SECONDS, MEGABYTES, PATIENCE = 2.0, 600, 60.0
ODD = (0, 1, 2, 3, 255, 6_324, 0x7FFF, 0x8000, 0xFFFF, 40_000_000, 2**31 - 1, 2**31, 2**32 - 1)


def run(count: int = 10_000, seed: int = 0, worst: Iterable[str] = tuple(WORST)) -> Outcome:
    """So many mutants, and those of the worst, in a process of their own, which is begun anew where one ends it."""
    outcome = Outcome("Pictures")
    decoder = _Decoder()
    try:
        for kind, name, data in itertools.chain(_named(worst), mutants(count, seed)):
            state, told, seconds, megabytes = decoder.look(data)
            if megabytes > MEGABYTES:
                state, told = BROKEN, f"took {megabytes} MB, and at most {MEGABYTES} MB are allowed"
                decoder.end()  # what it has taken would be counted again
            outcome.megabytes = max(outcome.megabytes, megabytes)
            outcome.note(kind, state, seconds, SECONDS, told, name)
    finally:
        decoder.end()
    return outcome


def _named(names: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
    for name in names:
        yield "the worst", name, WORST[name]()


class _Decoder:
    """A process that decodes what it is sent, begun when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def look(self, data: bytes) -> tuple[str, str, float, int]:
        """What came of a picture, what there is to say of it, seconds, and the most megabytes beside, so far."""
        if self._process is None:
            self._begin()
        try:
            self._pipe.send_bytes(data)
            if not self._pipe.poll(PATIENCE):
                raise TimeoutError
            state, told, seconds, megabytes = self._pipe.recv()
        except (EOFError, OSError) as error:
            late = isinstance(error, TimeoutError)
            told = f"was not done after {PATIENCE:g} s" if late else f"the process ended with {self._process.wait()}"
            self.end()
            return BROKEN, told, PATIENCE, 0
        self._errors.seek(self._told)
        if said := self._errors.read():
            self._told += len(said)
            state, told = BROKEN, f"on stderr: {said.decode(errors='replace').splitlines()[0]}"
        return state, told, seconds, megabytes

    def _begin(self) -> None:
        self._errors, self._told = tempfile.TemporaryFile(), 0  # noqa: SIM115
        self._pipe, theirs = Pipe()
        path = os.pathsep.join(each for each in sys.path if each)
        self._process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=[theirs.fileno()],
            stderr=self._errors,
        )
        theirs.close()

    def end(self) -> None:
        if self._process is not None:
            self._pipe.close()
            self._process.kill()
            self._process.wait()
            self._errors.close()
            self._process = None


def serve(descriptor: int) -> None:
    """Decode what comes, as long as somebody sends."""
    pipe = Connection(descriptor)
    for data in small().values():
        judged(lambda data=data: _looked(data))  # what is imported late is here then
    before = peak()
    while True:
        try:
            data = pipe.recv_bytes()
        except EOFError:
            return
        began = time.process_time()
        state, told = judged(lambda data=data: _looked(data))
        pipe.send((state, told, time.process_time() - began, (peak() - before) >> 10))


def _looked(data: bytes) -> None:
    try:
        found = load_image(data)
    except ImageError:
        raise
    except VisionlabError as error:
        raise TypeError(f"{type(error).__name__} of a file") from error
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] != 3 or not found.flags.c_contiguous:
        raise TypeError(f"{found.dtype} of shape {found.shape} is no picture")


# Mutants -------------------------------------------------------------------------------------------------------------


def small() -> dict[str, bytes]:
    """{file name: its bytes}: every kind that is read, and some that are not."""
    noise = np.random.default_rng(1).integers(0, 256, (24, 36, 3), np.uint8)
    picture, other = PILImage.fromarray(noise), [PILImage.fromarray(noise[::-1])]
    more = {
        "progressive.jpg": saved(noise, "JPEG", progressive=True),
        "grey.jpg": saved(picture.convert("L"), "JPEG", quality=20),
        "lossless.webp": saved(noise, "WEBP", lossless=True),
        "animated.webp": saved(noise, "WEBP", save_all=True, append_images=other),
        "animated.gif": saved(noise, "GIF", save_all=True, append_images=other),
        "animated.avif": saved(noise, "AVIF", save_all=True, append_images=other),
        "palette.bmp": saved(picture.quantize(16), "BMP"),
        "cmyk.tif": saved(picture.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "lab.tif": saved(picture.convert("LAB"), "TIFF"),
        "packed.tif": saved(picture, "TIFF", compression="packbits"),
        "jpeg.tif": saved(picture, "TIFF", compression="jpeg"),
        "fax.tif": saved(picture.convert("1"), "TIFF", compression="group4"),
        "tiles.tif": tiff(numbers("u2", 3, 0, (40, 50)), tile=(16, 16), compression="zlib"),
        "big.tif": tiff(numbers("u1", 3, 0), bigtiff=True, byteorder="<"),
        "icon.ico": saved(picture, "ICO", sizes=[(24, 24)]),
        "plain.ppm": saved(noise, "PPM"),
    }
    return every_kind() | more


def mutants(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """(format, of which file, bytes): each format in turn, and each of its kinds, changed in one to three ways."""
    chance, formats = random.Random(seed), defaultdict(list)
    for name, data in small().items():
        formats[name.rpartition(".")[2]].append((name, data))
    turns = zip(itertools.cycle(formats), itertools.count())
    for form, number in itertools.islice(turns, count):
        name, data = formats[form][number // len(formats) % len(formats[form])]
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            data = chance.choice(WAYS)(data, chance)
        if data.startswith(b"\x89PNG") and chance.random() < 0.7:
            data = sealed(data)
        yield form, name, data


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 9) if data else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _told(data: bytes, chance: random.Random) -> bytes:
    """A number of the header is another one."""
    form = chance.choice(["<H", ">H", "<I", ">I", "B"])
    width, place = struct.calcsize(form), chance.randrange(min(len(data), 400) + 1)
    return data[:place] + struct.pack(form, chance.choice(ODD) % 256**width) + data[place + width :]


def _sized(data: bytes, chance: random.Random) -> bytes:
    """Its width or height is another one."""
    places = sizes(data)
    if not places:
        return _told(data, chance)
    place, form = chance.choice(places)
    width = struct.calcsize(form)
    return data[:place] + struct.pack(form, chance.choice(ODD) % 256**width) + data[place + width :]


def sizes(data: bytes) -> list[tuple[int, str]]:
    """Where a file tells its width and height, and in which form of struct."""
    if data[:2] in (b"II", b"MM"):
        order = "<" if data[:2] == b"II" else ">"
        tags = [struct.pack(f"{order}HH", number, kind) for number in (256, 257, 277, 278) for kind in (3, 4)]
        return [(data.index(tag) + 8, f"{order}I") for tag in tags if tag in data]
    if data.startswith(b"\xff\xd8"):
        frames = [data.find(bytes([0xFF, 0xC0 + kind])) for kind in range(3)]
        return [(frame + place, ">H") for frame in frames if frame > 0 for place in (5, 7)]
    if data[4:8] == b"ftyp":
        found = data.find(b"ispe")
        return [(found + 8, ">I"), (found + 12, ">I")] if found > 0 else []
    for start, places in (
        (b"\x89PNG", [(16, ">I"), (20, ">I")]),
        (b"GIF", [(6, "<H"), (8, "<H")]),
        (b"BM", [(18, "<I"), (22, "<I")]),
        (b"\x28\0\0\0", [(4, "<I"), (8, "<I")]),
        (b"RIFF", [(21, "<I"), (24, "<H"), (26, "<H"), (28, "<H")]),
        (b"\0\0\1\0", [(6, "B"), (7, "B")]),
    ):
        if data.startswith(start):
            return places
    return []


def _pieces(data: bytes, chance: random.Random) -> bytes:
    """A part of the file comes twice, or goes, or changes places with another."""
    found = parts(data)
    if len(found) < 2:
        return data
    one, two = chance.randrange(len(found)), chance.randrange(len(found))
    act = chance.randrange(3)
    if act == 0:
        found[one:one] = [found[two]] * chance.choice([1, 2, 50])
    elif act == 1:
        del found[one]
    else:
        found[one], found[two] = found[two], found[one]
    return b"".join(found)


def parts(data: bytes) -> list[bytes]:
    """A file's chunks, segments or boxes; of another one, and of one that is damaged, pieces of any kind."""
    ends, place = [0], 0
    if data.startswith(b"\x89PNG"):
        place, step = 8, lambda at: 12 + int.from_bytes(data[at : at + 4], "big")
    elif data.startswith(b"\xff\xd8"):
        place, step = 2, lambda at: 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    elif data.startswith(b"RIFF"):
        place, step = 12, lambda at: 8 + int.from_bytes(data[at + 4 : at + 8], "little") + 1 & ~1
    elif data[4:8] == b"ftyp":
        step = lambda at: max(8, int.from_bytes(data[at : at + 4], "big"))  # noqa: E731
    else:
        step = lambda _: max(1, len(data) // 12)  # noqa: E731
    while place < len(data) and len(ends) < 1_000:
        ends.append(place)
        place += step(place)
    ends.append(len(data))
    return [data[start:end] for start, end in itertools.pairwise(ends) if end > start]


def _swollen(data: bytes, chance: random.Random) -> bytes:
    """A stretch of bytes comes in anew, from elsewhere in the file or by chance."""
    place, length = chance.randrange(len(data) + 1), chance.randrange(1, 64)
    source = chance.randrange(len(data) + 1)
    fresh = data[source : source + length] if chance.random() < 0.5 else chance.randbytes(length)
    return data[:place] + fresh + data[place + chance.choice([0, length]) :]


def sealed(data: bytes) -> bytes:
    """A PNG whose chunks' checksums are right again."""
    place, whole = 8, [data[:8]]
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        body = data[place + 4 : place + 8 + length]
        whole += [data[place : place + 4], body, struct.pack(">I", zlib.crc32(body))]
        place += 12 + length
    return b"".join(whole)


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flipped, _cut, _told, _sized, _pieces, _swollen)
