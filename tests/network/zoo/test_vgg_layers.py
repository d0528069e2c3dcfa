import pytest
import torch
import torchvision
from tiny import TINY
from torch.utils.flop_counter import FlopCounterMode

from visionlab.network.zoo.vgg import VGG, VGG16
from visionlab.network.zoo.vgg_layers import vgg_layers

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


def test_layers_are_drawn_by_block_and_have_places_until_the_average_pool():
    layers = {layer.name: layer for layer in vgg_layers(VGG16, 224)}
    assert [layers[name].block for name in ("conv1_1", "pool1", "relu2_1", "conv5_3", "pool5")] == [
        "Block 1",
        "Block 1",
        "Block 2",
        "Block 5",
        "Block 5",
    ]
    classifier = [name for name, layer in layers.items() if layer.block == "Classifier"]
    assert classifier == [name for name, layer in layers.items() if not layer.in_place]
    assert classifier == ["avgpool", "fc6", "relu6", "fc7", "relu7", "fc8", "prob"]


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


def test_vgg16s_layers_are_torchvisions():
    with torch.device("meta"):
        theirs = torchvision.models.vgg16().eval()
        x = torch.zeros(1, 3, 224, 224)
    kinds = {"Conv2d": "conv", "ReLU": "relu", "MaxPool2d": "pool", "AdaptiveAvgPool2d": "average", "Linear": "linear"}
    expected = []
    for path, module in theirs.named_modules():
        if type(module).__name__ in kinds:
            x = module(x.flatten(1) if path == "classifier.0" else x)
            count = sum(parameter.numel() for parameter in module.parameters())
            expected.append((path, kinds[type(module).__name__], (*x.shape[1:], 1, 1)[:3], count))
    layers = vgg_layers(VGG16, 224)
    assert [(layer.module, layer.kind, layer.shape, layer.parameters) for layer in layers[:-1]] == expected
    assert sum(parameter.numel() for parameter in theirs.parameters()) == 138_357_544
    convolutions = [f"{block}_{i}" for block, depth in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, depth + 1)]
    for kind, names in {
        "conv": [f"conv{name}" for name in convolutions],
        "relu": [*(f"relu{name}" for name in convolutions), "relu6", "relu7"],
        "pool": ["pool1", "pool2", "pool3", "pool4", "pool5"],
        "linear": ["fc6", "fc7", "fc8"],
    }.items():
        assert [layer.name for layer in layers if layer.kind == kind] == names


def test_vgg16s_multiplications():
    layers = vgg_layers(VGG16, 224)
    count = {kind: sum(layer.multiplications for layer in layers if layer.kind == kind) for kind in ("conv", "linear")}
    assert count == {"conv": 15_346_630_656, "linear": 123_633_664}
    assert layers[0].multiplications == 64 * 224 * 224 * 3 * 9
    assert not any(layer.multiplications for layer in layers if layer.kind not in count)


@pytest.mark.parametrize("side", [32, 97])
def test_multiplications_are_half_of_the_operations_that_torch_counts(side):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:  # a multiplication and an addition each
        VGG(TINY).eval()(torch.zeros(1, 3, side, side))
    assert 2 * sum(layer.multiplications for layer in vgg_layers(TINY, side)) == counter.get_total_flops()
