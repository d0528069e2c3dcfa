"""The 8 that moves: four networks tell an 8 from what is none, on a canvas of twice a digit's side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.judging.metrics import wilson
from visionlab.learning.scratch.divergence import Diverged
from visionlab.learning.scratch.small_set import SmallSet, generator
from visionlab.learning.scratch.stack import LayerSpec, Network, Shape, conv, dense, pool, possible, unsuited
from visionlab.learning.scratch.training import Epoch, Training, moved, probabilities

OF_EACH = 3_000  # training pictures of an 8, and of others, at most
LEAST = 1_000  # of each; again and again the same where there are fewer: of less a network sees too few batches
REPEATS = 16  # of the pictures of which there are fewer, at most, unless that makes less than LEAST
TESTED = 100  # of each, at every place
PLACES = 7  # of the map of accuracies, in either direction
CANVASES_AT_ONCE = 50
RATE = 2e-3
LUMA = (0.299, 0.587, 0.114)  # how much red, green and blue count in a grey picture (ITU-R BT.601)


@dataclass(frozen=True)
class Learner:
    """A network by its title: of which layers, whether it learns from digits that move, and whether it slides a window
    over the canvas. Without either it looks at the canvas' middle, of a digit's size."""

    title: str
    about: str
    stack: tuple[LayerSpec, ...]
    epochs: int
    moves: bool = False
    slides: bool = False


LEARNERS: dict[str, Learner] = {
    "centred": Learner(
        "Fully connected, centred pictures",
        "It looks at the middle, where everything was that it learned from.",
        (dense(64), dense(2)),
        epochs=7,
    ),
    "window": Learner(
        "The same, with a sliding window",
        "It looks at every place through a window, and its surest answer counts; so it had to learn from pieces, too, "
        "that they are not what is looked for.",
        (dense(64), dense(2)),
        epochs=7,
        slides=True,
    ),
    "shifted": Learner(
        "Fully connected, shifted pictures",
        "It learned from pictures at every place.",
        (dense(256), dense(64), dense(2)),
        epochs=17,
        moves=True,
    ),
    "convolutional": Learner(
        "Convolutional, shifted pictures",
        "It learned from the same, with filters that are the same at every place.",
        (conv(8), pool(), conv(16), pool(), conv(32), pool(), dense(32), dense(2)),
        epochs=7,
        moves=True,
    ),
}


@dataclass(frozen=True, eq=False)
class EightNet:
    """A trained network: its name in LEARNERS, the network, and the sides of a digit and of the canvas in pixels."""

    name: str
    network: Network
    digit: int
    canvas: int

    def answers(self, canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N,) float32: how probable it holds that there is an 8 on each canvas, uint8 (N, H, W), white on black.

        Raises ParameterError for canvases of another size.
        """
        if canvases.dtype != np.uint8 or canvases.shape[1:] != (self.canvas, self.canvas):
            raise ParameterError(
                f"The canvas is {canvases.dtype} {canvases.shape[1:]}; uint8 ({self.canvas}, {self.canvas}) is needed."
            )
        kind = LEARNERS[self.name]
        if kind.moves:
            return probabilities(self.network, canvases[..., None])[:, 1]
        if not kind.slides:
            edge = (self.canvas - self.digit) // 2
            middle = canvases[:, edge : edge + self.digit, edge : edge + self.digit]
            return probabilities(self.network, middle[..., None])[:, 1]
        found = [np.zeros(0, np.float32)]
        stride = _stride(self.digit)
        for start in range(0, len(canvases), CANVASES_AT_ONCE):
            chunk = canvases[start : start + CANVASES_AT_ONCE]
            views = np.lib.stride_tricks.sliding_window_view(chunk, (self.digit, self.digit), axis=(1, 2))
            windows = views[:, ::stride, ::stride].reshape(-1, self.digit, self.digit, 1)
            found.append(probabilities(self.network, windows)[:, 1].reshape(len(chunk), -1).max(1))
        return np.concatenate(found)


@dataclass(frozen=True, eq=False)
class ShiftMap:
    """Accuracy (0..1) at every shift: accuracies float64 (S, S), rows by dy, columns by dx, both in shifts (S,), px.
    Each rests on the same `tested` canvases."""

    shifts: NDArray[np.int64]
    accuracies: NDArray[np.float64]
    tested: int

    def curve(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(distances in px, mean accuracies): by how far a digit is from the middle, the greater of |dy| and |dx|."""
        far = np.maximum(abs(self.shifts)[:, None], abs(self.shifts)[None])
        distances = np.unique(far)
        return distances, np.array([self.accuracies[far == one].mean() for one in distances])

    def interval(self, accuracy: float) -> tuple[float, float]:
        """The 95 % Wilson interval of an accuracy on so many canvases. Also of a mean over places: it is the same
        canvases at each of them, so that many places tell no more of other digits than one."""
        return wilson(accuracy * self.tested, self.tested)

    @property
    def found_in_the_middle(self) -> bool:
        """Whether it is right more often there than by guessing, which is half the time, beyond what may be chance."""
        _, means = self.curve()
        return self.interval(means[0])[0] > 0.5

    def told(self) -> str:
        """A sentence or two on how much of a difference may be chance."""
        low, high = self.interval(0.9)
        return (
            f"Each figure rests on the same {self.tested} test pictures. Where it says 90%, the 95% interval is "
            f"{low:.0%} to {high:.0%}: smaller differences may be chance."
        )


@dataclass(frozen=True, eq=False)
class Look:
    """A look at the experiment: which network it is at, how much of it is done (0..1), and what there is since.

    net and shifts come when a network is trained and tested.
    """

    name: str
    share: float
    loss: float = float("nan")
    epoch: Epoch | None = None
    net: EightNet | None = None
    shifts: ShiftMap | None = None
    diverged: Diverged | None = None


class MovingEight:
    """The experiment: iterate it for its Looks. nets and shifts hold what is done so far, by the names in LEARNERS.

    The networks get the square in the middle of each picture, without colours. Raises DatasetError for pictures that
    are too small or too large for them, and ParameterError where no class is `target`.
    """

    def __init__(self, data: SmallSet, target: str = "8", seed: int = 0, device: str = "auto"):
        side = min(data.shape[:2])
        if not all(possible(kind.stack, (2 * side, 2 * side, 1)) for kind in LEARNERS.values() if kind.moves):
            raise unsuited(data.shape)
        self.digits = _grey(_balanced(data, data.place(target), seed).at(side))
        self.seed, self.device = seed, device
        self.nets: dict[str, EightNet] = {}
        self.shifts: dict[str, ShiftMap] = {}

    def __iter__(self) -> Iterator[Look]:
        digits = self.digits
        side = digits.shape[0]
        pair = (on_canvas(digits.images), digits.labels, digits.classes, on_canvas(digits.test_images))
        canvases = SmallSet(digits.name, *pair, digits.test_labels, mirrored=False)
        for name, kind in LEARNERS.items():
            learned = canvases if kind.moves else _with_pieces(digits, canvases, self.seed) if kind.slides else digits
            change = partial(_placed, most=(canvases.shape[0] - side) // 2)
            training = Training(
                kind.stack,
                learned,
                kind.epochs,
                rate=RATE,
                smoothing=0,
                seed=self.seed,
                augment=change if kind.moves else False,
                device=self.device,
            )
            for look in training.looks():
                share = look.passes / kind.epochs
                yield Look(name, share, look.loss, look.epoch, diverged=look.diverged)
            network = training.network
            net = EightNet(name, network, side, canvases.shape[0])
            self.nets[name] = net
            self.shifts[name] = shift_map(net, canvases.test_images[..., 0], canvases.test_labels)
            yield Look(name, 1.0, net=net, shifts=self.shifts[name])


def change_told(shape: Shape) -> str | None:
    """A sentence where pictures of that shape (height, width, channels) are not taken as they are."""
    height, width, channels = shape
    square, coloured = height == width, channels == 3
    if square and not coloured:
        return None
    if square:
        return "The pictures are taken without their colours."
    return f"Of each picture the square in the middle is taken{', without colours' if coloured else ''}."


def _grey(data: SmallSet) -> SmallSet:
    """The same without colours."""
    if data.shape[2] == 1:
        return data
    images, test_images = (
        np.rint(part @ np.float32(LUMA)).astype(np.uint8)[..., None] for part in (data.images, data.test_images)
    )
    return replace(data, images=images, test_images=test_images)


def on_canvas(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (N, S, S, 1) → (N, 2S, 2S, 1): each in the middle of a black canvas."""
    before = digits.shape[1] // 2
    after = digits.shape[1] - before
    return np.pad(digits, ((0, 0), (before, after), (before, after), (0, 0)))


def _stride(digit: int) -> int:
    """Of the sliding window, in pixels."""
    return max(1, digit // 14)


def places_of(digit: int, canvas: int) -> int:
    """At how many places the window looks at a canvas of that side, by a digit's."""
    return len(range(0, canvas - digit + 1, _stride(digit))) ** 2


def shift_map(net: EightNet, canvases: NDArray[np.uint8], labels: NDArray[np.int64], places: int = PLACES) -> ShiftMap:
    """How often the network is right (label 1 is the 8) when canvases (N, H, W) with a digit in the middle are shifted.

    TESTED canvases of either label are looked at, at `places` × `places` shifts, as far as the digit stays on.
    """
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == one)[:TESTED] for one in (0, 1)]))
    shown, truth = canvases[chosen], labels[chosen] == 1
    most = (net.canvas - net.digit) // 2
    shifts = np.unique(np.round(np.linspace(-most, most, places)).astype(np.int64))
    found = np.zeros((len(shifts), len(shifts)))
    for row, dy in enumerate(shifts):
        for column, dx in enumerate(shifts):
            shifted = np.roll(shown, (dy, dx), axis=(1, 2))  # around the edges there is only black
            found[row, column] = ((net.answers(shifted) >= 0.5) == truth).mean()
    return ShiftMap(shifts, found, len(truth))


def answer(net: EightNet, canvas: NDArray[np.uint8]) -> float:
    """How probable the network holds that there is an 8 on one canvas, uint8 (H, W), white on black."""
    return float(net.answers(canvas[None])[0])


def surest_first(net: EightNet, digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Digits (N, S, S), in the middle of a canvas each: those first of which the network is surest that they are 8s."""
    return digits[np.argsort(-net.answers(on_canvas(digits[..., None])[..., 0]), kind="stable")]


def _placed(canvases: torch.Tensor, chance: torch.Generator, most: int) -> torch.Tensor:
    return moved(canvases, most, False, chance)


def _with_pieces(digits: SmallSet, canvases: SmallSet, seed: int) -> SmallSet:
    """The digits, and twice as many windows that show a piece of one or nothing, with the label 0."""
    rng = generator(seed)
    side = digits.shape[0]
    near = max(1, side // 9)  # px: what is shifted by no more counts as whole
    windows = np.lib.stride_tricks.sliding_window_view(canvases.images[..., 0], (side, side), axis=(1, 2))
    middle = (canvases.shape[0] - side) // 2
    rows, columns = rng.integers(0, windows.shape[1], (2, 2 * len(windows)))
    whole = (abs(rows - middle) <= near) & (abs(columns - middle) <= near)
    pieces = windows[np.tile(np.arange(len(windows)), 2)[~whole], rows[~whole], columns[~whole]][..., None]
    labels = np.concatenate([digits.labels, np.zeros(len(pieces), np.int64)])
    images = np.concatenate([digits.images, pieces])
    return SmallSet(digits.name, images, labels, digits.classes, digits.test_images, digits.test_labels, mirrored=False)


def of_each(wanted: NDArray[np.bool_]) -> int:
    """From how many pictures of the target, and as many of others, a network learns in an epoch: from each once where
    there are not too many, so that fewer take less time. wanted (N,): which of the training pictures are of it."""
    fewer, more = sorted((int(wanted.sum()), int((~wanted).sum())))
    return min(OF_EACH, max(LEAST, more, REPEATS * fewer))


def _balanced(data: SmallSet, target: int, seed: int) -> SmallSet:
    """As many pictures of the target (label 1) as of others (label 0), in both parts; of_each() to learn from."""
    rng = generator(seed)
    parts = []
    for images, labels in ((data.images, data.labels), (data.test_images, data.test_labels)):
        kinds = [rng.permutation(np.flatnonzero((labels == target) == one)) for one in (False, True)]
        count = of_each(labels == target) if images is data.images else min(map(len, kinds))
        if not all(map(len, kinds)):
            raise DatasetError(
                f"Pictures of “{data.classes[target]}” and others are needed, to learn from and to test."
            )
        chosen = np.concatenate([np.resize(kind, count) for kind in kinds])
        parts.append((images[chosen], np.repeat([0, 1], count)))
    name = data.classes[target]
    return SmallSet(data.name, *parts[0], (f"not {name}", name), *parts[1], mirrored=False)
