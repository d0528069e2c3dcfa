"""Runs all tests but the browser's as on other machines, a setting after the other: python tests/everywhere.py

A setting that asks for instructions that this processor lacks gets the best that it has. Prints a line a setting, with
what failed in it, and exits with 1 if anything did.
"""

import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
BUSY = "while True: pass"


@dataclass(frozen=True)
class Setting:
    """The environment that differs, options for pytest, and how many loops that keep a processor busy run beside it."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    loops: int = 0


SETTINGS = (
    *(Setting(f"oneDNN up to {isa}", {"ONEDNN_MAX_CPU_ISA": isa}) for isa in ("SSE41", "AVX2", "AVX512_CORE")),
    *(Setting(f"ATen’s kernels for {isa}", {"ATEN_CPU_CAPABILITY": isa}) for isa in ("default", "avx2")),
    Setting("MKL’s path for all processors", {"MKL_CBWR": "COMPATIBLE"}),
    *(Setting(f"threads: {count}", {"OMP_NUM_THREADS": count}) for count in ("1", "2", "4")),
    *(Setting(f"hash seed: {seed}", {"PYTHONHASHSEED": seed}) for seed in ("0", "random")),
    Setting("the last test first", options=("--reverse",)),
    Setting("two busy loops beside it", loops=2),
)


def run(setting: Setting) -> tuple[bool, str]:
    """(whether all passed, a line on it and one for each that did not)."""
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "auto", "--dist", "loadfile"]
    command += ["--ignore", "tests/browser", *setting.options]
    with ExitStack() as stack:
        for _ in range(setting.loops):
            loop = subprocess.Popen([sys.executable, "-c", BUSY])
            stack.callback(loop.kill)
        began = time.monotonic()
        ended = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **setting.environment}, stdout=subprocess.PIPE, text=True
        )
    seconds = time.monotonic() - began
    counts = re.findall(r"\d+ (?:passed|failed|skipped|errors?)", ended.stdout.rpartition("\n= ")[2] or ended.stdout)
    wrong = re.findall(r"^(?:FAILED|ERROR) \S+", ended.stdout, re.MULTILINE)
    told = f"{setting.name:32} {seconds:6.0f} s   {', '.join(dict.fromkeys(counts[-3:])) or 'nothing was run'}"
    return ended.returncode == 0, "\n    ".join([told, *wrong])


def main(wanted: list[str]) -> None:
    chosen = [setting for setting in SETTINGS if not wanted or any(word in setting.name for word in wanted)]
    print(f"{os.cpu_count()} processors, {torch.backends.cpu.get_cpu_capability()} at best", flush=True)
    passed = []
    for setting in chosen:
        good, told = run(setting)
        passed.append(good)
        print(told, flush=True)
    sys.exit(not all(passed))


if __name__ == "__main__":
    main(sys.argv[1:])
