"""A linear head on features that do not fit into memory: the same as on those that do, read a block after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.learning.features.source import embedder
from visionlab.learning.features.streamed import StreamedRegression
from visionlab.learning.heads.kinds import KINDS
from visionlab.learning.heads.linear import Chosen, choose_strength
from visionlab.learning.heads.problem import Parts, Problem, Trial
from visionlab.learning.heads.training import Fit
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.sides import Sides, share_held_out, sides
from visionlab.network.running.classifier import Classifier

MOST_HELD_OUT = 20_000  # pictures: more say no more of how good a head is, and these are held in memory


@dataclass(frozen=True, eq=False)
class Rows:
    """Features (N, F) float32 that are read anew at each look: read() gives them block after block, in their order.

    places are those of some of them, int64 (n,), ascending; it stands for these n then, as an array of them would.
    """

    read: Callable[[], Iterator[NDArray[np.float32]]]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some of them, in memory, in the order asked for."""
        wanted, back = np.unique(self.places[chosen], return_inverse=True)
        return np.concatenate([*replace(self, places=wanted).blocks()])[back]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        start = 0
        for block in self.read():
            first, last = np.searchsorted(self.places, (start, start + len(block)))
            if last > first:
                yield block[self.places[first:last] - start]
            start += len(block)

    def labelled(self, labels: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        start = 0
        for block in self.blocks():
            yield block, labels[start : start + len(block)]
            start += len(block)


class StreamedInputs:
    """What Inputs is of pictures that are embedded: their features are there already, but not in memory."""

    views, block = (), None

    def __init__(self, data: LabelledImages, net: Classifier, split: Sides, features: Rows, seed: int) -> None:
        self.net, self.split, self.features, self.seed = embedder(net), split, features, seed
        self.train, self.held_out = split.train, split.held_out
        self.labels, self.groups, self.classes = data.labels, data.groups, len(data.classes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for block in self.features.blocks():
            if not np.isfinite(block).all():
                raise DatasetError(f"{self.net.name} gave features that are no finite numbers. Use another network.")
        return iter(())

    def problem(self, strength: float | None) -> Problem:
        return self._problem(np.sort(self.train), self.held_out, strength)

    def everything(self, strength: float | None) -> Problem:
        return self._problem(np.union1d(self.train, self.held_out), self.held_out[:0], strength)

    def _problem(self, own: NDArray[np.int64], held_out: NDArray[np.int64], strength: float | None) -> Problem:
        rows = replace(self.features, places=own)
        fresh = self.features[held_out] if len(held_out) else np.zeros((0, 1), np.float32)
        return Problem(rows, self.labels[own], self.groups[own], fresh, self.classes, self.seed, strength)


def streamed(problem: Problem, epochs: int = 1) -> Iterator[Trial]:
    """As linear.logistic, of a problem whose features are Rows."""
    chosen = choose_strength(problem) if problem.strength is None else Chosen(problem.strength, 1.0)
    rows = problem.features
    regression = StreamedRegression(lambda: rows.labelled(problem.labels), problem.classes)
    weights, bias, loss = regression.fit(chosen.strength, chosen.temperature)
    parts = Parts(weights, bias, facts={"strength": chosen.strength})
    logits = problem.held_out @ weights.T + bias if len(problem.held_out) else np.zeros((0, len(bias)), np.float32)
    yield Trial(loss, logits, lambda: parts)


def fit_streamed(
    data: LabelledImages,
    net: Classifier,
    read: Callable[[], Iterator[NDArray[np.float32]]],
    *,
    validation: float | None = None,
    seed: int = 0,
    strength: float | None = None,
    refuse: float = 0.05,
) -> Fit:
    """As training.fit of kind “linear”, of pictures whose features read() gives, (n, F) float32 block after block in
    their order, each time it is called. The pictures themselves are not looked at.

    Of very many pictures 20,000 are held out at most. Raises as fit does.
    """
    kind = replace(KINDS["linear"], train=streamed)
    validation = share_held_out(data, validation)
    share = validation and min(validation, MOST_HELD_OUT / len(data))
    split = sides(data, share, seed, alone=kind.alone)
    rows = Rows(read, np.arange(len(data)))
    return Fit(data, kind, StreamedInputs(data, net, split, rows, seed), kind.epochs, strength, refuse, None)
