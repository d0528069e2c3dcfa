"""Sets of torchvision.datasets, fetched so that progress is told and that whoever stops asking stops the transfer.

torchvision tells where they are and their MD5 sums; its own download can be neither watched nor stopped.
"""

from __future__ import annotations

import errno
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from visionlab.errors import DatasetError

CHUNK = 2**18  # bytes read at once, at most
TIMEOUT = 20  # seconds without a byte before a connection counts as cut


@dataclass(frozen=True)
class OnlineSet:
    """A set by its class in torchvision.datasets: its title for people, and the bytes that travel."""

    name: str
    title: str
    size: int

    @property
    def folder(self) -> Path:
        """Where its pictures lie once they are here, as torchvision lays them out."""
        return _root() / getattr(self._known, "base_folder", f"{self.name}/raw")

    def is_here(self) -> bool:
        """Whether all of it is here, whole."""
        from torchvision.datasets.utils import check_integrity

        if self._packed:
            meta = self._known.meta
            listed = (*self._known.train_list, *self._known.test_list, (meta["filename"], meta["md5"]))
            return all(check_integrity(self.folder / name, md5) for name, md5 in listed)
        files = [(self.folder / name, md5) for name, md5 in self._known.resources]
        return all(
            check_integrity(file, md5) if file.exists() else file.with_suffix("").exists() for file, md5 in files
        )

    def fetch(self) -> Iterator[tuple[int, int]]:
        """Download what is not here: (bytes that have arrived, of how many) while it does.

        What came of a transfer that was stopped or cut is kept, and the next goes on from there. Raises DatasetError
        without a network, on a full disk, and for a file that arrives cut or damaged; a damaged one is not kept.
        """
        from torchvision.datasets.utils import check_integrity

        before = 0
        try:
            if self.is_here():
                return
            for addresses, file, md5 in self._files():
                if not check_integrity(file, md5):
                    for arrived in _receive(addresses, file, md5):
                        yield min(before + arrived, self.size), self.size
                before += file.stat().st_size
            if self._packed:
                with tarfile.open(_root() / self._known.filename) as packed:
                    packed.extractall(_root(), filter="data")
        except (OSError, HTTPException, _Damaged, tarfile.TarError) as error:
            reason = getattr(error, "reason", error)  # URLError keeps it there
            told = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            better = "make room on the disk" if full else "try later"
            raise DatasetError(
                f"{self.title} could not be downloaded ({told}); {better}, or take a set that needs no network."
            ) from error

    @property
    def classes(self) -> Sequence[str]:
        """The names of its classes, where its files hold none."""
        return self._known.classes

    @property
    def _known(self) -> type:
        from torchvision import datasets

        return getattr(datasets, self.name)

    @property
    def _packed(self) -> bool:
        """Whether it comes as one archive, as CIFAR-10 does; MNIST and its like come file by file."""
        return hasattr(self._known, "url")

    def _files(self) -> list[tuple[list[str], Path, str]]:
        """(addresses, where it is kept, MD5 sum) of each file that travels."""
        known = self._known
        if self._packed:
            return [([known.url], _root() / known.filename, known.tgz_md5)]
        return [
            ([f"{mirror}{name}" for mirror in known.mirrors], self.folder / name, md5) for name, md5 in known.resources
        ]


class _Damaged(Exception):
    """What arrived is not what was asked for; the text says why."""


def _root() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("visionlab") / "datasets"


def _receive(addresses: Sequence[str], file: Path, md5: str) -> Iterator[int]:
    """Bring the file from the first address that has it: the bytes that have arrived."""
    for address in addresses:
        try:
            yield from _receive_from(address, file, md5)
            return
        except (OSError, HTTPException, _Damaged):
            if address == addresses[-1]:
                raise


def _receive_from(address: str, file: Path, md5: str) -> Iterator[int]:
    """Bring the file, from where a transfer before has ended: what has come so far lies beside it, as NAME.part."""
    from torchvision.datasets.utils import check_integrity

    file.parent.mkdir(parents=True, exist_ok=True)
    kept = file.with_name(f"{file.name}.part")
    with NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as own:
        part = Path(own.name)  # whoever else brings it at this moment has another one
    try:
        with suppress(FileNotFoundError):
            kept.replace(part)
        with closing(_ask(address, part)) as answer:
            with part.open("ab" if answer.status == HTTPStatus.PARTIAL_CONTENT else "wb") as sink:
                while chunk := answer.read1(CHUNK):
                    sink.write(chunk)
                    yield sink.tell()
            if answer.length:
                raise _Damaged("the connection was cut")
        if not check_integrity(part, md5):
            part.unlink()
            raise _Damaged("what arrived is not the published file")
        part.replace(file)
    finally:
        if part.exists() and part.stat().st_size:
            part.replace(kept)
        part.unlink(missing_ok=True)


def _ask(address: str, part: Path) -> HTTPResponse:
    """The server's answer: the rest of the file (206), where it gives such, or the whole of it."""
    done = part.stat().st_size
    headers = {"User-Agent": "visionlab"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urlopen(Request(address, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # as long as the file or longer, and yet not it
        raise
    if answer.status == HTTPStatus.PARTIAL_CONTENT and not answer.headers["Content-Range"].startswith(f"bytes {done}-"):
        answer.close()
        part.unlink()
        raise _Damaged("the server sent other bytes than it was asked for")
    return answer


ONLINE_SETS: dict[str, OnlineSet] = {
    "CIFAR10": OnlineSet("CIFAR10", "CIFAR-10", 170_498_071),
    "FashionMNIST": OnlineSet("FashionMNIST", "Fashion-MNIST", 30_878_645),
    "MNIST": OnlineSet("MNIST", "MNIST", 11_594_722),
}
