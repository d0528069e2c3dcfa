"""Convolutions, and how a processor computes them soonest: weights laid out once, and a ReLU in the same pass.

torch lays a convolution's weights out anew for each call, as oneDNN wants them, which takes a third of VGG16's time for
one picture, and goes through its output once more for the ReLU behind it. Its compiler does neither, by two operations
that are here without it. The arithmetic is the same.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAFE = 1e38  # below that no sum in float32 or bfloat16 becomes infinite, or is then no number any more

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


def largest(x: Tensor) -> float:
    """The largest absolute value of x (N, C, H, W); NaN where one is no number."""
    least, most = torch.aminmax(x.permute(0, 2, 3, 1))  # as they lie
    return float(torch.maximum(-least, most))


class Prepared(NamedTuple):
    """A convolution as oneDNN takes it: its weights as they lie there, its bias, padding, stride, dilation and groups.

    Nothing that it gives is larger than gain · the largest value that it is given + offset. own and state tell whether
    the weights are still those that this was made of.
    """

    weight: Tensor
    bias: Tensor | None
    sizes: tuple[object, ...]
    gain: float
    offset: float
    own: Tensor
    state: tuple[object, ...]

    def reach(self, bound: float) -> float:
        """How large a value can be that it gives for none larger than the bound."""
        return self.gain * bound + self.offset

    def __call__(self, x: Tensor, then: nn.Module | None = None) -> Tensor:
        """What it gives for x (N, C, H, W), and `then`, which is_fused(), makes of that.

        A fused step makes 0 of what is no number, which torch leaves: for what is in reach of SAFE alone.
        """
        what, numbers = _ALONE if then is None else _FUSED[type(then)]
        return torch.ops.mkldnn._convolution_pointwise(x, self.weight, self.bias, *self.sizes, what, numbers, "")


def prepared(step: object, x: Tensor) -> Prepared | None:
    """That step, prepared for x (N, C, H, W), where it is a convolution and that is right; else torch is to compute.

    It is kept as long as the convolution is there. How the weights lie depends on the processor and the kernel, not on
    the size of x; where TensorFlow's zeros are one more after than before, which does, the odd one stands in the
    kernel, as a row or a column of 0 before the others.
    """
    if not _is_quick(step, x):
        return None
    weight, bias = step.weight, step.bias
    versions = (each is not None and not each.is_inference() and each._version for each in (weight, bias))
    state: tuple[object, ...] = (weight.data_ptr(), *versions)
    if isinstance(step, SameConv):
        state += tuple(size % stride for size, stride in zip(x.shape[2:], step.stride, strict=True))
    kept = _kept.get(step)
    if kept is None or kept.own is not weight or kept.bias is not bias or kept.state != state:
        with torch.inference_mode(False), torch.no_grad():
            kept = _made(step, x, state)
        with _lock:
            _kept[step] = kept
    return kept


def stepped(step: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """step(x), where that is a convolution as soon as it can be had."""
    return (prepared(step, x) or step)(x)


def _is_quick(conv: object, x: Tensor) -> bool:
    """On a processor, where no gradient is asked for."""
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


@cache
def _precisions() -> frozenset[torch.dtype]:
    """In which of them this processor has both operations."""
    operations = torch.ops.mkldnn
    has_both = hasattr(operations, "_convolution_pointwise") and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    if not (has_both and torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64")):
        return frozenset()
    halves = {torch.bfloat16} if operations._is_mkldnn_bf16_supported() else set()
    return frozenset({torch.float32} | halves)


_kept: WeakKeyDictionary[nn.Module, Prepared] = WeakKeyDictionary()
_lock = Lock()


def _made(conv: nn.Conv2d, x: Tensor, state: tuple[object, ...]) -> Prepared:
    weight, padding = conv.weight.detach(), conv.padding
    gain = float(weight.abs().sum((1, 2, 3), dtype=torch.float64).max())
    offset = 0.0 if conv.bias is None else float(conv.bias.abs().max())
    if isinstance(conv, SameConv):
        zeros = [conv.zeros(axis, x.shape[2 + axis]) for axis in (0, 1)]
        down, across = (after - before for before, after in zeros)
        weight, padding = F.pad(weight, (across, 0, down, 0)), tuple(after for _, after in zeros)
    sizes = (padding, conv.stride, conv.dilation, conv.groups)
    laid_out = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), *sizes, tuple(x.shape))
    return Prepared(laid_out, conv.bias, sizes, gain, offset, conv.weight, state)
