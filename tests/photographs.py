"""The photographs beside the project, where there are any, and how sure and how right a network is on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from visionlab.imaging.image import Image, load_image
from visionlab.learning.answers.first_words import accepted_labels
from visionlab.network.files import weights
from visionlab.network.running.classifier import Classifier
from visionlab.network.zoo.imagenet import WORDNET_IDS, labels
from visionlab.network.zoo.loading import load_classifier
from visionlab.network.zoo.models import MODELS

DATA = Path(__file__).parents[2] / "shared" / "data"
PHOTOS, PETS = DATA / "photos", DATA / "cats-dogs"


def loaded(name: str) -> Classifier:
    """A network of MODELS, on the CPU; the test is skipped where its files are not here."""
    if not all(map(weights.is_here, MODELS[name].files)):
        pytest.skip(f"{name} is not here: python -m visionlab models --get {name} brings it")
    return load_classifier(name, "cpu")


@cache
def photographs() -> tuple[tuple[str, Image], ...]:
    """(label, picture) of 101 photographs that are named by the WordNet ids of their classes."""
    names = dict(zip(WORDNET_IDS, labels(), strict=True))
    files = sorted(PHOTOS.glob("n*_*.jpg"))
    if not files:
        pytest.skip(f"there are no photographs at {PHOTOS}")
    return tuple((names[file.name.partition("_")[0]], load_image(file)) for file in files)


def pets(every: int = 1) -> tuple[tuple[str, Image], ...]:
    """(“cat” or “dog”, picture) of 400 photographs, or of one of so many."""
    files = sorted(PETS.glob("*/*/*"))[::every]
    if not files:
        pytest.skip(f"there are no cats and dogs at {PETS}")
    return tuple((file.parent.name.removesuffix("s"), load_image(file)) for file in files)


def outcomes(
    net: Classifier, pictures: Sequence[tuple[str, Image]], table: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How probable the network holds what it says of each picture, and whether that is right, both (N,), by its
    probabilities (N, K).

    What it says of a picture that is known as a cat or a dog, and no more closely, is one of these words, of which it
    knows many kinds: their probabilities are added up.
    """
    groups = {word: [net.labels.index(label) for label in accepted_labels(net, word)] for word in ("cat", "dog")}
    sure, right = [], []
    for (word, _), row in zip(pictures, table, strict=True):
        top = int(row.argmax())
        said = next((group for group in groups.values() if word in groups and top in group), [top])
        sure.append(row[said].sum())
        right.append(net.labels[top] == word or top in groups.get(word, ()))
    return np.array(sure, np.float64), np.array(right)


def error_of(sure: NDArray, right: NDArray, bins: int = 15) -> float:
    """The expected calibration error, 0..1, as reliability() has it, of how sure and how right (N,)."""
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(place, right, bins) - np.bincount(place, sure, bins)).sum() / len(sure))


def errors_by_chance(sure: NDArray, draws: int = 1000) -> NDArray[np.float64]:
    """The errors, (draws,) in order, that come out where every probability is exactly right, by chance alone."""
    rng = np.random.default_rng(0)
    return np.sort([error_of(sure, rng.random(len(sure)) < sure) for _ in range(draws)])
