"""Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901, § 4.2), by captum."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from visionlab.network.explain.method import FORWARD_BATCH, Progress, counted
from visionlab.network.running.classifier import Classifier

WINDOW = 1 / 7  # of the input's side
STRIDE = 1 / 14


def occlusion(net: Classifier, x: Tensor, target: int, layer: str | None, progress: Progress) -> NDArray[np.float32]:
    """(H, W) signed: how far the logit falls under a window of the mean colour, averaged over the windows on a pixel.

    The window is a seventh of the input's side and moves by a fourteenth; the last one of a row may reach beyond the
    edge.
    """
    from captum.attr import Occlusion  # here, because it takes long to import

    side = x.shape[-1]
    window, stride = round(side * WINDOW), round(side * STRIDE)
    places = ceil((side - window) / stride) + 1  # along one side
    forward = counted(net.module, places**2 + 1, progress)  # the whole picture is looked at, too
    found = Occlusion(forward).attribute(
        x, (3, window, window), strides=(3, stride, stride), target=target, perturbations_per_eval=FORWARD_BATCH
    )
    return found[0, 0].float().cpu().numpy()  # the same in all three channels
