"""What every way of training shares: the Problem that it is given, and the Trials that it answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from visionlab.learning.heads.block import Block

HIDDEN, TUNED = ("hidden.weights", "hidden.bias"), "tuned."  # names in files; what such names begin with


@dataclass(frozen=True, eq=False)
class Problem:
    """What to learn from: float32 features (n, F) with labels and groups, int64 (n,), of `classes` classes.

    held_out (m, F) is what the trials answer for; its labels are not here, so that nothing is learned from them.
    strength is that of the L2 penalty, None where it is to be chosen. block is for fine-tuning alone.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    held_out: NDArray[np.float32]
    classes: int
    seed: int
    strength: float | None
    block: Block | None = None


@dataclass(frozen=True, eq=False)
class Parts:
    """The arrays of a head, under the names of Head's fields, and what else is worth telling of how they were found.

    arrays() gives them the names that they have in files, of heads and of checkpoints, and taken_from() knows these.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    hidden: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    tuned: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        found = {"weights": self.weights, "bias": self.bias}
        if self.hidden is not None:
            found |= dict(zip(HIDDEN, self.hidden, strict=True))
        return found | {TUNED + key: value for key, value in self.tuned.items()}

    @classmethod
    def taken_from(cls, arrays: dict[str, NDArray], facts: Mapping[str, object]) -> Parts:
        """The parts among these arrays, which lose them. Raises KeyError of a name that is missing."""
        hidden = tuple(arrays.pop(name) for name in HIDDEN) if arrays.keys() & set(HIDDEN) else None
        tuned = {key.removeprefix(TUNED): arrays.pop(key) for key in [*arrays] if key.startswith(TUNED)}
        return cls(arrays.pop("weights"), arrays.pop("bias"), hidden, tuned, facts)


@dataclass(frozen=True, eq=False)
class Trial:
    """One more epoch: mean cross-entropy in training (nats), logits (m, K) of the held-out pictures, and on demand
    the arrays of a head, and those from which the next epoch can be reached as from here."""

    train_loss: float
    logits: NDArray[np.float32]
    parts: Callable[[], Parts]
    state: Callable[[], dict[str, NDArray]] = dict
