"""Features scaled for what learns from them, and the penalty that suits what is so scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STRENGTH = 1.0  # of the L2 penalty where it cannot be chosen: the best of 0.05 to 10 for 20 photographs a class


@dataclass(frozen=True, eq=False)
class Scale:
    """z = (x − mean) / spread, a mean for each feature (F,) and one spread for all: the root of their mean variance.

    A spread for each feature would be guessed from the few pictures that there are: a feature that hardly moves on
    these would be made large, and speak loudest of the next one. What has a penalty can take a part of it: its spread
    is then the root of a mean of both variances (as Opgen-Rhein & Strimmer 2007 shrink them). A dead feature has the
    spread ∞, and counts nothing.
    """

    mean: Tensor
    spread: Tensor

    @classmethod
    def of(cls, x: Tensor, own: float = 0.0) -> Scale:
        """Of the rows of (n, F). own, 0..1, is the weight of each feature's own variance beside the common one."""
        return cls.by(x.mean(0), x.std(0, correction=0), own)

    @classmethod
    def by(cls, mean: Tensor, spreads: Tensor, own: float = 0.0) -> Scale:
        """Of rows with these means and standard deviations, (F,) each."""
        dead = spreads <= 1e-6 * spreads.max().clamp(min=1e-12)
        variances = own * spreads.square() + (1 - own) * spreads.square().mean()
        return cls(mean, variances.sqrt().clamp(min=1e-12).masked_fill(dead, torch.inf))

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.spread

    def folded(self, weight: Tensor, bias: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """weight (M, F) and bias (M,) for plain features, given those for scaled ones."""
        weight = weight.detach() / self.spread
        bias = bias.detach() - weight @ self.mean
        return weight.float().cpu().numpy(), bias.float().cpu().numpy()
