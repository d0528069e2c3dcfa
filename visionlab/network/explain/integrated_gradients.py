"""Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365), by captum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from visionlab.network.classifier import Classifier
from visionlab.network.explain.method import GRADIENT_BATCH, Progress, counted, silent

STEPS = 64  # points of the Gauss-Legendre quadrature along the path


def integrated_gradients(
    net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress
) -> NDArray[np.float32]:
    """(H, W) ≥ 0: the positive part of what the three channels of a pixel add to the logit together."""
    return signed_attributions(net, x, target, progress=progress).sum(0).clip(min=0)


def signed_attributions(
    net: Classifier, x: Tensor, target: int, steps: int = STEPS, progress: Progress = silent
) -> NDArray[np.float32]:
    """(3, H, W) float32, signed: (x − x′) ∫ ∂logit/∂x (x′ + α (x − x′)) dα over α in 0..1 (eq. 1).

    x is one normalised picture (1, 3, H, W), and the baseline x′ is zero: the mean colour of the training pictures.
    The sum is logit(x) − logit(x′) (completeness, proposition 1), up to the error of a quadrature with `steps` points.
    """
    from captum.attr import IntegratedGradients  # here, because it takes long to import

    forward = counted(net.module, steps, progress)
    method = IntegratedGradients(forward)
    found = method.attribute(x, target=target, n_steps=steps, internal_batch_size=GRADIENT_BATCH)
    return found[0].detach().float().cpu().numpy()
