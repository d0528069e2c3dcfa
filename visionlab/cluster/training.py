"""A head from very many labelled pictures: their features go into shards, by Ray Data, and the head is learned here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionlab.cluster import listing
from visionlab.cluster.listing import Named
from visionlab.cluster.shards import Shards
from visionlab.learning.heads.streamed import fit_streamed
from visionlab.learning.heads.training import Fit, fit
from visionlab.learning.sets.archive import arranged, read_folder
from visionlab.learning.sets.copies import HASHES, Looked
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.layout import Arranged
from visionlab.learning.sets.similar import SMALL
from visionlab.network.running.classifier import Classifier

COPIES = 60  # bytes for a feature of a picture while a linear head is learned in memory: it is there in several forms


def labelled(address: str, parts: bool | None = None) -> Arranged[str]:
    """The addresses of the pictures of a set, a folder of one folder a class, by class; laid out as for
    LabelledImages.from_folder, and anywhere. Raises as that does."""
    if not listing.REMOTE.match(address):
        found = read_folder(address, parts=parts)
        classes = {
            name: [each._replace(source=str(each.source)) for each in items] for name, items in found.classes.items()
        }
        return Arranged(classes, found.told)
    root = address.rstrip("/")
    files = {PurePosixPath(name.removeprefix(root)).parts[1:]: (name, bytes) for name, _ in listing.listed([root])}
    folders = {path[:depth] for path in files for depth in range(1, len(path))}
    return arranged(files, sorted(folders), parts=parts)


def names_of(found: Arranged[str]) -> list[str]:
    """The addresses of all pictures, class after class."""
    return [each.source for items in found.classes.values() for each in items]


def about(found: Arranged[str]) -> dict[str, object]:
    """What has to be the same for the work on a set to go on: which pictures it has."""
    return {"set": hashlib.sha256("\n".join(names_of(found)).encode("utf-8", "surrogateescape")).hexdigest()}


def fits(shards: Shards, free: int | None) -> bool:
    """Whether a head can be learned of these features in memory, of which so many bytes are free."""
    width = next((rows.shape[1] for rows in read(shards)), 0)
    return free is None or shards.total * width * COPIES < free / 2


def fitted(
    found: Arranged[str], shards: Shards, net: Classifier, *, streamed: bool, **settings: object
) -> tuple[Fit, LabelledImages]:
    """A run that trains a head of a set whose features are in shards, and the pictures: settings as of training.fit.

    What is held in memory is, for each picture, what tells near-duplicates (5 kB) and its features, and the result is
    that of training.fit on the pictures; streamed, a hundred bytes, so that copies alone are found, and the features
    are read again and again: a linear head.
    """
    looked: list[Looked | str] = []
    for table in shards.tables(["problem", "key", *([] if streamed else ["hashes", "small"])]):
        looked += _looks(table, streamed)
    entries = [(name, each) for name, items in found.classes.items() for each in items]
    for place, ((_, entry), each) in enumerate(zip(entries, looked, strict=True)):
        if isinstance(each, str):
            looked[place] = f"“{entry.path}” cannot be read: {each}"
    sources: dict[str, list] = {name: [] for name in found.classes}
    for name, entry in entries:
        sources[name].append((entry.name, partial(listing.load, Named(entry.source))))
    parts, paths = [entry.part for _, entry in entries], [entry.path for _, entry in entries]
    pictures = LabelledImages.from_looked(sources, looked, parts=parts, told=found.told, paths=paths, near=not streamed)
    keys = [each[0] for each in looked if not isinstance(each, str)]
    first = {key: place for place, key in reversed([*enumerate(keys)])}  # of copies it is the one that is taken
    used = np.zeros(len(keys), bool)
    used[[first[key] for key in pictures.keys]] = True
    features = partial(read, shards, used)
    if streamed:
        return fit_streamed(pictures, net, features, **settings), pictures
    return fit(pictures, net, features=np.concatenate([*features()]), **settings), pictures


def read(shards: Shards, used: NDArray[np.bool_] | None = None) -> Iterator[NDArray[np.float32]]:
    """The features of the M pictures that could be read, (n, F), shard after shard. used: bool (M,), of which of these;
    of all without."""
    start = 0
    for table in shards.tables(["features"]):
        column = table["features"].combine_chunks().drop_null()
        if len(column):
            rows = column.flatten().to_numpy().reshape(len(column), -1)
            yield rows if used is None else rows[used[start : start + len(rows)]]
            start += len(rows)


def _looks(table: pa.Table, streamed: bool) -> Iterator[Looked | str]:
    for row in table.to_pylist():
        if row["problem"]:
            yield row["problem"]
        elif streamed:
            yield row["key"], _NOTHING, _NOTHING
        else:
            hashes, small = np.frombuffer(row["hashes"], np.uint64), np.frombuffer(row["small"], np.uint8)
            yield row["key"], hashes.reshape(HASHES), small.reshape(SMALL, SMALL)


_NOTHING = np.zeros(0, np.uint64)
