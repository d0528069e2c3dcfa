"""Multinomial logistic regression on scaled features, to its minimum, and what it says of rows that it has not seen.

Everything happens in the coordinates of the rows' principal axes, which are found once for all strengths and folds: the
penalised minimum lies in the rows' span (the representer theorem), and along these axes the curvature is nearly
diagonal, so that L-BFGS (Liu & Nocedal 1989), told that diagonal, needs few steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from visionlab.device import one_thread
from visionlab.learning.features.scaling import STRENGTH, Scale

STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # each from the solution of the one before
SPREAD = 3.0  # of ln(strength / STRENGTH), before anything is known: it decides where few rows tell little
FOLDS = 5
OWN = 0.5  # weight of a feature's own variance in its spread: half a point better than 0 where classes are much alike
LESS = 3e-3  # the largest derivative that is left while a strength is chosen …
LEAST = 1e-6  # … and in what is kept
STEPS = 500  # of L-BFGS at most: without a penalty, rows that can be told apart have no minimum
WARMEST = 20.0  # the highest temperature, and one over the lowest
FAR = 1e4  # stands for an infinite logit
TINY = 1e-12  # of the largest variance: an axis with less is rounding


def folds(
    labels: NDArray[np.int64], groups: NDArray, parts: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """So many ways to part rows into those that are learned from and those that are asked about: places of either.

    Stratified, groups whole: each group, the largest first and else by chance, goes to the fold that has the fewest
    rows of its classes, and of such the fewest of all. (scikit-learn's StratifiedGroupKFold, which weighs all classes
    for each group, took longer than all that is learned here.)
    """
    _, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    holds = np.zeros((len(sizes), int(labels.max()) + 1))
    np.add.at(holds, (of, labels), 1)
    order = np.random.default_rng(seed).permutation(len(sizes))
    counts, fold = np.zeros((parts, holds.shape[1])), np.zeros(len(sizes), np.int64)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        fold[group] = np.lexsort((counts.sum(1), counts @ holds[group]))[0]
        counts[fold[group]] += holds[group]
    return [(np.flatnonzero(fold[of] != number), np.flatnonzero(fold[of] == number)) for number in range(parts)]


def class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """(classes,): what each picture of a class counts, so that all classes count the same and a mean picture 1;
    0 for a class without pictures."""
    pictures = np.bincount(labels, minlength=classes)
    return np.where(pictures > 0, len(labels) / (np.count_nonzero(pictures) * np.maximum(pictures, 1)), 0.0)


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """What N rows are taken for by regressions that have seen neither them nor their group.

    strength: of the penalty that was chosen. temperature: what these logits have to be divided by. logits: float64
    (N, K), so divided, −∞ for a class that the row's regression did not know. loss: their mean cross-entropy in nats,
    of rows whose class it knew and of one more, of any class: without that one, a few rows that are all taken for what
    they are would ask for a temperature of 0. Each class counts the same, in both.
    """

    strength: float
    temperature: float
    logits: NDArray[np.float64]
    loss: float


class Regression:
    """Of features (n, F) with labels (n,), int64 below `classes`: minimises mean cross-entropy, in which each class
    counts the same, + strength/2 · ‖W‖² on features scaled as Scale says."""

    def __init__(self, features: ArrayLike, labels: NDArray[np.int64], classes: int) -> None:
        x = np.asarray(features, np.float64)
        self.scale = Scale.of(torch.from_numpy(x), OWN)
        self.labels, self.classes = labels, classes
        with one_thread():
            self.axes, self.places = _principal(self.scale(torch.from_numpy(x)).numpy())

    def fit(self, strength: float, temperature: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Weights (K, F) and bias (K,) for plain features, over the temperature, and the mean cross-entropy in nats."""
        with one_thread():
            rows = np.arange(len(self.labels))
            z = self.centred(rows, rows)
            descent = _Descent(z, self.labels, self.classes)
            descent.to_minimum(strength, LEAST)
            descent.both /= temperature
            weight, bias = descent.both[:, :-1] @ self.axes.T, descent.both[:, -1]
            loss = float(descent.losses(descent.logits(z))[0].mean())
        return *self.scale.folded(torch.from_numpy(weight), torch.from_numpy(bias)), loss

    def out_of_sample(
        self,
        groups: NDArray[np.int64],
        seed: int,
        strengths: Sequence[float] = STRENGTHS,
        progress: Callable[[int, int], None] | None = None,
    ) -> OutOfSample | None:
        """Stratified cross-validation over groups (n,), which stay whole; None where a class has a single group.

        The strength is that of the least loss of all rows together, and of a log-normal prior around STRENGTH. The
        strengths, falling, are tried until two in a row made it worse. progress is told (done, of at most) strengths.
        """
        units = np.unique(np.stack([self.labels, groups]), axis=1)[0]
        parts = min(FOLDS, int(np.bincount(units, minlength=self.classes).min()))
        if parts < 2:
            return None
        parted = [_Fold(self, learned, asked) for learned, asked in folds(self.labels, groups, parts, seed)]
        best, losses, counts = None, [], class_weights(self.labels, self.classes)[self.labels]
        for done, strength in enumerate(strengths, 1):
            logits = np.full((len(self.labels), self.classes), -np.inf)
            for fold in parted:
                with one_thread():
                    logits[np.ix_(fold.test, fold.known)] = fold.at(strength)
            told = np.isfinite(logits[np.arange(len(logits)), self.labels])
            temperature, loss = _calibrated(logits[told], self.labels[told], counts[told])
            losses.append(loss + np.log(strength / STRENGTH) ** 2 / (2 * SPREAD**2 * len(logits)))
            if min(losses) == losses[-1]:
                best = OutOfSample(strength, temperature, logits / temperature, loss)
            if progress:
                progress(done, len(strengths))
            if done > 2 and losses[-3] < losses[-2] < losses[-1]:
                break
        return best

    def answers(self, learned: NDArray[np.int64], asked: NDArray[np.int64], strength: float) -> NDArray[np.float64]:
        """Logits (m, K) of m rows, by a regression on other rows; −∞ for a class that those lack."""
        fold, logits = _Fold(self, learned, asked), np.full((len(asked), self.classes), -np.inf)
        with one_thread():
            logits[:, fold.known] = fold.at(strength)
        return logits

    def relabelled(self, labels: NDArray[np.int64]) -> Regression:
        """Of the same features with other labels: their axes are known."""
        other = copy(self)
        other.labels = labels
        return other

    def centred(self, rows: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.float64]:
        """Places (len(rows), r) of these rows, from the mean of the rows `by`."""
        return self.places[rows] - self.places[by].mean(0)


class _Fold:
    """Learns from some rows, and answers for others; in float32, which is enough to choose by."""

    def __init__(self, whole: Regression, train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
        self.test, self.known = test, np.unique(whole.labels[train])
        z, self.fresh = (whole.centred(rows, train).astype(np.float32) for rows in (train, test))
        self.descent = _Descent(z, np.searchsorted(self.known, whole.labels[train]), len(self.known))

    def at(self, strength: float) -> NDArray[np.float64]:
        """Logits (test rows, known classes)."""
        self.descent.to_minimum(strength, LESS)
        return self.descent.logits(self.fresh).astype(np.float64)


class _Descent:
    """Weights (K, r) and bias (K,) on rows z (n, r) with labels (n,), from zero, or from the minimum before."""

    def __init__(self, z: NDArray, labels: NDArray[np.int64], classes: int) -> None:
        self.z, self.labels = np.column_stack([z, np.ones(len(z), z.dtype)]), labels
        self.counts = class_weights(labels, classes)[labels].astype(z.dtype)
        self.both = np.zeros((classes, self.z.shape[1]))  # the bias is the last column
        self.curvature = np.append(np.square(z).mean(0), 1) / (2 * classes)

    def logits(self, rows: NDArray) -> NDArray:
        both = self.both.astype(rows.dtype)
        return rows @ both[:, :-1].T + both[:, -1]

    def losses(self, logits: NDArray) -> tuple[NDArray, NDArray]:
        """What each row costs (n,), and the derivatives of that by its logits, (n, K)."""
        losses, slopes = losses_of(logits, self.labels)
        return self.counts * losses, self.counts[:, None] * slopes

    def to_minimum(self, strength: float, tolerance: float) -> None:
        def measure(both: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            losses, error = self.losses(self.z @ both.T.astype(self.z.dtype))
            return float(losses.mean()), error.T @ self.z / len(error)

        self.both = to_minimum(measure, self.both, self.curvature, strength, tolerance)


def to_minimum(
    measure: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    both: NDArray[np.float64],
    curvature: NDArray[np.float64],
    strength: float,
    tolerance: float,
) -> NDArray[np.float64]:
    """Weights and, in the last column, bias (K, r + 1), from `both` on to where no derivative, along axes that are
    stretched to equal curvature (r + 1,), is above the tolerance. measure gives the mean loss in nats without its
    penalty, and its derivatives (K, r + 1)."""
    from scipy.optimize import minimize  # late: slow to import

    penalty = np.append(np.full(both.shape[1] - 1, strength), 0.0)
    unit = np.sqrt(curvature + penalty)

    def value(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        here = flat.reshape(both.shape) / unit
        loss, slope = measure(here)
        pulled = penalty * here
        return float(loss + (pulled * here).sum() / 2), ((slope + pulled) / unit).ravel()

    options = {"gtol": tolerance, "ftol": 1e-14, "maxiter": STEPS}
    found = minimize(value, (both * unit).ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(both.shape) / unit


def losses_of(logits: NDArray, labels: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """Cross-entropies (n,) in nats, and their derivatives by the logits, (n, K)."""
    rows = np.arange(len(logits))
    powers = logits - logits.max(1, keepdims=True)
    own = powers[rows, labels]
    np.exp(powers, out=powers)
    total = powers.sum(1, keepdims=True)
    powers /= total
    powers[rows, labels] -= 1
    return np.log(total[:, 0]) - own, powers


def _calibrated(
    logits: NDArray[np.float64], labels: NDArray[np.int64], counts: NDArray[np.float64]
) -> tuple[float, float]:
    """The temperature with the least mean loss of rows that count so much, as OutOfSample says, and that loss."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    own, any_ = logits[np.arange(len(logits)), labels], logits[np.isfinite(logits)].mean()
    logits = np.maximum(logits, -FAR)

    def loss(power: float) -> float:
        each = logsumexp(logits * np.exp(power), axis=1)
        one_more = np.average(each, weights=counts) - any_ * np.exp(power)
        return float(np.average(np.append(each - own * np.exp(power), one_more), weights=np.append(counts, 1)))

    found = minimize_scalar(loss, bounds=(-np.log(WARMEST), np.log(WARMEST)), method="bounded", options={"xatol": 0.01})
    return float(np.exp(-found.x)), float(found.fun)


def _principal(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centred rows (n, F) → their principal axes (F, r) and their places along these (n, r): rows = places · axesᵀ."""
    few = len(rows) <= rows.shape[1]
    if not few:
        axes, _ = axes_of(rows.T @ rows)
        return axes, rows @ axes
    variance, found = np.linalg.eigh(rows @ rows.T)
    kept = variance > TINY * max(variance[-1], TINY)
    root = np.sqrt(variance[kept])
    return rows.T @ found[:, kept] / root, found[:, kept] * root


def axes_of(products: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The principal axes (F, r) of centred rows (n, F), by rowsᵀ · rows; and the sums of squares along these (r,)."""
    variance, found = np.linalg.eigh(products)
    kept = variance > TINY * max(variance[-1], TINY)
    return found[:, kept], variance[kept]
