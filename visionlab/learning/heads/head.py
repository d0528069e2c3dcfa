"""Head: what was learned on a network's features; one safetensors file; a Classifier like any other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.errors import HeadError, ParameterError, WeightsError
from visionlab.learning.features.source import FEATURES, entered_by, network_fingerprint, reading
from visionlab.learning.heads import gate
from visionlab.learning.heads.problem import TUNED, Parts
from visionlab.learning.judging.metrics import Report, Spread, counted, report_of
from visionlab.learning.judging.refusal import Refusal
from visionlab.learning.sets.guarded import ZIPS
from visionlab.learning.sets.learned import Learned
from visionlab.network.files.weights import is_here
from visionlab.network.running.classifier import Classifier, Layer, Step, Transform
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS
from visionlab.packing import UNREADABLE, packed, unpacked
from visionlab.wording import all_quoted
from visionlab.writing import replacing

FORMAT = "visionlab-head-4"
# The first knew linear heads alone, and no temperature; the second did not say how pictures enter the network, the
# third not which were learned from.
READABLE = ("visionlab-head-1", "visionlab-head-2", "visionlab-head-3", FORMAT)
MAX_BYTES = 100 * 2**20  # the last block of ConvNeXt tiny takes 62 MB; a linear head alone, some kilobytes
REFUSAL = "refusal."  # what the names of such arrays in the file begin with
THRESHOLD = REFUSAL + "threshold"
LEARNED = "learned."


@dataclass(frozen=True, eq=False)
class Head:
    """Logits = weights · h + bias, with h = the features of a network's layer, or max(0, V · features + v).

    Where unit_length is set, the features are the layer's values over their Euclidean length.
    weights (K, F) and bias (K,) are float32. hidden, where there is one, holds V (M, F) and v (M,) of an MLP's first
    layer; weights is (K, M) then. tuned gives the values that some of the network's parameters (keys of its state_dict)
    were fine-tuned to; the features are then those of `tuned_network`. network is a name in MODELS and fingerprint
    tells its very weights, so that a head is never put on another network. temperature divides the logits of the
    classifier, as Classifier says; refusal tells pictures that are none of the classes. transform is how pictures
    entered the network when the head was trained; heads of older files have None, for they were trained on the
    network's own. facts says how the head came to be (seed, counts, validation accuracy …). learned
    knows the pictures that were learned from; None where nobody wrote them down.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: tuple[str, ...]
    network: str
    layer: str
    fingerprint: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    hidden: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    tuned: Mapping[str, NDArray[np.float32]] = field(default_factory=lambda: MappingProxyType({}))
    temperature: float = 1.0
    refusal: Refusal | None = None
    transform: Transform | None = None
    unit_length: bool = False
    learned: Learned | None = None

    def __repr__(self) -> str:
        inputs = (self.weights if self.hidden is None else self.hidden[0]).shape[1]
        share, pictures = self.facts.get("validation_accuracy"), self.facts.get("validated_on")
        worth = "not tried on held-out pictures"
        if isinstance(share, float) and isinstance(pictures, int) and pictures:
            worth = f"right on {share:.1%} of {counted(pictures, what='held-out picture')}"
        return f"Head: {all_quoted(self.classes)} by {inputs:,} features of {self.network}, {worth}"

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) → (N, K), not yet divided by the temperature."""
        if self.hidden is not None:
            features = np.maximum(0, features @ self.hidden[0].T + self.hidden[1])
        return features @ self.weights.T + self.bias

    @property
    def report(self) -> Report | None:
        """What it was worth on the pictures that were held out in training; None where its file does not say."""
        confusion, spread = self.facts.get("confusion"), self.facts.get("spread")
        known = None if spread is None else Spread.from_facts(spread)
        return None if confusion is None else report_of(confusion, self.classes, known)

    def to_bytes(self) -> bytes:
        """The head as a safetensors file, everything but the arrays as JSON in its header."""
        about = {
            "format": FORMAT,
            "classes": list(self.classes),
            "network": self.network,
            "layer": self.layer,
            "fingerprint": self.fingerprint,
            "facts": dict(self.facts),
            "temperature": self.temperature,
            "transform": None if self.transform is None else asdict(self.transform),
            "unit_length": self.unit_length,
        }
        arrays = Parts(self.weights, self.bias, self.hidden, self.tuned).arrays()
        if self.refusal is not None:
            arrays |= {REFUSAL + key: value for key, value in self.refusal.arrays().items()}
        if self.learned is not None:
            arrays |= {LEARNED + key: value for key, value in self.learned.arrays().items()}
        return packed(about, arrays)

    def save(self, path: str | Path) -> None:
        """Write the file; an interrupted write leaves what was there. Raises ParameterError where it cannot be."""
        with replacing(path) as part:
            part.write_bytes(self.to_bytes())

    def refusing(self, false_refusals: float) -> Head:
        """The same, set to refuse another share, 0..1, of pictures of its classes; its facts promise that share.

        Raises ParameterError where it refuses nothing, or as Refusal.at does.
        """
        if self.refusal is None:
            raise ParameterError("This head refuses nothing: it was trained from too few pictures for that.")
        refusal = self.refusal.at(false_refusals)
        return replace(self, refusal=refusal, facts={**self.facts, "refusal": refusal.promise(false_refusals)})

    def tuned_network(self, net: Classifier) -> Classifier:
        """What the head's features come from: `net` as the head was trained on it (layer, transform, unit length), with
        the parameters that were fine-tuned. The module is that of `net` where none were; otherwise its copy, which
        shares all the other tensors with it.

        Raises HeadError where the network is not the one that the head was trained on.
        """
        if network_fingerprint(net) != self.fingerprint:
            raise HeadError(
                f"This head was trained on other weights of “{self.network}” than these. "
                "Train it again on the pictures, or put back the weights that it was trained on."
            )
        known = net.module.state_dict() if self.tuned else {}
        for key, value in self.tuned.items():
            if key not in known or tuple(known[key].shape) != value.shape:
                raise HeadError(f"This head tunes “{key}” {value.shape}, which “{self.network}” lacks. Train it again.")
        own = replace(net, embedding=self.layer, unit_length=self.unit_length)
        net = entered_by(own, self.transform or net.transform)
        if not self.tuned:
            return net
        values = {key: torch.tensor(value, device=net.device) for key, value in self.tuned.items()}
        return replace(net, module=with_values(net.module, values))

    def base(self, load: Callable[[str], Classifier] = load_classifier) -> Classifier:
        """The network that it was trained on, got by its name. Raises HeadError, with what to do, where it is not to be
        had or not here, for a file is no reason to download half a gigabyte, and ModelError where there is none of that
        name.
        """
        model = MODELS.get(self.network)
        if model and not all(map(is_here, model.files)):
            raise HeadError(
                f"This head needs {model.title}, which is not here. Bring it on the Predict page, or with "
                f"“python -m visionlab models --get {model.name}”, and open the head again."
            )
        try:
            return load(self.network)
        except WeightsError as error:
            raise HeadError(f"This head needs {MODELS[self.network].title}: {error}") from error

    def as_classifier(self, net: Classifier | None = None, device: str | torch.device = "auto") -> Classifier:
        """This head on its network (loaded by its name unless given), as a Classifier like any other.

        Raises HeadError where the network is not to be had, or is not the one that the head was trained on.
        """
        net = self.tuned_network(net or self.base(lambda name: load_classifier(name, device)))
        read = net.layer(self.layer)
        inputs = (self.weights if self.hidden is None else self.hidden[0]).shape[1]
        if inputs != (read.shape[0] if read.in_place else math.prod(read.shape)):
            raise HeadError(
                f"This head takes {inputs} features, but “{self.layer}” gives {read.shape}. Train it again."
            )
        module = Headed(net, self).eval().requires_grad_(False).to(net.device)
        places = (len(self.classes), 1, 1)
        layers = [*net.layers[: net.layers.index(read) + 1]]
        if read.in_place:
            layers.append(Layer("average", "average", "average", (inputs, 1, 1), None, None, 0))
        if self.unit_length:
            layers.append(Layer("unit-length", FEATURES, "norm", (inputs, 1, 1), None, None, 0))
        if self.hidden is not None:
            units = (len(self.hidden[1]), 1, 1)
            count = self.hidden[0].size + self.hidden[1].size
            layers.append(Layer("hidden", "hidden", "linear", units, None, None, count))
            layers.append(Layer("hidden-relu", "hidden-relu", "relu", units, None, None, 0))
        layers += [
            Layer("head", "head", "linear", places, None, None, self.weights.size + self.bias.size),
            Layer("prob", "softmax", "softmax", places, None, None, 0),
        ]
        return replace(
            net,
            name="your head",
            module=module,
            labels=self.classes,
            layers=tuple(layers),
            temperature=self.temperature,
            refusal=self.refusal,
            learned=self.learned,
        )


class Headed(nn.Module):
    """A network's steps up to a head's layer, and the head: normalised (N, 3, H, W) → logits (N, K)."""

    def __init__(self, net: Classifier, head: Head):
        super().__init__()
        self.base = net.module
        self.read, self.unit_length = net.layer(head.layer), head.unit_length
        self.hidden = _linear(*head.hidden) if head.hidden is not None else None
        self.head = _linear(head.weights, head.bias)

    def steps(self) -> list[Step]:
        kept = []
        for path, step in self.base.steps():
            kept.append((path, step))
            if path == self.read.module:
                break
        hidden = [("hidden", self.hidden), ("hidden-relu", nn.ReLU())] if self.hidden is not None else []
        return [*kept, *reading(self.read, self.unit_length), *hidden, ("head", self.head)]

    def forward(self, x: Tensor) -> Tensor:
        for _, step in self.steps():
            x = step(x)
        return x


def _linear(weights: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Linear:
    with torch.device("meta"):
        linear = nn.Linear(weights.shape[1], weights.shape[0])
    linear.load_state_dict({"weight": torch.tensor(weights), "bias": torch.tensor(bias)}, assign=True)
    return linear


def with_values(module: nn.Module, values: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the module with these values under their state_dict keys; all other tensors are shared, not copied."""
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    copy = deepcopy(module, shared)
    copy.load_state_dict(values, strict=False, assign=True)
    return copy


def load_head(source: str | Path | bytes) -> Head:
    """The head in a file, or in the bytes of one. Raises HeadError in one sentence where it is none."""
    name = "This file" if isinstance(source, bytes) else Path(source).name
    data = source if isinstance(source, bytes) else _bytes_of(Path(source))
    if data.startswith(ZIPS):
        good = "choose a .safetensors file that this app saved, such as the one in a zip that it packed"
        raise HeadError(f"{name} is a zip, or a document kept in one, not a head: {good}.")
    return read_head(data, name, "choose a .safetensors file that it saved")


def read_head(data: bytes, name: str, good: str) -> Head:
    """As load_head, of a file that is called so, and where it is none of this app, `good` says what would be."""
    if len(data) > MAX_BYTES:
        raise HeadError(f"{name} is larger than {MAX_BYTES >> 20} MB, so it is no head of this app.")
    try:
        about, arrays = unpacked(data)
        format_, on = about["format"], {key: about[key] for key in ("network", "layer", "fingerprint")}
        classes, facts = about["classes"], about["facts"]
        temperature, unit_length = about.get("temperature", 1.0), bool(about.get("unit_length", False))
        entering = None if about.get("transform") is None else Transform(**about["transform"])
        threshold = arrays.pop(THRESHOLD, None)  # the one number that is kept in float64
        learned = {key.removeprefix(LEARNED): arrays.pop(key) for key in [*arrays] if key.startswith(LEARNED)}
        weights, bias = arrays["weights"], arrays["bias"]
    except (*UNREADABLE, AttributeError) as error:
        raise HeadError(f"{name} is no head of this app: {good}.") from error
    if format_ not in READABLE:
        raise HeadError(f"{name} is of another format; this version reads “{'” and “'.join(READABLE)}”.")
    on = {what: gate.checked_text(value, what, name) for what, value in on.items()}
    classes, facts = gate.checked_classes(classes, name), gate.checked_facts(facts, len(classes), name)
    temperature = gate.checked_temperature(temperature, name)
    transform = None if entering is None else gate.checked_transform(entering, name)
    for key, value in arrays.items():
        largest = gate.LARGEST_TUNED if key.startswith(TUNED) else gate.LARGEST
        arrays[key] = gate.checked_numbers(value, gate.checked_text(key, "part", name), name, largest)
    try:
        parts = Parts.taken_from(arrays, facts)
    except KeyError as error:
        raise HeadError(f"{name} is damaged: “{error.args[0]}” is missing. Save it anew.") from error
    hidden = parts.hidden
    if hidden is not None and (hidden[0].ndim != 2 or hidden[1].shape != hidden[0].shape[:1]):
        raise HeadError(f"{name} is damaged: its hidden layer does not fit together. Save it anew.")
    inputs = weights.shape[-1:] if hidden is None else hidden[1].shape
    if len(classes) < 2 or weights.shape != (len(classes), *inputs) or bias.shape != (len(classes),):
        raise HeadError(f"{name} is damaged: its numbers do not fit its {len(classes)} classes. Save it anew.")
    refusal = {key.removeprefix(REFUSAL): arrays.pop(key) for key in [*arrays] if key.startswith(REFUSAL)}
    if threshold is not None:
        refusal["threshold"] = threshold
    if arrays:
        raise HeadError(f"{name} holds “{min(arrays)}”, which no head has. Choose a file that this app saved.")
    try:
        known = Refusal.from_arrays(refusal) if refusal else None
    except ParameterError as error:
        raise HeadError(f"{name} is damaged: how it refuses pictures does not fit together. Save it anew.") from error
    try:
        pictures = Learned.from_arrays(learned) if learned else None
    except ParameterError as error:
        raise HeadError(f"{name} is damaged: which pictures it has learned does not fit together.") from error
    way_in = {"transform": transform, "unit_length": unit_length}
    return Head(
        **vars(parts), **on, **way_in, classes=classes, temperature=temperature, refusal=known, learned=pictures
    )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadError(f"{path.name} cannot be read ({error.strerror}). Choose a .safetensors file.") from error
