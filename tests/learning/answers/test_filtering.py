"""A zip of pictures through a chain: what comes out, what is left out, and that nothing is left behind."""

import gc
import io
import os
import zipfile

import numpy as np
import pytest
from zipped import FILES, PICTURE, zipped

from visionlab.errors import DatasetError
from visionlab.imaging.image import encode_jpeg, load_image
from visionlab.imaging.pipeline import Pipeline
from visionlab.learning.answers import filtering
from visionlab.learning.answers.filtering import filter_zip

CHAIN = Pipeline([("gaussian_blur", {"sigma": 1.0}), ("invert", {}), ("canny", {})], off={2})


def test_every_picture_of_a_zip_goes_through_the_chain():
    *progress, result = filter_zip(zipped(FILES), CHAIN, "PNG")
    with zipfile.ZipFile(result.file) as archive:
        pictures = {name: load_image(archive.read(name)) for name in archive.namelist()}
    assert set(pictures) == {"a/one.png", "a/one-2.png", "b/two.png"}
    originals = {"a/one.png": "a/one.png", "a/one-2.png": "a/one.jpg", "b/two.png": "b/two.png"}
    for name, picture in pictures.items():
        assert np.array_equal(picture, CHAIN.run(load_image(FILES[originals[name]])))
    assert result.made == 3
    (told,) = result.left_out
    assert told.startswith("b/broken.png: ")
    shares = [(event.done + event.part) / event.total for event in progress]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert len(shares) > 2 * 4, "progress within a picture, too, so that cancelling does not wait for a slow filter"


def test_jpegs_come_out_where_they_are_asked_for():
    *_, result = filter_zip(io.BytesIO(zipped({"x.png": FILES["a/one.png"]})), CHAIN, "JPEG")
    with zipfile.ZipFile(result.file) as archive:
        assert archive.namelist() == ["x.jpg"]
        assert archive.read("x.jpg") == encode_jpeg(CHAIN.run(PICTURE))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no zip", "no zip file"),
        (zipped({}), "holds no picture"),
        (zipped({"notes.txt": b"x"}), "holds no picture"),
        (zipped({"../x.png": b"x"}), "no plain path"),
    ],
)
def test_what_is_no_zip_of_pictures_is_refused(data, said):
    with pytest.raises(DatasetError, match=said):
        list(filter_zip(data, CHAIN, "PNG"))


def test_a_zip_over_the_limits_is_refused(monkeypatch):
    data = zipped({f"{i}.png": FILES["a/one.png"] for i in range(4)})
    monkeypatch.setattr(filtering, "MAX_RESULT_BYTES", 5_000)
    with pytest.raises(DatasetError, match="take fewer pictures"):
        list(filter_zip(data, CHAIN, "PNG"))
    monkeypatch.setattr(filtering, "MAX_PICTURES", 3)
    with pytest.raises(DatasetError, match="holds 4 pictures; at most 3"):
        list(filter_zip(data, CHAIN, "PNG"))


def open_files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_cancelling_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = open_files()
    work = filter_zip(zipped(FILES), CHAIN, "PNG")
    for _ in range(6):
        next(work)
    held = {name for name in open_files() - before if str(tmp_path) in name}
    assert held, "the result lies in a temporary file, not in memory"
    work.close()
    assert not any(str(tmp_path) in name for name in open_files())
    assert not list(tmp_path.iterdir())


def test_the_result_ends_with_the_last_reference_to_it(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    *_, result = filter_zip(zipped(FILES), CHAIN, "PNG")
    assert result.file.read(2) == b"PK"
    assert any(str(tmp_path) in name for name in open_files())
    del result
    gc.collect()
    assert not any(str(tmp_path) in name for name in open_files())
