"""What a head on one's own photographs is worth: accuracy, beside peers that learn from the same pictures.

    python benchmarks/worth.py ../shared/data/cats-dogs [--seeds 5] [--network efficientnet_lite0] [--no-slow]
    python benchmarks/worth.py ../shared/data/cats-dogs --data ../shared/data --seeds 10

The folder holds train/ and val/, each with one folder a class. What a head costs is told by benchmarks/transfer.py.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from four_sets import four_sets

import visionlab as vl
from visionlab.device import one_thread
from visionlab.learning.features.embedding import embed
from visionlab.learning.heads.training import Fit, fit
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.models import TO_NAME

console = Console(width=130, highlight=False)
SIZES = (5, 20, 50, 100)
SCRATCH_SIDE, SCRATCH_EPOCHS = 64, 30


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
                settings = {"kind": "linear", "features": x[chosen], "validation": 0, "seed": seed}
                head = trained(pictures.subset(chosen), net, **settings).head
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


def main(
    folder: Annotated[Path, typer.Argument(help="Holds train/ and val/, each with one folder a class.")],
    network: Annotated[str, typer.Option(help="A name in MODELS.")] = TO_NAME[-1],
    seeds: Annotated[int, typer.Option(help="Draws of the pictures that accuracy is the mean of.")] = 5,
    slow: Annotated[bool, typer.Option(help="Also of what trains convolutions.")] = True,
    data: Annotated[
        Path | None, typer.Option(help="Holds cats-dogs, cifar10.zip and tiny-imagenet: beside scikit-learn on each.")
    ] = None,
) -> None:
    """Print what is right."""
    net = vl.load_classifier(network, "cpu")
    warnings.filterwarnings("ignore", module="sklearn")  # of what its next version will call things
    if data is not None:
        console.print(against_scikit_learn(data, net, seeds))
    console.print(worth(folder, net, seeds, slow))


if __name__ == "__main__":
    typer.run(main)
