"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391), with torch.autograd.grad instead of hooks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.errors import ModelError
from visionlab.network.activations import network_steps
from visionlab.network.classifier import Classifier


def grad_cam(net: Classifier, x: torch.Tensor, target: int, layer: str | None = None) -> NDArray[np.float32]:
    """ReLU(Σ_k α_k A_k) of the layer's maps A (equations 1 and 2), α_k the mean gradient of the class's logit.

    x is one normalised picture (1, 3, H, W). Without a layer, the last one before the average pool that keeps what
    it saw in place: the last convolution's ReLU. Gives (h, w) float32 ≥ 0. Raises ModelError for a layer without
    places, such as fc6.
    """
    chosen = net.layer(layer) if layer else _last_in_place(net)
    if chosen.receptive_field is None:
        raise ModelError(f"{chosen.name} has no places to look at. Choose a layer before the average pool.")
    maps = logits = None
    for path, step in network_steps(net)[:-1]:  # without the softmax: the logit is explained, as in the paper
        if maps is None:
            with torch.no_grad():
                x = step(x)
        else:
            logits = x = step(x)
        if path == chosen.module:
            maps = x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(logits[0, target], maps)
    weights = gradient.mean((2, 3), keepdim=True)  # α (1, K, 1, 1)
    cam = (weights * maps.detach()).sum(1).relu()[0]  # (h, w)
    return cam.float().cpu().numpy()


def _last_in_place(net: Classifier):
    return next(layer for layer in reversed(net.layers) if layer.kind == "relu" and layer.receptive_field is not None)
