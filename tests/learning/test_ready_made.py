import socket
from http.client import IncompleteRead
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from skimage.data import lfw_subset
from sklearn.datasets import load_digits

from visionlab.errors import DatasetError
from visionlab.imaging.image import fingerprint
from visionlab.learning.dataset import textures
from visionlab.learning.intake import from_labelled, take
from visionlab.learning.ready_made import PER_CLASS, READY_MADE
from visionlab.learning.store import Workspace

OFFLINE = [name for name, each in READY_MADE.items() if not each.online]
ONLINE = {"cifar10": "CIFAR10", "fashion": "FashionMNIST"}


def test_every_set_is_told_of():
    assert {name for name, each in READY_MADE.items() if each.online} == set(ONLINE)
    assert len({each.title for each in READY_MADE.values()}) == len(READY_MADE)
    assert all(each.about.endswith(".") for each in READY_MADE.values())
    assert all("download" in READY_MADE[name].about for name in ONLINE)


@pytest.mark.parametrize("name", OFFLINE)
def test_a_set_comes_without_a_network_can_be_split_and_goes_into_a_project(name, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    data = READY_MADE[name].load()
    assert 2 <= len(data.classes) <= 10
    assert max(data.counts().values()) <= PER_CLASS
    assert data.keys == tuple(map(fingerprint, data.images))
    train, held = data.split()
    assert min(train.counts().values()) > min(held.counts().values()) > 1
    project = Workspace(tmp_path).create(name, "a text that only I know")
    *_, last = take(project, from_labelled(data))
    assert last.added == len(set(data.keys))
    assert last.problems == ()
    again, _ = project.labelled()
    assert again.classes == data.classes
    assert set(again.keys) == set(data.keys)
    assert len(set(again.groups.tolist())) == len(set(data.groups.tolist()))


def test_textures_are_those_of_the_data_module():
    assert READY_MADE["textures"].load().keys == textures().keys


def test_digits_are_enlarged_without_smoothing():
    data = READY_MADE["digits"].load()
    assert data.counts() == {str(digit): PER_CLASS for digit in range(10)}
    source = load_digits()
    for digit in (0, 9):
        expected = source.images[source.target == digit][3]  # 0..16
        image = data.images[digit * PER_CLASS + 3]
        assert image.shape == (64, 64, 3)
        blocks = image.reshape(8, 8, 8, 8, 3)
        assert (blocks == blocks[:, :1, :, :1, :1]).all()  # each pixel is a grey square
        np.testing.assert_allclose(blocks[:, 0, :, 0, 0], expected * 255 / 16, atol=0.5)


def test_faces_come_before_what_is_none():
    data = READY_MADE["faces"].load()
    assert data.counts() == {"faces": 100, "not faces": 100}
    source = lfw_subset()
    for index in (0, 99, 100, 199):
        np.testing.assert_allclose(data.images[index][::4, ::4, 1], source[index] * 255, atol=0.5)


@pytest.mark.parametrize("name", ONLINE)
def test_a_set_of_torchvision_is_cut_to_some_of_each_class(name, tmp_path, monkeypatch):
    rng, asked = np.random.default_rng(0), []
    colour = (3,) if name == "cifar10" else ()
    pixels = rng.integers(0, 256, (450, 6, 6, *colour), dtype=np.uint8)
    targets = np.arange(450) % 3

    def made(root, train, download):
        asked.append((root, train, download))
        if name == "cifar10":
            return SimpleNamespace(data=pixels, targets=targets.tolist(), classes=["a", "b", "c"])
        return SimpleNamespace(data=torch.tensor(pixels), targets=torch.tensor(targets), classes=["a", "b", "c"])

    monkeypatch.setattr(torchvision.datasets, ONLINE[name], made)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = READY_MADE[name].load()
    assert data.counts() == {"a": PER_CLASS, "b": PER_CLASS, "c": PER_CLASS}
    assert data.images[PER_CLASS].shape == (18, 18, 3)
    assert (data.images[PER_CLASS][::3, ::3].reshape(6, 6, 3) == pixels[1].reshape(6, 6, -1)).all()
    [(root, train, download)] = asked
    assert root.name == "datasets"
    assert (train, download) == (True, True)


@pytest.mark.parametrize(
    "error",
    [
        URLError(socket.gaierror(-2, "Name or service not known")),
        RuntimeError("File not found or corrupted."),
        OSError(28, "No space left on device"),
        IncompleteRead(b""),
    ],
)
def test_a_set_that_cannot_be_downloaded_is_one_sentence(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(DatasetError, match=r"^CIFAR10 could not be downloaded \(.+\); try later"):
        READY_MADE["cifar10"].load()
