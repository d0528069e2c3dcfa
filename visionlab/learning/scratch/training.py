"""Training a stack from nothing: everything in memory, one cycle of the rate, shown while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import cos, pi

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from visionlab.device import half_precision, resolve
from visionlab.errors import ParameterError
from visionlab.learning.scratch.divergence import Diverged, ran_away
from visionlab.learning.scratch.small_set import SmallSet
from visionlab.learning.scratch.stack import Network, Stack, build, tensor_of, with_classes

BATCH = 128
RATE = 1.5e-3  # the peak, of AdamW
DECAY = 0.05
SMOOTHING = 0.1
SHIFT = 0.1  # of the side, at most
WARM_UP = 0.25  # of the steps, in which the rate rises
LOOKS = 20  # in an epoch: reports, and looks whether the loss has run away
ASKED_AT_ONCE = 500  # pictures
WINDOWS = 5  # of a measurement, by whose median a pace is told
PACE_WORK = 10**9  # multiplications, forward, of a batch by which a pace is told: 45 pictures of the article's stack

Change = Callable[[Tensor, torch.Generator], Tensor]  # a batch, uint8 (n, H, W, C), as it is learned from


@dataclass(frozen=True, eq=False)
class Epoch:
    """After one pass: mean loss (nats, smoothed labels) and accuracy (0..1) in training, then both on the test part.

    seconds: of the pass, without testing.  maps: of the fixed picture, {“conv 1”: (out, height, width) float32, …}.
    """

    index: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    maps: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Progress:
    """A look at a training: in its epoch (from 1), after `done` of `of` pictures, the mean loss and the accuracy (0..1)
    since the last look.

    epoch is there when one is over, diverged when the training stops for it.
    """

    index: int
    done: int
    of: int
    loss: float
    accuracy: float
    epoch: Epoch | None = None
    diverged: Diverged | None = None

    @property
    def passes(self) -> float:
        """How many passes over all pictures are done by then."""
        return self.index - 1 + self.done / self.of


@dataclass(frozen=True)
class Pace:
    """How many pictures a second a stack learns from, and is tested on; around: seconds that each pass takes besides,
    for the copy of what was learned and the maps."""

    learned: float
    tested: float
    around: float = 0.0

    def seconds(self, learned: int, tested: int, epochs: int) -> float:
        """About how long so many epochs take that learn from so many pictures, and are tested on so many."""
        return epochs * (learned / self.learned + tested / self.tested + self.around)


class Training:
    """Iterate it for its Epochs, or looks() for more; stopping is not asking for the next.

    network is as it is now, history the epochs so far, answers (n, K) float32 the probabilities for the test pictures
    after the latest one (in the precision of training); diverged is set where the loss ran away: all is then as
    after the last epoch before that.

    rate is the peak of one cycle, augment whether pictures are shifted and mirrored, or what changes a batch instead;
    watched is the picture (H, W, C) whose maps the epochs show, the first of the test part unless told; smoothing is
    that of labels. Raises ParameterError for what trains nothing, an impossible stack, or one of other classes.
    """

    def __init__(
        self,
        stack: Stack,
        data: SmallSet,
        epochs: int = 10,
        *,
        rate: float = RATE,
        batch: int = BATCH,
        seed: int = 0,
        augment: bool | Change = True,
        watched: NDArray[np.uint8] | None = None,
        device: str | torch.device = "auto",
        smoothing: float = SMOOTHING,
    ):
        if epochs < 1 or batch < 1:
            raise ParameterError(f"{epochs} epochs of batches of {batch} train nothing. Use 1 or more of both.")
        if not 0 < rate < float("inf"):
            raise ParameterError(f"The learning rate is {rate}; it must be above 0, like {RATE}.")
        if seed < 0:
            raise ParameterError(f"The seed is {seed}; it must be 0 or more.")
        self.data, self.epochs, self.rate, self.batch, self.smoothing = data, epochs, rate, batch, smoothing
        self.network = build(stack, data.images, seed)
        outputs = self.network.layers[-1].spec.out
        if outputs != len(data.classes):
            raise ParameterError(
                f"The last layer has {outputs} outputs for {len(data.classes)} classes; give it {len(data.classes)}."
            )
        self.device = resolve(device)
        self.precision = half_precision(self.device)
        self.network.to(self.device)
        self.watched = data.test_images[0] if watched is None else watched
        if self.watched.shape != data.shape:
            raise ParameterError(f"The watched picture is {self.watched.shape}; one of {data.shape} is needed.")
        self._change: Change = augment if callable(augment) else self._usual if augment else lambda batch, _: batch
        self._chance = torch.Generator().manual_seed(seed)
        self.history: list[Epoch] = []
        self.diverged: Diverged | None = None
        self.answers: NDArray[np.float32] | None = None

    def __iter__(self) -> Iterator[Epoch]:
        return (look.epoch for look in self.looks() if look.epoch)

    def looks(self) -> Iterator[Progress]:
        """All epochs, with LOOKS looks at each."""
        x, y = (tensor_of(part).to(self.device) for part in (self.data.images, self.data.labels))
        optimiser = self._optimiser()
        good = self.network.weights(), self.answers
        for index in range(1, self.epochs + 1):
            for look in self._pass(index, x, y, optimiser):
                worst = look.epoch.test_loss if look.epoch else look.loss
                if self._ran_away(worst):
                    weights, self.answers = good
                    self.network.load_state_dict(weights)
                    when = f"epoch {index}, by step {-(-look.done // self.batch):,}"
                    self.diverged = Diverged(when, self.rate, RATE, worst, bool(self.history))
                    yield replace(look, epoch=None, diverged=self.diverged)
                    return
                if look.epoch:
                    good = self.network.weights(), self.answers
                    self.history.append(look.epoch)
                yield look

    def _pass(self, index: int, x: Tensor, y: Tensor, optimiser: torch.optim.Optimizer) -> Iterator[Progress]:
        """One epoch. What was learned is summed on the device, and looked at seldom: each look waits for a GPU."""
        order = torch.randperm(len(x), generator=self._chance)
        steps = -(-len(x) // self.batch)
        total, right, before, seconds = 0.0, 0.0, 0, 0.0
        sums, start = torch.zeros(2, device=self.device), time.perf_counter()
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = self.rate * _cycle((index - 1 + step / steps) / self.epochs)
            chosen = order[step * self.batch : (step + 1) * self.batch].to(self.device)
            sums += self._learn(optimiser, self._change(x[chosen], self._chance), y[chosen])
            if (step + 1) * LOOKS // steps == step * LOOKS // steps:
                continue
            loss, hits = sums.tolist()
            total, right, done = total + loss, right + hits, min((step + 1) * self.batch, len(x))
            seconds += time.perf_counter() - start
            latest, accuracy = loss / (done - before), hits / (done - before)
            over = done == len(x) and not self._ran_away(latest)
            epoch = self._tested(index, total / done, right / done, seconds) if over else None
            yield Progress(index, done, len(x), latest, accuracy, epoch)
            before, start = done, time.perf_counter()
            sums.zero_()

    def _optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.network.parameters(), self.rate, weight_decay=DECAY, fused=True)

    def _learn(self, optimiser: torch.optim.Optimizer, pictures: Tensor, labels: Tensor) -> Tensor:
        """One step; (2,): the summed loss, and how many were right."""
        self.network.train()
        with torch.enable_grad(), self._half():
            logits = self.network(pictures)
        with torch.enable_grad():
            loss = F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
            optimiser.zero_grad()
            loss.backward()
        optimiser.step()
        return torch.stack([loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()])

    def _ran_away(self, loss: float) -> bool:
        return ran_away(loss, len(self.data.classes))

    def _half(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision is not None)

    def _tested(self, index: int, loss: float, accuracy: float, seconds: float) -> Epoch:
        with self._half():
            logits = _logits(self.network, self.data.test_images)
        self.answers = logits.softmax(1).numpy()
        truth = tensor_of(self.data.test_labels)
        test_loss = F.cross_entropy(logits, truth).item()
        right = (logits.argmax(1) == truth).float().mean().item()
        return Epoch(index, loss, accuracy, test_loss, right, seconds, self.network.maps(self.watched))

    def _usual(self, pictures: Tensor, chance: torch.Generator) -> Tensor:
        """Shifted by a tenth at most, and mirrored or not where a mirror image is of the same class."""
        return moved(pictures, round(max(pictures.shape[1:3]) * SHIFT), self.data.mirrored, chance)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, K) float32: how probable the network holds each class for each picture, computed in float32."""
        return probabilities(self.network, images)


def below_test(epoch: Epoch, stack: Stack) -> str | None:
    """A sentence on why less is right in training than on the test part, where that is so."""
    if epoch.train_accuracy >= epoch.test_accuracy:
        return None
    dropped = ", with some units dropped out" if any(layer.kind == "dropout" for layer in stack) else ""
    return (
        "In training less is right than on the test part, since that is counted all through the epoch, while it still "
        f"learns, and on pictures that are moved about{dropped}."
    )


def pace(
    stack: Stack,
    data: SmallSet,
    device: str | torch.device = "auto",
    within: float = 0.5,
    augment: bool = True,
) -> Pace:
    """How fast such a training is on this machine, as busy as it is, told by about `within` seconds of one.

    Of a large stack batches are smaller, or they would take seconds. The stack may be for another number of classes.
    Raises ParameterError as Training does.
    """
    few = data.less(max(BATCH, len(data.classes)))
    run = Training(with_classes(stack, len(data.classes)), few, 1, device=device, augment=augment)
    x, y = (tensor_of(part).to(run.device) for part in (run.data.images, run.data.labels))
    optimiser = run._optimiser()
    work = sum(layer.multiplications for layer in run.network.layers)
    count = max(1, min(BATCH, len(data.images), PACE_WORK // max(1, work)))

    def learn() -> int:
        chosen = torch.arange(count, device=run.device) % len(x)
        run._learn(optimiser, run._change(x[chosen], run._chance), y[chosen]).tolist()
        return count

    asked = np.resize(run.data.images, (max(1, min(ASKED_AT_ONCE, PACE_WORK // max(1, work))), *data.shape))

    def ask() -> int:
        _logits(run.network, asked)
        return len(asked)

    def around() -> int:
        run.network.weights()
        run.network.maps(run.watched)
        return 1

    return Pace(pace_of(learn, within / 2), pace_of(ask, within / 2), 1 / pace_of(around, within / 20))


def pace_of(work: Callable[[], int], within: float) -> float:
    """How much work() does a second, which tells how much it did, by about so many seconds of it.

    The median of WINDOWS, after once and one window more to warm up: a fresh server's first steps pay for what is done
    once. In each window there is what else the machine does, which no short piece tells, and of that which hits one
    alone nothing.
    """
    work()
    found = []
    for _ in range(1 + WINDOWS):
        start, done = time.perf_counter(), 0
        while not done or time.perf_counter() - start < within / WINDOWS:
            done += work()
        found.append(done / (time.perf_counter() - start))
    return sorted(found[1:])[WINDOWS // 2]


def probabilities(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, K) float32 for uint8 (N, H, W, C). Raises ParameterError for pictures of another size than it learned."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != network.shape:
        height, width, channels = network.shape
        raise ParameterError(
            f"These pictures are {images.dtype} {images.shape}; uint8 (N, {height}, {width}, {channels}) is needed."
        )
    return _logits(network, images).softmax(1).numpy()


@torch.inference_mode()
def _logits(network: Network, images: NDArray[np.uint8]) -> Tensor:
    network.eval()
    where = network.mean.device
    parts = [
        network(tensor_of(images[start : start + ASKED_AT_ONCE]).to(where)).float().cpu()
        for start in range(0, len(images), ASKED_AT_ONCE)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, network.layers[-1].spec.out)


def moved(pictures: Tensor, most: int, mirrored: bool, chance: torch.Generator) -> Tensor:
    """Each picture of (n, H, W, C) shifted by up to `most` pixels in both directions, its border drawn out, and half of
    them mirrored if they may be: one gathering for all."""
    n, height, width, _ = pictures.shape
    dy, dx = (torch.randint(-most, most + 1, (n, 1), generator=chance) for _ in range(2))
    rows = (torch.arange(height) - dy).clamp_(0, height - 1)  # (n, H)
    columns = (torch.arange(width) - dx).clamp_(0, width - 1)  # (n, W)
    if mirrored:
        columns = torch.where(torch.rand(n, 1, generator=chance) < 0.5, columns.flip(1), columns)
    where = pictures.device
    every = torch.arange(n, device=where)[:, None, None]
    return pictures[every, rows.to(where)[:, :, None], columns.to(where)[:, None, :]]


def _cycle(progress: float) -> float:
    """The rate's share of its peak: it rises along a line, then falls along half a cosine (one cycle, Smith 2018)."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * progress / WARM_UP
    return (1 + cos(pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2
