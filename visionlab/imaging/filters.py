"""Filter and the FILTERS table: which classic filters there are, and what may be set in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import numpy as np

from visionlab.errors import ParameterError
from visionlab.imaging import operations
from visionlab.imaging.image import Image, check_image

Value = int | float | str


@dataclass(frozen=True)
class Parameter:
    """One thing that can be set: enough to make a slider, a select box or a command-line option from it.

    "int" values go from `low` to `high` in steps of `step`; "float" values lie anywhere from `low` to `high`, and
    `step` is what a slider moves by; a "choice" is one of `choices`. `unit` is "px", "grey levels" … or empty.
    """

    name: str
    title: str
    kind: Literal["int", "float", "choice"]
    low: float | None = None
    high: float | None = None
    step: float | None = None
    default: Value = 0
    unit: str = ""
    choices: tuple[str, ...] = ()
    about: str = ""

    def check(self, value: object) -> Value:
        """The value as a plain int, float or str; ParameterError naming the range where it lies outside."""
        if self.kind == "choice":
            if value not in self.choices:
                raise ParameterError(f"“{self.name}” is one of {', '.join(self.choices)}, not {value!r}.")
            return str(value)
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if number and self.low <= value <= self.high:
            if self.kind == "float":
                return float(value)
            if (value - self.low) % self.step == 0:
                return int(value)
        steps = f" in steps of {self.step}" if self.kind == "int" else ""
        unit = f" {self.unit}" if self.unit else ""
        raise ParameterError(f"“{self.name}” goes from {self.low} to {self.high}{unit}{steps}, not {value!r}.")


@dataclass(frozen=True)
class Filter:
    """A classic filter: `function` takes a picture and every parameter by name, and `apply` guards it."""

    name: str
    title: str
    group: str
    about: str
    function: Callable[..., Image]
    parameters: tuple[Parameter, ...] = ()

    def settings(self, **values: Value) -> dict[str, Value]:
        """Every parameter's value, the given ones checked and the others at their default, in the table's order.

        Raises ParameterError where a parameter is unknown or out of range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                there = f"It has {', '.join(known)}." if known else "It has none."
                raise ParameterError(f"The filter “{self.name}” has no parameter “{name}”. {there}")
        return {name: known[name].check(values.get(name, known[name].default)) for name in known}

    def apply(self, image: Image, **values: Value) -> Image:
        """The filtered picture, uint8 (H, W, 3) like `image`, which is left as it is.

        Raises ParameterError where `image` is no picture, or a parameter is unknown or out of range.
        """
        return self.function(check_image(image), **self.settings(**values))


def find_filter(name: str) -> Filter:
    """The filter of that name; ParameterError with the nearest name, or all of them, where there is none."""
    if name in FILTERS:
        return FILTERS[name]
    near = get_close_matches(str(name), FILTERS, n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"There are {', '.join(FILTERS)}."
    raise ParameterError(f"“{name}” is no filter. {hint}")


_GAIN = Parameter("gain", "Gain", "float", 0.1, 4.0, 0.1, 1.0, about="What the answer is multiplied by.")
_SHAPE = Parameter(
    "shape",
    "Shape",
    "choice",
    default="square",
    choices=("square", "ellipse", "cross"),
    about="The shape of the brush.",
)
_BRUSH = (Parameter("size", "Size", "int", 1, 31, 1, 3, "px", about="How wide the brush is."), _SHAPE)

FILTERS: dict[str, Filter] = {
    "gaussian_blur": Filter(
        "gaussian_blur",
        "Gaussian blur",
        "Blur",
        "Averages neighbours, near ones more than far ones: noise and fine detail go.",
        operations.gaussian_blur,
        (Parameter("sigma", "Sigma", "float", 0.1, 30.0, 0.1, 2.0, "px", about="How far the blur reaches."),),
    ),
    "box_blur": Filter(
        "box_blur",
        "Box blur",
        "Blur",
        "Replaces each pixel by the plain mean of a square around it.",
        operations.box_blur,
        (Parameter("size", "Size", "int", 1, 63, 1, 5, "px", about="The side of the square."),),
    ),
    "median": Filter(
        "median",
        "Median",
        "Blur",
        "Takes the middle value of a square around each pixel: specks go, edges stay.",
        operations.median,
        (Parameter("size", "Size", "int", 1, 63, 2, 5, "px", about="The side of the square, an odd number."),),
    ),
    "bilateral": Filter(
        "bilateral",
        "Bilateral",
        "Blur",
        "Averages only neighbours of a similar colour, so that surfaces smooth and edges stay.",
        operations.bilateral,
        (
            Parameter("diameter", "Diameter", "int", 1, 15, 1, 9, "px", about="The neighbourhood's width."),
            Parameter(
                "sigma_color",
                "Colour sigma",
                "float",
                1.0,
                200.0,
                1.0,
                50.0,
                "grey levels",
                about="How alike is alike.",
            ),
            Parameter("sigma_space", "Space sigma", "float", 1.0, 50.0, 1.0, 10.0, "px", about="How near is near."),
        ),
    ),
    "canny": Filter(
        "canny",
        "Canny edges",
        "Edges",
        "Thin, connected edges: strong ones, and weak ones that touch a strong one (Canny 1986).",
        operations.canny,
        (
            Parameter("low", "Low threshold", "int", 0, 1000, 1, 50, about="Weaker edges are dropped."),
            Parameter("high", "High threshold", "int", 0, 1000, 1, 150, about="Stronger edges always stay."),
        ),
    ),
    "sobel_magnitude": Filter(
        "sobel_magnitude",
        "Sobel magnitude",
        "Edges",
        "How steeply brightness changes, in whichever direction.",
        operations.sobel_magnitude,
        (_GAIN,),
    ),
    "laplacian": Filter(
        "laplacian",
        "Laplacian",
        "Edges",
        "The size of the second derivative: lines, corners and noise light up.",
        operations.laplacian,
        (Parameter("size", "Size", "int", 1, 7, 2, 3, "px", about="The kernel's side, an odd number."), _GAIN),
    ),
    "threshold": Filter(
        "threshold",
        "Threshold",
        "Black and white",
        "White where the picture is brighter than a level, black elsewhere.",
        operations.threshold,
        (Parameter("level", "Level", "int", 0, 255, 1, 128, "grey levels", about="The last level that is black."),),
    ),
    "otsu": Filter(
        "otsu",
        "Otsu threshold",
        "Black and white",
        "A threshold that finds its own level, the one that parts dark from bright best (Otsu 1979).",
        operations.otsu,
    ),
    "adaptive_threshold": Filter(
        "adaptive_threshold",
        "Adaptive threshold",
        "Black and white",
        "Compares each pixel with its surroundings, so that uneven light does no harm: good for text.",
        operations.adaptive_threshold,
        (
            Parameter("block", "Block", "int", 3, 99, 2, 21, "px", about="The surroundings' width, an odd number."),
            Parameter(
                "offset",
                "Offset",
                "int",
                -50,
                50,
                1,
                5,
                "grey levels",
                about="How much darker than its surroundings is black.",
            ),
        ),
    ),
    "erode": Filter(
        "erode",
        "Erode",
        "Shape",
        "Each pixel becomes the darkest under the brush: bright parts shrink.",
        operations.erode,
        _BRUSH,
    ),
    "dilate": Filter(
        "dilate",
        "Dilate",
        "Shape",
        "Each pixel becomes the brightest under the brush: bright parts grow.",
        operations.dilate,
        _BRUSH,
    ),
    "open": Filter(
        "open",
        "Open",
        "Shape",
        "Erodes, then dilates: bright specks smaller than the brush go, the rest keeps its size.",
        operations.morphological_open,
        _BRUSH,
    ),
    "close": Filter(
        "close",
        "Close",
        "Shape",
        "Dilates, then erodes: dark specks and cracks smaller than the brush are filled.",
        operations.morphological_close,
        _BRUSH,
    ),
    "equalise": Filter(
        "equalise",
        "Equalise",
        "Light and colour",
        "Spreads brightness evenly from black to white, for the whole picture at once.",
        operations.equalise,
    ),
    "clahe": Filter(
        "clahe",
        "Local contrast (CLAHE)",
        "Light and colour",
        "Equalises tile by tile, with a limit on how much noise may be blown up.",
        operations.clahe,
        (
            Parameter("clip", "Clip limit", "float", 1.0, 10.0, 0.5, 2.0, about="How much contrast is let through."),
            Parameter("tiles", "Tiles", "int", 1, 16, 1, 8, about="How many tiles a side."),
        ),
    ),
    "unsharp_mask": Filter(
        "unsharp_mask",
        "Unsharp mask",
        "Light and colour",
        "Adds back what a blur takes away, which sharpens.",
        operations.unsharp_mask,
        (
            Parameter(
                "sigma", "Sigma", "float", 0.1, 30.0, 0.1, 2.0, "px", about="How coarse the detail is that gains."
            ),
            Parameter("amount", "Amount", "float", 0.0, 5.0, 0.1, 1.0, about="How much of it is added."),
        ),
    ),
    "gamma": Filter(
        "gamma",
        "Gamma",
        "Light and colour",
        "Bends the tone curve: above 1 lifts the shadows, below 1 deepens them; black and white stay.",
        operations.gamma,
        (Parameter("gamma", "Gamma", "float", 0.1, 5.0, 0.05, 1.5, about="1 changes nothing."),),
    ),
    "invert": Filter(
        "invert", "Invert", "Light and colour", "Turns every colour into its negative.", operations.invert
    ),
    "grey": Filter(
        "grey", "Grey", "Light and colour", "Keeps brightness, drops colour (ITU-R BT.601 luma).", operations.grey
    ),
}
