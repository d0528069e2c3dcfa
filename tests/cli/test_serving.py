"""The shell's app."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from cli.shell import run
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

import visionlab as vl
from visionlab.cli import serving

PROJECT = Path(__file__).parents[2]


def test_the_app_of_a_checkout_is_the_one_that_lies_there(monkeypatch):
    asked = []
    monkeypatch.setattr("streamlit.web.cli.main", asked.extend)
    run("app", "--port", 8765)
    assert asked[:4] == ["run", str(PROJECT / "streamlit_app.py"), "--server.port", "8765"]
    assert asked[4:6] == ["--server.address", "localhost"], "nobody else is let in unless told so"
    assert asked[6:] == [part for name in serving.OWN for part in ("--server.allowedHosts", name)]
    asked.clear()
    run("app", "--host", "0.0.0.0", "--known-as", "lab.example.org")
    assert asked[4:] == ["--server.address", "0.0.0.0", "--server.allowedHosts", "lab.example.org"]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("http://lab.example.org/", ["lab.example.org"]),
        ("https://lab.example.org:8723/Predict?sample=cat", ["lab.example.org"]),
        ("lab.example.org:8723", ["lab.example.org"]),
        ("lab.example.org, localhost", ["lab.example.org", "localhost"]),
        ("lab.example.org,localhost:8501,", ["lab.example.org", "localhost"]),
        ("lab", ["lab"]),
        ("*.example.org", ["*.example.org"]),
        ("*", ["*"]),
        ("::1", ["::1"]),
        ("[::1]:8501", ["::1"]),
        ("10.0.0.7", ["10.0.0.7"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
    ],
)
def test_a_name_counts_however_it_is_told(told, names, monkeypatch):
    asked = []
    monkeypatch.setattr("streamlit.web.cli.main", asked.extend)
    run("app", "--host", "0.0.0.0", "--known-as", told)
    assert asked[6:] == [part for name in names for part in ("--server.allowedHosts", name)]
    monkeypatch.setattr("streamlit.config.get_option", lambda _: names)
    assert is_host_allowed(f"[{names[0]}]:80" if ":" in names[0] else names[0].replace("*.", "any."))


@pytest.mark.parametrize(
    "told", ["http://", "", "lab example!", "lab.*.org", "lab:port", "me@lab.example.org", "a..b", "ü" * 99]
)
def test_what_is_no_name_is_refused(told, monkeypatch):
    monkeypatch.setattr("streamlit.web.cli.main", lambda _: pytest.fail("it was served"))
    with pytest.raises(vl.ParameterError, match="is no name of a server; say one"):
        run("app", "--host", "0.0.0.0", "--known-as", told)


@pytest.mark.parametrize(
    "host", ["nowhere.invalid", "999.1.1.1", "203.0.113.1", "http://localhost", "", "a..b", "x" * 99, "2001:db8::1"]
)
def test_an_address_at_which_nobody_can_listen_is_refused(host, monkeypatch):
    monkeypatch.setattr("streamlit.web.cli.main", lambda _: pytest.fail("it was served"))
    with pytest.raises(
        vl.ParameterError, match=f"^“{re.escape(host[:40])}.* is no address at which this machine can listen"
    ):
        run("app", "--host", host)


def test_this_machine_is_reached_by_the_address_at_which_it_listens(monkeypatch):
    asked = []
    monkeypatch.setattr("streamlit.web.cli.main", asked.extend)
    run("app", "--host", "127.0.0.2")
    assert asked[7::2] == [*serving.OWN, "127.0.0.2"]


def test_make_run_serves_as_the_shell_does():
    told = subprocess.run(
        ["make", "-n", "run", "HOST=0.0.0.0", "HOSTS=lab.example.org,school.example localhost", "PORT=8765"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = "--known-as 'lab.example.org,school.example' --known-as 'localhost'"
    assert f"-m visionlab app --port 8765 --host '0.0.0.0' {names}" in told


def test_what_the_app_needs_is_told_with_how_to_bring_it(monkeypatch):
    assert "needs visionlab[app]." in run("app", "--help")
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name == "plotly" else name)
    with pytest.raises(vl.VisionlabError, match=re.escape("needs plotly, not installed here")) as told:
        run("app")
    assert "pip install '.[app]'" in str(told.value)
    extra = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["app"]
    assert {each.partition(">")[0] for each in extra} == {*serving.NEEDED}
