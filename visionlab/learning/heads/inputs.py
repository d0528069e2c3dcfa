"""Inputs: what a run learns from, in the making: its pictures and their views go through the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.errors import DatasetError
from visionlab.imaging.image import Image, fingerprint
from visionlab.learning.features.cache import FeatureCache
from visionlab.learning.features.embedding import Chosen, embed_cached, layer_batches
from visionlab.learning.features.source import embedder
from visionlab.learning.heads.block import Block, Maps, last_block
from visionlab.learning.heads.problem import Problem
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.sides import Sides
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine


class Inputs:
    """Iterate it for (done, of how many); after that, `features` (N, F) float32 of all pictures, and the problem.

    Views are of the training pictures alone. With maps, what enters the network's last block is kept as well.
    """

    def __init__(
        self,
        data: LabelledImages,
        net: Classifier,
        split: Sides,
        *,
        features: NDArray[np.float32] | None,
        views: tuple[str, ...],
        seed: int,
        cache: FeatureCache | None,
        precision: torch.dtype | None,
        maps: bool,
        engine: Engine | None = None,
    ):
        self.net = net = embedder(net)
        self.split, self.train, self.held_out = split, split.train, split.held_out
        self.views, self.seed = views, seed
        self.cache, self.precision, self.engine = cache, precision, engine
        self.labels, self.groups, self.classes = data.labels, data.groups, len(data.classes)
        self.features = features
        self.block: Block | None = Block(net, Maps(), *self._rows()) if maps else None
        self._extra: list[NDArray[np.float32]] = []  # of each view
        self._images: Sequence[Image] | None = data.images
        self._keys = data.keys

    def __iter__(self) -> Iterator[tuple[int, int]]:
        if self._images is None:
            return
        yield from self._through_network() if self.block is None else self._up_to_block(self.block)
        for features in (self.features, *self._extra):
            if not np.isfinite(features).all():
                raise DatasetError(f"{self.net.name} gave features that are no finite numbers. Use another network.")
        self._images = None  # a run that is kept must not keep all its pictures

    def _through_network(self) -> Iterator[tuple[int, int]]:
        names = [*([None] if self.features is None else []), *self.views]
        total = sum(len(self.labels) if name is None else len(self.train) for name in names)
        before, extra = 0, []
        for name in names:
            images, keys = self._images, self._keys
            if name is not None:
                images = Chosen(images, self.train, (), None, 0)
                keys = tuple(keys[index] for index in self.train) if keys else ()
            settings = {"view": name, "seed": self.seed, "precision": self.precision, "engine": self.engine}
            run = embed_cached(self.net, images, keys, self.cache, **settings)
            for done, _ in run:
                yield before + done, total
            before += len(run.features)
            if name is None:
                self.features = run.features
            else:
                extra.append(run.features)
        self._extra = extra

    def _up_to_block(self, block: Block) -> Iterator[tuple[int, int]]:
        images, (before, _) = self._images, last_block(self.net)
        keys = self._keys or tuple(fingerprint(image) for image in images) if self.views else ()
        looks = [Chosen(images, self.train, keys, name, self.seed) for name in self.views]
        total = sum(map(len, (images, *looks)))
        for pictures in (images, *looks):
            for values in layer_batches(self.net, pictures, before.name, precision=self.precision):
                block.maps.append(values)
                yield len(block.maps), total
        if self.features is None:
            self.features = block.features(self.net, np.arange(len(self.labels)))

    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the maps of the training pictures and their views (n, 1 + V) and of the held-out ones (m,) lie."""
        own = len(self.labels) + np.arange(len(self.views) * len(self.train)).reshape(len(self.views), len(self.train))
        return np.column_stack([self.train, *own]), self.held_out

    def problem(self, strength: float | None) -> Problem:
        """What the ways of training are given."""
        return self._problem(self.train, self.held_out, strength)

    def everything(self, strength: float | None) -> Problem:
        """The same with nothing held out; views are still those of the training pictures."""
        return self._problem(np.union1d(self.train, self.held_out), self.held_out[:0], strength)

    def _problem(self, own: NDArray[np.int64], held_out: NDArray[np.int64], strength: float | None) -> Problem:
        rows = np.concatenate([own, *(self.train for _ in self._extra)])
        features = np.concatenate([self.features[own], *self._extra]) if self._extra else self.features[own]
        labels, groups, fresh = self.labels[rows], self.groups[rows], self.features[held_out]
        return Problem(features, labels, groups, fresh, self.classes, self.seed, strength, self.block)
