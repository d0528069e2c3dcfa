"""Whose browser runs at the server, and which of its files it may name."""

import os
import socket
import threading
from pathlib import Path

import pytest

from visionlab import limits
from visionlab.errors import DatasetError
from visionlab.ui.shared import visitor
from visionlab.ui.shared.visitor import is_at_server, named

OWN = {"host": "localhost:8501", "origin": "http://localhost:8501"}


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (None, True),  # what Streamlit says of 127.0.0.1 and ::1
        ("::ffff:127.0.0.1", True),
        ("127.0.0.2", True),
        ("::ffff:10.0.0.7", False),
        ("2001:db8::1", False),
        ("unix:", False),
    ],
)
def test_who_sits_at_the_server(address, local):
    assert is_at_server(address, OWN) is local


@pytest.mark.parametrize("host", ["localhost:8501", "LOCALHOST", "127.0.0.1:8501", "127.8.8.8", "[::1]:8501"])
def test_names_that_a_machine_has_for_itself(host):
    assert is_at_server(None, {"Host": host, "Origin": f"http://{host}"})
    assert is_at_server(None, {"Host": host}), "a program that shows no page"


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7", "0.0.0.0", "[::", "a@b"],
)
def test_other_names_are_not_its_own_though_they_may_lead_to_it(host):
    """DNS rebinding; and a relay, behind which the browser asks for the machine by the name that others know."""
    assert not is_at_server(None, {"Host": host, "Origin": f"http://{host}"})


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://localhost:3000", "http://localhost:8501.evil.example", "http://["]
)
def test_a_page_from_elsewhere_is_not_at_the_server(origin):
    assert not is_at_server(None, {**OWN, "origin": origin})


@pytest.mark.parametrize(
    "header",
    ["Via", "FORWARDED", "X-Real-IP", "X-Forwarded-For", "x-forwarded-proto", "X-Client-IP", "CF-Connecting-IP"],
)
def test_through_a_proxy_nobody_knows(header):
    assert not is_at_server(None, {**OWN, header: ""})


@pytest.fixture
def at_the_server(monkeypatch):
    monkeypatch.setattr(visitor, "at_the_server", lambda: True)


def test_a_folder_may_be_named_and_the_operator_may_forbid_it(at_the_server, tmp_path, monkeypatch):
    (tmp_path / "mine").symlink_to(tmp_path)
    assert named(str(tmp_path / "mine")) == tmp_path / "mine"
    monkeypatch.setenv(limits.PATHS.variable, "off")
    with pytest.raises(DatasetError, match="no folder and no zip"):
        named(str(tmp_path))


def test_nobody_elsewhere_names_anything(tmp_path):
    with pytest.raises(DatasetError, match="no folder and no zip"):
        named(str(tmp_path))


def test_what_may_have_no_end_or_is_not_there_is_answered_at_once_and_alike(at_the_server, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "closed").mkdir(mode=0)
    paths = ["pipe", "socket", "link", "secret.txt", "nowhere"]
    texts = [str(tmp_path / path) for path in paths] + ["/dev/zero", "/dev", "/proc/self", "/proc/self/root/proc"]
    texts += ["/proc/kmsg", "/sys", "/", "", "~nobody-of-that-name/x", "n" * 5000, "a\0b", "/proc/self/fd/0"]
    if os.geteuid():
        texts.append(str(tmp_path / "closed"))
    told: dict[str, str] = {}

    def ask() -> None:
        for text in texts:
            with pytest.raises(DatasetError) as refused:
                named(text)
            told[text] = str(refused.value).rpartition("” is ")[2]

    asking = threading.Thread(target=ask, daemon=True)  # a daemon: where it waits for a pipe, the test goes on
    asking.start()
    asking.join(30)
    listening.close()
    assert list(told) == texts
    assert len(set(told.values())) == 1


def test_the_same_things_within_a_folder_are_passed_over(tmp_path):
    from visionlab.learning.projects.intake import from_folder
    from visionlab.learning.sets.reading import read_folder

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        os.mkfifo(tmp_path / name / "pipe.png")
        (tmp_path / name / "zero.png").symlink_to("/dev/zero")
    _refused(from_folder, tmp_path)
    asked = threading.Thread(target=lambda: _refused(read_folder, tmp_path), daemon=True)
    asked.start()
    asked.join(30)
    assert not asked.is_alive()


def _refused(read, folder: Path) -> None:
    with pytest.raises(DatasetError):
        read(folder)
