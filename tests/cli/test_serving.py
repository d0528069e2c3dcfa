"""The shell's app."""

import re
import tomllib
from pathlib import Path

import pytest
from cli.shell import run

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


def test_what_the_app_needs_is_told_with_how_to_bring_it(monkeypatch):
    assert "needs visionlab[app]." in run("app", "--help")
    monkeypatch.setattr(serving, "find_spec", lambda name: None if name == "plotly" else name)
    with pytest.raises(vl.VisionlabError, match=re.escape("needs plotly, not installed here")) as told:
        run("app")
    assert "pip install 'visionlab[app]'" in str(told.value)
    extra = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["app"]
    assert {each.partition(">")[0] for each in extra} == {*serving.NEEDED}
