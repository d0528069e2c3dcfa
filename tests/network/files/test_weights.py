"""Weight files against a server of our own: every way in which a download, a file or its bytes can go wrong."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock
from racing import raced

from visionlab.errors import WeightsError
from visionlab.network.files import checksums, weights
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.files.weights import Progress, check, compare, download, fetch, find, folder

BODY = random.Random(0).randbytes(300_000)
NAME = f"network-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"
TRIES = 4  # one and three more


class Server(ThreadingHTTPServer):
    """Serves one body, as well or as badly as its attributes say, and keeps what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.asked: list[str | None] = []  # the Range of each request
        self.answered: list[int] = []  # the status of each
        self.ranges = True  # whether Range is understood
        self.piece: int | None = None  # the longest range that is sent
        self.cut: int | None = None  # close the connection after so many bytes of every body …
        self.cuts_left = 10**6  # … of so many
        self.status = 200
        self.kind = "application/octet-stream"
        self.tells_length = True
        self.shift = 0  # send ranges from so many bytes later than asked
        self.gate: threading.Event | None = None  # wait for it after half of the body
        self.closing = threading.Event()

    @property
    def file(self) -> WeightFile:
        return WeightFile(NAME, f"http://127.0.0.1:{self.server_port}/{NAME}", len(BODY))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        server, wanted = self.server, self.headers["Range"]
        server.asked.append(wanted)
        status, start, size = server.status, 0, len(server.body)
        if wanted and server.ranges and status == 200:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) + server.shift
            status = 206 if start < size else 416
        body = server.body[start:] if status in (200, 206) else b""
        if status == 206:
            body = body[: server.piece]
        server.answered.append(status)
        self.send_response(status)
        self.send_header("Content-Type", server.kind)
        if server.tells_length:
            self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{size}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        self.end_headers()
        if server.cut is not None and server.cuts_left > 0:
            server.cuts_left -= 1
            body = body[: server.cut]
        if server.gate is None:
            self.wfile.write(body)
        else:
            self.wfile.write(body[: len(body) // 2])
            server.gate.wait(30)
            if not server.closing.is_set():
                self.wfile.write(body[len(body) // 2 :])

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No test sees, or writes to, the folders of the person who runs it; none waits between tries."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(weights, "PAUSES", (0, 0, 0))
    monkeypatch.setattr(weights, "POLL", 0.01)


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.closing.set()
    if server.gate is not None:
        server.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hashed(monkeypatch):
    """The files whose SHA-256 was taken, in order."""
    taken, digest = [], hashlib.file_digest

    def counting(source, name):
        taken.append(Path(source.name))
        return digest(source, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return taken


def put(content: bytes, name: str = NAME) -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / name).write_bytes(content)
    return folder() / name


def put_in_torch_cache(content: bytes) -> Path:
    path = Path(torch.hub.get_dir()) / "checkpoints" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def part() -> Path:
    return folder() / f"{NAME}.part"


def assert_arrived():
    assert (folder() / NAME).read_bytes() == BODY
    assert not part().exists()
    assert find(WeightFile(NAME)) == folder() / NAME


# Names and places


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("vgg16-397923af.pth", "397923af"),
        ("a-b-0123456789ABCDEF.safetensors", "0123456789abcdef"),
        ("x-0123abcd", "0123abcd"),
        ("vgg16-397923a.pth", None),  # seven
        ("vgg16-tinyimagenet.safetensors", None),
        ("397923af.pth", None),
        ("x-397923af-final.pth", None),
    ],
)
def test_digits_are_what_follows_the_last_dash(name, digits):
    assert WeightFile(name).digits == digits


def test_folder_is_named_by_the_environment_or_beside_the_package(monkeypatch, tmp_path):
    assert folder() == tmp_path / "weights"
    monkeypatch.delenv("VISIONLAB_WEIGHTS")
    assert folder() == Path(weights.__file__).parents[3] / "weights"


def test_find_takes_the_full_name_from_the_folder_before_torchs_cache():
    file = WeightFile(NAME)
    put(BODY, f"{NAME}.part")
    assert find(file) is None
    cached = put_in_torch_cache(BODY)
    assert find(file) == cached
    (folder() / NAME).mkdir()
    assert find(file) == cached
    (folder() / NAME).rmdir()
    assert find(file) != put(BODY) == find(file)


def test_what_comes_with_the_project_is_there_whatever_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_SHIPPED", (tmp_path,))
    (tmp_path / NAME).write_bytes(BODY)
    ours, theirs = WeightFile(NAME, sha256=64 * "0"), WeightFile(NAME, url="http://127.0.0.1/" + NAME)
    assert find(ours) == tmp_path / NAME
    assert find(theirs) is None, "what lies there by chance"
    assert find(ours) != put(BODY) == find(ours)


# Downloads that succeed


def test_a_download_tells_its_progress_and_arrives(server):
    progress = list(download(server.file))
    assert progress[0] == Progress(0, len(BODY))
    assert progress[-1] == Progress(len(BODY), len(BODY))
    assert [p.done for p in progress] == sorted(p.done for p in progress)
    assert_arrived()
    assert server.asked == [None]
    assert list(download(server.file)) == []


def test_a_length_that_the_server_does_not_tell_is_taken_from_the_table(server):
    server.tells_length = False
    assert {p.total for p in download(server.file)} == {len(BODY)}
    assert_arrived()


def test_a_cut_download_resumes_where_it_stopped(server):
    server.cut, server.cuts_left = 100_000, 1
    progress = list(download(server.file))
    assert server.asked == [None, "bytes=100000-"]
    assert server.answered == [200, 206]
    assert [p.done for p in progress] == sorted(p.done for p in progress)
    assert_arrived()


def test_what_an_earlier_download_left_is_resumed(server):
    put(BODY[:123_456], part().name)
    assert next(iter(list(download(server.file)))) == Progress(123_456, len(BODY))
    assert server.asked == ["bytes=123456-"]
    assert_arrived()


def test_a_server_that_ignores_range_sends_all_of_it(server):
    put(BODY[:123_456], part().name)
    server.ranges = False
    fetch(server.file)
    assert (server.asked, server.answered) == (["bytes=123456-"], [200])
    assert_arrived()


def test_a_complete_part_is_accepted_without_its_bytes_being_sent_again(server):
    put(BODY, part().name)
    fetch(server.file)
    assert server.answered == [416]
    assert_arrived()


@pytest.mark.parametrize("content", [BODY + b"more", bytes(len(BODY))], ids=["longer", "damaged"])
def test_a_part_that_the_server_cannot_continue_is_begun_anew(server, content):
    put(content, part().name)
    fetch(server.file)
    assert server.answered == [416, 200]
    assert_arrived()


def test_another_range_than_asked_for_is_not_appended(server):
    put(BODY[:100_000], part().name)
    server.shift = 7
    fetch(server.file)
    assert server.answered == [206, 200]
    assert_arrived()


def test_a_range_that_is_sent_piece_by_piece_is_put_together(server):
    put(BODY[:50_000], part().name)
    server.piece = 100_000
    fetch(server.file)
    assert server.asked == ["bytes=50000-", "bytes=150000-", "bytes=250000-"]
    assert_arrived()


def test_a_line_that_cuts_often_but_advances_is_not_given_up(server, monkeypatch):
    monkeypatch.setattr(weights, "CHUNK", 10_000)
    server.cut = 20_000
    fetch(server.file)
    assert len(server.asked) == len(BODY) // 20_000 > TRIES
    assert_arrived()


# Downloads that fail


def test_a_server_that_always_cuts_leaves_a_part_that_a_good_one_completes(server):
    server.cut = 50_000
    with pytest.raises(WeightsError, match=r"cut\); ask again to resume after the 200 kB") as caught:
        fetch(server.file)
    assert str(folder()) in str(caught.value)
    assert len(server.asked) == TRIES
    assert part().read_bytes() == BODY[: TRIES * 50_000]
    assert find(server.file) is None
    server.cut = None
    fetch(server.file)
    assert server.asked[-1] == f"bytes={TRIES * 50_000}-"
    assert_arrived()


def test_damaged_bytes_are_removed(server):
    server.body = BODY[:200_000] + bytes([BODY[200_000] ^ 1]) + BODY[200_001:]
    with pytest.raises(WeightsError, match="SHA-256") as caught:
        fetch(server.file)
    assert server.file.digits in str(caught.value)
    assert sorted(path.suffix for path in folder().iterdir()) == [".lock"]


def test_a_part_of_another_file_is_caught_and_removed(server):
    put(bytes(1000), part().name)
    with pytest.raises(WeightsError, match="SHA-256"):
        fetch(server.file)
    assert not part().exists()
    fetch(server.file)
    assert_arrived()


def instructs(error: BaseException) -> bool:
    """One sentence that says where the file is to be had, and where to put it; the reason names no host."""
    reason, told, place = str(error).partition("download it elsewhere, from http://127.0.0.1:")
    where = f"/{NAME}, and put it into {folder()}." in place
    return bool(told) and where and "127.0.0.1" not in reason and "\n" not in str(error)


@pytest.mark.parametrize(("status", "reason"), [(404, "HTTP 404 Not Found"), (503, "HTTP 503 Service Unavailable")])
def test_a_refusal_is_said_at_once_with_what_to_do(server, status, reason):
    put(BODY[:10], part().name)
    server.status = status
    with pytest.raises(WeightsError, match=reason) as caught:
        fetch(server.file)
    assert instructs(caught.value)
    assert len(server.asked) == 1
    assert part().read_bytes() == BODY[:10]


def test_no_network_is_said_with_what_to_do(server):
    file = server.file
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match="refused") as caught:
        fetch(file)
    assert instructs(caught.value)
    assert "ask again" not in str(caught.value)  # nothing was received


def test_a_server_that_falls_silent_is_not_waited_for_without_end(server, monkeypatch):
    monkeypatch.setattr(weights, "TIMEOUT", 0.05)
    monkeypatch.setattr(weights, "PAUSES", ())
    server.gate = threading.Event()
    with pytest.raises(WeightsError, match="timed out") as caught:
        fetch(server.file)
    assert instructs(caught.value)
    assert part().read_bytes() == BODY[: len(BODY) // 2]


def test_a_login_page_does_not_replace_what_was_received(server):
    put(BODY[:1000], part().name)
    server.ranges, server.kind = False, "text/html; charset=utf-8"
    with pytest.raises(WeightsError, match="web page") as caught:
        fetch(server.file)
    assert instructs(caught.value)
    assert part().read_bytes() == BODY[:1000]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (WeightFile("network.pth", "http://127.0.0.1:1/network.pth"), "digits"),
        (WeightFile(NAME), "no address"),
    ],
)
def test_what_cannot_be_checked_or_has_no_address_is_not_downloaded(file, why):
    with pytest.raises(WeightsError, match=why) as caught:
        fetch(file)
    assert str(folder()) in str(caught.value)


def test_a_disk_without_room_is_noticed_before_the_body(server, monkeypatch):
    put(BODY[:100_000], part().name)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=199_999))
    with pytest.raises(WeightsError, match=r"200 kB needed, 200 kB free"):
        fetch(server.file)
    assert part().read_bytes() == BODY[:100_000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=200_000))
    fetch(server.file)
    assert_arrived()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_disk_that_fills_up_is_said(server):
    folder().mkdir()
    part().symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=r"needed, .* free\); make room"):
        fetch(server.file)
    assert FileLock(folder() / f"{NAME}.lock").acquire(timeout=0)


def test_a_folder_that_cannot_be_made_is_said(server, monkeypatch, tmp_path):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path / "a file" / "weights"))
    with pytest.raises(WeightsError, match="VISIONLAB_WEIGHTS"):
        fetch(server.file)


# Cancelling and racing


def half_way(server: Server):
    """A download that waits after the first half of its bytes."""
    server.gate = threading.Event()
    arriving = download(server.file)
    while next(arriving).done < len(BODY) // 2:
        pass
    return arriving


def test_cancelling_keeps_the_part_and_releases_the_lock(server):
    half_way(server).close()
    assert part().read_bytes() == BODY[: len(BODY) // 2]
    with FileLock(folder() / f"{NAME}.lock", timeout=0):
        pass
    server.gate.set()
    fetch(server.file)
    assert server.asked == [None, f"bytes={len(BODY) // 2}-"]
    assert_arrived()


def test_a_download_may_be_closed_by_another_thread_than_began_it(server):
    begun, began, closed = [], threading.Event(), threading.Event()

    def begin():
        begun.append(half_way(server))
        began.set()
        closed.wait(30)  # alive, as a worker of a pool is

    thread = threading.Thread(target=begin)
    thread.start()
    began.wait(30)
    begun[0].close()
    try:
        with FileLock(folder() / f"{NAME}.lock", timeout=0) as lock:
            assert lock.is_locked
    finally:
        closed.set()
        thread.join()


def test_waiting_for_another_is_visible_can_be_cancelled_and_takes_over(server):
    first = half_way(server)
    impatient, patient = download(server.file), download(server.file)
    assert next(impatient) == next(patient) == Progress(len(BODY) // 2, len(BODY))
    impatient.close()
    first.close()
    server.gate.set()
    assert list(patient)[-1] == Progress(len(BODY), len(BODY))
    assert_arrived()


def test_racing_downloads_get_one_file_from_one_body(server):
    server.gate = threading.Event()
    under_way = threading.Barrier(5)
    paths, progress = [], []

    def get():
        arriving = download(server.file)
        progress.append(next(arriving))  # a first byte, or the sign that another is at it
        under_way.wait(30)
        for _ in arriving:
            pass
        paths.append(fetch(server.file))

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    under_way.wait(30)
    server.gate.set()
    for thread in threads:
        thread.join(30)
    assert paths == [folder() / NAME] * 4
    assert len(progress) == 4
    assert server.asked == [None]
    assert_arrived()


# Files that were there before


RACE = """
import sys
from visionlab.network.files.weight_file import WeightFile
file = WeightFile(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


def test_eight_racing_processes_get_one_verified_file(server):
    assert raced(RACE, NAME, server.file.url, len(BODY)) == [str(folder() / NAME)] * 8
    assert server.asked == [None], "the bytes were sent once"
    assert_arrived()


def test_a_file_put_by_hand_needs_no_network():
    path = put(BODY)
    assert fetch(WeightFile(NAME)) == path
    assert fetch(WeightFile(NAME, "http://127.0.0.1:1/")) == path


def test_torchs_cache_is_used():
    path = put_in_torch_cache(BODY)
    assert fetch(WeightFile(NAME)) == path


def compared(file: WeightFile) -> Path:
    """The file's path, after its SHA-256 has been compared."""
    path = fetch(file)
    compare(path, file).check(wait=True)
    return path


@pytest.mark.parametrize("place", [put, put_in_torch_cache])
def test_a_wrong_file_is_refused_but_stays(server, place):
    path = place(b"something else")
    for _ in range(2):
        with pytest.raises(WeightsError, match=server.file.digits) as caught:
            compare(fetch(server.file), server.file)
    assert hashlib.sha256(b"something else").hexdigest()[:8] in str(caught.value)
    assert path.read_bytes() == b"something else"
    assert server.asked == []


def test_a_file_without_digits_is_found_but_cannot_be_compared():
    file = WeightFile("plain.safetensors")
    path = put(BODY, file.name)
    assert fetch(file) == path
    with pytest.raises(WeightsError, match="its SHA-256"):
        compare(path, file)


def test_a_file_whose_entry_tells_the_sum_needs_no_digits_in_its_name():
    file = WeightFile("plain.safetensors", sha256=hashlib.sha256(BODY).hexdigest())
    path = put(BODY, file.name)
    assert compared(file) == path
    path.write_bytes(BODY + b"more")
    with pytest.raises(WeightsError, match=f"not with {file.sha256[:8]}; replace it.$"):
        compare(path, file)


def test_a_file_is_hashed_at_once_at_its_first_load_and_beside_the_later_ones(hashed):
    path, file = put(BODY), WeightFile(NAME)
    assert compare(fetch(file), file).done
    assert len(hashed) == 1
    assert not compare(path, file).done, "it begins with the first check, not while the file is being read"
    for loads in (2, 3):
        compared(file)
        assert hashed == [path] * loads
    os.utime(path, ns=(0, 0))  # another time: perhaps another file
    assert compare(path, file).done
    assert hashed == [path] * 4


def test_loads_at_the_same_moment_share_one_comparison(hashed, monkeypatch):
    path, file = put(BODY), WeightFile(NAME)
    compared(file)
    gate, sha256 = threading.Event(), checksums.sha256
    monkeypatch.setattr(checksums, "sha256", lambda path: gate.wait(20) and sha256(path))
    comparisons = [compare(path, file) for _ in range(5)]
    for comparison in comparisons:
        comparison.check()
    assert not any(comparison.done for comparison in comparisons), "nobody waits"
    gate.set()
    for comparison in comparisons:
        comparison.check(wait=True)
    assert hashed == [path] * 2


def test_a_download_is_hashed_once_and_compared_later(server, hashed):
    fetch(server.file)
    assert hashed == [part()]
    compared(server.file)
    assert hashed == [part(), folder() / NAME]


def test_a_file_that_changed_is_noticed():
    path = put(BODY)
    compared(WeightFile(NAME))
    path.write_bytes(BODY[:-1])
    with pytest.raises(WeightsError, match="replace it"):
        compare(path, WeightFile(NAME))


DAMAGED = BODY[:-1] + bytes([BODY[-1] ^ 1])


def change(path: Path, content: bytes) -> None:
    """Write into the file itself, and put the time back that it had; a clock's ticks may be milliseconds long."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_that_left_size_and_time_is_noticed_at_once():
    path, file = put(BODY), WeightFile(NAME)
    compared(file)
    change(path, DAMAGED)
    for _ in range(2):
        with pytest.raises(WeightsError, match="replace it"):
            compare(path, file)
    path.write_bytes(BODY)
    assert compared(file) == path


def test_a_change_that_left_no_trace_is_noticed_later_then_at_once():
    path, file = put(BODY), WeightFile(NAME)
    compared(file)
    path.write_bytes(DAMAGED)
    status, sums = path.stat(), folder() / "checksums.json"
    looks = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    sums.write_text(json.dumps({NAME: json.loads(sums.read_text())[NAME] | {"looks": looks}}))
    going_on = compare(path, file)
    with pytest.raises(WeightsError, match="replace it"):
        going_on.check(wait=True)
    for _ in range(2):
        with pytest.raises(WeightsError, match="replace it"):
            compare(path, file)


@pytest.mark.parametrize("content", [DAMAGED, BODY[:100], BODY + b"more"], ids=["bit", "truncated", "longer"])
def test_a_change_of_a_file_in_use_is_noticed_and_only_loading_anew_mends_it(content):
    path, file = put(BODY), WeightFile(NAME)
    in_use = compare(path, file)
    in_use.check()
    change(path, content)
    for _ in range(2):
        with pytest.raises(WeightsError, match="replace it"):
            in_use.check()
    path.unlink()
    put(BODY)
    with pytest.raises(WeightsError, match="replace it"):
        in_use.check()  # what was loaded is the file that was there before
    compare(path, file).check(wait=True)


def test_a_file_in_use_may_be_touched_replaced_by_its_like_and_removed(hashed):
    path, file = put(BODY), WeightFile(NAME)
    in_use = compare(path, file)
    os.utime(path, ns=(0, 0))
    in_use.check(wait=True)
    path.unlink()
    put(BODY)
    in_use.check(wait=True)
    path.unlink()
    in_use.check(wait=True)
    assert hashed == [path] * 3, "at the load, and each time that it looked different"


def test_a_file_with_the_same_digits_and_another_sum_is_noticed():
    path, file = put(BODY), WeightFile(NAME)
    compared(file)
    sums = folder() / "checksums.json"
    true = hashlib.sha256(BODY).hexdigest()
    sums.write_text(sums.read_text().replace(true, true[:8] + "0" * 56))
    with pytest.raises(WeightsError, match=f"{true[:8]}00000000"):
        compare(path, file).check(wait=True)


@pytest.mark.parametrize("content", ["", "[]", '{"%s": 3}', '{"%s": {"sha256": 1}}', '{"%s": {}}', "\xff"])
def test_a_damaged_record_is_written_anew(hashed, content):
    path, file = put(BODY), WeightFile(NAME)
    put(content.replace("%s", NAME).encode("latin-1"), "checksums.json")
    assert compare(path, file).done
    assert len(hashed) == 1
    record = json.loads((folder() / "checksums.json").read_text())[NAME]
    assert record["sha256"] == hashlib.sha256(BODY).hexdigest()


def test_without_a_place_to_remember_every_load_hashes_at_once(hashed, monkeypatch, tmp_path):
    path, file = put_in_torch_cache(BODY), WeightFile(NAME)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path / "a file" / "weights"))
    for _ in range(2):
        assert compare(path, file).done
    assert hashed == [path, path]


def test_a_file_that_is_gone_is_said():
    with pytest.raises(WeightsError, match="cannot be read"):
        compare(folder() / NAME, WeightFile(NAME))


# Checking


SHAPES = {"a": (2, 3), "b": [2], "c": ()}


def fitting() -> dict[str, torch.Tensor]:
    return {"a": torch.ones(2, 3), "b": torch.ones(2, dtype=torch.float16), "c": torch.tensor(3)}


def test_what_fits_passes():
    assert check(fitting(), SHAPES, "vgg") is None
    assert check(fitting() | {"d": torch.empty(0, 4)}, SHAPES | {"d": torch.Size((0, 4))}, "vgg") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("b"), r"vgg .* b, of shape \(2,\), is missing"),
        (lambda t: t.clear(), r"a, of shape \(2, 3\), is missing"),
        (lambda t: t.update(d=torch.ones(5)), r"d, of shape \(5,\), is superfluous"),
        (lambda t: t.update(a=torch.ones(3, 2), b=torch.ones(9)), r"a has shape \(3, 2\), expected \(2, 3\)"),
        (lambda t: t["b"].fill_(float("nan")), "b holds NaN"),
        (lambda t: t["a"][1, 2].fill_(float("inf")), "a holds NaN or infinite"),
        (lambda t: t["b"][:1].fill_(-float("inf")), "b holds NaN or infinite"),
    ],
)
def test_the_first_misfit_is_named(change, says):
    tensors = fitting()
    change(tensors)
    with pytest.raises(WeightsError, match=says):
        check(tensors, SHAPES, "vgg")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", [0, weights._SUMMED - 1, weights._SUMMED, 3 * weights._SUMMED + 4])
def test_one_value_of_a_large_tensor_is_seen_wherever_it_is(place):
    """Such are looked at part by part, by all cores; great values are not taken for damage where their sum is none."""
    tensors = {"a": torch.full((3 * weights._SUMMED + 5,), 3e38)}
    expected = {"a": tensors["a"].shape}
    assert check(tensors, expected, "vgg") is None
    tensors["a"][place] = float("nan")
    with pytest.raises(WeightsError, match="a holds NaN or infinite"):
        check(tensors, expected, "vgg")
