"""Small sets from zips, folders, idx files and packages, and what is refused at the door."""

import gzip
import io
import struct
import zipfile

import cv2
import numpy as np
import pytest
from torchvision import datasets

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import encode_png
from visionlab.learning.scratch import SOURCES, SmallSet, data, download, load


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
    assert found.shape == (10, 10, 3)
    assert (found.images[found.labels == 0] == 200).all()


def test_large_pictures_are_shrunk(tmp_path):
    for kind in "ab":
        (tmp_path / kind).mkdir()
        for i in range(2):
            (tmp_path / kind / f"{i}.png").write_bytes(encode_png(noise(1, 120)[0]))
    assert load(tmp_path).shape == (32, 32, 3)


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
    monkeypatch.setattr(data, "_kept", lambda: tmp_path)
    with pytest.raises(DatasetError, match="zip or a folder"):
        load(name)


def test_a_download_tells_how_much_is_there_and_is_found_afterwards(mnist, monkeypatch, tmp_path):
    kept = tmp_path / "kept"

    def fetch(folder, download):
        assert download
        (folder / "MNIST" / "raw").mkdir(parents=True)
        for file in mnist.glob("*ubyte*"):
            (folder / "MNIST" / "raw" / file.name).write_bytes(file.read_bytes())

    monkeypatch.setattr(datasets, "MNIST", fetch)
    monkeypatch.setattr(data, "_kept", lambda: kept)
    *_, (done, total) = download("mnist")
    assert 0 < done <= total == SOURCES["mnist"].download.size
    np.testing.assert_array_equal(load("mnist").images, load(mnist).images)


def test_a_download_without_a_network_is_one_sentence(monkeypatch, tmp_path):
    def fetch(folder, download):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(datasets, "CIFAR10", fetch)
    monkeypatch.setattr(data, "_kept", lambda: tmp_path)
    with pytest.raises(DatasetError, match=r"CIFAR-10 could not be downloaded \(Network is unreachable\)"):
        list(download("cifar10"))
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
    assert np.bincount(part.labels).tolist() == [20, 20, 20]
    assert part.test_images is whole.test_images
    assert whole.less(10**6) is whole
    with pytest.raises(ParameterError, match="too few for 3 classes"):
        whole.less(2)


def test_a_set_of_one_class_or_of_two_sizes_is_refused():
    images, labels = noise(4), np.zeros(4, np.int64)
    with pytest.raises(DatasetError, match="All 4 training pictures are “cat”"):
        SmallSet("x", images, labels, ("cat", "dog"), images, labels)
    mixed = np.array([0, 1, 0, 1])
    with pytest.raises(DatasetError, match="8×8×3 and the test pictures 9×9×3"):
        SmallSet("x", images, mixed, ("cat", "dog"), noise(4, 9), mixed)
    with pytest.raises(DatasetError, match="label from 0 to 1"):
        SmallSet("x", images, mixed + 1, ("cat", "dog"), images, mixed)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.png": b"x"}, "class folders"),
        ({"cat/1.png": b"no picture", "dog/1.png": b"x"}, "“cat/1.png” cannot be read"),
        ({"../cat/1.png": b"x"}, "no plain path"),
        ({f"{i}/1.png": b"x" for i in range(101)}, "101 folders"),
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
    with pytest.raises(DatasetError, match="is not there"):
        load(tmp_path / "nothing")
    with pytest.raises(ParameterError, match="side of 0 px"):
        load(path, side=0)
