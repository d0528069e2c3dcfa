"""Networks as deployments of Ray Serve: replicas that answer for many app servers, and as many as are needed."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from ray import serve
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview

import visionlab
from visionlab.cluster import shelf, sizing
from visionlab.cluster.joining import differ
from visionlab.cluster.sizing import Size
from visionlab.errors import ClusterError, VisionlabError, WeightsError
from visionlab.learning.heads.head import load_head
from visionlab.network.running.batching import MOST, QUEUE, WAIT, answers
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.prediction import Answer
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import find_model, title_of

HEADS = 16  # of app servers' users that a replica keeps ready
HEALTH = 10.0  # seconds between two looks at a replica's health
FAILED = {ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY}
ALIVE = {"RUNNING", "STARTING"}  # replicas that answer, or will
NETWORK = "network"  # the name of an application's deployment
PREFIX = "visionlab-"  # of the names of its applications …
HEAD = PREFIX + "head-"  # … and of those of heads
logging.getLogger("ray.serve").setLevel(logging.ERROR)  # which its import has set to INFO
SHARE, ITEM, END = "share", "item", "end"  # what a task says that is followed: how far it is, and what it came to


@dataclass(frozen=True)
class Handed:
    """A head that comes by the object store: the SHA-256 of its file, and where that is."""

    sha256: str
    data: ray.ObjectRef

    @classmethod
    def of(cls, data: bytes) -> Handed:
        return cls(shelf.digest(data), ray.put(data))


class Replica:
    """One network on one machine. Concurrent pictures go through it in batches; whole tasks go beside them."""

    def __init__(self, model: str, version: str, head: bytes | None) -> None:
        if version != visionlab.__version__:
            node = f"the node {ray.util.get_node_ip_address()}"
            raise ClusterError(differ("visionlab", version, node, visionlab.__version__))
        shelf.bring(model)
        base = load_classifier(model)
        self._net = base if head is None else load_head(head).as_classifier(base)
        self._heads: OrderedDict[str, Classifier] = OrderedDict()
        self._choosing = threading.Lock()

    def about(self) -> str:
        """The version of visionlab that it computes with."""
        return visionlab.__version__

    def check_health(self) -> None:
        self._net.check()

    async def answer(self, head: Handed | None, x: NDArray[np.float32]) -> Answer:
        """What is said of a picture that was prepared, (3, crop, crop) float32, without the labels."""
        found = await self._batch((head, x))
        if isinstance(found, Exception):
            raise found
        return found

    @serve.batch(max_batch_size=MOST, batch_wait_timeout_s=WAIT)
    async def _batch(self, asked: list[tuple[Handed | None, NDArray[np.float32]]]) -> list[Answer | Exception]:
        return await asyncio.to_thread(self._answers, asked)

    def _answers(self, asked: Sequence[tuple[Handed | None, NDArray[np.float32]]]) -> list[Answer | Exception]:
        found: list[Answer | Exception] = [ClusterError("Nobody answered.")] * len(asked)
        by_head: dict[str | None, list[int]] = {}
        for place, (head, _) in enumerate(asked):
            by_head.setdefault(head and head.sha256, []).append(place)
        for places in by_head.values():
            try:
                net = self._headed(asked[places[0]][0])
                rows = answers(net, [torch.tensor(asked[place][1]) for place in places])
            except Exception as error:  # it belongs to those who asked, and not to all in the batch
                rows = [error] * len(places)
            for place, row in zip(places, rows, strict=True):
                found[place] = replace(row, labels=()) if isinstance(row, Answer) else row
        return found

    def run(self, head: Handed | None, task: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        """A whole task."""
        return task(self._headed(head), *args, **kwargs)

    async def follow(
        self,
        head: Handed | None,
        task: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
        shares: bool,
        items: bool,
    ) -> AsyncIterator[tuple[str, Any]]:
        """A task while it goes on: (SHARE, how far it is) where it tells that, and (ITEM, what it gives), one after
        the other where it gives several. It ends where nobody asks any more."""
        told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue(maxsize=8)  # the task waits for who follows
        loop, left = asyncio.get_running_loop(), threading.Event()

        def tell(kind: str, value: object = None) -> None:
            if left.is_set():
                raise _Left
            asyncio.run_coroutine_threadsafe(told.put((kind, value)), loop).result()

        def work() -> None:
            with suppress(_Left):
                try:
                    progress = {"progress": partial(tell, SHARE)} if shares else {}
                    found = task(self._headed(head), *args, **kwargs, **progress)
                    for item in found if items else [found]:
                        tell(ITEM, item)
                    tell(END)
                except Exception as error:  # raised where the task is followed
                    tell(END, error)

        at_work = loop.run_in_executor(None, work)
        try:
            while (each := await told.get())[0] != END:
                yield each
        finally:
            left.set()
            while not told.empty():  # a task that waits for a place finds one, and sees that it was left
                told.get_nowait()
        await at_work
        if each[1] is not None:
            raise each[1]

    def _headed(self, head: Handed | None) -> Classifier:
        """The network, or a head on it, that was handed over."""
        if head is None:
            return self._net
        with self._choosing:
            if head.sha256 not in self._heads:
                data = ray.get(head.data)
                if shelf.digest(data) != head.sha256:
                    raise WeightsError("A head came over damaged: its SHA-256 is another one. Ask again.")
                self._heads[head.sha256] = load_head(bytes(data)).as_classifier(self._net)
                if len(self._heads) > HEADS:
                    self._heads.popitem(last=False)
            self._heads.move_to_end(head.sha256)
            return self._heads[head.sha256]


class _Left(BaseException):
    """Nobody follows the task any more."""


def name_of(model: str, head: str | None = None) -> str:
    """What the application is called that serves a network of MODELS, or the head of that SHA-256."""
    return PREFIX + model if head is None else HEAD + head[:16]


def deploy(model: str, size: Size, head: bytes | None = None, hand_over: bool = True) -> str:
    """Serve a network, or a head on it, in the cluster that was joined; the name of the application. One that is
    served already is replaced, while it goes on answering.

    Its files go to nodes that lack them where hand_over is set. Raises ClusterError with what a replica said that
    cannot begin, and WeightsError where the files are not here.
    """
    find_model(model)
    if hand_over:
        shelf.hand_over(model)
    name = name_of(model, None if head is None else shelf.digest(head))
    replicas = (
        {"num_replicas": size.most}
        if size.least == size.most
        else {
            "autoscaling_config": {
                "min_replicas": size.least,
                "max_replicas": size.most,
                "target_ongoing_requests": MOST,
            }
        }
    )
    deployment = serve.deployment(
        Replica,
        name=NETWORK,
        ray_actor_options={"num_cpus": size.processors, "num_gpus": size.gpus},
        max_ongoing_requests=2 * MOST,
        max_queued_requests=QUEUE,
        health_check_period_s=HEALTH,
        max_constructor_retry_count=2,
        **replicas,
    )
    serve.start(proxy_location="Disabled")
    try:
        serve.run(deployment.bind(model, visionlab.__version__, head), name=name, route_prefix=None)
    except RuntimeError as error:
        raise ClusterError(
            _why(serve.status().applications.get(name)) or f"“{model}” cannot be served: {error}"
        ) from error
    return name


def check_answering(name: str) -> None:
    """Raises ClusterError where nobody answers for an application, and nobody begins to: a request would wait. Its
    cause is what the replicas said, for who runs the cluster."""
    application = serve.status().applications.get(name)
    if application is None:
        raise ClusterError(f"The cluster serves this network no more. {instead()}") from ClusterError(
            f"{name} was stopped: “cluster serve” serves it again"
        )
    if _has_failed(application):
        raise ClusterError(f"What computed this network in the cluster has failed. {instead()}") from ClusterError(
            _why(application) or f"{name} is {application.status.value}: “ray logs” has what its replicas said"
        )


def _has_failed(application: ApplicationStatusOverview) -> bool:
    there = {
        state for each in application.deployments.values() for state, count in each.replica_states.items() if count
    }
    return application.status in FAILED and not there & ALIVE


def instead() -> str:
    """What who asks can do where a network is not served: the sentence on the networks that are."""
    here = serve.status().applications
    names = [
        name.removeprefix(PREFIX)
        for name in served()
        if not name.startswith(HEAD) and here[name].status != ApplicationStatus.DELETING and not _has_failed(here[name])
    ]
    if not names:
        return "The cluster serves no network now; ask who runs it."
    one = "it" if len(names) == 1 else "one of them"
    return f"The cluster serves {' and '.join(map(title_of, names))}; choose {one}, or ask who runs it."


def _why(application: ApplicationStatusOverview | None) -> str:
    """The sentence by which the replicas of an application ended that failed; "" where they said none."""
    if application is None or application.status not in FAILED:
        return ""
    texts = "\n".join(each.message for each in application.deployments.values())
    kinds = {each.__name__ for each in (VisionlabError, *VisionlabError.__subclasses__(), WeightsError)}
    lines = [line.strip() for line in texts.splitlines()]
    told = [line.partition(": ")[2] for line in lines if line.partition(": ")[0].rpartition(".")[2] in kinds]
    return told[-1] if told else ""


def short(names: Sequence[str], size: Size) -> str:
    """The sentence on replicas that do not fit into the cluster now, of all that are to be served by these names; ""
    where they do. What is served by these names already is replaced, and does not count."""
    them = "1 network or head" if len(names) == 1 else f"{len(names)} networks and heads"
    return sizing.short(size, f"{them} × --min {size.least}", len(names), partial(_held, names))


def _held(names: Sequence[str], kind: str) -> float:
    """How much of a resource the replicas of these applications hold."""
    client = serve.context._get_global_client(raise_if_no_controller_running=False)  # the status has no sizes
    known = client.get_serve_details()["applications"] if client else {}
    deployments = [known[name]["deployments"].get(NETWORK) for name in names if name in known]
    return sum(
        len(each["replicas"]) * (each["deployment_config"]["ray_actor_options"].get(f"num_{kind.lower()}s") or 0.0)
        for each in deployments
        if each
    )


def served() -> list[str]:
    """The names of the applications of this project in the cluster."""
    return [name for name in serve.status().applications if name.startswith(PREFIX)]


def stop() -> list[str]:
    """Serve nothing any more; the names of what was served."""
    names = served()
    for name in names:
        serve.delete(name)
    return names
