"""The networks that are trained from nothing, beside the goals that were set for them.

    python benchmarks/scratch.py ../shared/data/cifar10.zip ../shared/data/mnist [--epochs 10] [--closing]

Seconds are of this process, the processor's seconds beside them: on a machine that does something else besides, the
latter tell more. The article's network and its peer take turns; the peer is the same layers in eager float32, fed by a
DataLoader from tensors that are normalised beforehand, without augmentation: less work than ours does.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab.device import describe, half_precision, resolve
from visionlab.learning.scratch import (
    CONVOLUTIONAL,
    SETTINGS,
    Birds,
    Closing,
    MovingEight,
    SmallSet,
    Softmax,
    Training,
    convolutional,
    fully_connected,
    load,
)
from visionlab.learning.scratch.closing import WAYS
from visionlab.learning.scratch.moving_eight import LEARNERS
from visionlab.learning.scratch.training import BATCH, LOOKS, RATE

console = Console(width=130, highlight=False)
GPU_EPOCHS = 30


def timed(work: Callable[[], object]) -> tuple[object, str]:
    """What it gives, and “3.2 s (processor 5.1 s, load 2.0)”."""
    start, busy = time.perf_counter(), time.process_time()
    found = work()
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    return found, f"{wall:.2f} s (processor {busy:.2f} s, load {os.getloadavg()[0]:.1f})"


def softmax(cifar: Path, settings: str) -> float:
    """Test accuracy, the zip read anew."""
    *_, last = Softmax(load(cifar), SETTINGS[settings])
    return last.test_accuracy


def ours(data: SmallSet) -> Iterator[int]:
    """Pictures learned from since the last time."""
    before = 0
    for look in Training(CONVOLUTIONAL, data, epochs=100).looks():
        yield (look.done - before) % look.of
        before = look.done % look.of


def peer(data: SmallSet) -> Iterator[int]:
    """The same, in plain torch."""
    x = torch.from_numpy(data.images).permute(0, 3, 1, 2).float().div(255).sub(0.47).div(0.25).contiguous()
    loader = DataLoader(TensorDataset(x, torch.from_numpy(data.labels)), BATCH, shuffle=True)
    network = nn.Sequential(
        *(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
        ),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.25), nn.Flatten(), nn.Linear(2304, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10)),
    )
    optimiser = torch.optim.AdamW(network.parameters(), RATE)
    seen = 0
    while True:
        for pictures, labels in loader:
            optimiser.zero_grad()
            F.cross_entropy(network(pictures), labels).backward()
            optimiser.step()
            seen += len(labels)
            if seen >= len(x) // LOOKS:
                yield seen
                seen = 0


def rates(data: SmallSet, turns: int) -> dict[str, tuple[float, float]]:
    """(pictures a second, pictures a processor second) of both, in turns; the best turn of each, which other work on
    the machine disturbed least."""
    runs = {"ours": ours(data), "peer": peer(data)}
    best = dict.fromkeys(runs, (0.0, 0.0))
    for turn in range(turns + 1):
        for name, run in runs.items():
            start, busy = time.perf_counter(), time.process_time()
            count = next(run)
            taken = time.perf_counter() - start, time.process_time() - busy
            if turn:  # the first one warms up
                best[name] = tuple(max(old, count / one) for old, one in zip(best[name], taken, strict=True))
    return best


def main(
    cifar: Annotated[Path, typer.Argument(help="A zip of train/<class> and test/<class>.")],
    mnist: Annotated[Path, typer.Argument(help="A folder with MNIST's four files.")],
    epochs: Annotated[int, typer.Option(help="Of the article's network; 0 leaves it out.")] = 10,
    turns: Annotated[int, typer.Option(help="Of the article's network and its peer; 0 leaves them out.")] = 8,
    birds: Annotated[int, typer.Option(help="Epochs of bird or not; 0 leaves it out.")] = 0,
    closing: Annotated[bool, typer.Option(help="The closing table, too.")] = False,
) -> None:
    """Measure, and print each figure beside its goal."""
    console.print(f"torch {torch.__version__}, {describe()}, half precision {half_precision(resolve())}")
    table = Table("what", "measured", "goal")
    goals = {"article": "the article: 30.66 % in 12.42 s", "better": "30 % in under 12.42 s"}
    for settings, goal in goals.items():
        accuracy, taken = timed(lambda settings=settings: softmax(cifar, settings))
        table.add_row(f"softmax, {settings}, reading included", f"{accuracy:.2%} in {taken}", goal)
    eight = MovingEight(load(mnist))
    _, taken = timed(lambda: list(eight))
    table.add_row("the moving 8, four networks", taken, "under 60 s")
    for name, found in eight.shifts.items():
        shares = ", ".join(f"{share:.0%} at {far} px" for far, share in zip(*found.curve(), strict=True))
        table.add_row(f"  {LEARNERS[name].title}", shares, "")
    data = load(cifar)
    if turns:
        found = rates(data, turns)
        for place, unit in enumerate(("second", "processor second")):
            one, other = (found[name][place] for name in ("ours", "peer"))
            told = f"{one:,.0f} and {other:,.0f} pictures a {unit}: {one / other:.2f} ×"
            table.add_row("convolutional, beside plain torch", told, "1.5 ×")
    if epochs:
        run = Training(CONVOLUTIONAL, data, GPU_EPOCHS if resolve().type == "cuda" else epochs)
        _, taken = timed(lambda: list(run))
        reached = ", ".join(f"{epoch.test_accuracy:.1%}" for epoch in run.history)
        table.add_row("convolutional", f"{reached} in {taken}", "75 % within 10 epochs; on a GPU 30 in 60 s")
    if birds:
        run = Birds(data, epochs=birds)
        _, taken = timed(lambda: list(run))
        found = run.at()
        told = f"{found.accuracy:.1%}, precision {found.precision:.1%}, recall {found.recall:.1%} in {taken}"
        table.add_row(f"bird or not, {birds} epochs", told, f"majority {found.majority:.1%}; the article: 95.5 %")
    dense, conv = fully_connected(256, 256), convolutional(256, 256)
    told = f"{dense.weights:,} weights, {dense.bytes(8) / 1e9:.2f} GB; convolutional {conv.weights:,}"
    table.add_row("256×256×3 into 1,000 units", told, "196,608,000 and 1.57 GB")
    if closing:
        run = Closing(data, vl.load_classifier("vgg16-tinyimagenet"), epochs=max(1, epochs))
        _, taken = timed(lambda: list(run))
        for row in run.rows.values():
            low, high = row.interval
            told = f"{row.accuracy:.1%} ({low:.1%} to {high:.1%}), {row.pictures:,} pictures, {row.seconds:.1f} s"
            table.add_row(f"closing table: {WAYS[row.name]}", told, "")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
