"""The pictures that the built-in network is trained on: read once, kept decoded, augmented a batch at a time.

A folder of them holds zips (or folders) with train/<wnid>/*.webp|jpg|png and val/<wnid>/*, and classes.txt ("wnid name"
a line). Everything after reading runs on the device that the pictures are on.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from visionlab.errors import DatasetError
from visionlab.network.running.classifier import IMAGENET_MEAN, IMAGENET_STD
from visionlab.writing import whole

SIDE = 64  # of the pictures as they are stored
SUFFIXES = {".webp", ".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Pictures:
    """Equally large pictures in memory: pixels (N, 64, 64, 3) uint8, labels (N,) int64, on one device."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Pictures:
        return Pictures(self.pixels.to(device), self.labels.to(device))


def read_classes(folder: Path) -> list[tuple[str, str]]:
    """(WordNet id, name for people) of each class, in the order of the labels."""
    file = folder / "classes.txt"
    if not file.is_file():
        raise DatasetError(f"There is no classes.txt in {folder}. It should hold one “wnid name” a line.")
    pairs = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line.strip()]
    return [(wnid, name.strip().replace("_", " ")) for wnid, name in pairs]


def _files(folder: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """(WordNet id, encoded picture) of every picture of a split, from zips and from folders."""
    for archive in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(archive) as opened:
            for name in sorted(opened.namelist()):
                path = Path(name)
                if len(path.parts) >= 3 and path.parts[0] == split and path.suffix.lower() in SUFFIXES:
                    yield path.parts[1], opened.read(name)
    for path in sorted((folder / split).rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield path.relative_to(folder / split).parts[0], path.read_bytes()


def read_pictures(folder: Path, split: str, cache: Path) -> Pictures:
    """Every picture of a split, decoded; kept decoded in `cache` for the next run."""
    packed = cache / f"{split}.npz"
    if not packed.is_file():
        index = {wnid: i for i, (wnid, _) in enumerate(read_classes(folder))}
        pixels, labels = [], []
        for wnid, data in _files(folder, split):
            if wnid not in index:
                raise DatasetError(f"The folder {split}/{wnid} is not in classes.txt. Add it there, or remove it.")
            picture = PillowImage.open(io.BytesIO(data)).convert("RGB")
            picture = picture if picture.size == (SIDE, SIDE) else picture.resize((SIDE, SIDE), PillowImage.LANCZOS)
            pixels.append(np.asarray(picture))
            labels.append(index[wnid])
        if not pixels:
            raise DatasetError(f"No pictures for “{split}” in {folder}: expected {split}/<wnid>/*.webp, .jpg or .png.")
        cache.mkdir(parents=True, exist_ok=True)
        with whole(packed) as part, part.open("wb") as file:
            np.savez(file, pixels=np.stack(pixels), labels=np.array(labels, np.int64))
    arrays = np.load(packed)
    return Pictures(torch.from_numpy(arrays["pixels"]), torch.from_numpy(arrays["labels"]))


def normalise(pixels: Tensor) -> Tensor:
    """(N, 64, 64, 3) uint8 → (N, 3, 64, 64) float32, zero mean and unit spread over ImageNet."""
    x = pixels.permute(0, 3, 1, 2).float().div_(255)
    mean, std = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (x - mean) / std


def augment(pixels: Tensor, side: int, smallest_crop: float, generator: torch.Generator) -> Tensor:
    """Random resized crops, flips and colour: (N, 64, 64, 3) uint8 → (N, 3, side, side) float32, normalised.

    Szegedy et al. 2014, section 6: area from smallest_crop to 1, aspect ratio from 3/4 to 4/3, each picture its own.
    """
    n = len(pixels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * (high - low) + low).to(pixels.device)

    area, ratio = uniform(smallest_crop, 1), uniform(math.log(3 / 4), math.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = uniform(-1, 1).sign()
    theta = torch.zeros(n, 2, 3, device=pixels.device)
    theta[:, 0, 0], theta[:, 0, 2] = width * flip, uniform(-1, 1) * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, uniform(-1, 1) * (1 - height)
    x = normalise(pixels)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    centre = x.mean((2, 3), keepdim=True)
    x = (x - centre) * uniform(0.7, 1.3, 1, 1, 1) + centre + uniform(-0.3, 0.3, 1, 1, 1)  # contrast, brightness
    grey = x.mean(1, keepdim=True)
    return (x - grey) * uniform(0.7, 1.3, 1, 1, 1) + grey  # saturation


def resized(pixels: Tensor, side: int) -> Tensor:
    """Whole pictures at another size: (N, 64, 64, 3) uint8 → (N, 3, side, side) float32, normalised."""
    x = normalise(pixels)
    if side != SIDE:
        x = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return x


def cutmix(x: Tensor, generator: torch.Generator) -> tuple[Tensor, float]:
    """A box of each picture from its neighbour in the batch, the same box for all: (N, 3, H, W) → (mixed, λ).

    λ, the share of the picture that is its own, is uniform over 0..1 (Yun et al. 2019, algorithm A1 with α = 1); the
    neighbour of picture i is picture i − 1.
    """
    height, width = x.shape[2:]
    share, down, across = torch.rand(3, generator=generator).tolist()
    tall, wide = round(height * math.sqrt(1 - share)), round(width * math.sqrt(1 - share))
    top, left = round((height - tall) * down), round((width - wide) * across)
    mixed = x.clone()
    mixed[:, :, top : top + tall, left : left + wide] = x.roll(1, 0)[:, :, top : top + tall, left : left + wide]
    return mixed, 1 - tall * wide / (height * width)


def strangers(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """As many pictures of nothing as are given: (N, 64, 64, 3) uint8 → the same.

    In turn noise of any coarseness, cells of flat colour, and a given picture cut into tiles that are shuffled. A
    network that learns to hold every class equally likely there is less sure of what it does not know (outlier
    exposure, Hendrycks, Mazeika & Dietterich 2019).
    """
    kinds = (_noise, _cells, _tiles)
    drawn = [kinds[i % 3](pixels[i].cpu(), generator) for i in range(len(pixels))]
    return torch.stack(drawn).to(pixels.device)


def _noise(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Random values on a grid of 2 to 64 points a side, smooth in between or not, grey or coloured."""
    fineness, smooth, grey, contrast = torch.rand(4, generator=generator).tolist()
    points = round(2 ** (1 + 5 * fineness))
    x = torch.rand(1, 1 if grey < 0.3 else 3, points, points, generator=generator)
    x = F.interpolate(x, (SIDE, SIDE), mode="bicubic" if smooth < 0.5 else "nearest")
    x = 0.5 + (x - 0.5) * (0.3 + 1.2 * contrast)
    return (x * 255).clamp(0, 255).byte().expand(1, 3, SIDE, SIDE)[0].permute(1, 2, 0)


def _cells(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Flat colours, each where its point is the nearest of 2 to 12 (a Voronoi diagram)."""
    points = int(torch.randint(2, 13, (1,), generator=generator))
    centres = torch.rand(points, 2, generator=generator) * SIDE
    colours = torch.randint(0, 256, (points, 3), generator=generator, dtype=torch.uint8)
    places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float()
    return colours[torch.cdist(places, centres).argmin(1)].view(SIDE, SIDE, 3)


def _tiles(picture: Tensor, generator: torch.Generator) -> Tensor:
    """The picture's 4 × 4 or 8 × 8 tiles in any order: its colours and textures, and nothing that they made up."""
    tiles = 4 if torch.rand(1, generator=generator) < 0.5 else 8
    size = SIDE // tiles
    cut = picture.view(tiles, size, tiles, size, 3).transpose(1, 2).reshape(tiles * tiles, size, size, 3)
    cut = cut[torch.randperm(tiles * tiles, generator=generator)].view(tiles, tiles, size, size, 3)
    return cut.transpose(1, 2).reshape(SIDE, SIDE, 3)
