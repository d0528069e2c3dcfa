"""A pass through a network that computes nothing: shapes, multiplications, and what each place of a map can see.

It is followed operation by operation, so that blocks, branches and paddings of any kind are understood without their
modules being known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

KEPT = 4  # sides of a network whose passes are remembered
_NOWHERE = np.iinfo(np.int64).max  # the first row of what depends on no row


@dataclass(frozen=True, eq=False)
class Axis:
    """The rows (or the columns) of a map: the first and the last of the input's on which each can depend, int64 (n,).

    Without borders, the first one's lie from low to high and its neighbour's `jump` further, in pixels of the input;
    open is False where that has no meaning, since every place depends on the whole.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    low: int = 0
    high: int = 0
    jump: int = 1
    open: bool = True

    @property
    def field(self) -> int | None:
        """The receptive field's size in pixels of the input; None where it is the whole."""
        return self.high - self.low + 1 if self.open else None


Axes = tuple[Axis, Axis]  # rows, columns


@dataclass(frozen=True, eq=False)
class Passed:
    """One step: its path, the shape of its output without the batch, its multiplications, and what its places see.

    axes is None after an operation that is not understood, or where the output has no places.
    """

    path: str
    shape: tuple[int, ...]
    multiplications: int
    axes: Axes | None

    @property
    def field(self) -> int | None:
        """The receptive field's size in pixels of the input, where it is one number and not the whole input."""
        fields = {axis.field for axis in self.axes or ()}
        return fields.pop() if len(fields) == 1 else None


_known: WeakKeyDictionary[nn.Module, dict[int, tuple[Passed, ...]]] = WeakKeyDictionary()
_lock = Lock()


def passes(network: nn.Module, side: int) -> tuple[Passed, ...]:
    """Every step of a network, for an input of side × side pixels; remembered as long as the network is there."""
    with _lock:
        found = _known.get(network, {}).get(side)
    if found is None:
        found = _passed(network, side)
        with _lock:
            sides = _known.setdefault(network, {})
            sides[side] = found
            while len(sides) > KEPT:
                del sides[next(iter(sides))]
    return found


def step_passed(network: nn.Module, path: str, side: int) -> Passed:
    """That step of a network."""
    return next(each for each in passes(network, side) if each.path == path)


def _passed(network: nn.Module, side: int) -> tuple[Passed, ...]:
    weights = {id(each): each.to("meta") for each in (*network.parameters(), *network.buffers()) if not each.is_meta}
    shadow = deepcopy(network, weights) if weights else network  # a copy of the structure alone
    dtype = next((parameter.dtype for parameter in network.parameters()), torch.float32)
    x = torch.zeros(1, 3, side, side, dtype=dtype, device="meta")
    found = []
    with torch.no_grad(), _Watch(x) as watch:
        for path, step in shadow.steps():
            before = watch.count
            x = step(x)
            axes = watch.seen(x) if x.dim() == 4 else None
            found.append(Passed(path, tuple(x.shape[1:]), watch.count - before, axes))
    return tuple(found)


class _Watch(TorchDispatchMode):
    """Counts multiplications as torch's FlopCounterMode does, halved, without the hooks that it puts on every module of
    the process, and follows what depends on which places of x."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.count = 0
        axes = tuple(Axis(np.arange(size), np.arange(size)) for size in x.shape[2:])
        self._seen: dict[int, tuple[Tensor, Axes | None]] = {id(x): (x, axes)}  # kept, so that no id is used again

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """torch asks. It would import its compiler, only to tell it that nothing is compiled here."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        packet = func._overloadpacket
        shape = _SHAPES[packet](*args) if packet in _SHAPES and not kwargs else None
        out = args[0].new_empty(shape) if shape is not None else func(*args, **(kwargs or {}))
        if packet in flop_registry:
            self.count += flop_registry[packet](*args, **(kwargs or {}), out_val=out) // 2  # and as many additions
        sources = [self._seen[id(each)][1] for each in _tensors(args) if id(each) in self._seen]
        if sources:  # else it depends on no place: weights
            result = out[0] if isinstance(out, tuple) else out
            follow = _FOLLOWED.get(packet)
            turned = any(isinstance(source, _Turned) for source in sources)
            known = follow is not None and None not in sources and result.dim() == 4
            known &= not turned or packet in _OF_TURNED
            self._seen[id(result)] = (result, follow(sources, args, result) if known else None)
        return out

    def seen(self, x: Tensor) -> Axes | None:
        found = self._seen[id(x)][1] if id(x) in self._seen else None
        return None if isinstance(found, _Turned) else found


def _tensors(args: Sequence) -> list[Tensor]:
    flat = [each for arg in args for each in (arg if isinstance(arg, list | tuple) else [arg])]
    return [each for each in flat if isinstance(each, Tensor)]


def _window(axis: Axis, size: int, stride: int, before: int, dilation: int, count: int) -> Axis:
    """`count` places, each of which sees `size` of the axis, the first one from `before` places outside on."""
    at = np.arange(count)[:, None] * stride - before + np.arange(size) * dilation  # (count, size)
    inside = (at >= 0) & (at < len(axis.first))
    at = at.clip(0, len(axis.first) - 1)
    first = np.where(inside, axis.first[at], _NOWHERE).min(1)
    last = np.where(inside, axis.last[at], -1).max(1)
    low = axis.low - before * axis.jump
    high = axis.high + ((size - 1) * dilation - before) * axis.jump
    return Axis(first, last, low, high, axis.jump * stride, axis.open)


def _joined(axes: Sequence[Axis], count: int) -> Axis:
    """What depends on all of them; those of one place count for every place."""
    if len(axes) == 1 and len(axes[0].first) == count:
        return axes[0]
    first = np.broadcast_to(np.min(np.broadcast_arrays(*(axis.first for axis in axes)), 0), count)
    last = np.broadcast_to(np.max(np.broadcast_arrays(*(axis.last for axis in axes)), 0), count)
    one = all(axis.open and axis.jump == axes[0].jump for axis in axes)
    low, high = min(axis.low for axis in axes), max(axis.high for axis in axes)
    return Axis(first, last, low, high, axes[0].jump, one)


def _convolved_shape(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int], *rest: object
) -> list[int] | None:
    """Dumoulin & Visin 2016 (arXiv:1603.07285), section 5.1; None for a transposed one."""
    dilation, transposed, *_ = rest
    if transposed:
        return None
    sides = [
        (size + 2 * _of(padding, i) - _of(dilation, i) * (weight.shape[2 + i] - 1) - 1) // _of(stride, i) + 1
        for i, size in enumerate(x.shape[2:])
    ]
    return [len(x), len(weight), *sides]


def _own_shape(x: Tensor, *_: object) -> torch.Size:
    return x.shape


def _shape_of_two(x: Tensor, other: Tensor | float, *_: object) -> Sequence[int] | None:
    if not isinstance(other, Tensor):
        return x.shape
    return np.broadcast_shapes(x.shape, other.shape) if x.dtype == other.dtype else None


def _averaged_shape(x: Tensor, axes: Sequence[int] | None = None, keep: bool = False, *_: object) -> list[int]:
    over = {axis % x.dim() for axis in axes or range(x.dim())}
    return [1 if axis in over else size for axis, size in enumerate(x.shape) if keep or axis not in over]


def _convolved(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    _, weight, _, stride, padding, dilation, transposed = args[:7]
    if transposed:
        return None
    return tuple(
        _window(axis, weight.shape[2 + i], _of(stride, i), _of(padding, i), _of(dilation, i), out.shape[2 + i])
        for i, axis in enumerate(sources[0])
    )


def _pooled(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    _, kernel, stride, padding, *rest = *args, *(None, 0)[len(args) - 2 :]
    dilation = rest[0] if rest and not isinstance(rest[0], bool) else 1  # an average has none
    return tuple(
        _window(axis, _of(kernel, i), _of(stride or kernel, i), _of(padding, i), _of(dilation, i), out.shape[2 + i])
        for i, axis in enumerate(sources[0])
    )


def _of(value: int | Sequence[int], axis: int) -> int:
    return value if isinstance(value, int) else value[axis % len(value)]


def _padded(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    left, _, top, *_ = *args[1], 0, 0  # begins with the last axis
    starts = (top, left)
    return tuple(_window(axis, 1, 1, starts[i], 1, out.shape[2 + i]) for i, axis in enumerate(sources[0]))


def _adaptively_pooled(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    found = []
    for i, axis in enumerate(sources[0]):
        size, count = len(axis.first), out.shape[2 + i]
        ranges = [slice(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]
        first, last = (
            np.array([each(v[r]) for r in ranges]) for each, v in ((np.min, axis.first), (np.max, axis.last))
        )
        found.append(Axis(first, last, open=False))
    return tuple(found)


def _concatenated(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    return _combined(sources, args, out) if args[1:] == (1,) else None  # channel beside channel


class _Turned(tuple):
    """The axes of maps whose channels come last."""


def _permuted(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    back = isinstance(sources[0], _Turned)
    if list(args[1]) != ([0, 3, 1, 2] if back else [0, 2, 3, 1]):
        return None
    return tuple(sources[0]) if back else _Turned(sources[0])


def _as_it_was(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    """A norm over the channels, which come last."""
    return sources[0] if isinstance(sources[0], _Turned) and len(args[1]) == 1 else None


def _combined(sources: Sequence[Axes], args: Sequence, out: Tensor) -> Axes | None:
    """Value by value."""
    return tuple(_joined([axes[i] for axes in sources], out.shape[2 + i]) for i in (0, 1))


_aten = torch.ops.aten
_VALUE_BY_VALUE = {
    _aten.gelu,
    _aten.hardsigmoid,
    _aten.hardswish,
    _aten.hardtanh,
    _aten.relu,
    _aten.sigmoid,
    _aten.silu,
}
_OF_TURNED = (_aten.permute, _aten.native_layer_norm)
# Shapes that torch's own Python would work out, slowly: a few milliseconds each, and the first one a second or two, in
# which its compiler is imported.
_SHAPES: dict[object, Callable[..., Sequence[int] | None]] = {
    _aten.convolution: _convolved_shape,
    _aten.addmm: lambda bias, x, weight: (len(x), weight.shape[1]),
    _aten.mean: _averaged_shape,
    **dict.fromkeys((_aten.add, _aten.mul), _shape_of_two),
    **dict.fromkeys(_VALUE_BY_VALUE, _own_shape),
}
_FOLLOWED: dict[object, Callable[[Sequence[Axes], Sequence, Tensor], Axes | None]] = {
    _aten.convolution: _convolved,
    _aten.cat: _concatenated,
    _aten.max_pool2d_with_indices: _pooled,
    _aten.avg_pool2d: _pooled,
    _aten.constant_pad_nd: _padded,
    _aten._adaptive_avg_pool2d: _adaptively_pooled,
    _aten.permute: _permuted,
    _aten.native_layer_norm: _as_it_was,
    _aten.mean: _adaptively_pooled,  # of all places, which stay as one: what else it may be has no four axes
    **dict.fromkeys((_aten.add, _aten.add_, _aten.mul, _aten.native_batch_norm), _combined),
    **dict.fromkeys((_aten._to_copy, _aten.clone, *_VALUE_BY_VALUE), _combined),
}
