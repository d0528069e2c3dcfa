"""Descent: AdamW with a cosine schedule, whose every epoch can be continued from arrays; and the MLP head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from math import cos, pi

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from visionlab.learning.features.regression import class_weights
from visionlab.learning.features.scaling import Scale
from visionlab.learning.heads.problem import Parts, Problem, Trial

BATCH = 32
HIDDEN = 64  # units of the MLP
MLP_RATE, MLP_DECAY = 1e-3, 0.1  # decay: the MLP has more parameters than there are pictures

Losses = Callable[[NDArray[np.int64], np.random.Generator], Tensor]  # of rows, with chance


class Descent:
    """AdamW (Loshchilov & Hutter 2019) that changes named tensors, each at a rate that falls along a half cosine.

    Epochs count from 1. What an epoch does depends on the seed, its number and the arrays of
    `state` alone: a run that goes on from them is the run that was never interrupted.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        decay: float,
        epochs: int,
        seed: int,
        state: Mapping[str, NDArray] | None,
    ):
        self.parameters = dict(parameters)
        self.rates, self.epochs, self.seed = [rates[name] for name in parameters], epochs, seed
        groups = [{"params": [value.requires_grad_()]} for value in self.parameters.values()]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=decay)
        if state:
            self._restore(state)

    def epoch(self, number: int, rows: int, loss_of: Losses) -> float:
        """One pass over so many rows in batches; the mean loss on the way. loss_of(indices, generator) is a mean."""
        rng = np.random.default_rng([self.seed, number])
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * (1 + cos(pi * (number - 1) / self.epochs)) / 2
        total = 0.0
        for indices in np.array_split(rng.permutation(rows), -(-rows // BATCH)):
            total += self._gradients(loss_of, indices, rng) * len(indices)
            self.optimiser.step()
        return total / rows

    def _gradients(self, loss_of: Losses, indices: NDArray[np.int64], rng: np.random.Generator) -> float:
        """Those of a batch's mean loss, which it gives. Where a GPU's memory is full they are added up over its halves,
        or smaller parts; OutOfMemoryError where it does not suffice for a single row."""
        begun, parts = rng.bit_generator.state, 1
        while True:
            self.optimiser.zero_grad()
            rng.bit_generator.state = begun  # the views that the whole would have had
            with nullcontext() if parts >= len(indices) else suppress(torch.OutOfMemoryError):
                total = 0.0
                for part in np.array_split(indices, parts):
                    loss = loss_of(part, rng) * (len(part) / len(indices))
                    loss.backward()
                    total += loss.item()
                return total
            torch.cuda.empty_cache()
            parts = min(2 * parts, len(indices))

    def state(self) -> dict[str, NDArray]:
        """Everything that the next epoch depends on."""
        found = {f"value.{name}": value.detach().cpu().numpy().copy() for name, value in self.parameters.items()}
        for name, value in self.parameters.items():
            for moment, held in self.optimiser.state[value].items():
                found[f"{moment}.{name}"] = held.detach().cpu().numpy().copy()
        return found

    @torch.no_grad()
    def _restore(self, state: Mapping[str, NDArray]) -> None:
        for name, value in self.parameters.items():
            value.copy_(torch.tensor(state[f"value.{name}"]))
            if f"step.{name}" in state:
                moments = ("exp_avg", "exp_avg_sq")
                held = {moment: torch.tensor(state[f"{moment}.{name}"], device=value.device) for moment in moments}
                self.optimiser.state[value] = {"step": torch.tensor(state[f"step.{name}"]), **held}


def class_losses(problem: Problem, device: torch.device | str = "cpu") -> Callable[[Tensor, NDArray[np.int64]], Tensor]:
    """The mean cross-entropy of logits (m, K) of the rows at these places (m,), where each class counts the same.

    Of 60 photographs of cats and 6 of dogs, or the other way round, a hidden layer then finds 53 % of other pictures of
    the small class, not 39 %, and 93 % of the large one, not 97 % (built-in network; 98 % and 97 %, 93 % and 95 % with
    efficientnet_lite0; means of twelve draws), and fine-tuning 50 %, not 39 %, and 98 %, not 99 % (of four). The epoch
    is chosen by held-out pictures as they are: so few of the small class, counted the same, chose worse.
    """
    labels = torch.from_numpy(problem.labels).to(device)
    counts = torch.from_numpy(class_weights(problem.labels, problem.classes)).float().to(device)[labels]

    def loss(logits: Tensor, places: NDArray[np.int64]) -> Tensor:
        return (counts[places] * F.cross_entropy(logits, labels[places], reduction="none")).mean()

    return loss


def mlp(problem: Problem, epochs: int, done: int = 0, state: Mapping[str, NDArray] | None = None) -> Iterator[Trial]:
    """One hidden layer of ReLUs on scaled features, from He's initialisation, by AdamW.

    done epochs are behind it where it goes on from a state.
    """
    x = torch.from_numpy(problem.features)
    scale, loss_of = Scale.of(x), class_losses(problem)
    z, held_out = scale(x), scale(torch.from_numpy(problem.held_out))
    chance = torch.Generator().manual_seed(problem.seed)
    start = {
        "hidden.weight": torch.randn(HIDDEN, x.shape[1], generator=chance) * (2 / x.shape[1]) ** 0.5,
        "hidden.bias": torch.zeros(HIDDEN),
        "weight": torch.randn(problem.classes, HIDDEN, generator=chance) * (1 / HIDDEN) ** 0.5,
        "bias": torch.zeros(problem.classes),
    }
    descent = Descent(start, dict.fromkeys(start, MLP_RATE), MLP_DECAY, epochs, problem.seed, state)
    now = descent.parameters

    def logits(rows: Tensor) -> Tensor:
        return F.linear(F.linear(rows, now["hidden.weight"], now["hidden.bias"]).relu(), now["weight"], now["bias"])

    def parts() -> Parts:
        weight, bias = (now[name].detach().numpy().copy() for name in ("weight", "bias"))
        return Parts(weight, bias, hidden=scale.folded(now["hidden.weight"], now["hidden.bias"]))

    for number in range(done + 1, epochs + 1):
        with torch.enable_grad():
            loss = descent.epoch(number, len(z), lambda places, _: loss_of(logits(z[places]), places))
        with torch.no_grad():
            answers = logits(held_out).numpy()
        yield Trial(loss, answers, parts, descent.state)
