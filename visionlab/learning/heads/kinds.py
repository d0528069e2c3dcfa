"""The ways to train a head. A new one is an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from visionlab.errors import ParameterError
from visionlab.learning.features.augmentation import check_views
from visionlab.learning.heads.descent import mlp
from visionlab.learning.heads.fine_tuning import fine_tune
from visionlab.learning.heads.head import Head
from visionlab.learning.heads.linear import logistic, prototype
from visionlab.learning.heads.problem import Trial
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.splits import HELD_OUT

FEW = 6  # pictures a class: below that, a kind for which one is enough is usually the better choice


@dataclass(frozen=True)
class Kind:
    """A way to train. train gives the trials of a problem, at most `epochs` of them.

    patience is after how many epochs without improvement it stops (None: it never does), views those that it takes
    unless told otherwise. alone says whether one picture a class is enough, tunes whether the network's last block
    learns, and needs_held_out whether it cannot do without held-out pictures. learns_all says whether the head that is
    kept in the end learns from these, too, after they have judged one that had not; resumable, whether a run that was
    stopped goes on from where it was, which those take whose epochs are long.
    """

    name: str
    title: str
    about: str
    train: Callable[..., Iterator[Trial]]
    epochs: int
    patience: int | None = None
    views: tuple[str, ...] = ()
    alone: bool = False
    tunes: bool = False
    needs_held_out: bool = False
    learns_all: bool = False
    resumable: bool = False


KINDS: dict[str, Kind] = {
    "linear": Kind(
        name="linear",
        title="Linear",
        about="Logistic regression: quick, and the best choice for most sets of 6 to 1,000 pictures a class.",
        train=logistic,
        epochs=1,
        learns_all=True,
    ),
    "mlp": Kind(
        name="mlp",
        title="Hidden layer",
        about="One hidden layer: for many pictures, of classes that no straight line parts.",
        train=mlp,
        epochs=100,
        patience=15,
        needs_held_out=True,
        resumable=True,
    ),
    "prototype": Kind(
        name="prototype",
        title="Nearest prototype",
        about="The mean of each class is its prototype: for one to five pictures a class.",
        train=prototype,
        epochs=1,
        alone=True,
        learns_all=True,
    ),
    "fine-tune": Kind(
        name="fine-tune",
        title="Fine-tuning",
        about="The network’s last block learns, too: slower, for pictures unlike those that the network knows.",
        train=fine_tune,
        epochs=20,
        patience=6,
        views=("flip", "crop"),
        tunes=True,
        needs_held_out=True,
        resumable=True,
    ),
}


def one_is_enough() -> Kind:
    """The first way for which one picture a class is enough."""
    return next(kind for kind in KINDS.values() if kind.alone)


def usual_kind(data: LabelledImages) -> Kind:
    """The way that is usually best for these pictures, and that is taken where none was named: one for which a picture
    is enough where a class has fewer than FEW to learn from, else the first. Frames of a burst are pictures, too."""
    few = min(data.to_learn_from().counts().values(), default=0) < FEW
    return one_is_enough() if few else next(iter(KINDS.values()))


def why_usual(data: LabelledImages) -> str:
    """The sentence on why another than the first way is usual_kind, which goes with LabelledImages.few, where the
    classes are counted; "" where the first one is."""
    usual, first = usual_kind(data), next(iter(KINDS.values()))
    if usual is first:
        return ""
    return f"With fewer than {FEW} pictures in a class, “{usual.title}” is usually better than “{first.title}”."


def stayed_linear(head: Head) -> bool:
    """Whether fine-tuning found nothing better than the linear head that it starts from, which this head then is."""
    kind = KINDS.get(str(head.facts.get("kind")))
    return kind is not None and kind.tunes and not head.tuned


def check_settings(
    kind: str | None = None,
    validation: float | None = HELD_OUT,
    epochs: int | None = None,
    strength: float | None = None,
    views: Sequence[str] | None = None,
    refuse: float = 0.05,
) -> Kind:
    """The way to train of that name, the first one for None.

    Raises ParameterError for settings of training.fit that cannot be, whatever the pictures and the network.
    """
    kind = next(iter(KINDS)) if kind is None else kind
    if kind not in KINDS:
        raise ParameterError(f"There is no way to train that is called “{kind}”. There are {', '.join(KINDS)}.")
    way = KINDS[kind]
    if not 0 < refuse < 1:
        raise ParameterError(f"The share to refuse is {refuse}; it must lie between 0 and 1, like 0.05.")
    if epochs is not None and epochs < 1:
        raise ParameterError(f"{epochs} epochs train nothing. Use 1 or more.")
    if strength is not None and not 0 <= strength < inf:
        raise ParameterError(f"A penalty of {strength} is no penalty. Use 0 or more.")
    if validation == 0 and way.needs_held_out:
        raise ParameterError(f"“{way.title}” needs held-out pictures to know when to stop. Hold out {HELD_OUT:g}, say.")
    check_views(views or ())
    return way
