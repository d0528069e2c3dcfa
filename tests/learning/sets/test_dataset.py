import io
import itertools
import pickle
import random
import re
import stat
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import MAX_BYTES, encode_jpeg, encode_png, fingerprint
from visionlab.learning.answers.many import zip_sources
from visionlab.learning.projects import intake
from visionlab.learning.sets import archive, dataset
from visionlab.learning.sets.copies import DECODERS
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.reading import read_zip as read_small_zip
from visionlab.learning.sets.ready_made import textures
from visionlab.learning.takeaway.package import labelled_zip
from visionlab.wording import quoted


def picture(number=0, side=8):
    return np.random.default_rng(number).integers(0, 256, (side, side + 1, 3), dtype=np.uint8)


def png(number=0):
    return encode_png(picture(number))


def packed(entries, method=zipfile.ZIP_STORED):
    """A zip of {name: bytes}, or of pairs; a name that ends in / makes a folder."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, data)
    return file.getvalue()


def patched(data, local, central, layout, value):
    """The zip with one field of its first entry's two headers overwritten, as a forger would."""
    forged = bytearray(data)
    struct.pack_into(layout, forged, local, value)
    struct.pack_into(layout, forged, data.index(b"PK\x01\x02") + central, value)
    return bytes(forged)


def numbered(labels, groups=None, classes=None):
    """A set whose pictures are their own numbers: splits look at labels and groups alone."""
    count = len(labels)
    classes = classes or [f"class {label}" for label in range(max(labels) + 1)]
    return LabelledImages(range(count), labels, classes, range(count) if groups is None else groups, [""] * count)


ANIMALS = {"cats/1.png": png(1), "cats/2.png": png(2), "dogs/1.png": png(3)}


# The record ----------------------------------------------------------------------------------------------------------


def test_a_record_is_normalised():
    data = LabelledImages([picture()], [0], [" cats "], [7], ["1.png"])
    assert data.classes == ("cats",)
    assert data.names == ("1.png",)
    assert data.labels.dtype == data.groups.dtype == np.int64
    assert len(data) == 1


@pytest.mark.parametrize(
    ("labels", "classes", "groups", "names", "told"),
    [
        ([0], ["cats"], [0, 1], ["1", "2"], "2 images, 1 labels"),
        ([0, 1], ["cats", "dogs"], [0], ["1", "2"], "1 groups"),
        ([0, 1], ["cats", "dogs"], [0, 1], ["1"], "1 names"),
        ([0, 2], ["cats", "dogs"], [0, 1], ["1", "2"], "label 2 belongs to no class; 2 classes"),
        ([0, -1], ["cats", "dogs"], [0, 1], ["1", "2"], "label -1"),
        ([0.0, 1.0], ["cats", "dogs"], [0, 1], ["1", "2"], "whole numbers"),
        ([0, 1], ["cats", "  "], [0, 1], ["1", "2"], "empty name"),
        ([0, 1], ["cats", "cats"], [0, 1], ["1", "2"], "wo classes of the same name"),
        ([0, 1], ["Cats ", "cats"], [0, 1], ["1", "2"], "wo classes of the same name: “Cats” and “cats”"),
        ([0, 1], ["caf\u00e9", "cafe\u0301"], [0, 1], ["1", "2"], "wo classes of the same name"),
    ],
)
def test_what_does_not_fit_together_is_refused(labels, classes, groups, names, told):
    with pytest.raises(DatasetError, match=told):
        LabelledImages([picture(1), picture(2)], labels, classes, groups, names)


def test_counts_and_subsets():
    data = numbered([0, 1, 1, 0, 1], classes=["cats", "dogs", "birds"])
    assert data.counts() == {"cats": 2, "dogs": 3, "birds": 0}
    part = data.subset([4, 0])
    assert list(part.images) == [4, 0]
    assert part.labels.tolist() == [1, 0]
    assert part.groups.tolist() == [4, 0]
    assert part.classes == data.classes
    assert list(part.subset([1]).images) == [0]
    assert list(data.subset(data.labels == 0).images) == [0, 3]
    assert len(data.subset([])) == 0
    with pytest.raises(IndexError):
        data.subset([5])


# Arrays and uploads --------------------------------------------------------------------------------------------------


def test_arrays_keep_order_and_come_once():
    data = LabelledImages.from_arrays({"dogs": [picture(1), picture(2), picture(1)], "cats": [picture(3)]})
    assert data.classes == ("dogs", "cats")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.groups.tolist() == [0, 1, 2]
    assert data.names == ("dogs 1", "dogs 2", "cats 1")
    assert data.told == ("1 exact copy left out.", "The originals of the exact copies: 1 in “dogs”.")
    np.testing.assert_array_equal(data.images[2], picture(3))


def test_keys_name_the_content_and_stay_with_their_pictures(tmp_path):
    uploads = {"cats": [("1.png", png(1)), ("2.png", png(2))], "dogs": [("3.png", png(3))]}
    by_name = {"1.png": picture(1), "2.png": picture(2), "3.png": picture(3)}
    sets = [
        LabelledImages.from_uploads(uploads),
        LabelledImages.from_arrays({"cats": [picture(1), picture(2)], "dogs": [picture(3)]}),
        LabelledImages.from_zip(packed({f"{name}/{file}": data for name in uploads for file, data in uploads[name]})),
        LabelledImages.from_folder(planted(tmp_path, {f"{n}/{f}": data for n in uploads for f, data in uploads[n]})),
    ]
    for data in sets:
        assert data.keys == tuple(map(fingerprint, by_name.values()))
        assert data.subset([2, 0]).keys == (data.keys[2], data.keys[0])
    whole = textures(patches=4)
    assert whole.keys == tuple(map(fingerprint, whole.images))
    for part in whole.split():
        assert part.keys == tuple(map(fingerprint, part.images))
    assert numbered([0, 1]).keys == numbered([0, 1]).subset([0]).keys == ()  # not known
    with pytest.raises(DatasetError, match="these are 1 keys"):
        LabelledImages([picture(1), picture(2)], [0, 1], ["cats", "dogs"], [0, 1], ["1", "2"], ["abc"])


def test_equal_pixels_of_another_shape_are_no_copy():
    flat, tall = np.zeros((2, 4, 3), np.uint8), np.zeros((4, 2, 3), np.uint8)
    assert LabelledImages.from_arrays({"a": [flat, tall]}).groups.tolist() == [0, 1]


def test_an_array_of_another_kind_is_named():
    with pytest.raises(DatasetError, match=r"“cats 2” is no picture: .*float64"):
        LabelledImages.from_arrays({"cats": [picture(), np.zeros((4, 4, 3))]})


def test_uploads_decode_at_each_look(monkeypatch):
    data = LabelledImages.from_uploads({"cats": [("b.png", png(1)), ("a.png", png(2))], "dogs": [("c.png", png(3))]})
    assert data.names == ("b.png", "a.png", "c.png")
    assert data.labels.tolist() == [0, 0, 1]
    looks = []
    monkeypatch.setattr(dataset, "load_image", lambda source: looks.append(source) or picture(9))
    part = data.subset([2, 0])
    later = part.images[1:]
    assert looks == []  # neither a selection nor a slice decodes
    assert len(later) == 1
    later[0], part.images[-2]
    assert looks == [png(1), png(3)]


def test_every_look_shows_the_same_pixels():
    data = LabelledImages.from_uploads({"cats": [("1.png", png(1)), ("2.png", png(2))]})
    for _ in range(2):
        for index in (np.int64(0), 1, -1):
            np.testing.assert_array_equal(data.images[index], picture((1, 2, 2)[index]))
    assert [image.shape for image in data.images] == [(8, 9, 3)] * 2  # iterating ends
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data)).subset([1]).images[0], picture(2))


def test_memory_stays_bounded():
    grey = np.full((1000, 1000, 3), 90, np.uint8)  # 3 MB decoded, some kB encoded
    files = []
    for number in range(24):
        grey[:8, :8] = number
        files.append((f"{number}.jpg", encode_jpeg(grey)))
    tracemalloc.start()
    data = LabelledImages.from_uploads({"cats": files})
    checked = sum(int(image[500, 500, 0]) for image in data.images)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert abs(checked - 24 * 90) <= 24
    assert kept < 4e6  # all decoded: 72 MB
    assert peak < 10e6 * DECODERS


def test_copies_are_found_whatever_the_format():
    bitmap = io.BytesIO()
    PillowImage.fromarray(picture(1)).save(bitmap, "BMP")
    uploads = {"cats": [("a.png", png(1)), ("b.png", png(2)), ("a copy.bmp", bitmap.getvalue())]}
    found = LabelledImages.from_uploads(uploads)
    assert (found.names, found.told[0]) == (("a.png", "b.png"), "1 exact copy left out.")


def test_uploads_that_are_refused(monkeypatch):
    with pytest.raises(DatasetError, match=r"The only picture cannot be read: “cats/b.png” cannot be read: "):
        LabelledImages.from_uploads({"cats": [("b.png", png()[:60])]})
    with pytest.raises(DatasetError, match=r"None of these 2 pictures can be read; of the first one: “cats/b.png”"):
        LabelledImages.from_uploads({"cats": [("b.png", png()[:60])], "dogs": [("c.png", b"")]})
    with pytest.raises(DatasetError, match="class “dogs” has no pictures"):
        LabelledImages.from_uploads({"cats": [("a.png", png())], "dogs": []})
    with pytest.raises(DatasetError, match="no classes"):
        LabelledImages.from_uploads({})
    with pytest.raises(DatasetError, match="301 classes; at most 300"):
        LabelledImages.from_uploads({str(number): [("a.png", png())] for number in range(301)})
    with pytest.raises(DatasetError, match="5,001 pictures; at most 5,000"):
        LabelledImages.from_uploads({"cats": [("a.png", b"")] * 5001})


# Folders -------------------------------------------------------------------------------------------------------------


def planted(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_a_folder_of_folders(tmp_path):
    litter = {
        "dogs/.hidden.png": b"x",
        "dogs/Thumbs.db": b"x",
        "dogs/notes.txt": b"x",
        "cats/.cache/1.png": b"x",
        "__MACOSX/cats/._1.png": b"x",
        ".git/1.png": b"x",
        "loose.png": b"x",
    }
    nested = {"cats/young/1.PNG": png(4)}
    data = LabelledImages.from_folder(planted(tmp_path, ANIMALS | nested | litter))
    assert data.classes == ("cats", "dogs")
    assert data.names == ("1.png", "2.png", "young/1.PNG", "1.png")
    assert data.counts() == {"cats": 3, "dogs": 1}
    np.testing.assert_array_equal(data.images[2], picture(4))
    assert len(set(data.groups.tolist())) == 4


def test_class_folders_may_be_links(tmp_path):
    planted(tmp_path, {"store/1.png": png(1), "set/dogs/1.png": png(2)})
    (tmp_path / "set" / "cats").symlink_to(tmp_path / "store", target_is_directory=True)
    assert LabelledImages.from_folder(tmp_path / "set").counts() == {"cats": 1, "dogs": 1}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"1.png": png()}, "no class folders; put the pictures into one folder a class"),
        ({"cats/1.png": b"x", "dogs/2.heic": b"\0\0\0\x18ftypheic"}, "None of these 2 pictures can be read"),
    ],
)
def test_folders_that_are_refused(tmp_path, files, told):
    with pytest.raises(DatasetError, match=told):
        LabelledImages.from_folder(planted(tmp_path, files))


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is no folder"):
        LabelledImages.from_folder(tmp_path / "absent")


@pytest.mark.parametrize("door", [LabelledImages, intake])
def test_each_door_names_the_other_one(tmp_path, door):
    planted(tmp_path / "set", ANIMALS)
    for name, data in {"set.zip": packed(ANIMALS), "cut.zip": packed(ANIMALS)[:-30], "none.zip": packed({})}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DatasetError, match=rf"{name}” is a zip, no folder; open it with from_zip\."):
            door.from_folder(tmp_path / name)
    for path in (tmp_path / "set", str(tmp_path / "set")):
        with pytest.raises(DatasetError, match=r"set” is a folder, no zip; open it with from_folder\."):
            door.from_zip(path)


def test_a_picture_that_vanishes_is_named_at_the_next_look(tmp_path):
    data = LabelledImages.from_folder(planted(tmp_path, ANIMALS))
    (tmp_path / "cats" / "2.png").unlink()
    assert data.images[0].shape == (8, 9, 3)
    with pytest.raises(DatasetError, match=r"“cats/2.png” cannot be read"):
        data.images[1]


# Pictures that cannot be read ----------------------------------------------------------------------------------------

BROKEN = {
    "cats/cut.png": png(5)[:60],
    "cats/none.jpg": b"not a picture",
    "dogs/2.heic": b"\0\0\0\x18ftypheic",
    "mice/empty.gif": b"",
}


def damaged(files, name):
    """The zip of these, with the bytes of one of them overwritten."""
    data = packed(files)
    at = data.index(files[name]) + len(files[name]) // 2
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path):
    whole = ANIMALS | BROKEN
    uploads = {}
    for name, data in whole.items():
        uploads.setdefault(name.partition("/")[0], []).append((name.partition("/")[2], data))
    sets = (
        LabelledImages.from_folder(planted(tmp_path, whole)),
        LabelledImages.from_zip(packed(whole)),
        LabelledImages.from_uploads(uploads),
        LabelledImages.from_uploads(uploads, belonging=["burst"] * len(whole), parts=["train"] * len(whole)),
    )
    for data in sets:
        assert data.counts() == {"cats": 2, "dogs": 1}
        assert data.names == ("1.png", "2.png", "1.png")
        assert [text.partition("” cannot be read: ")[0] for text in data.problems] == [f"“{name}" for name in BROKEN]
        gone = "1 class has no picture that can be read, and is left out: mice."
        assert data.told == ((f"The set comes in parts: {len(data)} train.",) if data.parts else ()) + (gone,)
        assert data.paths == ("cats/1.png", "cats/2.png", "dogs/1.png")
        np.testing.assert_array_equal(data.images[2], picture(3))
        assert data.keys == tuple(fingerprint(picture(number)) for number in (1, 2, 3))
        train, held = data.subset([0, 2]), data.part("test")
        assert (train.problems, len(held)) == (data.problems, 0)
    assert [data.groups.tolist() for data in sets] == [[0, 1, 2]] * 3 + [[0, 0, 0]]
    assert [data.parts for data in sets] == [()] * 3 + [("train",) * 3]


def test_a_picture_that_is_damaged_in_its_zip_or_too_large_is_left_out_and_named(monkeypatch):
    found = LabelledImages.from_zip(damaged(ANIMALS, "cats/2.png"))
    assert found.counts() == {"cats": 1, "dogs": 1}
    assert found.problems[0].startswith("“cats/2.png” is damaged in the zip (")
    assert found.problems[0].endswith("); pack it anew.")
    monkeypatch.setattr(archive, "MAX_BYTES", len(ANIMALS["dogs/1.png"]))
    found = LabelledImages.from_zip(packed(ANIMALS | {"dogs/9.png": bytes(1000)}))
    assert found.counts() == {"cats": 2, "dogs": 1}
    assert [text.partition(" has ")[0] for text in found.problems] == ["“dogs/9.png”"]


# Zips ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("around", ["", "mydata/", "./", "train/"])
def test_a_zip_is_read_like_a_folder(tmp_path, around, method):
    data = packed({around + name: content for name, content in ANIMALS.items()}, method)
    path = tmp_path / "animals.zip"
    path.write_bytes(data)
    file = io.BytesIO(data)
    file.read()  # where an upload stands that was read before
    with path.open("rb") as opened:
        for source in (path, str(path), data, bytearray(data), file, opened):
            found = LabelledImages.from_zip(source)
            assert found.counts() == {"cats": 2, "dogs": 1}
            assert found.names == ("1.png", "2.png", "1.png")
            np.testing.assert_array_equal(found.images[2], picture(3))
        assert not opened.closed
    assert [entry.name for entry in tmp_path.iterdir()] == ["animals.zip"]  # nothing was extracted


def test_litter_in_a_zip_is_passed_over():
    litter = {
        "__MACOSX/mydata/cats/._1.png": b"x",
        "__MACOSX/._mydata": b"x",
        "mydata/.DS_Store": b"x",
        "mydata/cats/Thumbs.db": b"x",
        ".DS_Store": b"x",
        "mydata/": b"",
        "mydata/cats/": b"",
    }
    wrapped = {f"mydata/{name}": content for name, content in ANIMALS.items()}
    assert LabelledImages.from_zip(packed(litter | wrapped)).counts() == {"cats": 2, "dogs": 1}


def test_unicode_names_with_and_without_their_flag():
    marked = packed({"Bäume/größe.png": png(1), "猫/一.png": png(2)})
    assert LabelledImages.from_zip(marked).classes == ("Bäume", "猫")
    # A Mac writes UTF-8 without saying so, and spells ä as two characters.
    plain = packed({"Bxxxume/1.png": png(1)}).replace(b"Bxxxume", "Ba\u0308ume".encode())
    found = LabelledImages.from_zip(plain)
    assert found.classes == ("B\u00e4ume",)
    # What is not UTF-8 is cp437, as the format says.
    old = packed({"Bxume/1.png": png(1)}).replace(b"Bxume", "Bäume".encode("cp437"))
    assert LabelledImages.from_zip(old).classes == ("Bäume",)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "cats/../../evil.png",
        "/etc/evil.png",
        "C:/evil.png",
        "c:evil.png",
        "cats\\..\\..\\evil.png",
        "\\\\server\\evil.png",
        "C:\\evil.png",
        "..",
        "//a/b.png",
    ],
)
def test_hostile_paths_are_named(name):
    with pytest.raises(DatasetError) as caught:
        LabelledImages.from_zip(packed(ANIMALS | {name: png()}))
    assert quoted(name) in str(caught.value)


def test_a_null_character_hides_nothing():
    data = packed(ANIMALS | {"cats/3.pngX.exe": png()}).replace(b"cats/3.pngX.exe", b"cats/3.png\0.exe")
    with pytest.raises(DatasetError, match=r"cats/3.png\\u0000.exe"):
        LabelledImages.from_zip(data)


def test_hostile_paths_among_litter_are_refused_too():
    with pytest.raises(DatasetError, match="no plain path"):
        LabelledImages.from_zip(packed(ANIMALS | {"__MACOSX/../../x": b""}))


def test_links_lead_nowhere(tmp_path):
    planted(tmp_path, {"secret.png": png()})
    link = zipfile.ZipInfo("cats/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    found = LabelledImages.from_zip(packed([(link, str(tmp_path / "secret.png")), *ANIMALS.items()]))
    assert found.counts() == {"cats": 2, "dogs": 1}
    assert found.problems[0].startswith("“cats/link.png” cannot be read")


def test_encrypted_entries_are_named():
    with pytest.raises(DatasetError, match=r"“cats/1.png” is encrypted"):
        LabelledImages.from_zip(patched(packed(ANIMALS), 6, 8, "<H", 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_without_a_bound_are_refused(method):
    with pytest.raises(DatasetError, match=f"“cats/1.png” is packed by method {method}"):
        LabelledImages.from_zip(packed(ANIMALS, method))


def test_entries_of_one_name_are_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed([("cats/1.png", png(1)), ("cats/1.png", png(2))])
    with pytest.raises(DatasetError, match=r"“cats/1.png” twice"):
        LabelledImages.from_zip(data)


@pytest.mark.parametrize("data", [b"", b"PK", png(), b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(data):
    with pytest.raises(DatasetError, match="no zip file that can be read"):
        LabelledImages.from_zip(data)


def tarred(mode):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        entry = tarfile.TarInfo("cats/1.png")
        entry.size = len(png())
        archive.addfile(entry, io.BytesIO(png()))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (packed(ANIMALS)[:-30], "is a zip that looks cut off"),
        (packed(ANIMALS)[: len(packed(ANIMALS)) // 2], "is a zip that looks cut off"),
        (tarred("w"), "is a tar archive, which is not read here. Unpack it, and pack the folder as a plain .zip."),
        (tarred("w:gz"), "is a gzip archive, such as a .tar.gz, which is not read here."),
        (tarred("w:bz2"), "is a bzip2 archive"),
        (tarred("w:xz"), "is an xz archive"),
        (png(), "is no zip file that can be read"),
    ],
)
def test_what_a_file_is_that_is_no_zip_is_told_by_its_name(data, told, tmp_path):
    (tmp_path / "mine.zip").write_bytes(data)
    for door in (LabelledImages.from_zip, labelled_zip, read_small_zip):
        with pytest.raises(DatasetError, match=f"^“mine.zip” {re.escape(told)}"):
            door(tmp_path / "mine.zip")
    with pytest.raises(DatasetError, match=f"^The file {re.escape(told)}"):
        LabelledImages.from_zip(data)
    upload = io.BytesIO(data)
    upload.name = "theirs.zip"
    with pytest.raises(DatasetError, match=f"^“theirs.zip” {re.escape(told)}"):
        labelled_zip(upload)


def test_a_zip_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="cannot be opened"):
        LabelledImages.from_zip(tmp_path / "absent.zip")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_a_dataset_error_or_harmless(data):
    whole = packed(ANIMALS, zipfile.ZIP_DEFLATED)
    forged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DatasetError):  # and nothing else
        assert len(LabelledImages.from_zip(bytes(forged))) <= 3


def test_zips_without_classes_are_refused():
    for entries in ({}, {"1.png": png()}, {"__MACOSX/cats/1.png": png()}):
        with pytest.raises(DatasetError, match="no class folders"):
            LabelledImages.from_zip(packed(entries))


def test_ten_thousand_folders_are_too_many():
    with pytest.raises(DatasetError, match="10,000 classes; at most 300 are taken"):
        LabelledImages.from_zip(packed({f"{number}/1.png": b"" for number in range(10_000)}))


def test_too_many_pictures():
    with pytest.raises(DatasetError, match="5,001 pictures; at most 5,000 are taken"):
        LabelledImages.from_zip(packed({f"cats/{number}.png": b"" for number in range(5001)}))


def test_a_table_of_contents_without_end_is_not_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(70):
            info = zipfile.ZipInfo(f"cats/{number}.png")
            info.comment = bytes(65_000)
            archive.writestr(info, png())
    with pytest.raises(DatasetError, match=r"table of contents takes 4\.55 MB; at most 4 MB"):
        LabelledImages.from_zip(file.getvalue())


def test_sizes_of_the_file_and_of_all_pictures(monkeypatch):
    data = packed(ANIMALS)
    monkeypatch.setattr(archive, "MAX_UPLOAD_BYTES", len(data))
    total = sum(map(len, ANIMALS.values()))
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", total)
    assert len(LabelledImages.from_zip(data)) == 3  # the limits themselves are within
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", total - 1)
    with pytest.raises(DatasetError, match="unpacked; at most"):
        LabelledImages.from_zip(data)
    monkeypatch.setattr(archive, "MAX_UPLOAD_BYTES", len(data) - 1)
    with pytest.raises(DatasetError, match=r"The zip has .* kB; at most"):
        LabelledImages.from_zip(data)


def test_a_zip_on_the_disk_is_read_picture_by_picture_and_may_be_larger_than_an_upload(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_UPLOAD_BYTES", 10_000)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10_000)
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as packing:  # 26 MB
        for number in range(24):
            noise[0, 0] = number
            packing.writestr(f"{'cats' if number % 2 else 'dogs'}/{number}.png", encode_png(noise))
    tracemalloc.start()
    data = LabelledImages.from_zip(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.counts() == {"cats": 12, "dogs": 12}
    assert peak < path.stat().st_size / 2
    np.testing.assert_array_equal(data.images[0][0, 1:], noise[0, 1:])
    assert intake.labelled(intake.from_zip(path)).keys == data.keys
    with pytest.raises(DatasetError, match=r"The zip has .* MB; at most"), path.open("rb") as file:
        LabelledImages.from_zip(file)
    monkeypatch.setattr(archive, "MAX_ZIP_BYTES", path.stat().st_size - 1)
    with pytest.raises(DatasetError, match=r"The zip has .* MB; at most"):
        LabelledImages.from_zip(path)


def test_a_zip_on_the_disk_is_not_held_open_and_its_pictures_can_be_pickled(tmp_path, monkeypatch):
    path = tmp_path / "animals.zip"
    path.write_bytes(packed(ANIMALS))
    monkeypatch.chdir(tmp_path)
    asked = [
        LabelledImages.from_zip("animals.zip").images,
        intake.labelled(intake.from_zip("animals.zip")).images,
        [source.load for source in zip_sources("animals.zip")],
    ]
    open_files = [link.resolve() for link in Path("/proc/self/fd").iterdir()] if Path("/proc/self/fd").is_dir() else []
    assert path not in open_files
    copies = pickle.loads(pickle.dumps(asked))
    monkeypatch.chdir("/")
    for before, after in zip(asked[:2], copies[:2], strict=True):
        assert len(before) == 3
        for each, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(each, other)
    np.testing.assert_array_equal(asked[2][0](), copies[2][0]())
    path.unlink()
    with pytest.raises(DatasetError, match=r"animals\.zip” cannot be opened: No such file"):
        asked[0][0]


def test_sizes_are_counted_as_read_too(monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10_000)
    monkeypatch.setattr(archive, "read_entry", lambda *_: bytes(6_000))
    with pytest.raises(DatasetError, match="unpacked; at most"):
        LabelledImages.from_zip(packed(ANIMALS))


@pytest.fixture(scope="module")
def bomb():
    return packed({"cats/1.png": bytes(MAX_BYTES + 1)}, zipfile.ZIP_DEFLATED)  # 20 kB


def test_an_honest_bomb_is_refused_before_it_is_unpacked(bomb, monkeypatch):
    monkeypatch.setattr(archive, "read_chunks", None)
    with pytest.raises(DatasetError, match=r"“cats/1.png” has 21 MB; at most 20 MB a picture"):
        LabelledImages.from_zip(bomb)


@pytest.mark.parametrize("checksum", [False, True])
def test_a_bomb_with_a_lying_header_stays_small(bomb, checksum):
    forged = patched(bomb, 22, 24, "<I", 1000)  # the size once unpacked
    if checksum:
        forged = patched(forged, 14, 16, "<I", zlib.crc32(bytes(1000)))
    tracemalloc.start()
    with pytest.raises(DatasetError, match=r"cats/1.png"):
        LabelledImages.from_zip(forged)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


# The split -----------------------------------------------------------------------------------------------------------

shares = st.floats(0.05, 0.95)
seeds = st.integers(0, 2**32)
one_class = st.lists(st.integers(1, 4), min_size=2, max_size=7)  # the sizes of its groups


@st.composite
def sets_with_pure_groups(draw):
    sizes = draw(st.lists(one_class, min_size=2, max_size=4))
    rows = []
    for label, groups in enumerate(sizes):
        for number, size in enumerate(groups):
            rows += [(label, 100 * label + number)] * size
    rows = draw(st.permutations(rows))
    return numbered([label for label, _ in rows], [group for _, group in rows]), sizes


def check_split(data, train, held):
    assert sorted([*train.images, *held.images]) == list(range(len(data)))  # disjoint, and all of them
    for part in (train, held):
        assert part.classes == data.classes
        assert min(part.counts().values()) >= 1
        assert part.labels.tolist() == data.labels[list(part.images)].tolist()
    assert not set(train.groups.tolist()) & set(held.groups.tolist())


@settings(deadline=None)
@given(sets_with_pure_groups(), shares, seeds)
def test_every_class_comes_as_near_to_its_share_as_its_groups_permit(case, share, seed):
    data, sizes = case
    train, held = data.split(share, seed)
    check_split(data, train, held)
    for count, groups in zip(held.counts().values(), sizes, strict=True):
        total = sum(groups)
        some = (itertools.combinations(groups, number) for number in range(1, len(groups)))
        best = min(abs(sum(chosen) - share * total) for chosen in itertools.chain(*some))
        assert abs(count - share * total) == pytest.approx(best)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), min_size=6, max_size=24), shares, seeds)
def test_groups_that_span_classes_stay_whole(rows, share, seed):
    labels, groups = map(list, zip(*rows, strict=True))
    data = numbered(labels, groups, classes="abc")
    members = [{group for label, group in rows if label == wanted} for wanted in range(3)]
    assume(all(len(member) > 1 for member in members))
    everyone = sorted(set(groups))
    sides = (set(itertools.compress(everyone, bits)) for bits in itertools.product((0, 1), repeat=len(everyone)))
    possible = any(all(member & side and member - side for member in members) for side in sides)
    if possible:
        check_split(data, *data.split(share, seed))
    else:
        with pytest.raises(DatasetError, match="shares its groups"):
            data.split(share, seed)


def test_a_triangle_of_shared_groups_has_no_split():
    data = numbered([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0])
    with pytest.raises(DatasetError, match=r"“class [012]” shares its groups with other classes"):
        data.split()


def test_sessions_that_span_all_classes_are_shared_out():
    data = numbered(np.tile(np.arange(4), 80), np.repeat(np.arange(20), 16))  # 20 sessions, 4 of each class in each
    train, held = data.split(0.25, seed=3)
    check_split(data, train, held)
    assert set(held.counts().values()) == {20}


def test_pictures_of_one_class_fill_up_what_shared_groups_leave():
    own, shared = np.arange(28), [100, 100, 100, 200, 200, 200]
    data = numbered(np.repeat([0, 1, 0, 1], [14, 14, 6, 6]), np.concatenate([own, shared, shared]))
    splits = [data.split(0.25, seed)[1] for seed in range(20)]
    assert all(held.counts() == {"class 0": 5, "class 1": 5} for held in splits)
    assert len({bool(np.any(held.groups >= 100)) for held in splits}) == 2  # some hold a shared group out, some do not


def test_the_same_seed_makes_the_same_split_whatever_the_global_state():
    data = numbered(np.repeat([0, 1], 30))
    np.random.seed(1)  # noqa: NPY002 — the global state is the subject
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first = [list(part.images) for part in data.split(0.3, seed=5)]
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert before[1] == random.getstate()
    np.random.seed(2)  # noqa: NPY002
    assert [list(part.images) for part in data.split(0.3, seed=5)] == first
    assert [list(part.images) for part in data.split(0.3, seed=6)] != first
    assert first[1] == sorted(first[1])
    assert len(first[1]) == 18


def test_the_seed_decides_without_favour():
    data = numbered(np.repeat([0, 1], 8))
    held = np.bincount(np.concatenate([list(data.split(0.25, seed)[1].images) for seed in range(400)]), minlength=16)
    # Each picture is held out in 100 of 400 on average, with a standard deviation of 8.7.
    assert held.min() > 65
    assert held.max() < 135


def test_near_copies_never_straddle():
    numbers = {"cats": range(3), "dogs": range(3, 6)}
    lighter = {name: [np.minimum(picture(i), 250) + n for i in of for n in range(3)] for name, of in numbers.items()}
    data = LabelledImages.from_arrays(lighter)
    check = data.split(0.3)
    assert not set(check[0].groups.tolist()) & set(check[1].groups.tolist())
    assert check[1].counts() == {"cats": 3, "dogs": 3}


@pytest.mark.parametrize(
    ("labels", "groups", "classes", "told"),
    [
        ([0, 1, 1], None, ["cats", "dogs"], "“cats” has 1 picture; a split needs two that"),
        ([0, 1, 2], None, ["a", "b", "c"], "“a”, “b” and “c” have 1 picture each; a split needs two of each that"),
        (
            [0, 0, 1, 1],
            [0, 0, 1, 1],
            ["a", "b"],
            "“a” and “b” have 2 pictures each, all of one group; a split needs two of",
        ),
        ([0, 1, 1, 2, 2], [0, 1, 1, 2, 3], ["a", "b", "c"], "“a” has 1 picture; “b” has 2 pictures, all of one group;"),
        ([0, 0, 1, 1], [5, 5, 1, 2], ["cats", "dogs"], "“cats” has 2 pictures, all of one group; a split needs two"),
        ([0, 0], None, ["cats", "dogs"], "“dogs” has 0 pictures; "),
        ([0, 0], None, ["cats"], "1 class; two or more are needed"),
    ],
)
def test_what_cannot_be_split_is_named(labels, groups, classes, told):
    with pytest.raises(DatasetError, match=told):
        numbered(labels, groups, classes).split()


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 25, float("nan")])
def test_shares_outside_are_refused(share):
    with pytest.raises(ParameterError, match=r"between 0 and 1, like 0.25"):
        numbered([0, 0, 1, 1]).split(share)


def test_negative_seeds_are_refused():
    with pytest.raises(ParameterError, match="-1"):
        numbered([0, 0, 1, 1]).split(seed=-1)


def test_copies_of_few_pictures_are_few_pictures():
    """Seven pictures of which each came three times are seven."""
    labels, groups = np.repeat([0, 1], [30, 21]), np.concatenate([np.arange(30), 30 + np.arange(21) // 3])
    images, names = [np.zeros((2, 2, 3), np.uint8)] * 51, tuple(f"{number}.png" for number in range(51))
    copied = LabelledImages(images, labels, ("cats", "dogs"), groups, names)
    assert copied.few().startswith("“dogs” has 7 different pictures")
    assert not LabelledImages(images, labels, ("cats", "dogs"), np.arange(51), names).few()
    both = LabelledImages(
        images, 1 - labels, ("cats", "dogs"), np.concatenate([np.arange(30) // 10, groups[30:]]), names
    )
    assert both.few().startswith("“cats” has 7 different pictures, “dogs” has 3 different pictures:")
    labels, groups = np.repeat([0, 1], [49, 2]), np.concatenate([np.arange(49) // 2, [90, 91]])
    told = LabelledImages(images, labels, ("cats", "dogs"), groups, names).few()
    assert told.startswith("“dogs” has 2 pictures beside 25 different of “cats”:"), "else there are 49 of them"


def test_what_is_no_zip_is_told_of_a_file_without_a_name_too():
    """As the system gives them: such a file's name is a number."""
    with tempfile.TemporaryFile() as file:
        file.write(packed(ANIMALS)[:-30])
        with pytest.raises(DatasetError, match="The file is a zip that looks cut off"):
            LabelledImages.from_zip(file)


def test_a_set_is_printed_by_its_counts():
    rng = np.random.default_rng(0)
    pictures = {
        name: list(rng.integers(0, 256, (count, 40, 40, 3), np.uint8)) for name, count in {"a": 2, "b": 1}.items()
    }
    data = LabelledImages.from_arrays(pictures)
    assert repr(data) == str(data) == "LabelledImages: 2 of “a”, 1 of “b”"
