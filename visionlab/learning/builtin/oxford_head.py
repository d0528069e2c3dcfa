"""Trains the head of vgg16-oxford: fc6 to fc8 for 202 classes, on Oxford's convolutions as they were published.

    python -m visionlab.learning.builtin.oxford_head --data FOLDER --out weights/vgg16-oxford.safetensors

What FOLDER holds is said in corpus.py. The convolutions never change, so each picture goes through them
once. That is done in rounds, one picture of every class in each, and kept in --work: the same command goes on where it
was stopped, and one with more --rounds after those that are there. A picture takes 0.07 s of one processor at 128 px;
training the head takes a minute or two. It runs on the CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from visionlab.device import describe
from visionlab.errors import ParameterError
from visionlab.imaging.image import Image
from visionlab.learning.builtin.corpus import Pictures, read_classes, read_pictures, strangers
from visionlab.learning.builtin.shipping import finish_by, write
from visionlab.learning.builtin.training import rate_at
from visionlab.learning.builtin.winograd import Winograd
from visionlab.network.files import checksums, reading, weights
from visionlab.network.running.classifier import SMALLEST_SIDE, Transform
from visionlab.network.zoo.oxford import CONVOLUTIONS, MEAN, STD
from visionlab.network.zoo.vgg import VGG, Plan, scaled_plan
from visionlab.writing import whole

BATCH = 12  # pictures that go through the convolutions together
GROUP = 3  # of them through the first three blocks, whose values then stay in the processor's cache
WIDE = 128  # channels from which Winograd's convolution is the faster one


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out; kept in the shipped file."""

    sides: tuple[int, ...] = (128,)  # in pixels; the rounds take them in turn
    interpolation: str = "bicubic"  # by which pictures of 64 px are enlarged
    rounds: int = 50  # pictures of each class to train on, at most
    validation: int = 50  # and to validate on
    strangers: int = 4  # rounds of pictures of nothing, to hold every class equally likely there
    strangers_weight: float = 0.25  # of their loss, beside 1 for the real ones
    hidden: tuple[int, int] = (768, 640)
    epochs: int = 40
    batch: int = 256
    peak_rate: float = 2e-3
    weight_decay: float = 1.0
    dropout: float = 0.5  # of the hidden units
    input_dropout: float = 0.2
    mixup: float = 0.4  # α of the shares in which pictures are mixed; 0 for none
    smoothing: float = 0.0
    seed: int = 0


# --- features -------------------------------------------------------------------------------------------------------


class Means:
    """The means of the last pool's channels: what a head sees of a picture."""

    def __init__(self, network: VGG, wide: int = WIDE):
        """Of the network's convolutions, those of `wide` or more channels by Winograd's method."""
        self._blocks: list[list[Callable[[Tensor], Tensor]]] = [[]]
        for module in network.features:
            if isinstance(module, nn.Conv2d):
                fast = module.out_channels >= wide
                self._blocks[-1].append(Winograd(module.weight, module.bias) if fast else _on_rows(module))
            else:
                self._blocks[-1].append(F.relu if isinstance(module, nn.ReLU) else _on_rows(module))
            if isinstance(module, nn.MaxPool2d):
                self._blocks.append([])

    @torch.inference_mode()
    def __call__(self, images: list[Image], transform: Transform) -> np.ndarray:
        """(N, C) float32 for N pictures of any size."""
        found = []
        for start in range(0, len(images), BATCH):
            x = transform(images[start : start + BATCH], torch.device("cpu")).permute(0, 2, 3, 1).contiguous()
            x = torch.cat([self._through(group, slice(0, 3)) for group in x.split(GROUP)])
            found.append(self._through(x, slice(3, None)).mean((1, 2)).numpy())
        return np.concatenate(found)

    def _through(self, x: Tensor, blocks: slice) -> Tensor:
        for block in self._blocks[blocks]:
            for step in block:
                x = step(x)
        return x  # (N, H, W, C)


def _on_rows(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """The module for pictures in rows, columns, channels."""
    return lambda x: module(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def rounds_of(labels: Tensor, seed: int) -> Iterator[np.ndarray]:
    """The indices of one picture of every class, again and again until all were taken; each class in random order.

    So the first n rounds are n pictures of every class, and the same ones however many follow.
    """
    rng = np.random.default_rng(seed)
    places = [rng.permutation(np.flatnonzero(labels.numpy() == label)) for label in range(int(labels.max()) + 1)]
    for number in range(max(map(len, places))):
        yield np.array([mine[number] for mine in places if number < len(mine)])


@dataclass(frozen=True)
class Room:
    """Where features are kept, a file a round: made once, whatever interrupts."""

    folder: Path
    means: Means
    recipe: Recipe

    def features(self, kind: str, pixels: Tensor, number: int, side: int) -> Tensor:
        """(N, C) float32 of the round's pictures (N, 64, 64, 3) uint8, kept in float16's numbers."""
        name = f"{kind}-{side}-{self.recipe.interpolation}-{self.recipe.seed}-{number:03d}.npy"
        path = self.folder / name
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            transform = Transform(side, side, MEAN, STD, interpolation=self.recipe.interpolation)
            began = time.perf_counter()
            found = self.means(list(pixels.numpy()), transform).astype(np.float16)
            with whole(path) as part, part.open("wb") as file:
                np.save(file, found)
            print(f"  {name}: {(time.perf_counter() - began) / len(found):.3f} s a picture", flush=True)
        return torch.from_numpy(np.load(path)).float()


@dataclass(frozen=True)
class Features:
    """What heads learn from: values (N, C) float32 and labels (N,) int64."""

    values: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def gather(room: Room, kind: str, pictures: Pictures, rounds: int, sides: tuple[int, ...]) -> Features:
    """The features of the first rounds, the sides taken in turn; class by class."""
    values, labels = [], []
    for number, chosen in enumerate(rounds_of(pictures.labels, room.recipe.seed)):
        if number == rounds:
            break
        values.append(room.features(kind, pictures.pixels[chosen], number, sides[number % len(sides)]))
        labels.append(pictures.labels[chosen])
    found = torch.cat(labels)
    order = found.argsort(stable=True)
    return Features(torch.cat(values)[order], found[order])


def gather_strangers(room: Room, pictures: Pictures) -> Tensor:
    """(N, C): the features of pictures of nothing, made of the first rounds' pictures."""
    recipe, values = room.recipe, [torch.zeros(0, 0)]
    for number, chosen in zip(range(recipe.strangers), rounds_of(pictures.labels, recipe.seed), strict=False):
        drawn = strangers(pictures.pixels[chosen], torch.Generator().manual_seed(recipe.seed * 10_000 + number))
        values.append(room.features("strangers", drawn, number, recipe.sides[number % len(recipe.sides)]))
    return torch.cat(values[1:] or values)


# --- training -------------------------------------------------------------------------------------------------------


def train(features: Features, odd: Tensor, classes: int, recipe: Recipe) -> nn.Sequential:
    """fc6 to fc8 on features as they are: what brings them to zero mean and unit spread is folded into fc6."""
    torch.manual_seed(recipe.seed)
    channels = features.values.shape[1]
    network = VGG(Plan(((channels,),), pool=1, hidden=recipe.hidden, classes=classes)).classifier
    for module in network:
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    mean, spread = features.values.mean(0), features.values.std(0).clamp(min=1e-3)
    values = (features.values - mean) / spread
    odd = (odd - mean) / spread if len(odd) else odd
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    per_epoch = math.ceil(len(features) / recipe.batch)
    share = math.ceil(len(odd) / per_epoch)  # of the strangers, in each batch
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(features))
        others = torch.randperm(len(odd))
        total = 0.0
        for i in range(per_epoch):
            for group in optimiser.param_groups:
                group["lr"] = rate_at(epoch * per_epoch + i, recipe.epochs * per_epoch, recipe.peak_rate)
            chosen = order[i * recipe.batch : (i + 1) * recipe.batch]
            x, labels, own = values[chosen], features.labels[chosen], torch.ones(len(chosen))
            if recipe.mixup:
                x, own = _mixed(x, recipe.mixup)
            beside = others[i * share : (i + 1) * share]
            x_all = torch.cat([x, odd[beside]]) if len(beside) else x
            answers = network(F.dropout(x_all, recipe.input_dropout))
            losses = [
                F.cross_entropy(answers[: len(x)], each, label_smoothing=recipe.smoothing, reduction="none")
                for each in (labels, labels.roll(1))
            ]
            loss = (own * losses[0] + (1 - own) * losses[1]).mean()
            total += loss.item() / per_epoch
            if len(beside):  # against uniform
                loss = loss - recipe.strangers_weight * answers[len(x) :].log_softmax(1).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        if (epoch + 1) % 10 == 0 or epoch + 1 == recipe.epochs:
            print(f"epoch {epoch + 1}/{recipe.epochs}  loss {total:.3f}", flush=True)
    with torch.no_grad():
        first = network[0]
        first.weight /= spread
        first.bias -= first.weight @ mean
    return network.eval().requires_grad_(False)


def _mixed(x: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Each picture's features (N, C) with those of the one before it, and its own share (N,), 0.5..1.

    Since features are means over places, it is what a picture would give that shows both (mixup, Zhang et al. 2017).
    """
    drawn = torch.distributions.Beta(alpha, alpha).sample((len(x),))
    own = torch.maximum(drawn, 1 - drawn)
    return own[:, None] * x + (1 - own[:, None]) * x.roll(1, 0), own


def convolutions() -> VGG:
    """Oxford's thirteen, before a head that was never trained; brought as a package if need be."""
    network = VGG(scaled_plan(1, (1, 1), 1)).eval().requires_grad_(False)
    path = weights.fetch(CONVOLUTIONS)
    weights.compare(path, CONVOLUTIONS).check(wait=True)
    tensors, _ = reading.read(path)
    network.load_state_dict(tensors | {k: v for k, v in network.state_dict().items() if k not in tensors})
    return network


def parse_sides(text: str) -> tuple[int, ...]:
    """ "96,128" → (96, 128)."""
    try:
        sides = tuple(int(side) for side in text.split(","))
    except ValueError:
        sides = ()
    if not sides or min(sides) < SMALLEST_SIDE:
        raise ParameterError(f"“{text}” is no list of sides. Write whole numbers from {SMALLEST_SIDE} px on: 96,128.")
    return sides


def main(
    data: Annotated[Path, typer.Option(help="Folder with the zips and classes.txt.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("weights/vgg16-oxford.safetensors"),
    work: Annotated[Path, typer.Option(help="Folder for the decoded pictures and the features.")] = Path("runs/oxford"),
    rounds: Annotated[int, typer.Option(help="Pictures of each class to train on, at most.", min=1)] = Recipe.rounds,
    validation: Annotated[int, typer.Option(help="And to validate on.", min=1)] = Recipe.validation,
    sides: Annotated[str, typer.Option(help="Input sides in pixels, taken in turn: 96,128.")] = "128",
    measured_at: Annotated[str | None, typer.Option(help="Sides to choose from; all by default.")] = None,
    epochs: Annotated[int, typer.Option(help="Times that the head sees each picture.", min=1)] = Recipe.epochs,
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the pictures of nothing.")] = 0,
) -> None:
    """Train the head of vgg16-oxford; features that are there already are not made again."""
    recipe = Recipe(sides=parse_sides(sides), rounds=rounds, validation=validation, epochs=epochs, seed=seed)
    classes = read_classes(data)
    room = Room(work, Means(convolutions()), recipe)
    pictures = read_pictures(data, "train", work)
    features = gather(room, "train", pictures, rounds, recipe.sides)
    odd = gather_strangers(room, pictures)
    held = read_pictures(data, "val", work)
    candidates = parse_sides(measured_at) if measured_at else tuple(dict.fromkeys(recipe.sides))
    judged = {side: gather(room, "val", held, validation, (side,)) for side in candidates}
    labels = next(iter(judged.values())).labels
    print(f"{len(features)} of {len(pictures)} pictures to train on, {len(labels)} of {len(held)} to validate")
    network = train(features, odd, len(classes), recipe)
    finished = finish_by(network, labels, tuple(judged), lambda head, side: head(judged[side].values))
    facts = {"recipe": asdict(recipe), "pictures": len(features), "of": len(pictures), "machine": describe()}
    write(finished, classes, facts, out, mean=MEAN, std=STD, prefix="classifier.")
    print(f"wrote {out}: {finished.side} px, temperature {finished.temperature:.3f}, {finished.figures}")
    print(f"Its SHA-256, which belongs into MODELS: {checksums.sha256(out)}")


if __name__ == "__main__":
    typer.run(main)
