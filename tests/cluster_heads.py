"""A head with random weights on any network, for what carries heads to other places."""

import numpy as np

from visionlab.learning.features.source import embedder, network_fingerprint
from visionlab.learning.heads.head import Head
from visionlab.learning.judging.refusal import fit_refusal


def head_on(net, classes=3, seed=0):
    """One that also refuses."""
    rng = np.random.default_rng(seed)
    own = embedder(net)
    layer = own.layer(own.embedding)
    width = layer.shape[0] if layer.in_place else int(np.prod(layer.shape))
    features = np.abs(rng.normal(size=(60, width))).astype(np.float32)
    labels = np.arange(60) % classes
    return Head(
        rng.normal(size=(classes, width)).astype(np.float32) / width**0.5,
        rng.normal(size=classes).astype(np.float32),
        tuple(f"kind {place}" for place in range(classes)),
        net.name,
        net.embedding,
        network_fingerprint(net),
        transform=own.transform,
        unit_length=net.unit_length,
        refusal=fit_refusal(features[:40], labels[:40], features[40:]),
    )
