"""What a run is worth: confusion, precision, recall, F1, and an accuracy that says how sure it is and what it beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError

CELLS = 4_096  # into which the mean recall is parted, at least, for its interval: an end is then right to 0.05 %
MAJORITY = "Always the most frequent class"  # what Report.majority is called wherever it is told
Z95 = 1.959964  # of the normal distribution, 2.5 % lie beyond it


@dataclass(frozen=True, eq=False)
class Spread:
    """How far pictures are different ones: 80 pictures of 12 subjects say no more than 12 where each subject is right
    or wrong as a whole.

    groups: int64 (K,), how many different ones a class has. worths: float64 (K,), of how many independent pictures its
    pictures say as much, (Σm)² / Σm² over groups of m pictures each: Kish's effective sample size (L. Kish, Survey
    Sampling, 1965), which is that of clusters whose intraclass correlation is 1. Copies are such; of a burst, whose
    frames may differ, intervals by it are wider than they had to be, not narrower. Simulated with 84 pictures of 12
    subjects, accuracies of 70 % to 97 % and correlations of 0 to 1, such Wilson intervals hold the accuracy in 95 % to
    100 % of the draws; by pictures in 35 % to 96 %; by an effective size that is estimated from the pictures themselves
    (the design effect) in 89 % to 97 %, and in no more than 77 % where groups are very uneven.
    """

    groups: NDArray[np.int64]
    worths: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", np.asarray(self.groups, np.int64))
        object.__setattr__(self, "worths", np.asarray(self.worths, np.float64))

    @classmethod
    def of(cls, truth: NDArray[np.int64], groups: ArrayLike, classes: int) -> Spread:
        """That of N pictures by their labels and groups. Raises ParameterError where their numbers differ."""
        groups = np.asarray(groups)
        if groups.shape != truth.shape:
            raise ParameterError(f"There are groups of shape {groups.shape} for {len(truth)} pictures; each needs one.")
        (labels, _), sizes = np.unique(np.stack([truth, groups]), axis=1, return_counts=True)
        squares = np.bincount(labels, sizes.astype(float) ** 2, classes)
        there = np.bincount(truth, minlength=classes)
        return cls(np.bincount(labels, minlength=classes), there**2 / np.maximum(squares, 1))

    def facts(self) -> dict[str, list[float]]:
        """As JSON can hold it; from_facts reads it back."""
        return {"groups": self.groups.tolist(), "worths": self.worths.tolist()}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Sequence[float]]) -> Spread:
        """What facts() gave. Raises ParameterError where it is nothing of the kind."""
        try:
            return cls(facts["groups"], facts["worths"])
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError(f"How many pictures are different is no two rows of numbers, but {facts}.") from error

    @property
    def different(self) -> int:
        """How many different pictures there are, each counted in every class that it is in."""
        return int(self.groups.sum())

    def worth(self, pictures: NDArray[np.int64]) -> float:
        """Of how many independent pictures all say as much: `pictures` (K,) is how many each class has."""
        there = pictures > 0
        return float(pictures.sum() ** 2 / (pictures[there] ** 2 / self.worths[there]).sum())

    def check(self, pictures: NDArray[np.int64]) -> None:
        """ParameterError where it cannot be that of so many pictures of each class, (K,)."""
        few, many = np.minimum(pictures, 1), pictures
        fits = self.groups.shape == self.worths.shape == pictures.shape and bool(
            ((few <= self.groups) & (self.groups <= many)).all()
            and ((few <= self.worths + 1e-6) & (self.worths <= self.groups + 1e-6)).all()
        )
        if not fits:
            raise ParameterError(
                f"{self.groups.tolist()} different pictures, worth {self.worths.tolist()}, cannot be those of "
                f"{pictures.tolist()} pictures."
            )


@dataclass(frozen=True, eq=False)
class Report:
    """How N predictions compare with the truth, over K classes; what cannot be computed (0 / 0) is 0.

    classes: K names.
    confusion: int64 (K, K), pictures; rows are the truth, columns the predictions.
    spread: how many of the pictures are different ones, which all intervals are by.
    accuracy: the share of right predictions, 0..1; interval: (low, high), its 95 % Wilson score interval.
    precision, recall, f1: float64 (K,), 0..1; a class's share of right ones among those predicted and those there
        are, and the harmonic mean of both.
    majority: the accuracy of always naming the class that is the most frequent here: the baseline to beat.
    balanced: the mean recall of the classes that there are, 0..1, to which each counts the same; balanced_interval:
        (low, high), 95 % of it, see `balanced_accuracy`. Always naming one of K classes has 1 / K.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    spread: Spread
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
            "different": self.spread.different,
        }

    @property
    def worth(self) -> float:
        """Of how many independent pictures these say as much."""
        return self.spread.worth(self.confusion.sum(1))

    def told(self, what: str = "picture") -> str:
        """How many pictures it rests on, as `counted` says it."""
        return counted(int(self.confusion.sum()), self.spread.different, what)

    def sentences(self, what: str = "picture") -> tuple[str, str, str]:
        """What all doors tell of all classes together, without full stops: the share of right ones with its interval,
        the baseline to beat, and the share where each class counts the same, with its interval."""
        return (
            f"Right on {self.accuracy:.1%} of {self.told(what)} ({_interval(self.interval)})",
            f"{MAJORITY}: right on {self.majority:.1%}",
            f"With each class counting the same: {self.balanced:.1%} ({_interval(self.balanced_interval)})",
        )


def _interval(ends: tuple[float, float]) -> str:
    return f"95% interval {ends[0]:.1%} to {ends[1]:.1%}"


def counted(pictures: int, different: int | None = None, what: str = "picture") -> str:
    """“80 pictures, 12 different”; the latter where that is known and less."""
    of = "" if different is None or different >= pictures else f", {different:,} different"
    return f"{pictures:,} {what}{'' if pictures == 1 else 's'}{of}"


def evaluate(truth: ArrayLike, predicted: ArrayLike, classes: Sequence[str], groups: ArrayLike | None = None) -> Report:
    """Compare predictions with the truth: both N whole numbers, indices into the K class names.

    groups: N whole numbers; pictures of one number are copies or of one scene, and intervals count them as one. All
    are different without. A class may be absent from either. Raises ParameterError where N is 0, the lengths differ,
    or a number names no class.
    """
    truth, predicted = (
        _labels(values, name, len(classes)) for values, name in ((truth, "truth"), (predicted, "predictions"))
    )
    if len(truth) != len(predicted):
        raise ParameterError(f"There are {len(predicted)} predictions for {len(truth)} pictures; each needs one.")
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    return report_of(confusion, classes, None if groups is None else Spread.of(truth, groups, len(classes)))


def report_of(confusion: ArrayLike, classes: Sequence[str], spread: Spread | None = None) -> Report:
    """The Report of a confusion matrix (K, K) of one picture or more, all of them different unless `spread` is given.

    Raises ParameterError where that is of other pictures.
    """
    confusion = np.asarray(confusion, np.int64)
    right, there, named = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    total = int(there.sum())
    spread = Spread(there, there) if spread is None else spread
    spread.check(there)
    return Report(
        classes=tuple(classes),
        confusion=confusion,
        spread=spread,
        accuracy=int(right.sum()) / total,
        interval=wilson(int(right.sum()), total, worth=spread.worth(there)),
        precision=right / np.maximum(named, 1),
        recall=right / np.maximum(there, 1),
        f1=2 * right / np.maximum(there + named, 1),
        majority=int(there.max()) / total,
        **dict(zip(("balanced", "balanced_interval"), balanced_accuracy(confusion, spread), strict=True)),
    )


def balanced_accuracy(confusion: NDArray[np.int64], spread: Spread | None = None) -> tuple[float, tuple[float, float]]:
    """The mean recall of the classes that a confusion matrix (K, K) has pictures of, and its 95 % interval.

    Each of K classes, with r of n pictures right, counts as r' = r + 2/K of n' = n + 4/K: R. M. Price & D. G. Bonett,
    “An improved confidence interval for a linear function of binomial proportions”, Computational Statistics & Data
    Analysis 45, 2004. With p = r'/n' and m the mean of p, the interval is

        m ± z √(Σ p (1 − p) / (n' − 1)) / K,

    within 0..1. They divide by n', which is too little where many classes have few pictures each; a single picture says
    nothing of how its class varies, and counts with m (1 − m) / n'. Where spread is given, n is what the class's
    pictures are worth, and r their share of it.

    Simulated with 2 to 40 classes of 2 to 60 pictures, recalls of 50 % to 98 %, alike and not, large and small classes
    together, it holds the mean recall in 91 % to 100 % of the draws. That of n' holds it in 80 % of them where it is
    worst, the posterior under uniform priors (Brodersen et al. 2010), which draws every recall towards 1/2, in 43 %.
    """
    there = np.flatnonzero(confusion.sum(1))
    share = np.diag(confusion)[there] / confusion.sum(1)[there]
    mean, classes = float(share.mean()), len(there)
    count = confusion.sum(1)[there].astype(float) if spread is None else spread.worths[there]
    more = count + 4 / classes
    p = (share * count + 2 / classes) / more
    alone = np.clip(2 - count, 0, 1)  # 1 for a single picture, 0 from two on
    centre = float(p.mean())
    varied = (1 - alone) * p * (1 - p) / np.maximum(more - 1, 1) + alone * centre * (1 - centre) / more
    margin = Z95 * float(np.sqrt(varied.sum())) / classes
    return mean, (max(0.0, min(centre - margin, mean)), min(1.0, max(centre + margin, mean)))


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p of McNemar's exact test of two classifiers on the same pictures.

    Of the b + c pictures on which one alone is right, b ~ Binomial(b + c, 1/2) if both are equally good; 1 where there
    are none. Source: Q. McNemar, Psychometrika 12, 1947.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(total, k) for k in range(fewer + 1)) / 2**total)


def wilson(right: float, total: int, z: float = Z95, worth: float | None = None) -> tuple[float, float]:
    """The score interval (low, high) of a share of `right` out of `total`; z = 1.959964 makes it the 95 % one.

    right may lie between two counts: as a mean of several shares of the same pictures does.
    worth: of how many independent ones the total says as much (see Spread), which is then n; all of them unless told.

    With p = right / total and n = total or worth, it is

        (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n),

    which, unlike p ± z √(p (1 − p)/n), stays within 0..1 and tells something at p = 0 and p = 1 and for few pictures.
    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    Raises ParameterError where total is below 1, right is not within 0..total, or z is not positive.
    """
    if total < 1:
        raise ParameterError(f"The total is {total}; an interval needs at least 1 prediction.")
    if not 0 <= right <= total:
        raise ParameterError(f"{right} right predictions of {total} were given; they must lie between 0 and {total}.")
    worth = total if worth is None else worth
    if not 0 < worth <= total * (1 + 1e-9):
        raise ParameterError(f"{total} predictions cannot be worth {worth}; it must lie above 0, and at most be these.")
    if not z > 0:
        raise ParameterError(f"z is {z}; it must be positive, like 1.96 for 95%.")
    share, extra = right / total, z * z / worth
    centre = share + extra / 2
    margin = z * np.sqrt(share * (1 - share) / worth + extra / (4 * worth))
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
