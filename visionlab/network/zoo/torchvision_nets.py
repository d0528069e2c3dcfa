"""torchvision's networks as the steps that they are, its VGG with batch normalisation as a plain VGG, and their layers.

Nothing here knows one network from another: a network's children, in order, are its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from visionlab.network.running.classifier import Layer, Step
from visionlab.network.zoo.passes import passes
from visionlab.network.zoo.steps import (
    ChannelNorm,
    Concatenation,
    Join,
    Pointwise,
    Product,
    Return,
    Scale,
    Shortcut,
    Squeeze,
    Sum,
    flatten,
)
from visionlab.network.zoo.vgg import VGG, Plan

LAYER_KINDS: tuple[tuple[type[nn.Module], str | None], ...] = (  # the first that fits; None: not worth looking at
    (nn.Conv2d, "conv"),
    (Pointwise, "conv"),
    (nn.BatchNorm2d, "norm"),
    (nn.LayerNorm, "norm"),
    (ChannelNorm, "norm"),
    (Scale, "scale"),
    (nn.ReLU, "relu"),
    (nn.ReLU6, "relu6"),
    (nn.SiLU, "activation"),
    (nn.Hardswish, "activation"),
    (nn.GELU, "activation"),
    (nn.Sigmoid, "activation"),
    (nn.Hardsigmoid, "activation"),
    (nn.MaxPool2d, "pool"),
    (nn.AdaptiveAvgPool2d, "average"),
    (nn.Linear, "linear"),
    (Sum, "sum"),
    (Product, "product"),
    (Concatenation, "concatenation"),
    (nn.Dropout, None),
    (nn.Flatten, None),
    (nn.Module, "block"),
)
# ReLU and what came after it; a sigmoid opens gates, and hands on no value.
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU)


class Stepped(nn.Module):
    """One of torchvision's networks: (N, 3, H, W) float, normalised → logits (N, classes), step by step.

    It is to be one whose forward is its children in order, an nn.Sequential being its own children, and the blocks that
    BLOCKS tells the steps that they are; what torchvision does between two children, flattening, comes after the step
    of that path (None: the network has a module for it). Paths are torchvision's, but that a ReLU which a block uses
    several times is numbered. What works in place no longer does, so that every activation can be kept.
    """

    def __init__(self, network: nn.Module, flatten_after: str | None = "avgpool"):
        super().__init__()
        self.network = network
        self.flatten_after = flatten_after
        for part in network.modules():
            if getattr(part, "inplace", False):
                part.inplace = False

    def steps(self) -> list[Step]:
        """What the network does, in order: (module path, function). Flattening has the path "flatten"."""
        found: list[Step] = []
        for path, module in _unrolled(self.network):
            found.append((path, module))
            if path == self.flatten_after:
                found.append(("flatten", flatten))
        return found

    def forward(self, x: Tensor) -> Tensor:
        for _, step in self.steps():
            x = step(x)
        return x


def _unrolled(network: nn.Module, prefix: str = "") -> Iterator[Step]:
    for name, child in network.named_children():
        path = prefix + name
        if isinstance(child, nn.Sequential):
            yield from _unrolled(child, f"{path}.")
        elif block := _block(child):
            yield from block(child, path)
        else:
            yield path, child


def _block(module: nn.Module) -> Callable[[nn.Module, str], Iterator[Step]] | None:
    if next(module.children(), None) is None:  # most have no parts: asking them for names that they lack is slow
        return None
    return next((steps for names, steps in BLOCKS if all(hasattr(module, name) for name in names)), None)


def _inverted_residual(block: nn.Module, path: str) -> Iterator[Step]:
    """A sequence, to whose result its input is added where it has the same shape (MobileNets' and EfficientNets')."""
    name, sequence = next(each for each in block.named_children() if isinstance(each[1], nn.Sequential))
    inside = _unrolled(sequence, f"{path}.{name}.")
    if not block.use_res_connect:
        yield from inside
        return
    shortcut, around = Shortcut(), f"{path}.shortcut"
    yield around, shortcut
    yield from inside
    yield f"{path}.sum", Sum(shortcut, around)


def _residual(block: nn.Module, path: str) -> Iterator[Step]:
    """Convolutions, each with its norm, to whose result the block's input is added, downsampled where it needs to be
    (ResNets'); a ReLU after each but the last one, and after the sum."""
    shortcut, kept = Shortcut(), f"{path}.shortcut"
    yield kept, shortcut
    count = sum(isinstance(part, nn.Conv2d) for part in block.children())
    for number in range(1, count + 1):
        yield f"{path}.conv{number}", block.get_submodule(f"conv{number}")
        yield f"{path}.bn{number}", block.get_submodule(f"bn{number}")
        if number < count:
            yield f"{path}.relu{number}", block.relu
    if block.downsample is not None:
        back, kept = Return(shortcut, kept), f"{path}.return"
        yield kept, back
        yield from _unrolled(block.downsample, f"{path}.downsample.")
    yield f"{path}.sum", Sum(shortcut, kept)
    yield f"{path}.relu{count}", block.relu


def _excitation(block: nn.Module, path: str) -> Iterator[Step]:
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): the mean of each channel, and of these by two layers a
    gate for each channel, by which it is multiplied."""
    squeeze, around = Squeeze(), f"{path}.shortcut"
    yield around, squeeze
    for name in ("avgpool", "fc1", "activation", "fc2", "scale_activation"):
        yield f"{path}.{name}", block.get_submodule(name)
    yield path, Product(squeeze, around)


def _fire(block: nn.Module, path: str) -> Iterator[Step]:
    """Few channels, of which convolutions of 1 × 1 and of 3 × 3 make many, one's beside the other's (SqueezeNet's)."""
    yield from ((f"{path}.{name}", block.get_submodule(name)) for name in ("squeeze", "squeeze_activation"))
    shortcut, back = Shortcut(), f"{path}.return"
    yield f"{path}.shortcut", shortcut
    yield from ((f"{path}.{name}", block.get_submodule(name)) for name in ("expand1x1", "expand1x1_activation"))
    yield back, Return(shortcut, f"{path}.shortcut")
    yield from ((f"{path}.{name}", block.get_submodule(name)) for name in ("expand3x3", "expand3x3_activation"))
    yield path, Concatenation(shortcut, back)


def _scaled(block: nn.Module, path: str) -> Iterator[Step]:
    """A sequence that turns its channels last for a norm and fully connected layers at each place, and whose result,
    each channel by a weight of its own, is added to its input (ConvNeXt's)."""
    shortcut, around = Shortcut(), f"{path}.shortcut"
    yield around, shortcut
    at_each_place: dict[type[nn.Module], Callable[..., nn.Module]] = {nn.LayerNorm: ChannelNorm, nn.Linear: Pointwise}
    for name, part in block.block.named_children():
        if not hasattr(part, "dims"):  # a permutation of them
            yield f"{path}.block.{name}", at_each_place.get(type(part), lambda part: part)(part)
    yield f"{path}.layer_scale", Scale(block.layer_scale)
    yield path, Sum(shortcut, around)


# What tells a block from a module of one step: names that it has, and the steps that it is. What joins the ends of the
# last three has the block's own path, by which links and heads knew it before it was entered.
BLOCKS: tuple[tuple[tuple[str, ...], Callable[[nn.Module, str], Iterator[Step]]], ...] = (
    (("use_res_connect",), _inverted_residual),
    (("downsample", "relu"), _residual),
    (("scale_activation",), _excitation),
    (("squeeze", "expand3x3"), _fire),
    (("layer_scale",), _scaled),
)


@dataclass(frozen=True)
class _Kept:
    """What a shortcut keeps: the values of a layer; the first layer around which it leads is found at that place."""

    place: int
    layer: str
    stride: int
    shape: tuple[int, ...]


def network_layers(network: nn.Module, side: int) -> tuple[Layer, ...]:
    """Every step with an output worth looking at, and the softmax, for an input of side × side pixels.

    Layers are called by their paths, and drawn with those of their stride, between a shortcut and its join with those
    of the join's. Shapes, multiplications and receptive fields are those of a pass that computes nothing.
    """
    found: list[Layer] = []
    kept: dict[str, _Kept] = {}  # by the path of the step that keeps it
    stride: int | None = 1
    shape: tuple[int, ...] = (3, side, side)
    source: str | None = None  # of the next layer, where that is not the one before it
    gate: _Kept | None = None  # what the gate whose layers these are will be multiplied with
    for (path, step), passed in zip(network.steps(), passes(network, side), strict=True):
        kind = next(kind for of, kind in LAYER_KINDS if isinstance(step, of)) if isinstance(step, nn.Module) else None
        if isinstance(step, Product):
            gate = None
        elif gate is None:
            if kind == "average" or len(passed.shape) == 1:
                stride = None
            if stride is not None:
                stride *= round(shape[1] / passed.shape[1])  # maps that lose their border are a little smaller
        shape = passed.shape
        if isinstance(step, Shortcut):
            kept[path] = _Kept(len(found), found[-1].name, stride, shape)
            gate = kept[path] if isinstance(step, Squeeze) else gate
        elif isinstance(step, Return):
            back = kept[step.after]
            kept[path] = replace(back, layer=found[-1].name)
            source, stride, shape = back.layer, back.stride, back.shape
            continue
        if kind is not None:
            channels, height, width = (*shape, 1, 1)[:3]
            parameters = sum(parameter.numel() for parameter in step.parameters())
            places = (channels, height, width)
            field, block = (None, "Classifier") if stride is None else (passed.field, f"Stride {stride}")
            count = passed.multiplications / (height * width)
            joins = None
            if isinstance(step, Join):
                joins, start = kept[step.after].layer, kept[step.after].place
                if not isinstance(step, Sum):  # what was kept comes first
                    source, joins = joins, found[-1].name
                found[start:] = [replace(layer, block=block) for layer in found[start:]]
            layer = Layer(path, path, kind, places, stride, field, parameters, block, count, joins, source)
            found.append(replace(layer, gate=gate is not None))
            source = None
    return (*found, Layer("prob", "softmax", "softmax", found[-1].shape, None, None, 0))


@torch.no_grad()
def plain_vgg(network: nn.Module, plan: Plan) -> VGG:
    """torchvision's VGG with batch normalisation after each convolution as the VGG of the plan, without: one affine
    map. The given network is left as it was."""
    features = list(network.features)
    affine = [
        torch.nn.utils.fuse_conv_bn_eval(module, following) if isinstance(module, nn.Conv2d) else module
        for module, following in zip(features, [*features[1:], None], strict=True)
    ] + list(network.classifier)
    values = [v for module in affine if isinstance(module, nn.Conv2d | nn.Linear) for v in (module.weight, module.bias)]
    with torch.device("meta"):
        plain = VGG(plan)
    plain.load_state_dict(dict(zip(plain.state_dict(), values, strict=True)), assign=True)
    return plain
