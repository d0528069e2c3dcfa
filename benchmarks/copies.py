"""What of copies of photographs is grouped with them, and what of other pictures is taken for a copy.

    python benchmarks/copies.py ../shared/data [--photographs 100] [--others 2000]

Photographs: cats and dogs, each copied in one way, and how many photographs then share a group with another one.
Others: pictures of CIFAR-10, Tiny ImageNet and MNIST, among which there is hardly a copy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated
from zipfile import ZipFile

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from visionlab.imaging.image import Image, encode_jpeg, load_image
from visionlab.learning.sets.reading import read_idx
from visionlab.learning.sets.similar import grouped, hashes, in_small

RNG = np.random.default_rng(0)


def jpeg(quality: int) -> Callable[[Image], Image]:
    return lambda image: load_image(encode_jpeg(image, quality))


def scaled(scale: float) -> Callable[[Image], Image]:
    return lambda image: cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def brighter(factor: float) -> Callable[[Image], Image]:
    return lambda image: np.clip(image * factor, 0, 255).astype(np.uint8)


def mirrored(image: Image) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def turned(image: Image) -> Image:
    size = image.shape[1::-1]
    return cv2.warpAffine(image, cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), 3, 1), size)


def crop(left: float, right: float, top: float, bottom: float) -> Callable[[Image], Image]:
    """Cut off these shares of the sides, and save what is left as a JPEG."""

    def cut(image: Image) -> Image:
        height, width = image.shape[:2]
        rows = slice(round(top * height), height - round(bottom * height))
        columns = slice(round(left * width), width - round(right * width))
        return jpeg(85)(np.ascontiguousarray(image[rows, columns]))

    return cut


def anywhere(share: float) -> Callable[[Image], Image]:
    """That share of width and height, cut off the two ends of each as chance has it."""

    def cut(image: Image) -> Image:
        left, top = RNG.uniform(0, share, 2)
        return crop(left, share - left, top, share - top)(image)

    return cut


COPIES = {
    **{f"JPEG of quality {quality}": jpeg(quality) for quality in (60, 30, 10)},
    **{f"{scale:.0%} of the size": scaled(scale) for scale in (0.5, 0.33)},
    **{f"{factor:.0%} as bright": brighter(factor) for factor in (1.1, 0.8)},
    "mirrored": mirrored,
    **{f"{share:.0%} cut off, at a corner": crop(share, 0, 0, share) for share in (0.02, 0.05, 0.1)},
    **{f"{share:.0%} cut off, at one side": crop(share, 0, 0, 0) for share in (0.02, 0.05, 0.1)},
    **{f"{share:.0%} cut off, anywhere": anywhere(share) for share in (0.02, 0.05, 0.1)},
    **{f"{share:.0%} cut off, at each of the four sides": crop(*[share] * 4) for share in (0.02, 0.05, 0.1)},
    "5% cut off, anywhere, and mirrored": lambda image: mirrored(anywhere(0.05)(image)),
    "turned by 3 degrees": turned,
}


def groups_of(images: Sequence[Image]) -> NDArray[np.int64]:
    found, small = np.stack([hashes(image) for image in images]), np.stack([in_small(image) for image in images])
    return grouped([str(number) for number in range(len(images))], found, small, np.ones(len(images), bool))


def from_zips(paths: Sequence[Path], count: int) -> list[Image]:
    """So many of their pictures, evenly spread."""
    found: list[Image] = []
    for path in paths:
        with ZipFile(path) as packed:
            names = [name for name in packed.namelist() if name.endswith(".webp")]
            own = -(-count // len(paths))
            found += [load_image(packed.read(name)) for name in names[:: max(1, len(names) // own)][:own]]
    return found[:count]


def main(
    data: Annotated[Path, typer.Argument(help="The folder with cats-dogs, cifar10.zip, tiny-imagenet and mnist.")],
    photographs: Annotated[int, typer.Option(help="How many are copied.")] = 100,
    others: Annotated[int, typer.Option(help="How many of each other set are compared.")] = 2000,
) -> None:
    images = [load_image(file) for file in sorted((data / "cats-dogs").glob("*/*/*.jpg"))]
    print(f"{len(set(groups_of(images).tolist()))} groups of {len(images)} cats and dogs", flush=True)
    images = images[:: max(1, len(images) // photographs)][:photographs]
    for name, copy in COPIES.items():
        own, copied = np.split(groups_of([*images, *map(copy, images)]), 2)
        mixed = len(images) - len(set(own.tolist()))
        told = f"{np.mean(own == copied):.0%} are grouped with their originals, {mixed} with another photograph"
        print(f"{name}: {told}", flush=True)
    for name, pictures in {
        "CIFAR-10": from_zips([data / "cifar10.zip"], others),
        "Tiny ImageNet": from_zips(sorted((data / "tiny-imagenet").glob("train-*.zip")), others),
        "MNIST": [np.repeat(image, 3, 2) for image in read_idx(data / "mnist")[1][0][:others]],
    }.items():
        _, sizes = np.unique(groups_of(pictures), return_counts=True)
        told = f"{sizes[sizes > 1].sum()} share a group with another one, at most {sizes.max()} the same"
        print(f"{name}: of {len(pictures)} pictures {told}", flush=True)


if __name__ == "__main__":
    typer.run(main)
