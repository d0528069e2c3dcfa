"""Runs all tests but the browser's as on other machines, a setting after the other: python tests/everywhere.py

A setting that asks for instructions that this processor lacks gets the best that it has. With --browser 20 it runs the
browser's twenty times, beside two loops that never rest. Prints a line a run, with what failed in it, and exits with 1
if anything did.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
BUSY = "while True: pass"
BROWSER = ("--no-loadscope-reorder", "tests/browser")


@dataclass(frozen=True)
class Setting:
    """The environment that differs, options for pytest, and how many loops that keep a processor busy run beside it."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ("--ignore", "tests/browser")
    loops: int = 0


SETTINGS = (
    *(Setting(f"oneDNN up to {isa}", {"ONEDNN_MAX_CPU_ISA": isa}) for isa in ("SSE41", "AVX2", "AVX512_CORE")),
    *(Setting(f"ATen’s kernels for {isa}", {"ATEN_CPU_CAPABILITY": isa}) for isa in ("default", "avx2")),
    Setting("MKL’s path for all processors", {"MKL_CBWR": "COMPATIBLE"}),
    *(Setting(f"threads: {count}", {"OMP_NUM_THREADS": count}) for count in ("1", "2", "4")),
    *(Setting(f"hash seed: {seed}", {"PYTHONHASHSEED": seed}) for seed in ("0", "random")),
    Setting("the last test first", options=("--ignore", "tests/browser", "--reverse")),
    Setting("two busy loops beside it", loops=2),
)


def run(setting: Setting) -> tuple[bool, str]:
    """(whether all passed, a line on it and one for each that did not)."""
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "auto", "--dist", "loadfile"]
    command += setting.options
    with ExitStack() as stack:
        for _ in range(setting.loops):
            loop = subprocess.Popen([sys.executable, "-c", BUSY])
            stack.callback(loop.kill)
        began = time.monotonic()
        environment = {**os.environ, **setting.environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        ended = subprocess.run(command, cwd=ROOT, env=environment, **pipes)
    seconds = time.monotonic() - began
    counts = re.findall(r"^(.+) in \d+\.\d+s", ended.stdout, re.MULTILINE)
    lines = [f"{setting.name:32} {seconds:6.0f} s   {counts[-1] if counts else 'nothing was run'}"]
    if ended.returncode:
        with tempfile.NamedTemporaryFile("w", suffix=".log", delete=False) as log:
            log.write(ended.stdout)
        lines += [*re.findall(r"^(?:FAILED|ERROR) \S+", ended.stdout, re.MULTILINE), f"all of it: {log.name}"]
    return not ended.returncode, "\n    ".join(lines)


def main(settings: Sequence[Setting]) -> None:
    print(f"{os.cpu_count()} processors, {torch.backends.cpu.get_cpu_capability()} at best", flush=True)
    passed = []
    for setting in settings:
        good, told = run(setting)
        passed.append(good)
        print(told, flush=True)
    sys.exit(not all(passed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="only settings that have one of these words in their names")
    parser.add_argument("--browser", type=int, default=0, metavar="TIMES", help="the browser tests instead")
    asked = parser.parse_args()
    chosen = [setting for setting in SETTINGS if not asked.only or any(word in setting.name for word in asked.only)]
    busy = [Setting(f"browser, {i + 1} of {asked.browser}", options=BROWSER, loops=2) for i in range(asked.browser)]
    main(busy or chosen)
