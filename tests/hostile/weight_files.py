"""Weight files that change under a network: one byte of it, or cut short while it is computed with."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hostile.outcome import Outcome

from visionlab.errors import WeightsError
from visionlab.network.files.reading import read
from visionlab.network.files.weights import compare, folder
from visionlab.network.zoo.models import MODELS

BUILT_IN = MODELS["vgg16-tinyimagenet"].file
CUTTING = """
import os, sys, threading, time
import visionlab as vl

net, picture = vl.load_classifier("vgg16-tinyimagenet", "cpu"), vl.load_sample("cat")
x = net.transform([picture], net.device)
path, size, ends = os.path.join(os.environ["VISIONLAB_WEIGHTS"], sys.argv[1]), 0, [float(end) for end in sys.argv[2:]]

def cut():
    for end in ends:
        time.sleep(end)
        os.truncate(path, int(os.path.getsize(path) * 0.9))

cutting = threading.Thread(target=cut)
cutting.start()
passes = 0
while cutting.is_alive():
    net.module(x)
    passes += 1
print(passes)
"""


def run(bytes_changed: int = 100, cuts: int = 20, first: int = 0) -> Outcome:
    """So many times one byte is changed, and so many times the file is cut short during forward passes."""
    outcome, chance = Outcome("Weight files"), random.Random(first)
    source = folder() / BUILT_IN.name
    with tempfile.TemporaryDirectory() as base:
        path = Path(base, BUILT_IN.name)
        for _ in range(bytes_changed):
            data = bytearray(source.read_bytes())
            place = chance.randrange(len(data))
            data[place] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
            outcome.attempt("one bit", lambda: _noticed(path), 30)
        shutil.copy(source, path)
        pauses = [str(chance.uniform(0, 0.2)) for _ in range(cuts)]
        environment = {**os.environ, "VISIONLAB_WEIGHTS": base}
        command = [sys.executable, "-c", CUTTING, path.name, *pauses]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        kind = "cut short during a forward pass"
        if ended.returncode:
            outcome.fail(f"{kind}: the process ended with {ended.returncode}")
        else:
            outcome.kinds[kind].taken += cuts
    return outcome


def _noticed(path: Path) -> None:
    try:
        compare(path, BUILT_IN).check(wait=True)
        read(path)
    except WeightsError:
        return
    raise AssertionError("nobody noticed")
