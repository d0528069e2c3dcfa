"""The records of the FILTERS table: a filter, and what may be set in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from visionlab.errors import ParameterError
from visionlab.imaging.image import Image, check_image
from visionlab.wording import quoted, shortened

Value = int | float | str
STRIP = 500_000  # pixels, at least, of what a slow filter makes at once: a second or two


@dataclass(frozen=True)
class Parameter:
    """One thing that can be set: enough to make a slider, a select box or a command-line option from it.

    "int" values go from `low` to `high` in steps of `step`; "float" values lie anywhere from `low` to `high`, and
    `step` is what a slider moves by; a "choice" is one of `choices`. `unit` is "px", "grey levels" … or empty. Whole
    numbers from `taken_from` on, where it is given, are taken for the next step, as which they act: chains and links
    may hold them from before.
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
    taken_from: int | None = None

    def check(self, value: object) -> Value:
        """The value as a plain int, float or str; ParameterError naming the range where it lies outside."""
        if self.kind == "choice":
            if value not in self.choices:
                raise ParameterError(f"“{self.name}” is one of {', '.join(self.choices)}, not {quoted(value)}.")
            return str(value)
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if number and self.taken_from is not None and self.taken_from <= value <= self.high and value == int(value):
            return int(self.low + max(0, ceil((value - self.low) / self.step)) * self.step)
        if number and self.low <= value <= self.high:
            if self.kind == "float":
                return float(value)
            if (value - self.low) % self.step == 0:
                return int(value)
        steps = f" in steps of {self.step}" if self.kind == "int" else ""
        unit = f" {self.unit}" if self.unit else ""
        raise ParameterError(f"“{self.name}” goes from {self.low} to {self.high}{unit}{steps}, not {quoted(value)}.")

    def near(self, value: float) -> int | float:
        """The number nearest to it that may be set: in range and, for an "int", a step."""
        value = min(max(value, self.low), self.high)
        if self.kind == "float":
            return round(float(value), 6)  # 0.3, not 0.30000000000000004: people read it in the code
        return int(self.low + round((value - self.low) / self.step) * self.step)


@dataclass(frozen=True)
class Filter:
    """A classic filter: `function` takes a picture and every parameter by name, and `apply` guards it.

    `group` is its kind, such as "Smoothing": pickers offer filters by it. `reach`, of filters that take long, says for
    their parameters how many rows above and below a pixel what becomes of it depends on.
    """

    name: str
    title: str
    group: str
    about: str
    function: Callable[..., Image]
    parameters: tuple[Parameter, ...] = ()
    reach: Callable[..., int] | None = None

    def settings(self, /, **values: Value) -> dict[str, Value]:
        """Every parameter's value, the given ones checked and the others at their default, in the table's order.

        Raises ParameterError where a parameter is unknown or out of range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                there = f"It has {', '.join(known)}." if known else "It has none."
                raise ParameterError(f"The filter “{self.name}” has no parameter “{shortened(name)}”. {there}")
        return {name: known[name].check(values.get(name, known[name].default)) for name in known}

    def apply(self, image: Image, /, **values: Value) -> Image:
        """The filtered picture, uint8 (H, W, 3) like `image`, which is left as it is.

        Raises ParameterError where `image` is no picture, or a parameter is unknown or out of range.
        """
        return self.function(check_image(image), **self.settings(**values))

    def apply_between(self, image: Image, between: Callable[[float], object], /, **values: Value) -> Image:
        """As apply(), to the pixel; where the filter takes long, in strips.

        between(share) is called where one ends and another begins; share, above 0 and below 1, is how much of the
        picture is done. What it raises ends the work.
        """
        image, settings = check_image(image), self.settings(**values)
        if self.reach is None:
            return self.function(image, **settings)
        (height, width), reach = image.shape[:2], self.reach(**settings)
        rows = max(STRIP // width, 8 * reach)  # or most of the work would be on what strips share
        result = np.empty_like(image)
        for top in range(0, height, rows):
            first, bottom = max(0, top - reach), min(top + rows, height)
            result[top:bottom] = self.function(image[first : bottom + reach], **settings)[top - first :][: bottom - top]
            if bottom < height:
                between(bottom / height)
        return result
