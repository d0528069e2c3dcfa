"""One class against the rest, over all thresholds and at one: curves, areas, and the pictures of each kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError

SLACK = 1e-3  # by which float32 probabilities may miss adding up to 1


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve over all thresholds, from the highest to the lowest, and its area.

    x, y: float64 (T,), 0..1. thresholds: float64 (T,); “probability ≥ threshold” gives the point, inf names none.
    area: 0..1, NaN where it is not defined, because a class has no picture or all of them.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    area: float


@dataclass(frozen=True, eq=False)
class Quadrants:
    """Where the pictures stand for one class at one threshold: places int64, the most certain first.

    The most certain are the most probable of the class among the positives, the least probable among the negatives.
    """

    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    false_negatives: NDArray[np.int64]
    true_negatives: NDArray[np.int64]

    @property
    def count(self) -> int:
        return sum(map(len, (self.true_positives, self.false_positives, self.false_negatives, self.true_negatives)))


def roc(truth: ArrayLike, probabilities: ArrayLike, target: int) -> Curve:
    """True positive rate (y) over false positive rate (x) of one class against the rest, over all thresholds.

    truth: N indices; probabilities: (N, K). The area is the probability that a picture of the class is given more of
    it than one of another class, ties counting half; NaN where either kind is absent. Source: Fawcett 2006, “An
    introduction to ROC analysis”.
    """
    hits, misses, thresholds = _counts(truth, probabilities, target)
    x, y = misses / max(misses[-1], 1), hits / max(hits[-1], 1)
    defined = hits[-1] > 0 and misses[-1] > 0
    return Curve(x, y, thresholds, float(np.trapezoid(y, x)) if defined else float("nan"))


def precision_recall(truth: ArrayLike, probabilities: ArrayLike, target: int) -> Curve:
    """Precision (y) over recall (x) of one class against the rest, over all thresholds; it begins at (0, 1).

    truth: N indices; probabilities: (N, K). The area is the average precision, Σ (recallₙ − recallₙ₋₁) precisionₙ,
    without interpolation, which would flatter (Davis & Goadrich 2006); NaN where the class has no picture.
    """
    hits, misses, thresholds = _counts(truth, probabilities, target)
    recall = hits / max(hits[-1], 1)
    precision = np.r_[1.0, hits[1:] / (hits[1:] + misses[1:])]
    area = float((np.diff(recall) * precision[1:]).sum()) if hits[-1] else float("nan")
    return Curve(recall, precision, thresholds, area)


def quadrants(truth: ArrayLike, probabilities: ArrayLike, target: int, threshold: float = 0.5) -> Quadrants:
    """Part N pictures by whether they are of one class and whether its probability reaches the threshold, 0..1.

    Raises ParameterError for a threshold outside 0..1 or where the shapes do not fit.
    """
    if not 0 <= threshold <= 1:
        raise ParameterError(f"The threshold is {threshold}; it must lie between 0 and 1.")
    is_target, scores = _one_class(truth, probabilities, target)
    surest, positive = np.argsort(-scores, kind="stable"), scores >= threshold
    faintest = np.argsort(scores, kind="stable")
    return Quadrants(
        true_positives=surest[(is_target & positive)[surest]],
        false_positives=surest[(~is_target & positive)[surest]],
        false_negatives=faintest[(is_target & ~positive)[faintest]],
        true_negatives=faintest[(~is_target & ~positive)[faintest]],
    )


def _counts(
    truth: ArrayLike, probabilities: ArrayLike, target: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """True and false positives at each threshold, from none to all: int64 (T,) both, and the thresholds (T,)."""
    is_target, scores = _one_class(truth, probabilities, target)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])  # equals pass a threshold together
    hits = np.cumsum(is_target[order])[ends]
    return np.r_[0, hits], np.r_[0, ends + 1 - hits], np.r_[np.inf, scores[order][ends]]


def _one_class(
    truth: ArrayLike, probabilities: ArrayLike, target: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    table, right = checked(probabilities), np.asarray(truth)
    if right.shape != table.shape[:1]:
        raise ParameterError(f"There are truths of shape {right.shape} for {len(table)} pictures; each needs one.")
    if not 0 <= target < table.shape[1]:
        raise ParameterError(f"{target} names no class; with {table.shape[1]} classes: 0 to {table.shape[1] - 1}.")
    return right == target, table[:, target]


def checked(probabilities: ArrayLike, classes: int | None = None) -> NDArray[np.float64]:
    """The (N, K) probabilities as float64. Raises ParameterError where they are none, or K is not `classes`."""
    table = np.asarray(probabilities, np.float64)
    if table.ndim != 2 or table.size == 0 or classes not in (None, table.shape[1]):
        wanted = "K" if classes is None else classes
        raise ParameterError(
            f"The probabilities have the shape {table.shape}; (N, {wanted}) is needed, with N of 1 or more."
        )
    bad = np.flatnonzero(~((table >= 0) & (table <= 1 + SLACK)).all(1) | ~(abs(table.sum(1) - 1) <= SLACK))
    if len(bad):
        raise ParameterError(
            f"The probabilities of picture {bad[0] + 1} are {np.round(table[bad[0]][:4], 3).tolist()}; "
            "they must lie between 0 and 1 and add up to 1."
        )
    return table
