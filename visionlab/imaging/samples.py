"""The pictures that come with the package: scikit-image's bundled photographs, read from its folder, not the net."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from visionlab.errors import ImageError, ParameterError
from visionlab.imaging.image import Image, load_image


@dataclass(frozen=True)
class Sample:
    """A photograph that is always at hand; `file` is its name in scikit-image's data folder."""

    name: str
    title: str
    about: str
    file: str


SAMPLES: dict[str, Sample] = {
    "cat": Sample(
        "cat", "Cat", "Chelsea the cat, by Stéfan van der Walt (CC0): fur, whiskers, soft shapes.", "chelsea.png"
    ),
    "coffee": Sample(
        "coffee", "Coffee", "A cup of espresso, by Rachel Michetti (CC0): round edges, wood grain.", "coffee.png"
    ),
    "astronaut": Sample(
        "astronaut",
        "Astronaut",
        "Eileen Collins, by NASA (public domain): a face, fabric, a busy background.",
        "astronaut.png",
    ),
    "rocket": Sample(
        "rocket", "Rocket", "A Falcon 9 on its pad, by SpaceX (CC0): thin straight lines, sky.", "rocket.jpg"
    ),
}


def load_sample(name: str) -> Image:
    """The sample picture of that name, uint8 (H, W, 3), as a copy that the caller may change.

    Raises ParameterError where there is no such sample, and ImageError where scikit-image is not installed.
    """
    if name not in SAMPLES:
        raise ParameterError(f"“{name}” is no sample picture. There are {', '.join(SAMPLES)}.")
    return _read(SAMPLES[name].file).copy()


@lru_cache(maxsize=4)
def _read(file: str) -> Image:
    # Finding the folder does not import scikit-image, whose import takes longer than decoding the picture.
    package = find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise ImageError("The sample pictures come with scikit-image, which is not installed. Install scikit-image.")
    return load_image(Path(package.submodule_search_locations[0]) / "data" / file)
