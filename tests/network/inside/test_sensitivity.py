import numpy as np
import pytest
import torch
from tiny import tiny_classifier

from visionlab.errors import ModelError, ParameterError
from visionlab.network.inside.activations import activations, feature_maps
from visionlab.network.inside.sensitivity import unit_gradient
from visionlab.network.inside.trace import Box


@pytest.mark.parametrize(("side", "places"), [(None, 64), (96, 96)])
@pytest.mark.parametrize("layer", [layer.name for layer in tiny_classifier().layers])
def test_it_is_autograds_of_the_colours_themselves(noise, layer, side, places):
    net = tiny_classifier()
    values = feature_maps(net, noise, [layer], side)[layer].values
    unit = np.unravel_index(values.argmax(), values.shape)
    found = unit_gradient(net, noise, layer, *map(int, unit), side)
    assert found.value == pytest.approx(values.max(), rel=1e-5)
    own = net.transform if side is None or not net.layer(layer).in_place else net.transform.at(side)
    colours = (own.resized(noise) / 255).requires_grad_()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (own.mean, own.std))
    answer = activations(net, ((colours - mean) / std)[None], [layer])[layer][0]
    (expected,) = torch.autograd.grad(answer[unit[: answer.dim()]], colours)
    assert np.abs(found.gradient).max() > 0
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))
    np.testing.assert_allclose(found.brightness, expected.sum(0), rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    box, beside = found.box, found.gradient.copy()
    beside[:, box.top : box.top + box.height, box.left : box.left + box.width] = 0
    assert not beside.any()
    if not net.layer(layer).in_place:
        assert box == Box(0, 0, 64, 64)


def test_a_small_change_of_a_pixel_moves_the_value_as_it_says(noise):
    net = tiny_classifier()
    found = unit_gradient(net, noise, "conv2_1", 3, 9, 11)
    _, row, column = np.unravel_index(np.abs(found.gradient).argmax(), found.gradient.shape)
    x = net.transform([noise], net.device)
    std = torch.tensor(net.transform.std)
    moved = []
    for step in (1e-2, -1e-2):  # brighter, and darker
        y = x.clone()
        y[0, :, row, column] += step / std
        moved.append(activations(net, y, ["conv2_1"])["conv2_1"][0, 3, 9, 11].item())
    assert (moved[0] - moved[1]) / 2e-2 == pytest.approx(found.brightness[row, column], rel=0.05)


def test_a_silent_unit_has_none(noise):
    net = tiny_classifier()
    values = feature_maps(net, noise, ["relu3_1"])["relu3_1"].values
    unit = np.argwhere(values == 0)[0]
    found = unit_gradient(net, noise, "relu3_1", *map(int, unit))
    assert found.value == 0
    assert not found.gradient.any()


def test_the_network_is_left_as_it_was_and_what_is_not_there_is_named(noise):
    net = tiny_classifier()
    unit_gradient(net, noise, "fc8", 2)
    assert not any(p.requires_grad or p.grad is not None for p in net.module.parameters())
    with torch.inference_mode():
        unit_gradient(net, noise, "prob", 2)  # also where the caller needs no gradients
    with pytest.raises(ModelError, match="no layer “conv9”"):
        unit_gradient(net, noise, "conv9", 0)
    with pytest.raises(ParameterError, match="conv2_1 has no channel 6"):
        unit_gradient(net, noise, "conv2_1", 6)
    with pytest.raises(ParameterError, match="conv2_1 has no row 32"):
        unit_gradient(net, noise, "conv2_1", 0, 32)
    with pytest.raises(ParameterError, match="8 px is too small"):
        unit_gradient(net, noise, "conv2_1", 0, side=8)
