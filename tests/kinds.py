"""Pictures of every kind that load_image reads, made here, as the bytes of files."""

import base64
import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image as PILImage

# A red and a blue block of 32 × 16 pixels, lossless, by pillow-heif, since what reads HEIC here cannot write it.
HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWl4AAAAAG1pZjFoZWl4bWlhZgAAAX5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERA
AAEAAQAAAAABogABAAAAAAAAAOkAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/mlwcnAAAADeaXBjbwAA
AHdodmNDAQQIAAAAnjgAAAAAHvAA/P/4+AAADwNgAAEAF0ABDAH//wQIAAADAJ44AAADAAAeugJAYQABACpCAQEECAAAAwCeOAAAAwAAHpAEECCy3VXT
XNwENBgQAAADAZAAAAMAEIBiAAEACEQBwXMYMBiQAAAAE2NvbHJuY2x4AAEADQAGgAAAABRpc3BlAAAAAAAAAEAAAABAAAAAKGNsYXAAAAAgAAAAAQAA
ABAAAAAB////4AAAAAL////QAAAAAgAAABBwaXhpAAAAAAMICAgAAAAYaXBtYQAAAAAAAAABAAEFgQIDBYQAAADxbWRhdAAAAOUoAa8GMh0D99CJIPC/
tiL///Y2/2X8h7aTqv2jwNL/T8d//86H+31wj+hmf+FWdBVa+dOjUu8vtgeqfM8aQm7txIVKLdH5LRojlMF66cH8hvK71sF6WwVvU6yCWIoTqQKQvnMZ
1Aa5fK70PDjkxaZbgJ5VBWnADr9lh9U3z4r7qk6cnxSUnPyr2F/I/gP4KjRgTsASePnmcrX7+5gH/XnW5z/wpAz9n2+QObIJs5BSN+ke0WDmU7W8k1wM
ksORCeTwJS/fbEYmDtF1FdTcSmOBEe/WI+kML0a0oIH6hSYNw04F+9uA
""")


def numbers(kind, channels, seed, size=(20, 19)):
    """Over the whole range of their kind, or 0 to 1."""
    shape = size if channels == 1 else (*size, channels)
    dtype, rng = np.dtype(kind), np.random.default_rng(seed)
    if dtype.kind == "f":
        return rng.random(shape).astype(dtype)
    values = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    values.flat[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max  # what has a sign is stretched between these
    return values


def tiff(values, planar=False, **options):
    channels = values.shape[2] if values.ndim == 3 else 1
    options = {"photometric": "rgb" if channels > 1 else "minisblack"} | options
    if channels == 4:
        options = {"extrasamples": ["unassalpha"]} | options
    file = io.BytesIO()
    layout = "separate" if planar else "contig" if channels > 1 else None
    tifffile.imwrite(file, np.moveaxis(values, 2, 0) if planar else values, planarconfig=layout, **options)
    return file.getvalue()


def png(depth, kind, rows, clear=None, profile=None):
    """A PNG of these packed rows."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    per_row = {0: 1, 2: 3}[kind] * depth
    width = len(rows[0]) * 8 // per_row
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0))]
    parts += [chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))] if profile else []
    parts += [chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear))] if clear else []
    parts += [chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# The primaries of Display P3 (SMPTE EG 432-1), adapted to D50, as its matrix profile has them.
P3 = [[0.515102, 0.291965, 0.157153], [0.241182, 0.692236, 0.066582], [-0.001050, 0.041885, 0.784378]]


def matrix_profile(columns, gamma):
    """An ICC profile, version 2, of these columns (XYZ of red, green and blue) and this gamma."""

    def number(value):
        return struct.pack(">i", round(value * 65536))

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": xyz((0.9642, 1, 0.8249))}
    tags |= {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), np.array(columns).T, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    place, listed, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        listed += name + struct.pack(">II", place + len(body), len(value))
        body += value
    head = struct.pack(">I4sI4s4s4s", place + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + number(0.9642) + number(1) + number(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + listed + body


def saved(pixels, form, **options):
    """An array, or a picture of Pillow's, as a file of that format."""
    file = io.BytesIO()
    (pixels if isinstance(pixels, PILImage.Image) else PILImage.fromarray(pixels)).save(file, form, **options)
    return file.getvalue()


def every_kind():
    """{file name: its bytes}: formats, depths, layouts, transparency, profiles, orientation."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (24, 36, 3), np.uint8)
    grey = noise[..., 0].copy()
    sideways = PILImage.Exif()
    sideways[0x0112] = 6
    profile = matrix_profile(P3, 2.2)
    palette = PILImage.fromarray(noise).quantize(16)
    kinds = {
        "plain.jpg": saved(noise, "JPEG"),
        "turned.jpg": saved(noise, "JPEG", exif=sideways),
        "cmyk.jpg": saved(PILImage.fromarray(noise).convert("CMYK"), "JPEG"),
        "several.mpo": saved(noise, "MPO", save_all=True, append_images=[PILImage.fromarray(noise[::-1])]),
        "alpha.png": saved(np.dstack([noise, grey]), "PNG"),
        "grey-alpha.png": saved(np.dstack([grey, grey[::-1]]), "PNG"),
        "palette.png": saved(palette, "PNG", transparency=3),
        "palette.gif": saved(palette, "GIF", transparency=3),
        "animated.apng": saved(noise, "PNG", save_all=True, append_images=[PILImage.fromarray(noise[::-1])]),
        "sixteen.png": saved(grey.astype(np.uint16) * 150, "PNG"),
        "four-clear.png": png(4, 0, [bytes(range(18))] * 24, (3,)),
        "sixteen-clear.png": png(16, 0, [struct.pack(">36H", *range(0, 36_000, 1000))] * 24, (5000,)),
        "profile.png": saved(noise, "PNG", icc_profile=profile),
        "profile.webp": saved(noise, "WEBP", icc_profile=profile),
        "broken-profile.png": saved(noise, "PNG", icc_profile=b"none"),
        "plain.bmp": saved(noise, "BMP"),
        "headless.dib": saved(noise, "DIB"),
        "one-bit.tif": saved(PILImage.fromarray(grey).convert("1"), "TIFF"),
        "plain.avif": saved(noise, "AVIF"),
        "telephone.heic": HEIC,
    }
    for kind in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "f2", "f4", "f8"):
        kinds[f"grey-{kind}.tif"] = tiff(numbers(kind, 1, 0))
        kinds[f"white-is-zero-{kind}.tif"] = tiff(numbers(kind, 1, 0), photometric="miniswhite")
        kinds[f"rgb-{kind}.tif"] = tiff(numbers(kind, 3, 0), compression="zlib")
        kinds[f"planes-{kind}.tif"] = tiff(numbers(kind, 3, 0), planar=True)
    return kinds
