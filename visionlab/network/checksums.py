"""The SHA-256 of weight files: written down at the first load, and compared at each later one.

Hashing takes ten times as long as loading. So a file that looks as it did when its sum was written down is loaded at
once and hashed beside what follows; what is found counts from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from filelock import FileLock

from visionlab.errors import WeightsError

if TYPE_CHECKING:
    from visionlab.network.weights import WeightFile

RECORDS = "checksums.json"

_lock = Lock()
_going_on: dict[tuple[Path, Path, str, int, int], Future[None]] = {}


def sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def compare(path: Path, file: WeightFile, folder: Path) -> Future[None]:
    """Is the file what its digits say, and what it was at its first load? folder/checksums.json says what that was.

    Hashes at once, unless size and time of the file are those written down; then beside what follows, and result() of
    the Future raises what is found. Where nothing can be written down, every call hashes at once. Raises WeightsError
    where the sums differ or the file cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, file, error) from error
    record = _records(folder).get(file.name)
    known = record if isinstance(record, dict) and str(record.get("sha256")).startswith(file.digits) else {}
    expected = known.get("sha256", file.digits)
    if (known.get("size"), known.get("mtime_ns")) != (status.st_size, status.st_mtime_ns):
        _hash(path, file, expected, folder, status)
        done: Future[None] = Future()
        done.set_result(None)
        return done
    key = (folder, path, expected, status.st_size, status.st_mtime_ns)
    with _lock:
        if key not in _going_on:
            _going_on[key] = _worker().submit(_hash_again, key, file, status)
        return _going_on[key]


def remember(folder: Path, name: str, status: os.stat_result, found: str) -> None:
    """Write down the sum of a file of this size and time."""
    _write(folder, name, {"sha256": found, "size": status.st_size, "mtime_ns": status.st_mtime_ns})


def _hash(path: Path, file: WeightFile, expected: str, folder: Path, status: os.stat_result) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise _unreadable(path, file, error) from error
    if not found.startswith(expected):
        if len(expected) == len(found):  # a file that looks unchanged is hashed before it is loaded from now on
            _write(folder, file.name, {"sha256": expected})
        shown = 8 if found[:8] != expected[:8] else len(expected)
        sums = f"its SHA-256 begins with {found[:shown]}, not with {expected[:shown]}"
        remedy = "replace it, or remove it so that it can be downloaded" if file.url else "replace it"
        raise WeightsError(f"{path} is not {file.name}: {sums}; {remedy}.")
    remember(folder, file.name, status, found)


def _hash_again(key: tuple[Path, Path, str, int, int], file: WeightFile, status: os.stat_result) -> None:
    folder, path, expected = key[:3]
    try:
        _hash(path, file, expected, folder, status)
    finally:
        with _lock:
            _going_on.pop(key, None)


def _unreadable(path: Path, file: WeightFile, error: OSError) -> WeightsError:
    return WeightsError(f"{path} cannot be read ({error.strerror}); put {file.name} there again.")


def _records(folder: Path) -> dict[str, object]:
    try:
        records = json.loads((folder / RECORDS).read_text("utf-8"))
    except (OSError, ValueError):  # what is not written down is hashed again
        return {}
    return records if isinstance(records, dict) else {}


def _write(folder: Path, name: str, record: dict[str, object]) -> None:
    place = folder / RECORDS
    with contextlib.suppress(OSError):  # a folder that is not ours to write to: hash each time
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock", timeout=5):
            draft = place.with_suffix(".part")
            draft.write_text(json.dumps(_records(folder) | {name: record}, indent=1), "utf-8")
            os.replace(draft, place)


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="sha256")
