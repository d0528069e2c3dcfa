"""EfficientNet-Lite0 (Tan & Le 2019, arXiv:1905.11946; without its squeezing and with ReLU6, for telephones, 2020).

Its weights were published with batch normalisation after every convolution, which is folded into them here: one affine
map less a layer, and the numbers that a convolution shows are those that it computes with.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.network.files import reading, weights
from visionlab.network.running.classifier import Step
from visionlab.network.running.convolutions import Conv, SameConv
from visionlab.network.zoo.steps import Shortcut, Sum, flatten

# Times as many channels inside a block as enter it, side of the depthwise kernel, stride of the first block, channels
# that leave a block, blocks.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM, LAST, CLASSES = 32, 1280, 1000
EPSILON = 1e-3  # what is added to the variances that are folded in
_MOMENTS = ("weight", "bias", "running_mean", "running_var")


def _convolution(channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride == 1:  # the padding is the same on both sides, which needs no copy
        return Conv(channels, width, kernel, padding=kernel // 2, groups=groups)
    return SameConv(channels, width, kernel, stride, groups=groups)


class Block(nn.Module):
    """Expand, look at each channel on its own, project; what came in is added where it has the shape of the result."""

    def __init__(self, channels: int, width: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        inside = channels * expansion
        if expansion > 1:
            self.expand = _convolution(channels, inside, 1)
            self.expand_relu6 = nn.ReLU6()
        self.depthwise = _convolution(inside, inside, kernel, stride, groups=inside)
        self.depthwise_relu6 = nn.ReLU6()
        self.project = _convolution(inside, width, 1)
        self.adds = stride == 1 and channels == width

    def steps(self, path: str) -> list[Step]:
        """What the block at that path does, in order."""
        inside = [(f"{path}.{name}", module) for name, module in self.named_children()]
        if not self.adds:
            return inside
        shortcut = Shortcut()
        around = f"{path}.shortcut"
        return [(around, shortcut), *inside, (f"{path}.sum", Sum(shortcut, around))]


class EfficientNetLite0(nn.Module):
    """(N, 3, H, W) float, normalised → logits (N, 1000), step by step, for any H and W from 32 on."""

    def __init__(self):
        super().__init__()
        self.stem = _convolution(3, STEM, 3, stride=2)
        self.stem_relu6 = nn.ReLU6()
        blocks, channels = [], STEM
        for expansion, kernel, stride, width, count in STAGES:
            for number in range(count):
                blocks.append(Block(channels, width, expansion, kernel, stride if number == 0 else 1))
                channels = width
        self.blocks = nn.ModuleList(blocks)
        self.last = _convolution(channels, LAST, 1)
        self.last_relu6 = nn.ReLU6()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(LAST, CLASSES)

    def steps(self) -> list[Step]:
        """What the network does, in order: (module path, function). Flattening has the path "flatten"."""
        return [
            ("stem", self.stem),  # → (N, 32, ⌈H / 2⌉, ⌈W / 2⌉)
            ("stem_relu6", self.stem_relu6),
            *(
                step for i, block in enumerate(self.blocks) for step in block.steps(f"blocks.{i}")
            ),  # → (N, 320, ⌈H / 32⌉, …)
            ("last", self.last),
            ("last_relu6", self.last_relu6),
            ("avgpool", self.avgpool),  # → (N, 1280, 1, 1)
            ("flatten", flatten),
            ("classifier", self.classifier),  # → (N, 1000)
        ]

    def forward(self, x: Tensor) -> Tensor:
        for _, step in self.steps():
            x = step(x)
        return x


def from_published(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The tensors of an EfficientNetLite0, by its names, from the .pth file as it was published.

    Computed by additions, multiplications, divisions and roots in float64, which every processor rounds alike. Raises
    WeightsError where the file holds other tensors.
    """
    published = reading.read_state(io.BytesIO(data), "the published EfficientNet-Lite0")
    with torch.device("meta"):
        network = EfficientNetLite0()
    expected = {f"_fc.{key}": value.shape for key, value in network.classifier.state_dict().items()}
    for path, theirs, norm in _published_names():
        shape = network.get_parameter(f"{path}.weight").shape
        expected[f"{theirs}.weight"] = shape
        expected |= {f"{norm}.{moment}": shape[:1] for moment in _MOMENTS}
    learned = {key: value for key, value in published.items() if not key.endswith(".num_batches_tracked")}
    weights.check(learned, expected, "the published EfficientNet-Lite0")
    found = {}
    for path, theirs, norm in _published_names():
        kernels = learned[f"{theirs}.weight"].double().numpy()
        scale, shift, mean, variance = (learned[f"{norm}.{moment}"].double().numpy() for moment in _MOMENTS)
        gain = scale / np.sqrt(variance + EPSILON)
        found[f"{path}.weight"] = (kernels * gain[:, None, None, None]).astype(np.float32)
        found[f"{path}.bias"] = (shift - mean * gain).astype(np.float32)
    return found | {f"classifier.{key}": learned[f"_fc.{key}"].numpy() for key in ("weight", "bias")}


def _published_names() -> Iterator[tuple[str, str, str]]:
    """(path of a convolution, its name in the published file, that of its batch normalisation), in order."""
    yield "stem", "_conv_stem", "_bn0"
    number = 0
    for expansion, *_, count in STAGES:
        for _ in range(count):
            theirs = f"_blocks.{number}."
            if expansion > 1:
                yield f"blocks.{number}.expand", f"{theirs}_expand_conv", f"{theirs}_bn0"
            yield f"blocks.{number}.depthwise", f"{theirs}_depthwise_conv", f"{theirs}_bn1"
            yield f"blocks.{number}.project", f"{theirs}_project_conv", f"{theirs}_bn2"
            number += 1
    yield "last", "_conv_head", "_bn1"
