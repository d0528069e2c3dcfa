"""The servers of the browser tests: cold ones as people start them, and quick ones that find everything imported.

A cold server spends most of its first seconds on importing torch. Where coldness is not what a test is about, servers
are forked from one process that has imported what lies under the app, but nothing of the app itself.
"""

import multiprocessing
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
IMPORTED = "browser.imported"
PATIENCE = 120  # seconds until a server that lives has to answer: a busy machine imports torch for long


def free_port() -> int:
    """Whichever the system gives."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def quiet_port() -> int:
    """One at which nobody listens, out of those that systems do not hand out to whoever asks for any."""
    for port in random.Random(os.getpid()).sample(range(10_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise AssertionError("there is no free port")


# Where the tests of this process serve, one server after the other: what the browser has compiled of the app's scripts
# it keeps by their address, and uses again.
PORT = quiet_port()
ADDRESS = f"http://127.0.0.1:{PORT}"


def start_server(script: str | Path = "streamlit_app.py", port: int | None = None) -> tuple[subprocess.Popen, str]:
    """The app, or another script, in a process of its own on that port or any free one, answering."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", *_command(script, port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    return process, answering(port, lambda: process.poll() is None, process.kill)


def fork_server(script: str | Path = "streamlit_app.py") -> BaseProcess:
    """The app, or another script, at ADDRESS and answering, in a process that had its imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([IMPORTED])
    process = context.Process(target=_serve, args=(str(script), PORT, dict(os.environ)), daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # not what AppTest has put there
        # The process that is forked knows nothing of pytest's paths, and passes over what it does not find.
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "tests"))))
        process.start()
    answering(PORT, process.is_alive, process.kill)
    return process


@contextmanager
def running_server(script: str | Path = "streamlit_app.py") -> Iterator[str]:
    """ADDRESS, where the script is served meanwhile, by a process that had its imports done."""
    process = fork_server(script)
    try:
        yield ADDRESS
    finally:
        process.terminate()
        process.join(20)


def _command(script: str | Path, port: int) -> list[str]:
    options = ["--server.port", str(port), "--server.fileWatcherType", "none"]  # it looks through all of torch
    return ["streamlit", "run", str(script), *options]


def _serve(script: str, port: int, environment: dict[str, str]) -> None:
    """Become a server of that script, in the environment of whoever asks, not of the process that was forked."""
    assert IMPORTED in sys.modules, "what a server imports was not there, and costs seconds in each"
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.path.insert(0, str(ROOT))
    sys.argv = _command(script, port)
    from streamlit.web.cli import main

    main()


def answering(port: int, lives, kill) -> str:
    """The address of the server on that port, once it answers."""
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert lives(), "the server ended at once"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return url
        except OSError:
            time.sleep(0.05)
    kill()
    raise AssertionError("the server never answered")
