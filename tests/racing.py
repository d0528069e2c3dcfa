"""Eight processes that want the same weight file at the same moment."""

import subprocess
import sys
from pathlib import Path

RACE = """
from multiprocessing import get_context
from visionlab.network.files.weights import compare, fetch

processes = get_context("fork")  # one imports torch for all
start = processes.Barrier(8)

def race(number):
    start.wait(60)
    path = fetch(file)
    compare(path, file).check(wait=True)
    return path

with processes.Pool(8) as racers:
    print(*racers.map(race, range(8), 1), sep="\\n")
"""


def raced(file: str, *arguments: object) -> list[str]:
    """The path that each of them gets; `file` is code that makes the WeightFile of that name, out of sys.argv[1:]."""
    command = [sys.executable, "-c", file + RACE, *map(str, arguments)]
    root = Path(__file__).parents[1]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()
