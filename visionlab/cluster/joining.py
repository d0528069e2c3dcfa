"""Joining a cluster, of which every node has to have the same versions as this machine."""

from __future__ import annotations

import os
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import visionlab
from visionlab.errors import ClusterError

REACH = 3.0  # seconds in which something has to answer at the address
LOOK_EVERY = 4.0  # seconds of waiting, after each of which the cluster is looked for
SAYING = 60.0  # seconds in which every node has to say what it has
NAMESPACE = "visionlab"  # of what is found by its name
ANEW = "start this anew"  # what is to be done once a cluster that went is back
START = "Start one with “ray start --head”, or name the address of one that runs."
# Ray ends a process whose cluster has been gone for a minute: an app server has more to do than that.
os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(10**9))
_joining = threading.Lock()
_doors: list[tuple[str, int, str]] = []  # where the cluster that was joined answers, and this machine's part of it
_joined = ["auto"]  # the address by which it was
T = TypeVar("T")


@dataclass(frozen=True)
class Joined:
    """A cluster that this process belongs to: its address, and how many nodes and processors it had then."""

    address: str
    nodes: int
    processors: int

    @property
    def told(self) -> str:
        """Where it is; how large it is changes while it is at work."""
        return "Ray cluster" if self.address == "auto" else f"Ray cluster at {self.address.removeprefix('ray://')}"


def join(address: str) -> Joined:
    """Join the cluster at ray://host:port (from outside) or host:port (from one of its nodes), or (auto) the one of
    this machine; a second time, and in another thread, it is the one that was joined.

    Raises ClusterError where nothing answers there, or versions differ: both are named.
    """
    with _joining:
        if not ray.is_initialized():
            _connect(address)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        _compare(nodes)
    processors = sum(int(node["Resources"].get("CPU", 0)) for node in nodes)
    return Joined(address, len(nodes), processors)


def _connect(address: str) -> None:
    if address != "auto":
        try:
            _knock(*_door(address))
        except OSError as error:
            raise ClusterError(f"No Ray cluster answers at {address} ({error.strerror or error}). {START}") from error
    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level="error")
    except ConnectionError as error:
        if address == "auto":
            raise ClusterError(f"No Ray cluster runs on this machine. {START}") from error
        raise ClusterError(
            f"The Ray cluster at {address} answers, and lets nobody in. Try again in a minute."
        ) from error
    except RuntimeError as error:
        raise ClusterError(_differing(str(error)) or f"The cluster at {address} cannot be joined: {error}") from error
    _joined[:] = [address]
    host, port = _door(ray.get_runtime_context().gcs_address if address == "auto" else address)
    _doors[:] = [(host, port, f"The Ray cluster at {host}:{port}"), *_own()]


def _own() -> list[tuple[str, int, str]]:
    """Where the raylet of this machine answers, after whose end Ray ends this process without a word; nowhere by
    Ray's client."""
    if ray.util.client.ray.is_connected():
        return []
    own = ray.get_runtime_context().get_node_id()
    doors = [(node["NodeManagerAddress"], node["NodeManagerPort"]) for node in ray.nodes() if node["NodeID"] == own]
    return [(host, port, f"Ray on this machine ({host})") for host, port in doors]


class GoneError(ClusterError):
    """A cluster that was joined answers no more."""


def check_there(then: str = ANEW) -> None:
    """Raises GoneError where nothing answers any more where the cluster was joined: Ray itself would wait. then:
    what is to be done once it is back."""
    for host, port, name in _doors:
        try:
            _knock(host, port)
        except OSError as error:
            raise GoneError(f"{name} is gone. Once it is back, {then}.") from error


def watched(items: Iterator[T], check: Callable[[], None] = check_there) -> Iterator[T]:
    """The items, each looked for in a thread once it is asked for; `check` raises what ends the waiting."""
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
    found: queue.SimpleQueue[tuple[bool, T | Exception | None]] = queue.SimpleQueue()

    def look() -> None:
        try:
            while asked.get():
                found.put((True, next(items)))
        except StopIteration:
            found.put((False, None))
        except Exception as error:  # raised where it is asked for
            found.put((False, error))

    threading.Thread(target=look, daemon=True).start()  # one that Ray never answers is left behind
    try:
        while True:
            asked.put(True)
            more, item = _looked(found, check)
            if more:
                yield item
            elif item is None:
                return
            else:
                raise item
    finally:
        asked.put(False)


def _looked(found: queue.SimpleQueue[T], check: Callable[[], None]) -> T:
    while True:
        try:
            return found.get(timeout=LOOK_EVERY)
        except queue.Empty:
            check()


def option() -> str:
    """What the shell has to be told of the cluster that was joined, behind its command."""
    return "" if _joined[0] == "auto" else f" --address {_joined[0]}"


def _door(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.strip("[]"), int(port)


def _knock(host: str, port: int) -> None:
    socket.create_connection((host, port), REACH).close()


def _differing(text: str) -> str:
    """The sentence on Ray's own refusal of another version of itself, or of Python; "" for any other text."""
    found = re.findall(r"(Ray|Python): ([\w.+-]+)", text)
    if len(found) < 4:
        return ""
    theirs, ours = dict(found[:2]), dict(found[2:4])
    return " ".join(
        differ(name, ours[name], "the cluster", theirs[name]) for name in theirs if theirs[name] != ours[name]
    )


def differ(name: str, here: str, where: str, there: str | None) -> str:
    """The sentence on versions that are not the same; None where one is missing."""
    has = f"has {there}" if there else "has none"
    return f"This machine has {name} {here}, and {where} {has}. Install the same version on both."


def _compare(nodes: list[dict]) -> None:
    """Raises ClusterError where a node has another version of visionlab than this machine, or none."""

    @ray.remote(num_cpus=0, max_retries=1)
    def version() -> str | None:  # sent by its value, since it also asks nodes that lack this module
        try:
            import visionlab as found
        except ImportError:
            return None
        return found.__version__

    def at(node: dict) -> ray.ObjectRef:
        return version.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote()

    try:
        found = ray.get([at(node) for node in nodes], timeout=SAYING)
    except RayError as error:
        raise ClusterError(
            f"A node of the cluster does not say what it has ({type(error).__name__}). Try again."
        ) from error
    for node, theirs in zip(nodes, found, strict=True):
        if theirs != visionlab.__version__:
            where = f"the node {node['NodeManagerAddress']}"
            raise ClusterError(differ("visionlab", visionlab.__version__, where, theirs))
