"""Trains the network that the project ships: VGG16's convolutions on small pictures of 202 ImageNet classes.

    python -m visionlab.learning.builtin --data FOLDER --out weights/vgg16-tinyimagenet.safetensors

What FOLDER holds is in visionlab.learning.builtin.corpus.
Uses CUDA with bf16 where it can, a CPU otherwise; with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000 set, Linux
keeps the memory between steps, and a CPU is a fifth faster. A checkpoint after every epoch: the same command goes on
where it was stopped. The shipped file is a plain VGG in float16: batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from visionlab.device import describe, half_precision, resolve
from visionlab.errors import ParameterError
from visionlab.imaging.image import load_image
from visionlab.imaging.samples import SAMPLES, load_sample
from visionlab.learning.builtin.corpus import (
    SIDE,
    Pictures,
    augment,
    cutmix,
    read_classes,
    read_pictures,
    resized,
    strangers,
)
from visionlab.learning.builtin.shipping import accuracies, finish, logits_of, write, write_unrounded
from visionlab.network.files import checksums, reading
from visionlab.network.zoo.vgg import VGG, Plan, fold_batch_norm, read_plan, scaled_plan, unfold_batch_norm
from visionlab.writing import whole

STATISTICS = 4096  # pictures over which a network that is trained on gets its normalisation back


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
    cutmix: float = 0.0  # share of the batches that are mixed
    strangers: int = 8  # pictures of nothing added to each batch, to hold every class equally likely there
    strangers_weight: float = 0.25  # of their loss, beside 1 for the real ones
    average: float = 0.998  # decay a step of the moving average of the weights, which is measured and shipped
    start: str | None = None  # SHA-256 of the weight file that the run starts from; from nothing without one
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


def moving_average(network: VGG, decay: float) -> AveragedModel:
    """The exponential moving average of the weights, as in Szegedy et al. 2015, section 8; shorter at the start."""

    def step(average: Tensor, value: Tensor, count: Tensor) -> Tensor:
        if not average.is_floating_point():
            return value  # the number of batches seen
        kept = ((1 + count) / (10 + count)).clamp(max=decay).to(average.device, average.dtype)
        return torch.lerp(value, average, kept)

    return AveragedModel(network, avg_fn=step, use_buffers=True)


@dataclass
class Run:
    """What changes while training, and goes into the checkpoint."""

    network: VGG
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    history: list[dict[str, float]] = field(default_factory=list)  # an entry an epoch
    seconds: float = 0.0

    def save(self, checkpoint: Path, recipe: Recipe) -> None:
        state = {
            "recipe": json.dumps(asdict(recipe)),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": json.dumps(self.history),
            "seconds": self.seconds,
        }
        with whole(checkpoint) as part:
            torch.save(state, part)

    def restore(self, checkpoint: Path, recipe: Recipe, device: torch.device) -> None:
        """Go on where the checkpoint stopped. Raises ParameterError where it is of another recipe."""
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        if not recipe.goes_on_from(json.loads(saved["recipe"])):
            raise ParameterError(f"{checkpoint} is of another recipe. Remove it, or choose another --work folder.")
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.history, self.seconds = json.loads(saved["history"]), saved["seconds"]


def train_epoch(run: Run, pictures: Pictures, recipe: Recipe, epoch: int) -> Iterator[tuple[int, int, Tensor]]:
    """One pass over the pictures; yields (step of the whole run, steps of the whole run, loss) after each batch."""
    device = pictures.pixels.device
    seed = recipe.seed * 10_000 + epoch  # its own for each epoch, so that an epoch resumed is the same epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from here
    per_epoch = len(pictures) // recipe.batch
    steps = per_epoch * len(recipe.sides)
    order = torch.randperm(len(pictures), generator=generator).to(device)
    precision = half_precision(device)
    run.network.train()
    for i in range(per_epoch):
        step = epoch * per_epoch + i
        for group in run.optimiser.param_groups:
            group["lr"] = rate_at(step, steps, recipe.peak_rate)
        chosen = order[i * recipe.batch : (i + 1) * recipe.batch]
        x = augment(pictures.pixels[chosen], recipe.sides[epoch], recipe.smallest_crop, generator)
        labels, own = pictures.labels[chosen], 1.0
        if recipe.cutmix and torch.rand(1, generator=generator).item() < recipe.cutmix:
            x, own = cutmix(x, generator)
        if recipe.strangers:
            odd = strangers(pictures.pixels[chosen[-recipe.strangers :]], generator)
            x = torch.cat([x, resized(odd, recipe.sides[epoch])])
        with torch.autocast(device.type, dtype=precision, enabled=precision is not None):
            answers = run.network(x.contiguous(memory_format=torch.channels_last)).float()
        logits = answers[: recipe.batch]
        loss = own * F.cross_entropy(logits, labels, label_smoothing=recipe.smoothing)
        if own < 1:
            loss = loss + (1 - own) * F.cross_entropy(logits, labels.roll(1), label_smoothing=recipe.smoothing)
        total = loss
        if recipe.strangers:
            total = loss - recipe.strangers_weight * answers[recipe.batch :].log_softmax(1).mean()  # against uniform
        run.optimiser.zero_grad(set_to_none=True)
        total.backward()
        run.optimiser.step()
        run.average.update_parameters(run.network)
        yield step + 1, steps, loss.detach()


def evaluate(network: VGG, pictures: Pictures, side: int = SIDE) -> tuple[float, float]:
    """Top-1 and top-5 accuracy (0..1) on whole pictures at `side` pixels, in float32."""
    return accuracies(logits_of(network, pictures, side), pictures.labels)


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


def _start_from(file: Path, network: VGG, plan: Plan, pictures: Pictures, recipe: Recipe) -> None:
    """Put a shipped file's weights into the network, normalised over the first pictures that it will be shown."""
    tensors, _ = reading.read(file)
    found = read_plan({name: tensor.shape for name, tensor in tensors.items()})
    if found != replace(plan, batch_norm=False):
        raise ParameterError(f"{file} has the shape {found}. Start from a file of the recipe’s own width and classes.")
    plain = VGG(found).eval()
    plain.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    plain.to(pictures.pixels.device)
    generator = torch.Generator().manual_seed(recipe.seed)
    chosen = torch.randperm(len(pictures), generator=generator)[:STATISTICS]
    batches = [
        augment(pictures.pixels[part], recipe.sides[0], recipe.smallest_crop, generator)
        for part in chosen.to(pictures.pixels.device).split(recipe.batch)
        if len(part) == recipe.batch
    ]
    network.load_state_dict(unfold_batch_norm(plain, plan, batches).state_dict())


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
    width: Annotated[float, typer.Option(help="Channels, as a share of the paper’s.")] = 0.5,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 128,
    peak_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.1,
    smoothing: Annotated[float, typer.Option(help="Label smoothing.")] = 0.1,
    cutmix: Annotated[float, typer.Option(help="Share of the batches that are mixed with CutMix.")] = 0.0,
    start: Annotated[Path | None, typer.Option(help="Weight file to start from instead of from nothing.")] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photographs whose answers before rounding are kept, beside those of samples.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the weights, the order and the crops.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train the built-in network, or go on where the last run of the same recipe stopped."""
    where = resolve(device)
    recipe = Recipe(
        stages=parse_stages(stages),
        width=width,
        batch=batch,
        peak_rate=peak_rate,
        smoothing=smoothing,
        cutmix=cutmix,
        start=hashlib.sha256(start.read_bytes()).hexdigest() if start else None,
        seed=seed,
    )
    classes = read_classes(data)
    train = read_pictures(data, "train", work).to(where)
    validation = read_pictures(data, "val", work).to(where)
    network, plan = _build(recipe, len(classes), where)
    checkpoint = work / "checkpoint.pt"
    going_on = checkpoint.is_file()
    if start and not going_on:
        _start_from(start, network, plan, train, recipe)
    run = Run(network, moving_average(network, recipe.average), _optimiser(network, recipe))
    if going_on:
        run.restore(checkpoint, recipe, where)
        print(f"going on after epoch {len(run.history)}", flush=True)
    print(f"{len(train)} pictures to train on, {len(validation)} to validate, on {describe()}", flush=True)
    for epoch in range(len(run.history), len(recipe.sides)):
        began, losses = time.perf_counter(), []
        for step, steps, loss in train_epoch(run, train, recipe, epoch):
            losses.append(loss)
            if step % 100 == 0:
                pace = (time.perf_counter() - began) / len(losses)
                recent = torch.stack(losses[-100:]).mean().item()
                print(f"  step {step}/{steps}  loss {recent:.3f}  {pace * 1000:.0f} ms a step", flush=True)
        run.seconds += time.perf_counter() - began
        side = recipe.sides[epoch]  # measured at the same size: at another one a network is far from its best
        top1, top5 = evaluate(run.average.module, validation, side)
        mean_loss = torch.stack(losses).mean().item()
        run.history.append({"side": side, "measured_at": side, "loss": mean_loss, "top1": top1, "top5": top5})
        print(f"epoch {epoch + 1}/{len(recipe.sides)}  {run.history[-1]}  {run.seconds / 60:.1f} min", flush=True)
        run.save(checkpoint, recipe)
    facts = {
        "recipe": asdict(recipe),
        "history": run.history,
        "minutes": round(run.seconds / 60, 1),
        "machine": describe(),
        "date": date.today().isoformat(),
    }
    if start:
        facts["started_from"] = json.loads(reading.read(start)[1].get("training", "{}"))
    finished = finish(fold_batch_norm(run.average.module.cpu(), plan).to(where), validation)
    write(finished, classes, facts, out)
    files = sorted(photos.iterdir()) if photos else []
    images = chain(map(load_sample, SAMPLES), map(load_image, files))
    write_unrounded(finished, images, out.with_suffix(".unrounded.npz"))
    print(f"wrote {out}: {finished.side} px, temperature {finished.temperature:.3f}, {finished.figures}")
    print(f"Its SHA-256, which belongs into MODELS: {checksums.sha256(out)}")
