"""How far a classifier's probabilities can be believed, and the temperature that makes them believable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visionlab.errors import ParameterError

COLDEST, HOTTEST = 0.05, 20.0
BINS = 10  # of held-out pictures: few, since these are
PARTS = 5  # in which a temperature is tried on what it was not fitted to


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predictions by how sure they were: per bin of the top probability, how many, how sure, and how often right.

    edges: float64 (B + 1,), from 0 to 1. count: int64 (B,), predictions. confidence and accuracy: float64 (B,), the
    mean top probability and the share of right ones, 0..1; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """The expected calibration error, 0..1: |accuracy − confidence|, weighted by the bins' counts."""
        full = self.count > 0
        gap = np.abs(self.accuracy[full] - self.confidence[full])
        return float((gap * self.count[full]).sum() / self.count.sum())


def reliability(probabilities: ArrayLike, truth: ArrayLike, bins: int = 15) -> Reliability:
    """Compare how sure N predictions were with how often they were right, in equally wide bins.

    probabilities: (N, K), each row adding up to 1; truth: (N,) indices of the right classes.
    Source: Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017, section 2, who use 15 bins. Raises ParameterError where
    the shapes do not fit, N is 0, or there is no bin.
    """
    table, right = _checked(probabilities, truth, "probabilities")
    if bins < 1:
        raise ParameterError(f"{bins} bins were asked for. Use 1 or more; 15 is usual.")
    top, hit = table.max(1), table.argmax(1) == right
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)  # bins are (low, high], as in the papers
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, top, bins) / count
        accuracy = np.bincount(place, hit, bins) / count
    return Reliability(edges, count, confidence, accuracy)


def fit_temperature(logits: ArrayLike, truth: ArrayLike, one_more: bool = False) -> float:
    """The T > 0 for which softmax(logits / T) gives the truth the highest likelihood.

    logits: (N, K); truth: (N,) indices of the right classes. one_more: as if there were one more row, as the others are
    in the mean, which may be of any class; without it, rows that are all right ask for a temperature of 0, however few
    they are (Platt 1999, section 2.2, on the same with two classes). T is sought between 0.05 and 20: the likelihood
    has one maximum over 1 / T, since its negative logarithm is convex there. Source: Guo et al. 2017, section 4.2.
    Raises ParameterError where the shapes do not fit or N is 0.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    table, right = _checked(logits, truth, "logits")
    correct = table[np.arange(len(table)), right]

    rows = len(table)
    meant = correct.mean() if not one_more else (correct.sum() + table.mean()) / (rows + 1)

    def loss(inverse: float) -> float:
        return float(logsumexp(table * inverse, axis=1).mean() - meant * inverse)

    return float(1 / minimize_scalar(loss, bounds=(1 / HOTTEST, 1 / COLDEST), method="bounded").x)


def helpful_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """fit_temperature's with one row more, or 1 where such temperatures, each tried on a fifth that it was not fitted
    to, give the truth a lower likelihood than none does, or where the expected calibration error of all is larger with
    it. Below five rows it is 1. Raises what fit_temperature raises.
    """
    from scipy.special import log_softmax, softmax

    table, right = _checked(logits, truth, "logits")
    if len(table) < PARTS:
        return 1.0
    of = np.random.default_rng(0).permutation(len(table)) % PARTS

    def likelihoods(rows: NDArray[np.int64], temperature: float) -> NDArray[np.float64]:
        return log_softmax(table[rows] / temperature, axis=1)[np.arange(len(rows)), right[rows]]

    gained = 0.0
    for part in range(PARTS):
        own = np.flatnonzero(of == part)
        temperature = fit_temperature(table[of != part], right[of != part], one_more=True)
        gained += float((likelihoods(own, temperature) - likelihoods(own, 1.0)).sum())
    if gained <= 0:
        return 1.0
    found = fit_temperature(table, right, one_more=True)
    after, before = (reliability(softmax(table / each, axis=1), right, BINS).expected_error for each in (found, 1.0))
    return found if after <= before else 1.0


def _checked(table: ArrayLike, truth: ArrayLike, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    table, right = np.asarray(table, np.float64), np.asarray(truth)
    if table.ndim != 2 or table.size == 0 or right.shape != table.shape[:1]:
        raise ParameterError(
            f"The {name} have the shape {table.shape} for {right.shape} truths; one row of {name} a truth is needed."
        )
    if not np.isfinite(table).all():
        raise ParameterError(f"Some {name} are not finite numbers.")
    if not np.issubdtype(right.dtype, np.integer) or right.min() < 0 or right.max() >= table.shape[1]:
        raise ParameterError(f"The truth must be whole numbers from 0 to {table.shape[1] - 1}, one class each.")
    return table, right.astype(np.int64)
