"""A picture file as uint8 (H, W, 3) RGB: plain functions, whose lines Pipeline.to_python() hands out.

As in operations/, they know Pillow, cv2 and NumPy only, and no two of them may share a name.
"""

import struct
from collections.abc import Callable, Iterable
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from visionlab.imaging.guards import damaged, most_bytes, no_picture, too_many_bytes, unread_deep, unread_tiff


def decoded(data: bytes) -> np.ndarray:
    """A picture file as uint8 (H, W, 3) RGB in sRGB, upright, transparency over white, of an animation the first.

    ValueError, a sentence, where it is none.
    """
    if len(data) > most_bytes():
        raise ValueError(too_many_bytes(len(data)))
    try:
        tags = tiff_tags(data)
        deep = is_deep(tags)
    except Exception as error:  # damaged files bring nearly any
        raise ValueError(damaged("TIFF", error)) from error
    if deep:
        check_size(tags.get(256, 0), tags.get(257, 0), sum(tags.get(258, ())) // 8)
        try:
            return deep_tiff(data, tags)
        except ValueError as error:
            raise ValueError(unread_deep(error)) from error
        except Exception as error:
            raise ValueError(damaged("TIFF", error)) from error
    Image.init()
    Image.MAX_IMAGE_PIXELS = None  # check_size says it instead
    try:
        opened = Image.open(BytesIO(data), formats=[name for name in formats() if name in Image.OPEN])
    except Exception as error:
        raise ValueError(unread_tiff(tiff_kind(tags)) if tags else no_picture(data)) from error
    check_size(*opened.size, 12 if is_told_deep(opened, data) else 0)  # decoded twice
    try:
        return to_rgb(opened, data)
    except Exception as error:
        raise ValueError(damaged(opened.format, error)) from error


def formats() -> tuple[str, ...]:
    """What is read, as Pillow names it; it knows more, in which few pictures come and many a trap does."""
    return "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "DIB"


def check_size(width: int, height: int, deep: int = 0) -> None:
    """ValueError for more pixels than are read, or none; deep: bytes of each, of those that are decoded as they are."""
    told = f"The picture has {width:,} × {height:,} pixels"
    if width * height > 40_000_000:
        raise ValueError(f"{told}; at most 40 megapixels are read. Choose a smaller one.")
    if max(width, height) > 1_000_000:  # of a taller picture, the rows alone would take the memory
        raise ValueError(f"{told}; at most 1,000,000 a side are read. Cut it into parts.")
    if (size := width * height * deep) > 192 * 2**20:  # OpenCV makes two copies of them
        raise ValueError(f"The picture takes {size // 10**6:,} MB decoded; at most 201 MB are read. Save it in 8 bits.")
    if width < 1 or height < 1:
        raise ValueError(f"The picture has no pixels ({width} × {height}). Choose another one.")


def to_rgb(opened: Image.Image, data: bytes) -> np.ndarray:
    """What Pillow opened as uint8 (H, W, 3) in sRGB, upright, transparency over white; data: the bytes of the file."""
    width, height = opened.size
    mode, cut = in_strips(opened, data)
    convert, pixels = to_srgb(mode, opened.info.get("icc_profile")), np.empty((height, width, 3), np.uint8)
    for part in strips(height, width):
        picture, opaque = cut(part)
        colours = convert(picture)
        if opaque is not None:
            white = Image.new("RGB", colours.size, "white")
            white.paste(colours, mask=opaque)
            colours = white
        pixels[part] = np.asarray(colours)
    return upright(pixels, opened)


def strips(height: int, width: int) -> list[slice]:
    """Rows of about a million pixels: what is made of so many at once takes little memory beside the whole."""
    rows = max(1, 2**20 // width)
    return [slice(row, min(row + rows, height)) for row in range(0, height, rows)]


def in_strips(opened: Image.Image, data: bytes) -> tuple[str, Callable[[slice], tuple]]:
    """The mode of a picture's colours, and what gives some rows of it: colours, and how opaque they are (None: all)."""
    if opened.format == "WEBP" and not opened.is_animated:  # of which Pillow takes four in memory
        return "RGB", by_opencv(data)
    if is_told_deep(opened, data):
        Image.open(BytesIO(data)).load()  # it says what is damaged; OpenCV passes over it
        return "RGB", by_opencv(plain_png(data))
    if opened.tile and opened.tile[0].codec_name == "bmp_rle":  # which takes Pillow, in Python, 7 s for 20 MB
        begins = data.startswith(b"BM")
        return "RGB", by_opencv(data if begins else bitmap_header(data, opened.tile[0].offset) + data)
    depth, clear = png_depth(data), opened.info.get("transparency")
    opened.load()
    width, height = opened.size

    def rows(part: slice) -> Image.Image:
        return opened.crop((0, part.start, width, part.stop))

    if opened.mode == "F" or opened.mode.startswith("I"):
        ends = shown_range(np.asarray(rows(part)) for part in strips(height, width))

        def numbers(part: slice) -> tuple:
            values = np.asarray(rows(part))
            opaque = None if clear is None else Image.fromarray(values != clear)
            return Image.fromarray(scaled(values, ends)), opaque

        return "L", numbers
    if opened.mode == "P" and opened.palette is None:
        raise ValueError("its palette is missing")
    if not opened.has_transparency_data:
        return opened.mode, lambda part: (rows(part), None)

    def translucent(part: slice) -> tuple:
        picture = rows(part)
        if depth < 8 and opened.mode in ("1", "L"):
            picture = picture.convert("L")
            picture.info["transparency"] = clear * 255 // (2**depth - 1)  # told in the file's own levels
        whole = picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode)).convert("RGBA")
        return whole.convert(mode), whole.getchannel("A")

    mode = "L" if opened.mode in ("1", "L", "LA", "La") else "RGB"
    return mode, translucent


def png_depth(data: bytes) -> int:
    """Bits a channel of a PNG, which Pillow does not tell; of other files 8."""
    return data[24] if data.startswith(b"\x89PNG") else 8


def is_told_deep(opened: Image.Image, data: bytes) -> bool:
    """Whether a PNG tells its transparent colour in 16 bits a channel, of which Pillow keeps 8."""
    return png_depth(data) == 16 and isinstance(opened.info.get("transparency"), tuple)


def bitmap_header(data: bytes, offset: int) -> bytes:
    """What a bitmap without its file's header lacks; its pixels begin at the offset."""
    return struct.pack("<2sIHHI", b"BM", 14 + len(data), 0, 0, 14 + offset)


def plain_png(data: bytes) -> bytes:
    """The same file with nothing but its pixels and what they need: on the rest OpenCV's decoder remarks on stderr."""
    place, kept = 8, [data[:8]]
    while place + 8 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] in (b"IHDR", b"tRNS", b"IDAT", b"IEND"):
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def by_opencv(data: bytes) -> Callable[[slice], tuple]:
    """As in_strips, for files of three or four channels."""
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError("its pixels cannot be decoded")
    if values.ndim == 2:  # a bitmap whose colours are all grey
        values = np.dstack([values] * 3)

    def rows(part: slice) -> tuple:
        levels = (values[part] >> 8 * (values.itemsize - 1)).astype(np.uint8)
        opaque = Image.fromarray(np.ascontiguousarray(levels[..., 3])) if levels.shape[2] == 4 else None
        return Image.fromarray(np.ascontiguousarray(levels[..., 2::-1])), opaque

    return rows


def to_srgb(mode: str, profile: bytes | None) -> Callable[[Image.Image], Image.Image]:
    """What brings pictures of a mode into RGB; where a colour profile makes a difference and fits, into sRGB by it."""
    own = mode if mode in ("L", "CMYK", "LAB", "RGB") else "RGB"
    if profile and own != "LAB":
        source, fits = BytesIO(profile), {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}[own]
    elif own == "LAB":
        source, fits = ImageCms.createProfile("LAB"), None
    else:
        return lambda picture: picture.convert("RGB")
    try:
        opened = ImageCms.getOpenProfile(source) if fits else source
        if fits and opened.profile.xcolor_space != fits:
            return lambda picture: picture.convert("RGB")
        convert = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), own, "RGB")
        levels = np.stack(np.meshgrid(*[np.arange(0, 256, 15, np.uint8)] * 3), -1).reshape(-1, 18, 3)
        sample = Image.fromarray(levels).convert(own) if own in ("L", "RGB") else Image.new(own, (1, 1))
        difference = np.ptp([ImageCms.applyTransform(sample, convert), sample.convert("RGB")], axis=0).max()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile
        return lambda picture: picture.convert("RGB")
    if own in ("L", "RGB") and difference <= 2:  # sRGB already, as most are
        return lambda picture: picture.convert("RGB")
    return lambda picture: ImageCms.applyTransform(picture if picture.mode == own else picture.convert(own), convert)


def upright(pixels: np.ndarray, opened: Image.Image) -> np.ndarray:
    """Pixels turned as the file's EXIF orientation says."""
    try:
        turn = opened.getexif().get(0x0112, 1)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error):
        turn = 1  # metadata that cannot be read do not make the pixels unreadable
    if turn not in range(2, 9):
        return pixels
    turned = pixels.swapaxes(0, 1) if turn >= 5 else pixels
    return turned[:: -1 if turn in (3, 4, 7, 8) else 1, :: -1 if turn in (2, 3, 6, 7) else 1].copy()


def shown_range(parts: Iterable[np.ndarray]) -> tuple[float, float]:
    """Which numbers are black and white, of such as come in parts; what is no finite number counts as 0.

    A range is the picture's where 90 % of its numbers lie in it, and the others at most half of it below or all of it
    above: interpolation and sharpening overshoot so, which is cut off. The first such one counts: for floats 0..1, then
    0..255; for integers 0..65535, of 8 and 16 bits with a sign 0 to their greatest, then, without a sign, that of their
    kind. A second one counts only where some number is above a sixteenth of it. All others are stretched from their
    least to their greatest, since such files (heights, counts) carry no range.
    """
    low, high, count, inside, tops = np.inf, -np.inf, 0, np.zeros(2, np.int64), ()
    for values in map(finite, parts):
        kind, bits = values.dtype.kind, 8 * values.itemsize
        greatest = 2 ** (bits - (kind == "i")) - 1
        tops = (1, 255) if kind == "f" else (min(65535, greatest), *([greatest] if kind == "u" else []))
        least, most, count = float(values.min()), float(values.max()), count + values.size
        low, high = min(low, least), max(high, most)
        for number, top in enumerate(tops):
            whole = least >= 0 and most <= top  # no need to count
            inside[number] += values.size if whole else np.count_nonzero((values >= 0) & (values <= top))
    for number, top in enumerate(tops):
        fits = low >= -top / 2 and high <= 2 * top and inside[number] >= 0.9 * count
        if fits and (number == 0 or high > top / 16):
            return 0.0, float(top)
    return low, high


def finite(values: np.ndarray) -> np.ndarray:
    """The numbers with 0 for what is no finite one."""
    if values.dtype.kind in "ui":
        return values
    found = values.astype(np.promote_types(values.dtype, np.float32))
    found[~np.isfinite(found)] = 0
    return found


def scaled(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Numbers as uint8: the first of the ends, and what is below, becomes 0, the second, and what is above, 255."""
    if values.itemsize == 2 and values.size > 2**16:  # quicker: all that two bytes can be, looked up
        pair = np.dtype(np.uint16).newbyteorder(values.dtype.byteorder)
        with np.errstate(invalid="ignore"):  # of those that are not there
            return scaled(np.arange(2**16, dtype=pair).view(values.dtype), ends)[values.view(pair)]
    low, high = ends
    levels = finite(values).astype(np.float64, copy=False)  # new, whether whole numbers or others
    if high - low == float("inf"):  # of what float64 itself holds least and most
        levels /= 2
        low, high = low / 2, high / 2
    levels -= low
    levels *= 255 / ((high - low) or 1.0)
    return np.rint(np.clip(levels, 0, 255, out=levels), out=levels).astype(np.uint8)


def tiff_tags(data: bytes) -> dict:
    """The tags of a TIFF's first picture by their numbers, none of another file."""
    if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0"):
        return {}
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if data[2] == 43 else 8])
    file = BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    return dict(directory)


def is_deep(tags: dict) -> bool:
    """Whether a TIFF holds grey or RGB in other numbers than whole ones of up to 8 bits: Pillow reads few rightly."""
    if not all(isinstance(tags.get(side, 0), int) for side in (256, 257)):
        return False  # it is damaged, as Pillow will say
    deep = max(tags.get(258, (1,))) > 8 or max(tags.get(339, (1,))) in (2, 3, 5, 6)
    return deep and tags.get(262, 1) in (0, 1, 2)


def tiff_kind(tags: dict) -> str:
    """What numbers a TIFF holds, in words."""
    bits, kind, channels = max(tags.get(258, (1,))), max(tags.get(339, (1,))), tags.get(277, 1)
    kinds = {1: "whole", 2: "signed whole", 3: "floating-point", 5: "complex whole", 6: "complex"}
    told = f"{bits}-bit {kinds.get(kind, 'undefined')} numbers, {channels} a pixel"
    return f"{told} (photometric {tags.get(262)}, compression {tags.get(259, 1)})"


def plain_tiff(data: bytes, tags: dict, plane: int, planes: int) -> bytes:
    """The same file as one plane of so many alone, or all of it, in whole numbers of as many bits, black zero."""
    kept = (256, 257, 259, 266, 274, 278, 317, 322, 323)  # sizes, packing, orientation
    entries = {number: (tags[number],) for number in kept if number in tags}
    channels = tags.get(277, 1) // planes
    entries |= {258: tags[258][:1] * channels, 262: (2 if channels > 1 else 1,), 277: (channels,), 339: (1,) * channels}
    for number in (273, 279, 324, 325):  # where strips or tiles lie, and how long they are
        if number in tags:
            count = len(tags[number]) // planes
            entries[number] = tags[number][plane * count : (plane + 1) * count]
    order, padding = "<" if data[:2] == b"II" else ">", b"\0" * (len(data) % 2)
    start = len(data) + len(padding)
    listed, values = b"", b""
    for number, held in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(held)}I", *held)
        place = start + 6 + 12 * len(entries) + len(values)
        listed += struct.pack(f"{order}HHI", number, 4, len(held))
        listed += packed if len(held) == 1 else struct.pack(f"{order}I", place)
        values += packed if len(held) > 1 else b""
    head = data[:2] + struct.pack(f"{order}HI", 42, start)
    return head + data[8:] + padding + struct.pack(f"{order}H", len(entries)) + listed + bytes(4) + values


def deep_tiff(data: bytes, tags: dict) -> np.ndarray:
    """A TIFF that is_deep as uint8 (H, W, 3) RGB; ValueError, which says what it holds, where that is not read."""
    bits, kind, channels = max(tags.get(258, (1,))), max(tags.get(339, (1,))), tags.get(277, 1)
    if channels not in (1, 3, 4) or kind not in (1, 2, 3, 4) or (bits == 8 and channels == 4):
        raise ValueError(tiff_kind(tags))
    holds = np.dtype(f"{'uuif'[kind % 4]}{-(-bits // 16) * 2 if bits > 8 else 1}")  # 12 bits come in 16
    planes = channels if tags.get(284, 1) == 2 else 1
    if planes > 1 or holds == np.float16:  # of both OpenCV makes nothing, or nonsense
        files = [plain_tiff(data, tags, plane, planes) for plane in range(planes)]
    else:
        files = [data]
    read = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED) for file in files]  # upright
    if any(one is None or one.dtype.itemsize != holds.itemsize for one in read):
        raise ValueError(tiff_kind(tags))
    if read[0].shape[2:] != ((channels,) if channels > planes else ()):
        raise ValueError(tiff_kind(tags))
    height, width = read[0].shape[:2]
    parts, order = strips(height, width), [2, 1, 0, 3][:channels] if channels > planes else slice(None)

    def numbers(part: slice) -> np.ndarray:
        values = np.dstack([one[part] for one in read]) if planes > 1 else read[0][part].reshape(-1, width, channels)
        return values.view(holds)

    ends = shown_range(map(numbers, parts))
    extra, convert = max(tags.get(338, (0,))), to_srgb("RGB", tags.get(34675))
    pixels = np.empty((height, width, 3), np.uint8)
    for part in parts:
        levels = scaled(numbers(part), ends)[..., order]
        if tags.get(262, 1) == 0 and bits > 8:  # white is zero, which OpenCV heeds in 8 bits alone
            levels = 255 - levels
        colours = np.repeat(levels, 3, axis=2) if channels == 1 else np.ascontiguousarray(levels[..., :3])
        pixels[part] = np.asarray(convert(Image.fromarray(colours)))
        if channels == 4 and extra in (1, 2):  # else the fourth is none of opacity
            opacity = levels[..., 3:] / np.float32(255)
            over = pixels[part] * (opacity if extra == 2 else 1) + 255 * (1 - opacity)
            pixels[part] = np.rint(np.clip(over, 0, 255))
    return pixels
