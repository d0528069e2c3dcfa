"""Which engine computes for the app: the one that the environment variable VISIONLAB_ENGINE chooses."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from visionlab import limits
from visionlab.errors import ClusterError, ParameterError, VisionlabError, log_line
from visionlab.learning.heads.head import Head
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine, LocalEngine

GOOD = "“auto” for the cluster that this machine belongs to, ray://host:10001 for another, or nothing for this process"
# From the folder: what a registry has under this name is somebody else's.
MISSING = "A cluster needs Ray, which is not installed here. Bring it, in visionlab’s folder: pip install '.[cluster]'"


@dataclass(frozen=True)
class Choice:
    """engine_of(net, head): who computes for a network of MODELS, or for the head that was put on it. told: where that
    is, in a few words; "" for this process. problem: a sentence on why it is not where it was asked for; "" else."""

    engine_of: Callable[[Classifier, Head | None], Engine]
    told: str = ""
    problem: str = ""


def chosen() -> Choice:
    """The choice of the environment as it is now. Where the cluster that it names cannot be joined, this process
    computes, and `problem` says so."""
    asked = os.environ.get(limits.ENGINE, "")
    if asked in ("", "local"):
        return Choice(_local)
    try:
        return _cluster(asked)
    except VisionlabError as error:
        problem = f"{error} Meanwhile, this server computes by itself."
        log_line(f"{limits.ENGINE}: {problem}", error.__cause__)
        return Choice(_local, problem=problem)


def check_address(address: str) -> None:
    """Raises ParameterError for what is no address of a cluster, and ClusterError where there is no Ray here."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address != "auto" and not (host and port.isdecimal() and "/" not in host):
        raise ParameterError(f"“{address}” is no address of a cluster: {GOOD}.")
    if find_spec("ray") is None:
        raise ClusterError(MISSING)


def _local(net: Classifier, _: Head | None) -> Engine:
    return LocalEngine(net)


def _cluster(address: str) -> Choice:
    check_address(address)
    from visionlab.cluster import engine, joining

    joined = joining.join(address)
    return Choice(engine.engine_of, joined.told)
