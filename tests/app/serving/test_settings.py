"""What is set wrongly is told in the log when the server starts, each thing in a line."""

from visionlab import limits
from visionlab.ui.serving.settings import tell_settings


def test_a_workspace_that_cannot_be_written_is_a_line_with_its_cause(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv(limits.WORKSPACE_FOLDER, str(tmp_path / "file"))
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path))
    tell_settings()
    [line] = caplog.messages
    assert line.startswith("The projects' folder cannot be written to (Not a directory); permit it, or name another")
    assert "(NotADirectoryError: " in line


def test_what_is_set_well_is_no_line(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv(limits.WORKSPACE_FOLDER, str(tmp_path / "projects"))
    monkeypatch.setenv(limits.WEIGHTS_FOLDER, str(tmp_path))
    tell_settings()
    assert not caplog.messages
