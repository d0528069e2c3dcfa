"""A stack of layers as data: what each makes of a picture, what it costs, and the network that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from visionlab.errors import DatasetError, ParameterError
from visionlab.wording import quoted

LAYER_KINDS = ("conv", "pool", "dropout", "dense")
PADDINGS = ("same", "valid")
CHOICES = {"kind": LAYER_KINDS, "padding": PADDINGS}
TYPES = {"kind": str, "out": int, "size": int, "padding": str, "share": int | float}  # of LayerSpec
MOST_LAYERS = 40
MOST_PARAMETERS = 100_000_000  # with gradients and moments 1.6 GB
MOST_WORK = 10**9  # multiplications a picture; the convolutional one takes 22 million, VGG16 15,000 million

Stack = Sequence["LayerSpec"]
Shape = tuple[int, int, int]  # height, width, channels


@dataclass(frozen=True)
class LayerSpec:
    """One layer: “conv” and “dense” are followed by a ReLU, but for the last layer of a stack.

    kind: a name in LAYER_KINDS.  out: a conv's filters, a dense layer's units.  size: the side of a conv's kernel or of
    a pool's window, in pixels.  padding: of a conv, “same” (zeros around, the size stays) or “valid” (none).
    share: of the values that a dropout sets to zero in training, 0..1.
    """

    kind: str
    out: int = 0
    size: int = 0
    padding: str = "same"
    share: float = 0.0


@dataclass(frozen=True)
class LayerShape:
    """What a layer makes of the picture: its output (height, width, channels), and what that takes.

    multiplications: for one picture, padding counted like the rest; biases are additions.
    """

    name: str
    spec: LayerSpec
    shape: Shape
    parameters: int
    multiplications: int


def conv(out: int, size: int = 3, padding: str = "same") -> LayerSpec:
    return LayerSpec("conv", out=out, size=size, padding=padding)


def pool(size: int = 2) -> LayerSpec:
    return LayerSpec("pool", size=size)


def dropout(share: float) -> LayerSpec:
    return LayerSpec("dropout", share=share)


def dense(out: int) -> LayerSpec:
    return LayerSpec("dense", out=out)


# The stacks of the articles. With “same” then “valid”, as in Keras' example for CIFAR-10 of those years, the
# convolutional one has its 1,250,858 parameters.
STACKS: dict[str, tuple[LayerSpec, ...]] = {
    "convolutional": (
        conv(32),
        conv(32, padding="valid"),
        pool(),
        dropout(0.25),
        conv(64),
        conv(64, padding="valid"),
        pool(),
        dropout(0.25),
        dense(512),
        dropout(0.5),
        dense(10),
    ),
    "small": (conv(32), pool(), conv(64), pool(), dense(128), dropout(0.5), dense(10)),
    "fully connected": (dense(512), dropout(0.5), dense(10)),
    "linear": (dense(10),),
}
CONVOLUTIONAL = STACKS["convolutional"]


def with_classes(stack: Stack, classes: int) -> tuple[LayerSpec, ...]:
    """The stack with as many outputs as there are classes. Raises ParameterError where it does not end densely."""
    _check_end(stack)
    return (*stack[:-1], replace(stack[-1], out=classes))


def shapes(stack: Stack, shape: Shape) -> list[LayerShape]:
    """What each layer makes of pictures of this shape (height, width, channels), by names like “conv 2”.

    Raises ParameterError, which names the layer, where the stack is impossible or beyond what a computer like this
    trains: 40 layers, 100 million parameters, 10⁹ multiplications a picture.
    """
    _check_end(stack)
    found: list[LayerShape] = []
    counts = dict.fromkeys(LAYER_KINDS, 0)
    flat = False
    for spec in stack:
        if spec.kind not in LAYER_KINDS:
            raise ParameterError(f"There is no layer of the kind “{spec.kind}”. There are {', '.join(LAYER_KINDS)}.")
        counts[spec.kind] += 1
        name = f"{spec.kind} {counts[spec.kind]}"
        _check(spec, name)
        if flat and spec.kind in ("conv", "pool"):
            raise ParameterError(
                f"“{name}” needs a picture, and “dense 1” has made a row of numbers of it: move it up."
            )
        before, (height, width, channels) = shape, shape
        weights = places = 0
        if spec.kind == "conv":
            lost = spec.size - 1 if spec.padding == "valid" else 0
            shape = (height - lost, width - lost, spec.out)
            weights, places = spec.size**2 * channels * spec.out, max(0, shape[0]) * max(0, shape[1])
        elif spec.kind == "pool":
            shape = (height // spec.size, width // spec.size, channels)
        elif spec.kind == "dense":
            flat, shape, weights, places = True, (1, 1, spec.out), prod(before) * spec.out, 1
        if min(shape) < 1:
            needs = f"{quoted(spec.size)}×{quoted(spec.size)}"
            raise ParameterError(
                f"The picture is {height}×{width} before “{name}”, which needs {needs} or more, so nothing is left: "
                f"{_remedy(found, spec)}."
            )
        found.append(LayerShape(name, spec, shape, weights + (spec.out if weights else 0), weights * places))
        if sum(layer.parameters for layer in found) > MOST_PARAMETERS:
            raise ParameterError(
                f"With “{name}” the stack has over {MOST_PARAMETERS:,} parameters: make it smaller, or pool before it."
            )
        if sum(layer.multiplications for layer in found) > MOST_WORK:
            raise ParameterError(
                f"With “{name}” a picture takes over {MOST_WORK:,} multiplications: make it smaller, or pool before it."
            )
    return found


def _remedy(before: Sequence[LayerShape], spec: LayerSpec) -> str:
    """What would leave something of the picture for a layer, after those before it."""
    shrinks = f"use a smaller {'kernel' if spec.kind == 'conv' else 'window'} in it"
    if any(layer.spec.kind == "pool" and layer.spec.size > 1 for layer in before):
        return f"take out a pool before it, or {shrinks}"
    if any(layer.spec.kind == "conv" and layer.spec.padding == "valid" for layer in before):
        return f"give a conv before it the padding “same”, or {shrinks}"
    return f"{shrinks}, or take it out"


def possible(stack: Stack, shape: Shape) -> bool:
    """Whether shapes has nothing against it."""
    try:
        shapes(stack, shape)
    except ParameterError:
        return False
    return True


def unsuited(shape: Shape) -> DatasetError:
    """What to raise where the stack that comes with an experiment is impossible for pictures of this shape: shapes
    would tell of layers that nobody chose."""
    height, width, _ = shape
    return DatasetError(
        f"This experiment’s network cannot be built for pictures of {width} × {height} px; "
        "use pictures of about 32 × 32 px."
    )


def _check_end(stack: Stack) -> None:
    if not stack or stack[-1].kind != "dense":
        raise ParameterError("The last layer must be dense, with one output a class: add one.")
    if len(stack) > MOST_LAYERS:
        raise ParameterError(f"The stack has {len(stack)} layers; at most {MOST_LAYERS} are built.")


def _check(spec: LayerSpec, name: str) -> None:
    if spec.kind in ("conv", "dense") and spec.out < 1:
        raise ParameterError(f"“{name}” has {spec.out} outputs; it needs 1 or more.")
    if spec.kind in ("conv", "pool") and spec.size < 1:
        raise ParameterError(f"“{name}” has the size {spec.size}; it needs 1 pixel or more.")
    if spec.padding not in PADDINGS:
        raise ParameterError(f"“{name}” has the padding “{spec.padding}”. Use {' or '.join(PADDINGS)}.")
    if spec.kind == "dropout" and not 0 <= spec.share < 1:
        raise ParameterError(f"“{name}” drops a share of {spec.share}; it must be 0 or more and below 1, like 0.25.")


def tensor_of(images: NDArray[np.uint8]) -> Tensor:
    """The same numbers as a tensor; a copy of what is not to be written to, which PyTorch would warn of."""
    return torch.from_numpy(images if images.flags.writeable else images.copy())


# The network ---------------------------------------------------------------------------------------------------------


class Dropout(nn.Module):
    """Sets a share of the values to zero in training, and makes up for it (Srivastava et al. 2014).

    It draws from a generator of its own, so that trainings beside one another do not change each other's course, and
    eight values at a time: one by one, that would take a tenth of a training on a processor. The share is one of
    256 steps.
    """

    def __init__(self, share: float, seed: int):
        super().__init__()
        self.cut, self.seed = round(share * 256), seed
        self._chance: dict[torch.device, torch.Generator] = {}

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.cut:
            return x
        if x.device not in self._chance:
            self._chance[x.device] = torch.Generator(x.device).manual_seed(self.seed)
        eights = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        bytes_ = eights.random_(-(2**63), None, generator=self._chance[x.device]).view(torch.uint8)[: x.numel()]
        kept = torch.empty_like(x).copy_((bytes_ >= self.cut).view(x.shape))  # in x's order of memory
        return x * kept.mul_(256 / (256 - self.cut))


class Network(nn.Module):
    """The network of a stack: uint8 (N, H, W, C) → logits (N, K) float32. It normalises the pictures itself."""

    def __init__(self, stack: Stack, shape: Shape, seed: int, mean: Sequence[float], spread: Sequence[float]):
        super().__init__()
        self.layers, self.shape = tuple(shapes(stack, shape)), shape
        for name, values in (("mean", mean), ("spread", spread)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1))
        chance = torch.Generator().manual_seed(seed)
        self.steps = nn.ModuleList()
        before = shape
        for place, layer in enumerate(self.layers):
            self.steps.append(_step(layer.spec, before, chance, seed * MOST_LAYERS + place))
            before = layer.shape
        nn.init.zeros_(self.steps[-1].weight)  # every class equally likely to begin with: no loss to unlearn first
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.prepared(pictures)
        for place in range(len(self.steps)):
            x = self._through(place, x)
        return x.float()

    def prepared(self, pictures: Tensor) -> Tensor:
        """uint8 (N, H, W, C) → (N, C, H, W) float32 of zero mean and unit spread, channels last in memory."""
        return (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.spread

    def _through(self, place: int, x: Tensor) -> Tensor:
        layer = self.layers[place]
        if layer.spec.kind == "dense":
            x = x.flatten(1)
        x = self.steps[place](x)
        learned = layer.parameters and place < len(self.layers) - 1
        return F.relu(x) if learned else x

    def prepared_one(self, picture: NDArray[np.uint8]) -> Tensor:
        """One picture (H, W, C) as prepared gives it, without a batch: (C, H, W)."""
        return self.prepared(tensor_of(np.ascontiguousarray(picture))[None].to(self.mean.device))[0]

    @torch.no_grad()
    def answers(self, picture: NDArray[np.uint8]) -> Iterator[tuple[LayerShape, Tensor]]:
        """What each layer but a dropout answers to one picture (H, W, C), after its ReLU: (C, height, width), or
        (units,) of a dense one; the last one's are the logits."""
        x = self.prepared_one(picture)[None]
        for place, layer in enumerate(self.layers):
            if layer.spec.kind != "dropout":
                x = self._through(place, x)
                yield layer, x[0].float()

    def maps(self, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """What each conv answers to one picture (H, W, C), after the ReLU: {name: (out, height, width) float32}."""
        found: dict[str, NDArray[np.float32]] = {}
        for layer, values in self.answers(picture):
            if layer.spec.kind == "dense":
                break
            if layer.spec.kind == "conv":
                found[layer.name] = values.cpu().numpy().copy()
        return found

    def weights(self) -> dict[str, Tensor]:
        """A copy of what was learned."""
        return {name: value.detach().clone() for name, value in self.state_dict().items()}


def build(stack: Stack, images: NDArray[np.uint8], seed: int = 0) -> Network:
    """A network with random weights for pictures like these: uint8 (N, H, W, C), whose mean and spread it takes.

    He's initialisation (He et al. 2015), seeded. Raises ParameterError as shapes does.
    """
    sample = images[:: max(1, len(images) // 5_000)].astype(np.float32)
    mean, spread = sample.mean((0, 1, 2)), np.maximum(sample.std((0, 1, 2)), 1)
    return Network(stack, images.shape[1:], seed, mean.tolist(), spread.tolist())


def _step(spec: LayerSpec, before: Shape, chance: torch.Generator, seed: int) -> nn.Module:
    if spec.kind == "pool":
        return nn.MaxPool2d(spec.size)
    if spec.kind == "dropout":
        return Dropout(spec.share, seed)
    if spec.kind == "conv":
        step = nn.utils.skip_init(nn.Conv2d, before[2], spec.out, spec.size, padding=spec.padding)
    else:
        step = nn.utils.skip_init(nn.Linear, prod(before), spec.out)
    nn.init.kaiming_normal_(step.weight, nonlinearity="relu", generator=chance)
    nn.init.zeros_(step.bias)
    return step


def as_data(stack: Stack) -> list[dict[str, object]]:
    """The stack as JSON takes it, without what is as it is by itself."""
    plain = {field.name: field.default for field in fields(LayerSpec)}
    return [{name: value for name, value in asdict(spec).items() if value != plain[name]} for spec in stack]


def from_data(rows: object) -> tuple[LayerSpec, ...]:
    """The stack that as_data gave. Raises ParameterError, which names what is wrong, for what is none."""
    none = "This is no stack of layers"
    if not isinstance(rows, list | tuple):
        raise ParameterError(f"{none}: {quoted(rows)} is no list of them.")
    for row in rows:
        if not isinstance(row, Mapping) or not {"kind"} <= row.keys() <= TYPES.keys():
            raise ParameterError(f"{none}: {quoted(row)} is no layer, such as {quoted(as_data([conv(32)])[0])}.")
        for name, value in row.items():
            if not isinstance(value, TYPES[name]) or isinstance(value, bool):
                raise ParameterError(f"{none}: {quoted(value)} is no {name}.")
            if value not in CHOICES.get(name, [value]):
                raise ParameterError(f"{none}: {quoted(value)} is no {name}. There are {', '.join(CHOICES[name])}.")
    return tuple(LayerSpec(**row) for row in rows)
