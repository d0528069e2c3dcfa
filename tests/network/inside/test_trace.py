from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TINY, tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.network.inside import trace
from visionlab.network.inside.activations import activations, feature_maps
from visionlab.network.inside.trace import Box, Trace, receptive_box, trace_unit

LAYERS = [layer.name for layer in tiny_classifier().layers]


def _holds(found: Trace, tolerance: float = 1e-4) -> None:
    assert abs(found.total - found.value) <= tolerance * (1 + abs(found.value)), found


def _units(maps, rng, count=4):
    """Random units of every layer, and the corners of their maps."""
    for name, found in maps.items():
        channels, height, width = found.values.shape
        yield name, 0, 0, 0
        yield name, channels - 1, height - 1, width - 1
        for _ in range(count):
            yield name, int(rng.integers(channels)), int(rng.integers(height)), int(rng.integers(width))


@pytest.mark.parametrize("side", [64, 97, 127])
@pytest.mark.parametrize("name", ["conv1_1", "conv1_2", "pool1", "conv2_2", "pool2", "conv3_2", "pool3", "relu4_1"])
def test_the_box_is_the_support_of_the_gradient(name, side):
    net = tiny_classifier()
    for module in net.module.modules():
        if isinstance(module, torch.nn.Conv2d):  # positive weights: no unit is dead, no path cancels another
            torch.nn.init.uniform_(module.weight, 0.1, 1)
            torch.nn.init.zeros_(module.bias)
    x = y = torch.ones(1, 3, side, side, requires_grad=True)
    for path, step in net.module.steps():  # averages for maxima: every place of a window counts
        y = F.avg_pool2d(y, 2) if isinstance(step, torch.nn.MaxPool2d) else step(y)
        if path == net.layer(name).module:
            break
    last = y.shape[-1] - 1
    for row, column in [(0, 0), (last, last), (last // 2, 0), (1, last // 3), (last - 1, last // 2)]:
        (gradient,) = torch.autograd.grad(y[0, 0, row, column], x, retain_graph=True)
        support = gradient[0].abs().sum(0) > 0
        box = receptive_box(net, name, row, column, side)
        expected = torch.zeros(side, side, dtype=torch.bool)
        expected[box.top : box.top + box.height, box.left : box.left + box.width] = True
        assert torch.equal(support, expected), (row, column)


def test_in_the_middle_the_box_is_as_large_as_the_receptive_field():
    net = tiny_classifier()
    for layer in net.layers:
        if layer.receptive_field is not None:
            middle = 512 // layer.stride // 2
            box = receptive_box(net, layer.name, middle, middle, side=512)
            assert (box.height, box.width) == (layer.receptive_field, layer.receptive_field), layer.name


@pytest.mark.parametrize("name", ["avgpool", "fc6", "relu7", "prob"])
def test_without_places_the_box_is_the_whole_input(name):
    net = tiny_classifier()
    assert receptive_box(net, name, 0, 0) == Box(0, 0, 64, 64)
    assert receptive_box(net, name, 0, 0, side=97) == Box(0, 0, 64, 64)  # as the network predicts


@pytest.mark.gpu
@pytest.mark.parametrize("side", [None, 97])
def test_every_unit_is_the_sum_that_its_trace_says(tiny, noise, side):
    maps = feature_maps(tiny, noise, side=side)
    tolerance = 1e-4 if tiny.device.type == "cpu" else 1e-2  # a GPU's convolutions may round to TF32
    for name, channel, row, column in _units(maps, np.random.default_rng(3)):
        found = trace_unit(tiny, noise, name, channel, row, column, side, maps)
        assert found.value == maps[name].values[channel, row, column]
        _holds(found, tolerance)


@settings(max_examples=40)
@given(st.data())
def test_any_unit_at_any_size_is_that_sum(data):
    net, side = tiny_classifier(), data.draw(st.integers(32, 110), "side")
    image = np.random.default_rng(side).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    name = data.draw(st.sampled_from(LAYERS), "layer")
    channels, height, width = feature_maps(net, image, [name], side)[name].values.shape
    unit = [data.draw(st.integers(0, size - 1)) for size in (channels, height, width)]
    _holds(trace_unit(net, image, name, *unit, side=side))


@pytest.mark.parametrize("side", [33, 97, 160, 320])  # 1, 3, 5 and 10 places a side before the pool of 7
def test_adaptive_pooling_and_the_layer_after_it(noise, side):
    net = tiny_classifier(plan=replace(TINY, pool=7))
    net = replace(net, transform=net.transform.at(side))
    maps = feature_maps(net, noise, ["pool5", "avgpool", "fc6"])
    for row in range(7):
        for column in range(7):
            _holds(trace_unit(net, noise, "avgpool", 5, row, column, maps=maps))
    found = trace_unit(net, noise, "fc6", 3, maps=maps)
    assert found.patches.shape == (12 * 49, 1, 1)
    _holds(found)


def test_the_average_pool_is_that_of_the_prediction_whatever_the_size_of_the_maps(noise):
    net = tiny_classifier()
    maps = feature_maps(net, noise, side=96)
    found = trace_unit(net, noise, "avgpool", 5, side=96, maps=maps)
    _holds(found)
    assert found.patches.shape == (1, 2, 2)  # pool5 at 64 px
    assert found.value == trace_unit(net, noise, "avgpool", 5).value


@pytest.mark.parametrize("layer", ["avgpool", "relu7"])
def test_a_head_is_traced_like_a_network(noise, layer):
    net = replace(tiny_classifier(plan=replace(TINY, pool=7)), temperature=1.5)
    features = int(np.prod(net.layer(layer).shape))
    weights = np.random.default_rng(1).normal(0, 0.1, (3, features)).astype(np.float32)
    bias = np.array([0.1, -0.2, 0.3], np.float32)
    mine = Head(weights, bias, ("a", "b", "c"), "tiny", layer, network_fingerprint(net)).as_classifier(net)
    maps = feature_maps(mine, noise, side=96)
    for name, channel, row, column in _units(maps, np.random.default_rng(2), count=1):
        _holds(trace_unit(mine, noise, name, channel, row, column, 96, maps))
    found = trace_unit(mine, noise, "head", 1, side=96)
    assert (found.source, found.rule, found.bias) == (layer, "linear", pytest.approx(-0.2))
    np.testing.assert_array_equal(found.kernels.ravel(), weights[1])


def test_the_totals_of_a_convolution_are_those_of_its_input_channels_alone(noise):
    net = tiny_classifier()
    found = trace_unit(net, noise, "conv3_2", 4, 0, 7)
    x = activations(net, net.transform([noise], net.device), ["relu3_1"])["relu3_1"]
    module = net.module.get_submodule(net.layer("conv3_2").module)
    for channel in range(8):
        alone = torch.zeros_like(x)
        alone[:, channel] = x[:, channel]
        expected = F.conv2d(alone, module.weight, padding=1)[0, 4, 0, 7].item()
        assert found.totals[channel] == pytest.approx(expected, abs=1e-5)
    assert found.bias == module.bias[4].item()
    assert (found.source, found.rule) == ("relu3_1", "convolution")
    assert not found.patches[:, 0].any()  # the padding above the first row
    assert found.products.shape == (8, 3, 3)


def test_the_first_layer_reads_the_normalised_picture(noise):
    net = tiny_classifier()
    found = trace_unit(net, noise, "conv1_1", 2, 20, 63)
    x = net.transform([noise], net.device)[0].numpy()
    np.testing.assert_array_equal(found.patches[:, :, :2], x[:, 19:22, 62:])
    assert not found.patches[:, :, 2].any()
    assert found.source is None
    assert found.box == Box(19, 62, 3, 2)


def test_what_the_kernels_of_layers_without_weights_say(noise):
    net = replace(tiny_classifier(), temperature=2.0)
    maps = feature_maps(net, noise)
    for channel in range(4):
        found = trace_unit(net, noise, "relu1_1", channel, 5, 5, maps=maps)
        assert found.kernels.ravel() == (maps["conv1_1"].values[channel, 5, 5] > 0)
    pooled = trace_unit(net, noise, "pool1", 1, 31, 31, maps=maps)
    window = maps["relu1_2"].values[1, 62:, 62:]
    np.testing.assert_array_equal(pooled.patches[0], window)
    assert pooled.kernels.sum() == 1
    assert pooled.patches[pooled.kernels == 1] == window.max()
    soft = trace_unit(net, noise, "prob", 2, maps=maps)
    assert soft.patches.max() == 1
    np.testing.assert_allclose(soft.patches[2] * soft.kernels[2], maps["prob"].values[2], rtol=1e-5)
    assert np.count_nonzero(soft.kernels) == 1


def test_a_pool_of_equals_takes_the_first():
    net = tiny_classifier()
    found = trace_unit(net, np.full((64, 64, 3), 90, np.uint8), "pool1", 0, 10, 10)
    assert len(np.unique(found.patches)) == 1
    np.testing.assert_array_equal(found.kernels, [[[1, 0], [0, 0]]])


def test_the_strongest_inputs_have_the_largest_totals_of_either_sign():
    patches = np.array([1, -4, 2, 0, 3], np.float32).reshape(5, 1, 1)
    found = Trace("fc6", 0, 0, 0, "avgpool", "linear", 0.5, patches, np.ones_like(patches), 2.5, Box(0, 0, 64, 64))
    assert list(found.strongest(3)) == [1, 4, 2]
    assert len(found.strongest(99)) == 5
    assert found.total == 2.5


def test_given_maps_are_not_computed_again(noise, monkeypatch):
    net = tiny_classifier()
    maps = feature_maps(net, noise, side=96)
    expected = trace_unit(net, noise, "conv4_1", 3, 2, 2, side=96)
    monkeypatch.setattr(trace, "feature_maps", lambda *_: pytest.fail("computed what was given"))
    found = trace_unit(net, noise, "conv4_1", 3, 2, 2, side=96, maps=maps)
    assert found.value == expected.value
    np.testing.assert_array_equal(found.patches, expected.patches)
    _holds(trace_unit(net, noise, "conv1_1", 0, 95, 95, side=96, maps=maps))


def test_without_maps_only_what_is_needed_is_computed(noise, monkeypatch):
    net = tiny_classifier()
    receptive_box(net, "conv2_1", 0, 0)  # what places see is known from now on
    monkeypatch.setattr(net.module.features[7], "forward", lambda x: pytest.fail("ran past the unit’s layer"))
    _holds(trace_unit(net, noise, "conv2_1", 0))


def test_units_that_are_not_there_are_named(noise):
    net = tiny_classifier()
    with pytest.raises(ModelError, match="no layer “conv9_9”"):
        trace_unit(net, noise, "conv9_9", 0)
    with pytest.raises(ParameterError, match=r"conv3_1 has no channel 8\. Choose a channel from 0 to 7\."):
        trace_unit(net, noise, "conv3_1", 8)
    with pytest.raises(ParameterError, match=r"pool5 has no row 2\. Choose a row from 0 to 1\."):
        trace_unit(net, noise, "pool5", 0, 2)
    with pytest.raises(ParameterError, match=r"pool5 has no column -1\. Choose a column from 0 to 2\."):
        receptive_box(net, "pool5", 0, -1, side=96)
    with pytest.raises(ParameterError, match=r"fc6 has no row 1\. Choose row 0, the only one\."):
        trace_unit(net, noise, "fc6", 0, 1)
    with pytest.raises(ParameterError, match="16 px is too small"):
        trace_unit(net, noise, "fc6", 0, side=16)
