"""Would more pictures help? The accuracy of linear heads on growing shares of the pictures, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError
from visionlab.learning.features.regression import FOLDS, Regression, folds
from visionlab.learning.features.scaling import STRENGTH
from visionlab.wording import percent

SHARES = (0.15, 0.3, 0.5, 0.75, 1.0)  # of the pictures that are learned from
EXPONENTS = np.array([0.25, 0.5, 0.75, 1.0])  # that power laws of learning have been found to have
RESAMPLES = 400
INTERVAL = (5, 95)  # percentiles
MUCH, LITTLE = 0.01, 0.02  # a gain in accuracy that is one, and one that hardly is


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """What a share of the pictures is worth.

    share: 0..1. pictures: how many were learned from, the mean of the draws. right: bool (repeats, N), whether each of
    N pictures was named rightly by a head that had seen neither it nor its group, once in each repeat.
    """

    share: float
    pictures: int
    right: NDArray[np.bool_]

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """(repeats,), 0..1."""
        return self.right.mean(1)

    @property
    def mean(self) -> float:
        return float(self.right.mean())


def learning_curve(
    features: NDArray[np.float32],
    labels: ArrayLike,
    groups: ArrayLike,
    *,
    shares: Sequence[float] = SHARES,
    repeats: int = 3,
    seed: int = 0,
) -> Iterator[CurvePoint]:
    """Linear heads learn from growing shares of what cross-validation leaves them of N pictures; a point a share.

    features (N, F), labels and groups: N whole numbers. In each of the `repeats` all pictures are parted into up to
    five folds, stratified and with groups whole; heads learn from the others of each fold, whose groups are put in one
    random order, of which a share is the shortest beginning with enough pictures of each class: so the shares are
    nested, and a difference between shares is not one between draws. The penalty's strength is chosen once, on all, and
    for a share of the pictures divided by that share.

    Raises ParameterError where lengths differ, there are fewer than two classes, a class has a single group, shares
    do not grow within (0, 1], or there is nothing to repeat.
    """
    labels, groups = np.asarray(labels, np.int64), np.asarray(groups)
    if not len(features) == len(labels) == len(groups):
        raise ParameterError(
            f"There are {len(features)} features, {len(labels)} labels and {len(groups)} groups; each picture needs "
            "one of each."
        )
    present, places = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise ParameterError("A learning curve needs pictures of two classes or more.")
    rising = [0, *shares] == sorted({0, *shares}) and len(shares) > 0
    if not rising or shares[-1] > 1 or repeats < 1:
        raise ParameterError(
            f"The shares are {list(shares)}, drawn {repeats} times; shares grow within 0 to 1, and one draw is needed."
        )
    units = np.bincount(np.unique(np.stack([places, groups]), axis=1)[0])
    if units.min() < 2:
        raise ParameterError("A learning curve needs two pictures of each class that are no copies. Add pictures.")
    return _curve(np.asarray(features), places, groups, min(FOLDS, int(units.min())), shares, repeats, seed)


def _curve(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    parts: int,
    shares: Sequence[float],
    repeats: int,
    seed: int,
) -> Iterator[CurvePoint]:
    rng = np.random.default_rng(seed)
    regression = Regression(features, labels, int(labels.max()) + 1)
    found = regression.out_of_sample(groups, seed)
    strength = STRENGTH if found is None else found.strength
    draws = []  # of each repeat and fold: who learns, from which share on, and who is asked
    for repeat in range(repeats):
        split = folds(labels, groups, parts, seed + repeat)
        draws += [(repeat, learn, _needed(labels[learn], groups[learn], rng), asked) for learn, asked in split]
    for share in shares:
        right, counts = np.zeros((repeats, len(labels)), bool), []
        for repeat, learn, needed, asked in draws:
            taken = learn[needed < share]
            logits = regression.answers(taken, asked, strength / share)
            right[repeat, asked] = logits.argmax(1) == labels[asked]
            counts.append(len(taken))
        yield CurvePoint(share, round(np.mean(counts)), right)


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


@dataclass(frozen=True)
class Outlook:
    """What twice as many pictures would probably bring: gain is in accuracy (0..1), with its 90 % interval; none of
    these is more than what is wrong now.

    Of 72 draws of 24 to 500 pictures from the sets of benchmarks/judging.py, 65 had in the interval, before it was
    bounded so, what twice as many truly brought.
    """

    pictures: int
    accuracy: float
    gain: float
    interval: tuple[float, float]


def outlook(points: Sequence[CurvePoint], seed: int = 0) -> Outlook:
    """Power laws, error = a + b · pictures^−c with a, b ≥ 0 and c of EXPONENTS (Hestness et al. 2017), fitted to a
    curve whose pictures are drawn anew (bootstrap).

    Raises ParameterError below three points.
    """
    if len(points) < 3:
        raise ParameterError(f"A power law cannot be fitted to {len(points)} points. Use three or more.")
    rng = np.random.default_rng(seed)
    sizes = np.array([point.pictures for point in points], float)
    wrong = 1.0 - np.stack([point.right for point in points])  # (points, repeats, N)
    _, repeats, pictures = wrong.shape
    errors = np.empty((RESAMPLES, len(sizes)))
    for number in range(RESAMPLES):
        again = wrong[:, rng.integers(repeats, size=repeats)].mean(1)
        errors[number] = again[:, rng.integers(pictures, size=pictures)].mean(1)
    last = points[-1]
    room = 1 - last.mean  # a law fits the last point only nearly, and may fall from above it
    low, high = np.percentile(_gains(sizes, errors), INTERVAL)
    high = max(high, 1 / pictures)  # of so many pictures, nobody sees less than one
    gain = _gains(sizes, wrong.mean((1, 2))[None]).item()
    return Outlook(last.pictures, last.mean, min(gain, room), (min(float(low), room), min(float(high), room)))


def _gains(sizes: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,): by how much each row of errors (R, sizes) falls from the last size to twice that, by the power law that
    fits it best."""
    weights = np.sqrt(sizes / sizes[-1])  # the law holds the better, the more pictures
    weighed = (errors * weights).T  # (sizes, R)
    gains, residuals = np.empty((2, len(EXPONENTS), len(errors)))
    for number, exponent in enumerate(EXPONENTS):
        falling = (sizes / sizes[-1]) ** -exponent
        table = np.column_stack([np.ones(len(sizes)), falling]) * weights[:, None]
        (floor, slope), *_ = np.linalg.lstsq(table, weighed)
        alone = table[:, 1] @ weighed / (table[:, 1] @ table[:, 1])
        slope = np.where(floor < 0, alone, slope).clip(min=0)
        residuals[number] = np.square(table @ [floor.clip(min=0), slope] - weighed).sum(0)
        gains[number] = slope * (1 - 2.0**-exponent)
    return gains[residuals.argmin(0), np.arange(len(errors))]


def in_words(found: Outlook) -> str:
    """What an outlook says, in a sentence or two."""
    now = percent(found.accuracy)
    room = 100 - float(now.removesuffix("%"))  # as it is read
    low, high = (min(round(100 * end), int(room)) for end in found.interval)
    if high:
        points = f"{low} to {high} points" if low < high else f"{high} {'point' if high == 1 else 'points'}"
        told = f"go from {now} up by {points}"
    elif room:
        told = f"stay at {now}, or {'come closer to 100%' if room <= 0.5 else 'go up by less than half a point'}"
    else:
        told = f"stay at {now}"
    told = (
        f"From {found.pictures:,} to {2 * found.pictures:,} pictures, accuracy would {told} (90% interval of a power "
        "law)."
    )
    if found.interval[0] >= MUCH:
        return f"More pictures would probably help. {told}"
    if found.interval[1] < LITTLE:
        return f"More pictures like these would probably change little. {told}"
    return f"This cannot tell whether more pictures would help. {told}"
