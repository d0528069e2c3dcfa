"""What every layer answers: the network's steps run in order, and the wanted ones kept. No hooks, nothing changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.device import enough_memory
from visionlab.imaging.image import Image
from visionlab.network.running.classifier import Classifier, Layer, Step
from visionlab.network.running.convolutions import stepped


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One layer's answer to one picture: values (C, H, W) float32, signed; H = W = 1 in fully connected layers.

    In memory they lie as they were computed, mostly place by place: np.ascontiguousarray gives channel by channel.
    """

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
        x = stepped(step, x)
        if path in wanted:
            found[wanted[path]] = x
    return found


@torch.inference_mode()
def feature_maps(
    net: Classifier, image: Image, layers: Sequence[str] | None = None, side: int | None = None
) -> dict[str, FeatureMap]:
    """{layer name: FeatureMap} of one picture, for the named layers or for all, in the network's order, in float32.

    side is the input size in pixels at which layers with places are looked at; without it the classifier's own, at
    which it predicts. Layers without places, from the average pool on, are always those of the prediction. Raises
    ModelError for an unknown layer, ParameterError for a side below 32 or one for which the memory does not suffice.
    """
    asked = net.layers if layers is None else [net.layer(name) for name in layers]
    found: dict[str, Tensor] = {}
    for size, wanted in _by_side(net, asked, side).items():
        transform, names = net.transform.at(size), [layer.name for layer in wanted]
        what = f"Looking at {names[0] if len(names) == 1 else f'{len(names)} layers'} at {size:,} px"
        with enough_memory(what, _needed(net, wanted, size), net.device):
            x = transform([image], net.device).contiguous(memory_format=torch.channels_last)  # as for a prediction
            found |= activations(net, x, names)
    maps = {}
    for layer in net.layers:
        if layer.name in found:
            values = found[layer.name].float().cpu().numpy()[0]
            maps[layer.name] = FeatureMap(layer, values if values.ndim == 3 else values[:, None, None])
    return maps


def first_maps(net: Classifier, image: Image, layer: str, side: int, count: int) -> NDArray[np.float32]:
    """The first channels (count, H, W) of one layer, for which nothing behind it is computed."""
    return feature_maps(net, image, [layer], side)[layer].values[:count].copy()


def _by_side(net: Classifier, layers: Iterable[Layer], side: int | None) -> dict[int, list[Layer]]:
    """{input size in pixels: the layers that are looked at there}."""
    own = net.transform.crop
    found: dict[int, list[Layer]] = {}
    for layer in layers:
        found.setdefault(own if side is None or not layer.in_place else side, []).append(layer)
    return found


def _needed(net: Classifier, wanted: Sequence[Layer], side: int) -> int:
    """Bytes, about, that a pass needs which keeps these layers: what is kept, and twice the largest on the way."""
    scale = (side / net.transform.crop) ** 2
    names = {layer.name for layer in wanted}
    last = max(place for place, layer in enumerate(net.layers) if layer.name in names)
    kept, passed = (
        [math.prod(layer.shape) * (scale if layer.in_place else 1) for layer in layers]
        for layers in (wanted, net.layers[: last + 1])
    )
    return 4 * round(sum(kept) + 2 * max(passed) + 3 * 3 * side**2)
