"""The sample pictures are there, are what they say, and cannot be spoiled."""

import io
import socket
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as PillowImage
from PIL import ImageCms

from visionlab.errors import ParameterError
from visionlab.imaging.image import check_image
from visionlab.imaging.samples import SAMPLES, load_sample


def test_the_order_and_the_keys():
    assert list(SAMPLES) == ["cat", "coffee", "astronaut", "rocket"]
    assert all(key == sample.name and sample.title and sample.about for key, sample in SAMPLES.items())


def in_srgb(pixels: np.ndarray, file: str) -> np.ndarray:
    """What scikit-image reads of a file, which passes over its colour profile, as the profile means it."""
    with PillowImage.open(Path(skimage.__file__).parent / "data" / file) as opened:
        profile = opened.info.get("icc_profile")
    if profile is None:
        return pixels
    picture = PillowImage.fromarray(pixels)
    return np.asarray(ImageCms.profileToProfile(picture, io.BytesIO(profile), ImageCms.createProfile("sRGB")))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_scikit_images_picture(name):
    image = load_sample(name)
    assert check_image(image) is image
    expected = in_srgb(getattr(skimage.data, name)(), SAMPLES[name].file)
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
