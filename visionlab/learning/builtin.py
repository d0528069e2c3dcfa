"""Trains the network that the project ships: VGG16's convolutions on small pictures of 202 ImageNet classes.

    python -m visionlab.learning.builtin --data FOLDER --out weights/vgg16-tinyimagenet.safetensors

FOLDER holds zips (or folders) with train/<wnid>/*.webp|jpg|png and val/<wnid>/*, and classes.txt ("wnid name" a line).
Uses CUDA with bf16 where it can, a CPU otherwise. A checkpoint after every epoch: the same command goes on where it was
stopped. The shipped file is a plain VGG in float16: batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from PIL import Image as PillowImage
from safetensors.torch import save_file
from torch import Tensor, nn

from visionlab.device import describe, half_precision, resolve
from visionlab.errors import DatasetError, ParameterError
from visionlab.network.classifier import IMAGENET_MEAN, IMAGENET_STD
from visionlab.network.vgg import VGG, Plan, fold_batch_norm, scaled_plan

SIDE = 64  # of the pictures as they are stored
SUFFIXES = {".webp", ".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out; kept in the checkpoint and in the shipped file."""

    stages: tuple[tuple[int, int], ...] = ((40, 5), (48, 4), (64, 3))  # (side in pixels, epochs), in order
    width: float = 0.5
    hidden: tuple[int, int] = (512, 512)
    batch: int = 128
    peak_rate: float = 0.1
    weight_decay: float = 5e-4
    momentum: float = 0.9
    smoothing: float = 0.1
    dropout: float = 0.1
    smallest_crop: float = 0.35  # share of the picture's area
    seed: int = 0

    @property
    def sides(self) -> list[int]:
        """The side of each epoch's pictures."""
        return [side for side, epochs in self.stages for _ in range(epochs)]

    def goes_on_from(self, saved: dict) -> bool:
        """Whether a checkpoint of the saved recipe (as JSON keeps it) fits: the same, but for epochs that follow."""
        earlier = [side for side, epochs in saved["stages"] for _ in range(epochs)]
        mine = json.loads(json.dumps(asdict(self)))
        return mine | {"stages": None} == saved | {"stages": None} and self.sides[: len(earlier)] == earlier


@dataclass(frozen=True)
class Pictures:
    """Equally large pictures in memory: pixels (N, 64, 64, 3) uint8, labels (N,) int64, on one device."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Pictures:
        return Pictures(self.pixels.to(device), self.labels.to(device))


# --- data -----------------------------------------------------------------------------------------------------------


def read_classes(folder: Path) -> list[tuple[str, str]]:
    """(WordNet id, name for people) of each class, in the order of the labels."""
    file = folder / "classes.txt"
    if not file.is_file():
        raise DatasetError(f"There is no classes.txt in {folder}. It should hold one “wnid name” a line.")
    pairs = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line.strip()]
    return [(wnid, name.strip().replace("_", " ")) for wnid, name in pairs]


def _files(folder: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """(WordNet id, encoded picture) of every picture of a split, from zips and from folders."""
    for archive in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            for name in sorted(opened.namelist()):
                path = Path(name)
                if len(path.parts) >= 3 and path.parts[0] == split and path.suffix.lower() in SUFFIXES:
                    yield path.parts[1], opened.read(name)
    for path in sorted((folder / split).rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield path.relative_to(folder / split).parts[0], path.read_bytes()


def read_pictures(folder: Path, split: str, cache: Path) -> Pictures:
    """Every picture of a split, decoded; kept decoded in `cache` for the next run."""
    packed = cache / f"{split}.npz"
    if not packed.is_file():
        index = {wnid: i for i, (wnid, _) in enumerate(read_classes(folder))}
        pixels, labels = [], []
        for wnid, data in _files(folder, split):
            if wnid not in index:
                raise DatasetError(f"The folder {split}/{wnid} is not in classes.txt. Add it there, or remove it.")
            picture = PillowImage.open(io.BytesIO(data)).convert("RGB")
            picture = picture if picture.size == (SIDE, SIDE) else picture.resize((SIDE, SIDE), PillowImage.LANCZOS)
            pixels.append(np.asarray(picture))
            labels.append(index[wnid])
        if not pixels:
            raise DatasetError(f"No pictures for “{split}” in {folder}: expected {split}/<wnid>/*.webp, .jpg or .png.")
        cache.mkdir(parents=True, exist_ok=True)
        partial = packed.with_suffix(".part.npz")
        np.savez(partial, pixels=np.stack(pixels), labels=np.array(labels, np.int64))
        partial.replace(packed)
    arrays = np.load(packed)
    return Pictures(torch.from_numpy(arrays["pixels"]), torch.from_numpy(arrays["labels"]))


def _normalise(pixels: Tensor) -> Tensor:
    """(N, 64, 64, 3) uint8 → (N, 3, 64, 64) float32, zero mean and unit spread over ImageNet."""
    x = pixels.permute(0, 3, 1, 2).float().div_(255)
    mean, std = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (x - mean) / std


def augment(pixels: Tensor, side: int, smallest_crop: float, generator: torch.Generator) -> Tensor:
    """Random resized crops, flips and colour: (N, 64, 64, 3) uint8 → (N, 3, side, side) float32, normalised.

    Szegedy et al. 2014, section 6: area from smallest_crop to 1, aspect ratio from 3/4 to 4/3, each picture its own.
    """
    n = len(pixels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * (high - low) + low).to(pixels.device)

    area, ratio = uniform(smallest_crop, 1), uniform(math.log(3 / 4), math.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = uniform(-1, 1).sign()
    theta = torch.zeros(n, 2, 3, device=pixels.device)
    theta[:, 0, 0], theta[:, 0, 2] = width * flip, uniform(-1, 1) * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, uniform(-1, 1) * (1 - height)
    x = _normalise(pixels)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    centre = x.mean((2, 3), keepdim=True)
    x = (x - centre) * uniform(0.7, 1.3, 1, 1, 1) + centre + uniform(-0.3, 0.3, 1, 1, 1)  # contrast, brightness
    grey = x.mean(1, keepdim=True)
    return (x - grey) * uniform(0.7, 1.3, 1, 1, 1) + grey  # saturation


# --- training -------------------------------------------------------------------------------------------------------


def rate_at(step: int, steps: int, peak: float) -> float:
    """One cycle (Smith & Topin 2017): a rise over a fifth of the steps, then a cosine down to nothing."""
    rise = max(1, steps // 5)
    if step < rise:
        return peak * (0.04 + 0.96 * step / rise)
    return peak * (0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _optimiser(network: VGG, recipe: Recipe) -> torch.optim.SGD:
    """SGD with Nesterov's momentum; biases and batch normalisation are not decayed (He et al. 2018)."""
    decayed = [p for p in network.parameters() if p.dim() > 1]
    free = [p for p in network.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=recipe.peak_rate, momentum=recipe.momentum, nesterov=True)


def train_epoch(
    network: VGG, optimiser: torch.optim.Optimizer, pictures: Pictures, recipe: Recipe, epoch: int
) -> Iterator[tuple[int, int, float]]:
    """One pass over the pictures; yields (step of the whole run, steps of the whole run, loss) after each batch."""
    device = pictures.pixels.device
    seed = recipe.seed * 10_000 + epoch  # its own for each epoch, so that an epoch resumed is the same epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from here
    per_epoch = len(pictures) // recipe.batch
    steps = per_epoch * len(recipe.sides)
    order = torch.randperm(len(pictures), generator=generator).to(device)
    precision = half_precision(device)
    network.train()
    for i in range(per_epoch):
        step = epoch * per_epoch + i
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, steps, recipe.peak_rate)
        chosen = order[i * recipe.batch : (i + 1) * recipe.batch]
        x = augment(pictures.pixels[chosen], recipe.sides[epoch], recipe.smallest_crop, generator)
        with torch.autocast(device.type, dtype=precision, enabled=precision is not None):
            logits = network(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), pictures.labels[chosen], label_smoothing=recipe.smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        yield step + 1, steps, loss.detach()


@torch.inference_mode()
def evaluate(network: VGG, pictures: Pictures, side: int = SIDE, batch: int = 256) -> tuple[float, float]:
    """Top-1 and top-5 accuracy (0..1) on whole pictures at `side` pixels, in float32."""
    network.eval()
    right = torch.zeros(5)
    for pixels, labels in zip(pictures.pixels.split(batch), pictures.labels.split(batch), strict=True):
        x = _normalise(pixels)
        if side != SIDE:
            x = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
        logits = network(x.contiguous(memory_format=torch.channels_last))
        found = logits.topk(min(5, logits.shape[1])).indices  # (N, 5)
        right[: found.shape[1]] += (found == labels[:, None]).sum(0).cpu()
    share = right.cumsum(0) / len(pictures)
    return float(share[0]), float(share[4])


def _build(recipe: Recipe, classes: int, device: torch.device) -> tuple[VGG, Plan]:
    torch.manual_seed(recipe.seed)
    plan = scaled_plan(recipe.width, recipe.hidden, classes, batch_norm=True)
    network = VGG(plan)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    nn.init.normal_(network.classifier[-1].weight, std=0.01)
    return network.to(device, memory_format=torch.channels_last), plan


def write(network: VGG, plan: Plan, classes: list[tuple[str, str]], facts: dict, out: Path) -> None:
    """The shipped file: plain VGG in float16, with the labels, the transform and the facts as JSON in its header."""
    plain = fold_batch_norm(network.cpu(), plan)
    tensors = {name: value.half().contiguous() for name, value in plain.state_dict().items()}
    metadata = {
        "labels": json.dumps([name for _, name in classes]),
        "wnids": json.dumps([wnid for wnid, _ in classes]),
        "mean": json.dumps(IMAGENET_MEAN),
        "std": json.dumps(IMAGENET_STD),
        "training": json.dumps(facts),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part")
    save_file(tensors, partial, metadata)
    partial.replace(out)


def parse_stages(text: str) -> tuple[tuple[int, int], ...]:
    """ "40x5,64x3" → ((40, 5), (64, 3)): five epochs at 40 px, then three at 64 px."""
    try:
        stages = tuple(tuple(int(number) for number in stage.split("x")) for stage in text.split(","))
        if any(len(stage) != 2 or stage[0] < 32 or stage[1] < 1 for stage in stages):
            raise ValueError
    except ValueError as error:
        raise ParameterError(
            f"“{text}” is no list of stages. Write sides (32 or more) and epochs: 40x5,64x3."
        ) from error
    return stages


def main(
    data: Annotated[Path, typer.Option(help="Folder with the zips and classes.txt.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("weights/vgg16-tinyimagenet.safetensors"),
    work: Annotated[Path, typer.Option(help="Folder for the decoded pictures and the checkpoint.")] = Path(
        "runs/builtin"
    ),
    stages: Annotated[str, typer.Option(help="Sides and epochs, in order: 40x5,48x4,64x3.")] = "40x5,48x4,64x3",
    width: Annotated[float, typer.Option(help="Channels, as a share of the paper's.")] = 0.5,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 128,
    peak_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the crops.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train the built-in network, or go on where the last run of the same recipe stopped."""
    where = resolve(device)
    recipe = Recipe(stages=parse_stages(stages), width=width, batch=batch, peak_rate=peak_rate, seed=seed)
    classes = read_classes(data)
    train = read_pictures(data, "train", work).to(where)
    validation = read_pictures(data, "val", work).to(where)
    network, plan = _build(recipe, len(classes), where)
    optimiser = _optimiser(network, recipe)
    history, seconds = [], 0.0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.is_file():
        saved = torch.load(checkpoint, map_location=where, weights_only=True)
        if not recipe.goes_on_from(json.loads(saved["recipe"])):
            raise ParameterError(f"{checkpoint} is of another recipe. Remove it, or choose another --work folder.")
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        history, seconds = json.loads(saved["history"]), saved["seconds"]
        print(f"going on after epoch {len(history)}", flush=True)
    print(f"{len(train)} pictures to train on, {len(validation)} to validate, on {describe()}", flush=True)
    for epoch in range(len(history), len(recipe.sides)):
        start, losses = time.perf_counter(), []
        for step, steps, loss in train_epoch(network, optimiser, train, recipe, epoch):
            losses.append(loss)
            if step % 100 == 0:
                pace = (time.perf_counter() - start) / len(losses)
                recent = torch.stack(losses[-100:]).mean().item()
                print(f"  step {step}/{steps}  loss {recent:.3f}  {pace * 1000:.0f} ms a step", flush=True)
        seconds += time.perf_counter() - start
        top1, top5 = evaluate(network, validation)
        mean_loss = torch.stack(losses).mean().item()
        history.append({"side": recipe.sides[epoch], "loss": mean_loss, "top1": top1, "top5": top5})
        print(f"epoch {epoch + 1}/{len(recipe.sides)}  {history[-1]}  {seconds / 60:.1f} min", flush=True)
        state = {
            "recipe": json.dumps(asdict(recipe)),
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "history": json.dumps(history),
            "seconds": seconds,
        }
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)
    facts = {
        "recipe": asdict(recipe),
        "history": history,
        "minutes": round(seconds / 60, 1),
        "machine": describe(),
        "date": date.today().isoformat(),
    }
    write(network, plan, classes, facts, out)
    print(f"wrote {out}: top-1 {history[-1]['top1']:.1%}, top-5 {history[-1]['top5']:.1%}")


if __name__ == "__main__":
    typer.run(main)
