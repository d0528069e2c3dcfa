"""What every layer answers: the network's steps run in order, and the wanted ones kept. No hooks, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.imaging.image import Image
from visionlab.network.running.classifier import Classifier, Layer, Step


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One layer's answer to one picture: values (C, H, W) float32, signed; H = W = 1 in fully connected layers."""

    layer: Layer
    values: NDArray[np.float32]


def network_steps(net: Classifier) -> list[Step]:
    """The steps of the network, and the softmax after them."""
    return [*net.module.steps(), ("softmax", net.softmax)]


def activations(net: Classifier, x: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
    """{layer name: its output, batch first} for normalised pictures x (N, 3, H, W); stops after the last one wanted.

    Raises ModelError where the network has no such layer.
    """
    wanted = {net.layer(name).module: name for name in names}
    found: dict[str, Tensor] = {}
    for path, step in network_steps(net):
        if len(found) == len(wanted):
            break
        x = step(x)
        if path in wanted:
            found[wanted[path]] = x
    return found


@torch.inference_mode()
def feature_maps(
    net: Classifier, image: Image, layers: Sequence[str] | None = None, side: int | None = None
) -> dict[str, FeatureMap]:
    """{layer name: FeatureMap} of one picture, for the named layers or for all, in the network's order, in float32.

    side is the input size in pixels; without it the classifier's own, at which it predicts. Raises ModelError for an
    unknown layer and ParameterError for a side below 32.
    """
    names = [layer.name for layer in net.layers] if layers is None else list(layers)
    transform = net.transform if side is None else net.transform.at(side)
    found = activations(net, transform([image], net.device), names)
    maps = {}
    for layer in net.layers:
        if layer.name in found:
            values = found[layer.name].float().cpu().numpy()[0]
            maps[layer.name] = FeatureMap(layer, values if values.ndim == 3 else values[:, None, None])
    return maps
