"""Projects that stay: a workspace is a folder of them, each under an unguessable id.

workspace/
├── <project id>/            pictures/ab/abcdef…  files as they came in, by the SHA-256 of their bytes
│                            project.sqlite       classes, pictures, edits, runs
│                            runs/<run id>/       head, outcome, checkpoint; alive.lock is held while it is at work
│                            incoming/            what is on its way in
│                            lost.txt             what never came in, until somebody has read it
│                            left-out/            what was not taken of what came in, until somebody has read it
│                            opened               its time is when the project was opened last
└── owners/<SHA-256 of an owner's text>/<project id>
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from visionlab import limits
from visionlab.errors import DatasetError, ParameterError
from visionlab.learning.projects import place
from visionlab.learning.projects.files import check_room, size_of, telling, unwritable
from visionlab.learning.projects.journal import Database
from visionlab.learning.projects.project import Project
from visionlab.learning.projects.rows import ProjectInfo, project_name
from visionlab.learning.projects.runs import AT_WORK

ID_BYTES = 16  # of chance in an id
_ID = re.compile(r"[A-Za-z0-9_-]{22}")  # what secrets.token_urlsafe(ID_BYTES) makes
_OWNERS, _DRAFT, _GONE = "owners", ".new-", ".gone-"
OWNER_LENGTH = 16  # characters; fewer could be guessed


class Workspace:
    """The projects of everybody on this machine.

    Whoever knows a project's id may open it, and whoever knows the owner's text may list what is theirs; neither can be
    guessed, and no call tells more than that.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, limit: int | None = None) -> None:
        """Use that folder (else $VISIONLAB_WORKSPACE, else the user's data folder), made when the first project is.

        `limit`: bytes that all projects together may take; else $VISIONLAB_WORKSPACE_LIMIT, in GB (10⁹ bytes), else 20.
        Raises ParameterError where a limit is no number above 0.
        """
        self.folder = Path(folder).absolute() if folder else place.folder()
        self.limit = int(limits.WORKSPACE.value() * 10**9) if limit is None else limit
        if self.limit <= 0:
            raise ParameterError(f"The workspace’s limit is {self.limit}; it must be above 0 bytes.")

    def create(self, name: str, owner: str) -> Project:
        """Make a project of that name. `owner` is a text that nobody can guess, such as secrets.token_urlsafe() makes.

        Raises DatasetError for an empty name, ParameterError for an owner's text of fewer than 16 characters.
        """
        with self._draft(owner) as draft:
            Database(draft / "project.sqlite").create(project_name(name))
        return self.open(draft.name.removeprefix(_DRAFT))

    def open(self, project_id: str) -> Project:
        """The project of that id; DatasetError where there is none."""
        folder = self._place(project_id)
        with telling():
            (folder / "opened").touch()
        return Project(folder, self.limit)

    def __contains__(self, project_id: object) -> bool:
        """Whether there is a project of that id."""
        # The id is checked before it becomes part of a path.
        with telling():
            well_formed = isinstance(project_id, str) and bool(_ID.fullmatch(project_id))
            return well_formed and (self.folder / project_id / "project.sqlite").is_file()  # not what is left of one

    def projects(self, owner: str) -> list[ProjectInfo]:
        """The owner's projects, the one that was changed last first."""
        shelf = self._shelf(owner)
        with telling():
            names = [entry.name for entry in shelf.iterdir()] if shelf.is_dir() else []
        found = [info for name in names if (info := _info(self.folder / name, self.limit))]
        return sorted(found, key=lambda info: -info.changed)

    def duplicate(self, project_id: str, name: str, owner: str) -> Project:
        """Another project like that one, its undo and its runs included. Pictures take room on disk only once.

        Raises DatasetError where there is no such project, or the workspace is full.
        """
        source = self.open(project_id)
        check_room(self.size(), size_of(source.folder) - size_of(source.folder / "pictures"), self.limit)
        with self._draft(owner) as draft:
            source.copy(draft)
            Database(draft / "project.sqlite").rename(project_name(name), new=True)
        return self.open(draft.name.removeprefix(_DRAFT))

    def delete(self, project_id: str) -> None:
        """Remove a project with all that it holds; DatasetError where there is none."""
        folder = self._place(project_id)
        with telling():
            # Renaming takes it away at once: nobody opens a project of which half is left.
            gone = folder.rename(self.folder / f"{_GONE}{project_id}")
            for mark in self.folder.glob(f"{_OWNERS}/*/{project_id}"):
                mark.unlink(missing_ok=True)
            shutil.rmtree(gone)

    def size(self) -> int:
        """Bytes on disk of all projects together; what two projects share counts once."""
        return size_of(self.folder)

    def clean(self, unused_for: timedelta) -> list[ProjectInfo]:
        """Remove the projects that nobody opened for so long and in which no run goes on; which they were."""
        before = time.time() - unused_for.total_seconds()
        removed = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(FileNotFoundError, DatasetError):  # removed by another process meanwhile
                if folder.name.startswith((_DRAFT, _GONE)) and folder.stat().st_mtime < before:
                    shutil.rmtree(folder)  # what a killed process left
                if not _ID.fullmatch(folder.name) or (folder / "opened").stat().st_mtime >= before:
                    continue
                info = _info(folder, self.limit)
                if info and not any(run.state in AT_WORK for run in Project(folder, self.limit).runs()):
                    self.delete(folder.name)
                    removed.append(info)
        return removed

    @contextmanager
    def _draft(self, owner: str) -> Iterator[Path]:
        """A folder that becomes a project of that owner at the end, and is no project before."""
        shelf, project_id = self._shelf(owner), secrets.token_urlsafe(ID_BYTES)
        draft = self.folder / f"{_DRAFT}{project_id}"
        with telling():
            try:
                self._make(draft)
                yield draft
                for part in ("pictures", "runs", "incoming"):
                    (draft / part).mkdir(exist_ok=True)
                (draft / "opened").touch()
                shelf.mkdir(parents=True, exist_ok=True)
                (shelf / project_id).touch()
                draft.rename(self.folder / project_id)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                with suppress(OSError):  # what went wrong is told, not what comes of that here
                    (shelf / project_id).unlink()
                raise

    def _make(self, draft: Path) -> None:
        try:
            draft.mkdir(parents=True)
        except (FileNotFoundError, FileExistsError) as error:  # the workspace is a link to nothing, say
            raise unwritable(error) from error

    def _place(self, project_id: str) -> Path:
        if project_id in self:
            return self.folder / project_id
        raise DatasetError("There is no such project here; check the link and its server, or choose one of yours.")

    def _shelf(self, owner: str) -> Path:
        if len(owner) < OWNER_LENGTH:
            raise ParameterError(f"The owner’s text has {len(owner)} characters; it needs {OWNER_LENGTH} or more.")
        return self.folder / _OWNERS / hashlib.sha256(owner.encode()).hexdigest()


def _info(folder: Path, limit: int) -> ProjectInfo | None:
    """What a list shows of the project; None where it is gone or cannot be read, so that the others are listed."""
    try:
        return Project(folder, limit).info()
    except DatasetError:
        return None
