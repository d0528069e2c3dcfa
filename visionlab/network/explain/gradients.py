"""The gradient of a class's logit at the picture's own pixels: plain, averaged over noise, or guided."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.network.explain.method import GRADIENT_BATCH, Progress, counted
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.torchvision_nets import ACTIVATIONS

NOISY_COPIES = 32
NOISE = 0.15  # of the picture's range; the paper finds 0.1 to 0.2 to look best


def saliency(net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress) -> NDArray[np.float32]:
    """(H, W) ≥ 0: the largest |∂logit/∂pixel| of the three channels (Simonyan et al. 2013, arXiv:1312.6034, § 3)."""
    return _magnitude(_gradient(net.module, x, target)[0])


def smoothgrad(net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress) -> NDArray[np.float32]:
    """(H, W) ≥ 0: saliency of the mean gradient over noisy copies of the picture (Smilkov et al. 2017,
    arXiv:1706.03825, § 2).

    Captum's NoiseTunnel draws from the generator of the whole process, which another thread may be using or seeding
    at the same time; a generator of its own gives the same noise for the same picture, on every device.
    """
    generator = torch.Generator().manual_seed(0)
    spread = NOISE * (x.max() - x.min())
    forward = counted(net.module, NOISY_COPIES, progress)
    total = torch.zeros_like(x[0])
    for _ in range(0, NOISY_COPIES, GRADIENT_BATCH):
        noise = torch.randn((GRADIENT_BATCH, *x.shape[1:]), generator=generator).to(x.device)
        total += _gradient(forward, x + spread * noise, target).sum(0)
    return _magnitude(total / NOISY_COPIES)


def guided_backpropagation(
    net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress
) -> NDArray[np.float32]:
    """(H, W) ≥ 0: saliency with a gradient that passes a ReLU only where it is positive, too (Springenberg et al. 2014,
    arXiv:1412.6806, § 3.4).

    The paper knows ReLUs; a SiLU, Hardswish or GELU, too, hands on only what is positive of the gradient that it gets,
    times its own slope.
    """
    return _magnitude(_gradient(_guided(net.module), x, target)[0])


def _guided(network: nn.Module) -> nn.Module:
    """The network, which is shared and stays as it is, with guided activations: a copy of its structure alone."""
    copy = deepcopy(network, {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())})
    for part in list(copy.modules()):
        for name, child in part.named_children():
            if isinstance(child, ACTIVATIONS):
                setattr(part, name, _Guided(child))
    return copy


class _Guided(nn.Module):
    def __init__(self, activation: nn.Module):
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(x)
        y.register_hook(torch.relu)  # of this pass's own tensor, on the gradient that comes back to it
        return y


def _gradient(forward: Callable[[Tensor], Tensor], x: Tensor, target: int) -> Tensor:
    """∂logit/∂x of each picture: (N, 3, H, W)."""
    from captum.attr import Saliency  # here, because it takes long to import

    return Saliency(forward).attribute(x.detach().requires_grad_(), target=target, abs=False).detach()


def _magnitude(gradient: Tensor) -> NDArray[np.float32]:
    return gradient.abs().amax(0).cpu().numpy()  # (3, H, W) → (H, W)
