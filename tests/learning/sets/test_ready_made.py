import socket

import numpy as np
import pytest
from skimage import data as photographs
from skimage.data import lfw_subset
from sklearn.datasets import load_digits

from visionlab.errors import ParameterError
from visionlab.imaging.image import fingerprint
from visionlab.learning.projects.intake import from_labelled, take
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.ready_made import PER_CLASS, READY_MADE, textures

OFFLINE = [name for name, each in READY_MADE.items() if not each.online]
ONLINE = {"cifar10": "CIFAR10", "fashion": "FashionMNIST"}  # tested with a server: test_online_sets.py


def test_every_set_is_told_of():
    assert {name: each.online.name for name, each in READY_MADE.items() if each.online} == ONLINE
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


def test_textures_are_patches_of_the_bundled_photographs():
    found = textures(seed=4)
    assert found.counts() == {"brick": 24, "grass": 24, "gravel": 24}
    assert {image.shape for image in found.images} == {(96, 96, 3)}
    assert {image.dtype for image in found.images} == {np.dtype(np.uint8)}
    assert len(set(found.groups.tolist())) == len(set(found.names)) == 72
    for name, label, image in zip(found.names, found.labels, found.images, strict=True):
        texture, row, column = (part.removeprefix("row ").removeprefix("column ") for part in name.split(", "))
        top, left = 96 * (int(row) - 1), 96 * (int(column) - 1)
        assert found.classes[label] == texture
        whole = getattr(photographs, texture)()
        np.testing.assert_array_equal(image, np.dstack([whole[top : top + 96, left : left + 96]] * 3))
    assert textures(seed=4).names == found.names
    assert textures(seed=5).names != found.names


def test_textures_never_download(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(textures(patches=25)) == 75


@pytest.mark.parametrize(
    ("settings_", "told"),
    [
        ({"patches": 26}, "26 patches .* 1 to 25"),
        ({"patches": 0}, "0 patches"),
        ({"side": 513}, "513"),
        ({"side": 0}, "0; it"),
        ({"seed": -1}, "-1"),
    ],
)
def test_textures_that_are_not_there(settings_, told):
    with pytest.raises(ParameterError, match=told):
        textures(**settings_)
