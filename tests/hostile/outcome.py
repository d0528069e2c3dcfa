"""What comes of hostile things: each is taken, or refused in a sentence, in time and in memory."""

from __future__ import annotations

import re
import resource
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from visionlab.errors import LONGEST, VisionlabError

TAKEN, REFUSED, BROKEN = "taken", "refused", "broken"


@dataclass
class Counts:
    """Of one kind of attempts: how many were taken and refused, and how many broke a promise."""

    taken: int = 0
    refused: int = 0
    broken: int = 0


@dataclass
class Outcome:
    """Of attempts of one subject: counts by kind, the slowest in seconds, memory beyond what there was before in MB
    (None where nobody measured it), and a line for each that broke a promise. notes: what was measured beside that.
    """

    subject: str
    kinds: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    slowest: float = 0.0
    megabytes: int | None = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _before: int = field(default_factory=lambda: from_now())

    @property
    def taken(self) -> int:
        return sum(each.taken for each in self.kinds.values())

    @property
    def refused(self) -> int:
        return sum(each.refused for each in self.kinds.values())

    @property
    def attempts(self) -> int:
        return sum(each.taken + each.refused + each.broken for each in self.kinds.values())

    def attempt(self, kind: str, act: Callable[[], object], most: float, where: str = "") -> None:
        """Do it; what is neither done nor refused in a sentence, or takes more than `most` seconds, is a failure.
        `where` is told of one, too.
        """
        began = time.perf_counter()
        state, told = judged(act)
        self.note(kind, state, time.perf_counter() - began, most, told, where)
        self.megabytes = max(self.megabytes, (peak() - self._before) >> 10)

    def note(self, kind: str, state: str, seconds: float, most: float, told: str = "", where: str = "") -> None:
        """What came of an attempt that was made elsewhere; `told` of one that is BROKEN."""
        self.slowest = max(self.slowest, seconds)
        if state != BROKEN and seconds > most:
            state, told = BROKEN, f"took {seconds:.1f} s, and at most {most:g} s are allowed"
        counts = self.kinds[kind]
        setattr(counts, state, getattr(counts, state) + 1)
        if state == BROKEN:
            self.failures.append(f"{kind}{where and ', '}{where}: {told}")

    def fail(self, told: str) -> None:
        """A promise that was broken otherwise: “kind: what is wrong”."""
        self.kinds[told.partition(":")[0]].broken += 1
        self.failures.append(told)


def judged(act: Callable[[], object]) -> tuple[str, str]:
    """Do it: TAKEN, REFUSED in a sentence that can be shown, or BROKEN and what is wrong with it."""
    try:
        act()
    except VisionlabError as error:
        if len(str(error)) >= LONGEST:
            return BROKEN, f"a sentence that had to be cut: {str(error)[:100]}…"
        if _cannot_be_sent(str(error)):
            return BROKEN, f"a sentence that no browser can be sent: {str(error)!a}"
        return REFUSED, str(error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return BROKEN, f"{type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"
    return TAKEN, ""


def _cannot_be_sent(text: str) -> bool:
    """Half a character, which UTF-8 has no bytes for."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def from_now() -> int:
    """As peak, which counts from now on, where the system allows that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """KiB that this process has taken at most. Not by getrusage, which counts the one that began it."""
    told = Path("/proc/self/status")
    if not told.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.search(r"VmHWM:\s*(\d+)", told.read_text())[1])
