"""Bird or not: one class against the rest, and why accuracy alone misleads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.judging.thresholds import Curve, Quadrants, precision_recall, quadrants
from visionlab.learning.scratch.small_set import SmallSet
from visionlab.learning.scratch.stack import STACKS, Shape, Stack, possible, unsuited, with_classes
from visionlab.learning.scratch.training import Epoch, Progress, Training

TARGET = 1  # the label of the class that is looked for, once the others are one
STACK = STACKS["small"]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the answers are worth at a threshold: shares 0..1, and which test pictures are which.

    interval: the 95 % Wilson interval of the accuracy.  balanced: the mean of the accuracies on what is and what is not
    of the class.  precision is NaN where nothing reaches the threshold, recall where there is no picture of the class,
    balanced where there is none of either.  majority: the accuracy of always giving the more frequent answer,
    always_no: of never naming the class.
    """

    threshold: float
    always_no: float
    balanced: float
    accuracy: float
    interval: tuple[float, float]
    precision: float
    recall: float
    majority: float
    quadrants: Quadrants


class Birds:
    """A training that tells one class from the rest: iterate it for its Epochs, or looks() for more.

    data is the set with two classes, “not bird” and “bird”; training holds the network and the history.
    stack: STACK unless told. Raises ParameterError where there is no class `target`, DatasetError where there is no
    other, and as check does.
    """

    def __init__(
        self,
        data: SmallSet,
        target: str = "bird",
        epochs: int = 10,
        *,
        stack: Stack | None = None,
        **settings,
    ):
        place = data.place(target)
        if stack is None:
            check(data.shape)
            stack = STACK
        labels, test = ((part == place).astype(np.int64) for part in (data.labels, data.test_labels))
        classes = (f"not {target}", target)
        self.data = SmallSet(data.name, data.images, labels, classes, data.test_images, test, data.mirrored)
        self.training = Training(with_classes(stack, 2), self.data, epochs, **settings)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.training)

    def looks(self) -> Iterator[Progress]:
        return self.training.looks()

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(n, 2) float32, of the test pictures, after the latest epoch. Raises ParameterError before the first one."""
        if self.training.answers is None:
            raise ParameterError("Nothing has been learned yet: ask for at least one epoch.")
        return self.training.answers

    def at(self, threshold: float = 0.5) -> Verdict:
        """What the answers are worth where “bird” is said from this probability on."""
        return verdict(self.data.test_labels, self.probabilities, threshold)

    def curve(self) -> Curve:
        """Precision over recall, over all thresholds."""
        return precision_recall(self.data.test_labels, self.probabilities, TARGET)


def check(shape: Shape) -> None:
    """Raises DatasetError where STACK is impossible for pictures of this shape (height, width, channels)."""
    if not possible(STACK, shape):
        raise unsuited(shape)


def verdict(truth: NDArray[np.int64], probabilities: NDArray[np.float32], threshold: float) -> Verdict:
    """The verdict on stored answers: truth (n,) of 0 and 1, probabilities (n, 2).

    Raises ParameterError for a threshold outside 0..1 or where the shapes do not fit.
    """
    found = quadrants(truth, probabilities, TARGET, threshold)
    hits, alarms = len(found.true_positives), len(found.false_positives)
    missed, passed = len(found.false_negatives), len(found.true_negatives)
    total = len(truth)
    recall = hits / (hits + missed) if hits + missed else float("nan")
    specificity = passed / (passed + alarms) if passed + alarms else float("nan")
    return Verdict(
        threshold,
        (alarms + passed) / total,
        (recall + specificity) / 2,
        (hits + passed) / total,
        wilson(hits + passed, total),
        hits / (hits + alarms) if hits + alarms else float("nan"),
        recall,
        max(hits + missed, alarms + passed) / total,
        found,
    )
