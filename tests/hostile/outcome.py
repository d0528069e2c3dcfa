"""What comes of hostile things: each is taken, or refused in a sentence, in time and in memory."""

from __future__ import annotations

import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from visionlab.errors import LONGEST, VisionlabError


@dataclass
class Outcome:
    """Of attempts of one subject: how many were taken and refused, the slowest in seconds, memory beyond what there was
    before in MB, and a line for each that broke a promise. notes: what was measured beside that.
    """

    subject: str
    taken: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    _before: int = field(default_factory=lambda: _peak())

    @property
    def attempts(self) -> int:
        return self.taken + self.refused + len(self.failures)

    @property
    def megabytes(self) -> int:
        return (_peak() - self._before) >> 10

    def attempt(self, kind: str, act: Callable[[], object], most: float) -> None:
        """Do it; what is neither done nor refused in a sentence, or takes more than `most` seconds, is a failure."""
        self.kinds[kind] += 1
        began = time.perf_counter()
        try:
            act()
            self.taken += 1
        except VisionlabError as error:
            if len(str(error)) >= LONGEST:
                self.failures.append(f"{kind}: a sentence that had to be cut: {str(error)[:100]}…")
            elif _cannot_be_sent(str(error)):
                self.failures.append(f"{kind}: a sentence that no browser can be sent: {str(error)!a}")
            else:
                self.refused += 1
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.failures.append(
                f"{kind}: {type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"
            )
        seconds = time.perf_counter() - began
        self.slowest = max(self.slowest, seconds)
        if seconds > most:
            self.failures.append(f"{kind}: took {seconds:.1f} s, and at most {most:g} s are allowed")

    def fail(self, told: str) -> None:
        self.failures.append(told)


def _cannot_be_sent(text: str) -> bool:
    """Half a character, which UTF-8 has no bytes for."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _peak() -> int:
    """KiB that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
