"""Small pictures from files, quickly: zips and folders of encoded pictures, idx files, torchvision's CIFAR-10."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ImageError
from visionlab.imaging.image import load_image
from visionlab.learning.sets.archive import MAX_CLASSES, entry_parts, files_below, is_picture, opened, read_entry

MOST_PICTURES = 200_000
MOST_BYTES = 2**30  # of decoded pictures
LARGEST_KEPT = 96  # px: a set of larger pictures is shrunk
SHRUNK = 32  # px, to which it is
PLAIN_BYTES = 2**16  # what is longer is looked at closely before it is decoded
MOST_CONTENTS = 32 * 2**20  # bytes of a zip's table of contents: 60,000 pictures take 4 to 6 MB
AT_ONCE = 256  # pictures that a thread decodes before it asks for more
TRAIN, TEST = ("train", "training"), ("test", "val", "valid", "validation")
MOST_IDX = 2**28  # bytes of an idx file; MNIST's largest has 47 MB

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]  # pictures (N, H, W, C) and labels (N,)
_Entry = Callable[[], bytes]


def read_zip(source: str | os.PathLike[str] | bytes, side: int | None = None) -> tuple[tuple[str, ...], Part, Part]:
    """(classes, training part, test part) of a zip with one folder a class, or with train/<class> and test/<class>.

    Raises DatasetError like visionlab.learning.sets.archive.opened, and for what read_folder refuses.
    """
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise DatasetError(f"“{source}” cannot be opened: {error.strerror}.") from error
    with opened(data, contents=MOST_CONTENTS) as archive:
        found = {entry_parts(info): info for info in archive.infolist() if not info.is_dir()}
        return _decoded({parts: partial(_entry, archive, data, info) for parts, info in found.items()}, side)


def read_folder(folder: Path, side: int | None = None) -> tuple[tuple[str, ...], Part, Part]:
    """(classes, training part, test part) of a folder with one folder a class, or with train/<class>, test/<class>.

    Pictures are uint8 (H, W, 3): of the size of the first one, or 32 × 32 where that is larger than 96 px, or side ×
    side; of another shape, their middle is shrunk to it. The test part is empty where there is none.
    Raises DatasetError where there are no classes, too many pictures, or one that cannot be read.
    """
    return _decoded({file.relative_to(folder).parts: file.read_bytes for file in files_below(folder)}, side)


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

    Its files are pickles, so only those with the published checksums are read. Raises DatasetError for others.
    """
    root = folder.parent if folder.name == "cifar-10-batches-py" else folder
    if not (root / "cifar-10-batches-py").is_dir():
        return None
    from torchvision.datasets import CIFAR10

    try:
        train, test = (CIFAR10(root, train=training) for training in (True, False))
    except RuntimeError as error:
        raise DatasetError(
            f"The files in “{root / 'cifar-10-batches-py'}” are not CIFAR-10's; get them anew."
        ) from error
    parts = [(one.data, np.array(one.targets, np.int64)) for one in (train, test)]
    return tuple(train.classes), parts[0], parts[1]


# How it is done ------------------------------------------------------------------------------------------------------


def _decoded(entries: Mapping[tuple[str, ...], _Entry], side: int | None) -> tuple[tuple[str, ...], Part, Part]:
    files = {parts: entry for parts, entry in entries.items() if is_picture(parts)}
    while files and len({parts[0] for parts in files}) == 1 and min(map(len, files)) > 2:
        files = {parts[1:]: entry for parts, entry in files.items()}  # a folder around it all
    halves: dict[bool, dict[tuple[str, ...], _Entry]] = {False: {}, True: {}}
    split = {parts[0].casefold() for parts in files} <= {*TRAIN, *TEST} and min(map(len, files), default=0) > 2
    for parts, entry in sorted(files.items()):
        if len(parts) > 1:
            halves[split and parts[0].casefold() in TEST][parts[1:] if split else parts] = entry
    train, test = halves[False], halves[True]
    classes = tuple(sorted({parts[0] for parts in (*train, *test)}))
    total = len(train) + len(test)
    if not train:
        raise DatasetError(
            "There are no pictures in class folders; put them into one folder a class, like cats and dogs."
        )
    if total > MOST_PICTURES or len(classes) > MAX_CLASSES:
        told = f"These are {total:,} pictures in {len(classes):,} folders"
        raise DatasetError(f"{told}; at most {MOST_PICTURES:,} in {MAX_CLASSES} are taken.")
    size = (side, side) if side else _size(next(iter(train.items())))
    if total * size[0] * size[1] * 3 > MOST_BYTES:
        raise DatasetError(f"{total:,} pictures of {size[1]} × {size[0]} px take over 1 GB; ask for a smaller side.")
    index = {name: number for number, name in enumerate(classes)}
    parts = []
    for half in (train, test):
        labels = np.array([index[parts[0]] for parts in half], np.int64)
        parts.append((_pixels(list(half.items()), size), labels))
    return classes, parts[0], parts[1]


def _pixels(items: list[tuple[tuple[str, ...], _Entry]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decoded on all cores: OpenCV and zlib let the others work meanwhile."""
    out = np.empty((len(items), *size, 3), np.uint8)

    def work(start: int) -> None:
        for place in range(start, min(start + AT_ONCE, len(items))):
            out[place] = framed(_picture(*items[place]), size)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, range(0, len(items), AT_ONCE)):
            pass
    return out


def _size(item: tuple[tuple[str, ...], _Entry]) -> tuple[int, int]:
    height, width = _picture(*item).shape[:2]
    return (height, width) if max(height, width) <= LARGEST_KEPT else (SHRUNK, SHRUNK)


def _picture(parts: tuple[str, ...], entry: _Entry) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) RGB. OpenCV takes a third of the time, and is asked where it answers as load_image does."""
    try:
        encoded = entry()
        if len(encoded) <= PLAIN_BYTES and b"Exif" not in encoded and encoded[:4] != b"GIF8":
            found = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED) if encoded else None
            if found is not None and found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3:
                return found[..., ::-1]
        return load_image(encoded)
    except (ImageError, OSError, struct.error) as error:  # the latter from a forged place in a zip
        raise DatasetError(f"“{'/'.join(parts)}” cannot be read: {error}") from error


def framed(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of the picture, of the proportions of size (height, width), at that size."""
    if image.shape[:2] == size:
        return image
    scale = max(size[0] / image.shape[0], size[1] / image.shape[1])
    height, width = (max(1, round(one / scale)) for one in size)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    middle = np.ascontiguousarray(image[top : top + height, left : left + width])
    return cv2.resize(middle, size[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _entry(archive: zipfile.ZipFile, data: bytes, info: zipfile.ZipInfo) -> bytes:
    """An entry's bytes. What is stored unpacked is cut out, which zipfile takes ten times as long for."""
    if info.compress_type != zipfile.ZIP_STORED:
        return read_entry(archive, info, info.filename)
    name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)  # their lengths, of the local header
    start = info.header_offset + 30 + name + extra
    return data[start : start + info.file_size]


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
