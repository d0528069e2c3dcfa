"""Twenty people at once: calls that go through the batcher, beside calls that go straight to the network.

    python benchmarks/serving.py [--clients 20] [--pictures 200] [--rounds 5] [--device auto]

Each client is a thread that asks for the probabilities of a 640 × 480 picture again and again, as soon as it has its
answer. Both ways take turns, round by round; the ratio is the median over the rounds, and latencies are those of all
rounds together. What a single client waits for is measured in the same way. On a machine that has other work, twenty
threads get more of the CPU than the batcher's few; the processor time of a picture, all threads together, tells what
either way costs without that.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab import device as devices
from visionlab.errors import BusyError
from visionlab.imaging.image import Image
from visionlab.imaging.samples import load_sample
from visionlab.network.running.batching import Batcher
from visionlab.network.running.prediction import probabilities

console = Console(width=120, highlight=False)


@dataclass
class Load:
    """What came of some rounds: pictures a second in each of them, every answer's seconds, and refusals.

    spent is the processor time of all threads together, in seconds.
    """

    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    refusals: int = 0
    spent: float = 0.0

    def run(self, ask: Callable[[Image], object], clients: int, images: list[Image]) -> None:
        """Let so many threads ask for all the pictures, each taking the next one that is left."""
        left = iter(images)  # next() of a list's iterator is atomic
        waits: list[float] = []
        refused: list[Image] = []

        def client() -> None:
            for image in left:
                start = time.perf_counter()
                try:
                    ask(image)
                except BusyError:
                    refused.append(image)
                else:
                    waits.append(time.perf_counter() - start)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        start, before = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.spent += time.process_time() - before
        self.rates.append(len(waits) / (time.perf_counter() - start))
        self.waits += waits
        self.refusals += len(refused)


def photographs(count: int) -> list[Image]:
    """So many pictures of 640 × 480 pixels, no two alike: a sample, tiled and rolled by some pixels."""
    sample = load_sample("astronaut")
    whole = np.hstack([sample, sample[:, ::-1]])[:480, :640]
    return [np.ascontiguousarray(np.roll(whole, 3 * i, axis=1)) for i in range(count)]


def main(
    clients: Annotated[int, typer.Option(help="Threads that ask at the same time.")] = 20,
    pictures: Annotated[int, typer.Option(help="Pictures that they ask for in a round.")] = 200,
    rounds: Annotated[int, typer.Option(help="Rounds of each way.")] = 5,
    most: Annotated[int, typer.Option(help="The batcher's largest batch.")] = 16,
    wait: Annotated[float, typer.Option(help="Seconds for which the batcher holds a picture back.")] = 0.004,
    queue: Annotated[int, typer.Option(help="Pictures that the batcher takes in at a time.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Print pictures a second, median and 95th percentile of the wait, what a picture costs, refusals, the ratio."""
    torch.set_num_threads(os.cpu_count() or 1)
    net = vl.load_classifier("vgg16-tinyimagenet", device)
    where = devices.describe() if net.device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    console.print(f"{net.name} on {where}; most={most}, wait={wait:g} s, queue={queue}")
    images = photographs(pictures)
    table = Table("clients", "way", "pictures/s", "p50", "p95", "CPU time", "refused", "ratio", "goal")
    goal = "≥ 1.5" if net.device.type == "cuda" else "≥ 1.0"
    with closing(Batcher(net, most, wait, queue)) as batcher:
        ways = {"straight": lambda image: probabilities(net, [image]), "batcher": batcher.probabilities}
        for count, share in ((clients, images), (1, images[: max(1, pictures // 8)])):
            loads = {way: Load() for way in ways}
            for ask in ways.values():
                Load().run(ask, count, share[: 2 * count])  # what the first calls bring along counts for neither
            for _ in range(rounds):
                for way, ask in ways.items():
                    loads[way].run(ask, count, share)
            pairs = zip(loads["batcher"].rates, loads["straight"].rates, strict=True)
            ratio = statistics.median(ours / theirs for ours, theirs in pairs)
            for way, load in loads.items():
                p50, p95 = statistics.median(load.waits), statistics.quantiles(load.waits, n=20)[-1]
                times = [f"{seconds * 1e3:.1f} ms" for seconds in (p50, p95, load.spent / len(load.waits))]
                refused = f"{load.refusals} of {len(share) * rounds}"
                told = (f"{ratio:.2f}", goal if count > 1 else "") if way == "batcher" else ("", "")
                table.add_row(str(count), way, f"{statistics.median(load.rates):.1f}", *times, refused, *told)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
