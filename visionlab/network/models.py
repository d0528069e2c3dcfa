"""The MODELS table, and load_classifier. A new network is one entry.

Loading costs next to nothing: the module is built on the meta device and the file's tensors are put into it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import torch

from visionlab.device import resolve
from visionlab.errors import ModelError, WeightsError
from visionlab.network import weights
from visionlab.network.classifier import Classifier, Transform
from visionlab.network.layers import vgg_layers
from visionlab.network.vgg import VGG, VGG16, Plan, read_plan
from visionlab.network.weights import WeightFile


@dataclass(frozen=True)
class Model:
    """A network that can be loaded.

    plan is its shape, or None where the weight file decides; labels gives its classes, or None where the file holds
    them. embedding is the layer that heads are trained on, maps_side the input size for looking at maps, in pixels.
    """

    name: str
    title: str
    about: str
    file: WeightFile
    transform: Transform
    embedding: str
    maps_side: int
    plan: Plan | None = None
    labels: Callable[[], tuple[str, ...]] | None = None


def _imagenet_labels() -> tuple[str, ...]:
    from torchvision.models import VGG16_Weights

    return tuple(VGG16_Weights.IMAGENET1K_V1.meta["categories"])


MODELS: dict[str, Model] = {
    "vgg16-tinyimagenet": Model(
        name="vgg16-tinyimagenet",
        title="Built-in VGG16",
        about="VGG16's thirteen convolutions, trained by this project on 202 classes. It comes with the app.",
        file=WeightFile("vgg16-tinyimagenet.safetensors"),
        transform=Transform(resize=112, crop=112),  # best of 64 to 128 px on validation: see weights/README.md
        embedding="avgpool",  # the best features for a new head: see there, too
        maps_side=224,
    ),
    "vgg16": Model(
        name="vgg16",
        title="VGG16 (ImageNet)",
        about="The network of the paper, trained on ImageNet's 1,000 classes: torchvision's weights, 528 MB.",
        file=WeightFile(
            "vgg16-397923af.pth", url="https://download.pytorch.org/models/vgg16-397923af.pth", size=553_433_881
        ),
        transform=Transform(resize=256, crop=224),
        embedding="relu7",
        maps_side=224,
        plan=VGG16,
        labels=_imagenet_labels,
    ),
}


def find_model(name: str) -> Model:
    """The entry of MODELS. Raises ModelError where there is none."""
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"Did you mean “{near[0]}”?" if near else f"There are {', '.join(MODELS)}."
        raise ModelError(f"There is no network “{name}”. {hint}")
    return MODELS[name]


def available() -> list[str]:
    """The names in MODELS whose weight files are here, not yet checked."""
    return [name for name, model in MODELS.items() if weights.find(model.file)]


def load_classifier(name: str, device: str | torch.device = "auto") -> Classifier:
    """The network of that name in MODELS, ready to predict, in float32.

    Its weights are found under weights/ or in torch's cache, or downloaded. Raises ModelError for an unknown name and
    WeightsError where the weights cannot be had, are damaged, or do not fit.
    """
    model = find_model(name)
    path = weights.fetch(model.file)
    tensors, metadata = weights.read(path)
    plan = model.plan or read_plan({key: tensor.shape for key, tensor in tensors.items()})
    with torch.device("meta"):
        module = VGG(plan)
    weights.check(tensors, {key: tuple(value.shape) for key, value in module.state_dict().items()}, path.name)
    labels = model.labels() if model.labels else _labels_in(metadata, path.name)
    if len(labels) != plan.classes:
        raise WeightsError(f"{path.name} has {plan.classes} outputs but {len(labels)} labels. Get the file anew.")
    module.load_state_dict({key: tensor.float() for key, tensor in tensors.items()}, assign=True)
    where = resolve(device)
    module = module.eval().requires_grad_(False).to(where)
    layers = vgg_layers(plan, model.transform.crop)
    return Classifier(
        model.name,
        module,
        model.transform,
        labels,
        layers,
        where,
        model.embedding,
        model.maps_side,
        _temperature_in(metadata, path.name),
    )


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
