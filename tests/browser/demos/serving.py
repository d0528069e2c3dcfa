"""Serves one of the scripts beside it: a component alone on a page."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from browser.driver import ROOT


def serving(script: str) -> Iterator[str]:
    """The address at which it answers, on a free port, until the iterator is closed."""
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).parent / script), "--server.port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[-1] for line in process.stdout if "URL: " in line)
    finally:
        process.terminate()
        process.communicate(timeout=20)  # its last words, too: it does not end before it has said them
