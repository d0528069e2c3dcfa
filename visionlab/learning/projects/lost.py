"""What was coming into a project when its process was killed: a line each of its lost.txt, until it has come since or
somebody has read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from visionlab.learning.projects.files import write

NOTE, LOST = ".about.json", "lost.txt"  # of what is on its way in; of what never came
Line = tuple[str, Mapping[str, int]]  # a sentence, and how many pictures of which class have not come since


def begin(folder: Path, last: int, sentence: str, coming: Mapping[str, int]) -> None:
    """Keep in a folder for what is on its way in what is to be told where it never comes; last: the id of the picture
    that was added last. Raises OSError, as the others do."""
    (folder / NOTE).write_text(json.dumps([last, sentence, coming]), "utf-8")


def ended(project: Path, folder: Path, last: int) -> None:
    """Nobody is at what was on its way in there any more: it is lost, unless pictures were added since."""
    with suppress(FileNotFoundError, ValueError):  # of an older version, or not written yet
        before, sentence, coming = json.loads((folder / NOTE).read_text("utf-8"))
        if sentence and before == last:
            note(project, sentence, coming)


def told(project: Path) -> list[str]:
    """The sentences."""
    return [sentence for sentence, _ in _lines(project)]


def note(project: Path, sentence: str, coming: Mapping[str, int]) -> None:
    """Add one, on so many pictures of each class; none where that is not known."""
    _keep(project, [*_lines(project), (" ".join(sentence.split()), coming)])


def come(project: Path, counts: Mapping[str, int]) -> None:
    """So many pictures of each class came in, or were there: a sentence goes once all of its pictures have."""
    left: list[Line] = []
    for sentence, coming in _lines(project):
        missing = {name: count - counts.get(name, 0) for name, count in coming.items()}
        if missing := {name: count for name, count in missing.items() if count > 0}:
            left.append((sentence, missing))
    _keep(project, left)


def forget(project: Path) -> None:
    """The person has read them."""
    (project / LOST).unlink(missing_ok=True)


def _lines(project: Path) -> list[Line]:
    try:
        lines = (project / LOST).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [tuple(json.loads(line)) if line.startswith("[") else (line, {}) for line in lines]  # or of an older version


def _keep(project: Path, lines: Sequence[Line]) -> None:
    if lines:
        write(project / LOST, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    else:
        forget(project)
