"""What an operator sets, all in the environment: a table in docs/DEPLOY.md says what each is for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from visionlab.errors import ParameterError


@dataclass(frozen=True)
class Limit:
    """A number that an operator may set: what it limits, its unit, what it is unless set (None: no limit), one that
    would be good, the largest that is taken, and whether it counts things, so that half of one is none.
    """

    variable: str
    what: str
    unit: str
    usual: float | None
    example: float
    most: float = math.inf
    whole: bool = False

    def value(self) -> float | None:
        """As it is now. Raises ParameterError where what is set is no such number above 0, whole where it counts."""
        told = os.environ.get(self.variable)
        try:
            number = float(told) if told else self.usual
        except ValueError as error:
            raise ParameterError(
                f"{self.variable} is {told!r}; it must be a number of {self.unit}, such as {self.example:g}."
            ) from error
        if number is not None and not 0 < number <= self.most:  # NaN is not, either
            within = f"lie between 0 and {self.most:,.0f}" if math.isfinite(self.most) else "be above 0"
            raise ParameterError(f"{self.variable} is {told}; it must {within} {self.unit}.")
        if number is not None and self.whole:
            if number != int(number):
                raise ParameterError(
                    f"{self.variable} is {told}; it must be a whole number of {self.unit}, such as {self.example:g}."
                )
            return int(number)
        return number


@dataclass(frozen=True)
class Switch:
    """Something that an operator may switch off."""

    variable: str
    what: str

    def is_on(self) -> bool:
        """Whether it is, as long as it is not set to “off”. Raises ParameterError where it is set to another word."""
        told = os.environ.get(self.variable) or "on"
        if told not in ("on", "off"):
            raise ParameterError(f"{self.variable} is {told!r}; it must be “on” or “off”.")
        return told == "on"


WORKSPACE = Limit("VISIONLAB_WORKSPACE_LIMIT", "all projects together", "GB", 20, 20, 10**6)
PROJECT = Limit("VISIONLAB_PROJECT_LIMIT", "the pictures of one project", "GB", None, 2, 10**6)
PICTURES = Limit(
    "VISIONLAB_PROJECT_PICTURES", "how many pictures a project holds", "pictures", 5_000, 5_000, 5_000, whole=True
)
KEEP_DAYS = Limit("VISIONLAB_KEEP_DAYS", "age of a project that nobody opens", "days", None, 90, 36_500)
JOBS = Limit("VISIONLAB_JOBS", "jobs of one kind that compute at once; others wait", "jobs", 2, 2, 64, whole=True)
DECODINGS = Limit(
    "VISIONLAB_DECODINGS", "large pictures decoded at once; others wait", "pictures", 2, 2, 64, whole=True
)
PATHS = Switch("VISIONLAB_PATHS", "naming folders of the server, for who sits at it")
DOWNLOADS = Switch("VISIONLAB_DOWNLOADS", "downloading networks and sets of pictures from the pages")
DOWNLOADS_OFF = "Downloads are switched off on this server; its operator can bring this."
PAGES_OFF = "VISIONLAB_PAGES_OFF"  # titles of pages that are switched off, with commas between
LIMITS = (WORKSPACE, PROJECT, PICTURES, KEEP_DAYS, JOBS, DECODINGS)
SWITCHES = (PATHS, DOWNLOADS)


def pages_off() -> frozenset[str]:
    """The titles of the pages that the operator switched off."""
    return frozenset(title.strip() for title in os.environ.get(PAGES_OFF, "").split(",")) - {""}
