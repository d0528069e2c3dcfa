"""What is set wrongly is told in the log when the server starts, each thing in a line."""

import tomllib
from pathlib import Path

import pytest
from streamlit import config

from visionlab import limits
from visionlab.errors import LINE
from visionlab.ui.serving.settings import UPLOAD, USUAL_UPLOAD, tell_settings

SERVED = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text())


@pytest.fixture
def set_well(monkeypatch, tmp_path):
    monkeypatch.setenv(limits.WORKSPACE_FOLDER, str(tmp_path / "projects"))
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path))


def test_a_workspace_that_cannot_be_written_is_a_line_with_its_cause(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv(limits.WORKSPACE_FOLDER, str(tmp_path / "file"))
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path))
    tell_settings()
    [line] = caplog.messages
    assert line.startswith("The projects’ folder cannot be written to (Not a directory); permit it, or name another")
    assert "(NotADirectoryError: " in line


def test_what_is_set_well_is_no_line(set_well, caplog):
    tell_settings()
    assert not caplog.messages


@pytest.mark.parametrize("told", [0, -5])
def test_uploads_of_no_size_are_told_and_what_is_usual_counts(set_well, caplog, told):
    before = config.get_option(UPLOAD), config.get_where_defined(UPLOAD)
    config.set_option(UPLOAD, told)
    try:
        tell_settings()
        assert config.get_option(UPLOAD) == USUAL_UPLOAD == SERVED["server"]["maxUploadSize"]
        tell_settings()
    finally:
        config.set_option(UPLOAD, *before)
    [line] = caplog.messages
    assert line.startswith(f"STREAMLIT_SERVER_MAX_UPLOAD_SIZE is {told}; it must be a whole number of MB from 1 on")
    assert line.endswith("As long as it is not, this counts: 1,000 MB.")
    assert len(line) < LINE
