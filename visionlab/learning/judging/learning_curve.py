"""Would more pictures help? The accuracy of linear probes on growing shares of the training pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError
from visionlab.learning.judging.probe import linear_probe


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """What a share of the training pictures is worth.

    share: 0..1. pictures: their number, the mean of the draws. accuracies: float64 (repeats,), 0..1, of each draw on
    the same held-out pictures. held_out: how many these are.
    """

    share: float
    pictures: int
    accuracies: NDArray[np.float64]
    held_out: int

    @property
    def mean(self) -> float:
        return float(self.accuracies.mean())

    @property
    def spread(self) -> float:
        """The standard deviation between draws: 0 where all pictures are taken, since all draws are then the same."""
        return float(self.accuracies.std())


def learning_curve(
    features: NDArray[np.float32],
    labels: ArrayLike,
    groups: ArrayLike,
    held_features: NDArray[np.float32],
    held_labels: ArrayLike,
    *,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    repeats: int = 5,
    seed: int = 0,
) -> Iterator[CurvePoint]:
    """Probes trained on growing shares of N training pictures, judged on the same held-out ones; a point a share.

    features (N, F), labels and groups: N whole numbers; held_features (n, F), held_labels: n. In each of the `repeats`
    draws the groups of each class are put in one random order, of which a share is the shortest beginning with enough
    pictures: so the shares are stratified and nested, a group is whole, and a difference between shares is not one
    between draws. Raises ParameterError where lengths differ, there are fewer than two classes, a share is not within
    (0, 1], shares do not grow, or there is nothing to repeat.
    """
    labels, groups = np.asarray(labels, np.int64), np.asarray(groups)
    if (
        not len(features) == len(labels) == len(groups)
        or len(held_features) != len(held_labels)
        or not len(held_labels)
    ):
        raise ParameterError(
            f"There are {len(features)} features, {len(labels)} labels and {len(groups)} groups, and "
            f"{len(held_features)} features and {len(held_labels)} labels held out; each picture needs one of each."
        )
    if len(np.unique(labels)) < 2:
        raise ParameterError("A learning curve needs training pictures of two classes or more.")
    rising = [0, *shares] == sorted({0, *shares}) and len(shares) > 0
    if not rising or shares[-1] > 1 or repeats < 1:
        raise ParameterError(
            f"The shares are {list(shares)}, drawn {repeats} times; shares grow within 0 to 1, and one draw is needed."
        )
    return _curve(np.asarray(features), labels, groups, held_features, np.asarray(held_labels), shares, repeats, seed)


def _curve(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    held_features: NDArray[np.float32],
    held_labels: NDArray[np.int64],
    shares: Sequence[float],
    repeats: int,
    seed: int,
) -> Iterator[CurvePoint]:
    rng = np.random.default_rng(seed)
    needed = [_needed(labels, groups, rng) for _ in range(repeats)]
    for share in shares:
        chosen = [np.flatnonzero(each < share) for each in needed]
        if share == 1:
            chosen = chosen[:1]  # every draw is all pictures
        right = [
            float((linear_probe(features[part], labels[part]).predict(held_features) == held_labels).mean())
            for part in chosen
        ]
        accuracies = np.resize(np.array(right), repeats)
        yield CurvePoint(share, round(np.mean([len(part) for part in chosen])), accuracies, len(held_labels))


def _needed(labels: NDArray[np.int64], groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(N,): the share of its class that stands before each picture's group, 0 for the first; shares above it take it.

    A group of several classes counts in the class of its first picture.
    """
    _, first, of = np.unique(groups, return_index=True, return_inverse=True)
    sizes, home = np.bincount(of), labels[first]
    before = np.empty(len(sizes))
    for one in np.unique(home):
        order = rng.permutation(np.flatnonzero(home == one))
        before[order] = (np.cumsum(sizes[order]) - sizes[order]) / sizes[order].sum()
    return before[of]


def in_words(points: Sequence[CurvePoint]) -> str:
    """What a learning curve says, in a sentence: whether doubling the pictures raised the accuracy beyond its spread.

    The last point is compared with the one nearest to half its pictures. Raises ParameterError below two points.
    """
    if len(points) < 2:
        raise ParameterError(f"A learning curve of {len(points)} points says nothing. Use two or more.")
    last = points[-1]
    half = min(points[:-1], key=lambda point: abs(point.pictures - last.pictures / 2))
    gain, step = last.mean - half.mean, 1 / last.held_out
    told = f"From {half.pictures} to {last.pictures} pictures the accuracy went from {half.mean:.0%} to {last.mean:.0%}"
    if last.mean == 1:
        return f"{told}: with nothing wrong on {last.held_out} held-out pictures, this cannot tell whether more help."
    if gain > max(half.spread, step):
        return f"More pictures would probably help. {told}, which is more than it varies between draws."
    return f"More pictures like these would probably change little. {told}, which is within what chance can do."
