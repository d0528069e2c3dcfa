"""The SHA-256 of weight files: written down at the first load, and compared at each later one.

Hashing takes ten times as long as loading. So a file that looks as it did when its sum was written down is loaded at
once, and hashed beside what follows, not beside the loading itself, which it would hold up; what is found counts from
then on. What is in use is memory-mapped and changes with its file, which is therefore looked at as long as it is in
use.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from filelock import FileLock

from visionlab.errors import WeightsError
from visionlab.writing import whole

if TYPE_CHECKING:
    from visionlab.network.files.weight_file import WeightFile

RECORDS = "checksums.json"

Looks = tuple[int, int, int]  # size in bytes; time of the content and, which nobody can put back, of any change, in ns

_lock = Lock()
_going_on: dict[tuple[Path, Path, str, Looks], Future[None]] = {}


def sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


class Comparison:
    """Of a file in use with what its digits say, and with what it was at its first load, by folder/checksums.json.

    The file is hashed at once, unless its size and times are those written down; then beside what follows the first
    check(). Where nothing can be written down, every load hashes at once. Raises WeightsError where the sums differ or
    the file cannot be read.
    """

    def __init__(self, path: Path, file: WeightFile, folder: Path):
        self._of = path, file, folder
        self._looks, self._found = _compared(*self._of)

    @property
    def done(self) -> bool:
        """Whether what the file was last seen as has been hashed."""
        return self._found is not None and self._found.done()

    def check(self, wait: bool = False) -> None:
        """Raises WeightsError once the file has been found to differ, and from then on: what is in use is not what is
        put there afterwards. A file that has changed since it was hashed is compared anew.
        """
        if not (self.done and self._found.exception()):
            self._look_again()
        if self._found is None:
            self._found = _beside(*self._of, self._looks)
        if wait or self.done:
            self._found.result()

    def _look_again(self) -> None:
        path = self._of[0]
        with contextlib.suppress(OSError):  # what was removed stays in use as it was
            if _looks_of(path) != self._looks:
                try:
                    self._looks, self._found = _compared(*self._of)
                except WeightsError as error:
                    self._found = Future()
                    self._found.set_exception(error)


def _compared(path: Path, file: WeightFile, folder: Path) -> tuple[Looks, Future[None] | None]:
    """What the file looks like, and its comparison; None where it looks as it did, which may wait."""
    try:
        looks = _looks_of(path)
    except OSError as error:
        raise _unreadable(path, file, error) from error
    known = _record(folder, file)
    if known.get("looks") == list(looks):
        return looks, None
    _hash(path, file, known.get("sha256", file.digits), folder, looks)
    done: Future[None] = Future()
    done.set_result(None)
    return looks, done


def _beside(path: Path, file: WeightFile, folder: Path, looks: Looks) -> Future[None]:
    """The comparison of a file that looks as it did, going on; one for all who want the same."""
    key = (folder, path, _record(folder, file).get("sha256", file.digits), looks)
    with _lock:
        if key not in _going_on:
            _going_on[key] = _worker().submit(_hash_again, key, file)
        return _going_on[key]


def remember(folder: Path, name: str, path: Path, found: str) -> None:
    """Write down the sum of a file, and what the file looks like."""
    _write(folder, name, {"sha256": found, "looks": _looks_of(path)})


def _looks_of(path: Path) -> Looks:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _hash(path: Path, file: WeightFile, expected: str, folder: Path, looks: Looks) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise _unreadable(path, file, error) from error
    if not found.startswith(expected):
        if len(expected) == len(found):  # a file that looks unchanged is hashed before it is loaded from now on
            _write(folder, file.name, {"sha256": expected})
        shown = 8 if found[:8] != expected[:8] else len(expected)
        sums = f"its SHA-256 begins with {found[:shown]}, not with {expected[:shown]}"
        remedy = "replace it, or remove it so that it can be downloaded" if file.can_be_had else "replace it"
        raise WeightsError(f"{path} is not {file.name}: {sums}; {remedy}.")
    _write(folder, file.name, {"sha256": found, "looks": looks})


def _hash_again(key: tuple[Path, Path, str, Looks], file: WeightFile) -> None:
    folder, path, expected, looks = key
    try:
        _hash(path, file, expected, folder, looks)
    finally:
        with _lock:
            _going_on.pop(key, None)


def _unreadable(path: Path, file: WeightFile, error: OSError) -> WeightsError:
    return WeightsError(f"{path} cannot be read ({error.strerror}); put {file.name} there again.")


def _record(folder: Path, file: WeightFile) -> dict[str, object]:
    """What is written down of the file; nothing where that is of a file with other digits."""
    record = _records(folder).get(file.name)
    return record if isinstance(record, dict) and str(record.get("sha256")).startswith(file.digits) else {}


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
        with FileLock(f"{place}.lock", timeout=5), whole(place) as part:
            part.write_text(json.dumps(_records(folder) | {name: record}, indent=1), "utf-8")


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="sha256")
