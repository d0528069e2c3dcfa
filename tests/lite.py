"""EfficientNet-Lite0 as it was published, for comparison: its own names, batch normalisation, a plain forward pass."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_model

# (channels inside, side of the depthwise kernel, stride, channels out) of each block, read off the published file.
BLOCKS = (
    (32, 3, 1, 16), (96, 3, 2, 24), (144, 3, 1, 24), (144, 5, 2, 40), (240, 5, 1, 40), (240, 3, 2, 80),
    (480, 3, 1, 80), (480, 3, 1, 80), (480, 5, 1, 112), (672, 5, 1, 112), (672, 5, 1, 112), (672, 5, 2, 192),
    (1152, 5, 1, 192), (1152, 5, 1, 192), (1152, 5, 1, 192), (1152, 3, 1, 320),
)  # fmt: skip


class _Same(nn.Conv2d):
    def __init__(self, channels: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(channels, width, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size in (x.shape[3], x.shape[2]):  # F.pad begins with the last axis
            missing = self.kernel_size[0] - (size % self.stride[0] or self.stride[0])
            pads += [max(missing, 0) // 2, max(missing, 0) - max(missing, 0) // 2]
        return super().forward(F.pad(x, pads))


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3)


class _Block(nn.Module):
    def __init__(self, channels: int, inside: int, kernel: int, stride: int, width: int):
        super().__init__()
        self.relu6 = nn.ReLU6()
        if inside != channels:
            self._expand_conv, self._bn0 = _Same(channels, inside), _norm(inside)
        self._depthwise_conv, self._bn1 = _Same(inside, inside, kernel, stride, inside), _norm(inside)
        self._project_conv, self._bn2 = _Same(inside, width), _norm(width)
        self.adds = (stride, channels) == (1, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = self._bn2(self._project_conv(self.relu6(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.adds else y


class Published(nn.Module):
    """Its state_dict() has the published names."""

    def __init__(self):
        super().__init__()
        self.relu6 = nn.ReLU6()
        self._conv_stem, self._bn0 = _Same(3, 32, 3, 2), _norm(32)
        inputs = [32, *(width for *_, width in BLOCKS)]
        self._blocks = nn.ModuleList(_Block(n, *block) for n, block in zip(inputs[:-1], BLOCKS, strict=True))
        self._conv_head, self._bn1 = _Same(320, 1280), _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(self.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


def unset(name: str, build: Callable[[str], nn.Module] = get_model) -> nn.Module:
    """torchvision's network of that name, for weights that come later: drawing others first takes long."""
    with torch.device("meta"):
        network = build(name)
    return network.to_empty(device="cpu")


def lively(network: nn.Module, side: int = 64) -> dict[str, Tensor]:
    """Random weights, and the running statistics that go with them, so that nothing vanishes or explodes."""
    torch.manual_seed(0)
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if parameter.dim() > 1:
                nn.init.kaiming_normal_(parameter)
            else:
                nn.init.normal_(parameter, mean=0.0 if key.endswith("bias") else 1.0, std=0.1)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = 1.0
                part.reset_running_stats()  # nothing times what is no number yet is no number
        network.train()(torch.randn(8, 3, side, side))
    return network.eval().state_dict()
