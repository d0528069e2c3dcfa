"""Kinds of pictures that Pillow does not read, or not rightly, against what NumPy makes of the same numbers."""

import io
import struct
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kinds import HEIC, P3, matrix_profile, numbers, png, saved, tiff
from PIL import Image as PILImage
from PIL import ImageCms
from skimage import data as photographs

from visionlab import limits
from visionlab.errors import ImageError
from visionlab.imaging import guards
from visionlab.imaging import image as door
from visionlab.imaging.guards import is_picture_file
from visionlab.imaging.image import load_image
from visionlab.imaging.pixels import decoded, scaled, shown_range, strips

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "f2", "f4", "f8")
UPRIGHT = {  # how a stored picture is turned, by the EXIF standard's orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def to_eight_bits(values):
    """As the door does with levels of unknown range."""
    parts = strips(len(values), values[0].size)
    ends = shown_range(values[part] for part in parts)
    return np.concatenate([scaled(values[part], ends) for part in parts])


def in_eight_bits(values):
    """Exactly, as float64 (H, W, 3)."""
    exact = values.astype(np.float64)
    if values.dtype.kind == "f":
        levels = exact * 255
    else:
        least = float(np.iinfo(values.dtype).min)
        levels = (exact - least) * (255 / (float(np.iinfo(values.dtype).max) - least))
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


@given(
    kind=st.sampled_from(KINDS),
    shape=st.sampled_from([(1, False, False), (1, False, True), (3, False, False), (3, True, False)]),
    packing=st.sampled_from(
        [{}, {"compression": "zlib"}, {"compression": "zlib", "rowsperstrip": 5}, {"rowsperstrip": 3}]
    ),
    order=st.sampled_from(["<", ">"]),
    orientation=st.integers(1, 8),
    big=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=150, deadline=None)
def test_a_tiff_of_any_numbers_is_what_numpy_makes_of_them(kind, shape, packing, order, orientation, big, seed):
    assume(not (big and order == ">"))  # which Pillow's reader of tags does not know
    channels, planar, white = shape
    values = numbers(kind, channels, seed)
    options = {"byteorder": order, "extratags": [(274, 3, 1, orientation, True)], "bigtiff": big, **packing}
    if white:
        options["photometric"] = "miniswhite"
    levels = UPRIGHT[orientation](in_eight_bits(values))
    found = load_image(tiff(values, planar, **options))
    assert np.abs(found - (255 - levels if white else levels)).max() <= 0.52


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("kind", ["u2", "f4"])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha", "unspecified"])
def test_a_fourth_channel_of_a_deep_tiff_is_opacity_where_it_says_so(kind, planar, alpha):
    values = numbers(kind, 4, 0)
    if alpha == "assocalpha":
        values[..., :3] = (values[..., :3] * (in_eight_bits(values)[..., 3:] / 255)).astype(kind)
    levels = in_eight_bits(values)
    colours, opacity = levels[..., :3], levels[..., 3:] / 255
    expected = {
        "unassalpha": colours * opacity + 255 * (1 - opacity),
        "assocalpha": colours + 255 * (1 - opacity),
        "unspecified": colours,
    }
    found = load_image(tiff(values, planar, extrasamples=[alpha]))
    assert np.abs(found - expected[alpha]).max() <= 2


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_tiles_and_predictors(tile, compression):
    for kind, planar in (("u2", False), ("u2", True), ("u4", True)):
        values = numbers(kind, 3, 1, (40, 50))
        packing = {"tile": tile, "compression": compression, "predictor": 2 if compression else None}
        assert np.abs(load_image(tiff(values, planar, **packing)) - in_eight_bits(values)).max() <= 0.52


def test_twelve_bits():
    levels = np.random.default_rng(0).integers(0, 4096, (8, 10))
    bits = "".join(f"{level:012b}" for level in levels.flat)
    raw = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
    tags = {256: 10, 257: 8, 258: 12, 259: 1, 262: 1, 273: 8 + 2 + 12 * 9 + 4, 277: 1, 278: 8, 279: len(raw)}
    listed = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in tags.items())
    data = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + listed + bytes(4) + raw
    assert np.abs(load_image(data)[..., 0] - levels * (255 / 4095)).max() <= 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((8, 8), np.complex64), "64-bit complex numbers, 1 a pixel"),
        (np.zeros((8, 8, 5), np.uint16), "16-bit whole numbers, 5 a pixel"),
    ],
)
def test_a_tiff_that_is_not_read_says_what_it_holds(values, said):
    with pytest.raises(ImageError, match=f"holds what is not read here: {said}"):
        load_image(tiff(values, photometric="minisblack"))


def test_a_deep_tiff_is_bounded_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(door, "deep_tiff", lambda *_: pytest.fail("it was decoded"))
    data = tiff(np.zeros((10, 10), np.uint16))
    where = data.index(struct.pack("<HH", 256, 4)) + 8
    with pytest.raises(ImageError, match=r"60,000 × 10 |at most 40 megapixels"):
        load_image(patched(patched(data, where, 60_000), where + 12, 60_000))
    rgb = tiff(np.zeros((10, 10, 3)))
    where = rgb.index(struct.pack("<HH", 256, 4)) + 8
    with pytest.raises(ImageError, match=r"takes 864 MB decoded; at most 201 MB"):
        load_image(patched(patched(rgb, where, 6000), where + 12, 6000))


def patched(data, where, value):
    return data[:where] + struct.pack("<H", value) + data[where + 2 :]


def test_a_forged_strip_of_a_plane_unpacks_to_no_more_than_it_may():
    values = np.zeros((8, 8, 3), np.uint16)
    data = tiff(values, planar=True, compression="zlib")
    bomb = zlib.compress(bytes(50 * 2**20), 9)
    [length] = {len(zlib.compress(values[..., 0].tobytes(), level)) for level in (6,)}
    tags = tifffile.TiffFile(io.BytesIO(data)).pages[0]
    for offset, count in zip(tags.dataoffsets, tags.databytecounts, strict=True):
        data = data[:offset] + bomb[:count] + data[offset + count :]
    assert length < 100
    try:
        found = load_image(data)
    except ImageError:
        return
    assert found.shape == (8, 8, 3)


# Ranges --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (np.array([0, 2**31, 2**32 - 1], np.uint32), [0, 128, 255]),
        (np.array([0, 257, 65535], np.uint32), [0, 1, 255]),  # of numbers that fit into 16 bits
        (np.array([-128, 0, 127], np.int8), [0, 128, 255]),
        (np.array([0, 64, 127], np.int8), [0, 129, 255]),
        (np.array([0, 2**63, 2**64 - 1], np.uint64), [0, 128, 255]),
        (np.array([-3e38, 0, 3e38], np.float32), [0, 128, 255]),
        (np.array([0, np.nan, 1], np.float64), [0, 0, 255]),
        (np.array([-1.7e308, 0, 1.7e308], np.float64), [0, 128, 255]),
        (np.array([-300, np.inf, 300], np.float16), [0, 128, 255]),
    ],
)
def test_no_range_wraps_round(values, levels):
    assert to_eight_bits(values[None])[0].tolist() == levels
    assert to_eight_bits(np.repeat(values[None], 30_000, axis=0))[199].tolist() == levels


def levels_of(values, door):
    """The levels of a row of numbers, by a door that takes any."""
    file = tiff(np.repeat(values[None], 4, axis=0))
    return {
        "numbers": lambda: to_eight_bits(values[None]),
        "file": lambda: load_image(file)[..., 0],
        "package": lambda: decoded(file)[..., 0],
    }[door]()[0]


def ramp(low, high, kind=np.float32):
    return np.linspace(low, high, 2001).astype(kind)


@pytest.mark.parametrize("door", ["numbers", "file", "package"])
@pytest.mark.parametrize(
    ("values", "black", "white"),
    [
        (ramp(0, 1), 0, 1),
        (ramp(0, 1.0000001), 0, 1),
        (ramp(0, 1.001), 0, 1),
        (ramp(0, 1.02), 0, 1),
        (ramp(-0.04, 1), 0, 1),
        (ramp(0, 1.5), 0, 1.5),  # too many above 1: stretched
        (ramp(0, 2), 0, 2),
        (ramp(0, 3, np.float16), 0, 3),
        (ramp(0, 15.9), 0, 15.9),
        (ramp(0, 16.1), 0, 255),  # dark, but plainly levels
        (ramp(0, 255), 0, 255),
        (ramp(-4, 258), 0, 255),
        (ramp(0, 300), 0, 300),
        (ramp(-1, 1), -1, 1),
        (np.append(ramp(0, 1), [-0.5, 2]), 0, 1),
        (np.append(ramp(0, 1), [-0.51]), -0.51, 1),
        (np.append(ramp(0, 1), [2.01]), 0, 2.01),
        (ramp(0, 32767, np.int16), 0, 32767),
        (np.append(ramp(0, 32767, np.int16), np.int16(-1)), 0, 32767),
        (np.append(ramp(0, 1000, np.int16), np.int16(-1)), 0, 32767),
        (ramp(-1000, 3000, np.int16), -1000, 3000),
        (ramp(0, 127, np.int8), 0, 127),
        (np.append(ramp(0, 127, np.int8), np.int8(-1)), 0, 127),
        (ramp(0, 65535, np.int32), 0, 65535),
        (np.append(ramp(0, 65535, np.int32), np.int32([-1, 65536])), 0, 65535),
        (ramp(0, 65536, np.uint32), 0, 65535),
        (ramp(0, 100_000, np.uint32), 0, 100_000),
        (ramp(0, 2**31 - 1, np.int32), 0, 2**31 - 1),
        (ramp(0, 2**32 - 1, np.uint32), 0, 2**32 - 1),
        (ramp(0, 4095, np.uint16), 0, 65535),
    ],
)
def test_a_range_goes_on_where_a_few_numbers_lie_beyond_it(door, values, black, white):
    expected = ((values.astype(np.float64) - black) * 255 / (white - black)).clip(0, 255)
    assert np.abs(levels_of(values, door) - expected).max() <= 0.52


def test_a_photograph_that_was_enlarged_by_a_cubic_is_as_bright_as_it_was():
    small = (photographs.astronaut()[::4, ::4] / 255).astype(np.float32)
    large = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert large.max() > 1
    assert large.min() < 0
    for values in (large, large.clip(0, None)):
        found = decoded(tiff(values))
        assert np.abs(found - 255 * values.clip(0, 1)).max() <= 0.52
        assert (load_image(tiff(values)) == found).all()


# Transparency --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_grey_level_that_is_transparent(depth):
    top = 2**depth - 1
    for clear in sorted({0, 1, top // 3, top}):
        levels = [clear, *([0, top, top // 2] if depth > 1 else [0, 1, 0]), clear, 0, clear, top]
        bits = "".join(f"{level:0{depth}b}" for level in levels)
        row = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
        found = load_image(png(depth, 0, [row, row], (clear,)))[1, :, 0]
        expected = [255 if level == clear else round(level * 255 / top) for level in levels]
        assert np.abs(found - expected).max() <= (1 if depth == 16 else 0)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_colour_that_is_transparent_is_compared_in_full(depth):
    top = 2**depth - 1
    clear, near = (top, top // 2, 3), (top, top // 2, 4)
    row = struct.pack(f">6{'H' if depth == 16 else 'B'}", *clear, *near)
    found = load_image(png(depth, 2, [row], clear))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert np.abs(found[0, 1] - np.array(near) * (255 / top)).max() <= 1


# Colour profiles -----------------------------------------------------------------------------------------------------

COLOURS = np.array([[[220, 60, 50], [70, 200, 80], [250, 180, 40], [128, 128, 128]]], np.uint8).repeat(8, 0)


def by_littlecms(pixels, profile):
    to = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(PILImage.fromarray(pixels), io.BytesIO(profile), to, outputMode="RGB"))


def test_colours_of_a_profile_become_those_of_srgb():
    profile = matrix_profile(P3, 2.2)
    expected = by_littlecms(COLOURS, profile)
    assert expected[0, 0, 0] > 235  # it makes a difference
    for form, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        found = load_image(saved(COLOURS, form, icc_profile=profile, **options))
        assert np.array_equal(found, expected), form
    deep = tiff(COLOURS.astype(np.uint16) * 257, extratags=[(34675, 7, len(profile), profile, True)])
    assert np.abs(load_image(deep).astype(int) - expected).max() <= 1


def test_transparency_and_a_profile_go_together():
    profile = matrix_profile(P3, 2.2)
    clear = np.dstack([COLOURS, np.array([255, 0, 255, 0], np.uint8)[None].repeat(8, 0)])
    found = load_image(saved(clear, "PNG", icc_profile=profile))
    assert found[0, [1, 3]].tolist() == [[255] * 3] * 2
    assert np.array_equal(found[0, [0, 2]], by_littlecms(COLOURS, profile)[0, [0, 2]])


def test_a_profile_that_is_srgb_changes_nothing_and_a_broken_one_is_passed_over():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    good = matrix_profile(P3, 2.2)
    for profile in (srgb, b"no profile", good[:200], good[:128] + bytes(len(good) - 128)):
        assert np.array_equal(load_image(saved(COLOURS, "PNG", icc_profile=profile)), COLOURS)
    grey = COLOURS[..., 0].copy()
    found = load_image(saved(grey, "PNG", icc_profile=good))  # of another kind of colours than the picture's
    assert np.array_equal(found[..., 1], grey)


# Formats -------------------------------------------------------------------------------------------------------------


def test_avif_is_read_in_its_first_picture_and_upright():
    exif = PILImage.Exif()
    exif[0x0112] = 6
    blocks = np.zeros((32, 48, 3), np.uint8)
    blocks[:, :24] = (250, 0, 0)
    blocks[:, 24:] = (0, 0, 250)
    found = load_image(saved(blocks, "AVIF", quality=100, exif=exif))
    assert found.shape == (48, 32, 3)
    assert np.abs(found[12, 16].astype(int) - [250, 0, 0]).max() < 10
    assert np.abs(found[36, 16].astype(int) - [0, 0, 250]).max() < 10


def test_heic_is_read():
    found = load_image(HEIC)
    assert found.shape == (16, 32, 3)
    assert np.abs(found[8, 6].astype(int) - [250, 0, 0]).max() < 10
    assert np.abs(found[8, 26].astype(int) - [0, 0, 250]).max() < 10
    with pytest.raises(ImageError, match="damaged or cut off"):
        load_image(HEIC[:-40])


@pytest.mark.parametrize("form", ["BMP", "DIB"])
def test_a_bitmap_of_runs(form):
    values = np.random.default_rng(0).integers(0, 3, (9, 31), np.uint8)
    for palette in (COLOURS[0, :3], np.array([[9] * 3, [90] * 3, [200] * 3], np.uint8)):
        data = bitmap_of_runs(values, palette)[0 if form == "BMP" else 14 :]
        assert np.array_equal(load_image(data), palette[values])
        with pytest.raises(ImageError, match=f"The {form} picture is damaged or cut off"):
            load_image(data[:-40])


def bitmap_of_runs(values, palette):
    """An 8-bit BMP in runs (RLE8), each row told as one run a pixel, and every third pixel told as it is."""
    rows = []
    for row in values[::-1]:
        runs = (b"\0\3" + bytes(row[x : x + 3]) + b"\0" if x % 9 == 0 else b"\1%c" % row[x] for x in places(len(row)))
        rows.append(b"".join(runs) + b"\0\0")
    body = b"".join(rows) + b"\0\1"
    colours = b"".join(bytes([*level[::-1], 0]) for level in palette).ljust(1024, b"\0")
    (height, width), begins = values.shape, 54 + len(colours)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", begins + len(body), 0, 0, begins) + head + colours + body


def places(width):
    """Where runs begin: three pixels at each ninth place, where they fit, else one."""
    place = 0
    while place < width:
        yield place
        place += 3 if place % 9 == 0 else 1


def test_a_bitmap_without_its_files_header():
    assert np.array_equal(load_image(saved(COLOURS, "DIB")), COLOURS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_picture_is_known_by_how_it_begins(form):
    assert is_picture_file(saved(COLOURS, form)[:64])
    assert is_picture_file(HEIC[:64])


@pytest.mark.parametrize(
    "start", [b"", b"MIT License", b"%PDF-1.7", b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"RIFF    WAVE"]
)
def test_what_is_no_picture_is_known_by_how_it_begins(start):
    assert not is_picture_file(start.ljust(64, b" "))


def test_what_is_handed_out_reads_the_same():
    for data in (tiff(numbers("u2", 3, 0), planar=True), saved(COLOURS, "PNG", icc_profile=matrix_profile(P3, 2.2))):
        assert np.array_equal(decoded(data), load_image(data))


# Damaged, and made to take long ------------------------------------------------------------------------------------


def test_what_libavif_cannot_decode_is_told():
    data = bytearray(saved(COLOURS, "AVIF"))
    start = data.index(b"mdat") + 4
    data[start : start + 12] = bytes(12)
    with pytest.raises(ImageError, match="The AVIF picture is damaged or cut off"):
        load_image(bytes(data))


def test_a_palette_that_is_missing_is_told():
    data = saved(PILImage.fromarray(COLOURS).quantize(4), "PNG")
    start = data.index(b"PLTE") - 4
    with pytest.raises(ImageError, match="its palette is missing"):
        load_image(data[:start] + data[start + 12 + int.from_bytes(data[start : start + 4], "big") :])


def test_a_tiff_whose_sizes_are_no_numbers_is_told():
    data = tiff(np.zeros((10, 10), np.uint16))
    place = data.index(struct.pack("<HHI", 256, 4, 1))
    with pytest.raises(ImageError, match="The TIFF picture is damaged, or holds what is not read here"):
        load_image(data[:place] + struct.pack("<HHI", 256, 2, 1) + data[place + 8 :])


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@pytest.mark.parametrize(
    ("form", "piece", "most", "told"),
    [
        ("PNG", chunk(b"tEXt", b"x\0"), 19_000, "chunks; at most 20,000"),
        ("JPEG", b"\xff\xed\0\2", 19_000, "segments; at most 20,000"),
        ("GIF", b"\x21\xfe\1x\0", 9_000, "blocks before its first frame; at most 20,000"),
    ],
)
def test_a_file_of_a_million_little_parts_is_refused(form, piece, most, told):
    whole = saved(COLOURS, form)
    start = {"PNG": 33, "JPEG": 2, "GIF": 13 + 3 * 2 ** (1 + (whole[10] & 7))}[form]
    expected = load_image(whole)
    assert np.array_equal(load_image(whole[:start] + piece * most + whole[start:]), expected)
    with pytest.raises(ImageError, match=f"The file has too many {told} are read"):
        load_image(whole[:start] + piece * 20_001 + whole[start:])


def test_a_jpeg_of_a_thousand_scans_is_refused():
    data = saved(COLOURS, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="too many scans; at most 64 are read"):
        load_image(data[:-2] + data[last:-2] * 100 + data[-2:])
    with pytest.raises(ImageError, match="too many scans; at most 64 are read"):  # behind a marker without a length
        load_image(data[:-2] + b"\xff\x01\xff\xff" + data[last:-2] * 100 + data[-2:])


def test_a_film_behind_a_photograph_counts_for_nothing():
    data = saved(COLOURS, "JPEG", progressive=True)
    assert np.array_equal(load_image(data + b"\xff\xda" * 30_000), load_image(data))


@pytest.mark.filterwarnings("ignore::UserWarning")  # pytest shows what the app has Pillow keep to itself
def test_a_tiff_of_a_million_strips_is_refused():
    rows = 100_001
    tags = {256: 1, 257: rows, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 0}
    places = 8 + 2 + 12 * len(tags) + 4
    counts = {273: (rows, places), 279: (rows, places)}
    listed = b"".join(struct.pack("<HHII", tag, 4, *counts.get(tag, (1, value))) for tag, value in tags.items())
    data = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + listed + bytes(4) + struct.pack("<I", 1) * rows
    with pytest.raises(ImageError, match="too many strips or tiles; at most 100,000 are read"):
        load_image(data)


LOUD = """
import sys
from visionlab.errors import ImageError
from visionlab.imaging.image import load_image
for path in sys.argv[1:]:
    try:
        load_image(path)
    except ImageError:
        pass
"""


def test_decoders_say_nothing_by_themselves(tmp_path):
    """Not libtiff, libpng, Pillow's warnings or its log: the sentence of the error is all that there is."""
    compressed = bytearray(tiff(numbers("u1", 3, 0), compression="zlib"))
    compressed[-60:-10] = bytes(50)
    crowd = tiff(np.zeros((8, 8), np.uint8))
    samples = crowd.index(struct.pack("<HHI", 277, 3, 1)) + 8
    named = {
        "libtiff.tif": bytes(compressed),
        "log.tif": crowd[:samples] + struct.pack("<H", 30_000) + crowd[samples + 2 :],
        "warning.tif": crowd[: len(crowd) // 3],
        "libpng.png": png(16, 2, [bytes(48)] * 8, (1, 2, 3), matrix_profile(P3, 2.2)[:-9] + bytes(9)),
    }
    for name, data in named.items():
        (tmp_path / name).write_bytes(data)
    told = subprocess.run(
        [sys.executable, "-c", LOUD, *(tmp_path / name for name in named)], capture_output=True, text=True, check=True
    )
    assert told.stderr == ""


# Memory --------------------------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from pathlib import Path
from visionlab.imaging.image import load_image
load_image(Path(sys.argv[1]).read_bytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[2:]:
    assert load_image(Path(path).read_bytes()).size == 3 * 40_000_000, path
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def blank_png(width, height, depth, kind, channels):
    """So many black pixels in a few kilobytes."""
    packing, raw = zlib.compressobj(1), height * (1 + width * channels * depth // 8)
    data = b"".join(packing.compress(bytes(min(2**20, raw - done))) for done in range(0, raw, 2**20)) + packing.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    packed = (struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts other units elsewhere")
def test_no_picture_within_the_caps_takes_more_than_600_megabytes(tmp_path):
    turned = PILImage.Exif()
    turned[0x0112] = 6
    rgba = PILImage.new("RGBA", (8000, 5000), (9, 8, 7, 6))
    files = {
        "warm.png": saved(rgba.crop((0, 0, 8, 8)), "PNG"),
        "thin.png": blank_png(40, 1_000_000, 16, 0, 1),
        "translucent.png": blank_png(8000, 5000, 16, 6, 4),
        "turned.webp": saved(rgba, "WEBP", lossless=True, exif=turned),
        "float.tif": tiff(np.zeros((5000, 8000), np.float32), compression="zlib"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    told = subprocess.run(
        [sys.executable, "-c", PEAK, *(tmp_path / name for name in files)], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 600e6


def test_a_side_is_bounded_before_anything_is_decoded():
    with pytest.raises(ImageError, match=r"1 × 1,000,001 pixels; at most 1,000,000 a side"):
        load_image(blank_png(1, 1_000_001, 8, 0, 1))


@pytest.mark.parametrize("turn", UPRIGHT)
@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG"])
def test_whatever_decodes_a_picture_it_stands_upright(kind, turn):
    values = np.random.default_rng(turn).integers(0, 256, (1100, 1000, 3), np.uint8)  # of more than one strip
    exif = PILImage.Exif()
    exif[0x0112] = turn
    data = saved(PILImage.fromarray(values), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    stored = np.asarray(PILImage.open(io.BytesIO(data)).convert("RGB"))
    assert (load_image(data) == UPRIGHT[turn](stored)).all()


@pytest.fixture
def fresh_turns():
    """How many there are is looked at once in the life of a server."""
    guards._turns.cache_clear()
    yield
    guards._turns.cache_clear()


@pytest.mark.parametrize("at_once", [1, limits.DECODINGS.usual])
def test_large_pictures_take_turns_and_small_ones_pass(fresh_turns, monkeypatch, at_once):
    monkeypatch.setenv(limits.DECODINGS.variable, str(at_once))
    large, small = blank_png(4000, 2001, 8, 0, 1), blank_png(40, 20, 8, 0, 1)
    inside, most, go = [], [], threading.Event()

    def slow(picture, data):
        if picture.width > 40:
            inside.append(None)
            most.append(len(inside))
            go.wait(30)
            inside.pop()
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(door, "to_rgb", slow)
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(load_image, large) for _ in range(4)]
        pool.submit(load_image, small).result(30)
        go.set()
        for each in waiting:
            each.result(30)
    assert len(most) == 4
    assert max(most) <= at_once


# Which kinds are read ------------------------------------------------------------------------------------------------


def refused_alike(data: bytes) -> str:
    """What the library says of a file, which is what the package says of it."""
    with pytest.raises(ImageError) as ours:
        load_image(data)
    with pytest.raises(ValueError) as theirs:
        decoded(data)
    assert str(ours.value) == str(theirs.value)
    return str(ours.value)


@pytest.mark.parametrize("form", ["JPEG2000", "PPM", "PCX", "TGA", "ICO", "SGI", "DDS"])
def test_the_package_reads_no_kind_that_the_library_refuses(form):
    told = refused_alike(saved(np.zeros((16, 16, 3), np.uint8), form))
    assert told.endswith("Choose a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF picture.")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The file is empty."),
        (b"%PDF-1.7 ...", "The file is a PDF document, which is not read here."),
        (b"PK\x03\x04 and more", "The file is a ZIP archive (or a document kept in one), which is not read here."),
        (b"\0\0\0\x18ftypisom and more", "The file is an MP4 or QuickTime video, which is not read here."),
        (b"<?xml version='1.0'?><svg></svg>", "The file is an SVG drawing, which is not read here."),
        (b"<!DOCTYPE html><html></html>", "The file is a web page, not a picture."),
        (b"words", "The file is not a picture that can be read."),
        (b"\xff\xd8\xff cut off", "The file begins like a picture but is damaged or cut off."),
        (b"\x89PNG\r\n\x1a\n" + bytes(20 * 2**20), "The file has 21 MB; at most 20 MB are read."),
        (saved(np.zeros((64, 64, 3), np.uint8), "PNG")[:60], "The PNG picture is damaged or cut off: "),
        (saved(np.zeros((8, 8), np.uint8), "TIFF")[:120], "The TIFF picture is damaged or cut off: "),
    ],
)
def test_the_package_says_why_nothing_can_be_opened_as_the_library_does(data, told):
    assert refused_alike(data).startswith(told)


def test_a_deep_tiff_that_is_not_read_is_not_told_to_be_saved_as_it_is():
    with pytest.raises(ImageError, match=r"16-bit whole numbers, 2 a pixel .* Save it as grey or RGB in 8 bits\.$"):
        load_image(tiff(np.zeros((8, 8, 2), np.uint16), photometric="minisblack", extrasamples=["unassalpha"]))
