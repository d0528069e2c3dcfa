"""Fine-tuning the last block of a network, from the linear head on: Yosinski et al. 2014, Kornblith et al. 2019.

What enters the block is computed once for each view of each picture and kept in a file, so that an epoch runs the
block alone. The network itself is shared, and never changed: a private copy of the block learns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from tempfile import TemporaryFile

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.device import half_precision
from visionlab.errors import DatasetError, ModelError
from visionlab.learning.features.embedding import read_features
from visionlab.learning.heads.descent import BATCH, Descent
from visionlab.learning.heads.head import with_values
from visionlab.learning.heads.linear import Parts, Problem, Scale, Trial, logistic
from visionlab.network.running.classifier import Classifier, Layer

START_EPOCHS = 40  # of the linear head that it starts from
BLOCK_RATE, HEAD_RATE, DECAY = 1e-4, 1e-3, 0.01


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
        return torch.cat(found).cpu().numpy()


@torch.no_grad()
def _through(net: Classifier, values: Tensor) -> Tensor:
    return read_features(net, _block(net, values.to(net.device)))


def _block(net: Classifier, values: Tensor) -> Tensor:
    """What enters the last block → the embedding layer's values."""
    before, _ = last_block(net)
    end = net.layer(net.embedding).module
    _, *steps = dropwhile(lambda named: named[0] != before.module, net.module.steps())
    for path, step in steps:
        values = step(values)
        if path == end:
            break
    return values


def fine_tune(
    problem: Problem, epochs: int, done: int = 0, state: Mapping[str, NDArray] | None = None
) -> Iterator[Trial]:
    """The last block and the head learn together, by AdamW at small rates; the first epoch is the linear head itself.

    An epoch takes each training picture, or one of its views, by chance. Computes in bfloat16 where the device does so
    natively; what it answers for the held-out pictures is computed in float32. done epochs are behind it where it goes
    on from a state.
    """
    block, net = problem.block, problem.block.net
    maps, variants = block.maps, block.variants
    (start,) = deque(logistic(problem, START_EPOCHS), maxlen=1)
    if done == 0:
        yield start
        done = 1
    linear, scale = start.parts(), Scale.of(torch.from_numpy(problem.features).to(net.device))
    weight = torch.from_numpy(linear.weights).to(net.device) * scale.spread.masked_fill(scale.spread.isinf(), 0)
    bias = torch.from_numpy(linear.bias).to(net.device) + torch.from_numpy(linear.weights).to(net.device) @ scale.mean
    keys = last_block(net)[1]
    known = net.module.state_dict()
    private = with_values(net.module, {key: known[key].clone() for key in keys})
    inside = dict(private.named_parameters())
    tuned = {key: inside[key] for key in keys}
    rates = dict.fromkeys(tuned, BLOCK_RATE) | dict.fromkeys(("head.weight", "head.bias"), HEAD_RATE)
    parameters = tuned | {"head.weight": weight, "head.bias": bias}
    descent = Descent(parameters, rates, DECAY, epochs, problem.seed, state)
    learner = replace(net, module=private)
    labels = torch.from_numpy(problem.labels).to(net.device)
    half = half_precision(net.device)

    def logits(features: Tensor) -> Tensor:
        return F.linear(scale(features), weight, bias)

    def loss_of(indices: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        rows = variants[indices, rng.integers(variants.shape[1], size=len(indices))]
        with torch.autocast(net.device.type, half, enabled=half is not None, cache_enabled=False):
            values = _block(learner, maps.rows(rows).to(net.device))
        return F.cross_entropy(logits(read_features(learner, values)), labels[indices])

    def parts() -> Parts:
        folded = scale.folded(weight, bias)
        return Parts(*folded, tuned={key: value.detach().cpu().numpy().copy() for key, value in tuned.items()})

    for number in range(done + 1, epochs + 1):
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=True):
            loss = descent.epoch(number, len(variants), loss_of)
        with torch.no_grad():
            answers = logits(torch.from_numpy(block.features(learner, block.held_out)).to(net.device)).cpu().numpy()
        yield Trial(loss, answers, parts, descent.state)
