"""What a run is worth: confusion, precision, recall, F1, and an accuracy that says how sure it is and what it beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError

DRAWS = 10_000  # of balanced accuracy: its interval's ends are then sure to a hundredth of its width


@dataclass(frozen=True, eq=False)
class Report:
    """How N predictions compare with the truth, over K classes; what cannot be computed (0 / 0) is 0.

    classes: K names.
    confusion: int64 (K, K), pictures; rows are the truth, columns the predictions.
    accuracy: the share of right predictions, 0..1; interval: (low, high), its 95 % Wilson score interval.
    precision, recall, f1: float64 (K,), 0..1; a class's share of right ones among those predicted and those there
        are, and the harmonic mean of both.
    majority: the accuracy of always naming the class that is the most frequent here: the baseline to beat.
    balanced: the mean recall of the classes that there are, 0..1, to which each counts the same; balanced_interval:
        (low, high), 95 % of it, see `balanced_accuracy`. Always naming one of K classes has 1 / K.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    accuracy: float
    interval: tuple[float, float]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    majority: float
    balanced: float
    balanced_interval: tuple[float, float]

    def figures(self) -> dict[str, object]:
        """What is told of all classes together, as numbers and lists that JSON can hold."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.interval),
            "balanced_accuracy": self.balanced,
            "balanced_accuracy_interval": list(self.balanced_interval),
            "majority": self.majority,
        }


def evaluate(truth: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> Report:
    """Compare predictions with the truth: both N whole numbers, indices into the K class names.

    A class may be absent from either. Raises ParameterError where N is 0, the lengths differ, or a number names no
    class.
    """
    truth, predicted = (
        _labels(values, name, len(classes)) for values, name in ((truth, "truth"), (predicted, "predictions"))
    )
    if len(truth) != len(predicted):
        raise ParameterError(f"There are {len(predicted)} predictions for {len(truth)} pictures; each needs one.")
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    return report_of(confusion, classes)


def report_of(confusion: ArrayLike, classes: Sequence[str]) -> Report:
    """The Report of a confusion matrix (K, K) of one picture or more."""
    confusion = np.asarray(confusion, np.int64)
    right, there, named = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    total = int(there.sum())
    return Report(
        classes=tuple(classes),
        confusion=confusion,
        accuracy=int(right.sum()) / total,
        interval=wilson(int(right.sum()), total),
        precision=right / np.maximum(named, 1),
        recall=right / np.maximum(there, 1),
        f1=2 * right / np.maximum(there + named, 1),
        majority=int(there.max()) / total,
        **dict(zip(("balanced", "balanced_interval"), balanced_accuracy(confusion), strict=True)),
    )


def percent(share: float) -> str:
    """“92%”, of 0..1; none or all is said only where it is: else “0.3%” and “99.8%”, within 0.1% and 99.9%."""
    if f"{share:.0%}" in ("0%", "100%") and share not in (0, 1):
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return f"{share:.0%}"


def balanced_accuracy(confusion: NDArray[np.int64]) -> tuple[float, tuple[float, float]]:
    """The mean recall of the classes that a confusion matrix (K, K) has pictures of, and its 95 % interval.

    A class with r of n pictures right has the recall Beta(r + 1, n − r + 1), as Brodersen et al. 2010, “The balanced
    accuracy and its posterior distribution”, have it; the interval is that of the mean over DRAWS draws, widened to
    hold the mean itself, so that of few pictures it says little, also where all are right.
    """
    there = np.flatnonzero(confusion.sum(1))
    right, total = np.diag(confusion)[there], confusion.sum(1)[there]
    mean = float((right / total).mean())
    drawn = np.random.default_rng(0).beta(right + 1, total - right + 1, (DRAWS, len(there))).mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return mean, (min(float(low), mean), max(float(high), mean))


def wilson(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval (low, high) of a share of `right` out of `total`; z = 1.959964 makes it the 95 % one.

    With p = right / total and n = total, it is

        (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n),

    which, unlike p ± z √(p (1 − p)/n), stays within 0..1 and tells something at p = 0 and p = 1 and for few pictures.
    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    Raises ParameterError where total is below 1, right is not within 0..total, or z is not positive.
    """
    if total < 1:
        raise ParameterError(f"The total is {total}; an interval needs at least 1 prediction.")
    if not 0 <= right <= total:
        raise ParameterError(f"{right} right predictions of {total} were given; they must lie between 0 and {total}.")
    if not z > 0:
        raise ParameterError(f"z is {z}; it must be positive, like 1.96 for 95 %.")
    share, extra = right / total, z * z / total
    centre = share + extra / 2
    margin = z * np.sqrt(share * (1 - share) / total + extra / (4 * total))
    # At the ends the bound is 0 or 1 exactly; rounding would put it a hair beside.
    low = 0.0 if right == 0 else float((centre - margin) / (1 + extra))
    high = 1.0 if right == total else float((centre + margin) / (1 + extra))
    return low, high


def _labels(values: ArrayLike, name: str, classes: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
        raise ParameterError(f"The {name} must be one row of whole numbers; got {array.dtype} of shape {array.shape}.")
    outside = array[(array < 0) | (array >= classes)]
    if outside.size:
        raise ParameterError(
            f"The {name} hold {outside[0]}, which names no class; with {classes} classes: 0 to {classes - 1}."
        )
    return array.astype(np.int64)
