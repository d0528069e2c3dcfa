"""One server is used for long: predictions, sliders, page changes, live video, trainings. After a fifth of all that it
takes no more memory, and once nobody is there no more file handles, threads or temporary files than before.
"""

from __future__ import annotations

import base64
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from browser.driver import striped
from browser.servers import start_server
from hostile.kills import environment, told_counts, uploaders
from hostile.outcome import Outcome
from hostile.sessions import KEPT, PAGES, resident
from hostile.visitor import Visitor
from PIL import Image as PillowImage

GROWTH = 100  # MB
SIDE = 500  # pixels of the pictures that are uploaded: 400 kB of noise each
SECONDS = 30.0  # that one thing may take
REST = 5.0  # seconds in which threads and connections that are over have to go by themselves
WARM = 0.2  # of everything is done before the first look


@dataclass(frozen=True)
class Taken:
    """What a process holds: MB of memory, open files, threads, and temporary files."""

    megabytes: int
    handles: int
    threads: int
    temporary: int


def run(
    predictions: int = 500, moves: int = 500, pages: int = 100, minutes: float = 20, trainings: int = 10
) -> Outcome:
    """So many of each, by one visitor after the other, in one server."""
    outcome = Outcome("Long use")
    with tempfile.TemporaryDirectory() as base:
        place = Path(base, "temporary")
        place.mkdir()
        with environment(VISIONLAB_WORKSPACE=f"{base}/projects", TMPDIR=str(place), OMP_NUM_THREADS="1"):
            process, url = start_server()
        try:
            uses: list[tuple[Callable[[Visitor, int, Outcome], None], float]] = [
                (predict, predictions),
                (move, moves),
                (turn, pages),
                (watch, 60 * minutes),
                (train, trainings),
            ]
            first = _looked(url, process.pid, place, uses, WARM, outcome)
            last = _looked(url, process.pid, place, uses, 1 - WARM, outcome)
        finally:
            process.kill()
            process.wait(20)
    if last.megabytes - first.megabytes > GROWTH:
        outcome.fail(f"memory: it grew by {last.megabytes - first.megabytes} MB, and {GROWTH} MB are allowed")
    for what in ("handles", "threads", "temporary"):
        before, after = getattr(first, what), getattr(last, what)
        if after > before:
            outcome.fail(f"{what}: {after - before} more than before are left")
        outcome.notes.append(f"{what} before and after: {before} and {after}")
    outcome.notes.append(f"MB before and after: {first.megabytes} and {last.megabytes}")
    return outcome


def _looked(url: str, process: int, place: Path, uses, share: float, outcome: Outcome) -> Taken:
    """Do a share of everything, leave, and see what the server holds once the sessions have gone."""
    for act, count in uses:
        visitor = Visitor(url)
        act(visitor, max(1, round(share * count)), outcome)
        visitor.close()
    time.sleep(KEPT)
    Visitor(url).open("").close()  # whoever leaves lets those go who left long before
    time.sleep(REST)
    return taken(process, place)


def taken(process: int, place: Path) -> Taken:
    own = Path("/proc", str(process))
    files = [path for path in place.rglob("*") if path.is_file()]
    return Taken(resident(process), len([*(own / "fd").iterdir()]), len([*(own / "task").iterdir()]), len(files))


# What is done ---------------------------------------------------------------------------------------------------------


def predict(visitor: Visitor, count: int, outcome: Outcome) -> None:
    visitor.open("Predict")
    for number in range(count):
        name = f"{time.monotonic_ns()}.jpg"
        _done(outcome, visitor, "a prediction", visitor.upload, "upload", [(name, noise(number))])
        assert name in visitor.text


def move(visitor: Visitor, count: int, outcome: Outcome) -> None:
    visitor.open("Filters")
    for number in range(count):
        _done(outcome, visitor, "a move of a slider", visitor.slide, "value-1-sigma", 0.5 + number % 40 / 10)


def turn(visitor: Visitor, count: int, outcome: Outcome) -> None:
    visitor.open("")
    for number in range(count):
        _done(outcome, visitor, "a page", visitor.turn_to, PAGES[number % len(PAGES)])


def watch(visitor: Visitor, seconds: int, outcome: Outcome) -> None:
    """Frames as fast as they are answered, with reasons every other time."""
    visitor.open("Predict", mode="Live camera")
    frames = [base64.b64encode(noise(number, 256)).decode() for number in range(20)]
    number, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        number += 1
        frame = {"number": number, "jpeg": frames[number % 20], "why": number % 2 == 0}
        _done(outcome, visitor, "a frame of video", visitor.tell, "live-camera", "frame", frame)
        assert visitor.data("live-camera")["answer"]["number"] == number


def train(visitor: Visitor, count: int, outcome: Outcome) -> None:
    """Each time on more pictures."""
    visitor.open("Fine_tune").submit("FormSubmitter:add-class-Add the classes", new_class="across, down")
    for number in range(1, count + 1):
        for kind in (0, 1):
            files = [(f"{seed}.png", striped(kind, seed)) for seed in range(4 * number - 4, 4 * number)]
            visitor.upload(uploaders(visitor)[kind], files)
        while told_counts(visitor) != [4 * number, 4 * number]:
            visitor.run()
        _done(outcome, visitor, "a training", _trained, visitor)


def _trained(visitor: Visitor) -> None:
    visitor.click("train-here")
    while "stop-run" in visitor.keys:
        time.sleep(0.1)
        visitor.run()


def _done(outcome: Outcome, visitor: Visitor, kind: str, act: Callable[..., object], *arguments: object) -> None:
    outcome.attempt(kind, partial(act, *arguments), SECONDS)
    for told in visitor.exceptions:
        outcome.fail(f"{kind}: the page shows {told}")


def noise(seed: int, side: int = SIDE) -> bytes:
    """A JPEG that nothing makes small, another one each time."""
    chance = np.random.default_rng([seed, time.monotonic_ns() % 2**32])
    file = io.BytesIO()
    PillowImage.fromarray(chance.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()
