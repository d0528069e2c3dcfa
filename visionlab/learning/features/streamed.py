"""The regression of regression.py on features that do not fit into memory: they are read again and again, a block after
the other.

The loss is convex, so that its minimum does not depend on the way to it. L-BFGS in the coordinates of the principal
axes needs some dozens of passes for a derivative below a millionth, and gives what one process gives that holds all
rows; minibatches, as Ray Train would run them side by side, come near it and no nearer than their learning rate allows
(benchmarks/cluster.py compares them after the same number of passes). A pass costs K · F multiplications a row, which
is less than reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.device import one_thread
from visionlab.learning.features.regression import LEAST, OWN, axes_of, class_weights, losses_of, to_minimum
from visionlab.learning.features.scaling import Scale

Blocks = Callable[[], Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]]


class StreamedRegression:
    """As Regression, of the rows that `blocks` gives at each call: features (n, F) and labels (n,), int64 below
    `classes`, in the same order each time.

    Memory: one block, and F · F numbers. passes counts how often all rows were read; `told` is called after each.
    """

    def __init__(self, blocks: Blocks, classes: int, told: Callable[[int], None] | None = None) -> None:
        self._blocks, self.classes, self.passes = blocks, classes, 0
        self._told = told or (lambda _: None)
        self._count_up()

    def _count_up(self) -> None:
        """The mean, the variances and the principal axes; sums are those of what is left without the first block's
        mean, so that no digits are lost."""
        count, counts, shift = 0, np.zeros(self.classes, np.int64), None
        for features, labels in self._pass():
            x = features.astype(np.float64)
            if shift is None:
                shift = x.mean(0)
                total, products = np.zeros_like(shift), np.zeros((len(shift),) * 2)
            x -= shift
            count += len(x)
            total += x.sum(0)
            products += x.T @ x
            counts += np.bincount(labels, minlength=self.classes)
        mean = total / count
        products -= count * np.outer(mean, mean)
        self.count, self.weights = count, class_weights(np.repeat(np.arange(self.classes), counts), self.classes)
        spreads = torch.from_numpy(np.sqrt(np.diag(products).clip(0) / count))
        self.scale = Scale.by(torch.from_numpy(shift + mean), spreads, OWN)
        unit = self.scale.spread.numpy()
        self.axes, squares = axes_of(products / unit / unit[:, None])
        self.curvature = np.append(squares / count, 1) / (2 * self.classes)

    def fit(self, strength: float, temperature: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Weights (K, F) and bias (K,) for plain features, over the temperature, and the mean cross-entropy in nats."""
        start = np.zeros((self.classes, self.axes.shape[1] + 1))
        both = to_minimum(self._measured, start, self.curvature, strength, LEAST) / temperature
        loss, _ = self._measured(both)
        weight, bias = both[:, :-1] @ self.axes.T, both[:, -1]
        return *self.scale.folded(torch.from_numpy(weight), torch.from_numpy(bias)), loss

    def _measured(self, both: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The mean loss, and its derivatives (K, r + 1)."""
        weight, bias = both[:, :-1] @ self.axes.T, both[:, -1]  # (K, F): turned once, and not every row
        loss, slope, pulled = 0.0, np.zeros_like(weight), np.zeros_like(bias)
        for features, labels in self._pass():
            z = self.scale(torch.from_numpy(features).double()).numpy()
            losses, error = losses_of(z @ weight.T + bias, labels)
            counts = self.weights[labels]
            error *= counts[:, None]
            loss += float((counts * losses).sum())
            slope += error.T @ z
            pulled += error.sum(0)
        return loss / self.count, np.column_stack([slope @ self.axes, pulled]) / self.count

    def _pass(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        with one_thread():
            yield from self._blocks()
        self.passes += 1
        self._told(self.passes)
