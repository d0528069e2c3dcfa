"""The shell's app."""

from pathlib import Path

import pytest
from cli.shell import run

import visionlab as vl
from visionlab.cli import serving


def test_the_app_of_a_checkout_is_the_one_that_lies_there(monkeypatch):
    asked = []
    monkeypatch.setattr("streamlit.web.cli.main", asked.extend)
    run("app", "--port", 8765)
    assert asked[:4] == ["run", str(Path(__file__).parents[2] / "streamlit_app.py"), "--server.port", "8765"]
    assert asked[4:6] == ["--server.address", "localhost"], "nobody else is let in unless told so"
    assert asked[6:] == [part for name in serving.OWN for part in ("--server.allowedHosts", name)]
    asked.clear()
    run("app", "--host", "0.0.0.0", "--known-as", "lab.example.org")
    assert asked[4:] == ["--server.address", "0.0.0.0", "--server.allowedHosts", "lab.example.org"]
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(vl.VisionlabError, match="pip install streamlit plotly"):
        run("app")
