"""Where features come from: the very network, by its fingerprint; how pictures enter it; how a layer is read."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from visionlab.network.running.classifier import FEATURES, Classifier, Layer, Step, Transform
from visionlab.network.zoo.loading import layers_at
from visionlab.network.zoo.steps import flatten


def embedder(net: Classifier) -> Classifier:
    """The network as heads are trained on it: pictures enter it at its embedding_side."""
    side = net.embedding_side
    return entered_by(net, net.transform if side is None else net.transform.at(side))


def entered_by(net: Classifier, transform: Transform) -> Classifier:
    """The network with another transform, also for its features; its layers then have the shapes that follow."""
    net = replace(net, embedding_side=None)
    if transform == net.transform:
        return net
    same = transform.crop == net.transform.crop
    return replace(net, transform=transform, layers=net.layers if same else layers_at(net.module, transform.crop))


def reading(layer: Layer, unit_length: bool) -> list[Step]:
    """How a head reads a layer: the mean of each channel over its places, or every value where it has no places; and
    these, if unit_length is set, over their Euclidean length."""
    mean = [("average", nn.AdaptiveAvgPool2d(1))] if layer.in_place else []
    return [*mean, (FEATURES, _directions if unit_length else flatten)]


def _directions(x: Tensor) -> Tensor:
    """(N, …) → (N, F) of unit length; what is shorter than 1e-12 becomes no longer."""
    return F.normalize(flatten(x))


def network_fingerprint(net: Classifier) -> str:
    """SHA-256 over the biases of the network as MODELS has it: small, and changed by any training."""
    digest = hashlib.sha256()
    for name, value in net.module.state_dict().items():
        if name.endswith(".bias"):
            digest.update(name.encode() + value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
