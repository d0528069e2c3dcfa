"""A batch through a network, as quickly as a processor's caches allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from visionlab.network.vgg import Step

if TYPE_CHECKING:
    from visionlab.network.classifier import Classifier

# Bytes of a layer's values. More than that neither stays in the third cache nor is kept by malloc for the next layer:
# VGG16 at 224 px took a fifth longer with 32 pictures at once than with 4, in float32 and in bfloat16.
KEPT = 26_000_000


def through(net: Classifier, steps: Sequence[Step], x: Tensor) -> Tensor:
    """The output of the steps, the network's first ones, for prepared pictures x (N, 3, H, W).

    On a CPU, a few pictures at a time go through the layers whose values lie at places; fully connected layers, which
    read all their weights for each call, get the whole batch.
    """
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
    for _, step in steps:
        x = step(x)
    return x
