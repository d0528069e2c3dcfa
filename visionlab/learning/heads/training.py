"""Training a head, epoch by epoch: the caller asks for the next epoch, and stops by not asking."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ParameterError, TooFewError
from visionlab.learning.features.augmentation import check_views
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.checkpoints import Checkpoint
from visionlab.learning.heads.head import Head
from visionlab.learning.heads.inputs import Inputs
from visionlab.learning.heads.kinds import KINDS, Kind, check_settings, one_is_enough, usual_kind
from visionlab.learning.heads.problem import Parts, Trial
from visionlab.learning.judging.calibration import helpful_temperature
from visionlab.learning.judging.metrics import Report, evaluate
from visionlab.learning.judging.refusal import Refusal, fit_refusal
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.learned import Learned
from visionlab.learning.sets.sides import sides
from visionlab.network.running.chunks import on_cpu
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine

__all__ = ["KINDS", "Epoch", "Fit", "Kind", "fit", "train_head"]  # what vl.training offers

TEMPERATURE_FROM = 20  # held-out pictures: of fewer, a temperature says more about chance than about the head
REFUSAL_FROM = 10  # held-out pictures: of fewer, more than a tenth of good pictures would be refused
REFUSAL_ROWS = 1_000  # training pictures that a refusal is fitted to, at most
NOT_RESUMED = "“{}” takes moments and is not resumed. Train it anew."


@dataclass(frozen=True)
class Epoch:
    """One pass over the pictures: mean cross-entropy of both parts (nats), and accuracy on the held-out one (0..1).

    Where nothing is held out, the latter two are NaN.
    """

    index: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


class Fit:
    """A run: iterate it for its Epochs. The best head so far, and its Report, are there from the first epoch on.

    train and held_out are the indices of the pictures on either side, int64; history holds the epochs so far, and best
    the one whose head counts: that of the lowest validation loss, or the last where nothing is held out. What is told
    of held-out pictures (epochs, report, probabilities) is what a head said that had not learned from them, also where
    `head`, when all epochs are over, has learned from all pictures: of a kind that learns_all, and where fine-tuning
    got no better than the linear head that it starts from.
    """

    def __init__(
        self,
        data: LabelledImages,
        kind: Kind,
        inputs: Inputs,
        epochs: int,
        strength: float | None,
        refuse: float,
        resume: bytes | None,
    ):
        self.refuse = refuse
        self.net, self.kind, self.epochs, self.seed, self.strength = inputs.net, kind, epochs, inputs.seed, strength
        self.train, self.held_out = inputs.train, inputs.held_out
        # Places stand for the pictures: a run that is kept must not keep all their bytes.
        self.data = replace(data, images=np.arange(len(data)), told=(), problems=(), unread=())
        self.history: list[Epoch] = []
        self.best: Epoch | None = None
        self._inputs = inputs
        self._parts: Parts | None = None
        self._trial: Trial | None = None  # the latest
        self._logits: NDArray[np.float32] | None = None  # of the held-out pictures, by the best head
        self._state: dict[str, NDArray] = {}
        self._finished: tuple[Head, NDArray[np.float32]] | None = None
        self._all = False  # whether _parts have learned from all pictures
        if resume is not None:
            self._restore(resume)

    def prepare(self) -> Iterator[tuple[int, int]]:
        """The pictures go through the network: (done, of how many). Iterating the run does it, where this did not."""
        return iter(self._inputs)

    def __iter__(self) -> Iterator[Epoch]:
        for _ in self.prepare():
            pass
        for trial in self._trials():
            epoch = self._judged(trial)
            self.history.append(epoch)
            if self.best is None or not len(self.held_out) or epoch.validation_loss < self.best.validation_loss:
                self.best, self._parts, self._logits, self._finished = epoch, trial.parts(), trial.logits, None
            self._trial = trial
            yield epoch
            if self.kind.patience is not None and epoch.index - self.best.index >= self.kind.patience:
                break
        quick = self.kind.learns_all or (self.kind.tunes and not self._parts.tuned)  # the latter is a linear head still
        if quick and len(self.held_out):
            self._parts, self._finished, self._all = self._learned_from_all(), None, True

    def _trials(self) -> Iterator[Trial]:
        """Those of the kind; on the CPU, from the beginning, where a GPU's memory does not suffice for one picture."""
        problem, given = self._inputs.problem(self.strength), 0
        going_on = {"done": len(self.history), "state": self._state} if self.history else {}
        try:
            for trial in self.kind.train(problem, self.epochs, **going_on):
                given += 1
                yield trial
            return
        except torch.OutOfMemoryError:
            if problem.block is None:
                raise
        problem = replace(problem, block=replace(problem.block, net=on_cpu(problem.block.net)))
        yield from islice(self.kind.train(problem, self.epochs, **going_on), given, None)

    def _learned_from_all(self) -> Parts:
        """As the best head was trained, on all pictures; its penalty, unless it was given, is chosen on these too."""
        *_, last = islice(self.kind.train(self._inputs.everything(self.strength), self.epochs), self.best.index)
        return last.parts()

    def _judged(self, trial: Trial) -> Epoch:
        truth = self.data.labels[self.held_out]
        if not len(truth):
            return Epoch(len(self.history) + 1, trial.train_loss, float("nan"), float("nan"))
        loss = F.cross_entropy(torch.from_numpy(trial.logits).double(), torch.from_numpy(truth)).item()
        right = float((trial.logits.argmax(1) == truth).mean())
        return Epoch(len(self.history) + 1, trial.train_loss, loss, right)

    @property
    def head(self) -> Head:
        """The head of the best epoch so far, its temperature and its refusal set on the held-out pictures.

        Raises ParameterError before the first epoch.
        """
        return self._finish()[0]

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, F) float32, of all pictures: what the best head takes. Raises ParameterError before the first epoch."""
        return self._finish()[1]

    def _finish(self) -> tuple[Head, NDArray[np.float32]]:
        if self._parts is None or self.best is None:
            raise ParameterError("There is no head yet: ask for at least one epoch.")
        if self._finished is None:
            parts, net = self._parts, self.net
            report = self.report() if len(self.held_out) else None
            used = self.data.labels[np.concatenate([self.train, self.held_out])]  # the test part is none of its own
            counts = np.bincount(used, minlength=len(self.data.classes)).tolist()
            facts = {
                "kind": self.kind.name,
                "seed": self.seed,
                "views": list(self._inputs.views),
                "pictures": dict(zip(self.data.classes, counts, strict=True)),
                "trained_on": len(self._learned_from),
                "validated_on": len(self.held_out),
                "validation_accuracy": self.best.validation_accuracy if len(self.held_out) else None,
                "confusion": report and report.confusion.tolist(),
                "spread": report and report.spread.facts(),
                "epoch": self.best.index,
                **({"split": told} if (told := self._inputs.split.told) else {}),
                **parts.facts,
            }
            head = Head(
                **vars(parts) | {"facts": facts},
                classes=self.data.classes,
                network=net.name,
                layer=net.embedding,
                fingerprint=network_fingerprint(net),
                transform=net.transform,
                unit_length=net.unit_length,
                learned=Learned.of(self.data, self._learned_from),
            )
            features = self._inputs.features
            if parts.tuned:
                features = self._inputs.block.features(head.tuned_network(net), np.arange(len(self.data)))
            if len(self.held_out) >= TEMPERATURE_FROM:
                temperature = helpful_temperature(self._logits, self.data.labels[self.held_out])
                head = replace(head, temperature=temperature)
            refusal = self._refusal(features)
            told = refusal.promise(self.refuse) if refusal else f"None: that takes {REFUSAL_FROM} held-out pictures."
            self._finished = replace(head, refusal=refusal, facts=facts | {"refusal": told}), features
        return self._finished

    @property
    def _learned_from(self) -> NDArray[np.int64]:
        return np.concatenate([self.train, self.held_out]) if self._all else self.train

    def _refusal(self, features: NDArray[np.float32]) -> Refusal | None:
        if len(self.held_out) < REFUSAL_FROM:
            return None
        chosen = np.random.default_rng(self.seed).permutation(self.train)[:REFUSAL_ROWS]
        return fit_refusal(
            *(features[chosen], self.data.labels[chosen], features[self.held_out]),
            false_refusals=self.refuse,
            groups=self.data.groups[self.held_out],
        )

    def probabilities(self) -> NDArray[np.float32]:
        """(held-out pictures, K) float32: how probable the best head holds each class, at its temperature."""
        return (torch.from_numpy(self._held_out_logits()) / self.head.temperature).softmax(1).numpy()

    def predictions(self) -> NDArray[np.int64]:
        """The class that the best head gives each held-out picture, in the order of `held_out`."""
        return self._held_out_logits().argmax(1)

    def report(self) -> Report:
        """What the best head is worth on the held-out pictures. Raises DatasetError where none were held out."""
        found = self.predictions()
        if not len(found):
            raise DatasetError("No pictures were held out, so nobody knows how good this head is. Add pictures.")
        return evaluate(self.data.labels[self.held_out], found, self.data.classes, self.data.groups[self.held_out])

    def _held_out_logits(self) -> NDArray[np.float32]:
        if self._logits is None:
            raise ParameterError("There is no head yet: ask for at least one epoch.")
        return self._logits

    def checkpoint(self) -> bytes:
        """The run so far, for fit(…, resume=…), as a safetensors file.

        Raises ParameterError before the first epoch, and for a kind that is not resumable.
        """
        if not self.kind.resumable:
            raise ParameterError(NOT_RESUMED.format(self.kind.title))
        if self._trial is None or self._parts is None or self.best is None:
            raise ParameterError("There is nothing to go on from yet: ask for at least one epoch.")
        history = [astuple(epoch) for epoch in self.history]
        settings, state = self._settings(), self._trial.state()
        return Checkpoint(settings, history, self.best.index, self._parts, self._logits, state).to_bytes()

    def _settings(self) -> dict[str, object]:
        """All that has to be the same for a run to go on."""
        sides = np.concatenate([self.train, [-1], self.held_out, [-1], self.data.labels])
        pictures = hashlib.sha256(sides.tobytes() + " ".join(self.data.keys).encode()).hexdigest()
        scaled = " unit length" * self.net.unit_length
        network = f"{network_fingerprint(self.net)} {self.net.embedding}{scaled} {self.net.transform}"
        setting = [self.kind.name, self.epochs, self.seed, self.strength, list(self._inputs.views)]
        return {"network": network, "pictures": pictures, "setting": setting}

    def _restore(self, data: bytes) -> None:
        kept = Checkpoint.from_bytes(data, self._settings())
        self.history = [Epoch(*epoch) for epoch in kept.history]
        self.best = self.history[kept.best - 1]
        self._parts, self._logits, self._state = kept.parts, kept.logits, dict(kept.state)


def fit(
    data: LabelledImages,
    net: Classifier,
    *,
    kind: str | None = None,
    features: NDArray[np.float32] | None = None,
    validation: float | None = None,
    epochs: int | None = None,
    seed: int = 0,
    strength: float | None = None,
    views: Sequence[str] | None = None,
    refuse: float = 0.05,
    cache: FeatureCache | None = None,
    precision: torch.dtype | None = None,
    resume: bytes | None = None,
    engine: Engine | None = None,
) -> Fit:
    """A run that trains a head on `data` through the frozen `net`; iterate it for its epochs.

    kind is a name in KINDS (None: that of kinds.usual_kind, prototype where a class has few pictures, else linear,
    which it is where a strength is given, too), epochs how many at most (None: the kind's own number). features (N,
    F) are taken where the pictures were embedded before; cache keeps those that are computed. validation is the
    share that is held out, stratified, groups kept together: 0 holds nothing out, and then nothing tells how good
    the head is; None holds out the set's own validation part or, where it has none, 0.25. What is of its test part
    is left out. A class that is a single burst is parted by time, and nothing is held out where one is too small
    for that: see sets.sides; the head's facts say so under “split”. strength is that of the L2 penalty of a linear
    head, and of the one that fine-tuning starts from (None: chosen by cross-validation); views are names in VIEWS,
    learned from beside the training pictures (None: the kind's own).
    refuse is the share of pictures of the classes that the head may take for none of these.
    precision is the dtype in which the network computes features (None: float32). resume goes on from a checkpoint.
    engine computes the features for `net` (None: this process); what fine-tuning changes is computed here.

    Raises DatasetError where the data cannot be split or learned from, and ParameterError for an unknown kind or view,
    epochs below 1, a negative strength or seed, features that are not finite or of another number of pictures, nothing
    held out where the kind stops by it, or a checkpoint of another run.
    """
    if kind is None and strength is None:
        kind = usual_kind(data).name
    way = check_settings(kind, validation, epochs, strength, views, refuse)
    epochs = way.epochs if epochs is None else epochs
    if features is not None and len(features) != len(data):
        raise ParameterError(f"There are features of {len(features)} pictures for {len(data)} pictures.")
    if features is not None and not np.isfinite(features).all():
        raise ParameterError("Some features are no finite numbers. Embed the pictures anew.")
    if resume is not None and not way.resumable:
        raise ParameterError(NOT_RESUMED.format(way.title))
    try:
        parted = sides(data, validation, seed, alone=way.alone, needed=way.needs_held_out)
    except TooFewError as error:
        other = one_is_enough()
        raise TooFewError(error.too_few, f'Or take kind="{other.name}": for it, one is enough.') from error
    inputs = Inputs(
        data,
        net,
        parted,
        features=features,
        views=way.views if views is None else check_views(views),
        seed=seed,
        cache=cache,
        precision=precision,
        maps=way.tunes,
        engine=engine,
    )
    return Fit(data, way, inputs, epochs, strength, refuse, resume)


def train_head(data: LabelledImages, net: Classifier, seed: int = 0, **settings: Any) -> Head:
    """The head that `visionlab.training.fit` gives when all its epochs have been asked for, with these settings, which
    it takes by name. Unless told, kind is the one that is usually best for these pictures, validation, the share that
    is held out, the set's own validation part or else 0.25, and refuse, the share of good pictures that may be taken
    for none of these, 0.05; the others are said there.

    On K classes of pictures, uint8 (H, W, 3), and F features of the network's embedding: weights float32 (K, F), bias
    (K,), and what it says of itself in facts. The network stays as it is. Raises as `fit`: DatasetError where the data
    cannot be split or learned from, ParameterError for a setting that cannot be.
    """
    run = fit(data, net, seed=seed, **settings)
    for _ in run:
        pass
    return run.head
