"""What a network takes pictures for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import BATCH, Classifier


@dataclass(frozen=True)
class Prediction:
    """One class, and how probable the network holds it (0..1)."""

    label: str
    index: int
    probability: float


@torch.inference_mode()
def probabilities(net: Classifier, images: Sequence[Image]) -> NDArray[np.float32]:
    """(N, classes) float32: how probable the network holds each class for each picture, adding up to 1."""
    found = [np.zeros((0, len(net.labels)), np.float32)]
    for start in range(0, len(images), BATCH):
        chunk = [images[i] for i in range(start, min(start + BATCH, len(images)))]
        found.append(classified(net, net.transform(chunk, net.device)))
    return np.concatenate(found)


@torch.inference_mode()
def classified(net: Classifier, x: Tensor) -> NDArray[np.float32]:
    """(N, classes) float32: the probabilities for pictures that have been prepared, x (N, 3, H, W), in one batch.

    Raises WeightsError as Classifier.check does.
    """
    net.check()
    return net.softmax(through(net, net.module.steps(), x)).cpu().numpy()


def predict(net: Classifier, images: Sequence[Image], top: int = 5) -> list[list[Prediction]]:
    """The `top` most probable classes of each picture, most probable first.

    A network with fewer classes than `top` gives all that it has. Raises ParameterError where top is below 1 or
    `images` is one picture instead of a list of pictures.
    """
    if isinstance(images, np.ndarray) and images.ndim == 3:
        raise ParameterError("predict takes a list of pictures. Put the one picture into a list: [image].")
    if top < 1:
        raise ParameterError(f"top is {top}. Ask for at least one class.")
    return [ranked(net, row, top) for row in probabilities(net, images)]


def ranked(net: Classifier, row: NDArray[np.float32], top: int) -> list[Prediction]:
    """The `top` most probable classes of one picture's probabilities (classes,), most probable first."""
    best = np.argsort(-row, kind="stable")[:top]
    return [Prediction(net.labels[i], int(i), float(row[i])) for i in best]
