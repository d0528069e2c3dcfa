"""Sets of torchvision.datasets from a server of our own that is whole, cuts, lies, or stalls."""

import gzip
import hashlib
import io
import pickle
import socket
import struct
import tarfile
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from torchvision import datasets

from visionlab.errors import DatasetError
from visionlab.learning.scratch import download, load
from visionlab.learning.sets.online_sets import ONLINE_SETS
from visionlab.learning.sets.ready_made import PER_CLASS, READY_MADE

COUNT = 30  # pictures a file
READERS = {"MNIST": "mnist", "CIFAR10": "cifar10"}  # by the names of the experiments from scratch


class Mirror:
    """What is served by path, how, and what was asked for."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.how, self.asked, self.starts = "whole", [], []
        self.left = threading.Event()  # a stalled answer's reader went away

    def handler(self):
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.asked.append(self.path)
                body = mirror.files[self.path.rpartition("/")[2]]
                if mirror.how == "wrong" or "/wrong/" in self.path:
                    body = body[::-1]
                start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
                mirror.starts.append(start)
                self.send_response(206 if start else 200)
                if start:
                    told = 0 if mirror.how == "another part" else start
                    self.send_header("Content-Range", f"bytes {told}-{len(body) - 1}/{len(body)}")
                body = body[start:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if mirror.how in ("whole", "wrong", "another part"):
                    self.wfile.write(body)
                    return
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                if mirror.how == "stalls":
                    with suppress(ConnectionResetError):
                        assert self.connection.recv(1) == b""
                    mirror.left.set()

            def log_message(self, *_):
                pass

        return Handler


@contextmanager
def serving(mirror: Mirror):
    with ThreadingHTTPServer(("127.0.0.1", 0), mirror.handler()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes())


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Small sets of the right form at a server, to which torchvision's addresses and sums are turned."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rng, mirror = np.random.default_rng(0), Mirror()
    for part in ("train", "t10k"):
        mirror.files[f"{part}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8))
        mirror.files[f"{part}-labels-idx1-ubyte.gz"] = idx(np.arange(COUNT, dtype=np.uint8) % 10)
    resources = [(name, md5(data)) for name, data in mirror.files.items()]
    batches = {}
    for name, _ in (*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list):
        rows = rng.integers(0, 256, (COUNT, 3072), dtype=np.uint8)
        batches[name] = pickle.dumps({"data": rows, "labels": [n % 10 for n in range(COUNT)]})
    batches["batches.meta"] = pickle.dumps({"label_names": [f"thing {n}" for n in range(10)]})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for name, data in batches.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    mirror.files["cifar-10-python.tar.gz"] = archive.getvalue()
    cifar = datasets.CIFAR10
    monkeypatch.setattr(cifar, "tgz_md5", md5(archive.getvalue()))
    monkeypatch.setattr(cifar, "train_list", [[name, md5(batches[name])] for name, _ in cifar.train_list])
    monkeypatch.setattr(cifar, "test_list", [[name, md5(batches[name])] for name, _ in cifar.test_list])
    monkeypatch.setattr(cifar, "meta", {**cifar.meta, "md5": md5(batches["batches.meta"])})
    for online in ONLINE_SETS.values():
        for file, data in {**mirror.files, **batches}.items():
            if file in online.sums:
                monkeypatch.setitem(online.sums, file, hashlib.sha256(data).hexdigest())
    with serving(mirror) as address:
        monkeypatch.setattr(cifar, "url", f"{address}/cifar-10-python.tar.gz")
        for family in (datasets.MNIST, datasets.FashionMNIST):
            monkeypatch.setattr(family, "mirrors", [f"{address}/wrong/", f"{address}/right/"])
            monkeypatch.setattr(family, "resources", resources)
        yield mirror


def left_over(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", READERS)
def test_progress_is_told_and_what_came_is_found_afterwards(mirror, name):
    online = ONLINE_SETS[name]
    assert not online.is_here()
    told = list(download(READERS[name]))
    travelled = [done for done, _ in told]
    assert all(total == online.size for _, total in told)
    assert len(told) > 1
    if name == "CIFAR10":
        assert travelled == sorted(travelled)
        assert travelled[-1] == len(mirror.files["cifar-10-python.tar.gz"])
    found = load(READERS[name])
    assert (len(found.images), len(found.test_images)) == ((150, 30) if name == "CIFAR10" else (30, 30))
    assert found.shape == ((32, 32, 3) if name == "CIFAR10" else (28, 28, 1))
    asked = len(mirror.asked)
    assert list(download(READERS[name])) == []
    assert len(mirror.asked) == asked


@pytest.mark.parametrize(("name", "counts"), [("cifar10", 15), ("fashion", 3)])
def test_a_ready_made_set_brings_its_pictures_itself(mirror, name, counts, monkeypatch):
    data = READY_MADE[name].load()
    assert set(data.counts().values()) == {counts}
    assert data.classes[0] == ("thing 0" if name == "cifar10" else "T-shirt/top")
    monkeypatch.setattr("visionlab.learning.sets.ready_made.PER_CLASS", 2)
    mirror.how = "stalls"  # nothing is asked for again
    assert set(READY_MADE[name].load().counts().values()) == {2}
    assert PER_CLASS == 100


@pytest.mark.parametrize(
    ("how", "told"),
    [("cut", "the connection was cut"), ("wrong", "what arrived is not the published file")],
)
@pytest.mark.parametrize("name", READERS)
def test_what_does_not_arrive_whole_is_one_sentence_and_goes_on_from_there(mirror, tmp_path, name, how, told):
    mirror.how = how
    with pytest.raises(
        DatasetError, match=rf"^{ONLINE_SETS[name].title} could not be downloaded \({told}\); try later"
    ):
        list(download(READERS[name]))
    assert len(left_over(tmp_path)) == (how == "cut"), "what has come of a whole file stays"
    mirror.how, mirror.starts = "whole", []  # trying again helps
    for _ in download(READERS[name]):
        pass
    assert ONLINE_SETS[name].is_here()
    assert (mirror.starts[0] > 0) == (how == "cut"), "from where it ended"
    assert not [name for name in left_over(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("odd", ["another part", "longer", "damaged"])
def test_what_was_kept_and_does_not_fit_is_brought_anew(mirror, tmp_path, odd):
    online, body = ONLINE_SETS["CIFAR10"], mirror.files["cifar-10-python.tar.gz"]
    kept = online.folder.parent / "cifar-10-python.tar.gz.part"
    kept.parent.mkdir(parents=True)
    kept.write_bytes({"another part": body[:10], "longer": body + b"?", "damaged": b"?" * 10}[odd])
    mirror.how = odd if odd == "another part" else "whole"
    with pytest.raises(DatasetError, match="could not be downloaded"):
        list(online.fetch())
    assert left_over(tmp_path) == []
    mirror.how = "whole"
    for _ in online.fetch():
        pass
    assert online.is_here()


def test_a_mirror_that_lies_is_passed_over(mirror):
    for _ in ONLINE_SETS["MNIST"].fetch():
        pass
    assert [path for path in mirror.asked if path.startswith("/right/")] == [
        f"/right/{name}" for name, _ in datasets.MNIST.resources
    ]


def test_who_stops_asking_stops_the_transfer(mirror, tmp_path):
    mirror.how = "stalls"
    steps = ONLINE_SETS["CIFAR10"].fetch()
    done, _ = next(steps)
    assert done > 0
    steps.close()
    assert mirror.left.wait(60), "the server sees that nobody reads any more"
    assert left_over(tmp_path) == ["cifar-10-python.tar.gz.part"]
    mirror.how = "whole"
    first, _ = next(online := ONLINE_SETS["CIFAR10"].fetch())
    assert first > done == mirror.starts[-1], "and goes on where it was"
    for _ in online:
        pass
    assert ONLINE_SETS["CIFAR10"].is_here()


@pytest.mark.parametrize("file", ["data_batch_3", "batches.meta"])
def test_a_damaged_set_is_not_here_and_comes_anew(mirror, file):
    online = ONLINE_SETS["CIFAR10"]
    for _ in online.fetch():
        pass
    (online.folder / file).write_bytes(b"cut while it was unpacked")
    assert not online.is_here()
    asked = len(mirror.asked)
    for _ in online.fetch():
        pass
    assert online.is_here()
    assert len(mirror.asked) == asked, "the archive is still whole"


@pytest.mark.parametrize("name", READERS)
def test_without_a_network(monkeypatch, tmp_path, name):
    def unreachable(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(DatasetError, match=r"could not be downloaded \(Name or service not known\); try later"):
        list(download(READERS[name]))
    assert left_over(tmp_path) == []


def test_a_full_disk(mirror, monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("visionlab.learning.sets.online_sets.NamedTemporaryFile", full)
    with pytest.raises(DatasetError, match=r"\(No space left on device\)"):
        list(ONLINE_SETS["CIFAR10"].fetch())


def test_a_pickle_with_the_right_md5_and_another_sha_256_is_not_read(mirror, monkeypatch):
    online = ONLINE_SETS["CIFAR10"]
    for _ in online.fetch():
        pass
    monkeypatch.setitem(online.sums, "data_batch_2", "0" * 64)
    with pytest.raises(DatasetError, match="are not CIFAR-10's; get them anew"):
        load(online.folder)
