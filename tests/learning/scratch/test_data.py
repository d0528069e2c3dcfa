"""Small sets from zips, folders, idx files and packages, and what is refused at the door."""

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from learning.sets.test_dataset import planted

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import encode_jpeg, encode_png
from visionlab.learning.scratch import SOURCES, MovingEight, SmallSet, download, load


def noise(count: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def pictures() -> dict[str, np.ndarray]:
    names = [f"{part}/{kind}/{i}.png" for part in ("train", "test") for kind in ("cat", "dog") for i in range(3)]
    return dict(zip(names, noise(len(names)), strict=True))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("around", ["", "cifar/"])
def test_a_zip_with_parts_is_read_exactly(tmp_path, pictures, method, around):
    path = tmp_path / "small.zip"
    path.write_bytes(packed({around + name: encode_png(image) for name, image in pictures.items()}, method))
    found = load(path)
    assert (found.name, found.classes, found.shape) == ("small", ("cat", "dog"), (8, 8, 3))
    np.testing.assert_array_equal(found.images, [image for name, image in pictures.items() if "train" in name])
    np.testing.assert_array_equal(found.test_images, [image for name, image in pictures.items() if "test" in name])
    assert found.labels.tolist() == found.test_labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_folder_of_classes_gives_a_sixth_of_each_for_testing(tmp_path):
    for kind, count in {"a": 12, "b": 6}.items():
        (tmp_path / kind).mkdir()
        for i, image in enumerate(noise(count)):
            (tmp_path / kind / f"{i}.png").write_bytes(encode_png(image))
    found = load(tmp_path, seed=3)
    assert np.bincount(found.labels).tolist() == [10, 5]
    assert np.bincount(found.test_labels).tolist() == [2, 1]
    np.testing.assert_array_equal(found.test_images, load(tmp_path, seed=3).test_images)


def test_every_format_comes_as_load_image_reads_it(tmp_path):
    clear = np.dstack([noise(1)[0], np.zeros((8, 8), np.uint8)])  # wholly transparent: white, whatever lies beneath
    grey = noise(1)[0][..., 0]
    for kind, image in {"clear": clear, "grey": grey}.items():
        (tmp_path / kind).mkdir()
        for i in range(2):
            (tmp_path / kind / f"{i}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    found = load(tmp_path)
    assert (found.images[found.labels == 0] == 255).all()
    assert (found.images[found.labels == 1] == grey[..., None]).all()


def test_pictures_of_other_sizes_are_framed_to_one(tmp_path):
    sizes = {"a": (20, 30), "b": (30, 20), "c": (8, 9)}
    for kind, (height, width) in sizes.items():
        (tmp_path / kind).mkdir()
        image = np.zeros((height, width, 3), np.uint8)
        image[:, width // 2 - height // 2 : width // 2 + height // 2] = 200  # the middle of a wide picture
        for i in range(2):
            (tmp_path / kind / f"{i}.png").write_bytes(encode_png(image))
    found = load(tmp_path, side=10)
    assert found.shape == (10, 10, 1)
    assert (found.images[found.labels == 0] == 200).all()


def test_large_pictures_are_shrunk(tmp_path):
    for kind in "ab":
        (tmp_path / kind).mkdir()
        for i in range(2):
            (tmp_path / kind / f"{i}.png").write_bytes(encode_png(noise(1, 120)[0]))
    assert load(tmp_path).shape == (32, 32, 3)


def written(folder: Path, counts: dict[str, int], grey: bool = False) -> Path:
    for kind, count in counts.items():
        (folder / kind).mkdir(parents=True)
        for i, image in enumerate(noise(count)):
            (folder / kind / f"{i}.png").write_bytes(encode_png(np.dstack([image[..., 0]] * 3) if grey else image))
    return folder


def test_pictures_without_colours_become_grey_ones(tmp_path):
    found = load(written(tmp_path / "digits", {"3": 8, "8": 8}, grey=True))
    assert (found.shape, found.test_images.shape[3]) == ((8, 8, 1), 1)
    assert {image.tobytes() for image in (*found.images, *found.test_images)} == {
        np.ascontiguousarray(image[..., 0]).tobytes() for image in noise(8)
    }
    assert MovingEight(found).digits.classes == ("not 8", "8"), "so they can move"
    written(tmp_path / "digits" / "..", {"digits/9": 8})
    assert load(tmp_path / "digits").shape == (8, 8, 3), "as soon as one has colours"


def test_written_characters_are_not_mirrored(tmp_path):
    assert not load(written(tmp_path / "signs", {"3": 4, "b": 4})).mirrored
    assert load(written(tmp_path / "animals", {"cat": 4, "b": 4})).mirrored


def test_a_class_s_only_picture_is_learned_from(tmp_path):
    found = load(written(tmp_path / "few", {"cat": 3, "dog": 1}))
    assert (np.bincount(found.labels).tolist(), found.test_labels.tolist()) == ([2, 1], [0])
    with pytest.raises(DatasetError, match="only one picture of each class; two or more are needed"):
        load(written(tmp_path / "fewer", {"cat": 1, "dog": 1}))


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_a_folder_that_may_not_be_read_is_told(tmp_path):
    written(tmp_path / "mine", {"cat": 3, "dog": 3}).chmod(0)
    with pytest.raises(DatasetError, match="may not be read"):
        load(tmp_path / "mine")


def test_pictures_are_found_by_class_and_number():
    found = load("digits")
    np.testing.assert_array_equal(found.picture("3", 2), found.images[found.labels == 3][1])
    for name, number, says in (("3", 0, "no training picture 0 of “3”"), ("3", 9_999, "9999"), ("x", 1, "class “x”")):
        with pytest.raises(ParameterError, match=says):
            found.picture(name, number)


@pytest.mark.parametrize("name", ["digits", "faces"])
def test_pictures_in_memory_are_brought_to_a_side(name):
    found, whole = load(name, side=16), load(name)
    assert found.shape == (16, 16, 1)
    assert (len(found.images), found.test_labels.tolist()) == (len(whole.images), whole.test_labels.tolist())
    assert abs(found.images.mean() - whole.images.mean()) < 8
    assert load(name, side=whole.shape[0]).images.tobytes() == whole.images.tobytes()
    with pytest.raises(ParameterError, match="A side of 513 px"):
        load(name, side=513)


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def mnist(tmp_path):
    for stem, count in {"train": 20, "t10k": 10}.items():
        images, labels = noise(count)[..., 0], np.arange(count, dtype=np.uint8) % 10
        (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_idx_files_are_read_exactly(mnist):
    found = load(mnist)
    np.testing.assert_array_equal(found.images[..., 0], noise(20)[..., 0])
    assert found.classes == tuple("0123456789")
    assert found.labels.tolist() == [*range(10), *range(10)]
    assert not found.mirrored


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"no gzip", "no idx file"), (gzip.compress(idx(noise(2)[..., 0])[:-5]), "no idx file"), (None, "missing")],
)
def test_damaged_idx_files_are_named(mnist, content, says):
    file = mnist / "t10k-images-idx3-ubyte.gz"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(DatasetError, match=says) as raised:
        load(mnist)
    assert "t10k-images-idx3-ubyte" in str(raised.value)


def test_idx_files_without_pictures_are_refused(tmp_path):
    for stem in ("train", "t10k"):
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(idx(np.zeros((0, 8, 8), np.uint8)))
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(idx(np.zeros(0, np.uint8)))
    with pytest.raises(DatasetError, match="at least one picture is needed"):
        load(tmp_path)


def test_a_pickle_that_is_not_the_published_one_is_not_opened(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(DatasetError, match="not CIFAR-10's"):
        load(tmp_path)


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.needs == "nothing"])
def test_what_needs_nothing_is_there_at_once(name):
    found = load(name)
    counts = np.bincount(found.labels), np.bincount(found.test_labels)
    assert all(len(count) == len(found.classes) and count.min() > 0 for count in counts)
    seen = {image.tobytes() for image in found.images}
    assert sum(image.tobytes() in seen for image in found.test_images) < len(found.test_images) / 50


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.needs == "files"])
def test_what_needs_files_says_so(name, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match="zip or a folder"):
        load(name)


def test_what_cannot_be_downloaded_is_told():
    with pytest.raises(ParameterError, match="mnist, cifar10"):
        next(download("digits"))


def test_a_project_becomes_a_small_set(stripes):
    found = SmallSet.from_labelled("mine", stripes, side=16)
    assert found.classes == stripes.classes
    assert found.shape == (16, 16, 3)
    assert len(found.images) + len(found.test_images) == len(stripes)


def test_less_keeps_the_shares_of_classes():
    whole = load("textures")
    part = whole.less(60, seed=1)
    assert np.bincount(part.labels).tolist() == np.bincount(part.test_labels).tolist() == [20, 20, 20]
    parts = (part.images, part.labels, whole.images, whole.labels)
    for images, labels, of, truth in (
        parts,
        (part.test_images, part.test_labels, whole.test_images, whole.test_labels),
    ):
        known = {(image.tobytes(), label) for image, label in zip(of, truth, strict=True)}
        assert {(image.tobytes(), label) for image, label in zip(images, labels, strict=True)} <= known
    more = whole.less(300)
    assert (len(more.images), len(more.test_images)) == (300, len(whole.test_images)), "fewer than that are all"
    assert whole.less(10**6) is whole
    with pytest.raises(ParameterError, match="too few for 3 classes"):
        whole.less(2)
    with pytest.raises(ParameterError, match="The seed is -1; it must be 0 or more"):
        whole.less(60, seed=-1)
    with pytest.raises(ParameterError, match="The seed is -1; it must be 0 or more"):
        load("digits", seed=-1)


def test_a_set_of_one_class_or_of_two_sizes_is_refused():
    images, labels = noise(4), np.zeros(4, np.int64)
    with pytest.raises(DatasetError, match="All training pictures are “cat”"):
        SmallSet("x", images, labels, ("cat", "dog"), images, labels)
    mixed = np.array([0, 1, 0, 1])
    with pytest.raises(DatasetError, match="8×8×3 and the test pictures 9×9×3"):
        SmallSet("x", images, mixed, ("cat", "dog"), noise(4, 9), mixed)
    with pytest.raises(DatasetError, match="label from 0 to 1"):
        SmallSet("x", images, mixed + 1, ("cat", "dog"), images, mixed)


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path):
    whole = {
        f"{part}/{name}/{i}.png": encode_png(image)
        for part, seed in (("train", 0), ("test", 9))
        for name in ("cat", "dog")
        for i, image in enumerate(noise(4, 8 + seed))
    }
    broken = {"train/ant/0.png": b"no picture", "train/cat/00.png": b"", "test/dog/2.png": b"x", "LICENSE": b"MIT"}
    path = tmp_path / "some.zip"
    path.write_bytes(packed(whole | broken))
    for where in (path, planted(tmp_path / "some", whole | broken)):
        found = load(where)
        assert found.classes == ("cat", "dog")
        assert np.bincount(found.labels).tolist() == [4, 4]
        assert np.bincount(found.test_labels).tolist() == [4, 3]
        assert found.shape == (8, 8, 3), "of the first that can be read"
        assert found.less(4).told == found.told
        assert found.told[1:] == ("1 file is no picture, and is left out: LICENSE.",)
        assert {*found.unread} == {"test/dog/2.png", "train/ant/0.png", "train/cat/00.png"}
        assert all(
            f"“{name}” cannot be read: " in told for name, told in zip(found.unread, found.problems, strict=True)
        )


def test_damaged_pictures_are_left_out_without_a_word_on_stderr(tmp_path, capfd):
    whole = {f"{name}/{i}.png": encode_png(image) for name in ("cat", "dog") for i, image in enumerate(noise(4))}
    flipped = bytearray(whole["cat/0.png"])
    flipped[60] ^= 0xFF  # in its pixels, so that libpng would have something to say
    cut = encode_jpeg(noise(1)[0])[:-40]
    path = tmp_path / "some.zip"
    path.write_bytes(packed(whole | {"cat/flipped.png": bytes(flipped), "dog/cut.jpg": cut}))
    assert {*load(path).unread} == {"cat/flipped.png", "dog/cut.jpg"}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.png": b"x"}, "class folders"),
        ({"cat/1.png": b"no picture", "dog/1.png": b"x"}, "“cat/1.png” cannot be read"),
        ({"../cat/1.png": b"x"}, "no plain path"),
        ({f"{i}/1.png": b"x" for i in range(301)}, "301 folders"),
    ],
)
def test_a_bad_zip_is_one_sentence(tmp_path, files, says):
    path = tmp_path / "bad.zip"
    path.write_bytes(packed(files))
    with pytest.raises(DatasetError, match=says):
        load(path)


def test_one_class_in_a_zip_and_what_is_not_there(tmp_path):
    path = tmp_path / "one.zip"
    path.write_bytes(packed({f"cat/{i}.png": encode_png(image) for i, image in enumerate(noise(4))}))
    with pytest.raises(DatasetError, match="are “cat”; two classes"):
        load(path)
    for name in ("nothing", "n" * 300, "no\0thing"):  # the latter two: no file can be called so
        with pytest.raises(
            DatasetError, match=r"is not there; name .* one of digits, textures, faces, mnist, cifar10\.$"
        ):
            load(tmp_path / name)
    with pytest.raises(ParameterError, match="side of 0 px"):
        load(path, side=0)


def test_how_far_the_reading_is_can_be_watched_and_ends_it(tmp_path):
    path = tmp_path / "some.zip"
    path.write_bytes(packed({f"{name}/{i}.png": encode_png(noise(1)[0]) for name in ("a", "b") for i in range(300)}))
    looks = []
    load(path, progress=lambda done, total: looks.append((done, total)))
    assert looks == [(256, 600), (512, 600), (600, 600)]

    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        load(path, progress=stop)
