"""Head: a linear classifier on a frozen network's features; one safetensors file; a Classifier like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from visionlab.errors import HeadError
from visionlab.network.classifier import Classifier, Layer
from visionlab.network.models import load_classifier
from visionlab.network.vgg import Step, flatten

FORMAT = "visionlab-head-1"
MAX_BYTES = 100 * 2**20  # a head of 100 classes on 4,096 features takes 1.6 MB


@dataclass(frozen=True, eq=False)
class Head:
    """Logits = weights · features + bias, on the features of one network's embedding layer.

    weights (K, F) and bias (K,) are float32; network is a name in MODELS and fingerprint tells its very weights, so
    that a head is never put on another network. facts says how it came to be (seed, counts, validation accuracy …).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: tuple[str, ...]
    network: str
    layer: str
    fingerprint: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) → (N, K)."""
        return features @ self.weights.T + self.bias

    def to_bytes(self) -> bytes:
        """The head as a safetensors file, everything but the two arrays as JSON in its header."""
        about = {
            "format": FORMAT,
            "classes": list(self.classes),
            "network": self.network,
            "layer": self.layer,
            "fingerprint": self.fingerprint,
            "facts": dict(self.facts),
        }
        arrays = {"weights": np.ascontiguousarray(self.weights), "bias": np.ascontiguousarray(self.bias)}
        return safetensors.numpy.save(arrays, {"visionlab": json.dumps(about)})

    def save(self, path: str | Path) -> None:
        """Write the file; an interrupted write leaves what was there."""
        path = Path(path)
        partial = path.with_name(path.name + ".part")
        partial.write_bytes(self.to_bytes())
        partial.replace(path)

    def as_classifier(self, net: Classifier | None = None, device: str | torch.device = "auto") -> Classifier:
        """This head on its network (loaded by its name unless given), as a Classifier like any other.

        Raises HeadError where the network is not the one that the head was trained on.
        """
        net = net or load_classifier(self.network, device)
        if network_fingerprint(net) != self.fingerprint:
            raise HeadError(
                f"This head was trained on other weights of “{self.network}” than these. "
                "Train it again on the pictures, or put back the weights that it was trained on."
            )
        module = Headed(net, self).eval().requires_grad_(False).to(net.device)
        last = [layer.name for layer in net.layers].index(self.layer)
        places = (len(self.classes), 1, 1)
        mean = Layer("average", "average", "average", (self.weights.shape[1], 1, 1), None, None, 0)
        layers = (
            *net.layers[: last + 1],
            *([mean] if net.layers[last].in_place else []),
            Layer("head", "head", "linear", places, None, None, self.weights.size + self.bias.size),
            Layer("prob", "softmax", "softmax", places, None, None, 0),
        )
        return replace(net, name="your head", module=module, labels=self.classes, layers=layers, temperature=1.0)


class Headed(nn.Module):
    """A network's steps up to a head's layer, and the head: normalised (N, 3, H, W) → logits (N, K)."""

    def __init__(self, net: Classifier, head: Head):
        super().__init__()
        self.base = net.module
        self.read = net.layer(head.layer)
        with torch.device("meta"):
            self.head = nn.Linear(head.weights.shape[1], len(head.classes))
        arrays = {"weight": torch.tensor(head.weights), "bias": torch.tensor(head.bias)}
        self.head.load_state_dict(arrays, assign=True)

    def steps(self) -> list[Step]:
        kept = []
        for path, step in self.base.steps():
            kept.append((path, step))
            if path == self.read.module:
                break
        return [*kept, *reading(self.read), ("head", self.head)]

    def forward(self, x: Tensor) -> Tensor:
        for _, step in self.steps():
            x = step(x)
        return x


def reading(layer: Layer) -> list[Step]:
    """How a head reads a layer: the mean of each channel over its places, or every value where it has no places."""
    mean = [("average", nn.AdaptiveAvgPool2d(1))] if layer.in_place else []
    return [*mean, ("features", flatten)]


def network_fingerprint(net: Classifier) -> str:
    """SHA-256 over the biases of the network as MODELS has it: small, and changed by any training."""
    digest = hashlib.sha256()
    for name, value in net.module.state_dict().items():
        if name.endswith(".bias"):
            digest.update(name.encode() + value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def load_head(source: str | Path | bytes) -> Head:
    """The head in a file, or in the bytes of one. Raises HeadError in one sentence where it is none."""
    name = "This file" if isinstance(source, bytes) else Path(source).name
    try:
        data = source if isinstance(source, bytes) else _bytes_of(Path(source))
        if len(data) > MAX_BYTES:
            raise HeadError(f"{name} is larger than {MAX_BYTES >> 20} MB, so it is no head of this app.")
        size = int.from_bytes(data[:8], "little")
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["visionlab"])
        arrays = safetensors.numpy.load(data)
        weights, bias, classes = arrays["weights"], arrays["bias"], tuple(map(str, about["classes"]))
        head = Head(weights, bias, classes, about["network"], about["layer"], about["fingerprint"], about["facts"])
    except (SafetensorError, ValueError, KeyError, TypeError, IndexError) as error:
        raise HeadError(f"{name} is no head of this app: choose a .safetensors file that it saved.") from error
    if about["format"] != FORMAT:
        raise HeadError(f"{name} is of the format “{about['format']}”; this version reads “{FORMAT}”.")
    fits = weights.ndim == 2 and weights.shape[0] == len(classes) and bias.shape == (len(classes),)
    if not fits or not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise HeadError(f"{name} is damaged: its numbers do not fit its {len(classes)} classes. Save it anew.")
    return head


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadError(f"{path.name} cannot be read ({error.strerror}). Choose a .safetensors file.") from error
