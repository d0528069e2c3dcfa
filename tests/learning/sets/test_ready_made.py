import socket

import numpy as np
import pytest
from skimage.data import lfw_subset
from sklearn.datasets import load_digits

from visionlab.imaging.image import fingerprint
from visionlab.learning.projects.intake import from_labelled, take
from visionlab.learning.projects.workspace import Workspace
from visionlab.learning.sets.dataset import textures
from visionlab.learning.sets.ready_made import PER_CLASS, READY_MADE

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
