"""Reading and augmenting the pictures that the built-in network is trained on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from visionlab.errors import DatasetError
from visionlab.learning.builtin import corpus
from visionlab.network.running.classifier import Transform


def test_pictures_are_read_once_and_kept(data, tmp_path):
    read = corpus.read_pictures(data, "train", tmp_path / "work")
    assert read.pixels.shape == (24, 64, 64, 3)
    assert read.pixels.dtype == torch.uint8
    assert read.labels.bincount().tolist() == [12, 12]
    red = read.pixels[read.labels == 0].float().mean((0, 1, 2))
    np.testing.assert_allclose(red, [200, 40, 40], atol=3)
    (data / "both.zip").unlink()
    again = corpus.read_pictures(data, "train", tmp_path / "work")
    assert torch.equal(again.pixels, read.pixels)
    assert corpus.read_classes(data) == [("n01", "red thing"), ("n02", "blue thing")]


def test_what_is_wrong_with_the_data_is_said(data, tmp_path):
    with pytest.raises(DatasetError, match=r"no classes\.txt"):
        corpus.read_classes(tmp_path)
    with pytest.raises(DatasetError, match="No pictures for “test”"):
        corpus.read_pictures(data, "test", tmp_path / "work")
    (data / "classes.txt").write_text("n01 red_thing\n")
    with pytest.raises(DatasetError, match=r"train/n02 is not in classes\.txt"):
        corpus.read_pictures(data, "train", tmp_path / "elsewhere")


def test_augmented_pictures_keep_their_place_and_their_seed():
    pixels = torch.zeros(6, 64, 64, 3, dtype=torch.uint8)
    pixels[:, :, 32:] = 255
    one, two, other = (corpus.augment(pixels, 48, 0.35, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == (6, 3, 48, 48)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    left, right = one[:, :, :, 0].mean((1, 2)), one[:, :, :, -1].mean((1, 2))
    assert (left > right).any(), "some are mirrored"
    assert (left < right).any(), "some are not"


@pytest.mark.parametrize("side", [64, 72, 40])
def test_a_picture_is_resized_as_the_classifier_resizes_it(side):
    pixels = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), np.uint8))
    ours = corpus.resized(pixels, side)
    theirs = Transform(side, side)(list(pixels.numpy()), torch.device("cpu"))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@given(seed=st.integers(0, 2**31), height=st.integers(1, 40), width=st.integers(1, 40))
def test_cutmix_says_how_much_of_a_picture_is_its_own(seed, height, width):
    pictures = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 2, height, width)
    mixed, own = corpus.cutmix(pictures, torch.Generator().manual_seed(seed))
    assert 0 <= own <= 1
    for i in range(3):
        assert float((mixed[i] == i).float().mean()) == pytest.approx(own, abs=1e-6)
        assert float((mixed[i] == (i - 1) % 3).float().mean()) == pytest.approx(1 - own, abs=1e-6)
    assert torch.equal(pictures[:, 0, 0, 0], torch.arange(3.0)), "what came in is as it was"


def test_strangers_are_of_three_kinds():
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8))
    drawn, again = (corpus.strangers(pixels, torch.Generator().manual_seed(3)) for _ in range(2))
    assert drawn.shape == (9, 64, 64, 3)
    assert torch.equal(drawn, again)
    for i in range(9):
        colours = drawn[i].flatten(0, 1).unique(dim=0).shape[0]
        same_values = torch.equal(drawn[i].flatten().sort().values, pixels[i].flatten().sort().values)
        assert (colours <= 12) == (i % 3 == 1), "cells of flat colour"
        assert same_values == (i % 3 == 2), "the picture's own pixels, in another order"
        assert not torch.equal(drawn[i], pixels[i])
