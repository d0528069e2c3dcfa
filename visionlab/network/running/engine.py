"""Engine: whoever computes for a network, wherever that is; LocalEngine computes in this process.

Whole tasks travel: a function of this library whose first argument is the network, and its other arguments. What it
gives comes back, arrays as they are. A task may take `progress`, a function that is told what share is done, 0..1; it
is called where the task was asked for, and whatever it raises ends the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from visionlab.imaging.image import Image
from visionlab.network.running.batching import Batcher
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Answer

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Engine(Protocol):
    """Of one network. Every method raises what the task raises, and BusyError where there is too much to do; an engine
    on other machines raises ClusterError where these are lost."""

    def answer(self, image: Image, timeout: float | None = None) -> Answer:
        """What the network says to a picture uint8 (H, W, 3), together with whatever others ask at the same time.

        Waits for its turn, `timeout` seconds at most where that is given. Raises ParameterError for what is no picture.
        """
        ...

    def run(self, task: Callable[Concatenate[Classifier, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the task gives."""
        ...

    def each(
        self, task: Callable[Concatenate[Classifier, P], Iterator[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T]:
        """What a task gives one after the other, as it comes; who stops asking ends it."""
        ...

    def map(self, task: Callable[[Classifier, Item], T], items: Iterable[Item]) -> Iterator[T]:
        """What a task gives for each item, in their order; no more items are taken than are worth computing at once."""
        ...


class LocalEngine:
    """An Engine in this process: pictures that are asked about at the same time go through the network together, and
    every other task runs in the thread that asks for it."""

    def __init__(self, net: Classifier) -> None:
        self._net, self._batcher = net, Batcher(net)

    def answer(self, image: Image, timeout: float | None = None) -> Answer:
        return self._batcher.answer(image, timeout)

    def run(self, task: Callable[Concatenate[Classifier, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return task(self._net, *args, **kwargs)

    def each(
        self, task: Callable[Concatenate[Classifier, P], Iterator[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T]:
        return task(self._net, *args, **kwargs)

    def map(self, task: Callable[[Classifier, Item], T], items: Iterable[Item]) -> Iterator[T]:
        return (task(self._net, item) for item in items)

    def close(self) -> None:
        """Take no more pictures; who still waits for a turn gets a ModelError."""
        self._batcher.close()
