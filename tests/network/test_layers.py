import pytest
import torch
from tiny import TINY

from visionlab.network.layers import vgg_layers
from visionlab.network.vgg import VGG, VGG16

# Receptive fields of VGG16's layers, by the recurrence r + (k - 1)·j worked out by hand.
FIELDS = {"conv1_1": 3, "conv1_2": 5, "pool1": 6, "conv2_2": 14, "pool2": 16, "conv3_3": 40, "pool3": 44,
          "conv4_3": 92, "pool4": 100, "conv5_3": 196, "pool5": 212}  # fmt: skip


def test_vgg16s_table():
    layers = {layer.name: layer for layer in vgg_layers(VGG16, 224)}
    assert {name: layers[name].receptive_field for name in FIELDS} == FIELDS
    assert sum(layer.parameters for layer in layers.values()) == 138_357_544
    assert layers["conv1_1"].parameters == 1_792
    assert layers["fc6"].parameters == 102_764_544
    assert layers["pool5"].shape == (512, 7, 7)
    assert layers["conv4_2"].stride == 8
    assert sum(layer.kind == "conv" for layer in layers.values()) == 13
    assert sum(layer.kind == "pool" for layer in layers.values()) == 5


@pytest.mark.parametrize("side", [32, 64, 97, 224])
def test_shapes_are_those_of_a_forward_pass(side):
    network, x = VGG(TINY).eval(), torch.zeros(1, 3, side, side)
    shapes = {}
    for path, step in network.steps():
        x = step(x)
        shapes[path] = (*x.shape[1:], 1, 1)[:3]
    for layer in vgg_layers(TINY, side)[:-1]:
        assert shapes[layer.module] == layer.shape, layer.name


@pytest.mark.parametrize("name", ["conv1_2", "pool1", "conv2_2", "pool2", "conv3_2"])
def test_receptive_fields_are_the_support_of_the_gradient(name):
    layer = next(layer for layer in vgg_layers(TINY, 64) if layer.name == name)
    network = VGG(TINY).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):  # positive weights: no unit is dead, no path cancels another
            torch.nn.init.uniform_(module.weight, 0.1, 1)
            torch.nn.init.zeros_(module.bias)
        elif isinstance(module, torch.nn.MaxPool2d):
            module.forward = lambda x: torch.nn.functional.avg_pool2d(x, 2)  # so that every input of a window counts
    x = torch.ones(1, 3, 64, 64, requires_grad=True)
    y = x
    for path, step in network.steps():
        y = step.forward(y)
        if path == layer.module:
            break
    middle = y.shape[-1] // 2
    (gradient,) = torch.autograd.grad(y[0, 0, middle, middle], x)
    rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
    assert int(rows[-1] - rows[0] + 1) == layer.receptive_field
