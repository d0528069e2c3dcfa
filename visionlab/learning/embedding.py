"""Pictures → features: once through the frozen network, up to the layer that heads are trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from visionlab.imaging.image import Image
from visionlab.learning.heads import reading
from visionlab.network.activations import activations
from visionlab.network.classifier import BATCH, Classifier


@torch.inference_mode()
def embedding_batches(net: Classifier, images: Sequence[Image], batch: int = BATCH) -> Iterator[NDArray[np.float32]]:
    """Features (n, F) float32 of one batch after the other; only one batch of pictures is in memory at a time."""
    for start in range(0, len(images), batch):
        chunk = [images[i] for i in range(start, min(start + batch, len(images)))]
        found = activations(net, net.transform(chunk, net.device), [net.embedding])[net.embedding]
        for _, step in reading(net.layer(net.embedding)):
            found = step(found)
        yield found.float().cpu().numpy()


def embed(
    net: Classifier, images: Sequence[Image], progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Features (N, F) float32 at the network's embedding layer; progress is told (done, of how many) as it goes on."""
    found: list[NDArray[np.float32]] = []
    done = 0
    for features in embedding_batches(net, images):
        found.append(features)
        done += len(features)
        if progress:
            progress(done, len(images))
    return np.concatenate(found) if found else np.zeros((0, 0), np.float32)
