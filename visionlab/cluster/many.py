"""Very many pictures through one network: Ray Data reads, decodes and computes on every node, and what comes out is
written here, a shard after the other.

A picture is read, decoded and computed in one actor with a warm network, by as many threads as it has processors: what
goes over the network is the picture's file, a hundredth of what the network takes. Actors that die, with their nodes,
are replaced, and what they were at is done again.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import ray
from numpy.typing import NDArray
from ray.data.read_api import from_blocks  # from_arrow asks for a whole processor, which a serving cluster may lack
from ray.exceptions import RayError, RayTaskError

import visionlab
from visionlab.cluster import listing, shelf
from visionlab.cluster.joining import check_there, differ, watched
from visionlab.cluster.listing import Named
from visionlab.cluster.shards import ROWS, Shards
from visionlab.cluster.sizing import Size
from visionlab.errors import ClusterError, ParameterError, VisionlabError
from visionlab.learning.answers.many import Embedded, Found, Source, Unreadable, embed_many, predict_many
from visionlab.learning.features.source import network_fingerprint
from visionlab.learning.heads.head import load_head
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.loading import load_classifier

BLOCK = 64  # pictures that an actor is given at a time
WINDOW = 64  # shards whose names are under way: bounds the memory, whatever the number of pictures
GOES_ON = "the same command goes on where it stopped"
OUTSIDE = "Ray Data does not work by ray://. Give out work on folders from a node of the cluster, with --cluster auto."


@dataclass(frozen=True)
class Work:
    """What is done with each picture: by which network of MODELS, or head (the bytes of its file) on it; kind is a name
    in KINDS; top, how many answers are kept."""

    model: str
    kind: str
    head: bytes | None = None
    top: int = 5

    def job(self, net: Classifier) -> dict[str, object]:
        """What has to be the same for it to go on."""
        head = None if self.head is None else shelf.digest(self.head)
        return {"kind": self.kind, "network": network_fingerprint(net), "head": head, "top": self.top}

    def net(self) -> Classifier:
        base = load_classifier(self.model)
        return base if self.head is None else load_head(self.head).as_classifier(base)


@dataclass(frozen=True)
class Step:
    """So many of all pictures are in shards."""

    done: int
    total: int


def begun(
    work: Work, names: Iterable[Named], about: Mapping[str, object], folder: Path, ending: str, rows: int = ROWS
) -> Shards:
    """The folder of the shards, with what is in it by now; about: what else has to be the same for it to go on.

    Raises as `names` does, and as Shards.begun; ParameterError outside of the cluster, since what a node gives out
    there has to be read by Ray Data here.
    """
    if ray.util.client.ray.is_connected():
        raise ParameterError(OUTSIDE)
    return Shards.begun(folder, names, {**about, **work.job(work.net())}, ending, rows)


def run(work: Work, shards: Shards, size: Size, hand_over: bool = True) -> Iterator[Step]:
    """Do it, on the cluster that was joined, with all pictures whose shards are not there.

    Weights go to nodes that lack them where hand_over is set. Raises ClusterError where the cluster is lost; what is
    done stays.
    """
    if hand_over:
        shelf.hand_over(work.model)
    yield from _computed(work, shards, size)


def _computed(work: Work, shards: Shards, size: Size) -> Iterator[Step]:
    done = sum(min(shards.rows, shards.total - number * shards.rows) for number in shards.done)
    yield Step(done, shards.total)
    pending = shards.pending()
    while window := list(itertools.islice(pending, WINDOW)):
        numbers = iter([number for number, _ in window])
        names = [name for _, names in window for name in names]
        for table in watched(_tables(work, names, size, shards.rows), partial(check_there, GOES_ON)):
            shards.write(next(numbers), table)
            done += len(table)
            yield Step(done, shards.total)


def _tables(work: Work, names: Sequence[Named], size: Size, rows: int) -> Iterator[pa.Table]:
    """What comes of the pictures, in their order, so many rows at a time."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    blocks = [names[start : start + BLOCK] for start in range(0, len(names), BLOCK)]
    data = from_blocks([_block(each) for each in blocks])
    looked = data.map_batches(
        Actor,
        fn_constructor_args=(work, visionlab.__version__),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=size.processors,
        num_gpus=size.gpus or None,
        compute=ray.data.ActorPoolStrategy(min_size=size.least, max_size=max(size.least, size.most)),
    )
    try:
        yield from looked.iter_batches(batch_size=rows, batch_format="pyarrow", prefetch_batches=0)
    except RayTaskError as error:
        if isinstance(error.cause, VisionlabError):
            raise error.cause from error
        raise
    except RayError as error:
        check_there(GOES_ON)
        told = f"The cluster was lost ({type(error).__name__}). Once it is back, {GOES_ON}."
        raise ClusterError(told) from error


def _block(names: Sequence[Named]) -> pa.Table:
    addresses = pa.array([os.fsencode(each.address) for each in names], pa.binary())
    return pa.table({"name": addresses, "picture": pa.array([each.picture for each in names], pa.bool_())})


class Actor:
    """Where the pictures are looked at: a network that is loaded once."""

    def __init__(self, work: Work, version: str) -> None:
        if version != visionlab.__version__:
            node = f"the node {ray.util.get_node_ip_address()}"
            raise ClusterError(differ("visionlab", version, node, visionlab.__version__))
        shelf.bring(work.model)
        self._work, self._net = work, work.net()

    def __call__(self, block: pa.Table) -> pa.Table:
        names = [Named(os.fsdecode(row["name"]), row["picture"]) for row in block.to_pylist()]
        sources = [Source(each.address, partial(listing.load, each)) for each in names]
        return KINDS[self._work.kind](self._net, sources, self._work)


def _said(net: Classifier, sources: Sequence[Source], work: Work) -> pa.Table:
    """file, answer_1, probability_1 …, problem; of a head that refuses, refused, distance and limit, too."""
    found = list(predict_many(net, sources, work.top, thumbnail=None))
    count = min(work.top, len(net.labels))
    answers = [each if isinstance(each, Found) else None for each in found]
    columns: dict[str, pa.Array] = {"file": _texts([each.name for each in found])}
    if net.refusal is not None:
        said = [each and each.answer for each in answers]
        columns["refused"] = pa.array([each and each.refused for each in said], pa.bool_())
        for name in ("distance", "limit"):
            columns[name] = pa.array([None if each is None else getattr(each, name) for each in said], pa.float64())
    for place in range(count):
        told = [each and each.predictions[place] for each in answers]
        columns[f"answer_{place + 1}"] = _texts([each and each.label for each in told])
        columns[f"probability_{place + 1}"] = pa.array([each and each.probability for each in told], pa.float32())
    return pa.table(columns | {"problem": _problems(found)})


def _embedded(net: Classifier, sources: Sequence[Source], work: Work) -> pa.Table:
    """file, features (F) float32, problem."""
    return _features(net, list(embed_many(net, sources)))


def _labelled(net: Classifier, sources: Sequence[Source], work: Work) -> pa.Table:
    """The same with what tells copies and near-duplicates: key, hashes and small (learning/sets/copies.py)."""
    found = list(embed_many(net, sources, tells=True))
    tells = [each.tells if isinstance(each, Embedded) else (None, None, None) for each in found]
    return (
        _features(net, found)
        .append_column("key", pa.array([key for key, _, _ in tells], pa.string()))
        .append_column("hashes", _bytes(hashes for _, hashes, _ in tells))
        .append_column("small", _bytes(small for _, _, small in tells))
    )


def _features(net: Classifier, found: Sequence[Embedded | Unreadable]) -> pa.Table:
    rows = [each.features if isinstance(each, Embedded) else None for each in found]
    return pa.table(
        {
            "file": _texts([each.name for each in found]),
            "features": pa.array(rows, pa.list_(pa.float32())),
            "problem": _problems(found),
        }
    )


def _bytes(arrays: Iterable[NDArray | None]) -> pa.Array:
    return pa.array([None if array is None else array.tobytes() for array in arrays], pa.binary())


def _problems(found: Sequence[object]) -> pa.Array:
    return _texts([each.why if isinstance(each, Unreadable) else None for each in found])


def _texts(texts: Sequence[str | None]) -> pa.Array:
    """What is no text in a name, which Linux allows, is written as an escape."""
    return pa.array([text and text.encode("utf-8", "backslashreplace").decode() for text in texts], pa.string())


KINDS: dict[str, Callable[[Classifier, Sequence[Source], Work], pa.Table]] = {
    "predict": _said,
    "embed": _embedded,
    "train": _labelled,
}
