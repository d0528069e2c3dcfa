"""vl.convolve against its peers: a table of ratios from one run.

    pip install -r requirements-bench.txt
    python benchmarks/convolution.py [--quick]

Every engine gets the picture in the type that it wants, converted beforehand, and the same border where it has it
(reflect, zero in SciPy's signal); ours gets the bytes of a photograph. A ratio is the peer's median time over ours:
above 1, we are faster. Close peers are compared call by call, in several duels, of which the median counts.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from scipy import ndimage, signal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import visionlab as vl

SIDES = (512, 1024, 2048)
KERNELS = (3, 7, 15, 31)
BUDGET = 0.6  # seconds an engine runs in each row
TURNS = 3
CLOSE = 1.5  # a peer that is at most so many times as slow as ours meets it again, call by call …
DUELS = 7  # … so often: a single duel of 0.6 s comes out up to a fifth off on a machine that is shared
SLOW = 1.0  # an engine that took this many seconds once is not asked again in its row
console = Console(width=150, highlight=False)


def engines(image: np.ndarray, weights: np.ndarray) -> dict[str, Callable[[], object]]:
    floats = image.astype(np.float32)
    planes = np.ascontiguousarray(floats.transpose(2, 0, 1))
    batch = torch.from_numpy(planes)[None]
    window = torch.from_numpy(weights)
    margin = weights.shape[0] // 2
    turned = weights[::-1, ::-1].copy()

    def torch_conv() -> object:
        padded = torch.nn.functional.pad(batch, [margin] * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, window.expand(3, 1, *window.shape), groups=3)

    found = {
        "visionlab": lambda: vl.convolve(image, weights, device="cpu"),
        "cv2.filter2D": lambda: cv2.filter2D(floats, cv2.CV_32F, weights, borderType=cv2.BORDER_REFLECT_101),
        "fftconvolve": lambda: signal.fftconvolve(planes, turned[None], mode="same", axes=(1, 2)),
        "ndimage.convolve": lambda: [ndimage.convolve(plane, turned, mode="mirror") for plane in planes],
        "torch conv2d": torch_conv,
        "convolve2d": lambda: [signal.convolve2d(plane, turned, mode="same") for plane in planes],
    }
    try:
        from kornia.filters import filter2d
    except ImportError:
        return found
    return found | {"kornia": lambda: filter2d(batch, window[None], border_type="reflect")}


def race(runners: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The time of each engine in seconds: each runs for a while, the first run not counted; then the next; in several
    turns, of whose medians the least is taken, since a busy moment of the machine makes an engine slower, never faster.
    """
    best: dict[str, float] = {}
    for turn in range(TURNS):
        for name, run in runners.items():
            if turn and best[name] > SLOW:
                continue
            times: list[float] = []
            while len(times) < 3 or sum(times) < BUDGET / TURNS:
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
                if times[-1] > SLOW:
                    break
            taken = statistics.median(times[1:] or times)
            best[name] = min(best.get(name, taken), taken)
    for name in [name for name, taken in best.items() if name != "visionlab" and taken < CLOSE * best["visionlab"]]:
        duels = [duel(runners["visionlab"], runners[name]) for _ in range(DUELS)]
        best[name] = best["visionlab"] * statistics.median(duels)
    return best


def duel(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """Their time over ours, the two called in turn, so that what the machine does besides meets both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    while len(times[0]) < 9 or sum(times[0]) + sum(times[1]) < BUDGET:
        for run, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[1]) / statistics.median(times[0])


def main(quick: Annotated[bool, typer.Option(help="The smallest picture alone.")] = False) -> None:
    """Print milliseconds of ours, and the peers' times as multiples of it."""
    torch.set_num_threads(os.cpu_count() or 1)
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; OpenCV {cv2.__version__}")
    rng = np.random.default_rng(0)
    table, rows, worst = None, [], []
    for side in SIDES[:1] if quick else SIDES:
        image = rng.integers(0, 256, (side, side, 3), np.uint8)
        for size in KERNELS:
            line = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * (size / 5) ** 2))
            for kind, weights in (("separable", np.outer(line, line)), ("any", rng.normal(size=(size, size)))):
                weights = (weights / np.abs(weights).sum()).astype(np.float32)
                times = race(engines(image, weights))
                ours = times.pop("visionlab")
                if table is None:
                    table = Table("picture", "kernel", "", "ours, ms", *times, title="Times of the peers / ours")
                fastest = min(times, key=times.get)
                ratios = [
                    f"[bold]{t / ours:.2f}[/bold]" if n == fastest else f"{t / ours:.2f}" for n, t in times.items()
                ]
                table.add_row(f"{side}²", f"{size}²", kind, f"{ours * 1e3:.1f}", *ratios)
                rows.append(times["convolve2d"] / ours)
                worst.append((ours / times[fastest], side, size, kind, fastest))
    console.print(table)
    console.print(f"convolve2d takes {statistics.median(rows):.0f} times as long as ours in the median.")
    slow = [row for row in sorted(worst, reverse=True) if row[0] > 1.1]
    console.print(f"Rows in which ours takes more than 1.1 × the fastest peer: {len(slow)} of {len(worst)}")
    for ratio, side, size, kind, fastest in slow:
        console.print(f"  {ratio:.2f} × {fastest} at {side}², {size}², {kind}")


if __name__ == "__main__":
    typer.run(main)
