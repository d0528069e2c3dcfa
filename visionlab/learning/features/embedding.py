"""Pictures → features: once through the frozen network, up to the layer that heads are trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.features.augmentation import check_views, view
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.source import embedder, network_fingerprint, reading
from visionlab.network.inside.activations import network_steps
from visionlab.network.running.chunks import through
from visionlab.network.running.classifier import BATCH, Classifier
from visionlab.network.running.engine import Engine, LocalEngine
from visionlab.network.running.precision import Halved

CPU = torch.device("cpu")
PLAIN = "plain"  # the picture itself, among its views


def layer_batches(
    net: Classifier,
    images: Sequence[Image],
    layer: str,
    batch: int = BATCH,
    precision: torch.dtype | None = None,
) -> Iterator[Tensor]:
    """What a layer answers, (n, …) on the network's device, batch after batch; pictures are decoded one by one, and
    the next batch is prepared while one goes through the network.

    precision is the dtype in which the network computes (visionlab.device.half_precision says which is worth it), or
    None for float32.
    """
    net = _in_precision(net, precision)
    for x in _prepared_batches(net, images, batch):
        yield _layer_values(net, layer, x)


def _layer_values(net: Classifier, layer: str, x: Tensor) -> Tensor:
    """What a layer answers, (n, …) on the network's device, to prepared pictures x (n, 3, H, W)."""
    last, steps = net.layer(layer).module, network_steps(net)
    steps = steps[: 1 + [path for path, _ in steps].index(last)]
    count = len(x)
    if count == 1:  # one alone is computed by other kernels, with other last bits; the same picture shall be
        x = x.expand(2, *x.shape[1:])  # the same features, in whatever company
    with torch.inference_mode():
        return through(net, steps, x.to(net.device))[:count]


def _prepared_batches(net: Classifier, images: Sequence[Image], batch: int) -> Iterator[Tensor]:
    """(n, 3, crop, crop) float32 on the CPU, batch after batch, while the next one is being prepared."""
    with ThreadPoolExecutor(2) as pool:  # leaves room for the network

        def prepare(start: int) -> list[Future[Tensor]]:
            whole = range(start, min(start + batch, len(images)))
            return [pool.submit(_prepared, net, images, index) for index in whole]

        following = prepare(0)
        for start in range(0, len(images), batch):
            x = torch.cat([future.result() for future in following])
            following = prepare(start + batch)
            yield x


def _prepared(net: Classifier, images: Sequence[Image], index: int) -> Tensor:
    return net.transform([images[index]], CPU)


def read_features(net: Classifier, values: Tensor) -> Tensor:
    """The embedding layer's values (N, …) as features (N, F) float32."""
    values = values.float()
    for _, step in reading(net.layer(net.embedding), net.unit_length):
        values = step(values)
    return values


def features_of(net: Classifier, x: Tensor, precision: torch.dtype | None = None) -> NDArray[np.float32]:
    """Features (n, F) float32 of pictures x (n, 3, H, W) that were prepared for embedder(net): a task for an Engine."""
    net = _in_precision(net, precision)
    values = _layer_values(net, net.embedding, x)
    with torch.inference_mode():
        return read_features(net, values).cpu().numpy()


def _in_precision(net: Classifier, precision: torch.dtype | None) -> Classifier:
    """With a copy of its weights: a fifth quicker than casting them anew for each batch."""
    return net if precision is None else replace(net, module=Halved(net.module, precision))


def embedding_batches(
    net: Classifier,
    images: Sequence[Image],
    batch: int = BATCH,
    precision: torch.dtype | None = None,
    engine: Engine | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Features (n, F) float32 of one batch after the other, computed by an engine of this network, or (None) here; only
    two batches of pictures are in memory at a time, or as many as the engine takes."""
    if engine is None:  # one copy for all batches
        engine, precision = LocalEngine(_in_precision(net, precision)), None
    yield from engine.map(partial(features_of, precision=precision), _prepared_batches(net, images, batch))


def embed(
    net: Classifier,
    images: Sequence[Image],
    progress: Callable[[int, int], None] | None = None,
    precision: torch.dtype | None = None,
) -> NDArray[np.float32]:
    """Features (N, F) float32 at the network's embedding layer and side; progress is told (done, of how many)."""
    run = embed_cached(net, images, precision=precision)
    for done, total in run:
        if progress:
            progress(done, total)
    return run.features


class Embedding:
    """Features in the making: iterate it for (done, of how many); `features` (N, F) float32 is whole after that."""

    def __init__(
        self,
        net: Classifier,
        images: Sequence[Image],
        keys: Sequence[str],
        cache: FeatureCache | None,
        view: str | None,
        seed: int,
        precision: torch.dtype | None,
        engine: Engine | None = None,
    ):
        self.engine = engine
        self.net, self.images, self.keys, self.cache = embedder(net), images, keys, cache
        self.view, self.seed, self.precision = view, seed, precision
        self.features = np.zeros((0, 0), np.float32)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        keys = self.keys
        if not keys and (self.cache or self.view):
            keys = [fingerprint(image) for image in self.images]
        scaled = " unit length" * self.net.unit_length
        network = f"{network_fingerprint(self.net)} {self.net.embedding}{scaled} {self.net.transform} {self.precision}"
        look = PLAIN if self.view is None else f"{self.view} {self.seed}"
        names = [f"{key} {look}" for key in keys]
        known = self.cache.find(network, names) if self.cache else {}
        wanted = [index for index in range(len(self.images)) if not names or names[index] not in known]
        total, done = len(self.images), len(self.images) - len(wanted)
        if done:
            yield done, total
        pictures = Chosen(self.images, wanted, keys, self.view, self.seed)
        rows: dict[int, NDArray[np.float32]] = {}
        for features in embedding_batches(self.net, pictures, precision=self.precision, engine=self.engine):
            fresh = dict(zip(wanted[len(rows) : len(rows) + len(features)], features, strict=True))
            rows |= fresh
            if self.cache:
                self.cache.keep(network, {names[index]: row for index, row in fresh.items()})
            yield done + len(rows), total
        if total:
            self.features = np.stack([rows[i] if i in rows else known[names[i]] for i in range(total)])


class Chosen(Sequence[Image]):
    """Some of the pictures, each in a view or (None) as it is, made at each look."""

    def __init__(
        self, images: Sequence[Image], indices: Sequence[int], keys: Sequence[str], view: str | None, seed: int
    ):
        self.images, self.indices, self.keys, self.view, self.seed = images, indices, keys, view, seed

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Image:
        index = int(self.indices[place])
        image = self.images[index]
        return image if self.view is None else view(image, self.view, self.keys[index], self.seed)


def embed_cached(
    net: Classifier,
    images: Sequence[Image],
    keys: Sequence[str] = (),
    cache: FeatureCache | None = None,
    *,
    view: str | None = None,
    seed: int = 0,
    precision: torch.dtype | None = None,
    engine: Engine | None = None,
) -> Embedding:
    """Features of pictures, or of a view of them, through a cache: only what it does not know goes through the network,
    which pictures enter at its embedding_side.

    keys name the contents of the pictures (LabelledImages.keys); without them they are worked out. view is a name in
    VIEWS, or None for the pictures as they are; seed belongs to the view. engine computes for `net` (None: this
    process). Raises ParameterError for an unknown view or
    keys of another number of pictures.
    """
    if view is not None:
        check_views([view])
    if len(keys) not in (0, len(images)):
        raise ParameterError(f"There are keys of {len(keys)} pictures for {len(images)} pictures.")
    return Embedding(net, images, keys, cache, view, seed, precision, engine)
