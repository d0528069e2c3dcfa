"""The last block of a network, and what enters it: kept in a file, for it alone learns when it is fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile
from tempfile import TemporaryFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.errors import DatasetError, ModelError
from visionlab.learning.features.embedding import read_features
from visionlab.network.running.chunks import in_parts, on_cpu
from visionlab.network.running.classifier import BATCH, Classifier, Layer


def last_block(net: Classifier) -> tuple[Layer, tuple[str, ...]]:
    """The layer before the last block that has places and lies before the embedding, and the block's parameters, by
    their keys in the network's state_dict.

    Raises ModelError where that block is the network's first.
    """
    reached = net.layers[: net.layers.index(net.layer(net.embedding)) + 1]
    block = [layer.block for layer in reached if layer.in_place][-1]
    inside = [layer for layer in reached if layer.in_place and layer.block == block]
    first = reached.index(inside[0])
    if first == 0:
        raise ModelError(f"{net.name} is a single block, so it has no last one to fine-tune. Train a linear head.")
    steps, names = dict(net.module.steps()), {id(value): name for name, value in net.module.named_parameters()}
    modules = [steps[layer.module] for layer in inside]
    learned = [value for module in modules if isinstance(module, nn.Module) for value in module.parameters()]
    return reached[first - 1], tuple(names[id(value)] for value in learned)


class Maps:
    """Rows of what enters the block, float32 in a file without a name, that goes when the object does."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 — open as long as the object
        self._shape: tuple[int, ...] = ()
        self._length = 0
        self._rows: NDArray[np.float32] | None = None

    def append(self, batch: Tensor) -> None:
        """More rows, (n, C, H, W). Raises DatasetError where the disk is full."""
        values = batch.float().cpu().numpy()
        try:
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
        except OSError as error:
            raise DatasetError(
                f"There is no room for what the network says of the pictures ({error.strerror}). "
                "Free some disk, or take fewer pictures or views."
            ) from error
        self._shape, self._rows = values.shape[1:], None
        self._length += len(values)

    def __len__(self) -> int:
        return self._length

    def rows(self, indices: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """(len(indices), C, H, W) float32, a copy."""
        if self._rows is None:
            self._rows = np.memmap(self._file, np.float32, "r", shape=(self._length, *self._shape))
        return torch.from_numpy(self._rows[indices])


@dataclass(frozen=True, eq=False)
class Block:
    """A network's last block: what enters it (maps), and in which rows of that the training pictures are, (n, 1 + V)
    with their V views, and the held-out ones, (m,)."""

    net: Classifier
    maps: Maps
    variants: NDArray[np.int64]
    held_out: NDArray[np.int64]

    def features(self, net: Classifier, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(rows), F) float32: what the last block of `net` and what follows it make of these rows, in float32."""
        found = [_through(net, self.maps.rows(rows[i : i + BATCH])) for i in range(0, len(rows), BATCH)]
        return torch.cat(found).numpy()


@torch.no_grad()
def _through(net: Classifier, values: Tensor) -> Tensor:
    def features(part: Tensor, net: Classifier = net) -> Tensor:
        return read_features(net, through_block(net, part.to(net.device))).cpu()

    found = in_parts(features, values)
    return features(values, on_cpu(net)) if found is None else found


def through_block(net: Classifier, values: Tensor) -> Tensor:
    """What enters the last block → the embedding layer's values."""
    before, _ = last_block(net)
    end = net.layer(net.embedding).module
    _, *steps = dropwhile(lambda named: named[0] != before.module, net.module.steps())
    for path, step in steps:
        values = step(values)
        if path == end:
            break
    return values
