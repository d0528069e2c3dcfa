"""The Classifier: a network, how pictures enter it, what its outputs and its layers are called.

The built-in network, torchvision's VGG16 and a head that the user just trained are all Classifiers, so nothing that
predicts, opens layers or explains has to ask which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.device import keep_memory
from visionlab.errors import ModelError, ParameterError
from visionlab.imaging.image import Image, check_image, middle
from visionlab.network.files.checksums import Comparison

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
INTERPOLATIONS = ("bilinear", "bicubic")  # by which a Transform resizes, antialiased
SMALLEST_SIDE = 32  # five pools halve a picture five times
UNSURE = 0.3  # a top probability below this is a guess among many, and people are told so
SLIMMEST = 16  # times as long as wide: of what is slimmer, the middle is enough
RELU_KINDS = ("relu", "relu6")  # kinds of layers that cut off what is below 0
ACTIVATION_KINDS = (*RELU_KINDS, "activation")  # kinds of layers that apply one function to each value
BATCH = 32  # pictures that go through a network at once: bounds the memory

FEATURES = "features"  # the path of the step whose output a head, and a refusal, reads

# glibc gives memory of the size of a large layer back to the system as soon as it is free, and the next picture's is
# fetched page by page: a fifth of EfficientNet-Lite0's time, and more of what keeps all its maps, 52 MB at 224 px.
keep_memory(96 << 20, block=32 << 20)

Step = tuple[str, Callable[[Tensor], Tensor]]  # of a network: the path of a module, and what is done there


@dataclass(frozen=True)
class Transform:
    """How a picture enters a network: shorter side to `resize` pixels, the central `crop` × `crop`, normalised.

    interpolation is "bilinear" or "bicubic" (a = −0.5), antialiased. The longer side is cut to whole pixels, or rounded
    where rounds is set. With rounds unset it is torchvision's preset, without rounding colours to bytes in between.
    """

    resize: int
    crop: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    rounds: bool = False

    @property
    def about(self) -> str:
        """What is done to a picture, in a sentence for people."""
        colours = zip(("red", "green", "blue"), self.mean, self.std, strict=True)
        each = ", ".join(f"{name} {mean:.4g} and {spread:.4g}" for name, mean, spread in colours)
        return (
            f"Its shorter side becomes {self.resize} px ({self.interpolation}, antialiased), the longer one as much "
            f"larger or smaller, {'rounded' if self.rounds else 'cut'} to whole pixels; the middle {self.crop} × "
            f"{self.crop} px are cut out; from each colour, 0 to 1, its mean is taken away, and what is left is "
            f"divided by its deviation: {each}."
        )

    def at(self, side: int) -> Transform:
        """The same framing at another input size in pixels. Raises ParameterError below 32."""
        if side < SMALLEST_SIDE:
            raise ParameterError(f"An input of {side} px is too small. Use {SMALLEST_SIDE} px or more.")
        return replace(self, resize=max(side, round(side * self.resize / self.crop)), crop=side)

    def box(self, shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """What the network sees of a picture of that height and width: (top, left, height, width) in its pixels."""
        height, width = shape
        side = min(height, width) * self.crop / self.resize
        return (height - side) / 2, (width - side) / 2, side, side

    def resized(self, image: Image) -> Tensor:
        """The picture as the network frames it, before normalisation: (3, crop, crop) float32, 0..255."""
        image = middle(check_image(image), SLIMMEST)  # enlarged to a network’s size, the ends would fill the memory
        # NumPy's memory is copied where it is shared or strided.
        return self.framed(torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1).float())

    def framed(self, levels: Tensor) -> Tensor:
        """As resized() of a picture (3, H, W) float32, 0..255, no slimmer than SLIMMEST; differentiable."""
        height, width = levels.shape[1:]
        whole = round if self.rounds else int
        size = tuple(whole(self.resize * length / min(height, width)) for length in (height, width))
        x = F.interpolate(levels[None], size, mode=self.interpolation, antialias=True, align_corners=False)[0]
        x = x.clamp(0, 255) if x.requires_grad else x.clamp_(0, 255)  # a cubic overshoots at edges
        top, left = (round((side - self.crop) / 2) for side in size)
        return x[:, top : top + self.crop, left : left + self.crop]

    def view(self, image: Image) -> Image:
        """The picture as the network sees it: uint8 (crop, crop, 3)."""
        return self.resized(image).round_().byte().permute(1, 2, 0).contiguous().numpy()

    def __call__(self, images: Sequence[Image], device: torch.device) -> Tensor:
        """(N, 3, crop, crop) float32 on the device, normalised."""
        return self.normalised(torch.stack([self.resized(image) for image in images]).to(device))

    def normalised(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) float32, 0..255, as a network takes it."""
        mean, std = (torch.tensor(values, device=x.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (x / 255 - mean) / std


@dataclass(frozen=True)
class Layer:
    """One layer: of a VGG under the paper's name, of another network under torchvision's.

    module is the path of the layer's step; kind is conv, norm, scale (each channel times its weight), relu (max(0, x),
    nothing else), relu6 (no more than 6, either), activation (any other function of one value), pool, block (several of
    these in one step), sum, product or concatenation (of the source with the layer that `joins` names), average, linear
    or softmax; shape is (C, H, W) at the classifier's own input size. stride is in input pixels, None after the average
    pool, where no place is left. receptive_field is in input pixels, None where it is the whole input or could not be
    worked out. parameters counts all that was learned; block is the part of the network that the layer is drawn in;
    per_place is the mean number of multiplications for a place of the output, None where that is one for each weight
    (parameters without biases); source names the layer whose values it takes, None for the one before it. gate says
    that it has one value a channel, of the whole picture, with which channels of maps are multiplied (Hu et al. 2018):
    it belongs to those maps' places, and has their stride.
    """

    name: str
    module: str
    kind: str
    shape: tuple[int, int, int]
    stride: int | None
    receptive_field: int | None
    parameters: int
    block: str = "Classifier"
    per_place: float | None = None
    joins: str | None = None
    source: str | None = None
    gate: bool = False

    @property
    def in_place(self) -> bool:
        """Whether the layer's values lie at places of the picture."""
        return self.stride is not None

    @property
    def rectifies(self) -> bool:
        """Whether the layer cuts off what is below 0, as a ReLU does."""
        return self.kind in RELU_KINDS

    @property
    def multiplications(self) -> int:
        """Of the convolutions and fully connected layers in one forward pass at this shape, padding counted like the
        rest: each weight (not the bias) once a place.

        C_out·H·W·C_in·kh·kw for a convolution, F_in·F_out for a fully connected layer, 0 for a layer without either.
        """
        channels, height, width = self.shape
        weights = max(0, self.parameters - channels) if self.per_place is None else self.per_place
        return round(weights * height * width)


class Recalls(Protocol):
    """What knows the pictures that were learned from."""

    def knows(self, image: Image) -> bool:
        """Whether the picture, uint8 (H, W, 3), is one of them, or a near-copy."""
        ...


class Refuses(Protocol):
    """What tells pictures that are none of a network's classes, by what the network's step FEATURES gives."""

    @property
    def threshold(self) -> float:
        """Beyond this distance a picture is none of the classes."""
        ...

    @property
    def share(self) -> float | None:
        """The share of pictures of the classes, 0..1, that it refuses nevertheless; None where nobody knows."""
        ...

    @property
    def held_out(self) -> NDArray[np.float32]:
        """The distances of such pictures by which the threshold was set, ascending; none where `share` is None."""
        ...

    @property
    def groups(self) -> NDArray[np.int64]:
        """The same number for those of them that count as one; none where all are different."""
        ...

    def distances(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) → (N,): how far pictures lie from those that were learned from."""
        ...


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network with everything that is needed to use it.

    module maps normalised (N, 3, H, W) to logits (N, len(labels)) and lists its `steps()`; it is shared, so it is never
    changed: eval mode, parameters frozen. embedding names the layer whose values a head is trained on, and
    embedding_side the input size in pixels for that, None for the transform's own; unit_length says whether a head
    takes those values scaled to unit length. The logits are divided by temperature before the softmax, so that the
    probabilities are neither too sure nor too shy (Guo et al. 2017); it is 1 where nobody measured it. comparisons are
    those of the weight files that it came out of with what they were at their first load. refusal tells pictures that
    are none of the labels, where something does; learned knows the pictures that it has learned from, where something
    does.
    """

    name: str
    module: nn.Module
    transform: Transform
    labels: tuple[str, ...]
    layers: tuple[Layer, ...]
    device: torch.device
    embedding: str
    temperature: float = 1.0
    comparisons: tuple[Comparison, ...] = ()
    embedding_side: int | None = None
    unit_length: bool = False
    refusal: Refuses | None = None
    learned: Recalls | None = None

    def __repr__(self) -> str:
        return f"Classifier: {self.name}, {len(self.labels):,} classes, on {self.device}"

    def check(self, wait: bool = False) -> None:
        """Raises WeightsError where a weight file has been found to differ from what it was at the first load."""
        for comparison in self.comparisons:
            comparison.check(wait)

    def softmax(self, logits: Tensor) -> Tensor:
        """(N, classes) logits → (N, classes) float32 probabilities, at the classifier's temperature."""
        return (logits.float() / self.temperature).softmax(1)

    def layer(self, name: str) -> Layer:
        """The layer of that name. Raises ModelError where there is none."""
        if name in self._by_name:
            return self._by_name[name]
        raise ModelError(f"{self.name} has no layer “{name}”. {self.layers_near(name)}")

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    def source(self, layer: Layer) -> Layer | None:
        """The layer whose values this one takes; None for the first, which takes the picture's."""
        if layer.source is not None:
            return self.layer(layer.source)
        index = self.layers.index(layer)
        return self.layers[index - 1] if index else None

    def layers_near(self, name: str) -> str:
        """For whoever asked for a layer that is not there: how the layers are called, and which may have been meant."""
        names = [layer.name for layer in self.layers]
        near = get_close_matches(name, names, n=1)
        hint = f" Did you mean “{near[0]}”?" if near else ""
        return f"Its {len(names)} layers go from {names[0]} to {names[-1]}.{hint}"

    def target(self, label: str | int) -> int:
        """The index of a class, given its index or its label. Raises ParameterError where there is none."""
        if isinstance(label, int | np.integer):
            if 0 <= label < len(self.labels):
                return int(label)
            raise ParameterError(
                f"Class {label} is not among the {len(self.labels)} of {self.name}: use 0 to {len(self.labels) - 1}."
            )
        given = label.strip()
        if given in self.labels:  # as it is written: ImageNet knows a “cardigan”, and the “Cardigan”, a dog
            return self.labels.index(given)
        folded = given.casefold()
        for index, known in enumerate(self.labels):
            if known.casefold() == folded:
                return index
        raise ParameterError(
            f"{self.name} has no class “{label}”. Its classes begin with {', '.join(self.labels[:4])}."
        )
