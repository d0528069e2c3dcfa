"""Which pictures of a set are learned from, and which are held out to check with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import TEST, VALIDATION
from visionlab.learning.sets.splits import HELD_OUT, check_classes, check_split, parted
from visionlab.wording import all_quoted

BURST = 8  # pictures of a class that are one group, from which on the last of them can be held out
GAP = 0.1  # of a burst, left out between what is learned from and what is held out: neighbours are all but copies


@dataclass(frozen=True, eq=False)
class Sides:
    """train, held_out: int64, ascending indices of pictures; nothing is on both sides.

    by_time: the classes that are one burst, whose last pictures are held out. unchecked: those too small for that, for
    which nothing at all is held out; where the share of 0 was asked for, none. copies: how many pictures are on neither
    side since they share a group with the test part or with what the set itself holds out.
    """

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    by_time: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    copies: int = 0

    @property
    def told(self) -> str:
        """Which pictures are not used, and what a figure about the held-out pictures is worth, where it is worth less
        than usual; "" where there is nothing to say."""
        return " ".join(filter(None, [self._copies_told, self._worth_told]))

    @property
    def _copies_told(self) -> str:
        if not self.copies:
            return ""
        which = "1 picture is" if self.copies == 1 else f"{self.copies:,} pictures are"
        return f"{which} not learned from: the set’s held-out or test part has the same, or all but the same."

    @property
    def _worth_told(self) -> str:
        if self.unchecked:
            return (
                f"None is held out: the pictures of {all_quoted(self.unchecked)} are too few, or too much alike, to "
                "spare any. Nobody will know how good the head is; another burst, or pictures of another day, would "
                "tell."
            )
        if self.by_time:
            return (
                f"Of {all_quoted(self.by_time)} there is one burst: its last pictures are held out. They are like the "
                "others, so the figure is worth little for new pictures; another burst would tell more."
            )
        return ""


def sides(
    data: LabelledImages, validation: float | None, seed: int, *, alone: bool = False, needed: bool = False
) -> Sides:
    """What is learned from and what is held out; the set's test part, and what shares a group with it, is on neither
    side.

    Held out is a share of all the others, as of share_held_out; what shares a group with the set's own validation
    part, where that is held out, is not learned from. Groups stay whole, but for a class that is a single one: of
    BURST pictures or more, in the order in which they were taken, the last ones are held out and a few before them
    left out. Where a class is a smaller group, or validation is 0, nothing is held out. Raises DatasetError where
    the data cannot be split, a class has no picture or, unless `alone` is set, a single one, or is a small group
    where held-out pictures are `needed`; ParameterError for a share that is not within [0, 1) and a negative seed.
    """
    validation = share_held_out(data, validation)
    share = validation or HELD_OUT
    check_split(share, seed)
    parts = np.array(data.parts or [""] * len(data))
    apart = np.isin(data.groups, data.groups[parts == TEST])
    if validation is None:
        return _own_part(data, apart, parts)
    check_classes(data.classes)
    copies = int((apart & (parts != TEST)).sum())
    own = np.flatnonzero(~apart)
    labels, groups = data.labels[own], data.groups[own]
    counts = np.bincount(labels, minlength=len(data.classes))
    for one in np.flatnonzero(counts == 0):
        raise DatasetError(_none_left(data.classes[one], parts[data.labels == one], (TEST,)))
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    single = np.bincount(pairs[0]) == 1
    small = single & (counts < BURST)
    refused = small & (needed | ((counts == 1) & (not alone)))
    if not refused.any() and (validation == 0 or small.any()):
        return Sides(own, own[:0], unchecked=() if validation == 0 else _named(data, small), copies=copies)
    held, left_out = np.zeros((2, len(own)), bool)
    bursts = single & ~small
    rest = ~bursts[labels]
    if rest.any():  # of a class that is refused it says what is wrong
        present, compact = np.unique(labels[rest], return_inverse=True)
        held[rest] = parted(compact, groups[rest], [data.classes[one] for one in present], share, seed)
    for one in np.flatnonzero(bursts):
        places = np.flatnonzero(labels == one)
        gap = max(1, round(GAP * len(places)))
        last = min(max(1, round(share * len(places))), len(places) - gap - 1)
        held[places[-last:]] = left_out[places[-last - gap : -last]] = True
    return Sides(own[~held & ~left_out], own[held], by_time=_named(data, bursts), copies=copies)


def share_held_out(data: LabelledImages, validation: float | None) -> float | None:
    """What is held out where that is asked for: a share as it is; for None the set's own validation part, which None
    stands for, or HELD_OUT where the set has none."""
    return HELD_OUT if validation is None and VALIDATION not in data.parts else validation


def _own_part(data: LabelledImages, apart: NDArray[np.bool_], parts: NDArray[np.str_]) -> Sides:
    held = ~apart & (parts == VALIDATION)
    train = ~apart & ~np.isin(data.groups, data.groups[held])
    if not held.any():
        raise DatasetError(
            f"The set’s test part has all that its validation part has; hold out a share, like {HELD_OUT:g}."
        )
    for one in np.flatnonzero(np.bincount(data.labels[train], minlength=len(data.classes)) == 0):
        raise DatasetError(_none_left(data.classes[one], parts[data.labels == one], (VALIDATION, TEST)))
    return Sides(np.flatnonzero(train), np.flatnonzero(held), copies=int((~train & ~held & (parts != TEST)).sum()))


def _none_left(name: str, parts: NDArray[np.str_], kept: Sequence[str]) -> str:
    """Why a class has nothing to learn from; parts: those of its pictures, kept: which are not learned from."""
    if not len(parts):
        return f"“{name}” has no picture; add some or leave the class out."
    where = " and ".join(part for part in kept if part in parts) or " or ".join(kept)
    if np.isin(parts, kept).all():
        return (
            f"All pictures of “{name}” are in the set’s {where} part; put some to learn from beside, or leave it out."
        )
    return (
        f"Each picture of “{name}” to learn from is in the set’s {where} part, too, the same or all but the same; take "
        "others for one of them."
    )


def _named(data: LabelledImages, which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(data.classes[one] for one in np.flatnonzero(which))
