import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


# Links, pipes and devices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("hops", [1, 2])
def test_a_link_stays_one_and_what_it_leads_to_is_replaced_as_a_whole(old, there, hops):
    target, link = old, old.with_name("link.txt")
    (old.parent / "folder").mkdir()
    link.symlink_to(old.name if hops == 1 else "folder/second")
    (old.parent / "folder" / "second").symlink_to(Path("..", old.name))
    if not there:
        target.unlink()
    for text in ("new", "newer"):
        with replacing(link) as part:
            part.write_text(text)
            assert link.is_symlink()
            assert target.exists() == (there or text == "newer")
        assert link.is_symlink()
        assert not target.is_symlink()
        assert target.read_text() == text
    assert {path.name for path in old.parent.iterdir()} == {target.name, link.name, "folder"}


def test_links_in_a_circle_are_one_sentence_and_stay(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to(link.name)
    with pytest.raises(ParameterError, match=r"link\.txt cannot be written"), replacing(link) as part:
        part.write_text("new")
    assert link.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_stays_one_and_its_reader_gets_it_all(tmp_path, linked):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    place = tmp_path / "link" if linked else pipe
    if linked:
        place.symlink_to(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        with replacing(place) as part:
            part.write_bytes(b"new" * 100_000)
        assert read.result(timeout=60) == b"new" * 100_000
    assert pipe.is_fifo()
    assert place.is_symlink() == linked
    assert len(os.listdir(tmp_path)) == 1 + linked


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_device_stays_one(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(FULL)
    with pytest.raises(ParameterError, match="No space left on device"), replacing(link) as part:
        part.write_text("new")
    assert FULL.is_char_device()
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the open files of a process as files")
def test_what_a_process_has_open_is_written_into_behind_what_is_there(old):
    with old.open("a") as file, replacing(f"/proc/self/fd/{file.fileno()}") as part:
        part.write_text(" and new")
    assert old.read_text() == "old and new"
    code = "from visionlab.writing import whole\nwith whole('/dev/stdout') as part: part.write_text('new')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "new")
    assert Path("/dev/stdout").is_symlink()


def test_two_writers_of_one_file_do_not_take_each_others_part(tmp_path):
    place = tmp_path / "head.bin"
    with whole(place) as first:
        first.write_text("first")
        with whole(place) as second, whole(place) as third:
            second.write_text("second")
            third.write_text("third")
            assert len({first, second, third}) == 3
        assert place.read_text() == "second"
    assert place.read_text() == "first"  # it ended last
    with whole(place) as again:
        assert again == first
        again.write_text("again")
    assert [path.name for path in tmp_path.iterdir()] == ["head.bin"]
