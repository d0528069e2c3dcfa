"""Sets of torchvision.datasets, fetched so that progress is told and that whoever stops asking stops the transfer.

torchvision tells where they are; its own download can be neither watched nor stopped, and compares MD5 sums alone.
"""

from __future__ import annotations

import errno
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import file_digest
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
    """A set by its class in torchvision.datasets: its title for people, the bytes that travel, and the SHA-256 sums of
    its files by their names."""

    name: str
    title: str
    size: int
    sums: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where its pictures lie once they are here, as torchvision lays them out."""
        return _root() / getattr(self._known, "base_folder", f"{self.name}/raw")

    def is_here(self) -> bool:
        """Whether all of it is here, whole."""
        if self._packed:
            return self.whole(self.folder)
        files = [self.folder / name for name, _ in self._known.resources]
        return all(self._is_whole(file) if file.exists() else file.with_suffix("").exists() for file in files)

    def whole(self, folder: Path) -> bool:
        """Whether the files that its archive holds are in the folder, and are the published ones."""
        return all(self._is_whole(folder / name) for name in self.sums if name != self._known.filename)

    def _is_whole(self, file: Path, name: str | None = None) -> bool:
        """Whether it is the published file of that name, which is its own unless told."""
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest() == self.sums[name or file.name]

    def fetch(self) -> Iterator[tuple[int, int]]:
        """Download what is not here: (bytes that have arrived, of how many) while it does.

        What came of a transfer that was stopped or cut is kept, and the next goes on from there. Raises DatasetError
        without a network, on a full disk, and for a file that arrives cut or damaged; a damaged one is not kept.
        """
        before = 0
        try:
            if self.is_here():
                return
            for addresses, file in self._files():
                if not self._is_whole(file):
                    for arrived in self._receive(addresses, file):
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

    def _files(self) -> list[tuple[list[str], Path]]:
        """(addresses, where it is kept) of each file that travels."""
        known = self._known
        if self._packed:
            return [([known.url], _root() / known.filename)]
        return [([f"{mirror}{name}" for mirror in known.mirrors], self.folder / name) for name, _ in known.resources]

    def _receive(self, addresses: Sequence[str], file: Path) -> Iterator[int]:
        """Bring the file from the first address that has it: the bytes that have arrived."""
        for address in addresses:
            try:
                yield from self._receive_from(address, file)
                return
            except (OSError, HTTPException, _Damaged):
                if address == addresses[-1]:
                    raise

    def _receive_from(self, address: str, file: Path) -> Iterator[int]:
        """Bring the file, from where a transfer before has ended: what has come so far lies beside it, as NAME.part."""
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
            if not self._is_whole(part, file.name):
                part.unlink()
                raise _Damaged("what arrived is not the published file")
            part.replace(file)
        finally:
            if part.exists() and part.stat().st_size:
                part.replace(kept)
            part.unlink(missing_ok=True)


class _Damaged(Exception):
    """What arrived is not what was asked for; the text says why."""


def _root() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("visionlab") / "datasets"


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
    "CIFAR10": OnlineSet(
        "CIFAR10",
        "CIFAR-10",
        170_498_071,
        {
            "cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            "batches.meta": "f962466ef690d46b226450fb9aadc74ba4bc64a76aa526b5827fe4bc5c7125cb",
            "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
            "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
            "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
            "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
            "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
            "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
        },
    ),
    "FashionMNIST": OnlineSet(
        "FashionMNIST",
        "Fashion-MNIST",
        30_878_645,
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "MNIST": OnlineSet(
        "MNIST",
        "MNIST",
        11_594_722,
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
}
