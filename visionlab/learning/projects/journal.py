"""A project's database, and the journal of changed rows from which every edit is undone and redone exactly.

Triggers write each row of a journalled table down as JSON before and after its change, so no edit can forget to; one
edit is one transaction. A new kind of edit needs nothing for its undo, a new column only its name in JOURNALLED.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from visionlab.errors import DatasetError
from visionlab.learning.projects.files import telling

VERSION = 5  # of the schema; what was of an older one is brought up to it
EDITS = 200  # that can be undone; older ones are forgotten
PATIENCE = 30.0  # seconds that an edit waits for another one to end

JOURNALLED = {
    "classes": ("id", "name", "enabled", "position"),
    "pictures": (
        *("id", "class_id", "name", "digest", "key", "hash", "group_id", "width", "height", "bytes"),
        *("part", "switched_off", "confirmed"),
    ),
}
LOOKS = "CREATE TABLE looks (key TEXT PRIMARY KEY, hashes BLOB NOT NULL)"  # of pixels: stays true whatever is undone
LATER = {  # by the version that brought it
    2: "ALTER TABLE pictures ADD COLUMN part TEXT",
    3: "ALTER TABLE pictures ADD COLUMN switched_off INTEGER",
    4: LOOKS,
    5: "ALTER TABLE pictures ADD COLUMN confirmed INTEGER",
}

# Foreign keys among journalled tables are looked at when a transaction ends: undoing passes through any order.
# An id is never given twice, since the journal may still speak of the row that had it.
_SCHEMA = f"""
{LOOKS};
CREATE TABLE project (name TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL, edit INTEGER);
CREATE TABLE classes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
    position INTEGER NOT NULL
);
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id INTEGER NOT NULL REFERENCES classes DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL, digest TEXT NOT NULL, key TEXT NOT NULL UNIQUE, hash INTEGER NOT NULL,
    group_id INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, bytes INTEGER NOT NULL, part TEXT,
    switched_off INTEGER, confirmed INTEGER
);
CREATE INDEX pictures_of_class ON pictures (class_id, id);
CREATE INDEX pictures_of_digest ON pictures (digest);
CREATE TABLE edits (id INTEGER PRIMARY KEY AUTOINCREMENT, sentence TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, edit INTEGER NOT NULL REFERENCES edits ON DELETE CASCADE,
    of TEXT NOT NULL, before TEXT, after TEXT,
    digest TEXT AS (json_extract(coalesce(after, before), '$.digest')) VIRTUAL
);
CREATE INDEX changes_of_edit ON changes (edit, id);
CREATE INDEX changes_of_digest ON changes (digest);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, started REAL NOT NULL, ended REAL, state TEXT NOT NULL, settings TEXT NOT NULL,
    report TEXT, error TEXT
);
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, told TEXT NOT NULL
);
CREATE INDEX epochs_of_run ON epochs (run, id);
"""

_TRIGGERS = """
CREATE TRIGGER {table}_{event} AFTER {event} ON {table} WHEN (SELECT edit FROM project) IS NOT NULL {changed}
BEGIN INSERT INTO changes (edit, of, before, after) SELECT edit, '{table}', {before}, {after} FROM project; END;
"""


def _triggers(table: str, columns: tuple[str, ...]) -> str:
    def row(which: str) -> str:
        return f"json_object({', '.join(f'{column!r}, {which}.{column}' for column in columns)})"

    old, new = (", ".join(f"{which}.{column}" for column in columns) for which in ("OLD", "NEW"))
    events = {
        "INSERT": ("NULL", row("NEW"), ""),
        "UPDATE": (row("OLD"), row("NEW"), f"AND ({old}) IS NOT ({new})"),
        "DELETE": (row("OLD"), "NULL", ""),
    }
    return "".join(
        _TRIGGERS.format(table=table, event=event, before=before, after=after, changed=changed)
        for event, (before, after, changed) in events.items()
    )


@dataclass
class Edit:
    """An edit that is being made: what is done through db belongs to it, and `sentence` says what that was.

    forgotten: digests of pictures of which edits spoke that the journal has let go of.
    """

    db: sqlite3.Connection
    sentence: str = ""
    forgotten: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Database:
    """A project's SQLite file; a connection a call, so that any thread and any process may use it at any time."""

    path: Path

    def create(self, name: str) -> None:
        """Make the file, for a project of that name."""
        now = time.time()
        with telling(), closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            triggers = "".join(_triggers(table, columns) for table, columns in JOURNALLED.items())
            db.executescript(f"BEGIN;{_SCHEMA}{triggers}PRAGMA user_version = {VERSION};COMMIT;")
            db.execute("INSERT INTO project (name, created, changed) VALUES (?, ?, ?)", (name, now, now))

    def rename(self, name: str, new: bool = False) -> None:
        """Give the project another name, which is no edit; `new`: it also counts as made at this moment."""
        now = time.time()
        with self.writing() as db:
            db.execute("UPDATE project SET name = ?", (name,))
            if new:
                db.execute("UPDATE project SET created = ?, changed = ?", (now, now))

    def check(self) -> None:
        """Bring the file up to this version. DatasetError where it is of a later one."""
        with self.reading() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
        if 1 <= version < VERSION:
            version = self._bring_up()
        if version != VERSION:
            raise DatasetError(f"The project is of version {version}; this visionlab opens version {VERSION}.")

    def _bring_up(self) -> int:
        """From an older version, which lacks columns or tables; the version that it has then."""
        with self.writing() as db:
            before = db.execute("PRAGMA user_version").fetchone()[0]
            if before < VERSION:  # nobody was quicker
                for version in range(before + 1, VERSION + 1):
                    db.execute(LATER[version])
                for event in ("INSERT", "UPDATE", "DELETE"):
                    db.execute(f"DROP TRIGGER pictures_{event}")
                for trigger in filter(None, _triggers("pictures", JOURNALLED["pictures"]).split("END;\n")):
                    db.execute(f"{trigger}END")
                db.execute(f"PRAGMA user_version = {VERSION}")
            return db.execute("PRAGMA user_version").fetchone()[0]

    def copy(self, target: Path) -> None:
        """A copy of the whole database at `target`, as it is at this moment."""
        with self.reading() as db, closing(sqlite3.connect(target)) as other:
            db.backup(other)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the database as it is now, whatever others write meanwhile."""
        with ExitStack() as stack:
            db = stack.enter_context(self._connected())
            try:
                db.execute("BEGIN")
                db.execute("SELECT 1 FROM project").fetchone()
            except sqlite3.OperationalError as error:
                # A disk without one free byte has no room for a reader's -shm file; what is deleted there has to be
                # seen all the same, and can be, where all that was written is in the file itself.
                log = self.path.with_name(f"{self.path.name}-wal")
                name = getattr(error, "sqlite_errorname", None) or ""
                if not name.startswith("SQLITE_IOERR") or (log.exists() and log.stat().st_size):
                    raise
                db = stack.enter_context(self._connected("immutable=1"))
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that no other writer is beside; kept at the end, undone by an exception."""
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            if db.in_transaction:
                db.execute("COMMIT")

    @contextmanager
    def _connected(self, how: str = "mode=rw") -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?{how}"  # neither way makes a deleted project anew
        with telling(), closing(sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.row_factory = sqlite3.Row
            yield db  # closing rolls back what is not committed

    @contextmanager
    def edit(self) -> Iterator[Edit]:
        """One edit: a transaction whose changes go into the journal under its sentence.

        What was undone can then no longer be redone. An edit that changes nothing leaves no trace.
        """
        with self.writing() as db:
            edit = Edit(db)
            number = db.execute("INSERT INTO edits (sentence) VALUES ('')").lastrowid
            db.execute("UPDATE project SET edit = ?", (number,))
            yield edit
            if not db.execute("SELECT EXISTS (SELECT 1 FROM changes WHERE edit = ?)", (number,)).fetchone()[0]:
                db.execute("ROLLBACK")
                return
            db.execute("UPDATE project SET edit = NULL, changed = ?", (time.time(),))
            db.execute("UPDATE edits SET sentence = ? WHERE id = ?", (edit.sentence, number))
            over = "SELECT id FROM edits WHERE undone OR id NOT IN (SELECT id FROM edits ORDER BY id DESC LIMIT ?)"
            told = db.execute(
                f"SELECT DISTINCT digest FROM changes WHERE digest NOTNULL AND edit IN ({over})", (EDITS,)
            )
            edit.forgotten = [digest for (digest,) in told]
            db.execute(f"DELETE FROM edits WHERE id IN ({over})", (EDITS,))

    def undo(self) -> str | None:
        """Take back the last edit that is in force, row by row; its sentence, None where there is none."""
        with self.writing() as db:
            return self._replay(db, _UNDOABLE, undone=True)

    def redo(self) -> str | None:
        """Do again what was undone last; its sentence, None where there is none."""
        with self.writing() as db:
            return self._replay(db, _REDOABLE, undone=False)

    def next_undo(self) -> str | None:
        """The sentence of the edit that undo would take back."""
        with self.reading() as db:
            return next((sentence for _, sentence in db.execute(_UNDOABLE)), None)

    def next_redo(self) -> str | None:
        """The sentence of the edit that redo would do again."""
        with self.reading() as db:
            return next((sentence for _, sentence in db.execute(_REDOABLE)), None)

    @staticmethod
    def _replay(db: sqlite3.Connection, which: str, undone: bool) -> str | None:
        found = db.execute(which).fetchone()
        if found is None:
            return None
        number, sentence = found
        order = "DESC" if undone else "ASC"
        changes = db.execute(f"SELECT of, before, after FROM changes WHERE edit = ? ORDER BY id {order}", (number,))
        for table, before, after in changes.fetchall():
            source, target = (after, before) if undone else (before, after)
            if target is None:
                db.execute(f"DELETE FROM {table} WHERE id = ?", (json.loads(source)["id"],))
                continue
            columns = JOURNALLED[table]
            names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
            fresh = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
            # Not REPLACE, which deletes a row and so lets it pass for another one.
            query = f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {fresh}"
            db.execute(query, dict.fromkeys(columns) | json.loads(target))  # an older row lacks what is newer
        db.execute("UPDATE edits SET undone = ? WHERE id = ?", (undone, number))
        db.execute("UPDATE project SET changed = ?", (time.time(),))
        return sentence


def unnamed(db: sqlite3.Connection, digests: Iterable[str]) -> list[str]:
    """Those of the digests that neither a picture nor an edit in the journal names."""
    return [
        digest
        for (digest,) in db.execute(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM pictures WHERE digest = value)"
            " AND NOT EXISTS (SELECT 1 FROM changes WHERE digest = value)",
            (json.dumps(list(digests)),),
        )
    ]


_UNDOABLE = "SELECT id, sentence FROM edits WHERE NOT undone ORDER BY id DESC LIMIT 1"
_REDOABLE = "SELECT id, sentence FROM edits WHERE undone ORDER BY id LIMIT 1"
