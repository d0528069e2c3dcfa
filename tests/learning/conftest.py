"""Pictures that even a random network can tell apart: stripes one way, stripes the other way, and plain colour."""

import zipfile

import numpy as np
import pytest

from visionlab.imaging.image import encode_png
from visionlab.learning.sets.dataset import LabelledImages


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


@pytest.fixture
def data(tmp_path):
    """A folder as the trainer of the built-in network wants it: two classes of coloured noise in a zip."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "classes.txt").write_text("n01 red_thing\nn02 blue thing\n")
    with zipfile.ZipFile(folder / "both.zip", "w") as archive:
        for split, count in (("train", 12), ("val", 6)):
            for wnid, colour in {"n01": (200, 40, 40), "n02": (40, 40, 200)}.items():
                for i in range(count):
                    pixels = np.clip(np.array(colour) + rng.normal(0, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
                    archive.writestr(f"{split}/{wnid}/{i}.png", encode_png(pixels))
    return folder
