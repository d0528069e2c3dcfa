"""Suspected wrong labels, each with a suggestion, by confident learning; and a test of what that is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.features.regression import STRENGTHS, Regression

PLANTED = 0.025  # share of the labels that the test makes wrong at once: more would crowd one another out
ENOUGH, ROUNDS = 30, 10  # labels that it makes wrong in all, in as many rounds at most
TENTH = 0.1  # the share of the pictures that is looked at


@dataclass(frozen=True)
class Suspect:
    """A picture whose label looks wrong: its place, the class it has and the class suggested (places in the classes).

    probability: of the suggestion, and own: of the class that it has, 0..1, from a head that never saw the picture or
    its group.
    """

    index: int
    label: int
    suggestion: int
    probability: float
    own: float


@dataclass(frozen=True)
class LabelCheck:
    """What looking for wrong labels came to, and what it is worth.

    suspects: the most doubtful first, a tenth of the `checked` pictures at most. planted: so many other labels were
    made wrong for a test, in so many `rounds`, and `found` of these were then in the tenth of all pictures that is
    doubted most.
    """

    suspects: tuple[Suspect, ...]
    checked: int
    planted: int
    found: int
    rounds: int

    @property
    def is_too_weak(self) -> bool:
        """Whether the test found less than half, so that the suspects say more about the features than the labels."""
        return 2 * self.found < self.planted


def suspected_labels(
    features: NDArray[np.float32],
    labels: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Suspect]:
    """The pictures whose labels are probably wrong, those first whose own class is the least probable.

    features (N, F), labels and groups: N whole numbers; classes: K names. A picture is suspected where another class is
    the most probable one, by linear heads that are cross-validated over groups, their penalty and temperature with
    them. Source: confident learning, Northcutt, Jiang & Chuang 2021, the method C_confusion, ranked by self-confidence:
    their stricter thresholds miss labels where a head is right to be very sure of all others.

    A class whose pictures are all of one group cannot be checked that way; its pictures are not suspected, nor is it
    suggested. seed: of the folds. progress is told (done, of at most) strengths of the penalty.
    Raises DatasetError where fewer than two classes can be checked, ParameterError where the lengths differ.
    """
    case = _Checked(features, labels, groups, classes)
    found, _ = case.probabilities(case.labels, seed, STRENGTHS, progress)
    return case.suspects(found)


def check_labels(
    features: NDArray[np.float32],
    labels: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LabelCheck:
    """suspected_labels, those among the tenth of the pictures whose own class is the least probable, and a test of it:
    one label in forty is made wrong, the same is done again, and so on until 30 were.

    The arguments are those of suspected_labels; progress is told (done, of at most) steps.
    """
    case = _Checked(features, labels, groups, classes)
    each = max(1, round(PLANTED * len(case.labels)))
    rounds = min(ROUNDS, ceil(ENOUGH / each))
    steps = len(STRENGTHS) + rounds
    told = progress or (lambda done, of: None)
    found, strength = case.probabilities(case.labels, seed, STRENGTHS, lambda done, of: told(done, steps))
    first = ceil(TENTH * len(case.labels))
    rng, planted, caught = np.random.default_rng(seed), 0, 0
    for number in range(rounds):
        wrong, places = case.planted(each, rng)
        again, _ = case.probabilities(wrong, seed, (strength,), None)
        doubted = np.argsort(again[np.arange(len(wrong)), wrong], kind="stable")[:first]
        planted, caught = planted + len(places), caught + int(np.isin(places, doubted).sum())
        told(len(STRENGTHS) + number + 1, steps)
    return LabelCheck(tuple(case.suspects(found)[:first]), len(case.labels), planted, caught, rounds)


class _Checked:
    """The pictures of classes that can be checked: their places among all, and their labels among those classes."""

    def __init__(
        self, features: NDArray[np.float32], labels: ArrayLike, groups: ArrayLike, classes: Sequence[str]
    ) -> None:
        labels, groups = np.asarray(labels, np.int64), np.asarray(groups)
        if not len(features) == len(labels) == len(groups):
            raise ParameterError(
                f"There are {len(features)} features, {len(labels)} labels and {len(groups)} groups; a picture needs "
                "each."
            )
        parts = np.array([len(np.unique(groups[labels == one])) for one in range(len(classes))])
        self.classes = np.flatnonzero(parts > 1)
        if len(self.classes) < 2:
            raise DatasetError(
                f"Labels are checked against one another, in two classes or more with two different pictures each; "
                f"here are {len(self.classes)}. Add pictures."
            )
        self.places = np.flatnonzero(np.isin(labels, self.classes))
        self.labels = np.searchsorted(self.classes, labels[self.places])
        self.groups = groups[self.places]
        self.regression = Regression(np.asarray(features)[self.places], self.labels, len(self.classes))

    def probabilities(
        self,
        labels: NDArray[np.int64],
        seed: int,
        strengths: Sequence[float],
        progress: Callable[[int, int], None] | None,
    ) -> tuple[NDArray[np.float64], float]:
        """(N, K), each row from a head of the other folds, 0 for a class that these lack; and its penalty."""
        found = self.regression.relabelled(labels).out_of_sample(self.groups, seed, strengths, progress)
        return softmax(found.logits, axis=1), found.strength

    def suspects(self, found: NDArray[np.float64]) -> list[Suspect]:
        own = found[np.arange(len(found)), self.labels]
        # Where own is 0, the other heads did not know the picture's class.
        wrong = np.flatnonzero((found.argmax(1) != self.labels) & (own > 0))
        return [
            Suspect(
                int(self.places[i]),
                int(self.classes[self.labels[i]]),
                int(self.classes[found[i].argmax()]),
                float(found[i].max()),
                float(own[i]),
            )
            for i in wrong[np.argsort(own[wrong], kind="stable")]
        ]

    def planted(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Labels of which about so many are wrong, and their places; each class keeps two groups."""
        wrong, changed = self.labels.copy(), []
        for group in rng.permutation(np.unique(self.groups)):
            if len(changed) >= count:
                break
            here = np.flatnonzero(self.groups == group)
            label = wrong[here[0]]
            if len(np.unique(self.groups[(wrong == label) & (self.groups != group)])) < 2:
                continue
            wrong[here] = (label + rng.integers(1, len(self.classes))) % len(self.classes)
            changed += here.tolist()
        return wrong, np.array(changed, np.int64)
