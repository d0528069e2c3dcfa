"""Class activation maps: a layer's maps weighed by the gradient of a class's logit, without hooks.

One engine runs the network once and takes the gradient once, for as many layers as are wanted; the three methods
differ only in how they combine maps and gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import ModelError
from visionlab.imaging.image import Image
from visionlab.network.explain.method import Combine, Progress
from visionlab.network.running.classifier import ACTIVATION_KINDS, Classifier, Layer
from visionlab.network.running.convolutions import stepped


def grad_cam(maps: Tensor, gradient: Tensor) -> Tensor:
    """ReLU(Σ_k α_k A_k), α_k the mean gradient of map k (Selvaraju et al. 2017, arXiv:1610.02391, eq. 1 and 2)."""
    weights = gradient.mean((1, 2), keepdim=True)  # α (K, 1, 1)
    return (weights * maps).sum(0).relu()


def grad_cam_plus_plus(maps: Tensor, gradient: Tensor) -> Tensor:
    """ReLU(Σ_k w_k A_k), w_k = Σ_ij α_kij ReLU(g_kij) (Chattopadhay et al. 2018, arXiv:1710.11063, eq. 19).

    α = g² / (2 g² + ΣA · g³) is 1 / (2 + ΣA · g), and counts only where g > 0. The paper's sums are over maps that are
    nowhere negative; taking the positive part keeps the denominator at 2 or more before a ReLU, too. The derivative of
    the paper's exponential, exp(S), scales the whole map and is left out.
    """
    rising = gradient.relu()
    mass = maps.relu().sum((1, 2), keepdim=True)  # ΣA (K, 1, 1)
    weights = (rising / (2 + mass * rising)).sum((1, 2), keepdim=True)
    return (weights * maps).sum(0).relu()


def layer_cam(maps: Tensor, gradient: Tensor) -> Tensor:
    """ReLU(Σ_k ReLU(g_k) · A_k), place by place (Jiang et al. 2021, IEEE TIP 30, eq. 5 and 6)."""
    return (gradient.relu() * maps).sum(0).relu()


def cam(
    combine: Combine, net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress
) -> NDArray[np.float32]:
    """One layer's map (h, w) ≥ 0 for a normalised picture x (1, 3, H, W); without a layer, the last with places.

    Raises ModelError for a layer that the network lacks or that has no places, such as fc6.
    """
    chosen = last_in_place(net) if layer is None else layer
    return cams(combine, net, x, target, [chosen]).maps[chosen]


@dataclass(frozen=True, eq=False)
class Cams:
    """The class, {layer name: its map (h, w) float32 ≥ 0}, and what the network made of the picture besides: its logits
    (1, classes).
    """

    target: int
    maps: dict[str, NDArray[np.float32]]
    logits: Tensor


def cams(combine: Combine, net: Classifier, x: Tensor, target: int | None, names: Sequence[str]) -> Cams:
    """The maps of the named layers for a class (None: the most probable one), in the order of the names.

    One forward and one backward pass, whatever the number of layers.
    """
    wanted = {_in_place(net, name).module: name for name in names}
    kept: dict[str, Tensor] = {}
    for path, step in net.module.steps():
        with torch.set_grad_enabled(bool(kept)):  # nothing before the first wanted layer needs a gradient
            x = stepped(step, x)
        if path in wanted:
            x = x if kept else x.detach().requires_grad_()
            kept[wanted[path]] = x
    index = int(x.argmax()) if target is None else target
    gradients = torch.autograd.grad(x[0, index], list(kept.values())) if kept else ()
    found = {
        name: combine(maps.detach()[0], gradient[0]).cpu().numpy()
        for (name, maps), gradient in zip(kept.items(), gradients, strict=True)
    }
    return Cams(index, {name: found[name] for name in names}, x.detach())


def answer_and_map(
    net: Classifier, image: Image, target: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network says, probabilities (classes,) float32, and Grad-CAM of the last layer with places for a class
    (None: the most probable one), (h, w) float32 ≥ 0 over the network's crop: once through the network for both."""
    last = last_in_place(net)
    found = cams(grad_cam, net, net.transform([image], net.device), target, [last])
    return net.softmax(found.logits)[0].cpu().numpy(), found.maps[last]


# Kinds of layers whose maps are what the next layer is told.
ANSWERS = (*ACTIVATION_KINDS, "block", "sum", "product", "concatenation")


def last_in_place(net: Classifier) -> str:
    """The last ReLU, other activation or block that keeps what it saw in place: in a VGG the last convolution's."""
    return next(layer.name for layer in reversed(net.layers) if layer.kind in ANSWERS and _has_places(layer))


def all_in_place(net: Classifier) -> list[str]:
    """Every such layer, and every pool, in the network's order."""
    return [layer.name for layer in net.layers if layer.kind in (*ANSWERS, "pool") and _has_places(layer)]


def _has_places(layer: Layer) -> bool:
    return layer.in_place and not layer.gate


def _in_place(net: Classifier, name: str) -> Layer:
    layer = net.layer(name)
    if not _has_places(layer):
        raise ModelError(f"{name} has no places to look at. Choose a layer before the average pool.")
    return layer
