"""A picture file as uint8 (H, W, 3) RGB, and shrunk: plain functions, whose lines Pipeline.to_python() hands out.

As in operations/, they know Pillow, cv2 and NumPy only, and no two of them may share a name. What a person takes away
holds this file as it is.
"""

import struct
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin


def decoded(data: bytes) -> np.ndarray:
    """A picture file as uint8 (H, W, 3) RGB in sRGB, upright, transparency over white, of an animation the first."""
    tags = tiff_tags(data)
    return deep_tiff(data, tags) if is_deep(tags) else to_rgb(Image.open(BytesIO(data)), data)


def to_rgb(opened: Image.Image, data: bytes) -> np.ndarray:
    """What Pillow opened as uint8 (H, W, 3) in sRGB, upright, transparency over white; data: the bytes of the file."""
    picture, clear, opaque = opened, opened.info.get("transparency"), None
    depth = data[24] if data.startswith(b"\x89PNG") else 8  # bits a channel, which Pillow does not tell
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.asarray(picture)
        picture = Image.fromarray(to_eight_bits(values))
        opaque = None if clear is None else Image.fromarray(values != clear)
    elif depth == 16 and isinstance(clear, tuple):  # told in 16 bits, of which Pillow keeps 8
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        picture, opaque = picture.convert("RGB"), Image.fromarray(values[..., 3] > 0)
    elif picture.has_transparency_data:
        if depth < 8 and picture.mode in ("1", "L"):
            picture = picture.convert("L")
            picture.info["transparency"] = clear * 255 // (2**depth - 1)  # told in the file's own levels
        whole = picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode)).convert("RGBA")
        picture, opaque = whole.convert("L" if picture.mode in ("L", "LA", "La") else "RGB"), whole.getchannel("A")
    colours = in_srgb(picture, opened.info.get("icc_profile"))
    if opaque is not None:
        white = Image.new("RGB", colours.size, "white")
        white.paste(colours, mask=opaque)
        colours = white
    try:
        colours.getexif()[0x0112] = opened.getexif().get(0x0112, 1)
        colours = ImageOps.exif_transpose(colours)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error):
        pass  # metadata that cannot be read do not make the pixels unreadable
    return np.array(colours)  # a copy, since NumPy's view of Pillow's pixels is read-only


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB; where a colour profile is with it that makes a difference and fits, in sRGB by it."""
    own = picture if picture.mode in ("L", "CMYK", "LAB", "RGB") else picture.convert("RGB")
    if profile and own.mode != "LAB":
        source, fits = BytesIO(profile), {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}[own.mode]
    elif own.mode == "LAB":
        source, fits = ImageCms.createProfile("LAB"), None
    else:
        return own.convert("RGB")
    try:
        opened = ImageCms.getOpenProfile(source) if fits else source
        if fits and opened.profile.xcolor_space != fits:
            return own.convert("RGB")
        convert = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), own.mode, "RGB")
        levels = np.stack(np.meshgrid(*[np.arange(0, 256, 15, np.uint8)] * 3), -1).reshape(-1, 18, 3)
        sample = Image.fromarray(levels).convert(own.mode) if own.mode in ("L", "RGB") else None
        if sample and np.ptp([ImageCms.applyTransform(sample, convert), sample.convert("RGB")], axis=0).max() <= 2:
            return own.convert("RGB")  # sRGB already, as most are
        return ImageCms.applyTransform(own, convert)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile
        return own.convert("RGB")


def to_eight_bits(values: np.ndarray) -> np.ndarray:
    """Levels of unknown range, (H, W) or (H, W, C), as uint8.

    The range is the first that holds all values: for integers 0..65535 (of 8 bits with a sign, 0..127), then 0 to the
    greatest of their kind where that has no sign; for floats 0..1, then 0..255. Values beyond are stretched from their
    least to their greatest, since such files (heights, counts) carry no range. What is no finite number counts as 0.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    rows = [slice(row, row + 64) for row in range(0, len(values), 64)]  # by parts: in float64 it takes eight times more

    def exact(part: slice) -> np.ndarray:
        return np.nan_to_num(values[part].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)

    low, high = min(exact(part).min() for part in rows), max(exact(part).max() for part in rows)
    tops = (
        (1, 255) if kind == "f" else (127,) if size == 1 else (65535, *([2 ** (8 * size) - 1] if kind == "u" else []))
    )
    top = next((top for top in tops if low >= 0 and high <= top), None)
    least, scale = (0, 255 / top) if top else (low, 255 / ((high - low) or 1))
    return np.concatenate([np.rint((exact(part) - least) * scale).astype(np.uint8) for part in rows])


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
    values = (np.dstack(read) if planes > 1 else read[0]).view(holds)
    if values.shape[2:] != ((channels,) if channels > 1 else ()):
        raise ValueError(tiff_kind(tags))
    if channels > 1 and planes == 1:
        values = values[..., [2, 1, 0, 3][:channels]]
    levels = to_eight_bits(values)
    if tags.get(262, 1) == 0 and bits > 8:  # white is zero, which OpenCV heeds in 8 bits alone
        levels = 255 - levels
    colours = np.repeat(levels[..., None], 3, axis=2) if channels == 1 else np.ascontiguousarray(levels[..., :3])
    colours = np.array(in_srgb(Image.fromarray(colours), tags.get(34675)))
    extra = max(tags.get(338, (0,)))
    if channels < 4 or extra not in (1, 2):  # a fourth channel that is none of opacity
        return colours
    opacity = levels[..., 3:] / np.float32(255)
    return np.rint(np.clip(colours * (opacity if extra == 2 else 1) + 255 * (1 - opacity), 0, 255)).astype(np.uint8)


def shrunk(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture by area averaging, its longest side at most so many pixels; never enlarged, each side 1 or more."""
    height, width = image.shape[:2]
    scale = min(1, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
