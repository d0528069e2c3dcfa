import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.network.running.classifier import Transform
from visionlab.network.running.prediction import predict, probabilities


@settings(max_examples=25)
@given(st.integers(1, 400), st.integers(1, 400))
def test_any_picture_fits_the_input(height, width):
    image = np.full((height, width, 3), 128, np.uint8)
    x = Transform(72, 64)([image], torch.device("cpu"))
    assert x.shape == (1, 3, 64, 64)
    expected = (128 / 255 - np.array(Transform(72, 64).mean)) / np.array(Transform(72, 64).std)
    np.testing.assert_allclose(x.mean((0, 2, 3)), expected, atol=1e-4)


def test_the_transform_is_torchvisions():
    image = np.random.default_rng(0).integers(0, 256, (301, 407, 3), dtype=np.uint8)
    theirs = torchvision.transforms._presets.ImageClassification(crop_size=224, resize_size=256, antialias=True)
    expected = theirs(torch.from_numpy(image).permute(2, 0, 1).float() / 255)
    found = Transform(256, 224)([image], torch.device("cpu"))[0]
    assert (found - expected).abs().max() < 0.03  # in units of about 58 grey levels: less than 2 levels
    assert (found - expected).abs().mean() < 1e-3


def test_the_view_is_the_middle_of_the_picture():
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 60:140] = 255
    view = Transform(50, 50).view(image)
    assert view.shape == (50, 50, 3)
    assert view[:, 12:38].min() == 255
    assert view[:, :3].max() == 0
    assert Transform(50, 50).box(image.shape[:2]) == (0, 50, 100, 100)


def test_too_small_an_input_is_refused():
    with pytest.raises(ParameterError, match="16 px is too small"):
        Transform(64, 64).at(16)


@pytest.mark.gpu
def test_predictions_are_the_softmax_of_the_logits(tiny, noise):
    answers = predict(tiny, [noise, noise[::-1].copy()], top=3)
    logits = tiny.module(tiny.transform([noise, noise[::-1].copy()], tiny.device)).cpu().numpy()
    for row, found in zip(logits, answers, strict=True):
        expected = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        assert [answer.index for answer in found] == list(np.argsort(-expected)[:3])
        np.testing.assert_allclose([answer.probability for answer in found], np.sort(expected)[::-1][:3], rtol=1e-3)
        assert all(answer.label == tiny.labels[answer.index] for answer in found)


def test_a_batch_answers_like_its_pictures_one_by_one(noise):
    net = tiny_classifier()
    images = [np.roll(noise, i, 1) for i in range(40)]  # more than go through at once
    together = probabilities(net, images)
    assert together.shape == (40, 7)
    alone = np.concatenate([probabilities(net, [image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_what_predict_does_with_odd_requests(noise):
    net = tiny_classifier()
    assert predict(net, []) == []
    assert len(predict(net, [noise], top=100)[0]) == 7
    with pytest.raises(ParameterError, match="top is 0"):
        predict(net, [noise], top=0)
    with pytest.raises(ParameterError, match="list"):
        predict(net, noise)
    with pytest.raises(ParameterError, match="uint8"):
        predict(net, [noise.astype(float)])


def test_predicting_changes_nothing_in_the_network(noise):
    net = tiny_classifier()
    before = {name: value.clone() for name, value in net.module.state_dict().items()}
    predict(net, [noise])
    assert all(torch.equal(before[name], value) for name, value in net.module.state_dict().items())
    assert not net.module.training
    assert not any(p.requires_grad for p in net.module.parameters())


def test_layers_and_targets_are_found_by_name():
    net = tiny_classifier()
    assert net.layer("conv3_1").module == "features.10"
    with pytest.raises(ModelError, match="no layer “conv9_9”"):
        net.layer("conv9_9")
    assert net.target("Class 3 ") == 3
    assert net.target(6) == 6
    for bad in (7, -1, "cat"):
        with pytest.raises(ParameterError):
            net.target(bad)
    dogs = replace(net, labels=("Cardigan", "boxer", "cardigan", "Boxer", "cat", "dog", "fox"))
    assert [dogs.target(name) for name in ("cardigan", "Cardigan", "Boxer", "boxer", "CAT")] == [2, 0, 3, 1, 4]


@pytest.mark.parametrize("shape", [(3, 40_000), (40_001, 3), (1, 20_000)])
def test_of_a_strip_only_the_middle_is_enlarged(shape):
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    near = np.abs(rows - (height - 1) / 2) + np.abs(columns - (width - 1) / 2) < 30  # the ends do not matter
    image = np.where(near, (rows * 7 + columns * 40) % 256, 255)[..., None].repeat(3, 2).astype(np.uint8)
    whole = tiny_classifier().transform.view(image)
    assert whole.shape == (64, 64, 3)
    long = int(np.argmax(shape))
    short = min(shape)
    middle = slice((max(shape) - 8 * short) // 2, (max(shape) + 8 * short + 1) // 2)
    part = image[:, middle] if long else image[middle]
    assert np.abs(whole.astype(int) - tiny_classifier().transform.view(part)).mean() < 12


@pytest.mark.parametrize("rounds", [False, True])
def test_what_is_done_to_a_picture_is_told_in_numbers_that_do_it(rounds):
    transform = Transform(80, 64, (0.1, 0.2, 0.3), (0.5, 0.25, 0.125), "bicubic", rounds)
    told = transform.about
    resize, crop = (int(number) for number in re.search(r"becomes (\d+) px .* the middle (\d+) ×", told).groups())
    assert ("rounded to whole" in told) == rounds
    assert "bicubic" in told
    colours = re.findall(r"(red|green|blue) ([\d.]+) and ([\d.]+[1-9])", told)
    assert [name for name, *_ in colours] == ["red", "green", "blue"]
    grey = np.full((resize, 2 * resize, 3), 204, np.uint8)  # already of that size
    expected = [(0.8 - float(mean)) / float(spread) for _, mean, spread in colours]
    found = transform([grey], torch.device("cpu")).numpy()
    assert found.shape == (1, 3, crop, crop)
    np.testing.assert_allclose(found[0].mean((1, 2)), expected, rtol=1e-5)
