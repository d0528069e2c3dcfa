"""Transfer: from photographs to a head of one's own, beside the same with a plain loop and scikit-learn.

The plain loop reads with Pillow, resizes with torchvision, feeds the same network by a DataLoader with two workers, and
fits scikit-learn's LogisticRegressionCV to standardised features. Ours validates on a held-out part, too, and looks for
near-copies. Processes are warm: what is imported late was imported by a first run.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

import visionlab as vl
from benchmarks.measuring import Goal, NotHereError, Row, Setting, asked, compared, in_turn
from visionlab.device import half_precision
from visionlab.learning.features.source import embedder, reading
from visionlab.learning.heads.linear import logistic
from visionlab.learning.heads.problem import Problem
from visionlab.learning.heads.training import fit
from visionlab.learning.sets.dataset import LabelledImages
from visionlab.learning.sets.kinds import PICTURE_SUFFIXES
from visionlab.network.inside.activations import network_steps
from visionlab.network.running.classifier import Classifier

TITLE = "Transfer"
OF_EACH = 32
BATCH = 32
NETWORK = "efficientnet_lite0"


def photographs_of(data: Path | None, of_each: int = OF_EACH) -> dict[str, list[Path]]:
    """{class: its first pictures} of cats-dogs/train. Raises NotHereError where that is not given."""
    folder = data and data / "cats-dogs" / "train"
    if folder is None or not folder.is_dir():
        raise NotHereError("This needs photographs: give a folder that has cats-dogs/train in it as --data.")
    return {
        one.name: sorted(path for path in one.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)[:of_each]
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }


def head(paths: dict[str, list[Path]], net: Classifier, precision: torch.dtype | None) -> None:
    """From files on disk to a trained and validated head."""
    files = {name: [(path.name, path.read_bytes()) for path in found] for name, found in paths.items()}
    run = fit(LabelledImages.from_uploads(files), net, precision=precision)
    for _ in run:
        pass
    run.report(), run.head


class Photographs(Dataset):
    """(3, side, side) float32, normalised, and the class."""

    def __init__(self, paths: dict[str, list[Path]], net: Classifier):
        self.items = [(path, label) for label, found in enumerate(paths.values()) for path in found]
        transform = net.transform
        self.prepare = v2.Compose(
            [
                v2.Resize(transform.resize),
                v2.CenterCrop(transform.crop),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(transform.mean, transform.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.items[index]
        return self.prepare(PillowImage.open(path).convert("RGB")), label


def plain_loop(paths: dict[str, list[Path]], net: Classifier) -> None:
    net = embedder(net)
    layer = net.layer(net.embedding)
    names = [path for path, _ in network_steps(net)]
    steps = [step for _, step in network_steps(net)[: 1 + names.index(layer.module)]]
    steps += [step for _, step in reading(layer, net.unit_length)]
    found, labels = [], []
    with torch.inference_mode():
        for x, label in DataLoader(Photographs(paths, net), BATCH, num_workers=2):
            for step in steps:
                x = step(x)
            found.append(x.numpy())
            labels.append(label.numpy())
    scikit_learns(np.concatenate(found), np.concatenate(labels))


def scikit_learns(x: np.ndarray, labels: np.ndarray) -> None:
    make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=10, cv=5, max_iter=1000)).fit(x, labels)


def known_features(rows: int, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Features (rows, 1280) float32 that can be learned, and their classes."""
    rng, labels = np.random.default_rng(0), np.arange(rows) % classes
    return (rng.normal(size=(classes, 1280))[labels] / 4 + rng.normal(size=(rows, 1280))).astype(np.float32), labels


def fitted(x: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    problem = Problem(x, labels, np.arange(len(x)), x[:0], int(labels.max()) + 1, 0, None)
    return lambda: list(logistic(problem))


def measure(setting: Setting) -> Iterator[Row]:
    warnings.filterwarnings("ignore", module="sklearn")  # of what its next version will call things
    torch.set_num_threads(os.cpu_count() or 1)
    of_each, rounds = (8, 1) if setting.short else (OF_EACH, 5)
    paths, net = photographs_of(setting.data, of_each), vl.load_classifier(NETWORK, "cpu")
    for precision in dict.fromkeys((None, half_precision(net.device))):
        runs = {"ours": lambda precision=precision: head(paths, net, precision)}
        runs |= {"a plain loop": lambda: plain_loop(paths, net)}
        what = f"{2 * of_each} files → a head, {NETWORK}, {str(precision or 'float32').removeprefix('torch.')}"
        yield compared(what, in_turn(runs, 0, least=rounds), Goal(2.45, of="value"), unit="s", scale=1)
    x, labels = known_features(100 if setting.short else 500)
    runs = {"ours": fitted(x, labels), "scikit-learn": lambda: scikit_learns(x, labels)}
    what = f"{len(x)} × 1,280 known features → a linear head, its penalty chosen"
    yield compared(what, in_turn(runs, 0, least=rounds), Goal(0.5, of="value"), unit="s", scale=1)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
