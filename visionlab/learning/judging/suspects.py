"""Suspected wrong labels, each with a suggestion: confident learning on out-of-sample probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.judging.probe import linear_probe

FOLDS = 5


@dataclass(frozen=True)
class Suspect:
    """A picture whose label looks wrong: its place, the class it has and the class suggested (places in the classes).

    probability: of the suggestion, 0..1, from a probe that never saw the picture or its group.
    """

    index: int
    label: int
    suggestion: int
    probability: float


def suspected_labels(
    features: NDArray[np.float32],
    labels: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Suspect]:
    """The pictures whose labels are probably wrong, the surest suggestion first.

    features (N, F), labels and groups: N whole numbers; classes: K names. A picture is suspected where the probability
    of another class reaches what is usual for pictures labelled so (its mean over them), and no class is more probable:
    confident learning (Northcutt, Jiang & Chuang 2021, equations 1 and 2, by cleanlab). The probabilities are those of
    linear probes that are cross-validated over groups. It rather misses some than suspects many: of 100 photographs
    each of cats and dogs, 10 of them labelled wrongly, 9 or 10 are suspected, and half of those are the wrong ones
    (with the built-in network, mean of four draws); of texture patches, all that are wrong and no other.

    A class whose pictures are all of one group cannot be checked that way; its pictures are not suspected, nor is it
    suggested. seed: of the folds. progress is told (done, of how many) folds.
    Raises DatasetError where fewer than two classes can be checked, ParameterError where the lengths differ.
    """
    from cleanlab.filter import find_label_issues

    labels, groups = np.asarray(labels, np.int64), np.asarray(groups)
    if not len(features) == len(labels) == len(groups):
        raise ParameterError(
            f"There are {len(features)} features, {len(labels)} labels and {len(groups)} groups; a picture needs each."
        )
    parts = np.array([len(np.unique(groups[labels == one])) for one in range(len(classes))])
    checked = np.flatnonzero(parts > 1)
    if len(checked) < 2:
        raise DatasetError(
            f"Labels are checked against one another, in two classes or more with two different pictures each; "
            f"here are {len(checked)}. Add pictures."
        )
    places = np.flatnonzero(np.isin(labels, checked))
    own = np.searchsorted(checked, labels[places])  # places in `checked`
    folds = int(min(FOLDS, parts[checked].min()))
    found = _out_of_sample(np.asarray(features)[places], own, groups[places], len(checked), folds, seed, progress)
    told = np.flatnonzero(found[np.arange(len(own)), own] > 0)  # the other probes did not know these pictures' class
    if len(np.unique(own[told])) < 2:
        return []
    # Its other filters keep their working in globals of the module, which two users at once would share.
    wrong = told[find_label_issues(own[told], found[told], filter_by="confident_learning", n_jobs=1)]
    suspects = [
        Suspect(int(places[i]), int(labels[places[i]]), int(checked[found[i].argmax()]), float(found[i].max()))
        for i in wrong
    ]
    return sorted(suspects, key=lambda suspect: -suspect.probability)


def _out_of_sample(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    classes: int,
    folds: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float64]:
    """(N, K) probabilities, each row from a probe of the other folds; 0 for a class that these lack."""
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.zeros((len(labels), classes))
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(features, labels, groups)
    for done, (train, held) in enumerate(splits, 1):
        present = np.unique(labels[train])
        if len(present) > 1:
            found[np.ix_(held, present)] = linear_probe(features[train], labels[train]).predict_proba(features[held])
        if progress:
            progress(done, folds)
    return found
