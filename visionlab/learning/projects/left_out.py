"""What was left out of what came into a project: a file an intake in its folder left-out/, until somebody read it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from visionlab.errors import log_line
from visionlab.learning.projects.files import write

LEFT_OUT = "left-out"


@dataclass(frozen=True)
class LeftOut:
    """Of one intake: told, sentences on all of it; problems, one on each picture that could not be taken. pictures: the
    ids of those that came in with it. file: where this is kept."""

    told: Sequence[str]
    problems: Sequence[str]
    pictures: Sequence[int]
    file: Path


def note(project: Path, told: Iterable[str], problems: Iterable[str], pictures: Iterable[int]) -> None:
    """Keep it in the project's folder; nothing where there is nothing to tell. Where that cannot be written, the log
    alone says so: the pictures are in."""
    kept = [list(told), list(problems), list(pictures)]
    if not kept[0] and not kept[1]:
        return
    try:
        (project / LEFT_OUT).mkdir(exist_ok=True)
        write(project / LEFT_OUT / f"{time.time_ns()}-{secrets.token_hex(4)}.json", json.dumps(kept).encode())
    except OSError as error:
        log_line("What was left out of pictures that came in cannot be kept.", error)


def notes(project: Path, pictures: Container[int]) -> list[LeftOut]:
    """What nobody has read yet, the oldest first. pictures: the ids that the project has now: of an intake that was
    taken back, whole, nothing is told."""
    found = []
    for file in sorted((project / LEFT_OUT).glob("*.json")):
        with suppress(FileNotFoundError):  # read by another session meanwhile
            each = LeftOut(*json.loads(file.read_text("utf-8")), file)
            if not each.pictures or any(picture in pictures for picture in each.pictures):
                found.append(each)
    return found


def forget(read: Iterable[LeftOut]) -> None:
    """Somebody has read them."""
    for each in read:
        each.file.unlink(missing_ok=True)
