"""How sure a prediction is: tempered probabilities, entropy, margin, ranks, and what they are called in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import ParameterError
from visionlab.network.running.classifier import UNSURE

SURE = 0.8  # a top probability from which the network is called sure
TORN = 0.1  # a margin between the first two below which it is called torn between them …
MOST = 0.4  # … if they have that much together


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """(…, classes) at another temperature T: softmax(logits / T) = p^(1/T) / Σ p^(1/T), in float32.

    Below 1 the network seems surer than it is, above 1 less sure; the order of the classes stays. Raises
    ParameterError for a temperature that is not positive.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ParameterError(f"{temperature} is no temperature. Use a number above 0, where 1 changes nothing.")
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-300)) / temperature
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)


def entropy(probabilities: NDArray[np.float32]) -> float:
    """−Σ p log₂ p of one distribution (classes,), in bits: 0 where one class is certain, log₂ of their number where all
    are alike.
    """
    positive = np.asarray(probabilities, np.float64)
    positive = positive[positive > 0]
    return float(-(positive * np.log2(positive)).sum()) + 0.0


def margin(probabilities: NDArray[np.float32]) -> float:
    """By how much the most probable class leads the second, 0..1; 1 where there is only one class."""
    if len(probabilities) < 2:
        return 1.0
    second, first = np.partition(np.asarray(probabilities, np.float64), -2)[-2:]
    return float(first - second)


def rank(probabilities: NDArray[np.float32], index: int) -> int:
    """Which place a class has among all, from 1; equals share the better one."""
    return int((np.asarray(probabilities) > probabilities[index]).sum()) + 1


def in_words(probabilities: NDArray[np.float32] | Sequence[float]) -> str:
    """“sure”, “torn between two”, “leaning to one” or “unsure”, by the two best of the probabilities, which may be all
    that are given: see SURE, TORN, MOST and UNSURE.
    """
    top = float(np.max(probabilities))
    if top >= SURE:
        return "sure"
    if margin(probabilities) < TORN and 2 * top - margin(probabilities) >= MOST:
        return "torn between two"
    return "leaning to one" if top >= UNSURE else "unsure"
