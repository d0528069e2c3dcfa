"""The runs of a project: what was trained, how it went, and the files that came of it. Runs are no edits."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from filelock import FileLock, Timeout

from visionlab.errors import BusyError, DatasetError, ParameterError
from visionlab.learning.projects.files import telling, write
from visionlab.learning.projects.journal import Database

AT_WORK, ENDS = ("waiting", "running"), ("done", "cancelled", "failed")
CLASSES = "classes"  # in a run's report: the ids of its head's classes, in order
GONE = " (removed)"
HEAD, OUTCOME, CHECKPOINT, ALIVE = "head.safetensors", "outcome.safetensors", "checkpoint", "alive.lock"

# A run that goes on holds a lock which the system lets go of with the process, however that ends: so a run that was
# interrupted is told from one that goes on, in this process or another, without asking who has which process id now.
_ALIVE: dict[Path, FileLock] = {}
_LOOKING = Lock()  # else two threads that look at one moment would take one another for the run


@dataclass(frozen=True)
class RunInfo:
    """A run: started and ended are seconds since 1970, state is “waiting”, “running”, “done”, “cancelled”, “failed”,
    or “interrupted” where its process is gone.

    epochs: what was noted, in order.  report, error: as it ended.  head: its file, None where there is none.
    classes: what the classes of the head are called now, in its order; None for one that is gone; empty where nobody
    noted which they are.
    """

    id: str
    started: float
    ended: float | None
    state: str
    settings: Mapping[str, object]
    epochs: tuple[Mapping[str, object], ...]
    report: Mapping[str, object] | None
    error: str | None
    head: Path | None
    classes: tuple[str | None, ...] = ()

    def names(self, then: Sequence[str]) -> tuple[str, ...]:
        """What the head's classes are called now; `then`, when it was trained. One that is gone keeps its name, marked
        where another class has that now."""
        if len(self.classes) != len(then):
            return tuple(then)
        taken = {name.casefold() for name in self.classes if name is not None}
        names = []
        for now, before in zip(self.classes, then, strict=True):
            name = before if now is None else now
            while now is None and name.casefold() in taken:
                name += GONE
            taken.add(name.casefold())
            names.append(name)
        return tuple(names)


class Runs:
    """The part of a Project that keeps its runs; see there."""

    folder: Path
    _database: Database

    @property
    def known_features(self) -> Path:
        """The folder of the FeatureCache that all projects of the workspace take known features from."""
        return self.folder.parent / "features"

    def begin_run(self, settings: Mapping[str, object], waiting: bool = False, started: float | None = None) -> str:
        """Note that a run begins, or waits for its turn; its id. What is noted is JSON, or NumPy's numbers. started: of
        one that was trained elsewhere, in seconds since 1970."""
        run = secrets.token_urlsafe(8)
        with telling():
            (self.folder / "runs" / run).mkdir()
        state = "waiting" if waiting else "running"
        try:
            self._hold(run)
            with self._database.writing() as db:
                query = "INSERT INTO runs (id, started, state, settings) VALUES (?, ?, ?, ?)"
                db.execute(query, (run, time.time() if started is None else started, state, _json(settings)))
        except BaseException:
            self._drop(run)
            raise
        return run

    def continue_run(self, run: str) -> None:
        """Take up a run that waits or was interrupted: from now on it is running, in this process.

        Raises BusyError where it is in another state, or waits in another process.
        """
        with self._database.writing() as db:  # of two that take it up at one moment, one is told that it is running
            state = self._info(db, _known_run(db, run)).state
            if state not in ("waiting", "interrupted"):
                raise BusyError(f"The run is {state}; only one that waits or was interrupted can be taken up.")
            self._hold(run)
            db.execute("UPDATE runs SET state = 'running', ended = NULL, error = NULL WHERE id = ?", (run,))

    def note_epoch(self, run: str, epoch: Mapping[str, object]) -> None:
        """Add an epoch to a run."""
        with self._database.writing() as db:
            _known_run(db, run)
            db.execute("INSERT INTO epochs (run, told) VALUES (?, ?)", (run, _json(epoch)))

    def end_run(
        self, run: str, state: str, report: Mapping[str, object] | None = None, error: str | None = None
    ) -> None:
        """Note how a run ended: “done”, “cancelled” or “failed”."""
        if state not in ENDS:
            raise ParameterError(f"A run ends as {', '.join(ENDS)}; not as {state!r}.")
        try:
            with self._database.writing() as db:
                _known_run(db, run)
                values = (time.time(), state, None if report is None else _json(report), error, run)
                db.execute("UPDATE runs SET ended = ?, state = ?, report = ?, error = ? WHERE id = ?", values)
        finally:
            self._let_go(run)  # also where the project was deleted meanwhile: nothing works on it any more

    def runs(self) -> list[RunInfo]:
        """All runs, the latest first."""
        with self._database.reading() as db:
            rows = db.execute("SELECT * FROM runs ORDER BY started DESC, rowid DESC").fetchall()
            return [self._info(db, row) for row in rows]

    def run(self, run: str) -> RunInfo:
        """One run; DatasetError where it is not there."""
        with self._database.reading() as db:
            return self._info(db, _known_run(db, run))

    def interrupted(self) -> list[RunInfo]:
        """Runs that neither ended nor go on: their process was killed. continue_run takes them up."""
        return [run for run in self.runs() if run.state == "interrupted"]

    def remove_run(self, run: str) -> None:
        """Remove a run and its files; BusyError while it goes on."""
        if self.run(run).state in AT_WORK:
            raise BusyError("The run still goes on; cancel it before it is removed.")
        with self._database.writing() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (run,))
        self._drop(run)

    def keep_head(self, run: str, data: bytes) -> Path:
        """Keep the head that a run made, as the bytes of its file; where that lies."""
        path = self._run_folder(run) / HEAD
        with telling():
            write(path, data)
        return path

    def keep_outcome(self, run: str, data: bytes) -> None:
        """Keep what the run's head answered, as Outcome.to_bytes() gives it."""
        path = self._run_folder(run) / OUTCOME
        with telling():
            write(path, data)

    def outcome(self, run: str) -> bytes | None:
        """What keep_outcome was given; None where there is nothing."""
        path = self._run_folder(run) / OUTCOME
        with telling():
            return path.read_bytes() if path.is_file() else None

    def checkpoint(self, run: str) -> Path:
        """Where a run's checkpoint is to lie, for going on after it was interrupted; nothing may be there yet."""
        return self._run_folder(run) / CHECKPOINT

    def _run_folder(self, run: str) -> Path:
        with self._database.reading() as db:
            return self.folder / "runs" / _known_run(db, run)["id"]  # of a row: no text from outside becomes a path

    def _info(self, db: sqlite3.Connection, row: sqlite3.Row) -> RunInfo:
        epochs = db.execute("SELECT told FROM epochs WHERE run = ? ORDER BY id", (row["id"],))
        head = self.folder / "runs" / row["id"] / HEAD
        state = row["state"]
        report = None if row["report"] is None else json.loads(row["report"])
        called = dict(db.execute("SELECT id, name FROM classes").fetchall()) if report and CLASSES in report else {}
        return RunInfo(
            row["id"],
            row["started"],
            row["ended"],
            state if state in ENDS or self._is_alive(row["id"]) else "interrupted",
            json.loads(row["settings"]),
            tuple(json.loads(told) for (told,) in epochs),
            report,
            row["error"],
            head if head.is_file() else None,
            tuple(map(called.get, report[CLASSES])) if called else (),
        )

    def _hold(self, run: str) -> None:
        path = self.folder / "runs" / run / ALIVE
        if path in _ALIVE:
            return
        lock = FileLock(path, timeout=1, thread_local=False)
        try:
            with _LOOKING:
                lock.acquire()
                _ALIVE[path] = lock
        except Timeout as error:
            raise BusyError("The run belongs to another process of the server; wait until that ends.") from error

    def _is_alive(self, run: str) -> bool:
        path = self.folder / "runs" / run / ALIVE
        if path in _ALIVE:
            return True
        if not path.exists():  # a lock would make the folders of a project that is deleted at this moment anew
            return False
        try:
            with _LOOKING, FileLock(path, timeout=0):
                return False
        except Timeout:
            return True

    def _tidy_runs(self) -> None:
        """Remove what runs whose process was killed had half written."""
        for part in (self.folder / "runs").glob("*/*.part"):
            if not self._is_alive(part.parent.name):
                part.unlink(missing_ok=True)

    def _let_go(self, run: str) -> None:
        if lock := _ALIVE.pop(self.folder / "runs" / run / ALIVE, None):
            lock.release()

    def _drop(self, run: str) -> None:
        self._let_go(run)
        shutil.rmtree(self.folder / "runs" / run, ignore_errors=True)


def _known_run(db: sqlite3.Connection, run: str) -> sqlite3.Row:
    if found := db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone():
        return found
    raise DatasetError(f"There is no run “{run}” in this project any more; choose another one.")


def _json(told: object) -> str:
    def plain(value: object) -> object:
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        raise TypeError(f"{type(value).__name__} is nothing that JSON holds")

    return json.dumps(told, default=plain)
