"""How long the experiments that are more than a stack's training take on this machine, told by a moment of each part.

Of one stack, training.pace tells it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from visionlab.learning.features.embedding import embed
from visionlab.learning.heads.head import Head
from visionlab.learning.scratch import moving_eight
from visionlab.learning.scratch.closing import FROM_NOTHING, coloured, labelled, tested, transfer
from visionlab.learning.scratch.moving_eight import LEARNERS, TESTED, MovingEight, on_canvas, places_of
from visionlab.learning.scratch.small_set import SmallSet
from visionlab.learning.scratch.softmax import ASKED_AT_ONCE, LOOK_EVERY, SETTINGS, Settings, Softmax
from visionlab.learning.scratch.stack import STACKS
from visionlab.learning.scratch.training import BATCH, Pace, pace, pace_of
from visionlab.network.running.classifier import Classifier

MOMENT = 0.25  # seconds of each part
STEPS = 5  # of softmax regression, between two looks at the clock
COUNTS = (1, 4, 16)  # pictures through a network of transfer, more and more as long as it is quick
OF_EACH = (2, 8, 32, 128)  # pictures of a class that a head learns from, likewise


@dataclass(frozen=True)
class TransferPace:
    """How many pictures a second transfer embeds, how many a head learns from once they are, and how many are tested on
    network and head."""

    embedded: float
    learned: float
    tested: float

    def seconds(self, few: int, tested: int) -> float:
        """About how long it takes to learn from so few pictures, and to be tested on so many."""
        return few / self.embedded + few / self.learned + tested / self.tested


@dataclass(frozen=True)
class ClosingPace:
    """How fast the four ways of the closing table are."""

    softmax: Pace
    stacks: tuple[Pace, ...]
    transfer: TransferPace

    def seconds(self, learned: int, tested: int, epochs: int, few: int) -> float:
        """About how long the table takes on so many pictures, of which transfer learns from `few`; each way is tested
        once more at its end."""
        softmax = softmax_seconds(self.softmax, SETTINGS["better"], tested) + tested / self.softmax.tested
        stacks = sum(each.seconds(learned, tested, epochs) + tested / each.tested for each in self.stacks)
        return softmax + stacks + self.transfer.seconds(few, tested)


def softmax_pace(data: SmallSet, within: float = MOMENT) -> Pace:
    """How many pictures a second softmax regression learns from, in batches of the settings', and is tested on.

    Batches are of all training pictures, which no processor keeps as near as a few.
    """
    untested = replace(data, test_images=data.test_images[:1], test_labels=data.test_labels[:1])
    settings = replace(SETTINGS["better"], steps=10**9)
    run = Softmax(untested, settings)
    steps = chain.from_iterable(repeat(run))  # anew where the loss runs away
    asked = data.test_images[:ASKED_AT_ONCE]

    def learn() -> int:
        for _ in range(STEPS):
            next(steps)
        return STEPS * settings.batch

    def ask() -> int:
        run.probabilities(asked)
        return len(asked)

    return Pace(pace_of(learn, within / 2), pace_of(ask, within / 2))


def softmax_seconds(found: Pace, settings: Settings, tested: int) -> float:
    """About how long such a training takes with so many test pictures."""
    looks = -(-settings.steps // LOOK_EVERY)
    return settings.steps * settings.batch / found.learned + looks * tested / found.tested


def closing_pace(data: SmallSet, net: Classifier, device: str = "auto", within: float = MOMENT) -> ClosingPace:
    """data is the set as the four ways get it: closing.enlarged. Raises ParameterError as Training does."""
    stacks = tuple(pace(STACKS[name], data, device, within) for name in FROM_NOTHING)
    return ClosingPace(softmax_pace(data, within), stacks, transfer_pace(data, net, within))


def transfer_pace(data: SmallSet, net: Classifier, within: float = MOMENT) -> TransferPace:
    """How fast transfer is, by about so many seconds of each of its parts, done as the closing table does them."""
    features = embed(net, list(coloured(data.images[:1]))).shape[1]
    heads: list[Head] = []

    def learn(of_each: int) -> int:
        few = labelled(data, of_each, 0)
        run = transfer(few, net, features=_drawn(few.labels, features))
        for _ in run:
            pass
        heads.append(run.head)
        return len(few)

    embedded = _pace(lambda count: len(embed(net, list(coloured(data.images[:count])))), COUNTS, within)
    learned = _pace(learn, OF_EACH, within)
    asked = _pace(lambda count: len(tested(heads[-1], net, data.images[:count])), COUNTS, within)
    return TransferPace(embedded, learned, asked)


def _pace(work: Callable[[int], int], counts: Sequence[int], within: float) -> float:
    """How much work() does a second, which is given a count and tells how much it did: by the last of the rising
    counts, none of which is tried after one that takes longer than `within`. The first is done once before, to warm
    up."""
    work(counts[0])
    for count in counts:
        start = time.perf_counter()
        done = work(count)
        if (seconds := time.perf_counter() - start) > within:
            break
    return done / seconds


def _drawn(labels: NDArray[np.int64], features: int) -> NDArray[np.float32]:
    """So many features of pictures with these labels (n,), which learning from takes about as long as from real ones:
    a class lies apart from the others by as much as its pictures do."""
    chance = np.random.default_rng(0)
    middles = chance.standard_normal((labels.max() + 1, features), np.float32)
    return middles[labels] + chance.standard_normal((len(labels), features), np.float32)


def eight_seconds(run: MovingEight, within: float = MOMENT) -> float:
    """About how long the experiment takes."""
    digits = run.digits.less(BATCH)
    moved = replace(digits, images=on_canvas(digits.images), test_images=on_canvas(digits.test_images))
    tests, total = len(run.digits.test_images), 0.0
    shown = min(2 * TESTED, tests) * moving_eight.PLACES**2
    paces: dict[tuple, Pace] = {}
    for kind in LEARNERS.values():
        key = kind.stack, kind.moves
        if key not in paces:
            paces[key] = pace(kind.stack, moved if kind.moves else digits, run.device, within, augment=kind.moves)
        learned = len(run.digits.images) * (3 if kind.slides else 1)  # with pieces, twice as many as there are digits
        windows = places_of(digits.shape[0], moved.shape[0]) if kind.slides else 1
        total += paces[key].seconds(learned, tests, kind.epochs)
        total += shown * windows / paces[key].tested
    return total
