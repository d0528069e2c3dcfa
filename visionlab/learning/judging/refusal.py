"""“None of these”: a picture too far from all that a head was trained on is refused.

What is measured are directions: features f scaled to unit length, f / |f|, since a flat or dark picture has short
features, and short ones lie near every mean.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.device import one_thread
from visionlab.errors import ParameterError
from visionlab.learning.judging.metrics import counted
from visionlab.wording import percent

_REFUSING = '''"""Which distance refuses what share of good pictures, as visionlab has it."""

from __future__ import annotations

import math

import numpy as np


'''
AXES = 32  # of the covariance that are told apart; more change nothing
WIDEST = 256  # of the projected space: a megabyte for each 1,000 features
SHRINKAGE = 0.9  # the best of 0.02 to 0.9 for 20 photographs each of cats and dogs
TINY = 1e-12
PER_CENT = 1, 99  # the least and the most whole ones of the shares that can be refused, which lie within (0, 1)
UNSET = "This head does not say by which pictures its refusal was set. Train it again to choose another share."


@dataclass(frozen=True, eq=False)
class Refusal:
    """Refuses a picture whose projection · (f / |f| − centre) lies farther than `threshold` from each of M points.

    f are its features, |f| their Euclidean length, taken as 1e-12 where it is less. points: float32 (M, D), in the
    projected space. projection: float32 (D, F). centre: float32 (F,). threshold: 0 or more. held_out: float32 (n,), the
    distances that it was set by, ascending; none where nobody kept them. groups: int64 (n,), the same number for those
    of copies or of one scene, which count as one; () where all are different. asked: the share, within (0, 1), that it
    was to refuse of pictures of the classes; None where nobody kept it. Raises ParameterError where the shapes do not
    fit together, there is no point, a number is not finite or `asked` is no such share.
    """

    points: NDArray[np.float32]
    projection: NDArray[np.float32]
    centre: NDArray[np.float32]
    threshold: float
    held_out: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    asked: float | None = None

    def __post_init__(self) -> None:
        for name in ("points", "projection", "centre", "held_out"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float32))
        object.__setattr__(self, "threshold", float(self.threshold))
        object.__setattr__(self, "groups", np.asarray(self.groups, np.int64))
        shapes = [values.shape for values in (self.points, self.projection, self.centre)]
        fits = [len(shape) for shape in shapes] == [2, 2, 1] and shapes[0][0] > 0
        if not fits or shapes[0][1] != shapes[1][0] or shapes[1][1] != shapes[2][0]:
            told = ", ".join(map(str, shapes))
            raise ParameterError(
                f"The points, the projection and the centre of a refusal have the shapes {told}; "
                "they must be (M, D), (D, F) and (F,), with a point at least."
            )
        if self.groups.shape not in ((0,), self.held_out.shape):
            raise ParameterError(
                f"There are groups of shape {self.groups.shape} for {len(self.held_out)} distances that a refusal was "
                "set by; each needs one, or none has one."
            )
        every = (self.points, self.projection, self.centre, self.held_out)
        finite = all(np.isfinite(values).all() for values in every)
        if not finite or not 0 <= self.threshold < np.inf:
            raise ParameterError(
                f"A refusal needs finite numbers and a threshold of 0 or more; its threshold is {self.threshold}."
            )
        if self.asked is not None:
            _check_share(self.asked)

    def distances(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) features → (N,) float32: how far projection · (f / |f| − centre) is from the nearest point.

        Raises ParameterError where the features have another width or are not finite.
        """
        placed = (_directions(features, "features", len(self.centre)) - self.centre) @ self.projection.T
        return _nearest(placed, self.points).astype(np.float32)

    def refuses(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(N, F) features → bool (N,): whether the picture is none of what was trained on."""
        return self.distances(features) > self.threshold

    @property
    def share(self) -> float | None:
        """The share of new pictures of the classes, 0..1, that will be refused: its mean, as `promise` tells it. None
        where the distances that it was set by are not known."""
        return share_beyond(self.held_out, self.groups, self.threshold) if len(self.held_out) else None

    @property
    def chosen(self) -> float | None:
        """The share that it was to refuse, as it was chosen; where nobody kept that, what it comes to, which promises
        the same. None where neither is known."""
        return self.share if self.asked is None else self.asked

    @property
    def different(self) -> int:
        """How many of the pictures that it was set by are different ones."""
        return count_different(self.held_out, self.groups)

    def promise(self, false_refusals: float) -> str:
        """What `promise` says of what it was set by."""
        return promise(len(self.held_out), false_refusals, self.different)

    def short_of(self, false_refusals: float) -> str:
        """What is the least share that so few pictures allow, as the end of a sentence; "" where that one is had."""
        return short_of(len(self.held_out), self.different, false_refusals)

    def at(self, false_refusals: float) -> Refusal:
        """The same, set to refuse another share of pictures of the classes. Raises ParameterError where that does not
        lie within (0, 1), or the distances that it was set by are not known."""
        if not len(self.held_out):
            raise ParameterError(UNSET)
        _check_share(false_refusals)
        return replace(self, threshold=threshold_of(self.held_out, self.groups, false_refusals), asked=false_refusals)

    def arrays(self) -> dict[str, NDArray]:
        """All of it as arrays, for a file; from_arrays reads them back."""
        threshold = np.array([self.threshold], np.float64)
        told = {"points": self.points, "projection": self.projection, "centre": self.centre, "threshold": threshold}
        set_by = {"held_out": self.held_out, "groups": self.groups}
        asked = {} if self.asked is None else {"asked": np.array([self.asked], np.float32)}
        return told | {name: values for name, values in set_by.items() if len(values)} | asked

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Refusal:
        """What arrays() gave. Raises ParameterError where one is missing, is no number, or does not fit the others."""
        if missing := {"points", "projection", "centre", "threshold"} - set(arrays):
            raise ParameterError(f"A refusal lacks its {' and '.join(sorted(missing))}.")
        threshold = np.asarray(arrays["threshold"])
        if threshold.size != 1 or any(np.asarray(values).dtype.kind not in "fiu" for values in arrays.values()):
            raise ParameterError(f"A refusal has one threshold, and numbers alone; this one has {threshold.size}.")
        told = [arrays[name] for name in ("points", "projection", "centre")]
        set_by = [np.ravel(arrays.get(name, np.zeros(0))) for name in ("held_out", "groups")]
        asked = np.ravel(arrays.get("asked", np.zeros(0)))
        if asked.size > 1:
            raise ParameterError(f"A refusal was set to refuse one share; this one names {asked.size}.")
        return cls(*told, threshold.item(), *set_by, round(asked.item(), 6) if asked.size else None)


def fit_refusal(
    features: NDArray[np.float32],
    labels: ArrayLike,
    validation_features: NDArray[np.float32],
    false_refusals: float = 0.05,
    groups: ArrayLike | None = None,
) -> Refusal:
    """The refusal that lets through all but a share of `false_refusals` of pictures like the validation ones.

    features: (N, F) of the training pictures; labels: N whole numbers, their classes. validation_features: (n, F) of
    pictures of the same classes that were not trained on; groups: n whole numbers, the same for copies and pictures of
    one scene, which count as one. All are different without. The points are the classes' means, the distance is
    Mahalanobis' under one covariance for all classes (Lee et al. 2018, “A simple unified framework for detecting
    out-of-distribution samples”, equation 2), shrunk as in Ledoit & Wolf 2004, of features scaled to unit length as in
    Sun et al. 2022. The threshold is the ⌈(n + 1)(1 − false_refusals)⌉-th smallest validation distance (split
    conformal prediction, Vovk et al. 2005), so that the promise holds for n pictures, not for infinitely many; where n
    is too small for it, the largest: see `promise`. Where pictures share groups, n is the number of these, and a
    distance counts as the share of its group that it is (the pooled distribution of Dunn, Wasserman & Ramdas 2022,
    “Distribution-free prediction sets for two-layer hierarchical models”).

    Measured with the built-in network on heads for cats and dogs, 100 held-out pictures setting the threshold, mean of
    five draws, from 20 | 100 pictures a class. Refused are 6 % | 4 % of 100 other cats and dogs; and of things that
    are neither, 74 % | 81 % of 97 photographs of as many subjects, 78 % | 83 % of texture patches, all of 300
    handwritten digits. (SHRINKAGE was chosen on these.) Features that keep their lengths: 29 % | 36 % of the
    photographs and no digit; the nearest training picture, of standardised unit features, instead of a mean: 60 % |
    58 %. What is close kin passes: of the digits 5 to 9, a head for 0 to 4 refuses 20 %.

    Raises ParameterError where the shapes do not fit, a feature is not finite, or false_refusals is not within (0, 1).
    """
    _check_share(false_refusals)
    x = _directions(features, "features")
    held = _directions(validation_features, "validation features", x.shape[1])
    places = np.asarray(labels)
    if places.shape != (len(x),):
        raise ParameterError(f"There are labels of shape {places.shape} for {len(x)} pictures; each needs one.")
    classes, of = np.unique(places, return_inverse=True)
    means = np.stack([x[places == one].mean(0) for one in classes])
    with one_thread():
        projection, centre = _whitening(x - means[of]), x.mean(0)
        points = (means - centre) @ projection.T
        distances = _nearest((held - centre) @ projection.T, points).astype(np.float32)
    order = np.argsort(distances, kind="stable")
    numbers = np.zeros(0, np.int64) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(numbers) not in (0, len(held)):
        raise ParameterError(f"There are {len(numbers)} groups for {len(held)} validation pictures; each needs one.")
    if len(np.unique(numbers)) == len(numbers):
        numbers = numbers[:0]  # all are different
    distances, numbers = distances[order], numbers[order] if len(numbers) else numbers
    threshold = threshold_of(distances, numbers, false_refusals)
    return Refusal(points, projection, centre, threshold, distances, numbers, false_refusals)


def _check_share(false_refusals: float) -> None:
    if not 0 < false_refusals < 1:
        raise ParameterError(
            f"The share of false refusals is {false_refusals}; it must lie between 0 and 1, like 0.05."
        )


def _weights(distances: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,): 1 over how many are in its group; groups: (n,), or () where all are different."""
    if not len(groups):
        return np.ones(len(distances))
    _, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / sizes[of]


def count_different(distances: NDArray[np.float32], groups: NDArray[np.int64]) -> int:
    """How many of these pictures, (n,), are different ones; groups as of _weights."""
    return len(np.unique(groups)) if len(groups) else len(distances)


def share_beyond(distances: NDArray[np.float32], groups: NDArray[np.int64], threshold: float) -> float:
    """The share of new pictures, 0..1, that lie beyond it, as its mean: of pictures that lie like these, (n,), n 1 or
    more."""
    beyond = _weights(distances, groups)[distances > threshold].sum()
    return float((beyond + 1) / (count_different(distances, groups) + 1))


def threshold_of(distances: NDArray[np.float32], groups: NDArray[np.int64], false_refusals: float) -> float:
    """What lets through all but that share, within (0, 1), of pictures that lie like these, sorted, (n,)."""
    within = np.cumsum(_weights(distances, groups))
    rank = _rank(round(within[-1]), false_refusals)
    # A hair above, so that the very picture at the threshold is let through in float32 too.
    at = np.float64(distances[np.searchsorted(within, rank - 1e-6)]) * (1 + 1e-5)
    return float(np.nextafter(np.float32(at), np.float32(np.inf)))


def promise(pictures: int, false_refusals: float = 0.05, different: int | None = None) -> str:
    """What a threshold that fit_refusal set on so many validation pictures can promise, as a sentence for people.

    The k-th smallest of n distances lets through all but a share of new ones that is Beta(n + 1 − k, k) distributed:
    told are its mean and its 95 % quantile. With n pictures no mean below 1 / (n + 1) can be had. n is how many are
    `different`, all of them unless told. Raises ParameterError where there is no picture.
    """
    from scipy.stats import beta

    if pictures < 1:
        raise ParameterError(f"{pictures} validation pictures promise nothing. Use 1 or more.")
    count = pictures if different is None else different
    rank = _rank(count, false_refusals)
    mean, most = (count + 1 - rank) / (count + 1), beta.ppf(0.95, count + 1 - rank, rank)
    told = f"About {percent(mean)} of new pictures of your classes will be refused"
    told += f", and hardly more than {percent(most)}. "
    told += f"It rests on {counted(pictures, count, 'held-out picture')}"
    if _is_short(mean, false_refusals):
        ones = " different ones" if count < pictures else ""
        told += f"; {math.ceil(1 / false_refusals - 1e-9) - 1} or more{ones} allow {_asked(false_refusals)}"
    return f"{told}."


def short_of(pictures: int, different: int, false_refusals: float) -> str:
    """What is the least share that so many held-out pictures allow, as the end of a sentence; "" where that one is had,
    or there are none."""
    least = 1 / (different + 1)
    if not pictures or not _is_short(least, false_refusals):
        return ""
    return f"on {counted(pictures, different, 'held-out picture')}, {percent(least)} is the least"


def refusing_as_python() -> str:
    """A Python module of threshold_of, share_beyond, short_of and percent, that knows no visionlab."""
    own = (_weights, _rank, count_different, share_beyond, threshold_of, _asked, _is_short, short_of)
    return _REFUSING + "\n\n".join(map(inspect.getsource, (percent, counted, *own)))


def _is_short(least: float, false_refusals: float) -> bool:
    """Whether the share that can be had is more than the one asked for, and seen to be."""
    return least > false_refusals and percent(least) != _asked(false_refusals)


def _asked(share: float) -> str:
    """A share as a person gave it, with all its digits."""
    return f"{100 * share:g}%"


def still_counted(refused: int, right: int, of: str) -> str:
    """What the figures above it make of refused pictures, `right` of them named rightly but for that, as a sentence for
    people; of: how many pictures there are, as metrics.counted says it."""
    if not refused:
        return f"Of {of}, none would be refused as “none of these”."
    one = refused == 1
    parts = {"right": right, "wrong": refused - right}
    told = " and ".join(f"{'' if one else f'{count:,} '}as {what}" for what, count in parts.items() if count)
    counts = "counts above by the class that it is" if one else "count above by the class that they are"
    return f"Of {of}, {refused:,} would be refused as “none of these”, and still {counts} most like: {told}."


def _rank(pictures: int, false_refusals: float) -> int:
    """Which of the sorted validation distances is the threshold, from 1."""
    rank = math.ceil((pictures + 1) * (1 - false_refusals) - 1e-9)  # 20 · 0.95 is not 19 in binary
    return min(max(rank, 1), pictures)


def _whitening(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, F) deviations from their classes' means → (D, F), D ≤ WIDEST, under which lengths are Mahalanobis distances.

    The covariance is (1 − SHRINKAGE) Σ + SHRINKAGE · tr Σ / F · I. Beyond its first AXES axes all variances count as
    their mean; where more axes are left than D has room for, random ones stand for them (Johnson & Lindenstrauss
    1984), which keep lengths to a few per cent.
    """
    count, width = deviations.shape
    _, spreads, axes = np.linalg.svd(deviations, full_matrices=False)
    variances = spreads**2 / count
    kept = min(AXES, len(axes))
    left, room = width - kept, min(width, WIDEST) - kept
    noise = np.random.default_rng(0).standard_normal((width, room))
    axes = axes[:kept]
    others = np.linalg.qr(noise - axes.T @ (axes @ noise))[0].T  # (room, F): orthonormal, and orthogonal to the axes
    flat = variances[kept:].sum() / max(left, 1)
    shrunk = (1 - SHRINKAGE) * np.r_[variances[:kept], np.full(room, flat)] + SHRINKAGE * variances.sum() / width
    weights = np.r_[np.ones(kept), np.full(room, left / max(room, 1))] / np.maximum(shrunk, TINY)
    return np.concatenate([axes, others]) * np.sqrt(weights)[:, None]


def _directions(features: ArrayLike, name: str, width: int | None = None) -> NDArray[np.float64]:
    table = np.asarray(features, np.float64)
    if table.ndim != 2 or table.size == 0 or width not in (None, table.shape[1]):
        wanted = "F" if width is None else width
        raise ParameterError(f"The {name} have the shape {table.shape}; (N, {wanted}) is needed, with N of 1 or more.")
    if not np.isfinite(table).all():
        raise ParameterError(f"Some {name} are not finite numbers.")
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), TINY)


def _nearest(placed: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, D) → (N,): the Euclidean distance of each to the nearest of the (M, D) points."""
    squares = (placed**2).sum(1)[:, None] - 2 * placed @ points.T + (points**2).sum(1)
    return np.sqrt(np.maximum(squares.min(1), 0))
