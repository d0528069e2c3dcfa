"""Pictures at the door: decode, check, shrink, encode. Past it a picture is uint8 (H, W, 3) RGB and nothing else."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pi_heif import register_heif_opener
from PIL import Image as PILImage

from visionlab.errors import ImageError, ParameterError
from visionlab.imaging.guards import (
    crowded,
    damaged,
    file_bytes,
    good_formats,
    most_bytes,
    no_picture,
    silence,
    too_many_bytes,
    turn,
    unread_deep,
    unread_tiff,
)
from visionlab.imaging.pixels import (
    check_size,
    deep_tiff,
    formats,
    is_deep,
    is_told_deep,
    tiff_kind,
    tiff_tags,
    to_rgb,
)

Image: TypeAlias = NDArray[np.uint8]
"""uint8, (H, W, 3), RGB, upright (EXIF orientation applied)."""

Response: TypeAlias = NDArray[np.float32]
"""float32, (H, W) or (H, W, C), signed and unclipped, in the picture's own units (grey levels)."""

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A file: its path, its bytes, or the file itself, opened as binary."""

FORMATS = formats()
MAX_BYTES = most_bytes()
JPEG_SIDE = 65_500  # pixels: what encoders write

GOOD_FORMATS = good_formats()
silence()

# What Pillow raises on damaged data; anything beyond these is a bug and surfaces.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    RuntimeError,  # of libavif
    PILImage.DecompressionBombError,
    PILImage.DecompressionBombWarning,
)


def load_image(source: Source | Image) -> Image:
    """Decode a picture file into uint8 (H, W, 3) RGB, C-contiguous.

    `source` is a path, the file's bytes, or an open binary file (read from its start where it can seek).
    JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP and TIFF; at most MAX_BYTES of file, and what pixels.check_size
    lets through, checked before anything is decoded. EXIF orientation is applied, colours are those of sRGB by the
    file's profile, transparency is composited over white, deeper and float pictures are scaled to 8 bit as
    pixels.shown_range says, and of an animation the first frame is taken. A uint8 (H, W, 3) array is let through.

    Raises ImageError where the file is no usable picture, and ParameterError for an array of another kind.
    """
    if isinstance(source, np.ndarray):
        return check_image(source)
    data = _read(source)
    if len(data) > MAX_BYTES:
        raise ImageError(too_many_bytes())
    try:
        tags = tiff_tags(data)
        deep = is_deep(tags)
    except _DAMAGED as error:
        raise _damaged("TIFF", error) from error
    if many := crowded(data, tags):
        raise ImageError(f"The file has too many {many} are read. Save the picture anew.")
    if deep:
        return _load_deep(data, tags)
    with _open(data, tags) as picture:
        _check_size(*picture.size, deep=12 if is_told_deep(picture, data) else 0)  # decoded twice
        with turn(*picture.size):
            try:
                return to_rgb(picture, data)
            except _DAMAGED as error:
                raise _damaged(picture.format, error) from error


def _load_deep(data: bytes, tags: Mapping[int, Any]) -> Image:
    width, height = tags.get(256, 0), tags.get(257, 0)
    _check_size(width, height, sum(tags.get(258, ())) // 8)
    try:
        with turn(width, height):
            return deep_tiff(data, tags)
    except ValueError as error:
        raise ImageError(unread_deep(error)) from error
    except (*_DAMAGED, cv2.error) as error:
        raise _damaged("TIFF", error) from error


def _check_size(width: int, height: int, deep: int = 0) -> None:
    """As pixels.check_size, an ImageError."""
    try:
        check_size(width, height, deep)
    except ValueError as error:
        raise ImageError(str(error)) from error


def _damaged(format: str | None, error: Exception) -> ImageError:
    return ImageError(damaged(format, error))


def check_image(image: Image) -> Image:
    """The picture itself, C-contiguous, if it is uint8 (H, W, 3) with at least one pixel; ParameterError otherwise."""
    if not isinstance(image, np.ndarray):
        raise ParameterError(f"A picture is a NumPy array, uint8 of shape (H, W, 3), not {type(image).__name__}.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ParameterError(
            f"A picture is uint8 of shape (H, W, 3) with at least one pixel, not {image.dtype} of shape {image.shape}."
        )
    # A picture one pixel high and turned over counts as contiguous with a negative stride, which torch refuses.
    return image if image.flags.c_contiguous and min(image.strides) > 0 else image.copy()


def fit(image: Image, longest: int) -> Image:
    """The picture, uint8 (H, W, 3), shrunk by area averaging so that its longest side is at most `longest` pixels, and
    none less than 1. One that fits is returned itself. Raises ParameterError for what is no picture, and for another
    `longest` than a whole number from 1.
    """
    image = check_image(image)
    if isinstance(longest, bool) or not isinstance(longest, int | np.integer) or longest < 1:
        raise ParameterError(f"The longest side must be a whole number of pixels, 1 or more, not {longest!r}.")
    return shrunk(image, int(longest))


def shrunk(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture by area averaging, its longest side at most so many pixels; never enlarged, each side 1 or more."""
    height, width = image.shape[:2]
    scale = min(1, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def middle(picture: NDArray, slimmest: float) -> NDArray:
    """A strip (H, W, …) without its ends, at most `slimmest` times as long as wide: a view of it; else all of it."""
    slices = []
    for length in picture.shape[:2]:
        spare = max(0, length - int(slimmest * min(picture.shape[:2]))) // 2
        slices.append(slice(spare, length - spare))
    return picture[tuple(slices)]


def middle_square(image: Image, side: int) -> Image:
    """The middle of a picture, as wide as high to the pixel, at most `side` pixels."""
    whole = min(image.shape[:2])
    top, left = ((length - whole) // 2 for length in image.shape[:2])
    return fit(image[top : top + whole, left : left + whole].copy(), side)


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """The bytes of a JPEG file of the picture, uint8 (H, W, 3) RGB; `quality` from 1 (smallest) to 100 (best). Up to
    94, colours have half the resolution of brightness (4:2:0), as in photographs; from 95 on, all of it (4:4:4). One
    without colours is written as a grey JPEG, which is read as the same pixels, in half the time.
    Raises ParameterError for another quality, what is no picture, and a side above 65,500 pixels.
    """
    if isinstance(quality, bool) or not isinstance(quality, int | np.integer) or not 1 <= quality <= 100:
        raise ParameterError(f"JPEG quality is a whole number from 1 to 100, not {quality!r}.")
    if max(check_image(image).shape) > JPEG_SIDE:
        told = f"A JPEG is at most {JPEG_SIDE:,} pixels a side, not {max(image.shape):,}"
        raise ParameterError(f"{told}. Shrink it, or use PNG.")
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444 if quality >= 95 else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality), cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full]
    grey = _grey(image)
    return _encode(image, ".jpg", options) if grey is None else _encoded(grey, ".jpg", options[:2])


def _grey(image: Image) -> NDArray[np.uint8] | None:
    """Its one plane, (H, W), where red, green and blue are the same everywhere; of most others a few pixels tell."""
    some = image[::61, ::61]
    if (some != some[..., :1]).any():
        return None
    red, green, blue = cv2.split(image)
    return red if np.array_equal(red, green) and np.array_equal(red, blue) else None


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of the picture, every pixel kept exactly. ParameterError unless it is uint8 (H, W, 3)."""
    return _encode(image, ".png")


def decode_png(data: bytes) -> Image:
    """The picture that encode_png() has written, uint8 (H, W, 3) RGB, whatever its size; for what others made there is
    load_image()."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _encode(image: Image, extension: str, options: Sequence[int] = ()) -> bytes:
    return _encoded(cv2.cvtColor(check_image(image), cv2.COLOR_RGB2BGR), extension, options)


def _encoded(image: NDArray[np.uint8], extension: str, options: Sequence[int]) -> bytes:
    """Of what OpenCV writes: (H, W) grey, or (H, W, 3) BGR."""
    done, data = cv2.imencode(extension, image, options)
    if not done:
        told = f"A picture of shape {image.shape} cannot be written as {extension[1:]}"
        raise ParameterError(f"{told}. Shrink it, or use PNG.")
    return data.tobytes()


ENCODERS: dict[str, Callable[[Image], bytes]] = {
    **dict.fromkeys((".jpg", ".jpeg"), encode_jpeg),
    ".png": encode_png,
    ".webp": partial(_encode, extension=".webp", options=(cv2.IMWRITE_WEBP_QUALITY, 90)),
    **dict.fromkeys((".tif", ".tiff"), partial(_encode, extension=".tiff")),
}


def encoder_for(name: str | os.PathLike[str]) -> Callable[[Image], bytes]:
    """What writes a picture as its file's name says: JPEG and WebP in the quality 90, PNG and TIFF exactly. Raises
    ParameterError for a name with another ending than those in ENCODERS."""
    path = Path(name)
    if path.suffix.lower() not in ENCODERS:
        raise ParameterError(f"“{path.name}” should end in {', '.join(ENCODERS)}, which say what is written.")
    return ENCODERS[path.suffix.lower()]


def fingerprint(image: Image) -> str:
    """SHA-256 (hex) of the picture's shape and pixels: equal exactly where the pictures are."""
    image = check_image(image)
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(image.data)
    return digest.hexdigest()


def _read(source: Source) -> bytes:
    """The file's bytes, never much more than MAX_BYTES of them."""
    if isinstance(source, bytes | bytearray | memoryview):
        if len(source) > MAX_BYTES:
            raise ImageError(too_many_bytes(len(source)))
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        try:
            return file_bytes(source)
        except ValueError as error:
            raise ImageError(str(error)) from error
    if not callable(getattr(source, "read", None)):
        raise ImageError(f"A picture comes as a path, bytes or an open binary file, not {type(source).__name__}.")
    # A file that was read before (an upload on a page's second run) would look empty from where it stands.
    if callable(getattr(source, "seekable", None)) and source.seekable():
        source.seek(0)
    return _read_stream(source)


def _read_stream(stream: BinaryIO) -> bytes:
    parts, wanted = [], MAX_BYTES + 1
    while wanted > 0 and (part := stream.read(wanted)):  # a pipe or socket may answer in pieces
        if isinstance(part, str):
            raise ImageError("The file was opened as text. Open it as binary, mode “rb”.")
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _open(data: bytes, tags: Mapping[int, Any]) -> PILImage.Image:
    """Pillow's picture with its header read and no pixel decoded.

    The plugins are called one by one, as PIL.Image.open(formats=FORMATS) does, but without its own limit on size,
    which knows only a warning and an error that do not say width and height.
    """
    register_heif_opener()
    PILImage.preinit()
    if not set(FORMATS) <= set(PILImage.OPEN):
        PILImage.init()
    for name in FORMATS:
        factory, accepts = PILImage.OPEN[name]
        if accepts is None or accepts(data[:16].ljust(16, b"\0")) is True:
            try:
                return factory(BytesIO(data), "")
            except _DAMAGED:
                continue
    if tags:
        raise ImageError(unread_tiff(tiff_kind(tags)))
    raise ImageError(no_picture(data))
