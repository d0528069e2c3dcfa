"""Small pictures from files, quickly: zips and folders of encoded pictures, idx files, torchvision's CIFAR-10."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ImageError
from visionlab.imaging.image import MAX_BYTES, load_image
from visionlab.learning.sets import archive as archives
from visionlab.learning.sets.archive import MAX_CLASSES, arranged, opened, read_entry, start_of
from visionlab.learning.sets.copies import none_readable
from visionlab.learning.sets.kinds import TRAIN, parts_told
from visionlab.learning.sets.layout import Arranged, Entry
from visionlab.learning.sets.names import Guess, entries, guess, is_folder
from visionlab.learning.sets.online_sets import ONLINE_SETS

MOST_PICTURES = 200_000
MOST_BYTES = 2**30  # of decoded pictures
LARGEST_KEPT = 96  # px: a set of larger pictures is shrunk
SHRUNK = 32  # px, to which it is
PLAIN_BYTES = 2**16  # what is longer is looked at closely before it is decoded
CLOSER = (
    b"Exif",
    b"eXIf",
    b"GIF8",
    b"ICC_PROFILE",
    b"iCCP",
    b"ICCP",
    b"II*\0",
    b"MM\0*",
)  # so is what says one of these
MOST_CONTENTS = 32 * 2**20  # bytes of a zip's table of contents: 60,000 pictures take 4 to 6 MB
AT_ONCE = 256  # pictures that a thread decodes before it asks for more
MOST_IDX = 2**28  # bytes of an idx file; MNIST's largest has 47 MB

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]  # pictures (N, H, W, C) and labels (N,)
Progress = Callable[[int, int], object]  # told now and then how many pictures of how many are read
_Bytes = Callable[[], bytes]
_Look = Callable[[int, int], bytes]


class Read(NamedTuple):
    """What was read: the classes, the training part, the test part (empty where there is none), and what was left out.

    told: a sentence for each kind of thing that is no picture of a class.  unread: the path of each picture that cannot
    be read, and problems a sentence for each, in the same order.  names: how those of a zip were read, where that was
    guessed; told says so.
    """

    classes: tuple[str, ...]
    train: Part
    test: Part
    told: tuple[str, ...]
    unread: tuple[str, ...]
    problems: tuple[str, ...]
    names: Guess | None = None


def unwatched(done: int, total: int) -> None:
    """Who asks for no progress."""


def read_zip(
    source: str | os.PathLike[str] | bytes,
    side: int | None = None,
    progress: Progress = unwatched,
    names_in: str | None = None,
) -> Read:
    """A zip with one folder a class, or with train/<class> and test/<class>; names_in as of archive.opened.

    What progress raises ends it. Raises DatasetError like visionlab.learning.sets.archive.opened, and for what
    read_folder refuses.
    """
    with opened(source, contents=MOST_CONTENTS, names_in=names_in) as archive, _looking(source) as look:
        files = {
            path: (partial(_entry, archive, look, info), partial(start_of, archive, info))
            for path, info in entries(archive)
            if path and not is_folder(info)
        }
        came, guessed = arranged(files), guess(archive)
        found = Arranged(came.classes, (*([guessed.told] if guessed else []), *came.told))
        return _decoded(found, side, progress)._replace(names=guessed)


def read_folder(folder: Path, side: int | None = None, progress: Progress = unwatched) -> Read:
    """As read_zip, of a folder.

    Pictures are uint8 (H, W, 3): of the size of the first one, or 32 × 32 where that is larger than 96 px, or side ×
    side; of another shape, their middle is shrunk to it. The test part is empty where there is none. What
    cannot be read is left out.
    Raises DatasetError where there are no classes, too many pictures, or none to learn from that can be read.
    """
    found = archives.read_folder(folder)
    classes = {
        name: [each._replace(source=each.source.read_bytes) for each in items] for name, items in found.classes.items()
    }
    return _decoded(Arranged(classes, found.told), side, progress)


def read_idx(folder: Path) -> tuple[Part, Part] | None:
    """(training part, test part) of MNIST's four files (LeCun's idx format, gzip or not), None where they are not here.

    Pictures are uint8 (N, H, W, 1). Raises DatasetError for a damaged file.
    """
    places = (folder, folder / "raw", folder / "MNIST" / "raw")
    place = next((one for one in places if _idx_file(one, "train-images-idx3-ubyte")), None)
    if place is None:
        return None
    parts = []
    for stem in ("train", "t10k"):
        images, labels = (_idx(place, f"{stem}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise DatasetError(
                f"The {stem} files hold {images.shape} pictures and {labels.shape} labels; get them anew."
            )
        parts.append((images[..., None], labels.astype(np.int64)))
    return parts[0], parts[1]


def read_cifar_python(folder: Path) -> tuple[tuple[str, ...], Part, Part] | None:
    """(classes, training part, test part) of CIFAR-10 as torchvision keeps it, None where it is not here.

    Its files are pickles, so only those with the published SHA-256 sums are read. Raises DatasetError for others.
    """
    root = folder.parent if folder.name == "cifar-10-batches-py" else folder
    if not (root / "cifar-10-batches-py").is_dir():
        return None
    from torchvision.datasets import CIFAR10

    if not ONLINE_SETS["CIFAR10"].whole(root / "cifar-10-batches-py"):
        raise DatasetError(f"The files in “{root / 'cifar-10-batches-py'}” are not CIFAR-10's; get them anew.")
    train, test = (CIFAR10(root, train=training) for training in (True, False))
    parts = [(one.data, np.array(one.targets, np.int64)) for one in (train, test)]
    return tuple(train.classes), parts[0], parts[1]


# How it is done ------------------------------------------------------------------------------------------------------


def _decoded(found: Arranged[_Bytes], side: int | None, progress: Progress) -> Read:
    train: list[tuple[str, Entry[_Bytes]]] = []  # class and picture
    test: list[tuple[str, Entry[_Bytes]]] = []
    for name, items in found.classes.items():
        for each in items:
            (train if each.part in ("", TRAIN) else test).append((name, each))
    classes = tuple(found.classes)
    total = len(train) + len(test)
    if not train:
        raise DatasetError("There are no pictures to learn from; put some into one folder a class, like cats and dogs.")
    if total > MOST_PICTURES or len(classes) > MAX_CLASSES:
        told = f"These are {total:,} pictures in {len(classes):,} folders"
        raise DatasetError(f"{told}; at most {MOST_PICTURES:,} in {MAX_CLASSES} are taken.")
    size = (side, side) if side else _size([each for _, each in train])
    if total * size[0] * size[1] * 3 > MOST_BYTES:
        raise DatasetError(f"{total:,} pictures of {size[1]} × {size[0]} px take over 1 GB; ask for a smaller side.")
    index = {name: number for number, name in enumerate(classes)}
    whole = train + test
    labels = np.array([index[name] for name, _ in whole], np.int64)
    images, unreadable = _pixels([each for _, each in whole], size, progress)
    readable = np.ones(len(whole), bool)
    readable[list(unreadable)] = False
    cut = int(readable[: len(train)].sum())
    if unreadable:
        images, labels = images[readable], labels[readable]
    if not cut:
        raise DatasetError(none_readable([told for place, told in unreadable.items() if place < len(train)]))
    known, labels = np.unique(labels, return_inverse=True)
    parts = (images[:cut], labels[:cut]), (images[cut:], labels[cut:])
    kept = tuple(classes[place] for place in known)
    unread = tuple(whole[place][1].path for place in unreadable)
    used = parts_told(each.part for (_, each), there in zip(whole, readable, strict=True) if there)
    return Read(kept, *parts, (*used, *found.told), unread, tuple(unreadable.values()))


def _pixels(
    items: Sequence[Entry[_Bytes]], size: tuple[int, int], progress: Progress
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """The pictures, and a sentence for each place where one cannot be read.

    Decoded on all cores: OpenCV and zlib let the others work meanwhile.
    """
    out = np.empty((len(items), *size, 3), np.uint8)

    def work(start: int) -> dict[int, str]:
        unreadable = {}
        for place in range(start, min(start + AT_ONCE, len(items))):
            try:
                out[place] = framed(_picture(items[place]), size)
            except DatasetError as error:
                unreadable[place] = str(error)
        return unreadable

    found: dict[int, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = [pool.submit(work, start) for start in range(0, len(items), AT_ONCE)]
        try:
            for count, each in enumerate(begun, 1):
                found |= each.result()
                progress(min(count * AT_ONCE, len(items)), len(items))
        finally:
            pool.shutdown(cancel_futures=True)
    return out, found


def _size(items: Sequence[Entry[_Bytes]]) -> tuple[int, int]:
    """(height, width) of the first of them that can be read, or what larger ones are shrunk to."""
    for item in items:
        with suppress(DatasetError):
            height, width = _picture(item).shape[:2]
            return (height, width) if max(height, width) <= LARGEST_KEPT else (SHRUNK, SHRUNK)
    return SHRUNK, SHRUNK


def _picture(item: Entry[_Bytes]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB. OpenCV takes a third of the time, and is asked where it answers as load_image does."""
    try:
        encoded = item.source()
        if len(encoded) <= PLAIN_BYTES and not any(mark in encoded for mark in CLOSER) and _is_whole(encoded):
            found = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED) if encoded else None
            if found is not None and found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3:
                return found[..., ::-1]
        return load_image(encoded)
    except (ImageError, OSError, struct.error) as error:  # the latter from a forged place in a zip
        raise DatasetError(f"“{item.path}” cannot be read: {error}") from error


def _is_whole(data: bytes) -> bool:
    """Whether a PNG's checksums are right, and a JPEG has an end: on what is damaged OpenCV remarks on stderr."""
    if data.startswith(b"\xff\xd8"):
        return data.endswith(b"\xff\xd9")
    place = 8 if data.startswith(b"\x89PNG") else len(data)
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        place = end
    return True


def framed(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of the picture, of the proportions of size (height, width), at that size."""
    if image.shape[:2] == size:
        return image
    scale = max(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, round(one / scale)) for one in size)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    middle = np.ascontiguousarray(image[top : top + height, left : left + width])
    return cv2.resize(middle, size[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


@contextmanager
def _looking(source: str | os.PathLike[str] | bytes) -> Iterator[_Look]:
    """What gives (size, offset) bytes of a file, or of bytes, to several threads."""
    lock = Lock()
    with BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:

        def look(size: int, offset: int) -> bytes:
            with lock:
                file.seek(max(0, offset))  # a forged place in a zip may lie before it
                return file.read(size)

        yield look


def _entry(archive: zipfile.ZipFile, look: _Look, info: zipfile.ZipInfo) -> bytes:
    """An entry's bytes. What is stored unpacked is cut out, which zipfile takes ten times as long for."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > MAX_BYTES:
        return read_entry(archive, info, info.filename)
    name, extra = struct.unpack("<HH", look(4, info.header_offset + 26))  # their lengths, of the local header
    return look(info.file_size, info.header_offset + 30 + name + extra)


def _idx_file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """An array of bytes: 0, 0, 8 (the type), the number of dimensions, each as 4 bytes big-endian, then the values."""
    path = _idx_file(folder, name)
    if path is None:
        raise DatasetError(f"“{name}.gz” is missing beside the others in “{folder}”.")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MOST_IDX)
        kind, dimensions = struct.unpack_from(">HBB", data)[1:]
        shape = struct.unpack_from(f">{dimensions}I", data, 4)
        if kind != 8:
            raise ValueError(f"its values are of the type {kind}, not bytes")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DatasetError(f"“{path.name}” is no idx file that can be read ({error}); get it anew.") from error
