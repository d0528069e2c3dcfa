"""Pictures that even a random network can tell apart: stripes one way, stripes the other way, and plain colour."""

import numpy as np
import pytest

from visionlab.learning.dataset import LabelledImages


def striped(kind: int, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64]
    wave = [np.sin(rows / 2), np.sin(columns / 2), np.zeros((64, 64))][kind] * 90
    picture = 128 + wave[..., None] + rng.normal(0, 25, (64, 64, 3))
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def stripes() -> LabelledImages:
    rng = np.random.default_rng(0)
    kinds = {"across": 0, "down": 1, "plain": 2}
    return LabelledImages.from_arrays({name: [striped(kind, rng) for _ in range(12)] for name, kind in kinds.items()})
