"""Shelf: weight files that are handed, through Ray's object store, to nodes that lack them.

What a node takes from it is compared with the file's SHA-256, as what comes from anywhere else.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import ray

from visionlab.cluster.joining import NAMESPACE
from visionlab.errors import ClusterError
from visionlab.network.files import weights
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo.models import find_model

NAME = "visionlab-weights"


def digest(data: bytes) -> str:
    """The SHA-256 of what is handed over."""
    return hashlib.sha256(data).hexdigest()


@ray.remote(num_cpus=0, max_restarts=0)
class _Shelf:
    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> None:
        self._files[name] = data

    def get(self, name: str) -> bytes | None:
        return self._files.get(name)


def hand_over(model: str) -> None:
    """Put the files of a network, which are here, where every node finds them. Raises WeightsError where one is not."""
    shelf = _Shelf.options(name=NAME, namespace=NAMESPACE, lifetime="detached", get_if_exists=True).remote()
    for file in find_model(model).files:
        path = weights.fetch(file)
        weights.compare(path, file).check(wait=True)
        ray.get(shelf.put.remote(file.name, ray.put(path.read_bytes())))  # of arguments Ray's client wants less


def bring(model: str) -> None:
    """On a node: the files of a network that it lacks, taken from the shelf. Raises ClusterError where they are not
    there either, and WeightsError where what comes is not what the file's digits say."""
    for file in find_model(model).files:
        if not weights.is_here(file):
            weights.take(file, _from_shelf(file))


def _from_shelf(file: WeightFile) -> bytes:
    try:
        shelf = ray.get_actor(NAME, namespace=NAMESPACE)
        data = ray.get(shelf.get.remote(file.name))
    except ValueError:  # nobody has handed over anything
        data = None
    if data is None:
        node = ray.util.get_node_ip_address()
        raise ClusterError(
            f"The node {node} lacks {file.name}. Put it into {Path(weights.folder())} there, or serve with --hand-over."
        )
    return data
