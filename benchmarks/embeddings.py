"""Which layer, input size, pooling, normalisation and views of a network embed best for a small head.

    python benchmarks/embeddings.py --data FOLDER --network efficientnet_lite0 --sides 160,192,224
    python benchmarks/embeddings.py --data FOLDER --network vgg16-oxford --sides 128,160,224 --tasks cats-dogs

FOLDER holds cats-dogs/train and /val (photographs, a folder a class), cifar10.zip (10 classes at 32 px),
tiny-imagenet/val.zip (64 px, of which the six breeds of dogs are taken) and mnist/ (digits at 28 px, which no network
here has seen). Heads are logistic regressions as the app trains them, on a few pictures of each class; they answer for
the pictures of the task that are never drawn from. Told are the layers and how they are pooled, and for the layer that
MODELS names its normalisation, the input size, and what of a picture is seen. Features lie in --work, so that a run
goes on where it was stopped.
"""

from __future__ import annotations

import gzip
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image as PillowImage
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab.imaging.image import Image
from visionlab.learning.builtin.winograd import Winograd
from visionlab.learning.features.scaling import STRENGTH
from visionlab.learning.heads.linear import logistic
from visionlab.learning.heads.problem import Problem
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.inside.activations import activations
from visionlab.network.running.classifier import Classifier, Step

console = Console(width=150, highlight=False)
DOGS = ("n02085620", "n02094433", "n02099601", "n02099712", "n02106662", "n02113799")
OF_EACH, DRAWN_FROM = 50, 30  # pictures of a class in the tasks made here, and those of them that draws are made from
SIZES = (5, 20)
BATCH = 8
WORK = Path(tempfile.gettempdir()) / "visionlab-embeddings"
WIDE = 128  # channels from which Winograd's convolution is the faster one

LAYERS = {  # the last one with places is what the network's embedding is the mean of
    "efficientnet_lite0": ("blocks.10.sum", "blocks.14.sum", "blocks.15.project", "last_relu6", "classifier", "prob"),
    "vgg16-oxford": ("pool4", "relu5_2", "relu5_3", "pool5", "relu6", "relu7", "fc8", "prob"),
    "vgg16-tinyimagenet": ("pool4", "relu5_3", "pool5", "relu6", "relu7", "fc8", "prob"),
}
POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {  # (N, C, H, W) → (N, C)
    "mean": lambda x: x.mean((2, 3)),
    "max": lambda x: x.amax((2, 3)),
    "cubic mean": lambda x: x.clamp(min=0).pow(3).mean((2, 3)).pow(1 / 3),  # Radenović et al. 2018
}
NORMALISATIONS: dict[str, Callable[[NDArray], NDArray]] = {  # (N, F) → (N, F), before the head scales them
    "none": lambda x: x,
    "unit length": lambda x: x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12),
    "root": lambda x: np.sign(x) * np.sqrt(np.abs(x)),
    "root, unit length": lambda x: NORMALISATIONS["unit length"](NORMALISATIONS["root"](x)),
}
FRAMES = {"whole": 1.0, "closer": 256 / 224}  # shorter side as a multiple of the crop

Task = tuple[list[Image], NDArray[np.int64], NDArray[np.bool_]]  # pictures, labels, whether drawn from


# --- tasks ----------------------------------------------------------------------------------------------------------


def cats_dogs(data: Path) -> Task:
    parts = [LabelledImages.from_folder(data / "cats-dogs" / part) for part in ("train", "val")]
    labels = [part.labels for part in parts]
    drawn_from = np.repeat([True, False], [len(part) for part in labels])
    return [image for part in parts for image in part.images], np.concatenate(labels), drawn_from


def cifar10(data: Path) -> Task:
    with zipfile.ZipFile(data / "cifar10.zip") as opened:
        names = sorted(name for name in opened.namelist() if name.startswith("test/") and name.endswith(".webp"))
        return _task((name.split("/")[1], _decoded(opened.read(name))) for name in _first(names))


def dogs(data: Path) -> Task:
    with zipfile.ZipFile(data / "tiny-imagenet" / "val.zip") as opened:
        names = sorted(name for name in opened.namelist() if name.split("/")[1] in DOGS and name.endswith(".webp"))
        return _task((name.split("/")[1], _decoded(opened.read(name))) for name in _first(names))


def digits(data: Path) -> Task:
    with gzip.open(data / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(data / "mnist" / "t10k-labels-idx1-ubyte.gz") as file:
        truth = np.frombuffer(file.read(), np.uint8, offset=8)
    chosen = [index for digit in range(10) for index in np.flatnonzero(truth == digit)[:OF_EACH]]
    return _task((str(truth[index]), np.repeat(pixels[index][..., None], 3, 2)) for index in chosen)


def _first(names: Sequence[str]) -> Iterator[str]:
    """So many of each class as a task takes."""
    seen: dict[str, int] = {}
    for name in names:
        one = name.split("/")[1]
        seen[one] = seen.get(one, 0) + 1
        if seen[one] <= OF_EACH:
            yield name


def _decoded(data: bytes) -> Image:
    return np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB"))


def _task(found: Iterator[tuple[str, Image]]) -> Task:
    names, images = zip(*found, strict=True)
    _, labels = np.unique(names, return_inverse=True)
    return list(images), labels.astype(np.int64), np.arange(len(images)) % OF_EACH < DRAWN_FROM


TASKS: dict[str, Callable[[Path], Task]] = {
    "cats-dogs": cats_dogs, "cifar10": cifar10, "dogs": dogs, "digits": digits,
}  # fmt: skip


# --- features -------------------------------------------------------------------------------------------------------


class Quick(nn.Module):
    """The same network, its wide 3×3 convolutions by Winograd's method: within a millionth, and several times as
    quick without AVX-512."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self._steps = [(path, _quick(step)) for path, step in network.steps()]

    def steps(self) -> list[Step]:
        return self._steps


def _quick(step: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    plain = isinstance(step, nn.Conv2d) and (step.kernel_size, step.stride, step.padding) == ((3, 3), (1, 1), (1, 1))
    if not plain or step.groups > 1 or step.out_channels < WIDE:
        return step
    fast = Winograd(step.weight, step.bias)
    return lambda x: fast(x.permute(0, 2, 3, 1).contiguous()).permute(0, 3, 1, 2)


@torch.inference_mode()
def features(net: Classifier, images: Sequence[Image], frame: str, flipped: bool) -> dict[str, NDArray[np.float32]]:
    """{"layer, pooling": (N, F)}; layers without places have no pooling."""
    side = net.transform.crop
    here = replace(net, transform=replace(net.transform, resize=round(side * FRAMES[frame])))
    found: dict[str, list[Tensor]] = {}
    for start in range(0, len(images), BATCH):
        x = here.transform(images[start : start + BATCH], here.device)
        x = x.flip(3) if flipped else x
        for name, values in activations(
            here, x.contiguous(memory_format=torch.channels_last), LAYERS[net.name]
        ).items():
            if here.layer(name).in_place:
                for pooling, pool in POOLINGS.items():
                    found.setdefault(f"{name}, {pooling}", []).append(pool(values))
            else:
                found.setdefault(name, []).append(values.flatten(1))
    return {name: torch.cat(parts).float().numpy() for name, parts in found.items()}


def kept(path: Path, make: Callable[[], dict[str, NDArray]]) -> dict[str, NDArray]:
    if not path.exists():
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **make())
        partial.replace(path)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


# --- heads ----------------------------------------------------------------------------------------------------------


def right(x: NDArray[np.float32], task: Task, count: int, seed: int) -> float:
    """The share of the pictures that are not drawn from that a head is right on, learned from `count` of each class."""
    _, labels, drawn_from = task
    rng, classes = np.random.default_rng(seed), int(labels.max()) + 1
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(drawn_from & (labels == one)))[:count] for one in range(classes)]
    )
    # The usual penalty: to choose it for each draw would take most of the time.
    problem = Problem(x[chosen], labels[chosen], np.arange(len(chosen)), x[~drawn_from], classes, seed, STRENGTH)
    (last,) = logistic(problem)
    return float((last.logits.argmax(1) == labels[~drawn_from]).mean())


def main(
    data: Annotated[Path, typer.Option(help="Holds cats-dogs, cifar10.zip, tiny-imagenet and mnist.")],
    network: Annotated[str, typer.Option(help=f"One of {', '.join(LAYERS)}.")] = "efficientnet_lite0",
    sides: Annotated[str, typer.Option(help="Input sizes in pixels; the first one for layers and views.")] = "224,160",
    tasks: Annotated[str, typer.Option(help=f"Some of {', '.join(TASKS)}.")] = ",".join(TASKS),
    draws: Annotated[int, typer.Option(help="Of the pictures to learn from; figures are their mean.")] = 10,
    work: Annotated[Path, typer.Option(help="Where features are kept.")] = WORK,
) -> None:
    """Print, for each task, the share of fresh pictures that is right from 5 and from 20 pictures a class."""
    work.mkdir(parents=True, exist_ok=True)
    net = vl.load_classifier(network, "cpu")
    net = replace(net, module=Quick(net.module))
    own = next(f"{name}, mean" for name in reversed(LAYERS[network]) if net.layer(name).in_place)
    usual = "unit length" if net.unit_length else "none"
    framed = "whole" if net.transform.resize == net.transform.crop else "closer"
    other = next(frame for frame in FRAMES if frame != framed)
    numbers = [int(side) for side in sides.split(",")]
    for name in tasks.split(","):
        task = TASKS[name](data)
        table = Table(f"{network}, {name}, {draws} draws", *(f"{count} a class" for count in SIZES))

        def seen(side: int, frame: str = framed, flipped: bool = False, *, name=name, task=task) -> dict[str, NDArray]:
            here = replace(net, transform=net.transform.at(side))
            path = work / f"{network} {name} {side} {frame}{' flipped' if flipped else ''}.npz"
            return kept(path, lambda: features(here, task[0], frame, flipped))

        def tell(what: str, x: NDArray[np.float32], *, task=task, table=table) -> None:
            means = [np.mean([right(x, task, count, seed) for seed in range(draws)]) for count in SIZES]
            table.add_row(what, *(f"{mean:.1%}" for mean in means))

        first = numbers[0]
        for layer, x in seen(first).items():
            for scaling in ("none", "unit length"):
                tell(f"{first} px, {layer}; {scaling}", NORMALISATIONS[scaling](x))
        table.add_section()
        for scaling, normalise in NORMALISATIONS.items():
            tell(f"{first} px, {own}; {scaling}", normalise(seen(first)[own]))
        table.add_section()
        for side in numbers:
            tell(f"{side} px, {own}; {usual}", NORMALISATIONS[usual](seen(side)[own]))
        tell(f"{first} px, {other}, {own}; {usual}", NORMALISATIONS[usual](seen(first, other)[own]))
        looks = {
            "and mirrored": [seen(first), seen(first, flipped=True)],
            f"and {other}": [seen(first), seen(first, other)],
            f"and at {numbers[-1]} px": [seen(first), seen(numbers[-1])],
        }
        for what, several in looks.items():
            x = np.mean([NORMALISATIONS[usual](each[own]) for each in several], 0)
            tell(f"{first} px {what}, mean of both, {own}; {usual}", x)
        console.print(table)


if __name__ == "__main__":
    typer.run(main)
