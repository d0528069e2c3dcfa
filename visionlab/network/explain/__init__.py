"""Why a network answered as it did: one file a method, one signature, one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.errors import ModelError
from visionlab.imaging.image import Image
from visionlab.network.classifier import Classifier
from visionlab.network.explain.grad_cam import grad_cam


@dataclass(frozen=True)
class Method:
    """A way to explain a prediction.

    attribute(net, x, target, layer) takes one normalised picture (1, 3, H, W), a class index and a layer name (None:
    the method's own choice) and gives an unscaled map (h, w) float32, larger where the picture speaks for the class.
    """

    name: str
    title: str
    about: str
    attribute: Callable[[Classifier, torch.Tensor, int, str | None], NDArray[np.float32]]


METHODS: dict[str, Method] = {
    "grad-cam": Method(
        "grad-cam",
        "Grad-CAM",
        "Weighs the last convolution's maps by how much each of them raises the class, and adds them up.",
        grad_cam,
    ),
}


@dataclass(frozen=True, eq=False)
class Heatmap:
    """values (H, W) float32 in 0..1, laid over the whole picture: 0 where the network did not look or saw no reason.

    target is the index of the class that is explained, method the name in METHODS.
    """

    values: NDArray[np.float32]
    target: int
    method: str


def explain(
    net: Classifier,
    image: Image,
    method: str = "grad-cam",
    target: str | int | None = None,
    layer: str | None = None,
) -> Heatmap:
    """Where in the picture the network finds its reasons for a class: the most probable one, or target (index, label).

    Raises ModelError for an unknown method or layer, ParameterError for an unknown class.
    """
    if method not in METHODS:
        raise ModelError(f"There is no method “{method}”. There are {', '.join(METHODS)}.")
    x = net.transform([image], net.device)
    if target is None:
        with torch.inference_mode():
            index = int(net.module(x).argmax())
    else:
        index = net.target(target)
    found = METHODS[method].attribute(net, x, index, layer)
    return Heatmap(_onto(image, net, found), index, method)


def _onto(image: Image, net: Classifier, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map scaled to 0..1 and laid over the whole picture, where the network's crop of it lies."""
    height, width = image.shape[:2]
    top, left, tall, wide = net.transform.box(image)
    rows = slice(max(0, round(top)), min(height, max(round(top) + 1, round(top + tall))))
    columns = slice(max(0, round(left)), min(width, max(round(left) + 1, round(left + wide))))
    full = np.zeros((height, width), np.float32)
    peak = float(values.max(initial=0))
    if peak > 0:  # nothing speaks for the class: an empty map, not noise stretched to full scale
        size = (columns.stop - columns.start, rows.stop - rows.start)
        scaled = cv2.resize(values / peak, size, interpolation=cv2.INTER_LINEAR)
        full[rows, columns] = scaled.clip(0, 1)
    return full
