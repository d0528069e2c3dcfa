"""What is looked at before a picture is decoded, whose turn it is, and what decoders are kept from saying on stderr.

A file of 20 MB holds a million chunks or segments, each of which Pillow reads in Python, and a JPEG as many passes over
all its pixels: seconds and minutes for a picture of a few pixels.
"""

from __future__ import annotations

import ctypes
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import islice
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
