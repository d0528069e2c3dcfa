"""FeatureCache: the features of pictures on disk, so that each picture goes through a network once."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

LIMIT = 2**30  # bytes: 5,000 pictures of 4,096 features take 80 MB
AT_ONCE = 500  # names in one query; SQLite takes 32,766
PATIENCE = 30.0  # seconds that one writer waits for another
PAUSE = 0.01  # seconds until one that was turned away tries again
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS networks (network TEXT PRIMARY KEY, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS features (
    network TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (network, name)
);
"""


class FeatureCache:
    """Features (F,) float32 by network and name, in one SQLite file in a folder, for any number of threads and
    processes.

    Above `limit` bytes, the networks that were longest not asked for are dropped, whole. What cannot be read or
    written (a full disk, a damaged file) is as if it were not there: a cache saves time, and nothing depends on it.
    """

    def __init__(self, folder: str | os.PathLike[str], limit: int = LIMIT):
        self.path = Path(folder) / "features.sqlite"
        self.limit = limit

    def find(self, network: str, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """What is known of these names: {name: (F,) float32, read-only}."""

        def read(database: sqlite3.Connection) -> dict[str, NDArray[np.float32]]:
            found: dict[str, NDArray[np.float32]] = {}
            database.execute("UPDATE networks SET used = ? WHERE network = ?", (time.time(), network))
            for start in range(0, len(names), AT_ONCE):
                chunk = names[start : start + AT_ONCE]
                places = ", ".join("?" * len(chunk))
                query = f"SELECT name, value FROM features WHERE network = ? AND name IN ({places})"
                for name, value in database.execute(query, (network, *chunk)):
                    found[name] = np.frombuffer(value, np.float32)
            return found

        return self._transaction(read) or {}

    def keep(self, network: str, features: Mapping[str, NDArray[np.float32]]) -> None:
        """Remember these features, {name: (F,)}; all of them or, where that cannot be, none."""
        rows = [(network, name, np.asarray(value, np.float32).tobytes()) for name, value in features.items()]

        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO networks VALUES (?, ?)", (network, time.time()))
            database.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
            while _size(database) > self.limit:
                oldest = database.execute("SELECT network FROM networks ORDER BY used LIMIT 1").fetchone()
                if oldest is None:
                    break
                database.execute("DELETE FROM features WHERE network = ?", oldest)
                database.execute("DELETE FROM networks WHERE network = ?", oldest)

        self._transaction(write)

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """What `work` answers, all of it done or nothing; None where the file is in trouble."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._attempt(work)
            except sqlite3.OperationalError as error:  # full, not ours to write, or locked
                # SQLite waits for others by itself, but for those who make the file, or turn to its log, at once.
                if error.sqlite_errorcode & 0xFF not in _LOCKED or time.monotonic() > until:
                    return None
                time.sleep(PAUSE)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as database:
                database.execute("PRAGMA page_size = 16384")  # of a new file: a few rows of 1,000 features a page
                database.execute("PRAGMA auto_vacuum = FULL")  # of a new file: what a dropped network took is freed
                database.execute("PRAGMA journal_mode = WAL")  # readers never wait
                database.execute("PRAGMA synchronous = NORMAL")
                database.executescript(_SCHEMA)
                with database:
                    return work(database)
        except sqlite3.OperationalError:
            raise
        except OSError:  # no folder, say
            return None
        except sqlite3.DatabaseError:  # damaged, so that it is of no use to anyone
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return None


def _size(database: sqlite3.Connection) -> int:
    pages, free, size = (
        database.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
