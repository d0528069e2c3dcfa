"""Joining a cluster, of which every node has to have the same versions as this machine."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from dataclasses import dataclass

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import visionlab
from visionlab.errors import ClusterError

REACH = 3.0  # seconds in which something has to answer at the address
LOOK = 60.0  # seconds in which every node has to say what it has
NAMESPACE = "visionlab"  # of what is found by its name
START = "Start one with “ray start --head”, or name the address of one that runs."
# Ray ends a process whose cluster has been gone for a minute: an app server has more to do than that.
os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(10**9))
_joining = threading.Lock()
_doors: list[tuple[str, int]] = []  # where the cluster that was joined answers


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
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
    except ConnectionError as error:
        if address == "auto":
            raise ClusterError(f"No Ray cluster runs on this machine. {START}") from error
        raise ClusterError(
            f"The Ray cluster at {address} answers, and lets nobody in. Try again in a minute."
        ) from error
    except RuntimeError as error:
        raise ClusterError(_differing(str(error)) or f"The cluster at {address} cannot be joined: {error}") from error
    _doors[:] = [_door(ray.get_runtime_context().gcs_address if address == "auto" else address)]


def check_there() -> None:
    """Raises ClusterError where nothing answers any more where the cluster was joined: Ray itself would wait."""
    for host, port in _doors:
        try:
            _knock(host, port)
        except OSError as error:
            raise ClusterError(
                f"The Ray cluster at {host}:{port} is gone. Once it is back, start this anew."
            ) from error


def awaited(processors: float, gpus: float = 0.0) -> str:
    """The sentence on what has to become free before that many begin to work; "" where it is free now. Not an error:
    what others are at ends, and clusters grow."""
    free, all_of = ray.available_resources(), ray.cluster_resources()
    for kind, unit, asked in (("CPU", "processor", processors), ("GPU", "GPU", gpus)):
        there, has = free.get(kind, 0.0), all_of.get(kind, 0.0)
        if there < asked:
            units = unit if asked == 1 else f"{unit}s"
            return (
                f"This takes {asked:g} {units}; free are {there:g} of the cluster's {has:g}. It waits until more are; "
                "“cluster stop” frees what is served."
            )
    return ""


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
        found = ray.get([at(node) for node in nodes], timeout=LOOK)
    except RayError as error:
        raise ClusterError(
            f"A node of the cluster does not say what it has ({type(error).__name__}). Try again."
        ) from error
    for node, theirs in zip(nodes, found, strict=True):
        if theirs != visionlab.__version__:
            where = f"the node {node['NodeManagerAddress']}"
            raise ClusterError(differ("visionlab", visionlab.__version__, where, theirs))
