import csv
import io
import itertools
import os
import threading
import weakref
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.errors import DatasetError, ImageError, ParameterError
from visionlab.imaging.image import MAX_BYTES, encode_jpeg, encode_png, load_image
from visionlab.learning.answers import many
from visionlab.learning.answers.many import (
    Found,
    Source,
    Unreadable,
    folder_sources,
    left_out,
    predict_many,
    write_csv,
    zip_sources,
)
from visionlab.learning.sets.copies import DECODERS
from visionlab.network.running.prediction import Prediction, predict

NET = tiny_classifier()


def picture(number, side=40):
    return np.random.default_rng(number).integers(0, 256, (side, side + 7, 3), dtype=np.uint8)


def sources(count, broken=()):
    def load(number):
        if number in broken:
            raise ImageError(f"Number {number} is damaged.")
        return picture(number)

    return [Source(f"{n}.png", lambda n=n: load(n)) for n in range(count)]


def packed(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file


@pytest.mark.gpu
def test_many_are_predicted_like_each_of_them(tiny):
    found = list(predict_many(tiny, sources(11), top=3, batch=4))
    assert [each.name for each in found] == [f"{n}.png" for n in range(11)]
    expected = predict(tiny, [picture(n) for n in range(11)], top=3)
    for ours, theirs in zip(found, expected, strict=True):
        assert [answer.label for answer in ours.predictions] == [answer.label for answer in theirs]
        probabilities = [answer.probability for answer in theirs]
        tolerance = 1e-5 if tiny.device.type == "cpu" else 1e-3
        np.testing.assert_allclose([a.probability for a in ours.predictions], probabilities, atol=tolerance)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 13), st.integers(1, 6), st.sets(st.integers(0, 12)))
def test_order_is_kept_and_what_cannot_be_read_disturbs_nobody(count, batch, broken):
    found = list(predict_many(NET, sources(count, broken), batch=batch))
    assert [each.name for each in found] == [f"{n}.png" for n in range(count)]
    for number, each in enumerate(found):
        if number in broken:
            assert each == Unreadable(f"{number}.png", f"Number {number} is damaged.")
        else:
            assert len(each.predictions) == 5


def test_no_more_is_read_than_one_batch_ahead_and_few_pictures_are_decoded_at_once():
    alive, asked, lock, most = weakref.WeakSet(), [], threading.Lock(), 0

    class Pixels(np.ndarray):  # can be counted while it lives
        __hash__ = object.__hash__

    def load(number):
        nonlocal most
        pixels = picture(number).view(Pixels)
        with lock:
            alive.add(pixels)
            most = max(most, len(alive))
        return pixels

    def endless():
        for number in itertools.count():
            asked.append(number)
            yield Source(str(number), lambda number=number: load(number))

    found = predict_many(NET, endless(), batch=5)
    for number in range(23):
        assert next(found).name == str(number)
        assert len(asked) <= 5 * (number // 5 + 2)
    assert most <= 2 * DECODERS  # one that is being let go of, for each that decodes
    found.close()
    assert len(asked) == 30


def test_who_stops_asking_does_not_wait_for_the_rest():
    loaded, begin = [], threading.Event()

    def load(number):
        if number >= 2:
            begin.wait(20)
        loaded.append(number)
        return picture(number)

    found = predict_many(NET, (Source(str(n), lambda n=n: load(n)) for n in range(400)), batch=2)
    assert next(found).name == "0"
    begin.set()
    found.close()
    assert len(loaded) <= 4


def test_thumbnails_are_small_pictures_and_can_be_left_out():
    wide = [Source("wide.png", lambda: np.full((90, 300, 3), 200, np.uint8))]
    (found,) = predict_many(NET, wide)
    assert load_image(found.thumbnail).shape == (29, many.THUMBNAIL, 3)
    assert abs(load_image(found.thumbnail).mean() - 200) < 2
    (found,) = predict_many(NET, wide, thumbnail=None)
    assert found.thumbnail is None


@pytest.mark.parametrize("wrong", [{"top": 0}, {"batch": 0}])
def test_odd_numbers_are_refused_before_anything_is_read(wrong):
    with pytest.raises(ParameterError, match="0"):
        predict_many(NET, sources(1), **wrong)


def test_a_folder_gives_its_pictures_sorted_without_litter(tmp_path):
    for name in ("b.png", "a/2.JPG", "a/10.png", "a/deep/er/x.webp", ".hidden/1.png", "a/.2.png", "__MACOSX/b.png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(picture(1)))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "c.jpg").write_text("no picture either")
    (tmp_path / "folder.png").mkdir()
    found = folder_sources(tmp_path)
    expected = ["a/10.png", "a/2.JPG", "a/deep/er/x.webp", "b.png", "c.jpg"]
    assert [each.name for each in found] == [str(tmp_path / name) for name in expected]
    np.testing.assert_array_equal(found[0].load(), picture(1))
    last = list(predict_many(NET, found))[-1]
    assert isinstance(last, Unreadable)
    assert "not a picture" in last.why


def test_a_picture_that_went_away_is_told(tmp_path):
    (tmp_path / "1.png").write_bytes(encode_png(picture(1)))
    found = folder_sources(tmp_path)
    (tmp_path / "1.png").unlink()
    assert [type(each) for each in predict_many(NET, found)] == [Unreadable]


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.png").write_bytes(encode_png(picture(1)))
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    closed, read = predict_many(NET, folder_sources(tmp_path))
    assert closed == Unreadable(str(tmp_path / "a"), "The folder cannot be looked into (Permission denied).")
    assert isinstance(read, Found)


@pytest.mark.parametrize(("name", "told"), [("none", "is no folder"), (".", "holds no picture")])
def test_a_folder_without_pictures_is_refused(tmp_path, name, told):
    with pytest.raises(DatasetError, match=told):
        folder_sources(tmp_path / name)


def test_a_zip_gives_its_pictures_sorted_without_litter(tmp_path):
    entries = [("b.png", encode_png(picture(1))), ("a/x.jpg", encode_jpeg(picture(2))), ("a/", b"")]
    entries += [("__MACOSX/b.png", b""), ("a/.x.jpg", b""), ("notes.txt", b"no"), ("z.png", b"no picture")]
    file = packed(entries)
    (tmp_path / "some.zip").write_bytes(file.getvalue())
    for given_as in (file, file.getvalue(), tmp_path / "some.zip"):
        found = zip_sources(given_as)
        assert [each.name for each in found] == ["a/x.jpg", "b.png", "z.png"]
        answers = list(predict_many(NET, found, top=1))
        assert [type(each) for each in answers] == [Found, Found, Unreadable]
        assert answers[1].predictions[0].label == predict(NET, [picture(1)], top=1)[0][0].label


def test_a_damaged_entry_of_a_zip_is_told_and_the_others_are_read():
    data = bytearray(packed([("a.png", encode_png(picture(1))), ("b.png", encode_png(picture(2)))]).getvalue())
    data[len("a.png") + 30 + 50] ^= 255  # a pixel of the first
    damaged, read = predict_many(NET, zip_sources(bytes(data)))
    assert isinstance(damaged, Unreadable)
    assert "“a.png” is damaged in the zip" in damaged.why
    assert isinstance(read, Found)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([("notes.txt", b"no")], "holds no picture"),
        ([("../out.png", b"")], "no plain path"),
        ([(f"{n}.png", b"") for n in range(5_001)], "5,001 pictures; at most 5,000"),
    ],
)
def test_a_zip_that_is_hostile_or_over_a_limit_is_refused(entries, told):
    with pytest.raises(DatasetError, match=told):
        zip_sources(packed(entries))


def found(name, *answers):
    return Found(name, tuple(Prediction(label, 0, probability) for label, probability in answers), None)


def test_a_csv_has_a_line_a_picture():
    file = io.StringIO(newline="")
    write_csv([found("a,b.png", ("tabby", 0.75), ("lynx", 1 / 3)), found("ü\n.png", ("fox", 1.0), ("“a”", 0))], file)
    file.seek(0)
    assert list(csv.reader(file)) == [
        ["file", "answer_1", "probability_1", "answer_2", "probability_2", "problem"],
        ["a,b.png", "tabby", "0.750000", "lynx", "0.333333", ""],
        ["ü\n.png", "fox", "1.000000", "“a”", "0.000000", ""],
    ]


def test_a_csv_says_why_a_picture_could_not_be_read():
    file = io.StringIO(newline="")
    write_csv([Unreadable("=a.png", "Empty."), found("b.png", ("fox", 1.0)), Unreadable("c.png", "No picture.")], file)
    file.seek(0)
    assert list(csv.reader(file)) == [
        ["file", "answer_1", "probability_1", "problem"],
        ["'=a.png", "", "", "Empty."],
        ["b.png", "fox", "1.000000", ""],
        ["c.png", "", "", "No picture."],
    ]
    nothing_else = io.StringIO(newline="")
    write_csv([Unreadable("a.png", "Empty.")], nothing_else)
    assert nothing_else.getvalue() == "file,problem\r\na.png,Empty.\r\n"


def test_a_csv_of_nothing_has_its_head():
    file = io.StringIO(newline="")
    write_csv([], file)
    assert file.getvalue() == "file,problem\r\n"


@given(st.text(st.characters(codec=None), max_size=8), st.text(max_size=8))
def test_no_cell_of_a_csv_is_a_formula_or_breaks_the_file(name, label):
    file = io.StringIO(newline="")
    write_csv([found(name, (label, 0.5))], file)
    text = file.getvalue().encode().decode()  # text through and through
    _, (cell, written, *_) = csv.reader(io.StringIO(text, newline=""))
    for given_text, shown in ((name, cell), (label, written)):
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert (
            shown.removeprefix("'" if given_text.startswith(many.FORMULA) else "")
            == given_text.encode("utf-8", "backslashreplace").decode()
        )


def test_what_a_zip_holds_beside_pictures_is_told_by_name():
    names = ("a/1.jpg", "b.txt", "a/film.mp4", "__MACOSX/b.txt", "a/.hidden")
    data = packed([(name, b"?") for name in names]).getvalue()
    assert [each.name for each in left_out(data)] == ["a/film.mp4", "b.txt"]
    with pytest.raises(ImageError) as alone:
        load_image(b"?")
    assert {each.why for each in left_out(data)} == {str(alone.value)}
    with pytest.raises(DatasetError, match="zip"):
        left_out(b"no zip")


def test_why_a_file_is_left_out_is_what_is_said_of_it_where_it_is_named_singly(tmp_path):
    files = {
        "a.pdf": b"%PDF-1.4",
        "b.svg": b"<svg/>",
        "c.psd": b"8BPS",
        "d.txt": b"",
        "e.csv": b"a,b",
        "f.mp4": b"\0" * 4 + b"ftypisom",
        "g.zip": packed([("1.jpg", b"?")]).getvalue(),
        "h.exr": b"\x76\x2f\x31\x01",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "large.mov").open("wb") as large:
        large.truncate(MAX_BYTES + 1)
    singly = {}
    for name in (*files, "large.mov"):
        with pytest.raises(ImageError) as alone:
            load_image(tmp_path / name)
        singly[str(tmp_path / name)] = str(alone.value)
    assert {each.name: each.why for each in left_out(tmp_path)} == singly
    zipped = {each.name: each.why for each in left_out(packed([*files.items()]).getvalue())}
    assert zipped == {name: singly[str(tmp_path / name)] for name in files}
    (tmp_path / "photo.txt").write_bytes(encode_png(picture(0)))  # named singly it is read
    (tmp_path / "raw.dng").write_bytes(b"II*\0")
    why = {each.name.rpartition(os.sep)[2]: each.why for each in left_out(tmp_path)}
    assert why["photo.txt"] == "By its ending it is no picture."
    assert why["raw.dng"] == "It is a picture of a kind that is not read."


def test_a_folders_links_are_followed_and_what_is_left_out_is_named(tmp_path):
    inside, elsewhere = tmp_path / "inside", tmp_path / "elsewhere"
    for folder in (inside / "@eaDir" / "1.png", inside / "System Volume Information", elsewhere):
        folder.mkdir(parents=True)
    data = encode_png(picture(0))
    for file in (inside / "1.png", inside / "old.jif", inside / "@eaDir" / "1.png" / "SYNOPHOTO_THUMB.png"):
        file.write_bytes(data)
    (inside / "System Volume Information" / "2.png").write_bytes(data)
    (elsewhere / "3.png").write_bytes(data)
    (inside / "linked").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "back").symlink_to(inside, target_is_directory=True)
    (inside / "dead.png").symlink_to(tmp_path / "nowhere.png")
    for name in ("notes.txt", "drawing.svg", "Thumbs.db", "linked/list.csv"):
        (inside / name).write_bytes(b"x")
    if hasattr(os, "mkfifo"):
        os.mkfifo(inside / "pipe")
    found = list(predict_many(NET, folder_sources(inside)))
    names = {os.path.relpath(each.name, inside): type(each) for each in found}
    assert names == {"1.png": Found, "old.jif": Found, "linked/3.png": Found, "dead.png": Unreadable}
    others = [os.path.relpath(each.name, inside) for each in left_out(inside)]
    assert [name for name in others if name != "pipe"] == ["drawing.svg", "linked/list.csv", "notes.txt"]
