"""What is looked at before a picture is decoded, what is said of a file that is none, whose turn it is, and what
decoders are kept from saying on stderr.

A file of 20 MB holds a million chunks or segments, each of which Pillow reads in Python, and a JPEG as many passes over
all its pixels: seconds and minutes for a picture of a few pixels.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import cv2
from PIL import Image

from visionlab import limits

PARTS = 20_000  # 20 MB in pieces of 1 kB
STRIPS = 100_000  # of a TIFF: one a row of the tallest scans
SCANS = 64  # of a progressive JPEG; cameras and tools make 10 or so
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")  # of those with a length; 00 follows FF within pixels, or a restart
LARGE = 8_000_000  # pixels from which on decoding takes turns: about 100 MB each


def crowded(data: bytes, tags: Mapping[int, Any]) -> str | None:
    """What a file has more of than pictures need, and how many are read, in words; None where all is well. tags: those
    of a TIFF."""
    if data.startswith(b"\x89PNG") and _more(_chunks(data), PARTS):
        return f"chunks; at most {PARTS:,}"
    if data.startswith(b"GIF8") and _more(_blocks(data), PARTS):
        return f"blocks before its first frame; at most {PARTS:,}"
    if data.startswith(b"\xff\xd8"):
        markers = [data[place + 1] for place in islice(_segments(data), PARTS + 1)]
        if len(markers) > PARTS:
            return f"segments; at most {PARTS:,}"
        if markers.count(START_OF_SCAN) > SCANS:
            return f"scans; at most {SCANS}"
    if any(isinstance(tags.get(number), tuple) and len(tags[number]) > STRIPS for number in (273, 324)):
        return f"strips or tiles; at most {STRIPS:,}"
    return None


def _more(places: Iterator[int], most: int) -> bool:
    return next(islice(places, most, None), None) is not None


def _chunks(data: bytes) -> Iterator[int]:
    place = 8
    while place + 8 <= len(data):
        yield place
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def _segments(data: bytes) -> Iterator[int]:
    """Up to the end of the first picture: behind it may be others, and films of telephones."""
    found = _MARKER.search(data, 2)
    while found and data[place := found.start() + 1] != END_OF_IMAGE:
        yield place - 1
        found = _MARKER.search(data, place + 1 + int.from_bytes(data[place + 1 : place + 3], "big"))


def _blocks(data: bytes) -> Iterator[int]:
    """Blocks of extensions, and what they consist of, before the first frame."""
    place = 13 + (3 * 2 ** (1 + (data[10] & 7)) if len(data) > 10 and data[10] & 128 else 0)
    while place < len(data) and data[place] not in (0x2C, 0x3B):
        yield place
        if data[place] != 0x21:
            place += 1
            continue
        place += 2
        while place < len(data) and data[place]:
            yield place
            place += 1 + data[place]
        place += 1


# What is said of a file: functions of which each stands alone, since Pipeline.to_python() hands them out -------------


def good_formats() -> str:
    """What is read, for people."""
    return "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"


def most_bytes() -> int:
    """That a picture's file may have."""
    return 20 * 2**20


def too_many_bytes(size: int | None = None) -> str:
    """The sentence on a file that has so many; None: nobody knows how many too many."""
    told = f"more than {most_bytes() >> 20} MB"
    if size is not None:
        told = f"{size / 10**6:.3g} MB" if size < 999_500_000 else f"{size / 10**9:.3g} GB"
    return f"The file has {told}; at most {most_bytes() >> 20} MB are read. Choose a smaller picture."


def file_bytes(path: str | os.PathLike[str]) -> bytes:
    """What is in a picture's file, one byte more than are read at most. ValueError, a sentence, where it cannot be
    opened, or has more."""
    path, told, data = Path(path), "", b""
    try:
        if path.is_dir():
            told = f"“{path}” is a folder. Choose one file in it: a {good_formats()} picture."
        elif not path.exists():
            told = f"There is no file “{path}”. Check its name and folder."
        elif not path.is_file():
            told = f"“{path}” is no ordinary file. Choose a {good_formats()} picture."
        elif (size := path.stat().st_size) > most_bytes():
            told = too_many_bytes(size)
        else:
            with path.open("rb") as file:
                data = file.read(most_bytes() + 1)
    except (OSError, ValueError) as error:  # no permission, a name with a null character …
        told = f"“{path}” cannot be read ({error}). Choose another file."
    if told:
        raise ValueError(told)
    return data


def damaged(format: str | None, error: Exception) -> str:
    """The sentence on a file of that format that a decoder gives up."""
    return f"The {format} picture is damaged or cut off: {error}. Choose an undamaged file."


def unread_tiff(kind: str) -> str:
    """The sentence on a TIFF that cannot be opened, of numbers of that kind."""
    return f"The TIFF picture is damaged, or holds what is not read here: {kind}. Save it as grey or RGB."


def unread_deep(error: Exception) -> str:
    """The sentence on a TIFF of more than 8 bits that is none of those that are read."""
    return f"The TIFF picture holds what is not read here: {error}. Save it as grey or RGB in 8 bits."


def is_picture_file(start: bytes) -> bool:
    """Whether a file that begins with these bytes, 64 or more, is of a kind that load_image reads."""
    familiar = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*", b"II+\x00")
    brands = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # AVIF and HEIC
    fours = [start[place : place + 4] for place in (8, *range(16, len(start), 4))]
    box = start[4:8] == b"ftyp" and any(brand in brands for brand in fours)
    return start.startswith(familiar) or start[8:12] == b"WEBP" or box


def no_picture(data: bytes) -> str:
    """The sentence on a file that cannot be opened: what it is, as well as can be told, and what would be good."""
    good = f"Choose a {good_formats()} picture."
    strangers = (  # (offset, first bytes, name)
        (0, b"%PDF", "a PDF document"),
        (0, b"8BPS", "a Photoshop document"),
        (0, b"PK\x03\x04", "a ZIP archive (or a document kept in one)"),
        (0, b"\x1f\x8b", "a gzip archive"),
        (0, b"\x00\x00\x01\x00", "an ICO icon"),
        (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
        (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
        (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
        (0, b"\xff\x0a", "a JPEG XL picture"),
        (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
        (0, b"DDS ", "a DDS texture"),
        (0, b"qoif", "a QOI picture"),
        (0, b"gimp xcf", "a GIMP document"),
        (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
        (128, b"DICM", "a DICOM picture"),
        (8, b"AVI ", "an AVI video"),
        (0, b"MM\x00+", "a BigTIFF picture, the highest byte first"),
        (4, b"ftypcrx", "a Canon raw picture"),
    )
    if not data:
        return f"The file is empty. {good}"
    if is_picture_file(data[:64]):
        return "The file begins like a picture but is damaged or cut off. Choose an undamaged file."
    kind = next((name for offset, start, name in strangers if data.startswith(start, offset)), None)
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if kind is None and data[4:8] == b"ftyp":
        kind = "an MP4 or QuickTime video"
    if kind is None and data[:1] == b"P" and data[1:2] in b"1234567fF" and data[2:3].isspace():
        kind = "a PNM picture (PBM, PGM, PPM, PAM or PFM)"
    if kind is None and data[-18:-2] == b"TRUEVISION-XFILE":
        kind = "a TGA picture"
    if kind is None and b"<svg" in text:
        kind = "an SVG drawing"
    if kind is not None:
        return f"The file is {kind}, which is not read here. {good}"
    if text.startswith((b"<!doctype html", b"<html")):
        return f"The file is a web page, not a picture. {good}"
    return f"The file is not a picture that can be read. {good}"


# ----------------------------------------------------------------------------------------------------------------------


@cache
def _turns() -> BoundedSemaphore:
    return BoundedSemaphore(limits.DECODINGS.value())


def turn(width: int, height: int) -> AbstractContextManager:
    """Of pictures that take much memory while they are decoded, few are so at once, whoever brings them."""
    return _turns() if width * height > LARGE else nullcontext()


def silence() -> None:
    """What decoders find amiss is told in one sentence: have OpenCV, Pillow and its libtiff say nothing by themselves,
    which would come without the picture's name, between the lines of a shell or of a server's log."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # else a line goes there where nobody set up a log
    codecs = ctypes.CDLL(Image.core.__file__)  # which also finds what that library is linked with
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if set_handler := getattr(codecs, name, None):  # else libtiff is built in, or absent
            set_handler.restype = ctypes.c_void_p
            set_handler(None)
