"""Work shared among the processor's cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue
from typing import TypeVar

Piece = TypeVar("Piece")


@cache
def count() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Helpers:
    """Threads that wait for work; without an executor's futures, a small picture takes a tenth less time."""

    def __init__(self, count: int):
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._serve, name=f"convolve-{number}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._waiting.get()()

    def start(self, work: Callable[[], None]) -> Callable[[], None]:
        """Begin the work; what comes back waits for its end, and raises what it raised."""
        ended: SimpleQueue[BaseException | None] = SimpleQueue()

        def run() -> None:
            try:
                work()
            except BaseException as error:
                ended.put(error)
            else:
                ended.put(None)

        def wait() -> None:
            if (error := ended.get()) is not None:
                raise error

        self._waiting.put(run)
        return wait


@cache
def _helpers() -> _Helpers:
    return _Helpers(count() - 1)


def share(work: Callable[[Piece], None], pieces: Sequence[Piece]) -> None:
    """Do the pieces on all cores; NumPy, OpenCV and SciPy let go of the interpreter while they compute."""
    todo = iter(pieces)

    def drain() -> None:
        for piece in todo:
            work(piece)

    waits = [_helpers().start(drain) for _ in range(min(len(pieces), count()) - 1)]
    drain()
    for wait in waits:
        wait()
