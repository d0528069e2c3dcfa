"""What a map's places see, beside the support of gradients, in networks with branches, strides and odd paddings."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import get_model

from visionlab.network.zoo import efficientnet_lite
from visionlab.network.zoo import passes as module
from visionlab.network.zoo.efficientnet_lite import STAGES, EfficientNetLite0
from visionlab.network.zoo.passes import passes, step_passed
from visionlab.network.zoo.torchvision_nets import Stepped, network_layers


class Features(nn.Module):
    """The part of one of torchvision's networks whose outputs have places."""

    def __init__(self, name: str, **options: float):
        super().__init__()
        self.features = get_model(name, **options).features


def network(name: str) -> nn.Module:
    if name == "lite":
        return EfficientNetLite0().eval()
    return Stepped(get_model(name)).eval()


def narrow(name: str, patch: pytest.MonkeyPatch) -> nn.Module:
    """Where it can be had with fewer channels, with these: what a place sees does not depend on their number."""
    if name == "mobilenet_v2":
        return Stepped(Features(name, width_mult=0.25)).eval()
    stages = [(expansion, kernel, stride, width // 8, count) for expansion, kernel, stride, width, count in STAGES]
    patch.setattr(efficientnet_lite, "STAGES", stages)
    return network(name)


def gentle(net: nn.Module) -> nn.Module:
    """Positive weights, with which no path cancels another, no unit is silent and none is cut off at six."""
    for parameter in net.parameters():
        if parameter.dim() == 4:
            nn.init.uniform_(parameter, 0.1 / parameter[0].numel(), 0.2 / parameter[0].numel())
        else:
            nn.init.zeros_(parameter)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
    return net.double()


def averaged(step, x):
    """Averages for maxima: every place of a window counts."""
    if isinstance(step, nn.MaxPool2d):
        return F.avg_pool2d(x, step.kernel_size, step.stride, step.padding, step.ceil_mode)
    return step(x)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *(("resnet18", 40), ("resnet18", 47), ("squeezenet1_1", 40), ("squeezenet1_1", 65), ("mobilenet_v2", 33)),
        *(("lite", 32), ("lite", 33)),  # whose padding depends on whether a side is odd
    ],
)
def test_places_see_what_their_gradients_reach(name, side, monkeypatch):
    torch.manual_seed(0)
    net = gentle(narrow(name, monkeypatch))
    x = y = torch.ones(3, 3, side, side, dtype=torch.float64, requires_grad=True)  # one for each place
    looked_at = 0
    for (path, step), passed in zip(net.steps(), passes(net, side), strict=True):
        y = averaged(step, y)
        if y.dim() < 4:
            break
        assert (path, passed.shape) == (passed.path, tuple(y.shape[1:]))
        rows, columns = passed.axes
        last = y.shape[-1] - 1
        places = [(0, last), (last // 2, last // 3), (last, max(last - 1, 0))]
        found = sum(y[number, :, row, column].sum() for number, (row, column) in enumerate(places))
        (gradients,) = torch.autograd.grad(found, x, retain_graph=True)
        for gradient, (row, column) in zip(gradients, places, strict=True):
            support = gradient.abs().sum(0) > 0
            expected = torch.zeros(side, side, dtype=torch.bool)
            expected[rows.first[row] : rows.last[row] + 1, columns.first[column] : columns.last[column] + 1] = True
            assert torch.equal(support, expected), (path, row, column)
        looked_at += len({*places})
    assert looked_at > 20


def fields(net: nn.Module) -> dict[str, int | None]:
    return {layer.name: layer.receptive_field for layer in network_layers(net, 224)}


def test_fields_of_the_networks_of_blocks_are_those_of_pencil_and_paper():
    with torch.device("meta"):
        resnet, lite = fields(network("resnet18")), fields(network("lite"))
    # r + (k − 1)·j for each kernel: 7 and 3 of stride 2 each, then 3 by 3, with j twice as long from block to block
    blocks = {"layer1.1": 43, "layer2.1": 99, "layer3.1": 211, "layer4.1": 435}
    expected = {"conv1": 7, "maxpool": 11} | {f"{name}.relu2": field for name, field in blocks.items()}
    assert {name: resnet[name] for name in expected} == expected
    assert resnet["layer2.0.downsample.0"] == resnet["layer1.1.relu2"]  # a single pixel of it
    assert resnet["avgpool"] is None
    kernels = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
    jumps = (2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32, 32, 32)
    field = 3
    for number, (kernel, jump) in enumerate(zip(kernels, jumps, strict=True)):
        field += (kernel - 1) * jump
        assert lite[f"blocks.{number}.project"] == field
        assert lite.get(f"blocks.{number}.sum", field) == field
    assert field == 851


def test_what_is_weighed_by_the_whole_map_sees_the_whole_input():
    with torch.device("meta"):
        net = network("mobilenet_v3_large")
        found = fields(net)
    first = "features.4.block.2.avgpool"  # the first gates, that an average over all places opens
    names = [name for name in found if name.startswith("features.")]
    assert all(found[name] for name in names[: names.index(first)])
    assert not any(found[name] for name in names[names.index(first) :])
    rows, _ = step_passed(net, first, 97).axes
    assert (set(rows.first), set(rows.last)) == ({0}, {96})


def test_operations_that_are_not_understood_are_not_guessed():
    class Turned(nn.Module):
        def forward(self, x):
            return x.transpose(2, 3)

    net = Stepped(nn.Sequential(nn.Conv2d(3, 4, 3), Turned(), nn.ReLU()), None)
    first, turned, after = passes(net, 32)
    assert first.field == 3
    assert (turned.axes, after.axes, after.field) == (None, None, None)


def test_dilations_and_one_sided_windows():
    net = Stepped(
        nn.Sequential(
            nn.Conv2d(3, 4, (1, 5), padding=(0, 4), dilation=(1, 2)), nn.AvgPool2d(2, ceil_mode=True), nn.ReLU()
        ),
        None,
    )
    pooled = step_passed(net, "1", 33)
    rows, columns = pooled.axes
    assert (rows.field, columns.field, pooled.field) == (2, 10, None)
    assert (rows.first[-1], rows.last[-1]) == (32, 32), "half of the last window lies outside"
    assert (columns.first[0], columns.last[0]) == (0, 5)
    with torch.device("meta"):
        (layer, *_) = network_layers(net, 33)
    assert layer.receptive_field is None, "it is no square"


def test_passes_are_remembered_as_long_as_their_network_and_for_a_few_sides(monkeypatch):
    computed, compute = [], module._passed
    monkeypatch.setattr(module, "_passed", lambda net, side: computed.append(side) or compute(net, side))
    net = Stepped(nn.Sequential(nn.Conv2d(3, 4, 3)), None)
    gc.collect()
    known = len(module._known)
    for side in (40, 41, 42, 43, 44, 44, 43):
        np.testing.assert_array_equal(passes(net, side)[0].shape, (4, side - 2, side - 2))
    assert computed == [40, 41, 42, 43, 44]
    passes(net, 40)
    assert computed[-1] == 40
    assert len(module._known) == known + 1
    del net
    gc.collect()
    assert len(module._known) == known


AT_ONCE = """
import sys
import visionlab as vl
net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
vl.predict(net, [vl.load_sample("coffee")])
sys.exit(", ".join({"torch._dynamo", "sympy", "torchvision"} & {*sys.modules}) or None)
"""


def test_a_first_answer_does_not_wait_for_what_it_does_not_need():
    """torch's compiler and torchvision, whose import takes longer than everything else up to a first answer."""
    found = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation"),
    [
        (9, 3, 1, 1, 1),
        (9, 3, 2, 1, 1),
        (10, 3, 2, 0, 1),
        (7, 7, 4, 3, 1),
        (11, 3, 2, 2, 2),
        (8, 1, 3, 0, 1),
        (6, 2, 1, 0, 3),
    ],
)
def test_the_shape_of_a_convolution_is_torchs(size, kernel, stride, padding, dilation):
    x, weight = torch.zeros(2, 4, size, size + 3), torch.zeros(6, 2, kernel, kernel)
    asked = {"stride": stride, "padding": padding, "dilation": dilation}
    wanted = torch.nn.functional.conv2d(x, weight, **asked, groups=2).shape
    told = [[value, value] for value in asked.values()]
    assert module._convolved_shape(x, weight, None, *told, False) == list(wanted)


@pytest.mark.parametrize(
    ("axes", "keep"), [(None, False), ([2, 3], True), ([-1, -2], True), ([-2], False), ([1], True)]
)
def test_the_shape_of_a_mean_is_torchs(axes, keep):
    x = torch.zeros(2, 3, 4, 5)
    wanted = x.mean() if axes is None else x.mean(axes, keep)
    assert module._averaged_shape(x, axes, keep) == list(wanted.shape)


def test_the_shape_of_two_that_are_joined_is_torchs():
    x = torch.zeros(2, 3, 4, 5)
    for other in (torch.zeros(2, 3, 1, 1), torch.zeros(5), torch.zeros(2, 3, 4, 5), 2.0):
        assert tuple(module._shape_of_two(x, other)) == (x + other).shape
    assert module._shape_of_two(x, torch.zeros(5, dtype=torch.float64)) is None, "which torch decides"
