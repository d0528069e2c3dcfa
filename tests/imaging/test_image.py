"""load_image at the door: every format made in memory, every refusal one clear sentence."""

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageFile

from visionlab.errors import ImageError, ParameterError
from visionlab.imaging.image import (
    MAX_BYTES,
    check_image,
    encode_jpeg,
    encode_png,
    encoder_for,
    fingerprint,
    fit,
    load_image,
    middle,
)

# Six flat blocks, all different: no rotation or mirroring of it looks like another. Flat, so that JPEG keeps them.
BLOCKS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 0], [255, 255, 255], [0, 0, 0]]], np.uint8)
UPRIGHT = BLOCKS.repeat(16, axis=0).repeat(16, axis=1)  # (32, 48, 3)

# How a picture is stored under each EXIF orientation, by the standard's "row 0 is …, column 0 is …".
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def noise(height=20, width=30, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(picture, form, **options):
    if isinstance(picture, np.ndarray):
        picture = PILImage.fromarray(np.ascontiguousarray(picture))
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def assert_is_image(image):
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    assert image.flags.writeable


def png_claiming(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ],
)
def test_a_lossless_file_comes_back_pixel_for_pixel(form, options):
    image = load_image(encoded(noise(), form, **options))
    assert_is_image(image)
    assert np.array_equal(image, noise())


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
def test_a_jpeg_comes_back_in_rgb(options):
    image = load_image(encoded(UPRIGHT, "JPEG", **options))
    assert_is_image(image)
    assert np.abs(image[4:12, 4:12].astype(int) - UPRIGHT[4:12, 4:12]).max() < 8


def test_a_multi_picture_jpeg_is_its_first_picture():
    second = PILImage.fromarray(UPRIGHT[::-1])
    data = encoded(UPRIGHT, "MPO", save_all=True, append_images=[second], quality=95, subsampling=0)
    assert np.abs(load_image(data).astype(int) - UPRIGHT).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {"quality": 100, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})],
)
def test_exif_orientation_is_applied(form, options, orientation):
    exif = PILImage.Exif()
    exif[0x0112] = orientation
    image = load_image(encoded(STORED[orientation](UPRIGHT), form, exif=exif, **options))
    assert image.shape == UPRIGHT.shape
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - UPRIGHT).max() <= (8 if form == "JPEG" else 0)


def test_orientation_of_sixteen_bit_grey():
    ramp = np.arange(6 * 4, dtype=np.uint16).reshape(6, 4) * 2000
    exif = PILImage.Exif()
    exif[0x0112] = 6
    image = load_image(encoded(np.rot90(ramp), "PNG", exif=exif))
    assert np.array_equal(image[..., 0], np.rint(ramp / 257))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow remarks on it
def test_damaged_exif_does_not_cost_the_picture():
    data = encoded(noise(), "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    assert np.array_equal(load_image(data), noise())


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(form):
    deep = np.array([[0, 128, 257, 32768, 65535]], np.uint16)
    assert load_image(encoded(deep, form))[0].tolist() == [[v] * 3 for v in (0, 0, 1, 128, 255)]


def test_thirty_two_bit_integers_are_taken_as_sixteen_bit_where_they_fit():
    def levels(values):
        return load_image(encoded(PILImage.fromarray(np.array([values], np.int32)), "TIFF"))[0, :, 0].tolist()

    assert levels([0, 257, 65535]) == [0, 1, 255]
    assert levels([-1000, 0, 1000]) == [0, 128, 255]
    assert levels([70000, 70000]) == [0, 0]


def test_sixteen_bit_rgb_png():
    rows = b"\0" + b"".join(struct.pack(">HHH", *rgb) for rgb in [(65535, 32768, 0), (257, 0, 65535)])

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert load_image(data).tolist() == [[[255, 128, 0], [1, 0, 255]]]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([-2.0, 0.0, 2.0], [0, 128, 255]),
        ([np.nan, 0.5, np.inf], [0, 128, 0]),
    ],
)
def test_a_float_tiff(values, levels):
    data = encoded(PILImage.fromarray(np.array([values], np.float32)), "TIFF")
    assert load_image(data)[0, :, 0].tolist() == levels


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form):
    cmyk = PILImage.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, full magenta and yellow: red
    image = load_image(encoded(cmyk, form))
    assert np.abs(image.astype(int) - [255, 0, 0]).max() < 8


def test_an_adobe_cmyk_jpeg_is_inverted_back():
    data = encoded(PILImage.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")
    assert b"Adobe" in data  # Pillow writes them inverted, as Photoshop does, and says so in this marker
    assert tuple(load_image(data)[8, 8] > 128) == (True, False, False)


def test_alpha_is_composited_over_white():
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]], np.uint8)
    half = [round((c * 128 + 255 * 127) / 255) for c in (200, 100, 0)]
    for form, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        image = load_image(encoded(rgba, form, **options))
        assert np.abs(image[0].astype(int) - [[200, 100, 0], [255, 255, 255], half]).max() <= 1


def test_grey_with_alpha():
    data = encoded(PILImage.fromarray(np.array([[[10, 255], [10, 0]]], np.uint8), "LA"), "PNG")
    assert load_image(data).tolist() == [[[10] * 3, [255] * 3]]


def palette_picture():
    picture = PILImage.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    return picture


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_palette_with_and_without_transparency(form):
    red, green, blue, white = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]
    assert load_image(encoded(palette_picture(), form)).tolist() == [[red, green, blue]]
    assert load_image(encoded(palette_picture(), form, transparency=1)).tolist() == [[red, white, blue]]


def test_a_palette_with_half_transparent_colours():
    image = load_image(encoded(palette_picture(), "PNG", transparency=bytes([255, 128, 0])))
    assert np.abs(image[0].astype(int) - [[255, 0, 0], [127, 255, 127], [255, 255, 255]]).max() <= 1


@pytest.mark.parametrize(("mode", "clear"), [("RGB", (1, 2, 3)), ("L", 7)])
def test_a_colour_declared_transparent(mode, clear):
    data = encoded(PILImage.new(mode, (2, 2), clear), "PNG", transparency=clear)
    assert (load_image(data) == 255).all()


def test_one_bit():
    bits = PILImage.fromarray(np.array([[0, 255, 255]], np.uint8)).convert("1")
    for form in ("PNG", "BMP", "TIFF"):
        assert load_image(encoded(bits, form))[0, :, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(("form", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})])
def test_an_animation_is_its_first_frame(form, options):
    other = PILImage.fromarray(UPRIGHT[:, ::-1].copy())
    data = encoded(UPRIGHT, form, save_all=True, append_images=[other], **options)
    assert np.array_equal(load_image(data), UPRIGHT)


def test_every_kind_of_source_gives_the_same_picture(tmp_path):
    data = encoded(noise(), "PNG")
    path = tmp_path / "pícture.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (data, bytearray(data), memoryview(data), io.BytesIO(data), path, str(path), file):
            assert np.array_equal(load_image(source), noise())


def test_a_stream_can_be_loaded_twice():
    upload = io.BytesIO(encoded(noise(), "PNG"))
    assert np.array_equal(load_image(upload), load_image(upload))


def test_a_stream_that_answers_in_pieces_and_cannot_seek():
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self.rest = data

        def read(self, size=-1):
            part, self.rest = self.rest[: min(size, 100)], self.rest[min(size, 100) :]
            return part

    assert np.array_equal(load_image(Pipe(encoded(noise(), "PNG"))), noise())


def test_an_array_is_let_through_or_refused():
    assert load_image(noise()) is not None
    turned = load_image(noise()[:, ::-1])
    assert turned.flags.c_contiguous
    assert np.array_equal(turned, noise()[:, ::-1])
    with pytest.raises(ParameterError, match=r"float64.*\(20, 30, 3\)"):
        load_image(noise().astype(float))


# What is refused


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_picture_is_an_error(form, cut):
    data = encoded(noise(60, 80), form)
    with pytest.raises(ImageError, match="damaged or cut off") as refused:
        load_image(data[: int(len(data) * cut)])
    assert "))" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on damaged TIFF tags
def test_bytes_changed_at_random_are_a_picture_or_an_image_error():
    rng = np.random.default_rng(0)
    files = [encoded(noise(), form) for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]
    for turn in range(300):
        data = bytearray(files[turn % len(files)])
        for place in rng.integers(0, min(len(data), 300), 4):
            data[place] = rng.integers(0, 256)
        with contextlib.suppress(ImageError):
            assert_is_image(load_image(bytes(data)))


@pytest.mark.filterwarnings("error")  # Pillow's own limit is a warning for some of these sizes
@pytest.mark.parametrize("size", [(50_000, 50_000), (13_000, 10_000), (8_001, 5_000)])
def test_too_many_pixels_is_said_before_decoding(size, monkeypatch):
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self))
    with pytest.raises(ImageError) as caught:
        load_image(png_claiming(*size))
    assert f"{size[0]:,} × {size[1]:,}" in str(caught.value)
    assert "at most 40 megapixels" in str(caught.value)
    assert not decoded


def test_the_greatest_size_is_not_too_many_pixels():
    with pytest.raises(ImageError, match="cut off"):  # it goes on to decoding, and the claim is a lie
        load_image(png_claiming(8_000, 5_000))


def test_too_many_bytes(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(21 * 2**20)
    for source in (path, bytes(21 * 2**20)):
        with pytest.raises(ImageError, match=r"22 MB; at most 20 MB"):
            load_image(source)


def test_of_a_stream_no_more_than_the_limit_is_read():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            assert size >= 0
            self.given += size
            return bytes(size)

    stream = Endless()
    with pytest.raises(ImageError, match="more than 20 MB"):
        load_image(stream)
    assert stream.given == MAX_BYTES + 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"Dear diary, today I saw a cat.", "not a picture"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "damaged"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "MP4"),
        (b"PK\x03\x04rest of the archive", "ZIP"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\xff\xd8\xff\xe0 and then nothing of the kind", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
    ],
)
def test_what_is_no_picture_is_named(data, said):
    with pytest.raises(ImageError, match=said):
        load_image(data)


@pytest.mark.parametrize(("form", "said"), [("ICO", "ICO"), ("PPM", "PNM"), ("TGA", "TGA"), ("JPEG2000", "JPEG 2000")])
def test_formats_off_the_list_are_refused_though_pillow_knows_them(form, said):
    with pytest.raises(ImageError, match=said):
        load_image(encoded(noise(), form))


def test_paths_that_lead_to_no_picture(tmp_path):
    with pytest.raises(ImageError, match=r"no file “.*nowhere\.png”"):
        load_image(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="no ordinary file"):
        load_image("/dev/zero")
    with pytest.raises(ImageError):
        load_image("a\0b.png")


@pytest.mark.parametrize("source", [None, 7, io.StringIO("text")])
def test_sources_of_another_kind(source):
    with pytest.raises(ImageError, match="binary"):
        load_image(source)


# check_image, fit, encode, fingerprint


@pytest.mark.parametrize(
    "image",
    [
        None,
        [[1, 2], [3, 4]],
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
    ],
)
def test_check_image_refuses(image):
    with pytest.raises(ParameterError, match="uint8 of shape"):
        check_image(image)


def test_check_image_lets_a_picture_through_as_it_is():
    image = noise()
    assert check_image(image) is image
    assert min(check_image(noise(1, 5)[::-1]).strides) > 0


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((200, 100), 50, (50, 25)),
        ((100, 200), 50, (25, 50)),
        ((50, 40), 50, (50, 40)),
        ((5, 4), 50, (5, 4)),
        ((20, 10_000), 100, (1, 100)),
        ((10_000, 20), 100, (100, 1)),
        ((3, 3), 1, (1, 1)),
    ],
)
def test_fit(shape, longest, expected):
    assert fit(noise(*shape), longest).shape == (*expected, 3)


def test_fit_averages_areas():
    image = noise(40, 60)
    means = image.reshape(10, 4, 15, 4, 3).mean(axis=(1, 3))
    assert np.abs(fit(image, 15) - means).max() <= 0.51


@pytest.mark.parametrize("longest", [0, -3, 2.5, True, None])
def test_fit_refuses(longest):
    with pytest.raises(ParameterError, match="longest side"):
        fit(noise(), longest)


@pytest.mark.parametrize(
    ("shape", "slimmest", "expected"),
    [((10, 400), 2.5, (10, 26)), ((401, 10), 2.5, (25, 10)), ((10, 25), 2.5, (10, 25)), ((1, 9), 16, (1, 9))],
)
def test_of_a_strip_the_middle_is_left(shape, slimmest, expected):
    image = np.stack(np.indices(shape), 2)  # each pixel says where it is
    found = middle(image, slimmest)
    assert found.shape == (*expected, 2)
    assert np.abs(found.mean((0, 1)) - image.mean((0, 1))).max() <= 0.5, "as far from both ends"


def test_encoding_there_and_back():
    assert np.array_equal(load_image(encode_png(noise())), noise())
    assert np.abs(load_image(encode_jpeg(UPRIGHT, 100)).astype(int) - UPRIGHT)[4:12, 4:12].max() < 8
    assert len(encode_jpeg(noise(100, 100), 20)) < len(encode_jpeg(noise(100, 100), 95))


@pytest.mark.parametrize("quality", [80, 95])
def test_a_jpeg_without_colours_is_grey_and_read_as_if_it_were_not(quality):
    grey = np.repeat(noise(100, 140)[..., :1], 3, axis=2)
    data = encode_jpeg(grey, quality)
    assert PILImage.open(io.BytesIO(data)).mode == "L"
    written = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    assert PILImage.open(io.BytesIO(written)).mode == "RGB"
    assert np.array_equal(load_image(data), load_image(written))
    grey[99, 139, 1] ^= 1  # one pixel that none of the few is
    assert PILImage.open(io.BytesIO(encode_jpeg(grey, quality))).mode == "RGB"


@pytest.mark.parametrize(
    ("name", "kind", "off"),
    [
        ("a.jpg", "JPEG", 8),
        ("b.c.JPEG", "JPEG", 8),
        ("a.png", "PNG", 0),
        ("a.webp", "WEBP", 8),
        ("a.TIF", "TIFF", 0),
        ("a.tiff", "TIFF", 0),
    ],
)
def test_a_picture_is_written_as_its_files_name_says(name, kind, off):
    data = encoder_for(name)(UPRIGHT)
    assert PILImage.open(io.BytesIO(data)).format == kind
    assert np.abs(load_image(data).astype(int) - UPRIGHT)[4:12, 4:12].max() <= off


def test_what_no_name_says_and_no_format_holds_is_refused():
    for name in ("a.gif", "png", ".png", ""):
        with pytest.raises(ParameterError, match=r"should end in \.jpg, \.jpeg, \.png, \.webp, \.tif, \.tiff"):
            encoder_for(name)
    with pytest.raises(ParameterError, match="cannot be written as webp"):
        encoder_for("a.webp")(noise(1, 16_384))


def test_encode_jpeg_refuses():
    for quality in (0, 101, 1.5, True):
        with pytest.raises(ParameterError, match="1 to 100"):
            encode_jpeg(noise(), quality)
    with pytest.raises(ParameterError, match="70,000"):
        encode_jpeg(noise(1, 70_000))


def test_fingerprint_tells_pictures_and_shapes_apart():
    image = noise(20, 30)
    changed = image.copy()
    changed[-1, -1, -1] ^= 1
    prints = [fingerprint(i) for i in (image, changed, image.reshape(30, 20, 3))]
    assert len(set(prints)) == 3
    assert fingerprint(image.copy()) == fingerprint(image[::-1][::-1]) == prints[0]
    assert len(prints[0]) == 64
