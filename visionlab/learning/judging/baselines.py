"""What a head has to beat: answers that need no training, or next to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image
from visionlab.learning.judging.metrics import MAJORITY, wilson


@dataclass(frozen=True, eq=False)
class Baseline:
    """A way of answering, and its accuracy on the held-out pictures (0..1), with its 95 % Wilson interval.

    The interval of chance, whose accuracy is known and not measured, is the accuracy itself. right: bool (n,), which
    of the pictures it has right; None for chance.
    """

    name: str
    title: str
    about: str
    accuracy: float
    interval: tuple[float, float]
    right: NDArray[np.bool_] | None = None


def mean_colours(images: Sequence[Image]) -> NDArray[np.float32]:
    """(N, 3) float32: the mean red, green and blue of each picture, 0..255."""
    return np.array([cv2.mean(image)[:3] for image in images], np.float32).reshape(-1, 3)


def baselines(
    features: NDArray[np.float32],
    labels: ArrayLike,
    held_features: NDArray[np.float32],
    held_labels: ArrayLike,
    classes: Sequence[str],
    *,
    colours: NDArray[np.float32] | None = None,
    held_colours: NDArray[np.float32] | None = None,
    worth: float | None = None,
) -> tuple[Baseline, ...]:
    """Chance, the most frequent class, the mean colour and the nearest neighbour, on n held-out pictures.

    features (N, F) and labels (N) are of the training pictures, held_features (n, F) and held_labels (n) of the
    held-out ones; colours (N, 3) and held_colours (n, 3) are their mean_colours, without which that baseline is left
    out. The most frequent class is that of the held-out pictures, as in metrics.Report. worth: of how many independent
    pictures the held-out ones say as much, see metrics.Spread. Of equals the first wins. Raises ParameterError where
    lengths differ or one part is empty.
    """
    y, held = np.asarray(labels, np.int64), np.asarray(held_labels, np.int64)
    if not len(features) == len(y) or not len(held_features) == len(held) or not len(y) or not len(held):
        raise ParameterError(
            f"There are {len(features)} features and {len(y)} labels to learn from, {len(held_features)} and "
            f"{len(held)} held out; each picture needs one of each, and each part needs a picture."
        )
    largest = int(np.bincount(held, minlength=len(classes)).argmax())

    def measured(name: str, title: str, about: str, answers: NDArray[np.int64]) -> Baseline:
        right = answers == held
        count = int(right.sum())
        return Baseline(name, title, about, count / len(held), wilson(count, len(held), worth=worth), right)

    chance = 1 / len(classes)
    found = [
        Baseline("chance", "Chance", f"Guessing among {len(classes)} classes.", chance, (chance, chance)),
        measured(
            "majority",
            MAJORITY,
            f"Always “{classes[largest]}”, of which the most pictures are held out.",
            np.full(len(held), largest),
        ),
    ]
    if colours is not None and held_colours is not None:
        present = np.unique(y)
        means = np.stack([colours[y == one].mean(0) for one in present])
        nearest = present[_nearest(held_colours, means)]
        found.append(
            measured("colour", "Mean colour", "The class whose mean colour is nearest to the picture’s.", nearest)
        )
    nearest = y[_nearest(held_features, features)]
    about = "The class of the training picture with the most similar features."
    return (*found, measured("neighbour", "Nearest neighbour", about, nearest))


def _nearest(rows: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,): which of the points (M, D) is nearest to each of the rows (n, D), Euclidean."""
    rows, points = np.asarray(rows, np.float64), np.asarray(points, np.float64)
    return ((points**2).sum(1) - 2 * rows @ points.T).argmin(1)
