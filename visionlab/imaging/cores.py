"""Work shared among the processor's cores, and the memory that each of them works in."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

KEPT = 16_000_000  # bytes of working memory that a thread keeps for the next piece

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


if hasattr(os, "register_at_fork"):  # a process that is forked has none of these threads, and would wait for them
    os.register_at_fork(after_in_child=_helpers.cache_clear)


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


class _Scratch(threading.local):
    """Two arrays a thread that are used again and again: fresh memory costs more than a small filter."""

    def __init__(self) -> None:
        self.memory = [np.empty(0, np.uint8), np.empty(0, np.uint8)]


_scratch = _Scratch()


def scratch(which: int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """The first or the second array of this thread, with whatever is in it, until it is asked for again."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = _scratch.memory[which]
    if memory.nbytes < size:
        memory = np.empty(size, np.uint8)
        if size <= KEPT:
            _scratch.memory[which] = memory
    return memory[:size].view(dtype).reshape(shape)
