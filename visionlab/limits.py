"""What an operator sets, all in the environment: a table in docs/DEPLOY.md says what each is for."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from visionlab.errors import ParameterError


@dataclass(frozen=True)
class Limit:
    """A number that an operator may set: what it limits, its unit, what it is unless set (None: no limit), one that
    would be good, the largest that is taken, and whether it counts things, so that half of one is none.

    A library's caller is told what is set wrongly by an error; a server settles it when it starts, and goes on.
    """

    variable: str
    what: str
    unit: str
    usual: float | None
    example: float
    most: float
    whole: bool = False

    def value(self) -> float | None:
        """As it is now. Raises ParameterError where what is set is no such number above 0, whole where it counts."""
        told = os.environ.get(self.variable)
        if not told:
            return self.usual
        try:
            number = float(told)
        except ValueError:
            number = math.nan
        if not 0 < number <= self.most or (self.whole and number != int(number)):  # NaN is not, either
            raise ParameterError(f"{self.variable} is {told!r}; it must be {self._good()}, such as {self.example:g}.")
        return int(number) if self.whole else number

    def settle(self) -> str | None:
        """Where what is set is no such number, have the limit be what it is unless set; the sentence on that."""
        try:
            self.value()
        except ParameterError as error:
            del os.environ[self.variable]
            usual = f"{self.usual:,} {self.unit}" if self.usual else "no limit"
            return f"{error} As long as it is not, this counts: {usual}."
        return None

    def _good(self) -> str:
        if self.whole:
            return f"a whole number of {self.unit} from 1 to {self.most:,}"
        return f"a number of {self.unit} above 0 and at most {self.most:,}"


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

    def settle(self) -> str | None:
        """Where it is set to another word, switch it off, which can do no harm; the sentence on that."""
        try:
            self.is_on()
        except ParameterError as error:
            os.environ[self.variable] = "off"
            return f"{error} As long as it is not, it is off."
        return None


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
WORKSPACE_FOLDER, WEIGHTS_FOLDER, ENGINE = "VISIONLAB_WORKSPACE", "VISIONLAB_WEIGHTS", "VISIONLAB_ENGINE"
LIMITS = (WORKSPACE, PROJECT, PICTURES, KEEP_DAYS, JOBS, DECODINGS)
SWITCHES = (PATHS, DOWNLOADS)
NAMES = (*(each.variable for each in (*LIMITS, *SWITCHES)), PAGES_OFF, WORKSPACE_FOLDER, WEIGHTS_FOLDER, ENGINE)
_OURS = "VISIONLAB_"
_OF_KUBERNETES = re.compile(r".*SERVICE_(HOST|PORT.*)|.*PORT(_\d+_.*)?")  # which tells so of a service named like us


def pages_off(titles: Iterable[str]) -> frozenset[str]:
    """Which of these titles of pages the operator switched off, in capitals or not."""
    named = {title.casefold() for title in _named_off()}
    return frozenset(title for title in titles if title.casefold() in named)


def settle(titles: Iterable[str]) -> Iterator[str]:
    """For a server that starts: where what is set is not what it has to be, something else counts from now on, which is
    set in this process; a sentence on each, on what is set and no setting, and on what leaves nothing to be seen: a
    folder of weights that is none, and pages that are off, of which these are the titles, the first one's at “/”."""
    yield from filter(None, (each.settle() for each in (*LIMITS, *SWITCHES)))
    yield from _unknown()
    if (told := os.environ.get(WEIGHTS_FOLDER)) and not os.path.isdir(os.path.expanduser(told)):
        yield f"{WEIGHTS_FOLDER} is {told!r}, which is no folder, so no networks are found in it; name one that is."
    known = {title.casefold(): title for title in titles}
    there = ", ".join(known.values())
    for name in _named_off():
        if name.casefold() not in known:
            yield f"{PAGES_OFF} names {name!r}, which is no page; pages are, with commas between: {there}."
    if not (on := [title for title in known.values() if title not in pages_off((title,))]):
        yield f"{PAGES_OFF} switches all pages off, so that visitors find a sentence on that; leave one of them on."
    elif on[0] != (first := next(iter(known.values()))):
        yield f"{PAGES_OFF} switches {first!r} off: who comes without a page in the link is led on to {on[0]!r}."


def _unknown() -> Iterator[str]:
    for name in sorted(os.environ):
        if name.startswith(_OURS) and name not in NAMES and not _OF_KUBERNETES.fullmatch(name.removeprefix(_OURS)):
            told = difflib.get_close_matches(name.removeprefix(_OURS), [each.removeprefix(_OURS) for each in NAMES], 1)
            nearest = f"is {_OURS}{told[0]} meant?" if told else f"settings are {', '.join(NAMES)}."
            yield f"{name} is no setting, so it does nothing; {nearest}"


def _named_off() -> list[str]:
    names = (" ".join(name.split()) for name in os.environ.get(PAGES_OFF, "").split(","))
    return list(dict.fromkeys(filter(None, names)))
