"""The sample pictures are there, are what they say, and cannot be spoiled."""

import socket

import numpy as np
import pytest
import skimage.data

from visionlab.errors import ParameterError
from visionlab.imaging.image import check_image
from visionlab.imaging.samples import SAMPLES, load_sample


def test_the_order_and_the_keys():
    assert list(SAMPLES) == ["cat", "coffee", "astronaut", "rocket"]
    assert all(key == sample.name and sample.title and sample.about for key, sample in SAMPLES.items())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_scikit_images_picture(name):
    image = load_sample(name)
    assert check_image(image) is image
    expected = getattr(skimage.data, name)()
    assert np.abs(image.astype(int) - expected).max() <= 3  # JPEG decoders differ by a level or so


def test_no_sample_asks_the_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a sample asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert all(load_sample(name).size for name in SAMPLES)


def test_changing_a_sample_spoils_nothing():
    first = load_sample("cat")
    first[:] = 0
    assert load_sample("cat").any()


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ParameterError, match=r"“dog” is no sample picture\. There are cat, coffee, astronaut, rocket"):
        load_sample("dog")
