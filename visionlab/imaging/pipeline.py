"""Filters in a chain, and the chain as Python code that does the same without visionlab."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visionlab.errors import ParameterError
from visionlab.imaging.filters import Value, find_filter
from visionlab.imaging.image import Image, check_image

_HEAD = '''"""A picture pipeline, written by visionlab. Needs opencv-python (or -headless) and numpy.

    python pipeline.py photo.jpg result.png
"""

import sys

import cv2
import numpy as np

'''

_TAIL = """

if __name__ == "__main__":
    picture = cv2.imread(sys.argv[1], cv2.IMREAD_COLOR)
    if picture is None:
        sys.exit(f"{sys.argv[1]} is no picture.")
    result = pipeline(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    cv2.imwrite(sys.argv[2], cv2.cvtColor(result, cv2.COLOR_RGB2BGR))
"""


@dataclass(frozen=True)
class Pipeline:
    """Filters applied one after the other: `steps` are (name in FILTERS, parameter values) pairs.

    Checked when it is made: ParameterError for an unknown filter (with the nearest name) or parameter, or a value out
    of range. Afterwards every step holds the values of all its parameters, defaults included.
    """

    steps: Sequence[tuple[str, Mapping[str, Value]]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(_check_step(step) for step in self.steps))

    def run(self, image: Image) -> Image:
        """The picture after the last step, uint8 (H, W, 3); `image` is left as it is. No steps: a copy."""
        image = check_image(image).copy()
        for name, values in self.steps:
            image = find_filter(name).apply(image, **values)
        return image

    def to_python(self) -> str:
        """A Python module with `def pipeline(image)`, uint8 RGB (H, W, 3) in and out, that needs only cv2 and numpy.

        It consists of the very functions that `run` calls, so that both give the same pixels.
        """
        functions = {find_filter(name).function: None for name, _ in self.steps}  # a dict keeps order, each once
        sources = [inspect.getsource(function) for function in functions]
        calls = [
            f"    image = {find_filter(name).function.__name__}({', '.join(['image', *_arguments(values)])})"
            for name, values in self.steps
        ]
        body = "\n".join(["def pipeline(image: np.ndarray) -> np.ndarray:", *calls, "    return image", ""])
        return _HEAD + "".join(f"\n{source}\n" for source in sources) + "\n" + body + _TAIL


def _check_step(step: tuple[str, Mapping[str, Value]]) -> tuple[str, dict[str, Value]]:
    if not isinstance(step, Sequence) or isinstance(step, str) or len(step) != 2 or not isinstance(step[1], Mapping):
        raise ParameterError(f"A step is a filter's name and a dict of its parameters, not {step!r}.")
    name, values = step
    return name, find_filter(name).settings(**values)


def _arguments(values: Mapping[str, Value]) -> list[str]:
    return [f"{name}={value!r}" for name, value in values.items()]
