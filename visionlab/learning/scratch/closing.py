"""The closing table: four ways to a classifier, on the same data, judged on the same test pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.heads.head import Head
from visionlab.learning.heads.training import Fit, fit
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.scratch.divergence import Diverged
from visionlab.learning.scratch.small_set import SmallSet, generator
from visionlab.learning.scratch.softmax import Softmax
from visionlab.learning.scratch.stack import STACKS, Shape, possible, unsuited, with_classes
from visionlab.learning.scratch.training import Training
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import probabilities as classified

SHOWN = 8  # test pictures, with every way's answer
LARGEST = 32  # px: to which small pictures are enlarged at most
WAYS: dict[str, str] = {
    "softmax": "Softmax regression",
    "fully connected": "Fully connected",
    "convolutional": "Convolutional, from scratch",
    "transfer": "Transfer",
}
FROM_NOTHING = ("fully connected", "convolutional")  # of these, those that are stacks


@dataclass(frozen=True, eq=False)
class Row:
    """A way by its name in WAYS: pictures that it learned from, parameters that it learned, seconds that learning and
    all its tests took (of transfer with the features), accuracy on the test pictures (0..1), the accuracy's 95 % Wilson
    interval, and what it says of the shown ones: answers int64 (8,), and probabilities float32 (8,) of these.
    """

    name: str
    pictures: int
    parameters: int
    seconds: float
    accuracy: float
    interval: tuple[float, float]
    answers: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    diverged: Diverged | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """A look at the experiment: which way it is at, and how much of its training is done (0..1); its row at the end."""

    name: str
    share: float
    row: Row | None = None


class Closing:
    """The experiment: iterate it for its Looks; rows are those that are done, by name.

    The test pictures are the first `tested` of the set's in an order drawn with the seed; the first eight are shown.
    The three that begin with nothing learn from all training pictures, transfer from `of_each` of a class, through net.
    data is the set with these test pictures, enlarged where the convolutional stack needs that. Raises ParameterError
    where a count is below 1, and DatasetError as enlargement does.
    """

    def __init__(
        self,
        data: SmallSet,
        net: Classifier,
        *,
        epochs: int = 10,
        of_each: int = 100,
        tested: int = 1_000,
        seed: int = 0,
        device: str = "auto",
    ):
        for count, name in ((epochs, "epochs"), (of_each, "pictures of each class"), (tested, "test pictures")):
            if count < 1:
                raise ParameterError(f"{count} {name} were asked for. Use 1 or more.")
        chosen = generator(seed).permutation(len(data.test_images))[:tested]
        few = replace(data, test_images=data.test_images[chosen], test_labels=data.test_labels[chosen])
        self.data = data = enlarged(few)
        self.net, self.epochs, self.of_each = net, epochs, of_each
        self.seed, self.device = seed, device
        self.images, self.truth = data.test_images, data.test_labels
        self.rows: dict[str, Row] = {}

    @property
    def majority(self) -> float:
        """The accuracy (0..1) of always naming the class that has the most test pictures."""
        return self.data.tested.majority

    def __iter__(self) -> Iterator[Look]:
        yield from self._softmax()
        for name in FROM_NOTHING:
            yield from self._scratch(name)
        yield from self._transfer()

    def _softmax(self) -> Iterator[Look]:
        start = time.perf_counter()
        run = Softmax(self.data, seed=self.seed)
        for step in run:
            if step.templates is not None:
                yield Look("softmax", step.index / step.of)
        found = run.probabilities(self.images)
        seconds = time.perf_counter() - start
        yield self._done("softmax", len(self.data.images), run.parameters, seconds, found, run.diverged)

    def _scratch(self, name: str) -> Iterator[Look]:
        start = time.perf_counter()
        stack = with_classes(STACKS[name], len(self.data.classes))
        run = Training(stack, self.data, self.epochs, seed=self.seed, device=self.device)
        for look in run.looks():
            yield Look(name, look.passes / self.epochs)
        found = run.probabilities(self.images)
        seconds = time.perf_counter() - start
        learned = sum(layer.parameters for layer in run.network.layers)
        yield self._done(name, len(self.data.images), learned, seconds, found, run.diverged)

    def _transfer(self) -> Iterator[Look]:
        start = time.perf_counter()
        few = labelled(self.data, self.of_each, self.seed)
        run = transfer(few, self.net, self.seed)
        for done, total in run.prepare():
            yield Look("transfer", 0.9 * done / total)
        for epoch in run:
            yield Look("transfer", 0.9 + 0.1 * epoch.index / run.epochs)
        head = run.head
        found = tested(head, self.net, self.images)
        seconds = time.perf_counter() - start
        among = np.zeros((len(found), len(self.data.classes)), np.float32)
        among[:, [self.data.place(name) for name in few.classes]] = found
        yield self._done("transfer", len(few), head.weights.size + head.bias.size, seconds, among)

    def _done(
        self,
        name: str,
        pictures: int,
        parameters: int,
        seconds: float,
        found: NDArray[np.float32],
        diverged: Diverged | None = None,
    ) -> Look:
        answers = found.argmax(1)
        right = int((answers == self.truth).sum())
        share, interval = right / len(answers), wilson(right, len(answers))
        shown = answers[:SHOWN], found[:SHOWN].max(1)
        self.rows[name] = Row(name, pictures, parameters, seconds, share, interval, *shown, diverged)
        return Look(name, 1.0, self.rows[name])


def enlargement(shape: Shape) -> int:
    """As how many pixels a side each pixel of such pictures (height, width, channels) is drawn, so that the
    convolutional stack does not shrink them to nothing; 1 for most. Raises DatasetError where they would be too large
    by then."""
    height, width, channels = shape
    times = 1
    while not possible(STACKS["convolutional"], (height * times, width * times, channels)):
        times *= 2
        if times * max(height, width) > LARGEST:
            raise unsuited(shape)
    return times


def can_be_enlarged(shape: Shape) -> bool:
    """Whether enlargement has nothing against such pictures."""
    try:
        enlargement(shape)
    except DatasetError:
        return False
    return True


def enlargement_told(shape: Shape) -> str | None:
    """A sentence where such pictures are enlarged. Raises as enlargement does."""
    height, width, _ = shape
    times = enlargement(shape)
    if times == 1:
        return None
    return (
        f"The article’s stack needs larger pictures than these, so each is drawn at {width * times} × {height * times} "
        "px, for every network alike: one without convolutions has more weights then."
    )


def enlarged(data: SmallSet) -> SmallSet:
    """The set as all four ways get it: each pixel drawn as often as enlargement says, which raises as that does."""
    times = enlargement(data.shape)
    if times == 1:
        return data
    larger = {name: getattr(data, name).repeat(times, 1).repeat(times, 2) for name in ("images", "test_images")}
    return replace(data, **larger)


def labelled(data: SmallSet, of_each: int, seed: int) -> LabelledImages:
    """So many training pictures of each class that has some, drawn with the seed, as RGB."""
    rng = generator(seed)
    chosen = {}
    for label in np.unique(data.labels):
        places = rng.permutation(np.flatnonzero(data.labels == label))[:of_each]
        chosen[data.classes[label]] = list(coloured(data.images[places]))
    return LabelledImages.from_arrays(chosen)


def transfer(few: LabelledImages, net: Classifier, seed: int = 0, features: NDArray[np.float32] | None = None) -> Fit:
    """A run that trains the head of transfer on all of these pictures: a linear one or, where a class has a single
    picture, of which nothing but its mean is known, the nearest prototype. features are as fit() takes them."""
    kind = "linear" if np.bincount(few.labels).min() > 1 else "prototype"
    return fit(few, net, kind=kind, validation=0, seed=seed, features=features)


def tested(head: Head, net: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, classes of the head) float32: how probable the head on its network holds each, for pictures (N, H, W, C)."""
    return classified(head.as_classifier(net), list(coloured(images)))


def coloured(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W, 1 or 3) → (N, H, W, 3), as transfer gets them."""
    return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:3], 3)))
