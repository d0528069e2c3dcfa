"""RayEngine: whole tasks of one network, computed by its replicas wherever they are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import ray
from ray import serve
from ray.exceptions import ObjectLostError, RayActorError, RayError, RayTaskError, WorkerCrashedError
from ray.serve.exceptions import BackPressureError, RayServeException, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle, DeploymentResponse

import visionlab
from visionlab.cluster.joining import LOOK_EVERY, check_there, differ, option, watched
from visionlab.cluster.serving import ITEM, Handed, check_answering, instead, name_of, served
from visionlab.cluster.shelf import digest
from visionlab.errors import BusyError, ClusterError, VisionlabError
from visionlab.imaging.image import Image
from visionlab.learning.heads.head import Head
from visionlab.network.running.batching import prepared
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Answer
from visionlab.network.zoo.models import title_of

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

Begin = Callable[[], DeploymentResponse]

LOST = (RayActorError, WorkerCrashedError, ObjectLostError, ReplicaUnavailableError)  # who computed is no more
FAULTS = (RayError, RayServeException, ConnectionError)
TRIES = 2
AT_ONCE = 8  # items of a map that are under way: enough for several replicas, and 150 MB of prepared pictures
PATIENCE = 120.0  # seconds for which a map waits for its turn where the cluster is busy …
PAUSE = 0.2  # … and between two tries
BEGINNING = 60.0  # seconds in which a replica has to answer at all
LOOK = "Try again; if that does not help, look at the cluster."
BUSY = "The cluster is busy with more than it can do; try again in a moment."
GONE = f"The machine that computed was lost, and another one, too. {LOOK}"


class RayEngine:
    """An Engine whose replicas Ray Serve keeps. What is asked of one that is lost is asked of another once, then it is
    a ClusterError; what the task itself raises is raised here.

    Under Ray's client (ray://) nothing can be followed: a task's progress is told at its end.
    """

    def __init__(self, net: Classifier, handle: DeploymentHandle, head: Handed | None) -> None:
        self._net, self._handle, self._head = net, handle, head
        self._follows = not ray.util.client.ray.is_connected()

    def version(self) -> str:
        """Of visionlab, at the replicas."""
        return self._asked(self._handle.about.remote, timeout=BEGINNING)

    def answer(self, image: Image, timeout: float | None = None) -> Answer:
        x = prepared(self._net, image).numpy()
        found = self._asked(lambda: self._handle.answer.remote(self._head, x), timeout=timeout)
        return replace(found, labels=self._net.labels)

    def run(self, task: Callable[Concatenate[Classifier, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        progress = kwargs.pop("progress", None)
        if progress is not None and self._follows:
            return next(self._followed(task, args, kwargs, progress, items=False))
        found = self._asked(lambda: self._handle.run.remote(self._head, task, args, kwargs))
        if progress is not None:
            progress(1.0)
        return found

    def each(
        self, task: Callable[Concatenate[Classifier, P], Iterator[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T]:
        progress = kwargs.pop("progress", None)
        if self._follows:
            yield from self._followed(task, args, kwargs, progress, items=True)
        else:
            yield from self._asked(lambda: self._handle.run.remote(self._head, _listed, (task, *args), kwargs))

    def map(self, task: Callable[[Classifier, Item], T], items: Iterable[Item]) -> Iterator[T]:
        under_way: deque[tuple[Begin, DeploymentResponse]] = deque()
        for item in items:
            begin = partial(self._handle.run.remote, self._head, task, (item,), {})
            under_way.append((begin, begin()))
            if len(under_way) >= AT_ONCE:
                yield self._asked(*under_way.popleft(), patience=PATIENCE)
        while under_way:
            yield self._asked(*under_way.popleft(), patience=PATIENCE)

    def _asked(
        self,
        begin: Begin,
        begun: DeploymentResponse | None = None,
        timeout: float | None = None,
        patience: float = 0.0,
    ) -> Any:
        """What comes of a request; where the cluster is busy, it is made again for so many seconds."""
        until, lost = time.monotonic() + patience, 0
        while True:
            response, begun = begun or begin(), None
            try:
                return _result(response, timeout, self._check)
            except _Late as error:
                response.cancel()
                raise BusyError(f"The cluster has not answered within {timeout:g} s; try again in a moment.") from error
            except FAULTS as error:
                if isinstance(error, BackPressureError) and time.monotonic() < until:
                    time.sleep(PAUSE)
                    continue
                lost += isinstance(error, LOST)
                if not isinstance(error, LOST) or lost == TRIES:
                    raise self._told(error) from error

    def _followed(
        self,
        task: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
        progress: Callable[[float], None] | None,
        *,
        items: bool,
    ) -> Iterator[Any]:
        """What a task gives while it goes on; who stops asking, or raises in `progress`, ends it."""
        follow = self._handle.options(stream=True).follow
        for left in reversed(range(TRIES)):
            given = False
            stream = follow.remote(self._head, task, args, kwargs, progress is not None, items)
            try:
                for kind, value in watched(stream, self._check):
                    if kind == ITEM:
                        given = True
                        yield value
                    elif progress is not None:
                        progress(value)
                return
            except FAULTS as error:
                if given or not left or not isinstance(error, LOST):
                    raise self._told(error) from error
            finally:
                stream.cancel()

    def _check(self) -> None:
        check_there()
        check_answering(self._handle.app_name)

    def _told(self, error: Exception) -> Exception:
        """What is raised here for what Ray raised: of a task that failed, what it raised itself."""
        if isinstance(error, RayTaskError):
            cause = error.cause
            return cause if isinstance(cause, VisionlabError) else error
        if isinstance(error, BackPressureError):
            return BusyError(BUSY)
        try:
            self._check()
        except ClusterError as found:
            return found
        return ClusterError(
            GONE if isinstance(error, LOST) else f"The cluster does not answer ({type(error).__name__}). {LOOK}"
        )


class _Late(Exception):
    """No answer in time."""


def _result(response: DeploymentResponse, timeout: float | None, check: Callable[[], None]) -> Any:
    """What comes of a request. Raises _Late after so many seconds; `check` raises what ends the waiting."""
    until = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        try:
            return response.result(timeout_s=max(0.0, min(LOOK_EVERY, until - time.monotonic())))
        except RayTaskError:  # also one that is a TimeoutError
            raise
        except TimeoutError as error:
            if time.monotonic() >= until:
                raise _Late from error
            check()


def _listed(net: Classifier, task: Callable[..., Iterator[T]], *args: Any, **kwargs: Any) -> list[T]:
    return list(task(net, *args, **kwargs))


def engine_of(net: Classifier, head: Head | None = None) -> RayEngine:
    """Who computes in the cluster that was joined for a network of MODELS, or for a head that was put on one: a head
    that is not served itself is handed to the replicas of its network.

    Raises ClusterError where the cluster does not serve the network, its replicas failed, or have another version.
    """
    check_there()
    here = served()
    data = None if head is None else head.to_bytes()
    base = net.name if head is None else head.network
    own = name_of(base, None if data is None else digest(data))
    name = own if own in here else name_of(base)
    if name not in here:
        raise ClusterError(
            f"The cluster that computes here does not serve {title_of(base)}. {instead()}"
        ) from ClusterError(f"to serve it: python -m visionlab cluster serve --model {base}{option()}")
    check_answering(name)
    handle = serve.get_app_handle(name)
    handed = None if data is None or name == own else Handed.of(data)
    found = RayEngine(net, handle, handed)
    theirs = found.version()
    if theirs != visionlab.__version__:
        raise ClusterError(differ("visionlab", visionlab.__version__, "the cluster", theirs))
    return found
