"""What the judge's own judgements are worth, on sets where the truth is known.

    python benchmarks/judging.py ../shared/data [--network efficientnet_lite0] [--draws 4]

Labels: 5 % are made wrong; how many of these are in the tenth of the pictures that is doubted most, and what the test
that the page makes itself says of that. Pictures: what twice as many truly brought, by heads on other draws that are
asked about pictures that no draw has, beside the interval that the page would have told.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from four_sets import four_sets

import visionlab as vl
from visionlab.learning.features.embedding import embed
from visionlab.learning.features.regression import Regression
from visionlab.learning.judging.learning_curve import in_words, learning_curve, outlook
from visionlab.learning.judging.suspects import check_labels

console = Console(width=150, highlight=False)
WRONG = 0.05
COUNTS = (25, 50, 100)  # pictures a class that labels are judged on
SIZES = (12, 25, 50)  # pictures a class of which twice as many are foretold
KEPT = 90  # of each class, from which is drawn; the others are asked about


def orders(labels: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """The places of each class's pictures, in a random order."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(np.flatnonzero(labels == one)) for one in np.unique(labels)]


def labels_row(x: NDArray[np.float32], y: NDArray[np.int64], count: int, draws: int) -> list[str]:
    wrong = caught = shown = planted = found = weak = 0
    classes = [str(one) for one in np.unique(y)]
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        chosen = np.concatenate([order[:count] for order in orders(y, seed)])
        told = y[chosen]
        bad = rng.permutation(len(chosen))[: round(WRONG * len(chosen))]
        told[bad] = (told[bad] + rng.integers(1, len(classes), len(bad))) % len(classes)
        check = check_labels(x[chosen], told, np.arange(len(chosen)), classes, seed)
        wrong, shown = wrong + len(bad), shown + len(check.suspects)
        caught += int(np.isin([each.index for each in check.suspects], bad).sum())
        planted, found, weak = planted + check.planted, found + check.found, weak + check.is_too_weak
    return [f"{caught / wrong:.0%}", f"{caught / max(1, shown):.0%}", f"{found / planted:.0%}", f"{weak} of {draws}"]


def pictures_row(x: NDArray[np.float32], y: NDArray[np.int64], count: int, draws: int) -> list[str]:
    learned = round(0.8 * count)
    right = np.array([[_right(x, y, size, 100 + seed) for size in (learned, 2 * learned)] for seed in range(draws)])
    gain = float(np.diff(right.mean(0))[0])
    told, inside = [], 0
    for seed in range(draws):
        chosen = np.concatenate([order[:count] for order in orders(y, seed)])
        found = outlook(list(learning_curve(x[chosen], y[chosen], np.arange(len(chosen)))))
        low, high = found.interval
        inside += low - 0.005 <= gain <= high + 0.005
        told.append(f"{100 * low:.1f}–{100 * high:.1f} {in_words(found).split()[0]}")
    return [f"{100 * gain:.1f}", f"{inside} of {draws}", ", ".join(told)]


def _right(x: NDArray[np.float32], y: NDArray[np.int64], count: int, seed: int) -> float:
    of = orders(y, seed)
    chosen, fresh = (np.concatenate([order[part] for order in of]) for part in (slice(count), slice(KEPT, None)))
    regression = Regression(x[chosen], y[chosen], len(of))
    weights, bias, _ = regression.fit(regression.out_of_sample(np.arange(len(chosen)), seed).strength)
    return float(((x[fresh] @ weights.T + bias).argmax(1) == y[fresh]).mean())


def main(
    data: Annotated[Path, typer.Argument(help="Holds cats-dogs, cifar10.zip and tiny-imagenet.")],
    network: Annotated[str, typer.Option(help="A name in MODELS.")] = "efficientnet_lite0",
    draws: Annotated[int, typer.Option(help="Draws of the pictures.")] = 4,
) -> None:
    """Print both tables."""
    net = vl.load_classifier(network, "cpu")
    labels = Table(
        network, "a class", "of the wrong ones shown", "shown are wrong", "its own test", "too weak, it said"
    )
    pictures = Table(network, "a class", "twice as many brought, points", "in the interval", "told")
    for name, found in four_sets(data).items():
        x = embed(net, found.images)
        for count in COUNTS:
            labels.add_row(name, f"{count}", *labels_row(x, found.labels, count, draws))
        for count in SIZES:
            pictures.add_row(name, f"{count}", *pictures_row(x, found.labels, count, draws))
    console.print(labels, pictures)


if __name__ == "__main__":
    typer.run(main)
