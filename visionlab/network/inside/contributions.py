"""What the channels of every layer add to a class's logit: gradient × activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from visionlab.imaging.image import Image
from visionlab.network.inside.activations import network_steps
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import predict
from visionlab.network.zoo.steps import flatten

_AFFINE = (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveAvgPool2d, nn.Linear, nn.Dropout, nn.Flatten)


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each channel adds to a class's logit, for one picture.

    target is the class's index, logit the network's own number, before the temperature; layers are {layer name: (C,)
    float32}, signed, in the network's order. exact names the layers after which the network only weighs and adds up:
    without a channel of theirs the logit would be less by just what it adds, and rest() is the biases. Of the others
    the numbers hold to first order, for a small change of the channel.
    """

    target: int
    logit: float
    layers: Mapping[str, NDArray[np.float32]]
    exact: frozenset[str]

    def rest(self, layer: str) -> float:
        """The logit without what the layer's channels add: biases behind it, what shortcuts lead past it, and what a
        straight line misses."""
        return self.logit - float(self.layers[layer].sum(dtype=np.float64))


@torch.inference_mode(False)
@torch.enable_grad()
def contributions(net: Classifier, image: Image, target: str | int | None = None) -> Contributions:
    """What each channel adds to the logit of a class when the network predicts, to first order.

    Σ over the places of activation × ∂logit/∂activation (gradient × input of Shrikumar et al. 2017, arXiv:1605.01713,
    with a layer's maps for the input); one number for each unit of a fully connected layer. Every layer but the
    softmax, which comes after the logit. target is an index or a label, by default the most probable class. Raises
    ParameterError for an unknown class.
    """
    index = predict(net, [image], top=1)[0][0].index if target is None else net.target(target)
    names = {layer.module: layer.name for layer in net.layers}
    steps = network_steps(net)[:-1]
    x = net.transform([image], net.device)
    found: dict[str, torch.Tensor] = {}
    for path, step in steps:
        x = step(x)
        if not found:  # the picture's own gradient is not asked for: the graph starts after the first layer
            x = x.detach().requires_grad_()
        if path in names:
            found[names[path]] = x
    gradients = torch.autograd.grad(x[0, index], list(found.values()))
    added = {
        name: (maps * slope)[0].detach().flatten(1).sum(1) if maps.dim() > 2 else (maps * slope)[0].detach()
        for (name, maps), slope in zip(found.items(), gradients, strict=True)
    }
    exact = set()
    for path, step in reversed(steps):
        if path in names:
            exact.add(names[path])
        if step is not flatten and not isinstance(step, _AFFINE):
            break
    layers = {name: values.float().cpu().numpy() for name, values in added.items()}
    return Contributions(index, x[0, index].item(), layers, frozenset(exact))
