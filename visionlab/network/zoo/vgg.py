"""VGG (Simonyan & Zisserman 2014, arXiv:1409.1556) of any width, under torchvision's parameter names.

A Plan says everything about one network of the family. It can be read back from the shapes in a weight file, so a
loader does not care which width it finds. Batch normalisation exists only while training and is folded away after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt

import torch
from torch import Tensor, nn

from visionlab.errors import WeightsError
from visionlab.network.running.classifier import Step
from visionlab.network.zoo.steps import flatten


@dataclass(frozen=True)
class Plan:
    """The shape of a VGG: output channels of each convolution, block by block, and what follows them.

    pool is the side of the adaptive average pool before fc6: 7 in Oxford's network (one input size), 1 in ours (any).
    hidden holds the outputs of fc6 and fc7.
    """

    blocks: tuple[tuple[int, ...], ...]
    pool: int
    hidden: tuple[int, int]
    classes: int
    batch_norm: bool = False


VGG16_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
VGG16 = Plan(VGG16_BLOCKS, pool=7, hidden=(4096, 4096), classes=1000)


def scaled_plan(width: float, hidden: tuple[int, int], classes: int, *, batch_norm: bool = False) -> Plan:
    """VGG16 with every convolution's channels times width (1 as in the paper), and a global pool before fc6."""
    blocks = tuple(tuple(max(8, round(channels * width)) for channels in block) for block in VGG16_BLOCKS)
    return Plan(blocks, pool=1, hidden=hidden, classes=classes, batch_norm=batch_norm)


class VGG(nn.Module):
    """The network of a Plan: (N, 3, H, W) float, normalised → logits (N, classes).

    Module paths are torchvision's (features.0, classifier.0 …). ReLUs are out of place, so that every activation can
    be kept. H and W are at least 32: five pools halve them five times.
    """

    def __init__(self, plan: Plan):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for block in plan.blocks:
            for width in block:
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] if plan.batch_norm else []
                layers.append(nn.ReLU())
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(plan.pool)
        fc6, fc7 = plan.hidden
        self.classifier = nn.Sequential(
            *_dense(channels * plan.pool**2, fc6, plan.batch_norm),
            *_dense(fc6, fc7, plan.batch_norm),
            nn.Linear(fc7, plan.classes),
        )

    def steps(self) -> list[Step]:
        """What the network does, in order: (module path, function). Flattening has the path "flatten"."""
        return [
            *((f"features.{i}", module) for i, module in enumerate(self.features)),  # → (N, C, H/32, W/32)
            ("avgpool", self.avgpool),  # → (N, C, pool, pool)
            ("flatten", flatten),  # → (N, C·pool²)
            *((f"classifier.{i}", module) for i, module in enumerate(self.classifier)),  # → (N, classes)
        ]

    def forward(self, x: Tensor) -> Tensor:
        for _, step in self.steps():
            x = step(x)
        return x


def _dense(inputs: int, outputs: int, batch_norm: bool) -> list[nn.Module]:
    norm = [nn.BatchNorm1d(outputs)] if batch_norm else []
    return [nn.Linear(inputs, outputs), *norm, nn.ReLU(), nn.Dropout()]


def read_plan(shapes: Mapping[str, Sequence[int]]) -> Plan:
    """The Plan of a network without batch normalisation, from the shapes of its parameters by torchvision's names.

    A convolution and its ReLU take two places in `features`; a gap of three between convolutions is a pool.
    Raises WeightsError where the shapes are not those of a VGG.
    """
    try:
        weights = {name: shape for name, shape in shapes.items() if name.endswith(".weight")}
        places = sorted(int(name.split(".")[1]) for name in weights if name.startswith("features."))
        blocks: list[list[int]] = [[]]
        for place, following in zip(places, [*places[1:], places[-1] + 3], strict=True):
            blocks[-1].append(int(weights[f"features.{place}.weight"][0]))
            if following - place == 3:
                blocks.append([])
        fc6, inputs = weights["classifier.0.weight"]
        fc7, _ = weights["classifier.3.weight"]
        classes, _ = weights["classifier.6.weight"]
        pool = isqrt(int(inputs) // blocks[-2][-1])
    except (KeyError, IndexError, ValueError) as error:
        raise WeightsError(f"These weights are not those of a VGG: {error!r} while reading its layers.") from error
    return Plan(tuple(map(tuple, blocks[:-1])), pool=pool, hidden=(int(fc6), int(fc7)), classes=int(classes))


@torch.no_grad()
def fold_batch_norm(network: VGG, plan: Plan) -> VGG:
    """The same function without batch normalisation, in eval mode: y = γ(Wx + b − μ)/σ + β is one affine map.

    The result is a plain VGG of `plan` without batch normalisation; the given network is left as it was.
    """
    plain = VGG(replace(plan, batch_norm=False)).eval()
    for (affine, norm), (into, _) in zip(_affine(network), _affine(plain), strict=True):
        weight, bias = affine.weight.double(), affine.bias.double()
        if norm is not None:
            gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight = weight * gain.view(-1, *[1] * (weight.dim() - 1))
            bias = (bias - norm.running_mean.double()) * gain + norm.bias.double()
        into.weight.copy_(weight)
        into.bias.copy_(bias)
    return plain


@torch.no_grad()
def unfold_batch_norm(plain: VGG, plan: Plan, batches: Sequence[Tensor]) -> VGG:
    """The other way, so that a finished network can be trained on: the same function with batch normalisation.

    The running statistics are those of the given batches, each normalised (N, 3, H, W), of equal size. Every filter
    gets the norm √2 that it has after He's initialisation: normalisation makes the function blind to that norm, but
    the step that a learning rate takes depends on it. The result is in eval mode, a VGG of `plan` with batch
    normalisation; the given network is left as it was.
    """
    network = VGG(replace(plan, batch_norm=True)).eval().to(batches[0].device)
    pairs = _affine(network)
    moments: list[list[Tensor]] = [[] for _ in pairs]

    def measure(kept: list[Tensor], values: Tensor) -> None:
        flat = values.double().transpose(0, 1).flatten(1)  # (channels, values)
        kept.append(torch.stack([flat.mean(1), flat.square().mean(1)]))

    hooks = [
        module.register_forward_hook(lambda _, __, values, kept=kept: measure(kept, values))
        for (module, _), kept in zip(_affine(plain), moments, strict=True)
    ]
    for batch in batches:
        plain(batch)
    for hook in hooks:
        hook.remove()
    for (affine, norm), (source, _), kept in zip(pairs, _affine(plain), moments, strict=True):
        affine.load_state_dict(source.state_dict())
        if norm is not None:
            mean, square = torch.stack(kept).mean(0)
            spread = (square - mean.square()).clamp(min=1e-6).sqrt()
            length = affine.weight.flatten(1).norm(dim=1).clamp(min=1e-6) / 2**0.5
            affine.weight.div_(length.view(-1, *[1] * (affine.weight.dim() - 1)))
            norm.running_mean.copy_((mean - affine.bias) / length)
            norm.running_var.copy_((spread / length).square() - norm.eps)
            norm.weight.copy_(spread)  # γ = σ and β = μ undo the normalisation
            norm.bias.copy_(mean)
            affine.bias.zero_()
    return network


def _affine(network: VGG) -> list[tuple[nn.Module, nn.Module | None]]:
    """Every convolution and fully connected layer, with the batch normalisation that follows it, if one does."""
    found = []
    for part in (network.features, network.classifier):
        for module, following in zip(part, [*list(part)[1:], None], strict=True):
            if isinstance(module, nn.Conv2d | nn.Linear):
                norm = following if isinstance(following, nn.BatchNorm1d | nn.BatchNorm2d) else None
                found.append((module, norm))
    return found
