"""Diverged: a training whose loss is no number any more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diverged:
    """When (“step 12”, “epoch 3”) and at which learning rate the loss became infinite; as text, what to do.

    usual: the rate at which such a training goes well.
    """

    when: str
    rate: float
    usual: float

    def __str__(self) -> str:
        return (
            f"The loss became infinite in {self.when}, at a learning rate of {self.rate:g}; "
            f"the last good weights are kept. Try a rate of {min(self.rate / 10, self.usual):g}."
        )
