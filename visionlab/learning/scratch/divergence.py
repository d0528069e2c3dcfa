"""Diverged: a training whose loss has run away, or is no number any more."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log

# Every training here begins at ln K nats, which is what guessing among K classes costs: its last layer is zero. One
# that has come to a thousand times that does not descend any more, and what it has grown to keeps it from learning.
# Sound ones never come near: on digits, textures and CIFAR-10, ten times the usual rate stayed below 11 times ln K, and
# a linear stack, which learns something at any scale, below 260 at a thousand times the rate.
RAN_AWAY = 1_000


@dataclass(frozen=True)
class Diverged:
    """When (“step 12”, “epoch 3, by step 40”), at which learning rate and to which loss (nats) it ran away; as text,
    what to do.

    usual: the rate at which such a training goes well.  learned: whether there are weights of a test before that.
    """

    when: str
    rate: float
    usual: float
    loss: float
    learned: bool = True

    def __str__(self) -> str:
        far = f"rose to {self.loss:.2g}, over {RAN_AWAY:,} times that of guessing," if isfinite(self.loss) else None
        kept = "the last good weights are kept" if self.learned else "nothing good was learned before"
        return (
            f"The loss {far or 'became infinite'} in {self.when}, at a learning rate of {self.rate:g}; {kept}. "
            f"Try a rate of {min(self.rate / 10, self.usual):g}."
        )


def ran_away(loss: float, classes: int) -> bool:
    """Whether a mean loss (nats) is beyond all that a training with so many classes comes back from, or no number."""
    return not loss <= RAN_AWAY * log(classes)
