"""Many machines: what Ray costs beside one process, what another node brings, and how much memory it takes.

    python benchmarks/cluster.py [--pictures 1000] [--small 100000] [--rounds 3] [--model vgg16-tinyimagenet]

Starts nodes of one processor each on this machine (ray.cluster_utils), and compares, at one processor on either side:

- one picture at a time: the median of what a caller waits for, in this process and by way of Ray Serve;
- batches of 32 prepared pictures, one after the other: pictures a second;
- folders over Ray Data: pictures a second with one node, and with two;
- very many small pictures: the most memory that this process and the workers take while they go on;
- a linear head on features that are read in blocks: L-BFGS, and minibatches after the same number of passes.

Then what follows for machines with GPUs, on paper: the assumptions stand beside the figures.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["PYTHONPATH"] = sys.path[0]

import numpy as np
import ray
import torch
import torch.nn.functional as F
import typer
from ray import serve
from ray.cluster_utils import Cluster

import visionlab as vl
from visionlab.cluster import joining, listing, many, serving
from visionlab.cluster.engine import engine_of
from visionlab.cluster.sizing import Size
from visionlab.learning.features.streamed import StreamedRegression
from visionlab.network.running.batching import answers, prepared
from visionlab.network.running.classifier import Classifier
from visionlab.network.running.engine import Engine, LocalEngine

BATCH = 32
TASKS = 20  # batches of a round


@contextmanager
def one_processor() -> Iterator[None]:
    """Everything that is begun meanwhile, Ray and its replicas, too, on one and the same: what a node says of its
    processors is a count for planning, and keeps nothing from taking more."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usual)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


@contextmanager
def nodes(count: int) -> Iterator[None]:
    """A cluster of so many nodes of one processor each, joined."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(count - 1):
        cluster.add_node(num_cpus=1)
    joining.join(cluster.address)
    try:
        yield
    finally:
        serve.shutdown()
        ray.shutdown()
        cluster.shutdown()


def waits(engine: Engine, images: list[vl.Image]) -> list[float]:
    """Seconds for each picture, one after the other."""
    found = []
    for image in images:
        began = time.perf_counter()
        engine.answer(image)
        found.append(time.perf_counter() - began)
    return found


def rate(engine: Engine, batch: list[torch.Tensor]) -> float:
    """Pictures a second, in batches that were prepared."""
    began = time.perf_counter()
    for _ in engine.map(answers, [batch] * TASKS):
        pass
    return TASKS * len(batch) / (time.perf_counter() - began)


def overhead(net: Classifier, rounds: int) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (480, 640, 3), dtype=np.uint8) for _ in range(40)]
    batch = [prepared(net, image) for image in images[:BATCH]]
    torch.set_num_threads(1)
    with one_processor(), nodes(1):
        serving.deploy(net.name, Size(processors=1.0))
        engines = {"this process": LocalEngine(net), "Ray Serve": engine_of(net)}
        alone: dict[str, list[float]] = {name: [] for name in engines}
        rates: dict[str, list[float]] = {name: [] for name in engines}
        for name, engine in engines.items():
            waits(engine, images[:5])
            rate(engine, batch)
            print(f"  {name}: warm", file=sys.stderr)
        for _ in range(rounds):  # in turns: what else the machine does meets both
            for name, engine in engines.items():
                alone[name] += waits(engine, images)
                rates[name].append(rate(engine, batch))
    medians = {name: 1000 * statistics.median(found) for name, found in alone.items()}
    here, there = (statistics.median(found) for found in rates.values())
    more = medians["Ray Serve"] - medians["this process"]
    print(
        f"one picture, median: {', '.join(f'{name} {each:.1f} ms' for name, each in medians.items())}; {more:+.1f} ms"
    )
    print(
        f"batches of {BATCH}: this process {here:.1f} pictures/s, Ray Serve {there:.1f}; {1 - there / here:+.1%} lost"
    )


@dataclass
class Memory:
    """The most that this process, and the largest worker, took while it was watched, in bytes."""

    here: int = 0
    worker: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._ended.wait(0.5):
            self.here = max(self.here, _resident("self"))
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if path.read_bytes().startswith(b"ray::MapWorker"):
                        self.worker = max(self.worker, _resident(path.parent.name))
                except OSError:  # it has ended meanwhile
                    continue

    def end(self) -> None:
        self._ended.set()


def _resident(process: str) -> int:
    """Bytes of its own: without what it shares, such as Ray's object store."""
    _, resident, shared, *_ = map(int, Path(f"/proc/{process}/statm").read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def through(net: Classifier, folder: Path, workers: int) -> tuple[float, Memory]:
    """Pictures a second of the last two thirds, when all workers are there, and memory, while a folder is embedded."""
    memory = Memory()
    watching = threading.Thread(target=memory.watch)
    watching.start()
    with tempfile.TemporaryDirectory() as out:
        work = many.Work(net.name, "embed")
        shards = many.begun(work, listing.listed([str(folder)]), {}, Path(out) / "shards", ".parquet", rows=32)
        first, last = None, (0.0, 0)
        for step in many.run(work, shards, Size(workers, workers, processors=1.0)):
            last = (time.perf_counter(), step.done)
            first = first or (last if step.done >= step.total / 3 else None)
    memory.end()
    watching.join()
    return (last[1] - first[1]) / max(last[0] - first[0], 1e-9), memory


def folders(net: Classifier, pictures: int, small: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        usual, tiny = Path(place, "usual"), Path(place, "tiny")
        drawn(usual, pictures, (480, 640))
        for count in (1, 2):
            with nodes(count):
                found, memory = through(net, usual, count)
            print(f"Ray Data, {count} node{'s' * (count > 1)}: {found:.1f} pictures/s of {pictures:,} of 640 × 480")
        if small:
            drawn(tiny, small, (24, 32))
            for part in (small // 10, small):
                only = Path(place, f"only-{part}")
                only.mkdir()
                for name in sorted(os.listdir(tiny))[: max(1, part // 1000)]:
                    (only / name).symlink_to(tiny / name)
                with nodes(2):
                    found, memory = through(net, only, 2)
                told = f"{memory.here / 2**20:.0f} MB here, {memory.worker / 2**20:.0f} MB in the largest worker"
                print(f"{part:,} small pictures: {found:.0f}/s; {told}")


def drawn(folder: Path, count: int, shape: tuple[int, int]) -> None:
    """So many JPEG files, a thousand to a folder; a hundred different ones, each under many names."""
    files = []
    for seed in range(min(count, 100)):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        files.append(vl.encode_jpeg(np.kron(coarse, np.ones((shape[0] // 6, shape[1] // 8, 1), np.uint8)), 90))
    for number in range(count):
        place = folder / f"{number // 1000:04}" / f"{number:07}.jpg"
        if number % 1000 == 0:
            place.parent.mkdir(parents=True)
        place.write_bytes(files[number % len(files)])


def head(rows: int = 20_000, width: int = 256, classes: int = 10, strength: float = 0.1) -> None:
    """The loss that is left after the same number of passes over the same rows."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(classes, width))
    labels = rng.integers(0, classes, rows)
    features = (rng.normal(size=(rows, width)) * 4 + centres[labels]).astype(np.float32)

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, rows, 1024):
            yield features[start : start + 1024], labels[start : start + 1024]

    regression = StreamedRegression(blocks, classes)
    weights, bias, _ = regression.fit(strength)
    spread = regression.scale.spread.numpy()

    def objective(weight: np.ndarray, offset: np.ndarray) -> float:
        logits = torch.from_numpy(features @ weight.T + offset).double()
        penalty = strength / 2 * float(((weight * spread) ** 2).sum())
        return F.cross_entropy(logits, torch.from_numpy(labels)).item() + penalty

    least = objective(weights, bias)
    print(f"linear head, {rows:,} rows: L-BFGS {regression.passes} passes, {least:.6f} nats with the penalty")
    for step in (0.03, 0.003, 0.0003):
        z = regression.scale(torch.from_numpy(features).double()).float()
        linear = torch.nn.Linear(width, classes)
        torch.nn.init.zeros_(linear.weight)
        optimiser = torch.optim.Adam(linear.parameters(), step)
        for passed in range(regression.passes):
            for start in range(0, rows, 256):
                chosen = slice(start, start + 256)
                loss = F.cross_entropy(linear(z[chosen]), torch.from_numpy(labels[chosen]))
                (loss + strength / 2 * linear.weight.square().sum()).backward()
                optimiser.step()
                optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = step * 0.5 * (1 + np.cos(np.pi * (passed + 1) / regression.passes))
        weight, offset = regression.scale.folded(linear.weight.double(), linear.bias.double())
        print(f"  minibatches of 256, Adam, {step:g} falling to 0: {objective(weight, offset) - least:+.2e}")


@dataclass(frozen=True)
class Assumed:
    """What the paper estimate rests on; none of it was measured here."""

    picture: int = 200_000  # bytes of a JPEG of a photograph
    prepared: int = 3 * 224 * 224 * 4  # bytes that a single answer sends
    gpu: int = 2_000  # pictures a second of one GPU that are decoded beside it
    link: float = 10e9 / 8  # bytes a second of a machine's network
    router: int = 2_000  # requests a second of one app server's handle to Ray Serve
    hour: float = 1.2  # of money for a machine with one GPU


def on_paper(assumed: Assumed) -> None:
    print("On paper, not measured:", ", ".join(f"{name} {value:g}" for name, value in vars(assumed).items()))
    most = assumed.link / assumed.picture
    for machines in (1, 8, 64):
        each = min(assumed.gpu, most)
        total = machines * each
        cost = 1e6 / total * machines * assumed.hour / 3600
        store = total * assumed.picture / 1e9
        print(
            f"  {machines:2} GPU machines: {total:,.0f} pictures/s, a million in {1e6 / total / 60:.1f} min for "
            f"{cost:.2f}; {store:.1f} GB/s out of the object store; features to this process "
            f"{total * 1280 * 4 / 1e6:,.0f} MB/s"
        )
    print(
        f"  single pictures: {assumed.prepared / 1e3:.0f} kB each, so {assumed.link / assumed.prepared:,.0f}/s by the "
        f"network and {assumed.router:,}/s by the router of an app server, whichever is less; the head node sees none"
    )


def main(
    pictures: Annotated[int, typer.Option(help="Of 640 × 480, for Ray Data.")] = 1_000,
    small: Annotated[int, typer.Option(help="Of 32 × 24, for the memory; 0 for none.")] = 100_000,
    rounds: Annotated[int, typer.Option(help="Of single pictures and of batches.")] = 3,
    model: Annotated[str, typer.Option(help="A name of “models”.")] = "vgg16-tinyimagenet",
) -> None:
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors; torch {torch.__version__}")
    print(f"Ray {ray.__version__}; load {os.getloadavg()[0]:.1f} when it began")
    net = vl.load_classifier(model, "cpu")
    parts: tuple[Callable[[], None], ...] = (
        head,
        lambda: overhead(net, rounds),
        lambda: folders(net, pictures, small),
        lambda: on_paper(Assumed()),
    )
    for part in parts:
        part()


if __name__ == "__main__":
    typer.run(main)
