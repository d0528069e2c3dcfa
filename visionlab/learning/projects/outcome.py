"""Outcome: what a run's head answered to the pictures that it had not seen, so that it can be judged at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import mcnemar
from visionlab.packing import UNREADABLE, packed, unpacked

FORMAT = "visionlab-outcome-1"
ARRAYS = {  # field: dtype, and how many axes it has
    "pictures": (np.int64, 1),
    "truth": (np.int64, 1),
    "probabilities": (np.float32, 2),
    "trained_on": (np.int64, 1),
    "trained_labels": (np.int64, 1),
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A run's answers, by the pictures' ids in their project.

    classes: K names.  pictures: int64 (n,), ids of the held-out pictures; truth: int64 (n,), indices into classes;
    probabilities: float32 (n, K), the head's.  trained_on: int64 (m,), ids of the pictures that it learned from;
    trained_labels: int64 (m,), indices into classes.  n is 0 where nothing was held out.

    Raises ParameterError where a shape, an index or an id does not fit, an id occurs twice, or a probability is no
    number.
    """

    classes: tuple[str, ...]
    pictures: NDArray[np.int64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    trained_on: NDArray[np.int64]
    trained_labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        for name, (dtype, axes) in ARRAYS.items():
            object.__setattr__(self, name, _array(name, getattr(self, name), dtype, axes))
        count, classes = len(self.pictures), len(self.classes)
        if self.truth.shape != (count,) or self.probabilities.shape != (count, classes):
            raise ParameterError(
                f"An outcome has {count} pictures of {classes} classes, truth of shape {self.truth.shape} and "
                f"probabilities of shape {self.probabilities.shape}; each picture needs one row of each."
            )
        if len(self.trained_labels) != len(self.trained_on):
            raise ParameterError(
                f"An outcome learned from {len(self.trained_on)} pictures with {len(self.trained_labels)} labels; "
                "each needs one."
            )
        for labels in (self.truth, self.trained_labels):
            if labels.size and not 0 <= labels.min() <= labels.max() < classes:
                raise ParameterError(
                    f"An outcome names class {labels[(labels < 0) | (labels >= classes)][0]}; "
                    f"with {classes} classes: 0 to {classes - 1}."
                )
        if not np.isfinite(self.probabilities).all():
            raise ParameterError("An outcome holds probabilities that are no finite numbers. Train anew.")
        ids, times = np.unique(np.concatenate([self.pictures, self.trained_on]), return_counts=True)
        if (times > 1).any():
            raise ParameterError(f"Picture {ids[times > 1][0]} occurs twice in an outcome; each may occur once.")

    @property
    def right(self) -> NDArray[np.bool_]:
        """bool (n,): where the most probable class is the true one."""
        return self.probabilities.argmax(1) == self.truth

    def to_bytes(self) -> bytes:
        """A safetensors file, as a head is; never a pickle."""
        return packed({"format": FORMAT, "classes": self.classes}, {name: getattr(self, name) for name in ARRAYS})

    @classmethod
    def from_bytes(cls, data: bytes) -> Outcome:
        """What to_bytes wrote. Raises ParameterError where the bytes are nothing of the kind."""
        try:
            about, arrays = unpacked(data)
            if about["format"] != FORMAT or not all(isinstance(name, str) for name in about["classes"]):
                raise ValueError(about["format"])
            return cls(tuple(about["classes"]), **{name: arrays[name] for name in ARRAYS})
        except ParameterError:
            raise
        except UNREADABLE as error:
            raise ParameterError("What was kept of the run’s answers is damaged. Train anew.") from error


@dataclass(frozen=True)
class Comparison:
    """Two heads on the pictures that both held out: how many there are, how many each has right, and on how many only
    the first or only the second is right. p is that of McNemar's exact test: how probable so large a difference is
    where both are equally good."""

    pictures: int
    first_right: int
    second_right: int
    only_first: int
    only_second: int
    p: float


def compare(first: Outcome, second: Outcome) -> Comparison:
    """Compare two heads picture by picture, on those that both held out under one and the same class name."""
    _, one, two = np.intersect1d(first.pictures, second.pictures, return_indices=True)
    same = _names(first, one) == _names(second, two)
    one, two = first.right[one[same]], second.right[two[same]]
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    return Comparison(
        int(same.sum()), int(one.sum()), int(two.sum()), only_first, only_second, mcnemar(only_first, only_second)
    )


def _names(outcome: Outcome, places: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array(outcome.classes, object)[outcome.truth[places]]


def _array(name: str, values: ArrayLike | Sequence[int], dtype: type, axes: int) -> NDArray:
    array = np.asarray(values)
    wanted = np.integer if dtype is np.int64 else np.floating
    if array.ndim != axes or not (np.issubdtype(array.dtype, wanted) or array.size == 0):
        raise ParameterError(
            f"An outcome’s {name} are {array.dtype} of shape {array.shape}; "
            f"they must be {np.dtype(dtype).name} with {axes} {'axis' if axes == 1 else 'axes'}."
        )
    return array.astype(dtype)
