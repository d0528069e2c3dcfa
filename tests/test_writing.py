import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from visionlab.errors import DatasetError, ParameterError
from visionlab.writing import replacing, whole

FULL = Path("/dev/full")


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("old")
    return path


def test_what_was_there_stays_until_all_is_written(old):
    with whole(old) as part:
        part.write_text("new")
        assert old.read_text() == "old"
    assert old.read_text() == "new"
    assert os.listdir(old.parent) == [old.name]


def test_a_process_that_is_killed_midway_leaves_the_old_file_and_no_hindrance(old):
    code = "import os, sys; from visionlab.writing import whole\nwith whole(sys.argv[1]) as part:\n"
    code += "    part.write_text('ne'); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(old)])
    assert killed.returncode == -signal.SIGKILL
    assert old.read_text() == "old"
    with whole(old) as part:
        part.write_text("new")
    assert old.read_text() == "new"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_breaks_off_leaves_the_old_file_and_nothing_else(old, error):
    def broken_off():
        with replacing(old) as part:
            part.write_text("ne")
            raise error

    with pytest.raises(error):
        broken_off()
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("refused", [ParameterError, DatasetError])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file_alone(old, refused):
    told = r"mine\.txt cannot be written \(No space left on device\)\. Name another place\.$"
    old.with_name("mine.txt.part").symlink_to(FULL)
    with pytest.raises(refused, match=told), replacing(old, refused) as part:
        part.write_text("new")
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("place", ["no/such/folder.txt", "mine.txt/inside.txt"])
def test_a_place_that_is_none_is_one_sentence(old, place):
    with pytest.raises(ParameterError, match=f"{place} cannot be written"), replacing(old.parent / place) as part:
        part.write_text("new")
    assert os.listdir(old.parent) == [old.name]


def test_what_cannot_take_its_name_is_told_and_removed(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ParameterError, match="folder cannot be written"), replacing(tmp_path / "folder") as part:
        part.write_text("new")
    assert os.listdir(tmp_path) == ["folder"]
