"""Training a head, epoch by epoch: the caller asks for the next epoch, and stops by not asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from visionlab.errors import ParameterError
from visionlab.learning.dataset import LabelledImages
from visionlab.learning.embedding import embed
from visionlab.learning.heads import Head, network_fingerprint
from visionlab.learning.metrics import Report, evaluate
from visionlab.network.classifier import Classifier

EPOCHS = 40
STRENGTH = 1.0  # of the L2 penalty: the best of 0.05 to 10 for 20 photographs each of cats and dogs


@dataclass(frozen=True)
class Epoch:
    """One pass over the features: mean cross-entropy of both parts (nats), and accuracy on the held-out one (0..1)."""

    index: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


class Fit:
    """A run: iterate it for its Epochs. The best head so far, and its Report, are there from the first epoch on."""

    def __init__(
        self,
        data: LabelledImages,
        net: Classifier,
        features: NDArray[np.float32],
        validation: float,
        epochs: int,
        seed: int,
        strength: float,
    ):
        self.net, self.epochs, self.seed, self.strength = net, epochs, seed, strength
        # Places in `features` stand for the pictures: a run that is kept must not keep all their bytes.
        self.data = LabelledImages(np.arange(len(data)), data.labels, data.classes, data.groups, data.names)
        train, held_out = self.data.split(validation=validation, seed=seed)
        self.train, self.held_out = (np.asarray(list(part.images), np.int64) for part in (train, held_out))
        self.features = features
        self.best: Epoch | None = None
        self._arrays: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __iter__(self) -> Iterator[Epoch]:
        """Multinomial logistic regression on standardised features by L-BFGS (Liu & Nocedal 1989), two steps an epoch.

        Minimises mean cross-entropy + strength/2 · ‖W‖². The problem is convex: the seed decides the split alone.
        """
        x = torch.from_numpy(self.features).double()
        y = torch.from_numpy(self.data.labels)
        mean, spread = x[self.train].mean(0), x[self.train].std(0, correction=0)
        spread = torch.where(
            spread > 1e-6 * spread.max().clamp(min=1e-12), spread, torch.inf
        )  # a dead unit counts nothing
        z = (x - mean) / spread
        linear = nn.Linear(x.shape[1], len(self.data.classes), dtype=torch.float64)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        optimiser = torch.optim.LBFGS(linear.parameters(), max_iter=2, history_size=20, line_search_fn="strong_wolfe")

        def loss_of(part: NDArray[np.int64]) -> torch.Tensor:
            return F.cross_entropy(linear(z[part]), y[part])

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            loss = loss_of(self.train) + self.strength / 2 * linear.weight.square().sum()
            loss.backward()
            return loss

        for index in range(1, self.epochs + 1):
            optimiser.step(closure)
            with torch.no_grad():
                train_loss, validation_loss = loss_of(self.train).item(), loss_of(self.held_out).item()
                right = (linear(z[self.held_out]).argmax(1) == y[self.held_out]).double().mean().item()
            epoch = Epoch(index, train_loss, validation_loss, right)
            if self.best is None or validation_loss < self.best.validation_loss:
                self.best = epoch
                weight = linear.weight.detach() / spread  # standardisation folded in: the head takes plain features
                bias = linear.bias.detach() - weight @ mean
                self._arrays = weight.float().numpy(), bias.float().numpy()
            yield epoch

    @property
    def head(self) -> Head:
        """The head of the epoch with the lowest validation loss so far. Raises ParameterError before the first."""
        if self._arrays is None or self.best is None:
            raise ParameterError("There is no head yet: ask for at least one epoch.")
        weights, bias = self._arrays
        facts = {
            "seed": self.seed,
            "pictures": self.data.counts(),
            "trained_on": len(self.train),
            "validated_on": len(self.held_out),
            "validation_accuracy": self.best.validation_accuracy,
            "epoch": self.best.index,
        }
        net = self.net
        return Head(weights, bias, self.data.classes, net.name, net.embedding, network_fingerprint(net), facts)

    def predictions(self) -> NDArray[np.int64]:
        """The class that the best head gives each held-out picture, in the order of `held_out`."""
        return self.head.logits(self.features[self.held_out]).argmax(1)

    def report(self) -> Report:
        """What the best head is worth on the held-out pictures."""
        return evaluate(self.data.labels[self.held_out], self.predictions(), self.data.classes)


def fit(
    data: LabelledImages,
    net: Classifier,
    *,
    features: NDArray[np.float32] | None = None,
    validation: float = 0.25,
    epochs: int = EPOCHS,
    seed: int = 0,
    strength: float = STRENGTH,
) -> Fit:
    """A run that trains a head on `data` through the frozen `net`; iterate it for its epochs.

    features (N, F) are taken where the pictures were embedded before. validation is the share that is held out,
    stratified, groups kept together. Raises DatasetError where the data cannot be split, ParameterError for epochs
    below 1, a negative strength, or features of another number of pictures.
    """
    if epochs < 1:
        raise ParameterError(f"{epochs} epochs train nothing. Use 1 or more.")
    if not strength >= 0:
        raise ParameterError(f"A penalty of {strength} is no penalty. Use 0 or more.")
    if features is None:
        features = embed(net, data.images)
    if len(features) != len(data):
        raise ParameterError(f"There are features of {len(features)} pictures for {len(data)} pictures.")
    return Fit(data, net, features, validation, epochs, seed, strength)


def train_head(data: LabelledImages, net: Classifier, seed: int = 0, **settings) -> Head:
    """The head that `fit` gives with these settings, all epochs asked for."""
    run = fit(data, net, seed=seed, **settings)
    for _ in run:
        pass
    return run.head
