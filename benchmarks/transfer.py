"""What a head on one's own photographs costs and is worth: seconds, accuracy beside peers, and memory.

    python benchmarks/transfer.py ../shared/data/cats-dogs [--seeds 5] [--no-accuracy] [--no-memory]
    python benchmarks/transfer.py ../shared/data/cats-dogs --network efficientnet_lite0 --no-memory --no-vgg16
    python benchmarks/transfer.py ../shared/data/cats-dogs --data ../shared/data --seeds 10 --no-accuracy --no-memory

The folder holds train/ and val/, each with one folder a class. Seconds are those of a process that is warm: the network
is loaded, and what is imported late was imported by a first run, which is not counted.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from four_sets import four_sets
from layers import full_width

import visionlab as vl
from visionlab.device import half_precision, one_thread
from visionlab.imaging.image import encode_jpeg
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.source import embedder
from visionlab.learning.heads.linear import logistic
from visionlab.learning.heads.problem import Problem
from visionlab.learning.heads.training import Fit, fit
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import PICTURE_SUFFIXES
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_NAME

console = Console(width=130, highlight=False)
OF_EACH = 32
SIZES = (5, 20, 50, 100)
SCRATCH_SIDE, SCRATCH_EPOCHS = 64, 30


def files(folder: Path) -> dict[str, list[Path]]:
    """{class: its first pictures}."""
    return {
        one.name: sorted(path for path in one.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)[:OF_EACH]
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }


def seconds_to_a_head(folder: Path, net: Classifier, precision: torch.dtype | None, times: int) -> list[float]:
    """From files on disk to a trained and validated head, each time anew."""
    paths, taken = files(folder), []
    for _ in range(times + 1):
        start = time.perf_counter()
        data = LabelledImages.from_uploads(
            {name: [(path.name, path.read_bytes()) for path in found] for name, found in paths.items()}
        )
        run = trained(data, net, precision=precision)
        run.report(), run.head
        taken.append(time.perf_counter() - start)
    return taken[1:]


def trained(data: LabelledImages, net: Classifier, **settings) -> Fit:
    run = fit(data, net, **settings)
    for _ in run:
        pass
    return run


def drawn(data: LabelledImages, count: int, seed: int) -> np.ndarray:
    """So many pictures of each class, by chance."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(data.labels == one))[:count] for one in range(len(data.classes))]
    )


def worth(folder: Path, net: Classifier, seeds: int, slow: bool) -> Table:
    """Accuracy on the validation pictures by pictures a class and way to train, the mean over draws of the pictures.

    slow: also by what trains convolutions, which takes most of the time.
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, val = (LabelledImages.from_folder(folder / part) for part in ("train", "val"))
    x, y, unseen = embed(net, train.images), train.labels, embed(net, val.images)
    small = [np.stack([resized(image) for image in part.images]) for part in (train, val)]

    def ours(kind: str, validation: float) -> Callable[[np.ndarray, int], float]:
        def run(chosen: np.ndarray, seed: int) -> float:
            settings = {"kind": kind, "features": x[chosen], "validation": validation, "seed": seed}
            head = trained(train.subset(chosen), net, **settings).head
            features = embed(head.tuned_network(net), val.images) if head.tuned else unseen
            return float((head.logits(features).argmax(1) == val.labels).mean())

        return run

    def regression(chosen: np.ndarray, seed: int) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=10, cv=5, max_iter=1000, random_state=seed))
        return model.fit(x[chosen], y[chosen]).score(unseen, val.labels)

    def neighbour(chosen: np.ndarray, _: int) -> float:
        return KNeighborsClassifier(1).fit(x[chosen], y[chosen]).score(unseen, val.labels)

    def scratch(chosen: np.ndarray, seed: int) -> float:
        return from_scratch(small[0][chosen], y[chosen], small[1], val.labels, seed)

    ways = {
        "ours: linear, all pictures (as scikit-learn)": ours("linear", 0),
        "scikit-learn's LogisticRegressionCV, standardised": regression,
        "ours: linear, as train_head does it": ours("linear", 0.25),
        "ours: prototypes, all pictures": ours("prototype", 0),
        "ours: hidden layer, 25 % held out": ours("mlp", 0.25),
        "nearest neighbour": neighbour,
    }
    if slow:
        ways |= {"ours: last block fine-tuned, 25 % held out": ours("fine-tune", 0.25)}
        ways |= {"three convolutions from scratch": scratch}
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for count in SIZES:
        for seed in range(seeds):
            chosen = drawn(train, count, seed)
            for name, way in ways.items():
                found[name][count].append(way(chosen, seed))
    table = Table(
        f"{net.name}, right on {len(val)} others, mean of {seeds} draws", *(f"{count} a class" for count in SIZES)
    )
    for name, by_count in found.items():
        table.add_row(name, *(f"{statistics.mean(by_count[count]):.1%}" for count in SIZES))
    return table


def against_scikit_learn(data: Path, net: Classifier, seeds: int) -> Table:
    """Accuracy of a linear head and of scikit-learn's LogisticRegressionCV, learned from the same pictures of the four
    sets, on all that are never drawn; how far ours is ahead, in points, with the standard error over the draws."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = Table(f"{net.name}, {seeds} draws", "pictures a class", "ours", "scikit-learn's", "ahead, points")
    for name, pictures in four_sets(data).items():
        x, y = embed(net, pictures.images), pictures.labels
        for count in SIZES:
            found = []
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                orders = [rng.permutation(np.flatnonzero(y == one)) for one in range(len(pictures.classes))]
                chosen, fresh = (
                    np.concatenate([order[part] for order in orders]) for part in (slice(count), slice(SIZES[-1], None))
                )
                head = trained(pictures.subset(chosen), net, features=x[chosen], validation=0, seed=seed).head
                folds = min(5, count)
                theirs = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=10, cv=folds, max_iter=1000))
                with one_thread():
                    score = theirs.fit(x[chosen], y[chosen]).score(x[fresh], y[fresh])
                found.append((float((head.logits(x[fresh]).argmax(1) == y[fresh]).mean()), score))
            ours, scores = np.array(found).T
            ahead = 100 * (ours - scores)
            error = ahead.std(ddof=1) / len(ahead) ** 0.5 if len(ahead) > 1 else float("nan")
            row = f"{count}", f"{ours.mean():.1%}", f"{scores.mean():.1%}", f"{ahead.mean():+.1f} ± {error:.1f}"
            table.add_row(name, *row)
    return table


def seconds_to_fit(times: int) -> list[float]:
    """CPU seconds of a linear head on 500 known rows of 1,280 features, five classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(500) % 5
    x = (rng.normal(size=(5, 1280))[labels] / 4 + rng.normal(size=(500, 1280))).astype(np.float32)
    taken = []
    for _ in range(times + 1):
        start = time.process_time()
        (_,) = logistic(Problem(x, labels, np.arange(500), x[:0], 5, 0, None))
        taken.append(time.process_time() - start)
    return taken[1:]


def resized(image: np.ndarray) -> np.ndarray:
    """(3, 64, 64) float32, about −1..1."""
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    return (F.interpolate(x, (SCRATCH_SIDE, SCRATCH_SIDE), mode="bilinear", antialias=True)[0] / 127.5 - 1).numpy()


def from_scratch(x: np.ndarray, y: np.ndarray, unseen: np.ndarray, truth: np.ndarray, seed: int) -> float:
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for into, out in ((3, 16), (16, 32), (32, 64)):
        layers += [torch.nn.Conv2d(into, out, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(64 * (SCRATCH_SIDE // 8) ** 2, 2))
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    pictures, labels = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(SCRATCH_EPOCHS):
        for batch in torch.randperm(len(pictures)).split(32):
            optimiser.zero_grad()
            F.cross_entropy(network(pictures[batch]), labels[batch]).backward()
            optimiser.step()
    with torch.inference_mode():
        return float((network(torch.from_numpy(unseen)).argmax(1).numpy() == truth).mean())


def memory(folder: Path, net: Classifier, count: int) -> tuple[float, float]:
    """By how many MB the process grows at most while so many pictures are taken in, embedded and learned from, and the
    seconds that it takes. The pictures are crops of the data's, as files on disk."""
    source, rng = LabelledImages.from_folder(folder / "train"), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        for name in source.classes:
            (Path(made) / name).mkdir()
        for number in range(count):
            index = number % len(source)
            image = source.images[index]
            height, width = (int(length * rng.uniform(0.6, 0.95)) for length in image.shape[:2])
            top, left = (int(rng.integers(limit)) for limit in (image.shape[0] - height, image.shape[1] - width))
            path = Path(made) / source.classes[source.labels[index]] / f"{number}.jpg"
            path.write_bytes(encode_jpeg(np.ascontiguousarray(image[top : top + height, left : left + width]), 90))
        process, over = psutil.Process(), threading.Event()
        before = process.memory_info().rss
        most = [before]

        def watch() -> None:
            while not over.wait(0.05):
                most.append(max(most.pop(), process.memory_info().rss))

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        run = trained(LabelledImages.from_folder(made), net, precision=half_precision(net.device))
        run.report(), run.head
        taken = time.perf_counter() - start
        over.set()
        watcher.join()
    return (most[0] - before) / 2**20, taken


def main(
    folder: Annotated[Path, typer.Argument(help="Holds train/ and val/, each with one folder a class.")],
    network: Annotated[str, typer.Option(help="A name in MODELS.")] = TO_NAME[-1],
    seeds: Annotated[int, typer.Option(help="Draws of the pictures that accuracy is the mean of.")] = 5,
    times: Annotated[int, typer.Option(help="How often a head is trained for its seconds.")] = 5,
    pictures: Annotated[int, typer.Option(help="That memory is measured with.")] = 5000,
    speed: Annotated[bool, typer.Option(help="Measure seconds.")] = True,
    accuracy: Annotated[bool, typer.Option(help="Measure accuracy.")] = True,
    slow: Annotated[bool, typer.Option(help="Also of what trains convolutions.")] = True,
    grown: Annotated[bool, typer.Option("--memory/--no-memory", help="Measure memory.")] = True,
    data: Annotated[
        Path | None, typer.Option(help="Holds cats-dogs, cifar10.zip and tiny-imagenet: measure heads against peers.")
    ] = None,
    vgg16: Annotated[bool, typer.Option(help="Measure the seconds of VGG16 at 224 px, too.")] = True,
) -> None:
    """Print every figure beside its goal."""
    load = os.getloadavg()[0]
    console.print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, "
        f"load {load:.1f} at the start: a load of others makes all times longer"
    )
    table = Table("what", "measured", "goal")
    net = vl.load_classifier(network, "cpu")
    if grown:
        size, taken = memory(folder, net, pictures)
        what = f"{pictures:,} pictures, {net.name}: taken in, embedded, learned from in {taken:.0f} s; grown by"
        table.add_row(what, f"{size:.0f} MB", "< 1,024 MB")
    if speed:
        half = half_precision(net.device)
        settings = [(net, precision, 2.45) for precision in dict.fromkeys((None, half))]
        settings += [(full_width(), half, 5.0)] if vgg16 else []
        for one, precision, goal in settings:
            taken = seconds_to_a_head(folder / "train", one, precision, times)
            side = embedder(one).transform.crop
            what = f"{OF_EACH} + {OF_EACH} files → a head, {one.name} at {side} px, {precision or 'float32'}"
            table.add_row(what, f"best {min(taken):.2f} s, median {statistics.median(taken):.2f} s", f"< {goal} s")
        taken = seconds_to_fit(times)
        measured = f"best {min(taken):.2f} s, median {statistics.median(taken):.2f} s"
        table.add_row("500 × 1,280 known features → a linear head, CPU seconds", measured, "< 0.5 s")
    console.print(table)
    if data is not None:
        warnings.filterwarnings("ignore", module="sklearn")
        console.print(against_scikit_learn(data, net, seeds))
    if accuracy:
        warnings.filterwarnings("ignore", module="sklearn")  # of what its next version will call things
        console.print(worth(folder, net, seeds, slow))


if __name__ == "__main__":
    typer.run(main)
