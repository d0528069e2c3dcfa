"""Work shared among the cores: done once each, whoever fails is heard, and a process that is forked has cores, too."""

import os
import subprocess
import sys
import threading

import pytest

from visionlab.imaging import cores

FORKED = """
import os, sys
from visionlab.imaging import cores
cores.count = lambda: 3
cores.share(lambda piece: None, range(9))
child = os.fork()
if not child:
    done = []
    cores.share(done.append, range(9))
    os._exit(0 if sorted(done) == list(range(9)) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("pieces", [0, 1, 2, 50])
def test_each_piece_is_done_once(pieces, monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 4)
    done = []
    cores.share(done.append, range(pieces))
    assert sorted(done) == list(range(pieces))


def test_what_a_piece_raises_comes_to_whoever_shared_it(monkeypatch):
    """In whichever thread: here each piece waits for the other one, so that one of them is elsewhere."""
    monkeypatch.setattr(cores, "count", lambda: 2)
    both = threading.Barrier(2, timeout=60)

    def fail(_: int) -> None:
        both.wait()
        if threading.current_thread() is not threading.main_thread():
            raise LookupError("elsewhere")

    with pytest.raises(LookupError, match="elsewhere"):
        cores.share(fail, range(2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_process_that_is_forked_does_not_wait_for_threads_that_it_has_not():
    assert subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=False).returncode == 0
