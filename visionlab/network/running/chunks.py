"""A batch through a network, as quickly as a processor's caches and as far as a GPU's memory allow."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visionlab.network.running.convolutions import SAFE, is_fused, largest, prepared

if TYPE_CHECKING:
    from visionlab.network.running.classifier import Classifier, Step

# Bytes of a layer's values. More than that neither stays in the third cache nor is kept by malloc for the next layer:
# VGG16 at 224 px took a fifth longer with 32 pictures at once than with 4, in float32 and in bfloat16.
KEPT = 26_000_000

# What a step of the first kind gives is new and nobody else's; a step of the second kind may write over it, which
# spares the caches a map. On a processor most convolutions have done it already: see convolutions.py.
_MAKERS = (nn.Conv2d, nn.Linear)
_OVER: dict[type[nn.Module], Callable[[Tensor], Tensor]] = {
    nn.ReLU: torch.relu_,
    nn.ReLU6: partial(F.hardtanh_, min_val=0.0, max_val=6.0),
}

_NO_LARGER = (nn.ReLU, nn.ReLU6, nn.MaxPool2d)  # steps after which no value is larger than before


def through(net: Classifier, steps: Sequence[Step], x: Tensor) -> Tensor:
    """The output of the steps, the network's first ones, for prepared pictures x (N, 3, H, W).

    On a CPU, a few pictures at a time go through the layers whose values lie at places; fully connected layers, which
    read all their weights for each call, get the whole batch. Where a GPU's memory is full, the batch goes through in
    halves, or smaller parts, and what does not fit alone on the CPU. x is left as it is; what lies between is not kept.
    """
    found = in_parts(partial(_through, net, steps), x)
    if found is not None:
        return found
    here = on_cpu(net)
    own = here.module.steps()  # which the softmax may follow
    return _through(here, [*own[: len(steps)], *steps[len(own) :]], x.cpu()).to(x.device)


def in_parts(compute: Callable[[Tensor], Tensor], x: Tensor) -> Tensor | None:
    """compute(x) of a batch; where a GPU's memory is full, of its halves, quarters …; None where it is so for one."""
    parts = 1
    while True:
        with suppress(torch.OutOfMemoryError):
            found = [compute(part) for part in x.tensor_split(parts)]
            return found[0] if parts == 1 else torch.cat(found)
        torch.cuda.empty_cache()  # here, where nothing holds the layers' values any more
        if parts >= len(x):
            return None
        parts = min(2 * parts, len(x))


def on_cpu(net: Classifier) -> Classifier:
    """A copy of the network that computes on the CPU."""
    tensors = (*net.module.parameters(), *net.module.buffers())
    # The structure alone is copied where it is, since there may be no room for the weights.
    moved = {id(tensor): _on_cpu(tensor) for tensor in tensors}
    return replace(net, module=deepcopy(net.module, moved), device=torch.device("cpu"))


def _on_cpu(tensor: Tensor) -> Tensor:
    found = tensor.detach().cpu()
    return nn.Parameter(found, requires_grad=False) if isinstance(tensor, nn.Parameter) else found


def _through(net: Classifier, steps: Sequence[Step], x: Tensor) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)  # what convolutions want: 8 to 19 % faster on a CPU
    most = _at_a_time(net, x)
    if x.device.type != "cpu" or most >= len(x):
        return _apply(steps, x)
    in_place = {layer.module for layer in net.layers if layer.in_place}
    end = 1 + max((place for place, (path, _) in enumerate(steps) if path in in_place), default=-1)
    parts = x.tensor_split(-(-len(x) // most))  # of about one size: one picture alone is computed by other kernels
    return _apply(steps[end:], torch.cat([_apply(steps[:end], part) for part in parts]))


def _at_a_time(net: Classifier, x: Tensor) -> int:
    """How many pictures of x (N, 3, H, W) are best taken at a time."""
    values = max((math.prod(layer.shape) for layer in net.layers if layer.in_place), default=1)
    scale = x.shape[2] * x.shape[3] / net.transform.crop**2
    size = next((parameter.element_size() for parameter in net.module.parameters()), 4)
    return max(1, int(KEPT / (values * scale * size)))


def _apply(steps: Sequence[Step], x: Tensor) -> Tensor:
    todo = deque(step for _, step in steps)
    is_new, bound = False, None  # beyond the bound no value of x lies, where that is known
    while todo:
        step = todo.popleft()
        quick = prepared(step, x)
        if quick and (bound := quick.reach(largest(x) if bound is None else bound)) < SAFE:
            then = todo.popleft() if todo and is_fused(todo[0]) else None
            x = quick(x, then)
            bound = min(bound, 6.0) if isinstance(then, nn.ReLU6) else bound
        else:
            over = _OVER.get(type(step)) if is_new else None
            x = (over or step)(x)
            bound = _beyond(step, bound)
        is_new = isinstance(step, _MAKERS)
    return x


def _beyond(step: Callable[[Tensor], Tensor], bound: float | None) -> float | None:
    """How large a value can be that the step gives for none larger than the bound, where that is known."""
    if hasattr(step, "reach"):
        return step.reach(bound)
    return bound if type(step) in _NO_LARGER else None
