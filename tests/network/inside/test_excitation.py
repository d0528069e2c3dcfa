from dataclasses import replace
from math import ceil

import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside.activations import FeatureMap, feature_maps
from visionlab.network.inside.excitation import Excitation, Peaks, crop, peaks, strongest_patches, strongest_unit
from visionlab.network.inside.trace import Box, receptive_box, trace_unit
from visionlab.network.running.classifier import Classifier, Layer
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0
from visionlab.network.zoo.torchvision_nets import network_layers


def _map(values, stride=1, field=3) -> FeatureMap:
    values = np.asarray(values, np.float32)
    return FeatureMap(Layer("relu1_1", "features.1", "relu", values.shape, stride, field, 0), values)


def _one_by_one(values, distance, count):
    """Non-maximum suppression of one channel, place by place, as a loop."""
    places = sorted(np.ndindex(values.shape), key=lambda place: -values[place])  # stable: equals in reading order
    chosen = []
    for row, column in places:
        if all(max(abs(row - r), abs(column - c)) >= distance for r, c in chosen):
            chosen.append((row, column))
        if len(chosen) == count:
            break
    return chosen


@pytest.mark.parametrize(("stride", "field", "count"), [(1, 3, 3), (1, 5, 4), (2, 14, 2), (4, 24, 5), (1, 1, 1)])
def test_peaks_are_those_of_a_loop(stride, field, count):
    found = _map(np.random.default_rng(field).normal(size=(6, 40, 50)), stride, field)
    chosen = peaks(found, count)
    assert chosen.values.shape == (6, count)
    assert chosen.values.dtype == np.float32
    for channel in range(6):
        expected = _one_by_one(found.values[channel], ceil(field / stride), count)
        assert list(zip(chosen.rows[channel], chosen.columns[channel], strict=True)) == expected
        np.testing.assert_array_equal(chosen.values[channel], [found.values[channel][place] for place in expected])


def test_patches_do_not_overlap_where_the_map_is_large_enough(noise):
    net = tiny_classifier()
    for name, found in feature_maps(net, noise, ["relu1_2", "relu2_2", "relu3_1"], side=224).items():
        chosen = peaks(found)
        for rows, columns in zip(chosen.rows, chosen.columns, strict=True):
            seen = np.zeros((224, 224), int)
            for row, column in zip(rows, columns, strict=True):
                box = receptive_box(net, name, row, column, 224)
                seen[box.top : box.top + box.height, box.left : box.left + box.width] += 1
            assert seen.max() == 1, name


def test_a_map_too_small_for_that_still_has_as_many_different_places():
    rng = np.random.default_rng(0)
    for size in range(1, 12):
        for count in (1, 3, 9):
            chosen = peaks(_map(rng.normal(size=(5, size, size)), stride=16, field=196), count)
            fit = min(count, size * size)
            assert chosen.values.shape == (5, fit)
            assert np.isfinite(chosen.values).all()
            for rows, columns in zip(chosen.rows, chosen.columns, strict=True):
                assert len(set(zip(rows, columns, strict=True))) == fit
            assert (np.diff(chosen.values, axis=1) <= 0).all()
    wide = peaks(_map(rng.normal(size=(5, 14, 14)), stride=16, field=196), 3)
    for rows, columns in zip(wide.rows, wide.columns, strict=True):
        assert min(max(abs(rows[i] - rows[j]), abs(columns[i] - columns[j])) for i, j in ((0, 1), (0, 2), (1, 2))) >= 5


def test_a_fully_connected_layer_has_one_place(noise):
    net = tiny_classifier()
    weights = np.random.default_rng(0).normal(size=(3, 14)).astype(np.float32)
    head = Head(weights, np.zeros(3, np.float32), ("a", "b", "c"), "tiny", "relu7", network_fingerprint(net))
    for classifier, name in ((net, "fc6"), (net, "avgpool"), (head.as_classifier(net), "head")):
        found = feature_maps(classifier, noise, [name])[name]
        chosen = peaks(found)
        np.testing.assert_array_equal(chosen.values, found.values[:, 0])
        assert not chosen.rows.any()
        assert not chosen.columns.any()


def test_of_an_average_pool_with_places_the_best_is_enough():
    layer = replace(tiny_classifier().layer("avgpool"), shape=(12, 7, 7))
    values = np.random.default_rng(0).normal(size=(12, 7, 7)).astype(np.float32)
    np.testing.assert_array_equal(peaks(FeatureMap(layer, values)).values, values.max((1, 2))[:, None])


def test_the_maps_are_left_as_they_were(noise):
    found = feature_maps(tiny_classifier(), noise, ["relu2_1"])["relu2_1"]
    before = found.values.copy()
    peaks(found)
    np.testing.assert_array_equal(found.values, before)


def test_the_strongest_of_all_pictures_come_first_and_silent_ones_are_left_out():
    first = Peaks(np.array([[9, 9, 9], [5, 1, 0]], np.float32), np.array([[0] * 3, [1, 2, 3]]), np.full((2, 3), 7))
    second = Peaks(np.array([[9, 9, 9], [3, 2, -1]], np.float32), np.array([[0] * 3, [4, 5, 6]]), np.full((2, 3), 8))
    expected = [Excitation(0, 5, 1, 7), Excitation(1, 3, 4, 8), Excitation(1, 2, 5, 8), Excitation(0, 1, 2, 7)]
    assert strongest_patches([first, second], 1) == expected
    assert strongest_patches([first, second], 1, count=2) == expected[:2]
    assert strongest_patches([], 1) == []


def test_a_crop_shows_the_pixels_that_the_unit_saw(noise):
    net = tiny_classifier()
    view = net.transform.at(96).view(noise)
    box = receptive_box(net, "pool2", 0, 20, side=96)
    found = crop(net, noise, box, 96)
    assert found.shape == (box.height, box.width, 3)
    np.testing.assert_array_equal(found, view[: box.height, box.left : box.left + box.width])
    np.testing.assert_array_equal(crop(net, noise, Box(0, 0, 96, 96), 96), view)


def test_a_unit_answers_the_same_to_its_patch_alone(noise):
    net = tiny_classifier()
    found = feature_maps(net, noise, ["relu2_2"])["relu2_2"]
    best = strongest_patches([peaks(found)], 2)[0]
    box = receptive_box(net, "relu2_2", best.row, best.column)
    view = net.transform.view(noise)
    alone = np.zeros_like(view)
    alone[box.top : box.top + box.height, box.left : box.left + box.width] = crop(net, noise, box, 64)
    whole, masked = (
        feature_maps(replace(net, transform=replace(net.transform, resize=64)), picture, ["relu2_2"])["relu2_2"].values
        for picture in (view, alone)
    )
    place = 2, best.row, best.column
    assert masked[place] == pytest.approx(whole[place], rel=1e-5)
    assert not np.allclose(masked, whole)


def _lite() -> Classifier:
    """EfficientNet-Lite0 of random weights, whose paddings differ from side to side."""
    torch.manual_seed(0)
    module = EfficientNetLite0().eval().requires_grad_(False)
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
            torch.nn.init.normal_(part.bias, std=0.1)
    return replace(tiny_classifier(), name="lite", module=module, layers=network_layers(module, 64))


def _sees_padding(net, layer, row, column) -> bool:
    """Of a unit of a convolution, or of a ReLU after it: of ones before it, the patches are ones but for padding."""
    while layer.kind != "conv":
        layer = net.source(layer)
    before = net.source(layer)
    if before is None:  # the picture itself: its box is then smaller than what the kernel covers
        box = receptive_box(net, layer.name, row, column)
        return min(box.height, box.width) < layer.receptive_field
    known = {each.name: FeatureMap(each, np.ones(each.shape, np.float32)) for each in (before, layer)}
    return not trace_unit(net, np.zeros((64, 64, 3), np.uint8), layer.name, 0, row, column, maps=known).patches.all()


@pytest.mark.parametrize("net", [tiny_classifier(), _lite()], ids=lambda net: net.name)
def test_the_strongest_unit_is_one_that_sees_no_padding(net, noise):
    for name, found in feature_maps(net, noise).items():
        if found.layer.kind not in ("conv", "relu", "relu6") or min(found.values.shape[1:]) < 5:
            continue
        for channel in (0, len(found.values) - 1):
            row, column = strongest_unit(net, found, channel)
            inside = found.values[channel, 2:-2, 2:-2]
            assert found.values[channel, row, column] >= inside.max(), name
            assert inside.max() <= 0 or not _sees_padding(net, found.layer, row, column), name


def test_where_the_border_alone_answers_the_strongest_unit_lies_there():
    net = tiny_classifier()
    values = np.zeros((3, 64, 64), np.float32)
    values[0, 0, 5], values[1, 0, 5], values[1, 7, 7] = 2, 2, 1
    found = FeatureMap(net.layer("relu1_1"), values)
    assert [strongest_unit(net, found, channel) for channel in range(3)] == [(0, 5), (7, 7), (1, 1)]
    assert strongest_unit(net, FeatureMap(net.layer("pool1"), values[:, ::2, 1::2].copy()), 1) == (0, 2)  # not padded
    assert strongest_unit(net, FeatureMap(net.layer("fc6"), np.ones((16, 1, 1), np.float32)), 3) == (0, 0)
