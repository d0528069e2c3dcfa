"""Where the workspace lies, and whether it can be written. A server looks at this when it starts: it imports nothing
that takes time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from platformdirs import user_data_path

from visionlab import limits
from visionlab.learning.projects.files import telling, unwritable


def folder() -> Path:
    """VISIONLAB_WORKSPACE if that is set, otherwise one in the user's folder for data; it is made with the first
    project."""
    named = os.environ.get(limits.WORKSPACE_FOLDER)
    return Path(named or user_data_path("visionlab") / "projects").absolute()


def check(place: Path) -> None:
    """Raises DatasetError where nothing can be written into that folder, or where it could not be made."""
    with telling():
        while not _is_there(place):
            place = place.parent
        try:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=place):
                pass
        except FileNotFoundError as error:  # of a link to nothing, or of /proc, where nobody makes anything
            raise unwritable(error) from error


def _is_there(place: Path) -> bool:
    try:
        place.lstat()
    except FileNotFoundError:
        return False
    return True
