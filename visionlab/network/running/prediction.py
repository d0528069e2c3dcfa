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
from visionlab.network.running.classifier import BATCH, FEATURES, Classifier
from visionlab.wording import percent


@dataclass(frozen=True)
class Prediction:
    """One class, and how probable the network holds it (0..1)."""

    label: str
    index: int
    probability: float


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says to one picture.

    labels: its K classes. probabilities: (K,) float32, adding up to 1. distance: how far the picture lies from those
    that were learned from; limit: beyond it the picture is refused, as none of the classes; both None where nothing
    refuses. share: that of pictures of the classes, 0..1, which are refused nevertheless, None where nobody knows.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    distance: float | None = None
    limit: float | None = None
    share: float | None = None

    @property
    def refused(self) -> bool:
        """Whether the picture is none of the classes."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit

    @property
    def mistakes(self) -> str:
        """The sentence on how many pictures of the classes the limit refuses; "" where nobody knows."""
        if self.share is None:
            return ""
        return f"That limit refuses about {percent(self.share)} of good pictures by mistake."

    @property
    def strange(self) -> float | None:
        """How far the picture lies from what was learned from, as a share of the limit: above 1 it is refused. None
        where nothing refuses."""
        if self.distance is None or self.limit is None:
            return None
        return self.distance / self.limit if self.limit else float(self.distance > 0) * 2

    def top(self, count: int) -> list[Prediction]:
        """The `count` most probable classes, most probable first, also of what is refused."""
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Prediction(self.labels[i], int(i), float(self.probabilities[i])) for i in best]


def answer(net: Classifier, images: Sequence[Image]) -> list[Answer]:
    """What the network says to each picture: its classes with their probabilities, and whether it refuses it.

    Raises ParameterError where `images` is one picture instead of a list of pictures.
    """
    if isinstance(images, np.ndarray) and images.ndim == 3:
        raise ParameterError("answer takes a list of pictures. Put the one picture into a list: [image].")
    found: list[Answer] = []
    for start in range(0, len(images), BATCH):
        chunk = [images[i] for i in range(start, min(start + BATCH, len(images)))]
        found += answered(net, net.transform(chunk, net.device))
    return found


@torch.inference_mode()
def answered(net: Classifier, x: Tensor) -> list[Answer]:
    """The answers for pictures that have been prepared, x (N, 3, H, W), in one batch.

    Raises WeightsError as Classifier.check does.
    """
    net.check()
    steps = net.module.steps()
    if net.refusal is None:
        rows = net.softmax(through(net, steps, x)).cpu().numpy()
        return [Answer(net.labels, row) for row in rows]
    end = [path for path, _ in steps].index(FEATURES) + 1
    features = x = through(net, steps[:end], x)
    for _, step in steps[end:]:
        x = step(x)
    rows, limit, share = net.softmax(x).cpu().numpy(), net.refusal.threshold, net.refusal.share
    distances = net.refusal.distances(features.float().cpu().numpy()).tolist()
    return [Answer(net.labels, row, distance, limit, share) for row, distance in zip(rows, distances, strict=True)]


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
    return Answer(net.labels, row).top(top)
