"""What a network's words mean: how often it is called sure, torn, leaning or unsure, and how often it is right then.

    python benchmarks/certainty.py --photos FOLDER [--data FOLDER --every 4]

FOLDER of --photos holds pictures whose names begin with a WordNet id ("n02504458_African_elephant.jpg"); that of --data
val.zip and classes.txt as the trainer takes them, of which every so many is asked, by the networks that know its
classes and no others. The figures of weights/efficientnet_lite0.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl
from visionlab.imaging.image import Image
from visionlab.learning.builtin.corpus import read_classes, read_pictures
from visionlab.network.running.certainty import MOST, SURE, TORN, in_words
from visionlab.network.running.classifier import UNSURE, Classifier
from visionlab.network.running.prediction import probabilities
from visionlab.network.zoo.imagenet import WORDNET_IDS, labels

NETWORKS = ("efficientnet_lite0", "vgg16-oxford", "vgg16-tinyimagenet")
WORDS = ("sure", "torn between two", "leaning to one", "unsure")

console = Console(width=120, highlight=False)


def row(net: Classifier, images: Sequence[Image], names: Sequence[str]) -> list[str]:
    """For each word its share of the pictures, and the share of these that are right."""
    found = probabilities(net, images)
    words = np.array([in_words(one) for one in found])
    right = np.array([net.labels[place] == name for place, name in zip(found.argmax(1), names, strict=True)])
    return [
        f"{(words == word).mean():.1%}, {right[words == word].mean():.0%} right" if (words == word).any() else "none"
        for word in WORDS
    ]


def main(
    photos: Annotated[Path, typer.Option(help="Folder of photographs named by WordNet id.")],
    data: Annotated[Path | None, typer.Option(help="Folder with val.zip and classes.txt.")] = None,
    every: Annotated[int, typer.Option(help="One of so many validation pictures is asked.")] = 4,
) -> None:
    """Print the table."""
    known = dict(zip(WORDNET_IDS, labels(), strict=True))
    files = sorted(photos.glob("n*_*.jpg"))
    sets = {"photographs": ([vl.load_image(f) for f in files], [known[f.name.partition("_")[0]] for f in files])}
    if data:
        with tempfile.TemporaryDirectory() as work:
            pictures = read_pictures(data, "val", Path(work))
        names = [name for _, name in read_classes(data)]
        chosen = slice(None, None, every)
        sets["validation pictures"] = (
            list(pictures.pixels.numpy()[chosen]),
            [names[label] for label in pictures.labels[chosen]],
        )
    console.print(f"sure from {SURE}; torn: the first two within {TORN}, with {MOST} together; leaning from {UNSURE}")
    table = Table("network", "pictures", *WORDS)
    for network in NETWORKS:
        net = vl.load_classifier(network, "cpu")
        for what, (images, truth) in sets.items():
            if what == "photographs" or len(net.labels) == len(names):
                table.add_row(network, f"{len(images):,} {what}", *row(net, images, truth))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
