"""Files that are whole or not there: what is on its way is NAME.part, and takes its name when all is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionlab.errors import ParameterError, VisionlabError


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Where to write what is to lie at the path: its name never stands for a part of it, even after a power cut.

    What was there stays until the block has ended; where it does not come to its end, nothing of it is left. Raises
    OSError.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # the name must not reach the disk before the bytes do
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | os.PathLike[str], refused: type[VisionlabError] = ParameterError) -> Iterator[Path]:
    """As whole, for a place that a person has named: an OSError of the block becomes `refused`, in a sentence."""
    try:
        with whole(path) as part:
            yield part
    except OSError as error:
        raise refused(f"{path} cannot be written ({error.strerror}). Name another place.") from error
