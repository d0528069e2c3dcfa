"""Softmax regression: a linear template a class, learned by gradient descent in plain arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionlab.device import one_thread
from visionlab.errors import ParameterError
from visionlab.learning.scratch.divergence import Diverged, ran_away
from visionlab.learning.scratch.small_set import SmallSet

ASKED_AT_ONCE = 1_000  # pictures
LOOK_EVERY = 100  # steps between two looks at the test part and the templates


@dataclass(frozen=True)
class Settings:
    """How to descend: in steps of `batch` pictures, v ← momentum·v − rate·(∇ + decay·W), W ← W + v.

    standardised: each number of a picture has its mean taken away and is divided by its spread; otherwise pictures
    enter as 0..1.  falling: the rate falls to zero along a line.
    """

    title: str
    steps: int = 1_000
    batch: int = 100
    rate: float = 0.005
    momentum: float = 0.0
    decay: float = 0.0
    standardised: bool = False
    falling: bool = False


SETTINGS: dict[str, Settings] = {
    "article": Settings("As in the article"),
    "better": Settings(
        "Standardised, with momentum and decay",
        rate=0.001,
        momentum=0.9,
        decay=0.01,
        standardised=True,
        falling=True,
    ),
}


@dataclass(frozen=True, eq=False)
class Step:
    """After a step (from 1): mean cross-entropy (nats) and accuracy (0..1) of its batch, before it learned from it.

    test_accuracy and templates (K, H, W, C) float32 are there after every hundredth step and the last one. A template
    says by how much a pixel changes its class's logit, per grey level.
    """

    index: int
    of: int
    loss: float
    accuracy: float
    test_accuracy: float | None = None
    templates: NDArray[np.float32] | None = None
    diverged: Diverged | None = None


class Softmax:
    """A run: iterate it for its Steps. templates (K, H, W, C) and bias (K,) are as they are now.

    Logits are ⟨template, picture⟩ + bias, for pictures of 0..255. diverged is set where the loss ran away; the
    templates are then those of the last look before. Raises ParameterError for settings that train nothing.
    """

    def __init__(self, data: SmallSet, settings: Settings = SETTINGS["better"], seed: int = 0):
        for name in ("steps", "batch"):
            if getattr(settings, name) < 1:
                raise ParameterError(f"{getattr(settings, name)} {name} train nothing. Use 1 or more.")
        if not 0 < settings.rate < np.inf:
            raise ParameterError(f"The learning rate is {settings.rate}; it must be above 0, like 0.005.")
        if not 0 <= settings.momentum < 1 or settings.decay < 0 or seed < 0:
            told = f"momentum {settings.momentum}, decay {settings.decay}, seed {seed}"
            raise ParameterError(f"These are {told}; momentum must be 0 or more and below 1, the others 0 or more.")
        self.data, self.settings = data, settings
        self.diverged: Diverged | None = None
        self._chance = np.random.default_rng(seed)
        flat = data.images.reshape(len(data.images), -1)
        self._mean, self._spread = _standards(flat) if settings.standardised else (np.float32(0), np.float32(255))
        self._weights = np.zeros((flat.shape[1], len(data.classes)), np.float32)  # (D, K), for scaled pictures
        self._bias = np.zeros(len(data.classes), np.float32)

    @property
    def templates(self) -> NDArray[np.float32]:
        return np.ascontiguousarray(self._folded()[0].T).reshape(len(self.data.classes), *self.data.shape)

    @property
    def bias(self) -> NDArray[np.float32]:
        return self._folded()[1]

    @property
    def parameters(self) -> int:
        return self._weights.size + self._bias.size

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, K) float32 of uint8 (N, H, W, C). Raises ParameterError for pictures of another size."""
        if images.shape[1:] != self.data.shape:
            raise ParameterError(f"These pictures are {images.shape[1:]}; {self.data.shape} is needed.")
        weights, bias = self._folded()
        parts = [np.zeros((0, len(bias)), np.float32)]
        for start in range(0, len(images), ASKED_AT_ONCE):
            chunk = images[start : start + ASKED_AT_ONCE].reshape(-1, len(weights)).astype(np.float32)
            parts.append(np.exp(_log_softmax(chunk @ weights + bias)))
        return np.concatenate(parts)

    def __iter__(self) -> Iterator[Step]:
        total = self.settings.steps
        good = self._weights.copy(), self._bias.copy()
        speeds = np.zeros_like(self._weights), np.zeros_like(self._bias)
        for index in range(1, total + 1):
            rate = self.settings.rate * (1 - (index - 1) / total if self.settings.falling else 1)
            with one_thread():
                loss, accuracy = self._descend(speeds, rate)
            if not np.isfinite(self._weights).all():
                loss = float("inf")  # as the next one would be
            if ran_away(loss, len(self.data.classes)):
                self._weights, self._bias = good
                self.diverged = Diverged(
                    f"step {index:,}", self.settings.rate, SETTINGS["better"].rate, loss, index > LOOK_EVERY
                )
                yield Step(index, total, loss, accuracy, None, self.templates, self.diverged)
                return
            if index % LOOK_EVERY and index < total:
                yield Step(index, total, loss, accuracy)
                continue
            good = self._weights.copy(), self._bias.copy()
            right = self.probabilities(self.data.test_images).argmax(1) == self.data.test_labels
            yield Step(index, total, loss, accuracy, float(right.mean()), self.templates)

    def _descend(self, speeds: tuple[NDArray[np.float32], NDArray[np.float32]], rate: float) -> tuple[float, float]:
        """One step, and the loss and accuracy of its batch before it. The caller looks for what became infinite."""
        chosen = self._chance.integers(0, len(self.data.images), self.settings.batch)
        x = self.data.images[chosen].reshape(len(chosen), -1)
        x, y = (x - self._mean) / self._spread, self.data.labels[chosen]  # (n, D), (n,)
        every = np.arange(len(y))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            logs = _log_softmax(x @ self._weights + self._bias)  # (n, K)
            loss = float(-logs[every, y].mean())
            error = np.exp(logs)
            accuracy = float((error.argmax(1) == y).mean())
            error[every, y] -= 1
            error /= len(y)
            slopes = x.T @ error + self.settings.decay * self._weights, error.sum(0)
            for values, speed, slope in zip((self._weights, self._bias), speeds, slopes, strict=True):
                speed *= self.settings.momentum
                speed -= rate * slope
                values += speed
        return loss, accuracy

    def _folded(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (D, K) and bias (K,) for pictures of 0..255."""
        weights = self._weights / np.reshape(self._spread, (-1, 1))
        return weights, self._bias - (np.broadcast_to(self._mean, len(weights)) @ weights)


def _standards(flat: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of each number of (N, D) pictures, of 5,000 of them at most; the spread is 1 or more."""
    sample = flat[:: max(1, len(flat) // 5_000)].astype(np.float32)
    return sample.mean(0), np.maximum(sample.std(0), 1)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, K) → (N, K), the logarithms of rows adding up to 1; the largest is taken away first, so that nothing
    overflows, and probabilities too small for a float32 still have one."""
    lower = logits - logits.max(1, keepdims=True)
    return lower - np.log(np.exp(lower).sum(1, keepdims=True))
