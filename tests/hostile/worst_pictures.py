"""The worst pictures that were thought of: within the caps and over them, and files of a million little parts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from kinds import HEIC, saved, tiff
from PIL import Image as PILImage

FULL = 20 * 2**20 - 100  # bytes of the largest file that is read
SIDES = 8_000, 5_000  # of 40 megapixels


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def blank_png(width, height, depth=8, kind=0, before=b"", between=b"", interlaced=0) -> bytes:
    """Black pixels in a few kilobytes; before and between: chunks before the pixels, and in their middle."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    packing, raw = zlib.compressobj(9), 0
    if interlaced:  # Adam7
        for x, y, dx, dy in (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ):
            raw += -(-(height - y) // dy) * (1 + (-(-(width - x) // dx) * channels * depth + 7) // 8)
    else:
        raw = height * (1 + (width * channels * depth + 7) // 8)
    data = b"".join(packing.compress(bytes(min(2**20, raw - done))) for done in range(0, raw, 2**20)) + packing.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(768)) if kind == 3 else b""
    middle = len(data) // 2
    pixels = chunk(b"IDAT", data[:middle]) + between + chunk(b"IDAT", data[middle:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + before + pixels + chunk(b"IEND", b"")


def crowded_png(piece: bytes, between: bool = False) -> bytes:
    many = piece * (FULL // len(piece) - 20)
    return blank_png(64, 64, between=many) if between else blank_png(64, 64, before=many)


def deflated(size: int) -> bytes:
    packing = zlib.compressobj(9)
    return b"".join(packing.compress(bytes(2**20)) for _ in range(size >> 20)) + packing.flush()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def jpeg_with(extra: bytes, count: int = 0) -> bytes:
    """Many segments behind the first two bytes."""
    data = saved(noise(16, 16), "JPEG")
    return data[:2] + extra * (count or (FULL - len(data)) // len(extra)) + data[2:]


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG of so many passes over all its coefficients, each told in runs of 32,767 empty blocks."""
    data = saved(PILImage.new("L", (width, height)), "JPEG", progressive=True)
    first = data.index(b"\xff\xda")
    end = data.index(b"\xff\xda", first + 2)
    blocks = -(-width // 8) * -(-height // 8)
    # A Huffman table of two codes: 0 for a run of 2^14 blocks and more (symbol 0xE0), 10 for the end of one (0x00).
    table = b"\xff\xc4" + struct.pack(">HB", 2 + 1 + 16 + 2, 0x10) + bytes([1, 1, *[0] * 14]) + b"\xe0\x00"
    bits = ""
    while blocks:
        run = min(blocks, 32_767)
        bits += "0" + f"{run - 2**14:014b}" if run >= 2**14 else "10" * run
        blocks -= run
    bits += "1" * (-len(bits) % 8)
    body = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    scan = table + b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 63, 0x00) + body
    return data[:end] + scan * scans + b"\xff\xd9"


def gif_of(blocks: bytes) -> bytes:
    data = saved(PILImage.new("P", (16, 16)), "GIF")
    start = 13 + 3 * 2 ** (1 + (data[10] & 7)) if data[10] & 128 else 13
    return data[:start] + blocks * ((FULL - len(data)) // len(blocks)) + data[start:]


def rle_bmp(width: int, height: int, body: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + head + bytes(1024) + body


def raw_tiff(tags: dict[int, tuple[int, int, bytes | int]], body: bytes = b"") -> bytes:
    """{number: (type, count, value or the bytes that it points to)}."""
    place, listed, held = 8 + 2 + 12 * len(tags) + 4, b"", b""
    for number, (kind, count, value) in sorted(tags.items()):
        if isinstance(value, bytes):
            value, held = place + len(held), held + value
        listed += struct.pack("<HHII", number, kind, count, value)
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + listed + bytes(4) + held + body


def striped_tiff(rows: int) -> bytes:
    """One row a strip."""
    tags = {256: (4, 1, 32), 257: (4, 1, rows), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    tags |= {278: (4, 1, 1), 273: (4, rows, struct.pack("<I", 8) * rows), 279: (4, rows, struct.pack("<I", 32) * rows)}
    return raw_tiff(tags)


def tiff_of(compression: str, values: np.ndarray) -> bytes:
    return tiff(values, compression=compression)


def looped_exif() -> bytes:
    """A directory whose sub-directories are itself."""
    body = struct.pack("<2sHIH", b"II", 42, 8, 2) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    return body + struct.pack("<HHII", 0x8825, 4, 1, 8) + struct.pack("<I", 8)


def of_many_tags() -> bytes:
    tags = dict.fromkeys(range(300, 60_000), (1, 4, 0))
    tags |= {256: (4, 1, 8), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    return raw_tiff(tags | {277: (3, 1, 1), 278: (4, 1, 8), 279: (4, 1, 64)})


def of_long_tags() -> bytes:
    """Tags that all point to the same ten megabytes."""
    body, place = bytes(10 * 2**20), 8 + 2 + 12 * 309 + 4
    tags = {number: (1, len(body), place) for number in range(40_000, 40_300)}
    tags |= {256: (4, 1, 8), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    return raw_tiff(tags | {277: (3, 1, 1), 278: (4, 1, 8), 279: (4, 1, 64)}, body)


def profile_of(size: int) -> bytes:
    """A colour profile whose tags all overlap."""
    listed = b"".join(struct.pack(">4sII", b"A2B0", 128, size - 128) for _ in range(100))
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\0") + b"acsp"
    return (head.ljust(128, b"\0") + struct.pack(">I", 100) + listed).ljust(size, b"\1")


def crowded_riff() -> bytes:
    data = saved(noise(16, 16), "WEBP", icc_profile=b"x")
    many = b"XXXX\0\0\0\0" * ((FULL - len(data)) // 8)
    return b"RIFF" + struct.pack("<I", len(data) + len(many) - 8) + data[8:30] + many + data[30:]


def crowded_boxes(brand: bytes) -> bytes:
    data = saved(noise(16, 16), "AVIF") if brand == b"avif" else HEIC
    first = int.from_bytes(data[:4], "big")
    return data[:first] + b"\0\0\0\x08free" * ((FULL - len(data)) // 8) + data[first:]


def animated(form: str) -> bytes:
    first = PILImage.new("RGB", (64, 64))
    frames = [PILImage.new("RGB", (64, 64), (n % 256, n // 256, 0)) for n in range(1, 2_000)]
    return saved(first, form, save_all=True, append_images=frames)


def forged_size(form: str, width: int, height: int) -> bytes:
    data = bytearray(saved(noise(16, 16), form))
    place, spelled = {"GIF": (6, "<HH"), "BMP": (18, "<ii")}[form]
    struct.pack_into(spelled, data, place, width, height)
    return bytes(data)


def framed_gif() -> bytes:
    """A frame of 40 megapixels on a screen of 16 × 16."""
    data = bytearray(saved(PILImage.new("P", (16, 16)), "GIF"))
    struct.pack_into("<HH", data, data.index(b"\x2c\0\0\0\0") + 5, 65_535, 610)
    return bytes(data)


def many_scans() -> bytes:
    data = saved(PILImage.new("RGB", SIDES), "JPEG")
    start = data.index(b"\xff\xda")
    return data[:-2] + data[start:-2] * ((FULL - len(data)) // (len(data) - start)) + b"\xff\xd9"


RGB, GREY = (4_000, 8_000, 3), (SIDES[1], SIDES[0])

WORST: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "PNG, 40 megapixels, grey": lambda: blank_png(*SIDES),
    "PNG, 40 megapixels, one bit": lambda: blank_png(*SIDES, 1),
    "PNG, 40 megapixels, grey in 16 bits": lambda: blank_png(*SIDES, 16),
    "PNG, 40 megapixels, palette with opacity": lambda: blank_png(*SIDES, 8, 3, chunk(b"tRNS", bytes(200))),
    "PNG, 40 megapixels, grey and opacity in 16 bits": lambda: blank_png(*SIDES, 16, 4),
    "PNG, 40 megapixels, RGB in 16 bits": lambda: blank_png(*SIDES, 16, 2),
    "PNG, 40 megapixels, RGBA in 16 bits": lambda: blank_png(*SIDES, 16, 6),
    "PNG, 16 megapixels, RGB in 16 bits with a clear colour": lambda: blank_png(
        4_000, 4_000, 16, 2, chunk(b"tRNS", bytes(6))
    ),
    "PNG, 40 megapixels, RGBA, interlaced": lambda: blank_png(*SIDES, 8, 6, interlaced=1),
    "PNG, 40 megapixels, RGBA in 16 bits, interlaced": lambda: blank_png(*SIDES, 16, 6, interlaced=1),
    "PNG, 1 × 40,000,000": lambda: blank_png(1, 40_000_000),
    "PNG, 1 × 1,000,000, in 16 bits": lambda: blank_png(1, 1_000_000, 16),
    "PNG, 40 × 1,000,000, RGBA in 16 bits": lambda: blank_png(40, 1_000_000, 16, 6),
    "PNG, 1,000,000 × 40, RGBA in 16 bits": lambda: blank_png(1_000_000, 40, 16, 6),
    "PNG, 8,001 × 5,000": lambda: blank_png(8_001, 5_000),
    "PNG, 65,535 × 65,535": lambda: blank_png(65_535, 65_535, 1),
    "PNG, cut in the middle of 40 megapixels": lambda: blank_png(*SIDES, 16, 6)[:-100_000],
    "PNG, a profile that inflates to 1 GB": lambda: blank_png(64, 64, 8, 2, chunk(b"iCCP", b"x\0\0" + deflated(2**30))),
    "PNG, a text that inflates to 1 GB": lambda: blank_png(64, 64, 8, 2, chunk(b"zTXt", b"x\0\0" + deflated(2**30))),
    "PNG, a profile of overlapping tags": lambda: blank_png(
        4_000, 2_000, 8, 2, chunk(b"iCCP", b"x\0\0" + zlib.compress(profile_of(10**6)))
    ),
    "PNG, 16 bits with a clear colour and such a profile": lambda: blank_png(
        400, 200, 16, 2, chunk(b"iCCP", b"x\0\0" + zlib.compress(profile_of(10**6))) + chunk(b"tRNS", bytes(6))
    ),
    "PNG, 19,000 texts": lambda: crowded_png(chunk(b"tEXt", b"x\0" + bytes(1_000))),
    "PNG, a million empty texts": lambda: crowded_png(chunk(b"tEXt", b"x\0")),
    "PNG, a million unknown chunks": lambda: crowded_png(chunk(b"abCd", b"")),
    "PNG, a million empty pieces of pixels": lambda: crowded_png(chunk(b"IDAT", b""), between=True),
    "PNG, EXIF in a loop": lambda: blank_png(64, 64, 8, 2, chunk(b"eXIf", looped_exif())),
    "APNG, a million frame headers": lambda: crowded_png(
        chunk(b"acTL", struct.pack(">II", 9, 0)) + chunk(b"fcTL", bytes(26))
    ),
    "JPEG, 40 megapixels": lambda: saved(PILImage.new("RGB", SIDES), "JPEG"),
    "JPEG, 40 megapixels, progressive": lambda: saved(PILImage.new("RGB", SIDES), "JPEG", progressive=True),
    "JPEG, 40 megapixels, CMYK": lambda: saved(PILImage.new("CMYK", SIDES), "JPEG"),
    "JPEG, 20 MB of noise": lambda: saved(noise(3_200, 4_000), "JPEG", quality=85),
    "JPEG, 60 scans of 40 megapixels": lambda: jpeg_of_scans(*SIDES, 54),
    "TIFF, 40 megapixels, RGB in 16 bits": lambda: tiff_of("zlib", np.zeros((*GREY, 3), np.uint16)),
    "JPEG, a thousand scans of 40 megapixels": lambda: jpeg_of_scans(*SIDES, 1_000),
    "JPEG, the same scan again and again": many_scans,
    "JPEG, five million empty segments": lambda: jpeg_with(b"\xff\xed\0\2"),
    "JPEG, five million empty comments": lambda: jpeg_with(b"\xff\xfe\0\2"),
    "JPEG, long EXIF again and again": lambda: jpeg_with(
        b"\xff\xe1\xff\xffExif\0\0" + looped_exif().ljust(65_527, b"\0")
    ),
    "JPEG, a million tables": lambda: jpeg_with(b"\xff\xdb\0\x43\0" + bytes([1] * 64)),
    "JPEG, EXIF in a loop": lambda: jpeg_with(b"\xff\xe1\0\x2cExif\0\0" + looped_exif(), 1),
    "GIF, 40 megapixels": lambda: saved(PILImage.new("P", SIDES), "GIF"),
    "GIF, a million extensions": lambda: gif_of(b"\x21\xf9\4\0\0\0\0\0"),
    "GIF, a million comments": lambda: gif_of(b"\x21\xfe\1x\0"),
    "GIF, a comment of a million pieces": lambda: gif_of(b"\x21\xfe" + b"\1x" * 100_000 + b"\0"),
    "GIF, a frame larger than its screen": framed_gif,
    "GIF, 65,535 × 610, which is not there": lambda: forged_size("GIF", 65_535, 610),
    "GIF, 2,000 frames": lambda: animated("GIF"),
    "BMP, 40 megapixels of which 100 kB are there": lambda: forged_size("BMP", *SIDES),
    "BMP, 20 MB of runs of one pixel": lambda: rle_bmp(5_000, 2_000, b"\1\0" * (FULL // 2 - 1_000)),
    "BMP, runs that leave 40 megapixels out": lambda: rle_bmp(*SIDES, b"\0\2\xff\xff" * 200_000 + b"\0\1"),
    "WebP, 40 megapixels": lambda: saved(PILImage.new("RGB", (16_383, 2_441)), "WEBP", lossless=True, method=0),
    "WebP, 40 megapixels, RGBA": lambda: saved(PILImage.new("RGBA", (16_383, 2_441)), "WEBP", lossless=True, method=0),
    "WebP, two million empty chunks": crowded_riff,
    "WebP, 2,000 frames": lambda: animated("WEBP"),
    "TIFF, 40 megapixels, deflated": lambda: tiff_of("zlib", np.zeros((*GREY, 3), np.uint8)),
    "TIFF, 40 megapixels, LZW": lambda: saved(PILImage.new("RGB", SIDES), "TIFF", compression="tiff_lzw"),
    "TIFF, 40 megapixels, packed bits": lambda: saved(PILImage.new("RGB", SIDES), "TIFF", compression="packbits"),
    "TIFF, 40 megapixels, JPEG": lambda: saved(PILImage.new("RGB", SIDES), "TIFF", compression="jpeg"),
    "TIFF, 40 megapixels, fax": lambda: saved(PILImage.new("1", SIDES), "TIFF", compression="group4"),
    "TIFF, 32 megapixels, 16 bits": lambda: tiff_of("zlib", np.zeros(RGB, np.uint16)),
    "TIFF, 40 megapixels, float32": lambda: tiff_of("zlib", np.zeros(GREY, np.float32)),
    "TIFF, 16 megapixels, float32 RGB": lambda: tiff_of("zlib", np.zeros((4_000, 4_000, 3), np.float32)),
    "TIFF, 32 megapixels, float16": lambda: tiff_of("zlib", np.zeros(RGB, np.float16)),
    "TIFF, 24 megapixels, float64": lambda: tiff_of("zlib", np.zeros((3_000, 8_000), np.float64)),
    "TIFF, 32 megapixels, 16 bits in planes": lambda: tiff(np.zeros(RGB, np.uint16), planar=True, compression="zlib"),
    "TIFF, 40 megapixels, CMYK": lambda: saved(PILImage.new("CMYK", SIDES), "TIFF", compression="tiff_lzw"),
    "TIFF, 40 megapixels, Lab": lambda: saved(PILImage.new("LAB", SIDES), "TIFF", compression="tiff_lzw"),
    "TIFF, 100,000 strips of one row": lambda: striped_tiff(100_000),
    "TIFF, a million strips of one row": lambda: striped_tiff(1_000_000),
    "TIFF, 60,000 tags": of_many_tags,
    "TIFF, 300 tags of the same ten megabytes": of_long_tags,
    "TIFF, a directory of itself": lambda: raw_tiff({256: (4, 1, 8), 330: (4, 2**31, 8), 34665: (4, 1, 8)}),
    "AVIF, 12 megapixels": lambda: saved(PILImage.new("RGB", (4_000, 3_000)), "AVIF", speed=10),
    "AVIF, two million empty boxes": lambda: crowded_boxes(b"avif"),
    "HEIC, two million empty boxes": lambda: crowded_boxes(b"heic"),
    "HEIC, cut in its pixels": lambda: HEIC[:-60],
}
