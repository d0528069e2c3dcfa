"""What a classifier is worth on pictures that it did not learn from: more than one number, and the pictures behind it.

Everything refers to pictures by their places 0..N−1 in what was evaluated, so that each figure can open its pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import DatasetError, ParameterError
from visionlab.imaging.image import Image
from visionlab.learning.features.source import FEATURES
from visionlab.learning.judging.calibration import BINS, Reliability, reliability
from visionlab.learning.judging.metrics import Report, counted, evaluate, wilson
from visionlab.learning.judging.refusal import still_counted
from visionlab.learning.judging.thresholds import Curve, Quadrants, checked, precision_recall, quadrants, roc
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.classifier import BATCH, Classifier, Refuses

SAMPLES = 1000  # of the bootstrap: its interval's ends are then sure to about a tenth of its width
UNKNOWN = "It isn’t known which pictures this head has learned: figures are too good where some are among these."
LEAST = 1e-12  # a probability below it counts as this in a loss, which stays finite


@dataclass(frozen=True, eq=False)
class Strangers:
    """Pictures of classes that a classifier does not have: how many of which, and as Evaluation, their distances, in
    any order, None where nothing refuses."""

    counts: Mapping[str, int]
    distances: NDArray[np.float32] | None

    def told(self, threshold: float | None) -> str:
        """That they are left out, and how many a limit refuses."""
        total, names = sum(self.counts.values()), ", ".join(f"“{name}”" for name in list(self.counts)[:4])
        more = f" and {len(self.counts) - 4} more" if len(self.counts) > 4 else ""
        told = (
            f"{total} picture{'' if total == 1 else 's'} of {names}{more} left out: the classifier has no such class."
        )
        if self.distances is None:
            return told
        return f"{told} It refuses {int((self.distances > threshold).sum())} of them as none of its own."


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What N predictions over K classes are worth.

    truth: int64 (N,). probabilities: float64 (N, K). losses: float64 (N,), −ln of the probability of the truth, in
    nats. names: N names, for showing. report: the Report of the most probable classes. f1: the mean of the classes' F1
    and f1_interval its 95 % bootstrap interval. reliability: how far the probabilities can be believed. distances:
    float32 (N,) from the training pictures, None where nothing refuses; threshold: beyond it a picture is refused.
    strangers: pictures of classes that are not among the K. notes: sentences on others that are not counted. learned:
    how many of these the classifier has learned from, None where that is not known. places: int64 (N,), where the
    counted ones were among those that were given.
    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    losses: NDArray[np.float64]
    names: tuple[str, ...]
    report: Report
    f1: float
    f1_interval: tuple[float, float]
    reliability: Reliability
    distances: NDArray[np.float32] | None = None
    threshold: float | None = None
    strangers: Strangers | None = None
    notes: str = ""
    learned: int | None = None
    places: NDArray[np.int64] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The K names, in the order of truth's numbers and of the columns of probabilities."""
        return self.report.classes

    @property
    def predicted(self) -> NDArray[np.int64]:
        """int64 (N,): the most probable class of each picture, the first of equals."""
        return self.probabilities.argmax(1)

    def limited(self, refusal: Refuses | None) -> Evaluation:
        """The same at the limit of a refusal that measures distances alike, since only its share was set anew."""
        return self if refusal is None else replace(self, threshold=refusal.threshold)

    @property
    def refused(self) -> NDArray[np.int64]:
        """Places of the refused pictures, the farthest first; the refusals are false ones if all are of its classes."""
        if self.distances is None:
            return np.zeros(0, np.int64)
        beyond = np.flatnonzero(self.distances > self.threshold)
        return beyond[np.argsort(-self.distances[beyond], kind="stable")]

    @property
    def left_out(self) -> str:
        """Sentences on pictures that are not counted; "" where there are none."""
        return " ".join(filter(None, [self.strangers.told(self.threshold) if self.strangers else "", self.notes]))

    @property
    def refusals_told(self) -> str:
        """How many pictures are refused, and as what they are counted, as refusal.still_counted says it; "" where
        nothing refuses."""
        if self.distances is None:
            return ""
        right = int((self.predicted == self.truth)[self.refused].sum())
        return still_counted(len(self.refused), right, self.report.told())

    def worst(self) -> NDArray[np.int64]:
        """All places, the largest loss first."""
        return np.argsort(-self.losses, kind="stable")

    def roc(self, target: int) -> Curve:
        """The receiver operating characteristic of one class against the rest: see thresholds."""
        return roc(self.truth, self.probabilities, target)

    def precision_recall(self, target: int) -> Curve:
        """Precision over recall for one class against the rest: see thresholds."""
        return precision_recall(self.truth, self.probabilities, target)

    def quadrants(self, target: int, threshold: float = 0.5) -> Quadrants:
        """True and false positives and negatives of one class: see thresholds."""
        return quadrants(self.truth, self.probabilities, target, threshold)

    def cell(self, row: int, column: int) -> NDArray[np.int64]:
        """The places behind a cell of report.confusion, of class `row` and taken for `column`: the surest first."""
        places = np.flatnonzero((self.truth == row) & (self.predicted == column))
        return places[np.argsort(-self.probabilities[places, column], kind="stable")]

    def summary(self) -> dict[str, object]:
        """The figures as plain numbers, lists and strings, which JSON can hold; None where one is not defined."""
        report, nan = self.report, float("nan")
        areas = [
            (self.roc(one).area, self.precision_recall(one).area) if pictures else (nan, nan)
            for one, pictures in enumerate(report.confusion.sum(1))
        ]
        per_class = {
            "precision": report.precision.tolist(),
            "recall": report.recall.tolist(),
            "f1": report.f1.tolist(),
            "pictures": report.confusion.sum(1).tolist(),
            "roc_area": [_plain(area) for area, _ in areas],
            "average_precision": [_plain(area) for _, area in areas],
        }
        return {
            "pictures": len(self.truth),
            "classes": list(self.classes),
            **report.figures(),
            "f1": self.f1,
            "f1_interval": list(self.f1_interval),
            "loss": float(self.losses.mean()),
            "calibration_error": self.reliability.expected_error,
            "confusion": report.confusion.tolist(),
            "per_class": per_class,
            "refused": None if self.distances is None else len(self.refused),
            "learned": self.learned,
            "left_out": self.left_out,
        }


def assess(
    truth: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    *,
    names: Sequence[str] = (),
    groups: ArrayLike | None = None,
    features: NDArray[np.float32] | None = None,
    refusal: Refuses | None = None,
    seed: int = 0,
) -> Evaluation:
    """Evaluate the probabilities (N, K) of N pictures against the truth, N indices into the K class names.

    names: N names for the pictures, their numbers where there are none. groups: N numbers, one for pictures that are
    copies or of one scene, which intervals count as one; all are different without. features (N, F) and a refusal
    together say which pictures are refused. seed: of the bootstrap. Raises ParameterError where N is 0, shapes do not
    fit, a probability is not within 0..1, a row does not add up to 1, or a truth names no class.
    """
    table = checked(probabilities, len(classes))
    report = evaluate(truth, table.argmax(1), classes, groups)
    right = np.asarray(truth, np.int64)
    names = tuple(names) or tuple(str(number) for number in range(1, len(right) + 1))
    if len(names) != len(right):
        raise ParameterError(f"There are {len(names)} names for {len(right)} pictures; each needs one.")
    measured = features is not None and refusal is not None
    distances = refusal.distances(features) if measured else None
    if distances is not None and len(distances) != len(right):
        raise ParameterError(f"There are features of {len(distances)} pictures for {len(right)} pictures.")
    return Evaluation(
        truth=right,
        probabilities=table,
        losses=-np.log(np.maximum(table[np.arange(len(right)), right], LEAST)) + 0.0,  # + 0: no −0
        names=names,
        report=report,
        f1=macro_f1(report.confusion),
        f1_interval=f1_interval(report.confusion, seed, worth=report.worth),
        reliability=reliability(table, right, BINS),
        distances=distances,
        threshold=refusal.threshold if measured else None,
    )


def score(
    net: Classifier,
    data: LabelledImages,
    progress: Callable[[int, int], None] | None = None,
    *,
    refusal: Refuses | None = None,
) -> Evaluation:
    """Evaluate a classifier, a head's say, on pictures of their own, a test folder: those of `data`, uint8 (H, W, 3)
    with labels int64 (N,). The Evaluation counts the M ≤ N of them whose class the classifier has, over its K classes.

    Classes are matched by their names, whatever their case. Pictures of classes that the classifier lacks cannot be
    right, so they are left out, and `left_out` says so, and how many of them `refusal` (the classifier's own unless
    another is given) refuses. What the classifier has learned from, or what is in one group with that, says nothing of
    other pictures, and is left out, too.
    progress is told (pictures done, of how many). Raises DatasetError where no class matches, there is no picture or
    all have been learned from, and ParameterError where `refusal` is given to a classifier that is no head.
    """
    refusal = net.refusal if refusal is None else refusal
    known: dict[str, int] = {}
    for index, label in enumerate(net.labels):
        known.setdefault(label.casefold(), index)  # of two classes of one name, which ImageNet has, the first
    places = np.array([known.get(name.casefold(), -1) for name in data.classes], np.int64)
    truth = places[data.labels]
    if not (truth >= 0).any():
        raise DatasetError(
            f"None of {len(data)} pictures is of a class of {net.name}: name the folders like its classes, "
            f"{', '.join(net.labels[:4])}{' …' if len(net.labels) > 4 else ''}."
        )
    is_head = FEATURES in [path for path, _ in net.module.steps()]
    if refusal is not None and not is_head:
        raise ParameterError(f"{net.name} has no head whose features a refusal could measure; evaluate a head.")
    chosen = np.flatnonzero((truth >= 0) | (refusal is not None))  # strangers are of interest to a refusal alone
    found, learned = [], []
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        images = [data.images[index] for index in batch.tolist()]
        found.append(_answers(net, images, refusal is not None))
        learned += [net.learned is not None and net.learned.knows(image) for image in images]
        if progress:
            progress(start + len(batch), len(chosen))
    probabilities, features = (np.concatenate(parts) for parts in zip(*found, strict=True))
    groups, own = data.groups[chosen], truth[chosen] >= 0
    again = own & np.isin(groups, groups[np.array(learned, bool)])
    if again.sum() == own.sum():
        raise DatasetError(_all_learned(int(own.sum()), len(np.unique(groups[own]))))
    strange = {name: count for name, count in data.counts().items() if count and name.casefold() not in known}
    fresh = own & ~again
    told = [_learned(int(again.sum()), int(own.sum())), UNKNOWN if is_head and net.learned is None else ""]
    evaluation = assess(
        truth[chosen][fresh],
        probabilities[fresh],
        net.labels,
        names=[data.names[index] for index in chosen[fresh]],
        groups=groups[fresh],
        features=features[fresh],
        refusal=refusal,
    )
    far = refusal.distances(features[~own]) if strange and refusal is not None else None
    return replace(
        evaluation,
        strangers=Strangers(strange, far) if strange else None,
        notes=" ".join(filter(None, told)),
        learned=None if net.learned is None else int(again.sum()),
        places=chosen[fresh],
    )


@torch.inference_mode()
def _answers(net: Classifier, images: Sequence[Image], reads: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities (n, K), and what a head reads (n, F), in one pass; F = 0 where it is not wanted."""
    x = net.transform(images, net.device)
    features = x.new_zeros(len(x), 0)
    for path, step in net.module.steps():
        x = step(x)
        if reads and path == FEATURES:
            features = x.float()
    return net.softmax(x).cpu().numpy(), features.cpu().numpy()


def _learned(count: int, of: int) -> str:
    """What is to be told of pictures that were learned from; "" where there are none."""
    if not count:
        return ""
    which = "1 of these pictures" if count == 1 else f"{count:,} of these {of:,} pictures"
    return f"The head has learned {which} (copies and near-copies count): left out, since of these it knows the answer."


def _all_learned(pictures: int, different: int) -> str:
    """What is to be told of pictures of which there are no others; copies count as elsewhere."""
    if pictures == 1:
        return "The head has learned this one picture, so it cannot tell how good the head is. Take others."
    told = counted(pictures, different)
    return f"The head has learned all of these {told}, so they cannot tell how good it is. Take others."


# One number for all classes ------------------------------------------------------------------------------------------


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """The mean F1 of the classes that occur in the truth or among the predictions of a confusion matrix (K, K)."""
    return _macro_f1(np.diag(confusion), confusion.sum(1), confusion.sum(0))


def f1_interval(confusion: NDArray[np.int64], seed: int = 0, worth: float | None = None) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval (low, high) of macro_f1, from SAMPLES samples (Efron 1979).

    To draw N pictures with replacement is to draw the counts of the cells from one multinomial. worth: of how many
    independent pictures they say as much, see metrics.Spread, which is how many are drawn then. Where all are right,
    samples of them say nothing of what else there is: then it is the Wilson interval of the accuracy.
    """
    if (total := int(confusion.sum())) == np.trace(confusion):
        return wilson(total, total, worth=worth)
    rows, columns = np.nonzero(confusion)
    counts, width = confusion[rows, columns], len(confusion)
    drawn = counts.sum() if worth is None else max(1, round(worth))
    draws = np.random.default_rng(seed).multinomial(drawn, counts / counts.sum(), SAMPLES)  # (S, cells)
    right = rows == columns
    found = [
        _macro_f1(*(np.bincount(of, draw * kept, width) for of, kept in ((rows, right), (rows, 1), (columns, 1))))
        for draw in draws
    ]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def _macro_f1(right: NDArray, there: NDArray, named: NDArray) -> float:
    occurs = there + named > 0
    return float((2 * right[occurs] / (there + named)[occurs]).mean())


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else value
