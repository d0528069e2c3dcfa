"""Growth: time and memory against the size of a picture, the number of pictures, and that of sessions.

The exponent is the slope on log axes, over the points from a thirtieth of the largest on, where what is always there
no longer hides it: 1 is what grows as its work does. Dotted in the picture is that. Memory is what the process takes at
most beyond what it had before.
"""

from __future__ import annotations

import gc
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from hostile.outcome import from_now, peak
from hostile.sessions import resident
from hostile.visitor import Visitor

import visionlab as vl
from benchmarks.browsing import serving
from benchmarks.measuring import Answer, Goal, Line, Row, Run, Setting, asked, number, timed
from benchmarks.pictures import files, photographs
from benchmarks.transfer import fitted, known_features
from visionlab.device import give_back_memory
from visionlab.imaging.image import encode_jpeg
from visionlab.learning.features.embedding import embed
from visionlab.learning.sets.dataset import LabelledImages

TITLE = "Growth"
MEGAPIXELS = (0.1, 0.4, 1.6, 6, 16, 40)
PICTURES = (10, 40, 160, 640, 2000, 5000)
SESSIONS = (1, 3, 10, 25, 50)
NEAR = 30  # points from a thirtieth of the largest on count
KERNEL = np.random.default_rng(0).normal(size=(7, 7)) / 49
CLASSES = ("a", "b")
LITTLE = 8.0  # MB: less than that is told as so much, since it may be anybody's


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope on log axes."""
    x, y = np.log(np.array([point for point in points if point[0] >= points[-1][0] / NEAR])).T
    return float(np.polyfit(x, y, 1)[0])


def grown(run: Run, turns: int = 3) -> tuple[float, float]:
    """(seconds, MB at most beyond what there was): the least of the turns, the first of which warms up."""
    seconds, most = [], []
    for _ in range(turns):
        gc.collect()
        give_back_memory()
        before = from_now()
        seconds.append(timed(run))
        most.append((peak() - before) / 2**10)
    return min(seconds), max(most)


def against(name: str, x: str, sizes: Sequence[float], make: Callable[[float], Run], turns: int = 3) -> list[Line]:
    """Two lines: time and memory of what make(size) gives."""
    found = [(size, *grown(make(size), turns)) for size in sizes]
    time_ = Line(name, x, "seconds", tuple((size, seconds) for size, seconds, _ in found))
    return [time_, Line(name, x, "MB", tuple((size, max(most, LITTLE)) for size, _, most in found))]


def of_size(megapixels: float) -> tuple[int, int]:
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    return height, round(megapixels * 1e6 / height)


def pictures_grow(setting: Setting) -> Iterator[Line]:
    sizes, x = MEGAPIXELS[: 3 if setting.short else None], "megapixels"
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    chain = vl.CHAINS["sketch"].pipeline()

    def convolved(megapixels: float) -> Run:
        [picture] = photographs(1, *of_size(megapixels))
        return lambda: vl.convolve(picture, KERNEL, device="cpu")

    def filtered(megapixels: float) -> Run:
        [picture] = photographs(1, *of_size(megapixels))
        return lambda: chain.run(picture)

    def predicted(megapixels: float) -> Run:
        [file] = files(1, *of_size(megapixels))
        return lambda: vl.predict(net, [vl.load_image(file)])

    yield from against("convolve, 7 × 7", x, sizes, convolved)
    yield from against("the chain “sketch”", x, sizes, filtered, turns=2)
    yield from against("a file → its classes", x, sizes, predicted)


def sets_grow(setting: Setting) -> Iterator[Line]:
    sizes, x = PICTURES[: 3 if setting.short else None], "pictures"
    net = vl.load_classifier("vgg16-tinyimagenet", "cpu")
    rng = np.random.default_rng(0)
    cut = photographs(1, 2048, 2048)[0]
    corners = rng.integers(0, 2048 - 160, (int(max(sizes)), 2))
    crops = [np.ascontiguousarray(cut[y : y + 120, x : x + 160]) for y, x in corners]
    encoded = [encode_jpeg(crop, 90) for crop in crops]

    def taken_in(count: float) -> Run:
        given = {name: [(f"{i}.jpg", encoded[i]) for i in range(k, int(count), 2)] for k, name in enumerate(CLASSES)}
        return lambda: LabelledImages.from_uploads(given)

    def embedded(count: float) -> Run:
        return lambda: embed(net, crops[: int(count)])

    def learned(count: float) -> Run:
        return fitted(*known_features(int(count), 2))

    yield from against("taken in, near-copies grouped", x, sizes, taken_in, turns=1)
    yield from against("embedded", x, sizes, embedded, turns=1)
    yield from against("a linear head", x, sizes, learned, turns=2)


def sessions_grow(setting: Setting) -> Iterator[Line]:
    """So many sessions, each with a page of predictions: memory, and the time until all have moved a slider at once."""
    counts = SESSIONS[: 2 if setting.short else None]
    took, memory = [], []
    with serving() as (process, url):
        visitors: list[Visitor] = []
        Visitor(url).open("Predict").close()
        before = resident(process.pid)
        for count in counts:
            visitors += [Visitor(url).open("Predict") for _ in range(count - len(visitors))]
            taken = []
            for value in (3, 4, 6):
                threads = [threading.Thread(target=each.slide, args=("count", value)) for each in visitors]
                start = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                taken.append(time.perf_counter() - start)
            took.append((count, statistics.median(taken)))
            memory.append((count, max(LITTLE, resident(process.pid) - before)))
        for visitor in visitors:
            visitor.close()
    yield Line("a slider, all at once", "sessions", "seconds", tuple(took))
    yield Line("a page of predictions each", "sessions", "MB", tuple(memory))


def measure(setting: Setting) -> Answer:
    torch.set_num_threads(os.cpu_count() or 1)
    lines = [*pictures_grow(setting), *sets_grow(setting), *sessions_grow(setting)]
    rows = []
    for line in lines:
        what = f"{line.name}: {line.y} against {line.x}"
        rows.append(Row(what, exponent(line.points), "exponent", goal=Goal(1.1, of="value")))
    ends = [f"{line.name}, {line.points[-1][0]:,g} {line.x}: {number(line.points[-1][1])} {line.y}." for line in lines]
    return Answer(rows, lines, ends)


if __name__ == "__main__":
    asked(TITLE, measure, __doc__)
