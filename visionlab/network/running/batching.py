"""Many callers, one network: what they ask at the same time goes through it together.

Callers prepare their pictures themselves, side by side, and one thread a device computes, a batch at a time.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import BusyError, ModelError, ParameterError
from visionlab.imaging.image import Image
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Answer, answered

CPU = torch.device("cpu")
MOST = 16  # pictures in a batch
WAIT = 0.004  # seconds for which a picture waits for others, at most
QUEUE = 64  # pictures inside at a time; the next is refused


def prepared(net: Classifier, image: Image) -> Tensor:
    """(3, crop, crop) float32 on the CPU: the picture as it enters the network. ParameterError where it is none."""
    return net.transform([image], CPU)[0]


def answers(net: Classifier, inputs: Sequence[Tensor]) -> list[Answer]:
    """What `answer` says of N pictures, which have been prepared for this network."""
    return answered(net, torch.stack(list(inputs)).to(net.device)) if inputs else []  # (N, 3, crop, crop)


@dataclass(frozen=True, eq=False)
class _Request:
    input: Tensor
    answer: Future = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Lane:
    """What waits for one network."""

    net: Classifier
    most: int
    wait: float
    waiting: deque[_Request] = field(default_factory=deque)
    closed: bool = False


class _Line:
    """All that waits for one device: the lanes with something in them, the next one first."""

    def __init__(self) -> None:
        self.lanes: deque[_Lane] = deque()
        self.ended = False
        self.changed = threading.Condition()  # reentrant: the garbage collector may call end() at any place

    def add(self, lane: _Lane, request: _Request) -> None:
        with self.changed:
            if lane.closed:
                raise _closed(lane)
            if not lane.waiting:
                self.lanes.append(lane)
            lane.waiting.append(request)
            self.changed.notify()

    def withdraw(self, lane: _Lane, request: _Request) -> None:
        """Forget a request that nobody waits for any more, unless its turn has come."""
        with self.changed:
            if request in lane.waiting:
                lane.waiting.remove(request)
                if not lane.waiting:
                    self.lanes.remove(lane)
                self.changed.notify()

    def close(self, lane: _Lane) -> None:
        with self.changed:
            lane.closed = True
            if lane.waiting:
                self.lanes.remove(lane)
            while lane.waiting:
                lane.waiting.popleft().answer.set_exception(_closed(lane))
            self.changed.notify()

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify()

    def serve(self) -> bool:
        """Wait for a batch and answer it; False where there will be none any more.

        What it knows of a network ends with the call, so that an idle thread keeps none in memory.
        """
        lane, batch = self._take()
        if not batch:
            return False
        try:
            rows = answers(lane.net, [request.input for request in batch])
        except Exception as error:  # it belongs to those who asked, and is raised in their threads
            for request in batch:
                request.answer.set_exception(error)
        else:
            for request, row in zip(batch, rows, strict=True):
                request.answer.set_result(row)
        return True

    def _take(self) -> tuple[_Lane | None, list[_Request]]:
        with self.changed:
            idle = not self.lanes  # then the first to come is alone, and need not wait for company
            while True:
                self.changed.wait_for(lambda: self.lanes or self.ended)
                if self.ended:
                    return None, []
                lane = self.lanes[0]
                if not idle:
                    left = lane.waiting[0].since + lane.wait - time.monotonic()
                    self.changed.wait_for(lambda lane=lane: not 0 < len(lane.waiting) < lane.most, max(0.0, left))
                if lane.waiting:
                    break
            self.lanes.remove(lane)
            batch = [lane.waiting.popleft() for _ in range(min(lane.most, len(lane.waiting)))]
            if lane.waiting:
                self.lanes.append(lane)  # behind the other networks
            return lane, batch


def _closed(lane: _Lane) -> ModelError:
    return ModelError(f"“{lane.net.name}” has been closed and answers no more. Ask again, of a new one.")


class _Worker:
    """The thread of one device. It ends when the last Batcher that holds this object is closed or forgotten."""

    def __init__(self, device: str) -> None:
        self.line = _Line()
        threading.Thread(target=_work, args=(self.line,), name=f"batches on {device}", daemon=True).start()
        weakref.finalize(self, self.line.end)


def _work(line: _Line) -> None:
    while line.serve():
        pass


_workers: weakref.WeakValueDictionary[str, _Worker] = weakref.WeakValueDictionary()
_choosing = threading.Lock()


def _worker_of(device: torch.device) -> _Worker:
    """One thread, not a lock that many threads share: torch keeps a team of helpers (CPU) and handles with their
    workspaces (CUDA) for every thread that computes, and a lock is not handed on in the order of asking.
    """
    name = f"{device.type}:{device.index or 0}"  # “cuda” and “cuda:0” are one device
    with _choosing:
        worker = _workers.get(name)
        if worker is None:
            worker = _workers[name] = _Worker(name)
        return worker


class Batcher:
    """Asks a network for many callers: concurrent calls go through the network in batches of `most` pictures or fewer.

    An idle device computes at once. What arrives while it computes is gathered, and held back until `wait` seconds
    after its arrival at most, for more to come. `queue` pictures can be inside at a time, waiting or being computed;
    the next is refused. All Batchers of a device share one thread, which serves their networks in turn; it ends with
    the last of them.
    """

    def __init__(self, net: Classifier, most: int = MOST, wait: float = WAIT, queue: int = QUEUE) -> None:
        if most < 1 or queue < 1:
            raise ParameterError(f"most is {most} and queue is {queue}. Both are 1 or more.")
        if not 0 <= wait < float("inf"):
            raise ParameterError(f"wait is {wait}. It is a number of seconds, 0 or more, like 0.004.")
        self.net = net
        self._queue = queue
        self._places = threading.Semaphore(queue)
        self._lane = _Lane(net, most, wait)
        self._worker: _Worker | None = _worker_of(net.device)
        self._line = self._worker.line

    def probabilities(self, image: Image, timeout: float | None = None) -> NDArray[np.float32]:
        """(classes,) float32: how probable the network holds each class; as `answer`, which says whether it refuses."""
        return self.answer(image, timeout).probabilities

    def answer(self, image: Image, timeout: float | None = None) -> Answer:
        """What the network says to a picture uint8 (H, W, 3).

        Waits for the answer, `timeout` seconds at most where that is given. Raises ParameterError for what is no
        picture, BusyError where there is no place or no answer in time, and ModelError where it is closed.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError(f"The network is busy with {self._queue} pictures; try again in a moment.")
        try:
            request = _Request(prepared(self.net, image))
            self._line.add(self._lane, request)
            try:
                return request.answer.result(timeout)
            finally:
                self._line.withdraw(self._lane, request)
        except TimeoutError as error:
            raise BusyError(f"The network has not answered within {timeout:g} s; try again in a moment.") from error
        finally:
            self._places.release()

    def close(self) -> None:
        """Take no more pictures; who still waits for a turn gets a ModelError. A second time does nothing."""
        self._line.close(self._lane)
        self._worker = None
