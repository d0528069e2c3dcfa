"""Convolutions, and how a processor computes them soonest: weights laid out once, and a ReLU in the same pass.

torch lays a convolution's weights out anew for each call, as oneDNN wants them, which takes a third of VGG16's time for
one picture, and goes through its output once more for the ReLU behind it. Its compiler does neither, by two operations
that are here without it. The arithmetic is the same.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# What may follow in the same pass: its name to oneDNN, and its numbers.
_FUSED: dict[type[nn.Module], tuple[str, list[float]]] = {nn.ReLU: ("relu", []), nn.ReLU6: ("hardtanh", [0.0, 6.0])}
_ALONE: tuple[str, list[float]] = ("none", [])


class Conv(nn.Conv2d):
    """A convolution whose weights come out of a file: drawing others first takes longer than loading them."""

    def reset_parameters(self) -> None:
        pass


class SameConv(Conv):
    """A convolution with TensorFlow's SAME padding: ⌈size / stride⌉ outputs, and zeros around, of which the odd one
    comes after: (N, C, H, W) → (N, C', ⌈H / s⌉, ⌈W / s⌉)."""

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = (self.zeros(axis, x.shape[2 + axis]) for axis in (0, 1))
        return super().forward(F.pad(x, (left, right, top, bottom)))

    def zeros(self, axis: int, size: int) -> tuple[int, int]:
        """How many are put before and after the rows (axis 0) or columns (1) of a map of that size."""
        stride = self.stride[axis]
        zeros = max(0, (-(-size // stride) - 1) * stride + self.kernel_size[axis] - size)
        return zeros // 2, zeros - zeros // 2


def is_fused(step: object) -> bool:
    """Whether a step can be done in the same pass as the convolution before it."""
    return type(step) in _FUSED


def is_quick(conv: object, x: Tensor) -> bool:
    """Whether convolved() can take that step, for x (N, C, H, W): on a processor, where no gradient is asked for."""
    return (
        type(conv) in (nn.Conv2d, Conv, SameConv)
        and x.device.type == "cpu"
        and x.dtype is conv.weight.dtype
        and x.dtype in _precisions()
        and not (torch.is_grad_enabled() and (x.requires_grad or conv.weight.requires_grad))
        and torch.backends.mkldnn.enabled
        and conv.padding_mode == "zeros"
        and not (conv._forward_hooks or conv._forward_pre_hooks or "forward" in conv.__dict__)  # somebody’s own
        and _is_usual(conv, x)
    )


def _is_usual(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether x has room for the kernel, and its values lie together at each place.

    Beyond that the second operation is no longer to be trusted: by oneDNN 3.12 it computes nonsense for some kernels
    where channels or an axis hold a single value, and ended the process for one of 1 × 1 with zeros around.
    """
    count, channels, *sides = x.shape
    extents = [1 + spread * (taps - 1) for spread, taps in zip(conv.dilation, conv.kernel_size, strict=True)]
    return (
        count > 0
        and channels > 1
        and min(sides) > 1
        and all(side >= extent for side, extent in zip(sides, extents, strict=True))
        and not isinstance(conv.padding, str)
        and all(padding < extent for padding, extent in zip(conv.padding, extents, strict=True))
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def convolved(conv: nn.Conv2d, x: Tensor, then: nn.Module | None = None) -> Tensor:
    """What a convolution gives for x (N, C, H, W), and `then`, which is_fused(), makes of that; where is_quick()."""
    what, numbers = _ALONE if then is None else _FUSED[type(then)]
    padding, lead = conv.padding, (0, 0)
    if isinstance(conv, SameConv):  # as many zeros before as after, and of these the odd one under a weight of 0
        zeros = [conv.zeros(axis, x.shape[2 + axis]) for axis in (0, 1)]
        padding, lead = [after for _, after in zeros], tuple(after - before for before, after in zeros)
    sizes = (padding, conv.stride, conv.dilation, conv.groups)
    weight = _laid_out(conv, lead, (*sizes, tuple(x.shape)))
    return torch.ops.mkldnn._convolution_pointwise(x, weight, conv.bias, *sizes, what, numbers, "")


def stepped(step: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """step(x), where that is a convolution as soon as it can be had."""
    return convolved(step, x) if is_quick(step, x) else step(x)


@cache
def _precisions() -> frozenset[torch.dtype]:
    """In which of them this processor has both operations."""
    operations = torch.ops.mkldnn
    has_both = hasattr(operations, "_convolution_pointwise") and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    if not (has_both and torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64")):
        return frozenset()
    halves = {torch.bfloat16} if operations._is_mkldnn_bf16_supported() else set()
    return frozenset({torch.float32} | halves)


class _Kept(NamedTuple):
    """Weights as oneDNN wants them, and what they were made of."""

    laid_out: Tensor
    weight: Tensor
    state: tuple[object, ...]


_kept: WeakKeyDictionary[nn.Module, _Kept] = WeakKeyDictionary()
_lock = Lock()


def _laid_out(conv: nn.Conv2d, lead: tuple[int, int], sizes: Sequence) -> Tensor:
    """The weights for oneDNN, with so many rows and columns of 0 before them; kept as long as the convolution is there.

    How they lie depends on the processor and the kernel, not on what the sizes say of the input.
    """
    weight = conv.weight
    state = (weight.data_ptr(), 0 if weight.is_inference() else weight._version, lead)  # is another after a change
    kept = _kept.get(conv)
    if kept is None or kept.weight is not weight or kept.state != state:
        with torch.inference_mode(False), torch.no_grad():
            plain = F.pad(weight.detach(), (lead[1], 0, lead[0], 0)) if any(lead) else weight.detach()
            kept = _Kept(torch._C._nn.mkldnn_reorder_conv2d_weight(plain.to_mkldnn(), *sizes), weight, state)
        with _lock:
            _kept[conv] = kept
    return kept.laid_out
