"""The four sets that heads are compared on, out of ../shared/data: two easy ones, two whose classes are alike."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from visionlab.learning.sets.archive import read_folder
from visionlab.learning.sets.dataset import LabelledImages

DOGS = ("n02085620", "n02094433", "n02099601", "n02099712", "n02106662", "n02113799")
INSECTS = ("n02165456", "n02190166", "n02206856", "n02226429", "n02231487", "n02233338", "n02236044", "n02268443")
OF_EACH = 150  # pictures of a class that are taken out of a zip, at most


def four_sets(data: Path) -> dict[str, LabelledImages]:
    """{name: all its pictures}. Raises OSError where a file is not there."""
    pets = [read_folder(data / "cats-dogs" / part).classes for part in ("train", "val")]
    both = {name: [(each.name, each.source.read_bytes()) for part in pets for each in part[name]] for name in pets[0]}
    zips = sorted((data / "tiny-imagenet").glob("train-*.zip"))
    return {
        "cats and dogs": LabelledImages.from_uploads(both),
        "CIFAR-10": _out_of([data / "cifar10.zip"], None),
        "six dogs, 64 px": _out_of(zips, DOGS),
        "eight insects, 64 px": _out_of(zips, INSECTS),
    }


def _out_of(zips: Sequence[Path], classes: Sequence[str] | None) -> LabelledImages:
    """The first pictures of these classes, or of all, under train/ in the zips."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                part, label, *file = name.split("/")
                if part != "train" or not file or not file[0] or (classes and label not in classes):
                    continue
                taken = found.setdefault(label, [])
                if len(taken) < OF_EACH:
                    taken.append((file[0], archive.read(name)))
    return LabelledImages.from_uploads(found)
