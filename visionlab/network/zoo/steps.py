"""Steps beside torch's modules: flattening, shortcuts and what joins their ends, what works on
each place of maps by itself. And modules filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def flatten(x: Tensor) -> Tensor:
    """(N, C, H, W) → (N, C·H·W); (N, C) stays as it is."""
    return x.flatten(1)


class Shortcut:
    """A step that lets its input pass and keeps it for the Join at the other end.

    A list of steps has its own, and runs from the first to the last: so passes do not meet, and nothing is left behind.
    """

    def __init__(self):
        self._kept: Tensor | None = None
        self.bound: float | None = None

    def __call__(self, x: Tensor) -> Tensor:
        self._kept, self.bound = x, None
        return x

    def reach(self, bound: float | None) -> float | None:
        """How large a value can be that it gives for none larger than the bound; None: nobody knows."""
        self.bound = bound
        return bound

    def take(self) -> Tensor:
        kept, self._kept = self._kept, None
        return kept


class Return:
    """A step that goes back to what a Shortcut kept, whose path is after, and has it keep what came here instead."""

    def __init__(self, shortcut: Shortcut, after: str):
        self._shortcut = shortcut
        self.after = after

    def __call__(self, x: Tensor) -> Tensor:
        kept = self._shortcut.take()
        self._shortcut(x)
        return kept


class Squeeze(Shortcut):
    """A Shortcut around the layers of a gate: one value a channel, by which the Product at the other end multiplies."""


class Join(nn.Module):
    """A step that makes one of what a Shortcut kept and what came; after is the path of the step that had it kept."""

    def __init__(self, shortcut: Shortcut, after: str):
        super().__init__()
        self._shortcut = shortcut
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self._shortcut.take(), x)

    def join(self, kept: Tensor, came: Tensor) -> Tensor:
        raise NotImplementedError


class Sum(Join):
    """Place by place."""

    def join(self, kept: Tensor, came: Tensor) -> Tensor:
        return kept + came

    def reach(self, bound: float | None) -> float | None:
        """As that of a Shortcut."""
        return None if bound is None or self._shortcut.bound is None else self._shortcut.bound + bound


class Product(Join):
    """Maps (N, C, H, W) that were kept, times what came for each channel, (N, C, 1, 1)."""

    def join(self, kept: Tensor, came: Tensor) -> Tensor:
        return came * kept


class Concatenation(Join):
    """The channels that were kept, and after them those that came."""

    def join(self, kept: Tensor, came: Tensor) -> Tensor:
        return torch.cat([kept, came], 1)


class Pointwise(nn.Module):
    """A fully connected layer at each place of maps, as the convolution of 1 × 1 that it is: (N, C, H, W) → (N, C', H,
    W)."""

    kernel_size, stride, padding = 1, 1, 0

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.linear = linear

    @property
    def weight(self) -> Tensor:
        """(C', C)"""
        return self.linear.weight

    @property
    def bias(self) -> Tensor | None:
        return self.linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight[:, :, None, None], self.bias)


class ChannelNorm(nn.Module):
    """A layer norm over the channels at each place of maps (N, C, H, W)."""

    def __init__(self, norm: nn.LayerNorm):
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Scale(nn.Module):
    """Each channel times its weight, (C, 1, 1)."""

    def __init__(self, weight: nn.Parameter):
        super().__init__()
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x


def filled(module: Module, tensors: Mapping[str, Tensor]) -> Module:
    """A copy of a module, and of the modules in it, with these tensors by their names in its state_dict(), frozen.

    It takes a twentieth of what deepcopy() and load_state_dict() take, which do more: whatever else a module holds is
    shared, and nobody looks whether the tensors are all that there is, or fit.
    """
    return _filled(module, tensors, "")


def _filled(module: Module, tensors: Mapping[str, Tensor], path: str) -> Module:
    found = object.__new__(type(module))
    found.__dict__ = {
        name: value.copy() if isinstance(value, dict | set) else value for name, value in module.__dict__.items()
    }
    for name, old in module._parameters.items():
        if old is not None:
            found._parameters[name] = nn.Parameter(tensors[path + name], requires_grad=False)
    for name in module._buffers:
        found._buffers[name] = tensors[path + name]
    for name, child in module._modules.items():
        found._modules[name] = _filled(child, tensors, f"{path}{name}.")
    return found
